"""How long an answer is held back after failed attempts, per account and per network.

Nobody is locked out: an attempt gets slower, and time forgives. Only a password that was wrong
counts, never a store that could not answer.

Who guesses need not wait for an answer that is held back: he hangs up and tries again. So one
network that keeps trying one account also waits before its next password is looked at. That
slows down no other network, and no other account. Nor does it help to try from many connections
at once: each attempt books a time of its own, behind those that wait already. (Before the first of
them has failed there is nothing to wait for: then `[limits] unauthenticated_per_address` is what
bounds them.)
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from xmppd.addresses import network_of


@dataclass(frozen=True, slots=True)
class Schedule:
    """How delays grow: none for `free` failures, then `first` seconds, doubling up to `longest`.

    One failure is forgotten every `forget` seconds.
    """

    free: int
    first: float = 1.0
    longest: float = 30.0
    forget: float = 60.0

    def seconds(self, failures: int) -> float:
        """Give the delay after so many failures, in seconds."""
        if failures <= self.free:
            return 0.0
        # Beyond 2**30 times the first second the longest delay has long been reached.
        doublings = min(failures - self.free - 1, 30)
        return min(self.first * 2.0**doublings, self.longest)


ACCOUNT = Schedule(free=2)
"""One account, whoever tries it."""

NETWORK = Schedule(free=8)
"""One network, whatever accounts it tries; more free attempts, as many users may share it."""

PAIR = Schedule(free=3, longest=8.0)
"""One account tried from one network: before the attempt, so it must not last long."""

LONGEST_WAIT = 30.0
"""Seconds beyond which no time is booked for an attempt: a client would not wait so long."""


def _pair(name: str, address: str) -> str:
    return f"{network_of(address)} {name}"


class _Failures:
    """Failures by name, forgotten with time; the name that failed longest ago makes room.

    Keys are hashes (salted per process), so that no long name costs more than a short one.
    """

    def __init__(self, schedule: Schedule, clock: Callable[[], float], capacity: int) -> None:
        self._schedule = schedule
        self._clock = clock
        self._capacity = capacity
        self._by_key: OrderedDict[int, tuple[int, float]] = OrderedDict()

    def add(self, name: str) -> None:
        key = hash(name)
        self._by_key[key] = (self._count(key) + 1, self._clock())
        self._by_key.move_to_end(key)
        if len(self._by_key) > self._capacity:
            self._by_key.popitem(last=False)

    def forgive(self, name: str) -> None:
        self._by_key.pop(hash(name), None)

    def delay(self, name: str) -> float:
        return self._schedule.seconds(self._count(hash(name)))

    def _count(self, key: int) -> int:
        count, since = self._by_key.get(key, (0, 0.0))
        return max(0, count - int((self._clock() - since) / self._schedule.forget))

    def __len__(self) -> int:
        return len(self._by_key)


class _Bookings:
    """When the next attempt may be looked at, by name; kept like `_Failures`."""

    def __init__(self, clock: Callable[[], float], capacity: int) -> None:
        self._clock = clock
        self._capacity = capacity
        self._next: OrderedDict[int, float] = OrderedDict()

    def book(self, name: str, delay: float) -> float | None:
        """Take the time `delay` seconds behind the last one booked; the seconds until then.

        None, and nothing is booked, where that is longer than LONGEST_WAIT.
        """
        key, now = hash(name), self._clock()
        time = max(now, self._next.get(key, now)) + delay
        if time - now > LONGEST_WAIT:
            return None
        if time > now:
            self._next[key] = time
            self._next.move_to_end(key)
            if len(self._next) > self._capacity:
                self._next.popitem(last=False)
        return time - now

    def cancel(self, name: str) -> None:
        """Forget what was booked."""
        self._next.pop(hash(name), None)


class Throttle:
    """Remembers failed attempts and says how long the answer to an attempt is to be held.

    `clock` gives seconds (`reactor.seconds`). `capacity` bounds the accounts remembered and the
    networks remembered, each by itself, so that made-up names push no network out. `account` is
    everywhere the name that its attempts are counted by (`claim.Claim.name`).
    """

    def __init__(
        self,
        clock: Callable[[], float],
        *,
        capacity: int = 10_000,
        account: Schedule = ACCOUNT,
        network: Schedule = NETWORK,
    ) -> None:
        self._accounts = _Failures(account, clock, capacity)
        self._networks = _Failures(network, clock, capacity)
        self._pairs = _Failures(PAIR, clock, capacity)
        self._bookings = _Bookings(clock, capacity)

    def delay(self, account: str, address: str) -> float:
        """Give the seconds to hold back an answer to `account` at `address`."""
        return max(self._accounts.delay(account), self._networks.delay(network_of(address)))

    def book(self, account: str, address: str) -> float | None:
        """Book a time to look at an attempt at `account` from `address`; the seconds until then.

        None where too many wait already: the attempt is not to be looked at.
        """
        pair = _pair(account, address)
        return self._bookings.book(pair, self._pairs.delay(pair))

    def failed(self, account: str, address: str) -> None:
        """Count a wrong password. Call it before `delay`, so that parallel attempts add up.

        `account` is "" where the attempt named none.
        """
        if account:
            self._accounts.add(account)
            self._pairs.add(_pair(account, address))
        self._networks.add(network_of(address))

    def succeeded(self, account: str, address: str) -> None:
        """Forgive the account.

        The network is forgiven by time only: an account of one's own must not pay for guesses
        at other people's.
        """
        pair = _pair(account, address)
        self._accounts.forgive(account)
        self._pairs.forgive(pair)
        self._bookings.cancel(pair)

    def __len__(self) -> int:
        """How many accounts and networks are remembered."""
        return len(self._accounts) + len(self._networks)
