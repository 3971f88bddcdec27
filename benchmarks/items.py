"""Items published and retrieved (XEP-0060 sections 7.1 and 6.5), in a closed loop."""

import re
import time
from collections.abc import Callable, Mapping, Sequence

from benchmarks.client import Client, LoadError, Script
from benchmarks.exchange import Exchange, Outcome
from benchmarks.load import Crowd
from benchmarks.nodes import LIBRARY, diary, publishing, retrieving
from benchmarks.scripts import logging_in
from benchmarks.server import NODES, OWNERS, Server
from benchmarks.services import await_service
from benchmarks.work import Measure, Options, people, security, timed

PAGE = 50
"""Items of one answer."""
_READERS = 2
"""Clients who retrieve, each with one request under way: it takes some servers a second."""
_LEAST = 10
"""Answers that are measured at least, however long they take."""
_NUMBER = re.compile(rb">t=\d+ (\d+)[ <]")
_PUBLISHED = re.compile(rb"<item id='(\d+)'>.*>t=\d+ (\d+)[ <]")
_RETRIEVED = re.compile(rb"<iq(?=[^>]*id=.p\d)[^>]*type=.(?:(result)|error).*?</iq>", re.DOTALL)


class _Requests(Exchange):
    """Requests of each client, some under way at a time; each answer is a delivery.

    The id of a request is the time at which it was sent.
    """

    _stamp = re.compile(rb"\bid=.p(\d+)\.")

    def __init__(self, crowd: Crowd, server: Server) -> None:
        super().__init__(crowd, server, b"</iq>")

    def closed(self, window: int, warm_up: float, seconds: float) -> Outcome:
        """Keep `window` requests of each client under way."""
        for client in self._clients:
            self._ask(client, window)

        def until(end: float) -> None:
            least = self._got + _LEAST
            while time.perf_counter() < end or self._got < least:
                self._read(0.05, self._ask)

        outcome = self._measure(until, warm_up, seconds)
        if outcome.lost:
            raise LoadError(f"{outcome.lost} answers are missing")
        return outcome

    def _ask(self, client: Client, count: int) -> None:
        self._due += count
        client.send(b"".join([self._request(client) for _ in range(count)]))

    def _request(self, client: Client) -> bytes:
        raise NotImplementedError


class Publishing(_Requests):
    """Items published by each owner to its own node, which nobody has subscribed to."""

    def __init__(self, crowd: Crowd, server: Server) -> None:
        super().__init__(crowd, server)
        self._stanzas = {client.fd: publishing(diary(client.user)) for client in self._clients}
        self.last: dict[str, bytes] = {}
        """What each owner has published last."""

    def _request(self, client: Client) -> bytes:
        self.last[client.user] = stanza = self._stanzas[client.fd](self._due)
        return stanza

    def _take(self, client: Client, data: bytes) -> int:
        if b"error" in data:
            raise LoadError(f"{client.user}: not published: {data[-300:]!r}")
        return super()._take(client, data)


class Retrieving(_Requests):
    """Requests for the newest items of a node that has many more."""

    def __init__(self, crowd: Crowd, server: Server, count: int) -> None:
        super().__init__(crowd, server)
        self._retrieve = retrieving(LIBRARY, f" max_items='{PAGE}'")
        self._newest = list(range(count - PAGE + 1, count + 1))

    def _request(self, client: Client) -> bytes:
        return self._retrieve()

    def _take(self, client: Client, data: bytes) -> int:
        whole, end, client.tail = (client.tail + data).rpartition(self._end)
        if not end:
            return 0
        self._time(whole)
        answers = whole.split(self._end)
        for answer in answers:
            if sorted(map(int, _NUMBER.findall(answer))) != self._newest:
                raise LoadError(f"{client.user}: not the newest items: {answer[:300]!r}")
        return len(answers)


def publish(server: Server, options: Options) -> Measure:
    """Return the row: owners publish, each to its own node, and nobody has to be told."""
    with Crowd(server.address) as crowd:
        _ready(crowd, OWNERS, options)
        publishing = Publishing(crowd, server)
        outcome = publishing.closed(options.window, options.warm_up, options.seconds)
        crowd.go_on(list(crowd.clients.values()), _checking(publishing.last), 1)
        return _measured(outcome, outcome.cost, crowd)


def retrieve(server: Server, options: Options) -> Measure:
    """Return the row: some clients retrieve the newest items of a node with many."""
    with Crowd(server.address) as crowd:
        _ready(crowd, people(_READERS), options)
        retrieving = Retrieving(crowd, server, options.items)
        outcome = retrieving.closed(1, options.warm_up, options.seconds)
        return _measured(outcome, outcome.cost / 1e3, crowd)


def _ready(crowd: Crowd, users: Sequence[str], options: Options) -> None:
    crowd.play(users, logging_in(None), options.concurrency)
    await_service(crowd, NODES)
    crowd.drain(1.0)


def _measured(outcome: Outcome, cost: float, crowd: Crowd) -> Measure:
    notes: dict[str, str | float] = {"lost": 0, "security": security(crowd)}
    return timed(cost, outcome.delivered, outcome.usage, outcome.latencies, notes)


def _checking(last: Mapping[str, bytes]) -> Callable[[Client], Script]:
    """Return the script that retrieves the item which its owner has published last."""

    def script(client: Client) -> Script:
        match = _PUBLISHED.search(last[client.user])
        assert match is not None
        item = f"<item id='{match[1].decode()}'/>"
        client.send(retrieving(diary(client.user), "", item)())
        answer = yield _RETRIEVED
        assert answer is not None
        if _NUMBER.findall(answer[0]) != [match[2]]:
            raise LoadError(f"{client.user}: {item} is not there: {answer[0][:300]!r}")

    return script
