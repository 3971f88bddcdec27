"""How many connections there may be, and how fast one may send."""

from __future__ import annotations

from collections import Counter
from ipaddress import ip_address

from xmppd import config


def is_loopback(address: str) -> bool:
    """True for an address of this machine only, and for a UNIX socket ("")."""
    if not address:
        return True
    try:
        ip = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    mapped = getattr(ip, "ipv4_mapped", None)
    return (mapped or ip).is_loopback


def network_of(address: str) -> str:
    """What connections are counted by: an IPv4 address, or the /64 of an IPv6 one."""
    if ":" not in address:
        return address
    ip = ip_address(address.partition("%")[0])
    mapped = getattr(ip, "ipv4_mapped", None)
    return str(mapped) if mapped else ":".join(ip.exploded.split(":")[:4]) + "::/64"


class Admission:
    """Counts connections, those that have not logged in apart, and refuses what is too much.

    Loopback addresses are held to the total of strangers only: a proxy or a gateway on this
    machine speaks for many.
    """

    def __init__(self, limits: config.Limits) -> None:
        self.limits = limits
        self._connections: Counter[str] = Counter()
        self._strangers: Counter[str] = Counter()
        self._stranger_total = 0

    def refusal(self, address: str) -> str | None:
        """The reason code for refusing a new connection from `address`; None to admit it."""
        limits = self.limits
        if _full(limits.unauthenticated, self._stranger_total):
            return "limit.unauthenticated"
        if is_loopback(address):
            return None
        network = network_of(address)
        if _full(limits.connections_per_address, self._connections[network]):
            return "limit.connections"
        if _full(limits.unauthenticated_per_address, self._strangers[network]):
            return "limit.unauthenticated"
        return None

    def enter(self, address: str) -> Admitted:
        """Count a connection in; the value returned counts it out."""
        return Admitted(self, network_of(address))

    def _count(self, counter: Counter[str], network: str, by: int) -> None:
        counter[network] += by
        if not counter[network]:
            del counter[network]


class Admitted:
    """One connection's place in the counts."""

    __slots__ = ("_admission", "_network", "_stranger")

    def __init__(self, admission: Admission, network: str) -> None:
        self._admission = admission
        self._network = network
        self._stranger = True
        admission._count(admission._connections, network, 1)
        admission._count(admission._strangers, network, 1)
        admission._stranger_total += 1

    def authenticated(self) -> None:
        """The client has logged in; it is no stranger any more."""
        if self._stranger:
            self._stranger = False
            self._admission._count(self._admission._strangers, self._network, -1)
            self._admission._stranger_total -= 1

    def left(self) -> None:
        """The connection is gone."""
        self.authenticated()
        self._admission._count(self._admission._connections, self._network, -1)


def _full(limit: int, count: int) -> bool:
    return bool(limit) and count >= limit


class Bucket:
    """A token bucket: `rate` bytes a second on average, `burst` at once."""

    __slots__ = ("_burst", "_level", "_rate", "_when")

    def __init__(self, rate: int, burst: int, now: float) -> None:
        self._rate = rate
        self._burst = burst
        self._level = float(burst)
        self._when = now

    def take(self, size: int, now: float) -> float:
        """Take `size` bytes; the seconds to wait until the bucket is out of debt, or 0."""
        self._level = min(self._burst, self._level + (now - self._when) * self._rate) - size
        self._when = now
        return max(0.0, -self._level / self._rate)
