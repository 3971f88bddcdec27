"""Presence subscriptions (RFC 6121 §3): asking, granting, refusing, ending, granting in advance.

What a stanza does to the state of a contact stands in the tables of `xmppd.subscription`; here it
is stored, pushed and passed on. The client that sends one is held until the change is stored, and
so is the account that one is for: nothing overtakes it.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from msgspec.structs import replace
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from xmppd import ns
from xmppd.core import presence, rosters
from xmppd.core.context import ModuleContext
from xmppd.core.hooks import Then
from xmppd.core.host import Host
from xmppd.core.residents import Resident
from xmppd.core.sessions import Session
from xmppd.domains import around
from xmppd.errors import StanzaError
from xmppd.jid import JID
from xmppd.phases import Phase
from xmppd.storage.rosters import RosterItem
from xmppd.stream.features import Feature, static
from xmppd.stream.states import Fact
from xmppd.subscription import (
    APPROVED,
    FROM,
    IN,
    INBOUND,
    LISTED,
    NINE,
    OUT,
    OUTBOUND,
    TO,
    TYPES,
)
from xmppd.wire import stored
from xmppd.wire.build import Tag
from xmppd.wire.stanza import Stanza

LONGEST_REQUEST = 4_096
"""Octets that a request for a subscription may have: a stranger has it kept."""

SHARE = 4
"""One server's requests may take that part of the room that an account has for them."""


def register(context: ModuleContext) -> None:
    """Act on subscription stanzas of clients and for accounts, and offer pre-approval (§3.4.1)."""
    subscriptions = Subscriptions(context.host)
    hooks = context.hooks
    context.hook(hooks.client_presence, Phase.DELIVER, subscriptions.from_client)
    context.hook(hooks.subscription, Phase.DELIVER, subscriptions.for_account)
    context.hook(hooks.presence, Phase.DELIVER, subscriptions.on_presence)
    context.hook(hooks.roster_item_removing, Phase.DELIVER, subscriptions.cancel)
    context.hook(hooks.account_removed, Phase.DELIVER, subscriptions.cancel_all)
    offer = static(Tag("sub", ns=ns.PRE_APPROVAL))
    context.feature(Feature("pre-approval", Fact.AUTHENTICATED, Fact(0), offer))


