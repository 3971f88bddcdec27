"""The row about a big roster: how long others wait while its owner logs in."""

import re
import time

from benchmarks.client import DOMAIN, Client, LoadError, Script
from benchmarks.load import Crowd
from benchmarks.proc import Meter
from benchmarks.rosters import GUEST, HOST
from benchmarks.scripts import arriving, logging_in, opening
from benchmarks.server import Server
from benchmarks.work import Measure, Options, people, percentile, security

_EVERY = 0.005
"""Seconds from one ping to the next, whatever has become of the one before."""
_LOGINS = 3
"""Logins that are looked at, one after the other; the first finds the server cold."""
_LIMIT = 60.0
_PONG = re.compile(rb"<iq\b[^>]*\bid=.p(\d+)\.")
_ROSTER_END = re.compile(rb"</query>\s*</iq>")
_PRESENCE = re.compile(rb"<presence\b[^>]*?\bfrom=.%b\d+@" % GUEST.encode())


class Pings:
    """Pings by one client at a steady pace (XEP-0199), as a crowd's pacer."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._sent: dict[int, float] = {}
        self._next = time.perf_counter()
        self._number = 0
        self._cut = b""
        self.latencies: list[float] = []
        client.hear = self._hear

    @property
    def sent(self) -> int:
        """The number of the last ping that was sent."""
        return self._number

    def answered(self, number: int) -> bool:
        """Whether the ping of this number, and all before it, have been answered."""
        return min(self._sent, default=number + 1) > number

    def pace(self) -> float:
        """Send the ping that is due, if one is; return the seconds until the next."""
        now = time.perf_counter()
        if now >= self._next:
            self._number += 1
            self._sent[self._number] = now
            self._client.send(
                b"<iq type='get' to='%b' id='p%d.'><ping xmlns='urn:xmpp:ping'/></iq>"
                % (DOMAIN.encode(), self._number)
            )
            self._next = max(self._next + _EVERY, now)
        return max(0.0, self._next - time.perf_counter())

    def _hear(self, data: bytes) -> None:
        now = time.perf_counter()
        data, end = self._cut + data, 0
        for match in _PONG.finditer(data):
            end = match.end()
            self.latencies.append(now - self._sent.pop(int(match[1])))
        self._cut = data[end:][-200:]


def worst_ping(server: Server, options: Options) -> Measure:
    """Log the owner of a big roster in while another client pings the server."""
    guests = people(options.users, GUEST)
    with Crowd(server.address) as crowd:
        crowd.play([guests[0]], logging_in(None), 1)
        pings = Pings(next(iter(crowd.clients.values())))
        crowd.play(guests[1:], arriving, options.concurrency)
        crowd.drain(2.0)
        crowd.pacer = pings.pace
        crowd.drain(1.0)
        alone = sorted(pings.latencies)
        pings.latencies.clear()
        meter, took = Meter(server.processes), 0.0
        for _ in range(_LOGINS):
            took = max(took, _arrive(crowd, pings, options))
        usage = meter.read()
        during = sorted(pings.latencies)
        return Measure(
            cost=during[-1] * 1e3,
            p50=percentile(during, 0.50),
            p99=percentile(during, 0.99),
            server_load=usage.server_load,
            generator_load=usage.generator_load,
            notes={
                "worst alone": f"{alone[-1] * 1e3:.1f} ms",
                "longest login": f"{took * 1e3:.0f} ms",
                "security": security(crowd),
            },
        )


class _Arrival:
    """The owner's login: `script` for the crowd, and the count of guests seen so far."""

    def __init__(self) -> None:
        self.client: Client | None = None
        self.seen = self.items = 0
        self._cut = b""

    def script(self, client: Client) -> Script:
        """Log in; ask for the roster and become available in one go; wait for the roster."""
        self.client = client
        yield from opening(client, None)
        client.send(b"<iq type='get' id='roster'><query xmlns='jabber:iq:roster'/></iq>")
        client.send(b"<presence/>")
        roster = yield _ROSTER_END
        assert roster is not None
        self.items = roster.string.count(b"<item ", 0, roster.start())
        self._hear(roster.string[: roster.start()])
        client.hear = self._hear

    def _hear(self, data: bytes) -> None:
        data, end = self._cut + data, 0
        for match in _PRESENCE.finditer(data):
            end = match.end()
            self.seen += 1
        self._cut = data[end:][-200:]


def _arrive(crowd: Crowd, pings: Pings, options: Options) -> float:
    """Have the owner log in, and go again; return the seconds until roster and presence came."""
    arrival, began = _Arrival(), time.perf_counter()
    crowd.play([HOST], arrival.script, 1)
    crowd.until(lambda: arrival.seen >= options.users, _LIMIT, "the guests' presence")
    took, last = time.perf_counter() - began, pings.sent
    crowd.until(lambda: pings.answered(last), _LIMIT, "the last pings")
    if arrival.items != options.roster_items:
        raise LoadError(f"{HOST}: {arrival.items} contacts, and not {options.roster_items}")
    assert arrival.client is not None
    arrival.client.send(b"<presence type='unavailable'/></stream:stream>")
    crowd.leave(arrival.client)
    crowd.drain(0.5)
    return took
