"""How many connections there may be, and how many requests: from one address, and in all.

Addresses are counted as the server counts them: an IPv4 one by itself, IPv6 by /64. A proxy's, and
a loopback address, speaks for many: its connections count in the total only. Requests count for the
client that the proxy names, and so do sessions, in the server.
"""

from __future__ import annotations

import math
from collections import Counter, OrderedDict
from collections.abc import Callable
from typing import NamedTuple

from components.bosh.http.refusing import Refused, refusal, uncounted
from components.bosh.http.request import Response
from xmppd.addresses import is_loopback, network_of

KNOWN = 50_000
"""Of how many addresses the rate is known. One comes on top: who has asked for nothing the longest
is forgotten, and may ask as a newcomer does."""

RETRY = 10
"""Seconds after which to try again where there are enough connections."""


class Limits(NamedTuple):
    """How much there may be; 0: no limit."""

    connections: int = 0
    """At a time, in all."""
    connections_per_address: int = 0
    requests: float = 0.0
    """A second, from one address, on average."""
    burst: int = 100
    """Requests at once."""


class Admission:
    """Counts connections and requests, and refuses what is too much; `now` gives seconds."""

    def __init__(
        self, limits: Limits, now: Callable[[], float], refused: Refused = uncounted
    ) -> None:
        self.limits = limits
        self.connections = 0
        self._now = now
        self._refused = refused
        self._by_network: Counter[str] = Counter()
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def enter(self, address: str, *, speaks_for_many: bool = False) -> Entry | Response:
        """Count a connection in; the entry counts it out. An answer where it is refused."""
        limits = self.limits
        if _full(limits.connections, self.connections):
            return self._enough("http.connections", address)
        network = "" if speaks_for_many or is_loopback(address) else network_of(address)
        if network and _full(limits.connections_per_address, self._by_network[network]):
            return self._enough("http.connections-per-address", address)
        return Entry(self, network)

    def request(self, address: str) -> Response | None:
        """Count a request of a client; None to take it, the answer where it comes too soon."""
        rate = self.limits.requests
        if not rate or is_loopback(address):
            return None
        now, network = self._now(), network_of(address)
        bucket = self._buckets.get(network)
        if bucket is None:
            bucket = self._newcomer(network, now)
        else:
            self._buckets.move_to_end(network)
        seconds = bucket.take(rate, self.limits.burst, now)
        if not seconds:
            return None
        self._refused("http.rate", address)
        return refusal("http.rate", (("Retry-After", str(math.ceil(seconds))),))

    def _newcomer(self, network: str, now: float) -> _Bucket:
        if len(self._buckets) >= KNOWN:
            self._buckets.popitem(last=False)
        bucket = self._buckets[network] = _Bucket(self.limits.burst, now)
        return bucket

    def _enough(self, reason: str, address: str) -> Response:
        self._refused(reason, address)
        return refusal(reason, (("Retry-After", str(RETRY)),), close=True)


class Entry:
    """One connection's place in the counts."""

    __slots__ = ("_admission", "_network")

    def __init__(self, admission: Admission, network: str) -> None:
        self._admission: Admission | None = admission
        self._network = network
        admission.connections += 1
        if network:
            admission._by_network[network] += 1

    def left(self) -> None:
        """The connection is gone."""
        admission, self._admission = self._admission, None
        if admission is None:
            return
        admission.connections -= 1
        if self._network:
            counts = admission._by_network
            counts[self._network] -= 1
            if not counts[self._network]:
                del counts[self._network]


class _Bucket:
    """A token bucket: a token is a request."""

    __slots__ = ("_level", "_when")

    def __init__(self, burst: int, now: float) -> None:
        self._level = float(burst)
        self._when = now

    def take(self, rate: float, burst: int, now: float) -> float:
        """Take a token; the seconds until there is one where there is none, or 0."""
        level = min(float(burst), self._level + (now - self._when) * rate)
        self._when = now
        if level >= 1:
            self._level = level - 1
            return 0.0
        self._level = level
        return (1 - level) / rate


def _full(limit: int, count: int) -> bool:
    return bool(limit) and count >= limit