class Subscriptions:
    """Both sides of every subscription of the accounts here."""

    def __init__(self, host: Host) -> None:
        self._host = host

    # ------------------------------------------------------------------ the user's own stanzas

    def from_client(self, stanza: Stanza, session: Session) -> Stanza | None:
        """Take a subscription stanza that a client sends (§3.1.2, §3.2.2, §3.3.2, §3.4.2)."""
        if stanza.to is None or stanza.type not in TYPES:
            return stanza
        if session.resident.guest:
            raise StanzaError("not-allowed", "guests have no contacts", reason="roster.guest")
        if stanza.to.bare == session.account:
            raise StanzaError("not-allowed", "that is yourself", reason="roster.self")
        release = session.hold()
        self._run(self._outbound(session.resident, stanza), stanza, release)
        return None

    async def _outbound(self, resident: Resident, stanza: Stanza) -> None:
        assert stanza.to is not None
        host, contact, kind = self._host, stanza.to.bare, stanza.type
        await resident.lock.acquire()
        try:
            before = resident.roster.item(contact)
            seen = presence.shown(host, resident, contact) if before.state & FROM else []
            step = OUTBOUND[kind][before.state & NINE]
            state = before.state & ~NINE | step.state
            if kind in ("subscribe", "subscribed"):
                state |= LISTED
            if kind == "subscribed" and not state & FROM:
                state |= APPROVED  # nobody has asked yet (§3.4.2)
            elif kind == "unsubscribed":
                state &= ~APPROVED
            if state != before.state:
                await rosters.change(host, resident, replace(before, state=state))
        finally:
            resident.lock.release()
        if not step.passes:
            return
        host.router.route(_between(stanza, resident.jid, contact))
        if kind == "subscribed":
            presence.show(host, resident.jid, contact)
        elif kind == "unsubscribed":
            presence.hide(host, seen, contact)

    # ------------------------------------------------------------------ the contact's stanzas

    def for_account(self, stanza: Stanza) -> Stanza | None:
        """Take a subscription stanza for an account (§3.1.3, §3.1.6, §3.2.3, §3.3.3)."""
        if stanza.type not in TYPES:
            return stanza
        assert stanza.to is not None
        release = self._host.router.hold(stanza.to.bare)
        self._run(self._inbound(stanza), stanza, release)
        return None

    async def _inbound(self, stanza: Stanza) -> None:
        assert stanza.to is not None and stanza.sender is not None
        account, contact, kind = stanza.to.bare, stanza.sender.bare, stanza.type
        request = _request(stanza, contact, account) if kind == "subscribe" else None
        resident = await self._host.residents.fetch(account)
        if resident is None or resident.guest or contact == account:
            return  # of who is not there nobody is told (§8.5.1)
        if self._host.hooks.resident_stanza(stanza, resident) is None:
            return
        stanza = _between(stanza, contact, account)
        host = self._host
        await resident.lock.acquire()
        try:
            before = resident.roster.item(contact)
            seen = presence.shown(host, resident, contact) if before.state & FROM else []
            if kind == "subscribe" and before.state & (FROM | APPROVED):
                await self._grant(resident, before)
                return
            step = INBOUND[kind][before.state & NINE]
            if step.passes:
                if request is not None and not self._has_room(resident, contact):
                    return
                after = replace(before, state=before.state & ~NINE | step.state)
                await rosters.change(
                    host, resident, after, request=request, silent=request is not None
                )
        finally:
            resident.lock.release()
        if not step.passes:
            return
        host.router.deliver(stanza, presence.available(host.directory, account))
        if kind == "unsubscribe":
            presence.hide(host, seen, contact)

    async def _grant(self, resident: Resident, before: RosterItem) -> None:
        """Grant what was granted before, or in advance: the user is not asked (§3.1.3, §3.4.2)."""
        if not before.state & FROM:
            state = (before.state | FROM | LISTED) & ~IN
            await rosters.change(self._host, resident, replace(before, state=state))
        host, contact = self._host, before.contact
        presence.say(host, resident, presence.of("subscribed", resident.jid, contact))
        presence.show(host, resident.jid, contact)

    def _has_room(self, resident: Resident, contact: JID) -> bool:
        """Whether another request may wait: any stranger may send one.

        Those of one server, with all domains that may be its own, leave room for those of others.
        Who is refused is told nothing: where there is no such account he would not be, either.
        """
        requests, most = resident.roster.requests, self._host.config.roster.requests
        same = around(contact.domain)
        alike = sum(around(each.domain) == same for each in requests)
        elsewhere = contact.domain not in self._host.domains
        if len(requests) < most and (not elsewhere or alike < max(1, most // SHARE)):
            return True
        self._host.refusals.note("limit.subscription-requests", contact, resident.jid)
        return False

    # ------------------------------------------------------------------ requests not answered yet

    def on_presence(self, session: Session, stanza: Stanza, before: int | None) -> None:
        """Tell a resource that becomes available of all requests not answered yet (§3.1.3)."""
        if before is None and stanza.type == "" and session.resident.roster.requests:
            release = self._host.router.hold(session.account)
            self._run(self._remind(session), None, release)

    async def _remind(self, session: Session) -> None:
        resident = session.resident
        requests = await self._host.stores.rosters.requests(resident.id)
        for contact, request in requests.items():
            if resident.roster.state(contact) & IN and session.available:
                self._host.router.deliver(stored.load(request), (session,))

    # ------------------------------------------------------------------ the end of it

    def cancel(self, resident: Resident, contact: JID, state: int, then: Then) -> None:
        """End the subscriptions with a contact that is in `state`, both ways (§2.5.2)."""
        then(self._farewell(resident, contact, state))

    def _farewell(self, resident: Resident, contact: JID, state: int) -> Callable[[], None]:
        """What tells a contact in `state` that he is none any more: what he may be told by now."""
        host, account = self._host, resident.jid
        said: list[Stanza] = []
        for bits, kind in ((TO | OUT, "unsubscribe"), (FROM | IN, "unsubscribed")):
            if state & bits:
                word = presence.of(kind, account, contact)
                filtered = host.hooks.account_out(word, resident)
                said += [] if filtered is None else [filtered]
        seen = presence.shown(host, resident, contact) if state & FROM else []

        def tell() -> None:
            for word in said:
                host.router.route(word)
            presence.hide(host, seen, contact)

        return tell

    def cancel_all(self, account: JID) -> Deferred[None] | None:
        """End all subscriptions of an account that is gone (§2.5.2 for each contact).

        Its sessions end later: by then it has no contacts, so nobody is told twice.
        """
        resident = self._host.residents.get(account)
        if resident is None:
            return None
        contacts = tuple(resident.roster)
        done: Deferred[None] = Deferred()

        def cancel(items: Any) -> None:
            for item in items:
                self._farewell(resident, item.contact, item.state)()
                resident.roster.put(RosterItem(item.contact))

        later = self._host.clock.callLater
        presence.in_slices(later, contacts, cancel, lambda: done.callback(None))
        return done

    def _run(
        self, work: Coroutine[Deferred[Any], Any, None], stanza: Stanza | None, release: Any
    ) -> None:
        """Do `work`; what goes wrong answers `stanza`, and then `release` is called."""

        def failed(failure: Failure) -> None:
            if stanza is None:
                presence.bug(failure)
            else:
                self._host.router.failed(failure, stanza)

        def done(_: object) -> None:
            release()
            if claim is not None:
                claim.let_go()

        claim = None if stanza is None else stanza.claim
        if claim is not None:
            claim.hold()
        Deferred.fromCoroutine(work).addErrback(failed).addBoth(done)


def _request(stanza: Stanza, contact: JID, account: JID) -> bytes:
    """The request as it is kept, which has its bounds, whether or not there is such an account."""
    request = stored.dump(_between(stanza, contact, account))
    if len(request) > LONGEST_REQUEST:
        raise StanzaError("policy-violation", reason="limit.subscription-request-size")
    return request


def _between(stanza: Stanza, sender: JID, to: JID) -> Stanza:
    """The stanza from and to bare JIDs, as those of subscriptions are (§3.1.2)."""
    other = stanza.with_attrs(stanza.attrs)
    other.sender, other.to = sender, to
    return other
