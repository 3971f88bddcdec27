"""Rooms made over the wire and filled (XEP-0045): joins, and the proof that they are complete.

A room is an instant room (section 10.1.2), and as many messages as servers keep for newcomers
have been said in it before anybody joins.
"""

import re
import time
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from benchmarks.client import Client, LoadError, Script
from benchmarks.exchange import Exchange
from benchmarks.load import Crowd
from benchmarks.scripts import logging_in
from benchmarks.server import ROOMS, Server
from benchmarks.services import await_service
from benchmarks.work import Options, people

IN_FLIGHT = 8
"""Joins under way at a time, and messages in one room."""
_PROLOGUE = 20
"""Messages said in a room before anybody joins: what all send to newcomers as its history."""
_STALL = 60.0
"""Seconds without a presence after which joins are given up."""
_REST = 0.5
"""Seconds in which nothing more may come when all have joined."""
_SUBMIT = (
    "' type='set' id='instant'><query xmlns='http://jabber.org/protocol/muc#owner'>"
    "<x xmlns='jabber:x:data' type='submit'/></query></iq>"
)
_CREATED = re.compile(rb"code=.110..*?(<subject)\b|<presence[^>]*type=.error.*", re.DOTALL)
_INSTANT = re.compile(rb"<iq(?=[^>]*id=.instant.)[^>]*type=.(?:(result)|error).[^>]*>")
_SAID = re.compile(rb">prologue %d<" % _PROLOGUE)
_OCCUPANT = re.compile(rb"<presence\b[^>]*?\bfrom=.[^'\"/]*/friar(\d+)['\"]")
_OWN = re.compile(rb"code=.110.")


@dataclass(frozen=True)
class Room:
    """A room and those who are to be in it, the first of whom creates it."""

    name: str
    members: Sequence[Client]

    @property
    def address(self) -> str:
        """Its bare JID."""
        return f"{self.name}@{ROOMS}"

    def join(self, place: int) -> bytes:
        """Return the presence by which a member joins (section 7.2.1)."""
        to = f"{self.address}/friar{place}"
        return (
            f"<presence to='{to}'><x xmlns='http://jabber.org/protocol/muc'/></presence>".encode()
        )


def divided(members: Sequence[Client], size: int, name: str) -> list[Room]:
    """Put `size` of the clients in each room."""
    starts = range(0, len(members), size)
    return [Room(f"{name}{start}", members[start : start + size]) for start in starts]


def create(crowd: Crowd, rooms: Iterable[Room]) -> None:
    """Have each room created by its first member, who says what will be its history."""
    by_creator = {room.members[0].fd: room for room in rooms}

    def script(client: Client) -> Script:
        return _creating(client, by_creator[client.fd])

    crowd.go_on([crowd.clients[fd] for fd in by_creator], script, IN_FLIGHT)


def _creating(client: Client, room: Room) -> Script:
    client.send(room.join(0))
    answer = yield _CREATED
    assert answer is not None
    if answer[1] is None:
        raise LoadError(f"{client.user}: {room.address} not created: {answer[0][-300:]!r}")
    client.send(f"<iq to='{room.address}{_SUBMIT}".encode())
    answer = yield _INSTANT
    assert answer is not None
    if answer[1] is None:
        raise LoadError(f"{client.user}: {room.address} does not become an instant room")
    for number in range(1, _PROLOGUE + 1):
        said = f"<body>prologue {number}</body></message>"
        client.send(f"<message to='{room.address}' type='groupchat'>{said}".encode())
    yield _SAID


@dataclass(slots=True)
class _Seat:
    """A member of a room: how often each of the members, by their places, was announced to him.

    `welcomed` says whether everything has come that a newcomer is sent, `history` how much of
    that were messages.
    """

    room: Room
    place: int
    seen: bytearray = field(init=False)
    own: bool = False
    welcomed: bool = False
    history: int = 0
    began: float = 0.0

    def __post_init__(self) -> None:
        self.seen = bytearray(len(self.room.members))


