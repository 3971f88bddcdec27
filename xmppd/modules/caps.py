"""Entity Capabilities (XEP-0115): the server's own, in its stream features, and its users'.

What the server's hash is made of, and when it is made anew, stands in core/disco.py; how the
capabilities of others are found out and verified, in core/capabilities.py. Here is what of all
presence gets there: that of the sessions, and what contacts elsewhere show an account.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Set as AbstractSet
from functools import lru_cache

from twisted.internet.defer import Deferred

from xmppd import ns
from xmppd.core import capabilities, presence
from xmppd.core.capabilities import CAPS
from xmppd.core.context import ModuleContext
from xmppd.core.disco import CAPS_NODE
from xmppd.core.host import Host
from xmppd.core.iq import On
from xmppd.core.sessions import Session
from xmppd.jid import JID
from xmppd.phases import Phase
from xmppd.stream.features import Feature, Offering
from xmppd.stream.states import Fact
from xmppd.subscription import FROM, TO
from xmppd.wire.build import Raw, Tag
from xmppd.wire.stanza import Stanza

XEP = (115, "1.6.0", "complete")

MOST_CONTACTS = 20_000
"""Of how many contacts elsewhere, each seen by one account, the presence is remembered."""


def register(context: ModuleContext) -> None:
    """Offer the server's capabilities (§6.3), and find out those of who shows presence (§5.4)."""
    _offer(context)
    _learn(context)


def _offer(context: ModuleContext) -> None:
    """Offer the server's capabilities to clients that have authenticated (§6.3)."""
    advertised, iq = context.host.advertised, context.host.router.iq

    @lru_cache(maxsize=64)
    def written(ver: str) -> Raw:
        attrs = {"hash": "sha-1", "node": CAPS_NODE, "ver": ver}
        return Raw(Tag("c", attrs, ns=ns.CAPS).render())

    def render(stream: Offering) -> Raw | None:
        if not iq.knows(On.HOST, "get", f"{ns.DISCO_INFO} query", stream.domain):
            return None  # nobody would answer who wants to verify it
        return written(advertised.ver(stream.domain))

    context.advertise(ns.CAPS)
    context.feature(Feature("capabilities", Fact.AUTHENTICATED, Fact.BOUND, render))


def _learn(context: ModuleContext) -> None:
    seen, hooks = Seen(context.host), context.hooks
    # Before presence is sent or told to anybody: who is told it may ask what its sender can do.
    context.hook(hooks.presence, Phase.ARCHIVE, seen.own)
    context.hook(hooks.session_unbound, Phase.FALLBACK, seen.gone)
    elsewhere = context.gate(hooks.account_presence, Phase.ARCHIVE, seen.received, seen.concerned)
    elsewhere.open(context.host.router.attached)
    context.hook(hooks.attached, Phase.DELIVER, elsewhere.open)
    context.on_unload(context.host.capabilities.clear)


class Seen:
    """Whose presence the server sees."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._capabilities = host.capabilities
        self._shown: OrderedDict[tuple[JID, JID], None] = OrderedDict()
        """Who elsewhere shows his presence to which account, the latest last."""
        self._to: Counter[JID] = Counter()
        """To how many accounts each of them does."""

    # ------------------------------------------------------------------ sessions

    def own(self, session: Session, stanza: Stanza, before: int | None) -> None:
        """A session's own presence. One without capabilities changes nothing (§8.4)."""
        if stanza.type == "unavailable":
            self._capabilities.forget(session.jid)
        elif CAPS in stanza.children:
            self._named(session.jid, stanza, session.account, local=True)

    def gone(self, session: Session) -> None:
        """A session that has ended."""
        self._capabilities.forget(session.jid)

    def _named(self, jid: JID, stanza: Stanza, asker: JID, *, local: bool) -> None:
        caps = capabilities.named(stanza)
        if caps is None:
            self._capabilities.forget(jid)
        else:
            self._capabilities.announce(jid, caps, asker, local=local)

    # ------------------------------------------------------------------ contacts elsewhere

    def received(self, stanza: Stanza) -> Stanza:
        """Presence for an account; that of the users of this server is known already."""
        sender, to = stanza.sender, stanza.to
        if sender is None or to is None or sender.domain in self._host.domains:
            return stanza
        if not sender.resource:
            return stanza
        if stanza.type == "unavailable":
            self._hidden((sender, to.bare))
        elif not stanza.type and CAPS in stanza.children:
            looking = Deferred.fromCoroutine(self._from_elsewhere(stanza, sender, to.bare))
            looking.addErrback(presence.bug)
        return stanza

    def concerned(self, stanza: Stanza, accounts: AbstractSet[JID]) -> AbstractSet[JID]:
        """To whom of many somebody shows what `received` takes note of: his contacts."""
        sender = stanza.sender
        if sender is None or sender.domain in self._host.domains or not sender.resource:
            return frozenset()
        if stanza.type == "unavailable":
            shown = self._shown if sender in self._to else ()
            return {account for account in accounts if (sender, account) in shown}
        if stanza.type or CAPS not in stanza.children:
            return frozenset()
        return presence.acquainted(self._host, sender.bare, accounts)

    async def _from_elsewhere(self, stanza: Stanza, sender: JID, account: JID) -> None:
        """Take note of a contact's capabilities: strangers are none of the server's business.

        Nor is who is blocked: nobody asks him in the user's name.
        """
        resident = await self._host.residents.fetch(account)
        if resident is None or not resident.roster.state(sender.bare) & (FROM | TO):
            return
        if self._host.hooks.resident_stanza(stanza, resident) is None:
            return
        pair = sender, account
        if pair not in self._shown:
            self._to[sender] += 1
        self._shown[pair] = None
        self._shown.move_to_end(pair)
        self._named(sender, stanza, account, local=False)
        while len(self._shown) > MOST_CONTACTS:
            self._hidden(next(iter(self._shown)))

    def _hidden(self, pair: tuple[JID, JID]) -> None:
        """One is seen by an account no longer; without any other account he is forgotten."""
        if pair not in self._shown:
            return
        del self._shown[pair]
        self._to[pair[0]] -= 1
        if not self._to[pair[0]]:
            del self._to[pair[0]]
            self._capabilities.forget(pair[0])
