"""Chat with users of other servers, over s2s: out, in, and there and back.

The other servers are the load generator's (`remote`): measured is the server between its clients
and them. Each message crosses it once, from a client to a stream of s2s or the other way.
"""

import re
import time
from collections import Counter
from collections.abc import Callable
from typing import Literal

from benchmarks.chat import exchanged, payload_after_stamp
from benchmarks.client import Client
from benchmarks.exchange import Exchange, Outcome
from benchmarks.load import Crowd
from benchmarks.remote import Link, Remote
from benchmarks.scripts import logging_in
from benchmarks.server import REMOTE, Server
from benchmarks.work import Measure, Options, people, security

_AUTHOR = re.compile(rb"<message [^>]*?\bfrom=['\"]([^'\"]+)")
_LINKED = 30.0
"""Seconds in which all streams have to be there."""

Way = Literal["out", "in", "both"]


class Elsewhere(Exchange):
    """Messages between each client and a user of another domain, in a closed loop.

    "out": what has come to the other domain makes its author send as many more. "in": what has
    come to a client makes his friend send as many. "both": each is answered by one.
    """

    def __init__(
        self, crowd: Crowd, server: Server, remote: Remote, domains: int, way: Way
    ) -> None:
        super().__init__(crowd, server, b"</message>")
        self._rest = payload_after_stamp()
        self._way = way
        self._running = False
        self._waiting: dict[Link, list[bytes]] = {}
        """What is to be sent on our streams, after a turn of the epoll: as one write."""
        names = [f"d{number}.{REMOTE}" for number in range(domains)]
        ours = _links(crowd, remote, self._clients, names)
        self._there: dict[int, bytes] = {}
        self._back: dict[int, tuple[Link, bytes]] = {}
        self._by_jid = {client.jid.encode(): client for client in self._clients}
        for client in self._clients:
            domain = names[client.number % domains]
            friend = f"romeo{client.number}@{domain}/orchard"
            self._there[client.fd] = f"<message to='{friend}' id='m".encode()
            head = f"<message from='{friend}' to='{client.jid}' id='m".encode()
            self._back[client.fd] = ours[domain], head
            self._waiting[ours[domain]] = []
        crowd.drain(1.0)
        for link in remote.links.values():
            link.heard = self._arrive

    def closed(self, window: int, warm_up: float, seconds: float) -> Outcome:
        """Keep `window` messages for each client in flight."""
        self._running = True
        for client in self._clients:
            (self._reply if self._way == "in" else self._say)(client, window)
        self._flush()

        def until(end: float) -> None:
            self._running = True
            while time.perf_counter() < end:
                self._read(0.05, self._heard)
                self._flush()
            self._running = False

        return self._measure(until, warm_up, seconds)

    def _heard(self, client: Client, count: int) -> None:
        """For what a client has got: have it answer, or its friend go on."""
        (self._reply if self._way == "in" else self._say)(client, count)

    def _arrive(self, link: Link, data: bytes) -> None:
        """Count what has come on a link; have it answered, or its authors go on."""
        whole, end, link.inbox = (link.inbox + data).rpartition(self._end)
        if not end:
            return
        count = whole.count(self._end) + 1
        self._got += count
        self._time(whole)
        if not self._running:
            return
        for author, times in Counter(_AUTHOR.findall(whole)).items():
            client = self._by_jid[author]
            (self._say if self._way == "out" else self._reply)(client, times)

    def _say(self, client: Client, count: int) -> None:
        client.send(self._messages(self._there[client.fd], count))

    def _reply(self, client: Client, count: int) -> None:
        link, head = self._back[client.fd]
        self._waiting[link].append(self._messages(head, count))

    def _flush(self) -> None:
        for link, waiting in self._waiting.items():
            if waiting:
                link.send(b"".join(waiting))
                waiting.clear()

    def _messages(self, head: bytes, count: int) -> bytes:
        self._due += count
        middle = b"' type='chat'><body>t=%d" % time.perf_counter_ns()
        first = self._due - count + 1
        parts = [b"%b%d%b%b" % (head, first + i, middle, self._rest) for i in range(count)]
        return b"".join(parts)


def _links(
    crowd: Crowd, remote: Remote, clients: list[Client], domains: list[str]
) -> dict[str, Link]:
    """Have there be streams of both directions with each domain, verified; return ours."""
    came: set[str] = set()
    remote.stanza = lambda link, stanza: came.add(link.domain)
    for domain in domains:
        remote.open(domain)
        clients[0].send(f"<message to='romeo@{domain}'><body>Hist!</body></message>".encode())

    def done() -> bool:
        ready = all(remote.outgoing[domain].ready for domain in domains)
        return ready and came.issuperset(domains)

    crowd.until(done, _LINKED, "streams with the other domains")
    return dict(remote.outgoing)


def chatting(domains: int, way: Way) -> Callable[[Server, Options], Measure]:
    """Return the row: messages between the clients and so many other domains."""

    def run(server: Server, options: Options) -> Measure:
        with Crowd(server.address) as crowd, Remote(crowd, server) as remote:
            crowd.play(people(options.users), logging_in(None), options.concurrency)
            exchange = Elsewhere(crowd, server, remote, domains, way)
            outcome = exchange.closed(options.window, options.warm_up, options.seconds)
            return exchanged(outcome, {"security": security(crowd)})

    return run
