"""Presence for components that have been granted it (XEP-0356 §7): of users, and of their contacts.

A component is told when a user's resource comes and goes, and with "roster" of whatever presence
users get from their contacts, each time once however many users get it. Who connects later is told
of all who are there.

Where its table says `interests`, what a client wants events of stands at the end of its presence
(core/interests.py). It is told again once that is known, and where anything has changed by which
events are sent: what the client can do, its `<show/>`, its priority (XEP-0163 §4.3).

Such a component is told besides, with "roster", who has shown himself to an account that has no
subscription to his presence (XEP-0060 §9.1.3), and nothing more of him than what he shows and
wants. What the account's lists keep from it is not told.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from typing import NamedTuple

from twisted.internet.defer import Deferred

from xmppd.core import capabilities, interests, presence
from xmppd.core.capabilities import CAPS, Caps
from xmppd.core.contacts import Contacts
from xmppd.core.context import ModuleContext
from xmppd.core.disco import DiscoInfo
from xmppd.core.hooks import Gate
from xmppd.core.host import Host
from xmppd.core.interests import Accounts
from xmppd.core.residents import Resident
from xmppd.core.sessions import Session
from xmppd.core.sharers import Shared, Strangers, of_room, show_of
from xmppd.jid import JID
from xmppd.phases import Phase
from xmppd.subscription import TO
from xmppd.wire import tree
from xmppd.wire.stanza import Stanza

XEP = (356, "0.4.1", "complete")

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
        # Behind who remembers to whom a client shows itself.
        context.gate(hooks.client_presence, Phase.FALLBACK, told.directed),
    )
    context.hook(hooks.session_unbound, Phase.FALLBACK, told.gone)
    context.hook(hooks.component_connected, Phase.FALLBACK, told.connected)
    context.hook(hooks.privacy_changed, Phase.DELIVER, told.blocked)
    context.hook(hooks.account_removed, Phase.DELIVER, told.removed)
    context.hook(hooks.configured, Phase.DELIVER, told.follow)
    told.follow()


_TOLD, _GONE = ("", "unavailable"), ("unavailable", "error")

_NONE = Accounts()


class _Look(NamedTuple):
    """What of a client's presence decides about events."""

    caps: Caps | None
    show: str
    priority: int | None


