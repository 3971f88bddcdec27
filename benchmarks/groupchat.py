"""Messages to the occupants of rooms (XEP-0045), in a closed loop for each room."""

import itertools
import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from benchmarks.chat import exchanged
from benchmarks.client import Client, LoadError
from benchmarks.exchange import Exchange, Outcome
from benchmarks.load import Crowd
from benchmarks.rooms import Room, divided, furnish, ready
from benchmarks.server import Server
from benchmarks.work import Measure, Options, security

_SPEAKERS = 8
"""Occupants of a room who speak, in turn."""
_NUMBER = re.compile(rb">t=\d+ (\d+) ")


@dataclass(slots=True)
class _Talk:
    """What is said in a room: by whom, how many messages so far, and copies come of the next."""

    size: int
    head: bytes
    speakers: Iterator[Client]
    said: int = 0
    came: int = 0


@dataclass(slots=True)
class _Heard:
    """What came to an occupant: how many messages, and the sum of their numbers in the room."""

    talk: _Talk
    messages: int = 0
    numbers: int = 0

    @property
    def each_once(self) -> bool:
        """Whether that is what comes of every message once."""
        said = self.talk.said
        return self.messages == said and self.numbers == said * (said + 1) // 2


class Groupchat(Exchange):
    """Messages to rooms; each occupant's copy is a delivery, the speaker's own included."""

    def __init__(self, crowd: Crowd, server: Server, rooms: Sequence[Room]) -> None:
        super().__init__(crowd, server, b"</message>")
        self._heard: dict[int, _Heard] = {}
        self._talks = [_talk(room) for room in rooms]
        for room, talk in zip(rooms, self._talks, strict=True):
            self._heard.update((client.fd, _Heard(talk)) for client in room.members)

    def closed(self, in_flight: int, warm_up: float, seconds: float) -> Outcome:
        """Keep `in_flight` messages under way in each room; LoadError unless each came once."""
        for talk in self._talks:
            for _ in range(in_flight):
                self._say(talk)

        def until(end: float) -> None:
            while time.perf_counter() < end:
                self._read(0.05, self._count)

        outcome = self._measure(until, warm_up, seconds)
        if odd := sum(not heard.each_once for heard in self._heard.values()):
            raise LoadError(f"{odd} occupants did not get each message once")
        return outcome

    def _count(self, client: Client, count: int) -> None:
        """Say one more in a room for every one of which as many copies came as it has occupants."""
        talk = self._heard[client.fd].talk
        talk.came += count
        while talk.came >= talk.size:
            talk.came -= talk.size
            self._say(talk)

    def _say(self, talk: _Talk) -> None:
        talk.said += 1
        self._due += talk.size
        number, stamp = talk.said, time.perf_counter_ns()
        next(talk.speakers).send(
            b"%bm%d'><body>t=%d %d %b</body>"
            b"<active xmlns='http://jabber.org/protocol/chatstates'/>"
            b"<origin-id xmlns='urn:xmpp:sid:0' id='m%d'/></message>"
            % (talk.head, number, stamp, number, b"x" * 60, number)
        )

    def _take(self, client: Client, data: bytes) -> int:
        whole, end, client.tail = (client.tail + data).rpartition(self._end)
        if not end:
            return 0
        self._time(whole)
        numbers = _NUMBER.findall(whole)
        heard = self._heard[client.fd]
        heard.messages += len(numbers)
        heard.numbers += sum(map(int, numbers))
        return len(numbers)


def _talk(room: Room) -> _Talk:
    step = max(1, len(room.members) // _SPEAKERS)
    speakers = itertools.cycle(room.members[::step][:_SPEAKERS])
    head = f"<message to='{room.address}' type='groupchat' id='".encode()
    return _Talk(len(room.members), head, speakers)


def talking(rooms: int, size: int, in_flight: int) -> Callable[[Server, Options], Measure]:
    """Return the row: so many rooms of `size` occupants, `in_flight` messages under way in each."""

    def run(server: Server, options: Options) -> Measure:
        with Crowd(server.address) as crowd:
            filled = divided(ready(crowd, rooms * size, options), size, "verona")
            furnish(crowd, server, filled)
            chat = Groupchat(crowd, server, filled)
            outcome = chat.closed(in_flight, options.warm_up, options.seconds)
            return exchanged(outcome, {"security": security(crowd)})

    return run
