"""A measured exchange of stanzas among clients that are logged in.

The one part of the generator where each microsecond counts: about as little is done for each
stanza as Python allows, so that the server is what limits a closed loop.
"""

import re
import select
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from benchmarks.client import Client, LoadError
from benchmarks.load import Crowd
from benchmarks.proc import Meter, Usage
from benchmarks.server import Server

_SAMPLE = 4
"""Latencies are taken from one read in this many, to spare the generator."""
_GRACE = 5.0
"""After the end, seconds that there may be between the arrivals of stanzas under way."""


@dataclass(frozen=True)
class Outcome:
    """What a stretch of it gave: usage, deliveries in it, latencies (s), stanzas lost."""

    usage: Usage
    delivered: int
    latencies: list[float]
    lost: int

    @property
    def cost(self) -> float:
        """The server's CPU time for one delivery, in µs."""
        return self.usage.server / max(self.delivered, 1) * 1e6


class Exchange:
    """What every exchange has: reading, counting, measuring; subclasses send.

    `end` is the closing tag of the stanzas counted. The text of one of their children begins
    with `t=` and the time in nanoseconds at which the stanza was sent, unless `_stamp` finds it
    elsewhere.
    """

    _stamp = re.compile(rb">t=(\d+)[ <]")

    def __init__(self, crowd: Crowd, server: Server, end: bytes) -> None:
        self._crowd = crowd
        self._server = server
        self._end = end
        self._clients = sorted(self._members(), key=lambda client: client.number)
        self._due = self._got = self._reads = 0
        self._latencies: list[float] = []

    def _members(self) -> Iterable[Client]:
        """Those who take part: all clients, one for each user."""
        return self._crowd.clients.values()

    def _measure(self, until: Callable[[float], None], warm_up: float, seconds: float) -> Outcome:
        until(time.perf_counter() + warm_up)
        self._latencies.clear()
        before, meter = self._got, Meter(self._server.processes)
        until(time.perf_counter() + seconds)
        usage, delivered, latencies = meter.read(), self._got - before, self._latencies[:]
        last, got = time.perf_counter(), self._got
        while self._got < self._due and time.perf_counter() - last < _GRACE:
            self._read(0.05, None)
            if self._got != got:
                last, got = time.perf_counter(), self._got
        return Outcome(usage, delivered, latencies, self._due - self._got)

    def _read(self, wait: float, answer: Callable[[Client, int], None] | None) -> None:
        """Read what has come; `answer` is told which client got how many stanzas."""
        clients, others = self._crowd.clients, self._crowd.others
        for fd, events in self._crowd.epoll.poll(wait):
            if fd in others:
                others[fd](events)
                continue
            client = clients[fd]
            if events & select.EPOLLOUT:
                client.flush()
            data = client.receive()
            if not data:
                if data is None:
                    raise LoadError(f"{client.user}: the server closed under load")
                continue
            count = self._take(client, data)
            if count:
                self._got += count
                if answer is not None:
                    answer(client, count)

    def _take(self, client: Client, data: bytes) -> int:
        """Return how many stanzas end in what a client has read."""
        end = self._end
        if client.tail:
            data = client.tail + data
        client.tail = b"" if data.endswith(end) else data[1 - len(end) :]
        self._time(data)
        return data.count(end)

    def _time(self, data: bytes) -> None:
        """Note the latencies of the stanzas in what was read, now and then."""
        self._reads += 1
        if not self._reads % _SAMPLE:
            now = time.perf_counter_ns()
            self._latencies += [(now - int(t)) / 1e9 for t in self._stamp.findall(data)]
