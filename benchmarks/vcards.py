"""vCards of others (XEP-0054): each client asks for its neighbour's, in a closed loop.

xmppd's are kept by a process of its own, whose CPU time counts as the server's.
"""

import re
import time
from collections.abc import Callable

from benchmarks.client import DOMAIN, Client, LoadError, Script
from benchmarks.exchange import Exchange, Outcome
from benchmarks.load import Crowd
from benchmarks.scripts import logging_in
from benchmarks.server import Server
from benchmarks.work import Measure, Options, people, security, timed

_SET = (
    b"<iq type='set' id='set'><vCard xmlns='vcard-temp'><FN>Juliet Capulet</FN>"
    b"<N><FAMILY>Capulet</FAMILY><GIVEN>Juliet</GIVEN></N><NICKNAME>jule</NICKNAME>"
    b"<URL>https://capulet.example/juliet</URL><BDAY>1581-07-31</BDAY>"
    b"<EMAIL><INTERNET/><USERID>juliet@capulet.example</USERID></EMAIL></vCard></iq>"
)
_STORED = re.compile(rb"<iq(?=[^>]*id=.set.)(?=[^>]*type=.(result|error).)[^>]*>", re.DOTALL)


def _storing(client: Client) -> Script:
    """Set the client's own vCard; tried again while the server's part for it is not there yet."""
    end = time.monotonic() + 30.0
    while True:
        client.send(_SET)
        answer = yield _STORED
        assert answer is not None
        if answer[1] == b"result":
            return
        if time.monotonic() > end:
            raise LoadError(f"{client.user}: no vCard could be set: {answer.string!r}")


class Asking(Exchange):
    """Requests for the vCards of others, some of each client under way at a time."""

    def __init__(self, crowd: Crowd, server: Server) -> None:
        super().__init__(crowd, server, b"</iq>")
        names = [client.user for client in self._clients]
        self._asks: dict[int, Callable[[int], bytes]] = {
            client.fd: _asking(name)
            for client, name in zip(self._clients, [*names[1:], names[0]], strict=True)
        }

    def closed(self, window: int, warm_up: float, seconds: float) -> Outcome:
        """Keep `window` requests of each client under way."""
        for client in self._clients:
            self._ask(client, window)

        def until(end: float) -> None:
            while time.perf_counter() < end:
                self._read(0.05, self._ask)

        return self._measure(until, warm_up, seconds)

    def _ask(self, client: Client, count: int) -> None:
        ask = self._asks[client.fd]
        client.send(b"".join([ask(self._due + number) for number in range(count)]))
        self._due += count


def _asking(name: str) -> Callable[[int], bytes]:
    tail = f"' to='{name}@{DOMAIN}'><vCard xmlns='vcard-temp'/></iq>".encode()
    return lambda number: b"<iq type='get' id='v%d%b" % (number, tail)


def asking(server: Server, options: Options) -> Measure:
    """Return the row: every client asks for its neighbour's vCard."""
    with Crowd(server.address) as crowd:
        crowd.play(people(options.users), logging_in(None), options.concurrency)
        crowd.go_on(list(crowd.clients.values()), _storing, options.concurrency)
        crowd.drain(1.0)
        outcome = Asking(crowd, server).closed(options.window, options.warm_up, options.seconds)
        if outcome.lost:
            raise LoadError(f"{outcome.lost} answers are missing")
        notes: dict[str, str | float] = {"security": security(crowd)}
        return timed(outcome.cost, outcome.delivered, outcome.usage, outcome.latencies, notes)
