"""Presence for components that have been granted it (XEP-0356 §7): of users, and of their contacts.

A component is told when a user's resource comes and goes, and with "roster" of whatever presence
users get from their contacts, each time once however many users get it. Who connects later is told
of all who are there.

Where its table says `interests`, what a client wants events of stands at the end of its presence
(core/interests.py). It is told again once that is known, and where anything has changed by which
events are sent: what the client can do, its `<show/>`, its priority (XEP-0163 §4.3).
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from typing import NamedTuple

from twisted.internet.defer import Deferred

from xmppd.core import capabilities, interests, presence
from xmppd.core.capabilities import CAPS, Caps
from xmppd.core.context import ModuleContext
from xmppd.core.disco import DiscoInfo
from xmppd.core.hooks import Gate
from xmppd.core.host import Host
from xmppd.core.sessions import Session
from xmppd.jid import JID
from xmppd.phases import Phase
from xmppd.subscription import TO
from xmppd.wire import tree
from xmppd.wire.stanza import Stanza

XEP = (356, "0.4.1", "complete")

REMEMBERED = 20_000
"""Of how many resources of contacts elsewhere the last presence is kept."""

LARGEST = 4_096
"""Octets of presence that is kept, attributes and all: what is larger is told, but to nobody who
comes later."""

_OF_USERS = ("managed_entity", "roster")
"""The grants by which a component is told of users."""


def register(context: ModuleContext) -> None:
    """Look at the presence of users, and of contacts while some component may be told of it."""
    host, hooks = context.host, context.hooks
    told = Told(host)
    told.gates = (
        context.gate(hooks.presence, Phase.COPY, told.changed),
        context.gate(hooks.account_presence, Phase.COPY, told.received, told.concerned),
        context.gate(hooks.capabilities, Phase.DELIVER, told.learned),
    )
    context.hook(hooks.component_connected, Phase.FALLBACK, told.connected)
    context.hook(hooks.configured, Phase.DELIVER, told.follow)
    told.follow()


class _Look(NamedTuple):
    """What of a client's presence decides about events."""

    caps: Caps | None
    show: str
    priority: int | None


