"""Offline messages (XEP-0160): kept for accounts that are not there, delivered when they are.

A message stays in the store until it is in safe hands: written to a client, or acknowledged by
one that manages its stream (XEP-0198). While what was kept is being delivered, whatever else comes
for the account lines up behind it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from contextlib import suppress

from twisted.internet.defer import Deferred, DeferredList
from twisted.internet.task import deferLater
from twisted.logger import Logger
from twisted.python.failure import Failure

from xmppd import ns
from xmppd.core import delay
from xmppd.core.context import ModuleContext
from xmppd.core.delivery import Action, message_type, reachable, recipients
from xmppd.core.hooks import Gate
from xmppd.core.host import Host
from xmppd.core.kept import Kept
from xmppd.core.messages import Worth, worth
from xmppd.core.residents import Resident
from xmppd.core.sessions import Session
from xmppd.errors import StanzaError
from xmppd.jid import JID
from xmppd.phases import Phase
from xmppd.storage.offline import Backlog
from xmppd.wire import stored
from xmppd.wire.stanza import Stanza

log = Logger()

XEP = (160, "1.0.1", "complete")

PAGE = 50
"""Messages that are read at once."""
ROOM = 65_536
"""Octets that a client may be behind when it is given the next ones."""
PAUSE = 0.05
"""Seconds after which it is looked at again, then after twice as many, and so on."""
LONGEST_PAUSE = 1.0
RETRY = 30.0
"""Seconds after which it is tried again to deliver what could not be read."""

_BACKLOG = object()
"""The key of a `Backlog` in `Resident.data`."""


def register(context: ModuleContext) -> None:
    """Keep what nobody took, and deliver it to who becomes available (§2)."""
    hooks = context.hooks
    messages = OfflineMessages(context.host)
    messages.gate = context.gate(hooks.account_message, Phase.DELIVER, messages.line_up, _nobody)
    context.keep(_BACKLOG, context.host.stores.offline.load)
    context.hook(hooks.undelivered, Phase.FALLBACK, messages.take)
    context.hook(hooks.spool, Phase.DELIVER, messages.spool)
    context.hook(hooks.presence, Phase.FALLBACK, messages.on_presence)
    context.on_unload(messages.stop)
    context.advertise(ns.OFFLINE, when=messages.are_kept)


def _nobody(stanza: Stanza, accounts: AbstractSet[JID]) -> AbstractSet[JID]:
    """What is for a session that is bound is not lined up."""
    return frozenset()


class _Delivery:
    """A session that is being given what waits for its account.

    There is `more` when a message has been stored meanwhile, and all is looked at `again` when one
    is free that others had held. What the session has `refused` it is not given again.
    """

    __slots__ = ("again", "more", "refused", "session")

    def __init__(self, session: Session) -> None:
        self.session = session
        self.more = self.again = False
        self.refused: set[int] = set()


class OfflineMessages:
    """The messages that wait, of all accounts."""

    gate: Gate
    """Of `line_up`."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._store = host.stores.offline
        self._number = 0
        self._writing: defaultdict[JID, list[Deferred[None]]] = defaultdict(list)
        self._delivering: dict[JID, _Delivery] = {}
        self._owned: set[int] = set()
        self._forgotten: defaultdict[int, list[int]] = defaultdict(list)
        self._stopped = False

    def stop(self) -> None:
        """Deliver nothing more: somebody else does from here on."""
        self._stopped = True

    def are_kept(self, domain: str) -> bool:
        """Whether a domain has any accounts that messages are kept for (§4)."""
        config = self._host.config
        return config.offline.messages > 0 and domain not in config.auth.anonymous

    # ------------------------------------------------------------------ in

    def take(self, stanza: Stanza) -> Stanza | None:
        """Keep a message that nobody could be given (§2; RFC 6121 §8.5.2.2.1)."""
        if stanza.kind != "message":
            return stanza
        if isinstance(stanza.claim, Kept):
            # Where it is not stored its senders were not told that it is in safe hands.
            return None if self._stays(stanza.claim, stanza) else stanza
        what = worth(stanza)
        if what is Worth.PASS:
            return None
        if what is Worth.REFUSE or not self._host.config.offline.messages:
            return stanza
        self._keep(stanza)
        return None

    def line_up(self, stanza: Stanza) -> Stanza | None:
        """Keep a message for a session that is being given those that came before it.

        Who else would get it, gets it now.
        """
        assert stanza.to is not None
        to, directory = stanza.to, self._host.directory
        delivery = self._delivering.get(to.bare)
        if delivery is None or not _lasting(stanza) or worth(stanza) is not Worth.KEEP:
            return stanza
        session = delivery.session
        if to.resource and (directory.get(to) is not None or stanza.type != "chat"):
            return stanza  # it is not for the account as a whole (RFC 6121 §8.5.3)
        receiving = recipients(Action.TOP, directory.of(to.bare))
        if session not in receiving:
            return stanza
        if isinstance(stanza.claim, Kept) and self._stays(stanza.claim, stanza):
            return None
        others = [other for other in receiving if other is not session]
        if others:
            with suppress(StanzaError):  # their own lists refuse it; the session's may not
                self._host.router.deliver(stanza.addressed(to), others)
        self._keep(stanza)
        return None

    def _stays(self, claim: Kept, stanza: Stanza) -> bool:
        """Have a message that nobody can be given now stay in the store; whether it is there."""
        return claim.stay(lambda failure: self._host.router.failed(failure, stanza))

    def _keep(self, stanza: Stanza) -> None:
        assert stanza.to is not None
        account, claim = stanza.to.bare, stanza.claim
        if claim is not None:
            claim.hold()
        writing = self._writing[account]
        later = Deferred.fromCoroutine(self._kept(account, stanza))
        writing.append(later)

        def is_safe(_: object) -> None:
            if claim is not None:
                claim.safe = True

        def done(_: object) -> None:
            writing.remove(later)
            if not writing:
                self._writing.pop(account, None)
            if claim is not None:
                claim.let_go()
            delivery = self._delivering.get(account)
            if delivery is None:
                self._wake(account)
            else:
                delivery.more = True

        later.addCallback(is_safe).addErrback(self._host.router.failed, stanza).addBoth(done)

    async def _kept(self, account: JID, stanza: Stanza) -> None:
        host = self._host
        resident = host.residents.get(account) or await host.residents.fetch(account)
        if resident is None or resident.guest:
            raise StanzaError("service-unavailable", reason="stanza.no-session")
        kept = host.hooks.resident_stanza(stanza, resident)
        if kept is not None:
            await self._count_first(resident)
            data = stored.dump(delay.stamped_once(kept, account.domain, host.clock.seconds()))
            await self._put(resident, data)
            again = host.residents.get(account)
            if again is not None and again is not resident:  # read anew, before this was stored
                _count(again, 1, len(data))

    async def _count_first(self, resident: Resident) -> None:
        """See to it that what waits is counted: the account may have been read before we came."""
        if _BACKLOG not in resident.data:
            store = self._store
            backlog = await self._host.stores.database.read(lambda tx: store.load(tx, resident.id))
            resident.data.setdefault(_BACKLOG, backlog)

    def _put(self, resident: Resident, data: bytes, number: int = 0) -> Deferred[None]:
        """Store a message; raises StanzaError where there is no room for it (§2, step 3)."""
        backlog: Backlog | None = resident.data.get(_BACKLOG)
        config = self._host.config
        if (
            backlog is None
            or backlog.messages >= config.offline.messages
            or backlog.octets + len(data) > config.offline.octets
        ):
            # In no other words than where there is no such account (RFC 6121 §8.5.1).
            raise StanzaError("service-unavailable", reason="limit.offline")
        _count(resident, 1, len(data))

        def failed(failure: object) -> object:
            _count(resident, -1, -len(data))
            return failure

        putting = self._store.put(resident.id, number or self._next_number(), data)
        putting.addErrback(failed)
        return putting

    def _next_number(self) -> int:
        """A number higher than any before, by the clock where that has moved on."""
        self._number = max(self._number + 1, int(self._host.clock.seconds() * 1e6))
        return self._number

    # ------------------------------------------------------------------ for a session that is away

    def spool(self, stanza: Stanza, session: Session) -> Stanza:
        """Keep a message for a session whose client may come back for it, or for others."""
        claim, resident = stanza.claim, session.resident
        if isinstance(claim, Kept) or not _lasting(stanza) or worth(stanza) is not Worth.KEEP:
            return stanza
        if resident.guest or (claim and claim.safe):
            return stanza
        kept = None if claim is None else claim.kept
        if isinstance(kept, Kept) and kept.held:  # another session of the account has it there
            kept.hold()
        else:
            kept = self._spooled(stanza, resident)
        if kept is not None:
            stanza.claim = kept
            if claim is not None:
                claim.kept = kept
                kept.instead_of(claim)
        return stanza

    def _spooled(self, stanza: Stanza, resident: Resident) -> Kept | None:
        """The claim of a message that is on its way to the store; None where there is no room."""
        at = self._host.clock.seconds()
        data = stored.dump(delay.stamped_once(stanza, resident.jid.domain, at))
        kept = Kept(
            store=self,
            resident=resident,
            number=self._next_number(),
            octets=len(data),
            stored=None,
        )
        try:
            writing = self._put(resident, data, kept.number)
        except StanzaError:
            return None  # it stays in memory
        self._owned.add(kept.number)
        writing.addCallbacks(kept.storing, kept.storing)
        return kept

    # ------------------------------------------------------------------ out

    def on_presence(self, session: Session, stanza: Stanza, before: int | None) -> None:
        """Deliver what waits to a resource that becomes reachable (§2; RFC 6121 §8.5.2.2.1)."""
        if (before is None or before < 0) and session.priority is not None:
            self._wake(session.account, (session,))

    def _wake(self, account: JID, sessions: Iterable[Session] | None = None) -> None:
        """Deliver what waits for an account to the best of `sessions`, where one is reachable."""
        resident = self._host.residents.get(account)
        if resident is None or resident.guest or self._stopped or account in self._delivering:
            return
        backlog: Backlog | None = resident.data.get(_BACKLOG)
        if backlog is not None and not backlog.messages and account not in self._writing:
            return
        there = self._host.directory.of(account) if sessions is None else sessions
        best = max(reachable(list(there)), key=_nearness, default=None)
        if best is not None:
            self._delivering[account] = delivery = _Delivery(best)
            self.gate.open(True)
            delivering = Deferred.fromCoroutine(self._deliver(delivery))
            delivering.addErrback(self._failed, account).addCallback(self._delivered, account)

    def _failed(self, failure: Failure, account: JID) -> bool:
        """The store could not be read: its messages wait, and so does who they are for."""
        log.failure("what waits for an account could not be delivered", failure)
        self._host.clock.callLater(RETRY, self._wake, account)
        return False

    def _delivered(self, left: bool, account: JID) -> None:
        del self._delivering[account]
        self.gate.open(bool(self._delivering))
        if left:  # others are there, perhaps, who came while it was being given what waits
            self._wake(account)

    async def _deliver(self, delivery: _Delivery) -> bool:
        """Give a session everything that waits, and whatever comes for its account meanwhile.

        True where it was left before it had all.
        """
        session, last = delivery.session, 0
        account = session.account
        await self._count_first(session.resident)
        while self._is_there(session):
            writing = self._writing.get(account)
            if writing:
                await DeferredList([_echo(each) for each in writing])
                continue
            delivery.more = delivery.again = False
            page = await self._store.page(session.resident.id, last, PAGE)
            # Now, since others may be forgotten while the client takes these.
            mine = [
                each
                for each in page
                if each[0] not in self._owned and each[0] not in delivery.refused
            ]
            for number, data in mine:
                if session.unsent() > ROOM:
                    await self._room(session)
                if not self._is_there(session):
                    return True
                self._give(delivery, number, data)
            if page:
                last = page[-1][0]
            if delivery.again:
                last = 0
            elif len(page) < PAGE and not delivery.more and account not in self._writing:
                return False
        return True

    def _is_there(self, session: Session) -> bool:
        """Whether a session is still the one to be given what waits.

        Not one whose client has lost its connection, where another's has not.
        """
        if self._stopped or not reachable((session,)):
            return False
        if session.attached:
            return True
        others = reachable(self._host.directory.of(session.account))
        return not any(other.attached for other in others)

    def _give(self, delivery: _Delivery, number: int, data: bytes) -> None:
        session = delivery.session
        try:
            stanza = stored.load(data)
        except ValueError:  # it stays where it is, and those behind it need not
            log.failure("message {number} can't be read", number=number)
            return
        self._owned.add(number)
        kept = stanza.claim = Kept(
            store=self, resident=session.resident, number=number, octets=len(data)
        )
        try:
            self._host.router.deliver(stanza, (session,))
        except StanzaError:  # the session's own list refuses it; another's may not
            kept.stay()
            delivery.refused.add(number)
        kept.let_go(safe=not session.tracks)

    async def _room(self, session: Session) -> None:
        """Wait until a slow client has taken most of what it was given."""
        pause = 0.0
        while self._is_there(session) and session.unsent() > ROOM:
            await deferLater(self._host.clock, pause)
            pause = min(2 * pause, LONGEST_PAUSE) or PAUSE

    # ------------------------------------------------------------------ forgotten

    def settled(self, kept: Kept, *, stays: bool) -> None:
        """Nobody holds a message any more: it is forgotten, unless it stays."""
        resident = kept.resident
        if stays:
            self._owned.discard(kept.number)
            delivery = self._delivering.get(resident.jid)
            if delivery is not None:
                delivery.again = True
            return
        _count(resident, -1, -kept.octets)
        if not self._forgotten:
            self._host.clock.callLater(0, self._forget)
        self._forgotten[resident.id].append(kept.number)

    def _forget(self) -> None:
        forgotten, self._forgotten = self._forgotten, defaultdict(list)
        for account, numbers in forgotten.items():
            gone = self._store.forget(account, numbers)
            gone.addCallbacks(self._disown, self._not_forgotten, (numbers,))

    def _disown(self, _: None, numbers: list[int]) -> None:
        """Only now can no page that is being read have them."""
        self._owned.difference_update(numbers)

    def _not_forgotten(self, failure: Failure) -> None:
        """They stay owned: until the next start nobody is given them again."""
        log.failure("messages that were delivered could not be forgotten", failure)


def _lasting(stanza: Stanza) -> bool:
    """Whether a message is of a type that is kept (§3)."""
    return stanza.kind == "message" and message_type(stanza.type) in ("chat", "normal")


def _nearness(session: Session) -> tuple[bool, int]:
    """By how much a session comes before others: who has a connection, then by priority."""
    return session.attached, session.priority or 0


def _count(resident: Resident, messages: int, octets: int) -> None:
    backlog: Backlog | None = resident.data.get(_BACKLOG)
    if backlog is not None:
        resident.data[_BACKLOG] = Backlog(
            max(0, backlog.messages + messages), max(0, backlog.octets + octets)
        )


def _echo(deferred: Deferred[None]) -> Deferred[None]:
    """A Deferred that fires when another does, however that ends."""
    echo: Deferred[None] = Deferred()

    def pass_on(outcome: None) -> None:
        echo.callback(None)
        return outcome

    deferred.addBoth(pass_on)
    return echo
