"""Presence (RFC 6121 §4): broadcast, probes, directed presence, and the last word of who left."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from twisted.internet.defer import Deferred

from xmppd.core import delay, presence, privacy_lists
from xmppd.core.context import ModuleContext
from xmppd.core.host import Host
from xmppd.core.presence import DIRECTED, MOST_DIRECTED
from xmppd.core.residents import Resident
from xmppd.core.sessions import Session
from xmppd.errors import StanzaError
from xmppd.jid import JID
from xmppd.phases import Phase
from xmppd.storage.last import LastPresence
from xmppd.subscription import FROM
from xmppd.wire import tree
from xmppd.wire.build import Tag
from xmppd.wire.stanza import Stanza

LONGEST_STATUS = 1_023
"""Characters that are kept of a last status."""


def register(context: ModuleContext) -> None:
    """Take the sessions' own presence, directed presence, and probes."""
    handling = Presence(context.host)
    hooks = context.hooks
    context.keep(presence.LAST, context.host.stores.last.load)
    context.hook(hooks.client_presence, Phase.DELIVER, handling.directed)
    context.hook(hooks.presence, Phase.DELIVER, handling.changed)
    context.hook(hooks.session_unbound, Phase.DELIVER, handling.gone)
    context.hook(hooks.subscription, Phase.DELIVER, handling.probe)


