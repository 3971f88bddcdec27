"""Entity Capabilities (XEP-0115): the server's own, in its stream features, and its users'.

What the server's hash is made of, and when it is made anew, stands in core/disco.py; how the
capabilities of others are found out and verified, in core/capabilities.py. Here is what of all
presence gets there: that of the sessions, and what contacts elsewhere show an account. While some
component may be told what clients want events of, also what strangers show one (XEP-0060 §9.1.3).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Set as AbstractSet
from functools import lru_cache

from twisted.internet.defer import Deferred

from xmppd import ns
from xmppd.core import capabilities, presence, sharers
from xmppd.core.capabilities import CAPS, Standing
from xmppd.core.context import ModuleContext
from xmppd.core.crowds import Crowds
from xmppd.core.disco import CAPS_NODE
from xmppd.core.host import Host
from xmppd.core.iq import On
from xmppd.core.sessions import Session
from xmppd.core.sharers import Shared, Sharers
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
    context.hook(hooks.client_presence, Phase.ARCHIVE, seen.directed)
    context.hook(hooks.session_unbound, Phase.FALLBACK, seen.gone)
    elsewhere = context.gate(hooks.account_presence, Phase.ARCHIVE, seen.received, seen.concerned)
    elsewhere.open(context.host.router.attached)
    context.hook(hooks.attached, Phase.DELIVER, elsewhere.open)
    context.hook(hooks.configured, Phase.DELIVER, seen.follow)
    seen.follow()
    context.on_unload(context.host.capabilities.clear)


class Seen:
    """Whose presence the server sees."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._capabilities = host.capabilities
        self._shown: set[Shared] = set()
        """Who elsewhere shows his presence to which account."""
        self._crowds = Crowds[Shared]()
        self._strangers = Sharers()
        """And who does whom no account there has for a contact."""
        self._to: Counter[JID] = Counter()
        """To how many accounts each of them does."""
        self._wanted = False
        """Whether it is of any use to know what strangers want."""

    def follow(self) -> None:
        """Take what the configuration grants now."""
        tables = self._host.config.components.values()
        self._wanted = any(each.interests for each in tables)
        if not self._wanted:
            for pair in list(self._strangers):
                self._hidden(pair)

    # ------------------------------------------------------------------ sessions

    def own(self, session: Session, stanza: Stanza, before: int | None) -> None:
        """A session's own presence. One without capabilities changes nothing (§8.4)."""
        if stanza.type == "unavailable":
            self._capabilities.forget(session.jid)
        elif CAPS in stanza.children:
            self._named(session.jid, stanza, session.account, Standing.USER)

    def directed(self, stanza: Stanza, session: Session) -> Stanza:
        """What a client says that shows itself to no more than some accounts (RFC 6121 §4.6)."""
        to = stanza.to
        if not self._wanted or session.available or to is None or stanza.type:
            return stanza
        if to.local and to.domain in self._host.domains and CAPS in stanza.children:
            self._named(session.jid, stanza, session.account, Standing.USER)
        return stanza

    def gone(self, session: Session) -> None:
        """A session that has ended."""
        self._capabilities.forget(session.jid)

    def _named(self, jid: JID, stanza: Stanza, asker: JID, standing: Standing) -> None:
        caps = capabilities.named(stanza)
        if caps is None:
            self._capabilities.forget(jid)
        else:
            self._capabilities.announce(jid, caps, asker, standing)

    # ------------------------------------------------------------------ what accounts are shown

    def received(self, stanza: Stanza) -> Stanza:
        """Presence for an account; that of the users of this server is known already."""
        sender, to = stanza.sender, stanza.to
        if sender is None or to is None or sender.domain in self._host.domains:
            return stanza
        if not sender.resource:
            return stanza
        if stanza.type == "unavailable":
            self._hidden(Shared(sender, to.bare))
        elif not stanza.type and CAPS in stanza.children:
            looking = Deferred.fromCoroutine(self._from_elsewhere(stanza, sender, to.bare))
            looking.addErrback(presence.bug)
        return stanza

    def concerned(self, stanza: Stanza, accounts: AbstractSet[JID]) -> AbstractSet[JID]:
        """To whom of many somebody shows what `received` takes note of: his contacts, mostly."""
        sender = stanza.sender
        if sender is None or sender.domain in self._host.domains or not sender.resource:
            return frozenset()
        if stanza.type == "unavailable":
            known = accounts if sender in self._to else ()
            return {account for account in known if self._sees(Shared(sender, account))}
        if stanza.type or CAPS not in stanza.children:
            return frozenset()
        if self._wanted and not sharers.of_room(stanza):
            return accounts
        return presence.acquainted(self._host, sender.bare, accounts)

    def _sees(self, pair: Shared) -> bool:
        return pair in self._shown or pair in self._strangers

    async def _from_elsewhere(self, stanza: Stanza, sender: JID, account: JID) -> None:
        """Take note of the capabilities of a contact, and of who is none while that is of use.

        But not of who is blocked: nobody asks him in the user's name.
        """
        resident = await self._host.residents.fetch(account)
        contact = resident is not None and resident.roster.state(sender.bare) & (FROM | TO)
        if not contact and (not self._wanted or sharers.of_room(stanza)):
            return
        if resident is not None and self._host.hooks.resident_stanza(stanza, resident) is None:
            return
        if contact:
            self._from_contact(stanza, sender, account)
        else:
            self._from_stranger(stanza, sender, account)

    def _from_contact(self, stanza: Stanza, sender: JID, account: JID) -> None:
        pair = Shared(sender, account)
        if pair not in self._shown:
            self._to[sender] += not self._strangers.remove(pair)
        self._shown.add(pair)
        self._crowds.note(pair, sender.domain)
        self._named(sender, stanza, account, Standing.CONTACT)
        while len(self._shown) > MOST_CONTACTS:
            self._hidden(self._crowds.last(pair))

    def _from_stranger(self, stanza: Stanza, sender: JID, account: JID) -> None:
        """Take note of a stranger's capabilities.

        He is asked in the name of the server, and even where there is no such account: nobody
        learns by it who has one here.
        """
        pair = Shared(sender, account)
        self._to[sender] += not self._sees(pair)
        self._unshow(pair)
        for gone in self._strangers.add(pair):
            self._uncount(gone.sender)
        self._named(sender, stanza, JID.parse(account.domain), Standing.STRANGER)

    def _hidden(self, pair: Shared) -> None:
        """One is seen by an account no longer; without any other account he is forgotten."""
        if not self._sees(pair):
            return
        self._unshow(pair)
        self._strangers.remove(pair)
        self._uncount(pair.sender)

    def _unshow(self, pair: Shared) -> None:
        self._shown.discard(pair)
        self._crowds.drop(pair)

    def _uncount(self, jid: JID) -> None:
        self._to[jid] -= 1
        if not self._to[jid]:
            del self._to[jid]
            self._capabilities.forget(jid)
