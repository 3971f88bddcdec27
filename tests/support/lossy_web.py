"""Servers of the web of `federated.py` whose wires lose what is on its way, and which restart.

What is written is on its way until it is carried, end by end in its order. A wire may be cut: so
many octets of either way still arrive, and each end notices when it does. A place may be slow,
refuse, or take no notice of anybody, and so may the DNS.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.internet.task import Clock
from zope.interface import implementer

from tests.support.federated import Hand, Town, Web, Wire
from tests.support.server_streams import FakeTLS
from xmppd.core.s2s.connection import ServerConnection
from xmppd.core.s2s.incoming import IncomingConnection
from xmppd.core.s2s.outgoing import OutgoingConnection
from xmppd.core.s2s.places import Place
from xmppd.core.s2s.trail import Trail
from xmppd.errors import StanzaError

ALL = 1 << 30
"""More octets than are ever under way."""

CLOGGED = 2_000
"""Octets under way to somebody who reads nothing by which the sender learns of that."""

NOT_FOUND = StanzaError("remote-server-not-found", reason="s2s.no-such-domain")
UNREACHABLE = StanzaError("remote-server-timeout", reason="s2s.unreachable")


@implementer(IReactorTime)
class Life:
    """The clock of one server process: with its `end` all that it waits for is forgotten."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._calls: list[Any] = []

    def seconds(self) -> float:
        return self._clock.seconds()

    def callLater(self, delay: float, call: Any, *args: Any, **kw: Any) -> IDelayedCall:
        made = self._clock.callLater(delay, call, *args, **kw)
        self._calls.append(made)
        return made

    def getDelayedCalls(self) -> list[Any]:
        self._calls = [each for each in self._calls if each.active()]
        return list(self._calls)

    def end(self) -> None:
        for each in self.getDelayedCalls():
            each.cancel()
        self._clock = Clock()


Item: TypeAlias = "tuple[bytes | str, bool]"
"""What is under way: octets, or "tls" or "end"; and whether their stream is managed."""


class LossyWeb(Web):
    """`lost` is told of octets that nobody gets to see, and whether their stream was managed."""

    def __init__(self, lost: Callable[[bytes, bool], None]) -> None:
        super().__init__()
        self.lost = lost
        self.wires: list[LossyWire] = []
        """The near ends of those that stand."""
        self.dns: dict[str, float | StanzaError | None] = {}
        """How long it takes for a domain, what it fails with; None for no answer."""
        self.ways: dict[str, float | StanzaError | None] = {}
        """The same of hosts."""

    def standing(self) -> list[LossyWire]:
        """The wires over which anything may pass."""
        self.wires = [each for each in self.wires if not each.over]
        return self.wires


class LossyWire(Wire):
    """One end; `over` when nothing passes any more, or `gone` when this end knows that."""

    web: LossyWeb
    other: LossyWire

    def __init__(
        self, web: LossyWeb, names: Iterable[str], carried: ServerConnection | Hand, house: object
    ) -> None:
        super().__init__(web, names, carried)
        self.house = house
        self.over = False
        self.ended = False
        """Whether this end has closed: what comes is not read any more."""
        self.deaf = False
        """Whether this end reads nothing just now."""
        self.under_way: deque[Item] = deque()

    # ------------------------------------------------------------------ on its way

    def write(self, data: bytes) -> None:
        if not (self.gone or self.ended):
            self._put(data)

    def _put(self, what: bytes | str) -> None:
        item = (what, getattr(self.carried, "managed", None) is not None)
        if self.over:
            self._lose(item)
            return
        self.under_way.append(item)
        self.web.way.append(self.carry)
        if self.other.deaf and self.unsent() > CLOGGED and isinstance(self.carried, _Driven):
            self.carried.clogged()

    def _lose(self, item: Item) -> None:
        what, managed = item
        if isinstance(what, bytes):
            self.web.lost(what, managed)

    def carry(self) -> None:
        """Have the next of what is under way arrive."""
        if self.under_way and not self.other.deaf:
            self.other.take(self.under_way.popleft())

    def take(self, item: Item) -> None:
        what, _ = item
        if self.gone or self.ended:
            self.other._lose(item)
        elif what == "end":
            self.notice()
        elif what == "tls":
            self.carried.secured()
            if not (self.other.gone or self.other.ended):
                self.other.carried.secured()
        else:
            assert isinstance(what, bytes)
            self.carried.receive(what)

    def unsent(self) -> int:
        return sum(len(what) for what, _ in self.under_way)

    # ------------------------------------------------------------------ TLS, and the end

    def start_tls(self, domain: str) -> None:
        self.begun_for = domain
        if isinstance(self.carried, OutgoingConnection):
            self._put("tls")

    def peer(self) -> FakeTLS:
        names = self.other.names
        return FakeTLS(names, "" if names else "no certificate")

    def close(self) -> None:
        if not (self.gone or self.ended):
            self._put("end")
            self.ended = True

    def notice(self) -> None:
        """This end learns that the connection is gone."""
        if not (self.gone or self.ended or getattr(self.house, "dead", False)):
            self.gone = True
            self.over = self.other.over = True
            self.carried.lost()
            self.forget()

    def cut(self, near: int = 0, far: int = 0, *, noticed: tuple[float, float] = (0, 0)) -> None:
        """So many octets still arrive, there and here; each end notices after so many seconds."""
        for end, octets in ((self, near), (self.other, far)):
            while end.under_way and octets > 0 and not end.other.deaf:
                what, managed = end.under_way.popleft()
                if isinstance(what, bytes) and len(what) > octets:
                    end.other.take((what[:octets], managed))
                    end._lose((what, managed))
                    break
                octets -= len(what)
                end.other.take((what, managed))
        for end, seconds in ((self, noticed[0]), (self.other, noticed[1])):
            end.over = True
            end.forget()
            if not (end.gone or end.ended):
                self.web.clock.callLater(seconds, end.notice)

    def forget(self) -> None:
        """What is under way never arrives."""
        items, self.under_way = self.under_way, deque()
        for item in items:
            self._lose(item)

    def hear(self, hears: bool) -> None:
        """Read, or read nothing."""
        self.deaf = not hears
        if hears:
            other = self.other
            self.web.way.extend([other.carry] * len(other.under_way))
            if isinstance(other.carried, _Driven) and not (other.gone or other.ended):
                other.carried.unclogged()