class Presence:
    """The presence of all sessions here."""

    def __init__(self, host: Host) -> None:
        self._host = host

    # ------------------------------------------------------------------ of a session

    def changed(self, session: Session, stanza: Stanza, before: int | None) -> None:
        """Broadcast a session's own presence (§4.2.2, §4.4.2, §4.5.2)."""
        if stanza.type == "unavailable":
            self._leave(session, stanza, before)
            return
        session.present_since = self._host.clock.seconds()
        roster = session.resident.roster
        self._host.router.route(stanza.addressed(session.account))
        self._broadcast(session, presence.sending(self._host, session, stanza))
        if before is None:
            self._show_siblings(session)
            self._spread(session, roster.subscriptions, lambda some: self._ask(session, some))

    def _broadcast(self, session: Session, send: Callable[[Iterable[JID]], None]) -> None:
        """Send presence to all subscribers; to who is none any more when it is his turn, nothing.

        He would never hear of its end.
        """
        roster = session.resident.roster
        subscribers = roster.subscribers
        if len(subscribers) <= presence.SLICE:
            send(subscribers)
        else:

            def send_to_subscribers(some: Iterable[JID]) -> None:
                send([contact for contact in some if roster.state(contact) & FROM])

            self._spread(session, subscribers, send_to_subscribers)

    def gone(self, session: Session) -> None:
        """A client is gone without a word: the server says it for it (§4.5.2)."""
        before = session.priority
        if before is not None or session.data.get(DIRECTED):
            session.priority = None
            farewell = presence.of("unavailable", session.jid, session.account)
            farewell.to = None
            self._host.hooks.presence(session, farewell, before)

    def _leave(self, session: Session, stanza: Stanza, before: int | None) -> None:
        directed = session.data.pop(DIRECTED, ())
        contacts: Iterable[JID] = directed
        if before is not None:
            subscribers = session.resident.roster.subscribers
            self._host.router.route(stanza.addressed(session.account))
            known = set(subscribers)
            contacts = (*subscribers, *(jid for jid in directed if jid.bare not in known))
            self._keep_last(session, stanza)
        self._spread(session, contacts, presence.sending(self._host, session, stanza))

    def _show_siblings(self, session: Session) -> None:
        """Tell a new resource of the others of its account."""
        for other in presence.available(self._host.directory, session.account):
            if other is not session:
                self._host.router.route(presence.current(other).addressed(session.jid))

    def _spread(
        self, session: Session, contacts: Iterable[JID], act: Callable[[Iterable[JID]], None]
    ) -> None:
        """Do something for all contacts; where they are many, bit by bit, and the client waits."""
        contacts = tuple(contacts)
        if len(contacts) <= presence.SLICE:
            act(contacts)
        else:
            later = self._host.clock.callLater
            presence.in_slices(later, contacts, act, session.hold())

    # ------------------------------------------------------------------ directed presence

    def directed(self, stanza: Stanza, session: Session) -> Stanza:
        """Remember to whom a client shows itself besides its subscribers (§4.6.3)."""
        to = stanza.to
        if to is None:
            return stanza
        shown: set[JID] = session.data.get(DIRECTED) or set()
        if stanza.type == "unavailable":
            shown.discard(to)
        elif stanza.type == "" and to not in shown and not self._is_told(session, to):
            if len(shown) >= MOST_DIRECTED:
                raise StanzaError("resource-constraint", reason="limit.directed-presence")
            shown.add(to)
            session.data[DIRECTED] = shown
        return stanza

    def _is_told(self, session: Session, to: JID) -> bool:
        """Whether an address hears of the end of the session anyhow."""
        return session.available and bool(session.resident.roster.state(to.bare) & FROM)

    # ------------------------------------------------------------------ probes

    def _ask(self, session: Session, contacts: Iterable[JID]) -> None:
        """Get the presence of contacts for a resource that has become available (§4.3.1)."""
        if not session.available:  # it has ended while others were asked
            return
        host, absent = self._host, []
        outgoing = host.hooks.presence_out
        for contact in contacts:
            if outgoing.handlers:  # who hides from a contact does not ask for him either
                probe = presence.of("probe", session.jid, contact)
                if outgoing(probe, session) is None:
                    continue
            if contact.domain not in host.domains:
                host.router.route(presence.of("probe", session.jid, contact))
            elif (resident := host.residents.get(contact)) is None:
                absent.append(contact)
            else:
                self._answer_local(resident, contact, session.jid)
        if absent:
            fetching = Deferred.fromCoroutine(self._ask_absent(session, absent))
            fetching.addErrback(presence.bug)

    async def _ask_absent(self, session: Session, contacts: list[JID]) -> None:
        found = await self._host.residents.fetch_all(contacts)
        if session.available:
            for contact, resident in zip(contacts, found, strict=True):
                self._answer_local(resident, contact, session.jid)

    def _answer_local(self, resident: Resident | None, contact: JID, prober: JID) -> None:
        """Answer a probe that need not be sent, where the contact's lists let it pass."""
        if resident is not None and privacy_lists.has_any(resident):
            probe = presence.of("probe", prober, contact)
            if self._host.hooks.resident_stanza(probe, resident) is None:
                return
        self._answer(resident, contact, prober)

    def probe(self, stanza: Stanza) -> Stanza | None:
        """Answer a probe for an account (§4.3.2)."""
        if stanza.type != "probe":
            return stanza
        assert stanza.to is not None and stanza.sender is not None
        to, sender = stanza.to, stanza.sender
        Deferred.fromCoroutine(self._probed(stanza, to, sender)).addErrback(
            self._host.router.failed, stanza
        )
        return None

    async def _probed(self, stanza: Stanza, asked: JID, prober: JID) -> None:
        resident = await self._host.residents.fetch(asked.bare)
        if resident is None or self._host.hooks.resident_stanza(stanza, resident) is not None:
            self._answer(resident, asked, prober)

    def _answer(self, resident: Resident | None, asked: JID, prober: JID) -> None:
        """Tell `prober` of the presence at `asked`, an account or one resource of it."""
        account = asked.bare
        if resident is None or not (
            resident.roster.state(prober.bare) & FROM or prober.bare == account
        ):
            self._answer_stranger(resident, asked, prober)
            return
        host = self._host
        sessions = [
            session
            for session in presence.available(host.directory, account)
            if session.jid == asked or asked.is_bare
        ]
        for session in sessions:
            presence.send(host, session, presence.current(session), (prober,))
        if not sessions:
            self._tell_absence(resident, asked, prober)

    def _answer_stranger(self, resident: Resident | None, asked: JID, prober: JID) -> None:
        """Who has no subscription is told so, unless a resource has shown itself to him (§4.6.6).

        An account that is not there gives the same answer (§8.5.1).
        """
        session = self._host.directory.get(asked) if asked.resource else None
        shown = session.data.get(DIRECTED, ()) if session is not None else ()
        if session is not None and (prober in shown or prober.bare in shown):
            presence.send(self._host, session, presence.of("", asked, prober), (prober,))
        else:
            refusal = presence.of("unsubscribed", asked.bare, prober.bare)
            presence.say(self._host, resident, refusal)

    def _tell_absence(self, resident: Resident, asked: JID, prober: JID) -> None:
        """Tell that nobody is there, since when, and what was said last (§4.3.2; XEP-0203)."""
        absence = presence.of("unavailable", asked, prober, *_last_words(resident, self._host))
        presence.say(self._host, resident, absence)

    # ------------------------------------------------------------------ the last word

    def _keep_last(self, session: Session, stanza: Stanza) -> None:
        """Keep when, and with which words, the last available resource left (XEP-0012 §3)."""
        resident, host = session.resident, self._host
        if resident.guest or presence.available(host.directory, session.account):
            return
        status = ""
        if f"{stanza.content} status" in stanza.children:
            status = tree.child_text(stanza.element, f"{{{stanza.content}}}status") or ""
        last = LastPresence(host.clock.seconds(), status[:LONGEST_STATUS])
        resident.data[presence.LAST] = last
        host.stores.last.put(resident.id, last).addErrback(presence.bug)


def _last_words(resident: Resident, host: Host) -> list[Tag]:
    last: LastPresence | None = resident.data.get(presence.LAST)
    if last is None:
        return []
    status = [Tag("status", {}, last.status)] if last.status else []
    return [*status, delay.tag(resident.jid.domain, last.at)]
