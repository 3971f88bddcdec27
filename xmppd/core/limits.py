"""How many connections there may be, and how fast one may send."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from xmppd import config
from xmppd.addresses import is_loopback, network_of


class Admission:
    """Counts connections, those that have not logged in apart, and refuses what is too much.

    Loopback addresses are held to the total of strangers only: a proxy or a gateway on this
    machine speaks for many. That total refuses nobody: the stranger who has been there longest
    makes room, so that whoever fills it with silent connections does not lock out the others.
    """

    def __init__(self, limits: config.Limits) -> None:
        self.limits = limits
        self.files = 0
        """How many connections there are descriptors for; 0 for no limit."""
        self._total = 0
        self._connections: Counter[str] = Counter()
        self._strangers: Counter[str] = Counter()
        self._pool: dict[Admitted, None] = {}  # all strangers, in the order they came

    def refusal(self, address: str) -> str | None:
        """The reason code for refusing a new connection from `address`; None to admit it."""
        if _full(self.files, self._total):
            return "limit.files"
        if is_loopback(address):
            return None
        limits, network = self.limits, network_of(address)
        if _full(limits.connections_per_address, self._connections[network]):
            return "limit.connections"
        if _full(limits.unauthenticated_per_address, self._strangers[network]):
            return "limit.unauthenticated"
        return None

    def enter(self, address: str, evict: Callable[[], None]) -> Admitted:
        """Count a connection in; the value returned counts it out.

        `evict` is called when it has to make room for another before it has logged in.
        """
        while _full(self.limits.unauthenticated, len(self._pool)):
            next(iter(self._pool)).make_room()
        return Admitted(self, network_of(address), evict)

    def _count(self, counter: Counter[str], network: str, by: int) -> None:
        counter[network] += by
        if not counter[network]:
            del counter[network]


class Admitted:
    """One connection's place in the counts."""

    __slots__ = ("_admission", "_evict", "_network")

    def __init__(self, admission: Admission, network: str, evict: Callable[[], None]) -> None:
        self._admission = admission
        self._network = network
        self._evict: Callable[[], None] | None = evict  # None once it is no stranger any more
        admission._total += 1
        admission._count(admission._connections, network, 1)
        admission._count(admission._strangers, network, 1)
        admission._pool[self] = None

    def make_room(self) -> None:
        """Give up the place among the strangers, and the connection."""
        evict = self._evict
        self.authenticated()
        if evict is not None:
            evict()

    def authenticated(self) -> None:
        """The client has logged in; it is no stranger any more."""
        if self._evict is not None:
            self._evict = None
            self._admission._count(self._admission._strangers, self._network, -1)
            del self._admission._pool[self]

    def left(self) -> None:
        """The connection is gone."""
        self.authenticated()
        self._admission._total -= 1
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