class Filling(Exchange):
    """The members of rooms join these, one behind the other, `IN_FLIGHT` of them at a time.

    The rooms have been created, and no client is in two of them.
    """

    def __init__(self, crowd: Crowd, server: Server, rooms: Iterable[Room]) -> None:
        super().__init__(crowd, server, b"</presence>")
        self._seats: dict[int, _Seat] = {}
        self._waiting: deque[Client] = deque()
        self._took: list[float] = []
        for room in rooms:
            for place, client in enumerate(room.members):
                self._seats[client.fd] = _Seat(room, place)
                client.tail = b""
            creator = self._seats[room.members[0].fd]
            creator.seen[0], creator.own, creator.welcomed = 1, True, True
            self._waiting += room.members[1:]
            self._due += len(room.members) ** 2 - 1
        self._newcomers = len(self._waiting)

    def fill(self) -> list[float]:
        """Have all join; return the seconds from each one's presence to the room's subject.

        It is over when each newcomer has been welcomed and all know of all.
        """
        for _ in range(IN_FLIGHT):
            self._send_next()
        progress, got = time.perf_counter(), 0
        while self._got < self._due or len(self._took) < self._newcomers:
            self._read(0.05, None)
            if self._got > got:
                progress, got = time.perf_counter(), self._got
            elif time.perf_counter() - progress > _STALL:
                raise LoadError(f"{self._got} presences of {self._due} came")
        return self._took

    def check(self) -> float:
        """Return how much history a newcomer got; LoadError unless all know of all, once each."""
        end = time.perf_counter() + _REST
        while time.perf_counter() < end:
            self._read(0.05, None)
        for seat in self._seats.values():
            if (odd := sum(count != 1 for count in seat.seen)) > 0:
                raise LoadError(f"friar{seat.place} was told of {odd} occupants twice or never")
        return sum(seat.history for seat in self._seats.values()) / max(self._newcomers, 1)

    def _send_next(self) -> None:
        if self._waiting:
            client = self._waiting.popleft()
            seat = self._seats[client.fd]
            seat.began = time.perf_counter()
            client.send(seat.room.join(seat.place))

    def _take(self, client: Client, data: bytes) -> int:
        data = client.tail + data
        last = max(data.rfind(b"</presence>"), data.rfind(b"</message>"))
        end = data.find(b">", last) + 1 if last >= 0 else 0
        whole, client.tail = data[:end], data[end:]
        if b"error" in whole:
            raise LoadError(f"{client.user}: not let in: {whole[-300:]!r}")
        seat = self._seats[client.fd]
        places = _OCCUPANT.findall(whole)
        for place in places:
            seat.seen[int(place)] += 1
        if not seat.welcomed:
            self._welcome(seat, whole)
        return len(places)

    def _welcome(self, seat: _Seat, whole: bytes) -> None:
        """Take what a newcomer is sent; behind his own presence the subject is the last of it."""
        seat.own = seat.own or _OWN.search(whole) is not None
        seat.history += whole.count(b">prologue ")
        if b"<subject" in whole:
            if not seat.own:
                raise LoadError(f"friar{seat.place}: the subject came before his own presence")
            seat.welcomed = True
            self._took.append(time.perf_counter() - seat.began)
            self._send_next()


def furnish(crowd: Crowd, server: Server, rooms: Sequence[Room]) -> None:
    """Create rooms and fill them, before anything is measured in them."""
    create(crowd, rooms)
    filling = Filling(crowd, server, rooms)
    filling.fill()
    filling.check()


def ready(crowd: Crowd, count: int, options: Options) -> list[Client]:
    """Log clients in, without TLS, and wait for the server's rooms; return them in order."""
    crowd.play(people(count), logging_in(None), options.concurrency)
    await_service(crowd, ROOMS)
    crowd.drain(1.0)
    return sorted(crowd.clients.values(), key=lambda client: client.number)
