"""Presence for components that have been granted it (XEP-0356 §7): of users, and of their contacts.

A component is told when a user's resource comes and goes, and with "roster" of whatever presence
users get from their contacts, each time once however many users get it. Who connects later is told
of all who are there.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet

from twisted.internet.defer import Deferred

from xmppd.core import presence
from xmppd.core.context import ModuleContext
from xmppd.core.hooks import Gate
from xmppd.core.host import Host
from xmppd.core.sessions import Session
from xmppd.jid import JID
from xmppd.phases import Phase
from xmppd.subscription import TO
from xmppd.wire.stanza import Stanza

XEP = (356, "0.4.1", "complete")

REMEMBERED = 20_000
"""Of how many resources of contacts elsewhere the last presence is kept."""

LARGEST = 4_096
"""Octets of presence that is kept, attributes and all: what is larger is told, but to nobody who
comes later."""


def register(context: ModuleContext) -> None:
    """Look at the presence of users, and of contacts while some component may be told of it."""
    host, hooks = context.host, context.hooks
    told = Told(host)
    told.gates = (
        context.gate(hooks.presence, Phase.COPY, told.changed),
        context.gate(hooks.account_presence, Phase.COPY, told.received, told.concerned),
    )
    context.hook(hooks.component_connected, Phase.FALLBACK, told.connected)
    context.hook(hooks.configured, Phase.DELIVER, told.follow)
    told.follow()


class Told:
    """What components are told of presence."""

    gates: tuple[Gate, Gate]
    """Of users' presence and of contacts': open while a component may be told of it."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._contacts: OrderedDict[JID, Stanza] = OrderedDict()
        """By full JID, the presence of contacts elsewhere, the one that came last at the end."""

    def follow(self) -> None:
        """Take what the configuration grants now."""
        grants = {each.presence for each in self._host.config.components.values()}
        of_users, of_contacts = self.gates
        of_users.open(bool(grants - {"none"}))
        of_contacts.open("roster" in grants)
        if "roster" not in grants:
            self._contacts.clear()

    def _components(self, domain: str, *granted: str) -> Iterator[JID]:
        """The components that are there and may be told of presence at a domain."""
        for name in self._host.components.connected:
            jid = JID.parse(name)
            grants = self._host.components.grants(jid, domain)
            if grants is not None and grants.presence in granted:
                yield jid

    # ------------------------------------------------------------------ users

    def changed(self, session: Session, stanza: Stanza, before: int | None) -> None:
        """A user's resource has come or gone (§7.1.3); what it says in between is no news.

        But to a component that is told of contacts of those at a domain where somebody sees him.
        """
        told: set[JID] = set()
        if (stanza.type == "") is (before is None):
            told.update(self._components(session.jid.domain, "managed_entity", "roster"))
        elif stanza.type != "":
            return
        for domain in self._follow_him(session):
            told.update(self._components(domain, "roster"))
        for component in sorted(told):
            self._tell(component, (stanza,))

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
        if self._remember(stanza, sender):
            for component in self._components(to.domain, "roster"):
                self._tell(component, (stanza,))

    def _remember(self, stanza: Stanza, sender: JID) -> bool:
        """Keep what a contact says of itself; False where it has said the same to another user."""
        contacts = self._contacts
        last = contacts.pop(sender, None)
        if stanza.type == "unavailable":
            return last is not None or not sender.resource
        if len(stanza.tail()) <= LARGEST:
            contacts[sender] = stanza
            if len(contacts) > REMEMBERED:
                contacts.popitem(last=False)
        return last is None or last.inner != stanza.inner

    # ------------------------------------------------------------------ telling

    def connected(self, component: str, instance: str) -> None:
        """Tell a component of all who are there (§8)."""
        host, jid = self._host, JID.parse(component)
        waiting: list[Stanza] = []
        for domain in host.domains:
            grants = host.components.grants(jid, domain)
            if grants is None or grants.presence == "none":
                continue
            waiting += [
                session.presence
                for session in host.directory
                if session.presence is not None
                and session.available
                and (
                    session.jid.domain == domain
                    or (grants.presence == "roster" and domain in self._follow_him(session))
                )
            ]
            if grants.presence == "roster":
                waiting += self._contacts.values()
        later = host.clock.callLater
        # A contact of users at two domains is told of once.
        once = {id(stanza): stanza for stanza in waiting}.values()
        presence.in_slices(later, once, lambda some: self._tell(jid, some, instance), _done)

    def _tell(self, component: JID, stanzas: Iterable[Stanza], instance: str = "") -> None:
        """Directed presence from a full JID (§7.1.1), whatever its privacy lists say to others."""
        for stanza in stanzas:
            copy = stanza.addressed(component)
            copy.claim = None
            self._host.components.tell(component, instance, copy)


def _done() -> None:
    """Nobody waits for it."""