class Told:
    """What components are told of presence."""

    gates: tuple[Gate, Gate, Gate, Gate]
    """Of users' presence, of contacts', of what clients can do, and of presence that users direct
    to somebody: open while a component may be told of it."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._contacts = Contacts()
        """Those elsewhere; to which accounts they show themselves while any component may be told
        of interests."""
        self._looks: dict[JID, _Look] = {}
        """Those of the available sessions, where any component may be told of interests."""
        self._unknown: set[JID] = set()
        """Of whom presence was told while nobody knew what their clients can do."""
        self._strangers = Strangers(lambda: host.domains)
        """Who has shown himself to an account without a subscription of that account, likewise."""
        self._directing: set[JID] = set()
        """The sessions that have directed presence to anybody who does not see it otherwise."""

    def follow(self) -> None:
        """Take what the configuration grants now."""
        grants = {each.presence for each in self._host.config.components.values()}
        wanted = any(each.interests for each in self._host.config.components.values())
        of_users, of_contacts, of_interests, of_strangers = self.gates
        of_users.open(bool(grants - {"none"}))
        of_contacts.open("roster" in grants)
        of_interests.open(wanted)
        of_strangers.open(wanted and "roster" in grants)
        if "roster" not in grants:
            self._contacts.clear()
            self._strangers.clear()
        if not wanted:
            self._looks.clear()
            self._unknown.clear()
            self._contacts.hide_all()
            self._strangers.clear()
            self._directing.clear()

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
        for domain in self._shared_domains(session.jid):
            told.update(self._components(domain, "roster", interested=True))
        if stanza.type != "":
            self._strangers.drop(session.jid)
        if (stanza.type == "") is (before is None):
            told.update(self._components(session.jid.domain, *_OF_USERS))
        elif stanza.type == "" and looks_else:
            told.update(self._components(session.jid.domain, *_OF_USERS, interested=True))
        if stanza.type == "" or before is not None:
            for domain in self._follow_him(session):
                told.update(self._components(domain, "roster"))
        for component in sorted(told):
            self._tell(component, (stanza,), accounts=_NONE)

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
        domains = self._shared_domains(jid)
        if session is not None and session.available:
            told.update(self._components(jid.domain, *_OF_USERS, interested=True))
            domains |= self._follow_him(session)
        elif (stanza := self._contacts.presence(jid)) is not None and stanza.to is not None:
            domains.add(stanza.to.domain)
        for domain in domains:
            told.update(self._components(domain, "roster", interested=True))
        for component in sorted(told):
            self._tell(component, self._current((jid,)))

    def _follow_him(self, session: Session) -> set[str]:
        """The domains of ours where somebody has the user for a contact, and sees him."""
        domains = self._host.domains
        return {jid.domain for jid in session.resident.roster.subscribers if jid.domain in domains}

    def _shared_domains(self, jid: JID) -> set[str]:
        """The domains of ours where somebody has shown himself to accounts as a stranger."""
        return {account.domain for account in self._strangers.accounts(jid)}

    # ------------------------------------------------------------------ what accounts are shown

    def received(self, stanza: Stanza) -> Stanza:
        """Presence has come for an account, whether or not anybody is there to get it (§7.2)."""
        sender, to = stanza.sender, stanza.to
        if sender is None or to is None:
            return stanza
        if sender.domain in self._host.domains and sender not in self._directing:
            return stanza  # what a user sends to all that see it is no news
        if self._is_news(stanza, sender, to) and any(self._components(to.domain, "roster")):
            Deferred.fromCoroutine(self._received(stanza, sender, to)).addErrback(presence.bug)
        return stanza

    def _is_news(self, stanza: Stanza, sender: JID, to: JID) -> bool:
        """Whether presence may be a contact's elsewhere, or a stranger's."""
        if stanza.type in _GONE and sender in self._strangers:
            return True
        if sender.domain not in self._host.domains:
            return stanza.type in _TOLD
        return not stanza.type and self._has_directed(sender, to)

    def directed(self, stanza: Stanza, session: Session) -> Stanza:
        """A client sends presence; what it directs to somebody is looked at when it gets there."""
        if stanza.to is not None and session.data.get(presence.DIRECTED):
            self._directing.add(session.jid)
        return stanza

    def gone(self, session: Session) -> None:
        """A session has ended, and whoever is to know has been told."""
        self._directing.discard(session.jid)

    def _has_directed(self, sender: JID, to: JID) -> bool:
        """Whether a user shows himself to who does not see him otherwise."""
        session = self._host.directory.get(sender)
        if session is None or sender.bare == to.bare:
            return False
        return to in session.data.get(presence.DIRECTED, ())

    def concerned(self, stanza: Stanza, accounts: AbstractSet[JID]) -> AbstractSet[JID]:
        """Whose contact it may be that has sent presence to many."""
        sender = stanza.sender
        if sender is None or stanza.type not in _TOLD:
            return frozenset()
        stranger = sender.resource and sender.domain not in self._host.domains
        if stranger and self.gates[2].is_open and not of_room(stanza):
            return accounts
        return presence.acquainted(self._host, sender.bare, accounts)

    async def _received(self, stanza: Stanza, sender: JID, to: JID) -> None:
        resident = await self._host.residents.fetch(to.bare)
        if resident is None:
            return
        elsewhere = sender.domain not in self._host.domains
        if not elsewhere or not resident.roster.state(sender.bare) & TO:
            self._received_from_stranger(stanza, Shared(sender, to.bare), to, resident)
            return
        pair = Shared(sender, to.bare)
        if stanza.type:
            self._hide(pair)
        if stanza.type == "error":
            return
        news = self._remember(stanza, sender)
        shown = (to.bare,) if self.gates[2].is_open and self._contacts.show(pair) else ()
        for component in self._components(to.domain, "roster", interested=not news):
            if news or shown:
                self._tell(component, (stanza,), accounts=Accounts(shown))

    def _remember(self, stanza: Stanza, sender: JID) -> bool:
        """Keep what a contact says of itself; False where it has said the same to another user."""
        if stanza.type == "unavailable":
            known = self._contacts.go(sender)
            if known:
                self._strangers.drop(sender)
            self._forget(sender)
            return known or not sender.resource
        news, forgotten = self._contacts.come(sender, stanza)
        for contact in forgotten:
            self._forget(contact)
        return news

    def _forget(self, contact: JID) -> None:
        """A contact is known no more."""
        if contact not in self._strangers:
            self._unknown.discard(contact)

    # ------------------------------------------------------------------ strangers

    def _received_from_stranger(
        self, stanza: Stanza, shared: Shared, to: JID, resident: Resident
    ) -> None:
        """Presence that an account has no subscription to (XEP-0060 §9.1.3).

        To whatever resource of it: whether that is there is nobody's business.
        """
        if stanza.type:
            if self._unsee(shared):
                self._lose(shared, seen=True)  # his server says it for that (RFC 6121 §3.3.3)
            else:
                self._hide(shared)
        elif self._counts(stanza, shared.sender, to, resident):
            news, forgotten = self._strangers.add(shared, show_of(stanza))
            for each in forgotten:
                self._tell_hidden(each.sender, Accounts(lost=(each.account,)))
            if news:
                for component in self._components(to.domain, "roster", interested=True):
                    told = self._current((shared.sender,))
                    self._tell(component, told, accounts=Accounts(shared=(shared.account,)))

    def _counts(self, stanza: Stanza, sender: JID, to: JID, resident: Resident) -> bool:
        """Whether it is of any use to anybody, has come through, and its sender is still there."""
        if not self.gates[2].is_open or not sender.resource or of_room(stanza):
            return False
        if self._host.hooks.resident_stanza(stanza, resident) is None:
            return False
        return sender.domain not in self._host.domains or self._has_directed(sender, to)

    def _unsee(self, shared: Shared) -> bool:
        """Whether somebody was a contact until now: for who sees him no more he is gone."""
        hidden = self._contacts.hide(shared)
        if hidden and shared.sender not in self._contacts:
            self._forget(shared.sender)
        return hidden

    def _hide(self, shared: Shared) -> None:
        """Somebody shows himself to an account no longer, where he did."""
        if self._strangers.remove(shared):
            self._tell_hidden(shared.sender, Accounts(hidden=(shared.account,)))

    def _lose(self, shared: Shared, seen: bool = False) -> None:
        """An account sees somebody no longer whom it has `seen`, whether he is there or not."""
        if self._strangers.remove(shared) or seen:
            self._tell_hidden(shared.sender, Accounts(lost=(shared.account,)))

    def _tell_hidden(self, sender: JID, accounts: Accounts) -> None:
        """Say so: with his presence to who is told of it anyway, else that he is gone.

        For this account: he may have shown himself to the component, too, and still do so.
        """
        (account,) = (*accounts.hidden, *accounts.lost)
        current = next(iter(self._current((sender,))), None)
        if current is None:
            self._unknown.discard(sender)
        gone = presence.of("unavailable", sender, account)
        for component in self._components(account.domain, "roster", interested=True):
            stanza = current if current is not None and self._sees(component, sender) else gone
            self._tell(component, (stanza,), accounts=accounts)

    def _sees(self, component: JID, sender: JID) -> bool:
        """Whether a component is told of somebody who is there in any case."""
        session = self._host.directory.get(sender)
        if session is None or not session.available:
            return True
        if component in self._components(sender.domain, *_OF_USERS):
            return True
        domains = self._follow_him(session) | self._shared_domains(sender)
        return any(component in self._components(each, "roster") for each in domains)

    def blocked(self, resident: Resident) -> None:
        """An account's lists are others: whom they keep from it shows himself to it no longer."""
        account = resident.jid
        for sender in self._strangers.of(account):
            shown = presence.of("", sender, account)
            if self._host.hooks.resident_stanza(shown, resident) is None:
                self._lose(Shared(sender, account))

    def removed(self, account: JID) -> None:
        """Nobody shows himself to an account that is no more."""
        for sender in self._strangers.of(account):
            self._lose(Shared(sender, account))

    # ------------------------------------------------------------------ telling

    def connected(self, component: str, instance: str) -> None:
        """Tell a component of all who are there (§8).

        Who has shown himself to it does so anew: of users it takes for gone whom it hears nothing
        of. It gets that as it got what he had sent.
        """
        host, jid = self._host, JID.parse(component)
        waiting: list[JID] = []
        alone: list[Session] = []
        for domain in host.domains:
            grants = host.components.grants(jid, domain)
            if grants is None or grants.presence == "none":
                continue
            alone += self._directed_to(jid, domain)
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
                waiting += self._strangers.shown_to(domain) if grants.interests else ()
        later = host.clock.callLater
        # A contact of users at two domains is told of once.
        once = dict.fromkeys(waiting)

        def tell(some: Iterable[JID]) -> None:
            # They have not caused it, however many of them are at one other server.
            self._tell(jid, self._current(some), instance, cause=jid)

        presence.in_slices(later, once, tell, _done)
        for session in alone:
            presence.send(host, session, presence.of("", session.jid, jid), (jid,))

    def _directed_to(self, component: JID, domain: str) -> Iterator[Session]:
        """The users of a domain who have shown themselves to a component, and not to all."""
        for session in self._host.directory:
            shown = session.data.get(presence.DIRECTED, ())
            if component in shown and session.jid.domain == domain and not session.available:
                yield session

    def _current(self, jids: Iterable[JID]) -> Iterator[Stanza]:
        """The presence of those who are there, as it is by now."""
        for jid in jids:
            session = self._host.directory.get(jid)
            if session is not None and session.available:
                stanza = session.presence
            else:
                stanza = self._contacts.presence(jid) or self._strangers.presence(jid)
            if stanza is not None:
                yield stanza

    def _tell(
        self,
        component: JID,
        stanzas: Iterable[Stanza],
        instance: str = "",
        accounts: Accounts | None = None,
        cause: JID | None = None,
    ) -> None:
        """Directed presence from a full JID (§7.1.1), whatever its privacy lists say to others.

        `accounts` are those that it has been shown to since the last time, or is hidden from; None
        for all that it is shown to. `cause` is who has it told, where it is not who sent it.
        """
        host = self._host
        serving = host.components.get(component)
        if serving is None:
            return
        for stanza in stanzas:
            told, sender = interests.without(stanza), stanza.sender
            if serving.settings.interests and not stanza.type and sender is not None:
                info = host.capabilities.of(sender)
                shown = self._accounts(component, sender) if accounts is None else accounts
                told = interests.with_accounts(told, shown)
                told = interests.with_interests(told, info)
                self._note(sender, known=info is not None)
            elif serving.settings.interests and accounts is not None:
                told = interests.with_accounts(told, accounts)
            copy = told.addressed(component)
            copy.claim, copy.cause = None, cause
            host.components.tell(component, instance, copy)

    def _accounts(self, component: JID, sender: JID) -> Accounts:
        """To whom somebody is shown, as far as a component may be told."""
        grants, strangers = self._host.components.grants, self._strangers
        shared = [
            each
            for each in strangers.accounts(sender)
            if (table := grants(component, each.domain)) is not None and table.presence == "roster"
        ]
        return Accounts(self._contacts.shown(sender), shared)

    def _note(self, jid: JID, *, known: bool) -> None:
        """Remember whether it was said what a client wants, of which presence is kept."""
        if known:
            self._unknown.discard(jid)
        elif (
            jid in self._contacts
            or jid in self._strangers
            or self._host.directory.get(jid) is not None
        ):
            self._unknown.add(jid)


def _done() -> None:
    """Nobody waits for it."""