class Told:
    """What components are told of presence."""

    gates: tuple[Gate, Gate, Gate]
    """Of users' presence, of contacts', and of what clients can do: open while a component may be
    told of it."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._contacts: OrderedDict[JID, Stanza] = OrderedDict()
        """By full JID, the presence of contacts elsewhere, the one that came last at the end."""
        self._looks: dict[JID, _Look] = {}
        """Those of the available sessions, where any component may be told of interests."""
        self._unknown: set[JID] = set()
        """Of whom presence was told while nobody knew what their clients can do."""
        self._shown: dict[JID, dict[JID, None]] = {}
        """Of those contacts whose presence is kept, which accounts they have shown it to, where any
        component may be told of interests."""

    def follow(self) -> None:
        """Take what the configuration grants now."""
        grants = {each.presence for each in self._host.config.components.values()}
        wanted = any(each.interests for each in self._host.config.components.values())
        of_users, of_contacts, of_interests = self.gates
        of_users.open(bool(grants - {"none"}))
        of_contacts.open("roster" in grants)
        of_interests.open(wanted)
        if "roster" not in grants:
            self._contacts.clear()
            self._shown.clear()
        if not wanted:
            self._looks.clear()
            self._unknown.clear()
            self._shown.clear()

    def _components(self, domain: str, *granted: str, interested: bool = False) -> Iterator[JID]:
        """The components that are there and may be told of presence at a domain.

        Only those that are told of interests where these are `interested`.
        """
        for name in self._host.components.connected:
            jid = JID.parse(name)
            grants = self._host.components.grants(jid, domain)
            if grants is None or grants.presence not in granted:
                continue
            if grants.interests or not interested:
                yield jid

    # ------------------------------------------------------------------ users

    def changed(self, session: Session, stanza: Stanza, before: int | None) -> None:
        """A user's resource has come or gone (§7.1.3); what it says in between is no news.

        But to a component that is told of contacts of those at a domain where somebody sees him.
        """
        told: set[JID] = set()
        looks_else = self._looks_else(session, stanza)
        if (stanza.type == "") is (before is None):
            told.update(self._components(session.jid.domain, *_OF_USERS))
        elif stanza.type != "":
            return
        elif looks_else:
            told.update(self._components(session.jid.domain, *_OF_USERS, interested=True))
        for domain in self._follow_him(session):
            told.update(self._components(domain, "roster"))
        for component in sorted(told):
            self._tell(component, (stanza,))

    def _looks_else(self, session: Session, stanza: Stanza) -> bool:
        """Whether a session's presence differs from its last one in what decides about events."""
        jid = session.jid
        if stanza.type != "":
            self._looks.pop(jid, None)
            self._unknown.discard(jid)
            return False
        if not self.gates[2].is_open:
            return False
        last = self._looks.get(jid)
        caps = capabilities.named(stanza) if CAPS in stanza.children else last and last.caps
        show = ""
        if f"{stanza.content} show" in stanza.children:
            show = tree.child_text(stanza.element, f"{{{stanza.content}}}show") or ""
        look = self._looks[jid] = _Look(caps, show, session.priority)
        return look != last

    def learned(self, jid: JID, info: DiscoInfo) -> None:
        """It has become known what a client can do: who was told of it before is told again.

        But not where it has just said so in presence that is about to be told.
        """
        if jid in self._unknown:
            self._host.clock.callLater(0, self._tell_again, jid)

    def _tell_again(self, jid: JID) -> None:
        if jid not in self._unknown or self._host.capabilities.of(jid) is None:
            return
        self._unknown.discard(jid)
        session = self._host.directory.get(jid)
        told: set[JID] = set()
        if session is not None:
            told.update(self._components(jid.domain, *_OF_USERS, interested=True))
            for domain in self._follow_him(session):
                told.update(self._components(domain, "roster", interested=True))
        elif (stanza := self._contacts.get(jid)) is not None and stanza.to is not None:
            told.update(self._components(stanza.to.domain, "roster", interested=True))
        for component in sorted(told):
            self._tell(component, self._current((jid,)))

    def _follow_him(self, session: Session) -> set[str]:
        """The domains of ours where somebody has the user for a contact, and sees him."""
        domains = self._host.domains
        return {jid.domain for jid in session.resident.roster.subscribers if jid.domain in domains}

    # ------------------------------------------------------------------ contacts elsewhere

    def received(self, stanza: Stanza) -> Stanza:
        """Presence has come for an account, whether or not anybody is there to get it (§7.2)."""
        sender, to = stanza.sender, stanza.to
        if (
            stanza.type in ("", "unavailable")
            and sender is not None
            and to is not None
            and sender.domain not in self._host.domains
            and any(self._components(to.domain, "roster"))
        ):
            Deferred.fromCoroutine(self._received(stanza, sender, to)).addErrback(presence.bug)
        return stanza

    def concerned(self, stanza: Stanza, accounts: AbstractSet[JID]) -> AbstractSet[JID]:
        """Whose contact it may be that has sent presence to many."""
        sender = stanza.sender
        if sender is None or stanza.type not in ("", "unavailable"):
            return frozenset()
        return presence.acquainted(self._host, sender.bare, accounts)

    async def _received(self, stanza: Stanza, sender: JID, to: JID) -> None:
        resident = await self._host.residents.fetch(to.bare)
        if resident is None or not resident.roster.state(sender.bare) & TO:
            return
        news, shown = self._remember(stanza, sender), self._show(sender, to.bare)
        for component in self._components(to.domain, "roster", interested=not news):
            if news or shown:
                self._tell(component, (stanza,), shown=shown)

    def _show(self, sender: JID, account: JID) -> Sequence[JID]:
        """The account, if a contact that is there shows himself to it for the first time."""
        if sender not in self._contacts or not self.gates[2].is_open:
            return ()
        shown = self._shown.setdefault(sender, {})
        if account in shown:
            return ()
        shown[account] = None
        return (account,)

    def _remember(self, stanza: Stanza, sender: JID) -> bool:
        """Keep what a contact says of itself; False where it has said the same to another user."""
        contacts = self._contacts
        last = contacts.pop(sender, None)
        if stanza.type == "unavailable":
            self._forget(sender)
            return last is not None or not sender.resource
        if len(stanza.tail()) <= LARGEST:
            contacts[sender] = stanza
            if len(contacts) > REMEMBERED:
                jid, _ = contacts.popitem(last=False)
                self._forget(jid)
        return last is None or last.inner != stanza.inner

    def _forget(self, contact: JID) -> None:
        self._unknown.discard(contact)
        self._shown.pop(contact, None)

    # ------------------------------------------------------------------ telling

    def connected(self, component: str, instance: str) -> None:
        """Tell a component of all who are there (§8)."""
        host, jid = self._host, JID.parse(component)
        waiting: list[JID] = []
        for domain in host.domains:
            grants = host.components.grants(jid, domain)
            if grants is None or grants.presence == "none":
                continue
            waiting += [
                session.jid
                for session in host.directory
                if session.available
                and (
                    session.jid.domain == domain
                    or (grants.presence == "roster" and domain in self._follow_him(session))
                )
            ]
            if grants.presence == "roster":
                waiting += self._contacts
        later = host.clock.callLater
        # A contact of users at two domains is told of once.
        once = dict.fromkeys(waiting)

        def tell(some: Iterable[JID]) -> None:
            self._tell(jid, self._current(some), instance)

        presence.in_slices(later, once, tell, _done)

    def _current(self, jids: Iterable[JID]) -> Iterator[Stanza]:
        """The presence of those who are there, as it is by now."""
        for jid in jids:
            session = self._host.directory.get(jid)
            if session is None:
                stanza = self._contacts.get(jid)
            else:
                stanza = session.presence if session.available else None
            if stanza is not None:
                yield stanza

    def _tell(
        self,
        component: JID,
        stanzas: Iterable[Stanza],
        instance: str = "",
        shown: Sequence[JID] | None = None,
    ) -> None:
        """Directed presence from a full JID (§7.1.1), whatever its privacy lists say to others.

        `shown` are the accounts that a contact elsewhere has shown it to since the last time; None
        for all that he has.
        """
        host = self._host
        serving = host.components.get(component)
        if serving is None:
            return
        for stanza in stanzas:
            told, sender = interests.without(stanza), stanza.sender
            if serving.settings.interests and not stanza.type and sender is not None:
                info = host.capabilities.of(sender)
                accounts = self._shown.get(sender, ()) if shown is None else shown
                told = interests.with_accounts(told, accounts)
                told = interests.with_interests(told, info)
                self._note(sender, known=info is not None)
            copy = told.addressed(component)
            copy.claim = None
            host.components.tell(component, instance, copy)

    def _note(self, jid: JID, *, known: bool) -> None:
        """Remember whether it was said what a client wants, of which presence is kept."""
        if known:
            self._unknown.discard(jid)
        elif jid in self._contacts or self._host.directory.get(jid) is not None:
            self._unknown.add(jid)


def _done() -> None:
    """Nobody waits for it."""
