"""Notifications of what is published (XEP-0060 section 7.1.2), in a closed loop."""

import itertools
import re
import time
from collections.abc import Sequence
from typing import NamedTuple

from benchmarks.chat import exchanged
from benchmarks.client import Client, LoadError
from benchmarks.exchange import Exchange, Outcome
from benchmarks.load import Crowd
from benchmarks.nodes import GAZETTE, SUBSCRIBERS, Stanza, publishing
from benchmarks.scripts import logging_in
from benchmarks.server import NODES, OWNERS, Server
from benchmarks.services import await_service
from benchmarks.work import Measure, Options, people, security

IN_FLIGHT = 8
"""Items under way at a time."""
_GRACE = 5.0
"""Seconds in which a publisher has to be answered when all have been told."""
_NUMBER = re.compile(rb">t=\d+ (\d+)[ <]")
_ANSWER = re.compile(rb"<iq\b[^>]*\btype=.(?:(result)|error).")


class _Tally(NamedTuple):
    """How many items, and the sum of their numbers."""

    items: int = 0
    numbers: int = 0

    def plus(self, numbers: Sequence[int]) -> "_Tally":
        return _Tally(self.items + len(numbers), self.numbers + sum(numbers))


class Notifications(Exchange):
    """Items that each of some clients is told of; each notification is a delivery.

    `publishers` publish in turn, each by its own stanza. `told` are told of all of it; with `own`,
    each publisher is of what it has published itself. Nobody else is to be told of anything.
    """

    def __init__(
        self,
        crowd: Crowd,
        server: Server,
        publishers: Sequence[tuple[Client, Stanza]],
        told: Sequence[Client],
        own: bool = False,
    ) -> None:
        super().__init__(crowd, server, b"</message>")
        self._turn = itertools.cycle(publishers)
        self._told = {client.fd for client in told}
        self._own = own
        self._copies = len(told) + own
        self._heard = {client.fd: _Tally() for client in self._clients}
        """What each client was told of."""
        self._published = {client.fd: _Tally() for client, _ in publishers}
        self._all = _Tally()
        self._answered = self._came = 0

    def closed(self, in_flight: int, warm_up: float, seconds: float) -> Outcome:
        """Keep items under way; LoadError unless each was told of once, and answered."""
        for _ in range(in_flight):
            self._publish()

        def until(end: float) -> None:
            while time.perf_counter() < end:
                self._read(0.05, self._count)

        outcome = self._measure(until, warm_up, seconds)
        end = time.perf_counter() + _GRACE
        while self._answered < self._all.items and time.perf_counter() < end:
            self._read(0.05, None)
        if odd := sum(self._due_to(fd) != heard for fd, heard in self._heard.items()):
            raise LoadError(f"{odd} clients were not told of each item once, or of others' items")
        if self._answered != self._all.items:
            raise LoadError(f"{self._answered} of {self._all.items} items were answered")
        return outcome

    def _due_to(self, fd: int) -> _Tally:
        if fd in self._told:
            return self._all
        return self._published.get(fd, _Tally()) if self._own else _Tally()

    def _publish(self) -> None:
        client, publish = next(self._turn)
        number = self._all.items + 1
        self._all = self._all.plus([number])
        self._published[client.fd] = self._published[client.fd].plus([number])
        self._due += self._copies
        client.send(publish(number))

    def _count(self, client: Client, count: int) -> None:
        """Publish one more for every one of which all have been told."""
        self._came += count
        while self._came >= self._copies:
            self._came -= self._copies
            self._publish()

    def _take(self, client: Client, data: bytes) -> int:
        data = client.tail + data
        end = max(data.rfind(b"</message>"), data.rfind(b"</iq>"))
        end = data.find(b">", end) + 1 if end >= 0 else 0
        whole, client.tail = data[:end], data[end:]
        self._time(whole)
        numbers = list(map(int, _NUMBER.findall(whole)))
        self._heard[client.fd] = self._heard[client.fd].plus(numbers)
        if client.fd in self._published:
            self._take_answers(client, whole)
        return len(numbers)

    def _take_answers(self, client: Client, whole: bytes) -> None:
        for answer in _ANSWER.findall(whole):
            if not answer:
                raise LoadError(f"{client.user}: not published: {whole[-300:]!r}")
            self._answered += 1


def telling(server: Server, options: Options) -> Measure:
    """Return the row: a node with many subscribers, all of whom are online."""
    with Crowd(server.address) as crowd:
        users = [OWNERS[0], *people(SUBSCRIBERS)]
        crowd.play(users, logging_in(None), options.concurrency)
        await_service(crowd, NODES)
        crowd.drain(1.0)
        owner, *told = sorted(crowd.clients.values(), key=lambda client: client.number)
        publishers = [(owner, publishing(GAZETTE))]
        notifications = Notifications(crowd, server, publishers, told)
        outcome = notifications.closed(IN_FLIGHT, options.warm_up, options.seconds)
        return exchanged(outcome, {"security": security(crowd)})
