"""Chat between pairs of clients that are logged in: closed loop, or at a fixed rate.

The one part of the generator where each microsecond counts: about as little is done for each
message as Python allows, so that the server is what limits the closed loop.
"""

import re
import select
import time
from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.load import Client, Crowd, LoadError
from benchmarks.proc import Meter, Usage

_END = b"</message>"
_STAMP = re.compile(rb">t=(\d+) ")
_SAMPLE = 4
"""Latencies are taken from one read in this many, to spare the generator."""
_GRACE = 5.0
"""Seconds that messages under way have to arrive in after the end."""


@dataclass(frozen=True)
class Outcome:
    """What a stretch of chat gave: usage, deliveries in it, latencies (s), messages lost."""

    usage: Usage
    delivered: int
    latencies: list[float]
    lost: int


class Chat:
    """Messages between neighbours of a crowd: client 0 with 1, 2 with 3, and so on.

    The payload is a short chat message with a chat state (XEP-0085) and a receipt request
    (XEP-0184), about 250 bytes, as today's clients send it.
    """

    def __init__(self, crowd: Crowd, server: int, body: int = 60) -> None:
        self._crowd = crowd
        self._server = server
        self._clients = sorted(crowd.clients.values(), key=lambda client: client.number)
        self._heads: dict[int, bytes] = {}
        for one, other in zip(self._clients[::2], self._clients[1::2], strict=True):
            one.peer, other.peer = other, one
        for client in self._clients:
            assert client.peer is not None
            self._heads[client.fd] = f"<message to='{client.peer.jid}' type='chat' id='m".encode()
        self._rest = (
            f" {'x' * body}</body><active xmlns='http://jabber.org/protocol/chatstates'/>"
            "<request xmlns='urn:xmpp:receipts'/></message>"
        ).encode()
        self._sent = self._got = self._reads = 0
        self._latencies: list[float] = []

    def closed(self, window: int, warm_up: float, seconds: float) -> Outcome:
        """Keep `window` messages of each client in flight for `seconds`, after a warm-up."""
        for client in self._clients:
            self._send(client, window)

        def until(end: float) -> None:
            while time.perf_counter() < end:
                self._read(0.05, self._send)

        return self._measure(until, warm_up, seconds)

    def paced(self, rate: float, warm_up: float, seconds: float) -> Outcome:
        """Send `rate` messages a second in all, each client in its turn."""
        turn = 0

        def until(end: float) -> None:
            nonlocal turn
            due = time.perf_counter()
            while (now := time.perf_counter()) < end:
                while due <= now:
                    self._send(self._clients[turn % len(self._clients)], 1)
                    turn += 1
                    due += 1 / rate
                self._read(max(0.0, due - time.perf_counter()), None)

        return self._measure(until, warm_up, seconds)

    def _measure(self, until: Callable[[float], None], warm_up: float, seconds: float) -> Outcome:
        until(time.perf_counter() + warm_up)
        self._latencies.clear()
        before, meter = self._got, Meter(self._server)
        until(time.perf_counter() + seconds)
        usage, delivered, latencies = meter.read(), self._got - before, self._latencies[:]
        end = time.perf_counter() + _GRACE
        while self._got < self._sent and time.perf_counter() < end:
            self._read(0.05, None)
        return Outcome(usage, delivered, latencies, self._sent - self._got)

    def _send(self, client: Client, count: int) -> None:
        head, rest = self._heads[client.fd], self._rest
        self._sent += count
        stamp = b"'><body>t=%d" % time.perf_counter_ns()
        number = self._sent
        if count == 1:
            client.send(b"%b%d%b%b" % (head, number, stamp, rest))
        else:
            parts = [b"%b%d%b%b" % (head, number - i, stamp, rest) for i in range(count)]
            client.send(b"".join(parts))

    def _read(self, wait: float, answer: Callable[[Client, int], None] | None) -> None:
        """Read what has come; for `n` messages to a client, `answer` by its peer with n more."""
        clients = self._crowd.clients
        for fd, events in self._crowd.epoll.poll(wait):
            client = clients[fd]
            if events & select.EPOLLOUT:
                client.flush()
            data = client.receive()
            if not data:
                if data is None:
                    raise LoadError(f"{client.user}: the server closed under load")
                continue
            if client.tail:
                data = client.tail + data
            client.tail = b"" if data.endswith(_END) else data[1 - len(_END) :]
            count = data.count(_END)
            self._reads += 1
            if not self._reads % _SAMPLE:
                now = time.perf_counter_ns()
                self._latencies += [(now - int(t)) / 1e9 for t in _STAMP.findall(data)]
            if count:
                self._got += count
                if answer is not None and client.peer is not None:
                    answer(client.peer, count)