_Driven = ServerConnection


class LossyTown(Town):
    """A server that may be ended from one moment to the next; `deaf` ones take no notice."""

    web: LossyWeb

    def __init__(
        self,
        web: LossyWeb,
        domains: tuple[str, ...],
        names: Iterable[str],
        tables: dict[str, Any],
        *,
        manageable: bool,
    ) -> None:
        self.manageable = manageable
        self.deaf = self.dead = False
        clock, web.clock = web.clock, Life(web.clock)  # type: ignore[assignment]
        try:
            super().__init__(web, domains, names, tables)
        finally:
            web.clock = clock
        self.follow()

    def follow(self) -> None:
        """Manage streams or not, whatever is configured."""
        remotes = self.remotes
        remotes.policy = remotes.policy._replace(manageable=self.manageable)

    def reload(self, **tables: Any) -> None:
        super().reload(**tables)
        self.follow()

    # ------------------------------------------------------------------ its wires

    def take_call(self, caller: Wire, address: str, *, direct: bool) -> None:
        assert isinstance(caller, LossyWire)
        connection = IncomingConnection(self.remotes, tls_available=not direct)
        wire = LossyWire(self.web, self.names, connection, self)
        wire.deaf = self.deaf
        caller.other, wire.other = wire, caller
        self.web.wires.append(caller)
        connection.begin(wire, address)

    def called(self, *names: str, direct: bool = True) -> Hand:
        """A connection of a stranger's, inside TLS already."""
        hand = Hand(self.web)
        hand.wire = wire = LossyWire(self.web, names, hand, None)
        self.take_call(wire, "198.51.100.9", direct=direct)
        wire.other.carried.secured()
        return hand

    def ends(self) -> list[LossyWire]:
        """The ends of wires that are its own."""
        ends = [end for wire in self.web.standing() for end in (wire, wire.other)]
        return [end for end in ends if end.house is self]

    def hear(self, hears: bool) -> None:
        """Read what comes, or nothing for a while."""
        self.deaf = not hears
        for end in self.ends():
            end.hear(hears)

    def die(self, noticed: float) -> None:
        """The process is killed; the others notice after so many seconds."""
        for end in self.ends():
            end.gone = True
            end.cut(noticed=(0, noticed))
        self.dead = True
        life: Any = self.clock
        life.end()

    # ------------------------------------------------------------------ Network

    def find(self, domain: str, trail: Trail) -> Deferred[tuple[Place, ...]]:
        web = self.web
        web.asked.append(domain)
        return self._after(web.dns.get(domain, 0.0), lambda: web.places.get(domain, NOT_FOUND))

    def dial(self, place: Place, connection: OutgoingConnection, trail: Trail) -> Deferred[Any]:
        web = self.web
        web.dialled.append((connection.stream.local, place.host))

        def connected() -> Any:
            there = web.at.get(place.host)
            if not isinstance(there, LossyTown):
                return UNREACHABLE
            wire = LossyWire(web, self.names, connection, self)
            there.take_call(wire, "192.0.2.2", direct=place.direct)
            connection.begin(wire, "192.0.2.1")
            return None

        return self._after(web.ways.get(place.host, 0.0), connected)

    def _after(
        self, outcome: float | StanzaError | None, value: Callable[[], Any]
    ) -> Deferred[Any]:
        """Fires with a value, in time."""
        if isinstance(outcome, StanzaError):
            error = StanzaError(outcome.condition, outcome.text, reason=outcome.reason)
            return self._after(0.0, lambda: error)
        if outcome is None:
            return Deferred(lambda _: None)
        calls: list[IDelayedCall] = []
        done: Deferred[Any] = Deferred(lambda _: [each.cancel() for each in calls])

        def fire() -> None:
            found = value()
            if isinstance(found, StanzaError):
                done.errback(found)
            else:
                done.callback(found)

        if outcome:
            calls.append(self.clock.callLater(outcome, fire))
        else:
            fire()
        return done
