"""The rows about presence among users who share it: updates, and logins with rosters."""

import itertools
import re
import time

from benchmarks.chat import exchanged
from benchmarks.client import Client, LoadError, Script
from benchmarks.exchange import Exchange, Outcome
from benchmarks.load import Crowd
from benchmarks.proc import Meter
from benchmarks.rosters import friends, ring
from benchmarks.scripts import arriving, visiting
from benchmarks.server import Server
from benchmarks.sessions import WARM_LOGINS
from benchmarks.work import Measure, Options, security, timed

_SETTLED = 0.5
"""Seconds of silence after which everything is taken to have arrived."""
_SETTLE_LIMIT = 60.0
_SHOWS = (b"away", b"xa", b"dnd", b"chat")
_FROM = re.compile(rb"<presence\b[^>]*?\bfrom=.([^@'\"]+)@")


class Updates(Exchange):
    """Presence updates by each client in its turn, a number of them in flight.

    A server sends an update to the contacts, and to the client itself (RFC 6121 section 4.4.2
    asks for that): all of these are deliveries. How many there are is found out beforehand.
    """

    def __init__(self, crowd: Crowd, server: Server, contacts: int) -> None:
        super().__init__(crowd, server, b"</presence>")
        self._turn = itertools.cycle(self._clients)
        self._shows = itertools.cycle(_SHOWS)
        self._copies = 0
        self._rehearse(contacts)

    @property
    def copies(self) -> int:
        """Deliveries of each update."""
        return self._copies

    def closed(self, in_flight: int, warm_up: float, seconds: float) -> Outcome:
        """Keep some updates in flight for `seconds`, after a warm-up."""
        most = (in_flight - 1) * self._copies

        def until(end: float) -> None:
            while time.perf_counter() < end:
                while self._due - self._got <= most:
                    self._update()
                self._read(0.05, None)

        return self._measure(until, warm_up, seconds)

    def _update(self) -> None:
        self._due += self._copies
        next(self._turn).send(
            b"<presence><show>%b</show><status>t=%d </status></presence>"
            % (next(self._shows), time.perf_counter_ns())
        )

    def _rehearse(self, contacts: int) -> None:
        """Send an update by each client, and see what comes of it."""
        for number in range(len(self._clients)):
            self._update()
            if not number % 16:
                self._read(0.01, None)
        quiet = time.perf_counter() + _SETTLED
        while time.perf_counter() < quiet:
            before = self._got
            self._read(0.05, None)
            if self._got > before:
                quiet = time.perf_counter() + _SETTLED
        self._copies, odd = divmod(self._got, len(self._clients))
        if odd or self._copies not in (contacts, contacts + 1):
            raise LoadError(
                f"{self._got} presences of {len(self._clients)} updates to {contacts} contacts"
            )
        self._got = self._due = 0


def presence(server: Server, options: Options) -> Measure:
    """Have clients that share presence update it."""
    users = friends(options)
    with Crowd(server.address) as crowd:
        crowd.play(users, arriving, options.concurrency)
        crowd.drain(2.0)
        contacts = 2 * len(ring(users, options.contacts)) // len(users)
        updates = Updates(crowd, server, contacts)
        outcome = updates.closed(options.concurrency, options.warm_up, options.seconds)
        return exchanged(outcome, {"copies": updates.copies, "security": security(crowd)})


def login(server: Server, options: Options) -> Measure:
    """Log users with rosters in, without TLS, and wait for all the presence that it causes."""
    users = friends(options)
    with Crowd(server.address) as crowd:
        crowd.play(users[:WARM_LOGINS], visiting(crowd, arriving), options.concurrency)
        crowd.drain(1.0)
        heard: dict[str, list[bytes]] = {user: [] for user in users}

        def script(client: Client) -> Script:
            client.hear = heard[client.user].append
            yield from arriving(client)

        meter = Meter(server.processes)
        took = crowd.play(users, script, options.concurrency)
        busy = meter.read()
        _settle(crowd, heard)
        cost = meter.read().server / len(users) * 1e3
        total = _check(heard, ring(users, options.contacts))
        notes: dict[str, str | float] = {
            "lost": 0,
            "presences": total,
            "security": security(crowd),
        }
        return timed(cost, len(users), busy, took, notes)


def _settle(crowd: Crowd, heard: dict[str, list[bytes]]) -> None:
    """Wait until nothing has come in for a while."""
    end, count = time.perf_counter() + _SETTLE_LIMIT, -1
    while (now := sum(map(len, heard.values()))) != count:
        if time.perf_counter() > end:
            raise LoadError(f"presence does not end within {_SETTLE_LIMIT:.0f} s")
        count = now
        crowd.drain(_SETTLED)


def _check(heard: dict[str, list[bytes]], pairs: list[tuple[str, str]]) -> int:
    """Return how many presences came; LoadError when of a pair one does not see the other."""
    senders = {user: _FROM.findall(b"".join(data)) for user, data in heard.items()}
    seen = {user: {name.decode() for name in names} for user, names in senders.items()}
    lost = sum((other not in seen[one]) + (one not in seen[other]) for one, other in pairs)
    if lost:
        raise LoadError(f"{lost} users do not see a contact who is online")
    return sum(map(len, senders.values()))
