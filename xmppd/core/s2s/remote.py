"""Another server's domain: the pairs that it is one of, and how it was last reached."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from xmppd.core.limits import Bucket
from xmppd.core.s2s.backoff import Backoff
from xmppd.core.s2s.connection import ServerConnection
from xmppd.core.s2s.outgoing import OutgoingConnection
from xmppd.core.s2s.pair import Pair
from xmppd.core.s2s.trail import Trail

if TYPE_CHECKING:
    from xmppd.core.s2s.remotes import Remotes


class Remote:
    """One domain elsewhere. `trail` is that of the last attempt to reach it."""

    __slots__ = ("_bucket", "backoff", "domain", "pairs", "remotes", "trail")

    def __init__(self, domain: str, remotes: Remotes) -> None:
        self.domain = domain
        self.remotes = remotes
        self.pairs: dict[str, Pair] = {}
        """By our domain."""
        self.backoff = self.new_backoff()
        self.trail: Trail | None = None
        self._bucket: Bucket | None = None

    def follow(self, trail: Trail) -> None:
        """This is the trail of the last attempt from now on."""
        if self.trail is not trail:
            self.trail = trail
            self.remotes.trails.keep(trail)

    def pair(self, local: str) -> Pair:
        """The pair with one of our domains."""
        pair = self.pairs.get(local)
        if pair is None:
            pair = self.pairs[local] = Pair(local, self)
        return pair

    @property
    def idle(self) -> bool:
        """Whether it may be forgotten."""
        return all(pair.idle for pair in self.pairs.values())

    @property
    def spare(self) -> bool:
        """Whether it may be forgotten where there is no room: nothing waits for it."""
        return all(pair.spare for pair in self.pairs.values())

    @property
    def failures(self) -> int:
        """How often in a row it could not be reached, or has refused one of our domains."""
        return max(each.count for each in self._pauses())

    @property
    def until(self) -> float:
        """When the longest pause behind that ends, in seconds since 1970."""
        return max(each.until for each in self._pauses())

    def _pauses(self) -> Iterator[Backoff]:
        yield self.backoff
        yield from (pair.refused for pair in self.pairs.values())

    def new_backoff(self) -> Backoff:
        """One that has not failed yet."""
        remotes = self.remotes
        return Backoff(remotes.host.clock.seconds, lambda: float(remotes.settings.retry_seconds))

    def try_anew(self) -> None:
        """End all pauses."""
        for each in self._pauses():
            each.succeeded()

    def shareable(self) -> ServerConnection | None:
        """A connection with it that may carry another pair, too (XEP-0220 §2.6.1)."""
        lines = {pair.line for pair in self.pairs.values() if pair.line is not None}
        return next((line for line in lines if line.may_share(self.domain)), None)

    def askable(self) -> OutgoingConnection | None:
        """A stream of ours with it that may carry questions about keys (XEP-0220 §2.1.2)."""
        streams = (pair.outgoing for pair in self.pairs.values())
        return next((each for each in streams if each is not None and each.stands), None)

    def bucket(self) -> Bucket | None:
        """What all its connections together are held to; None for no limit."""
        settings = self.remotes.settings
        if not settings.read_rate:
            return None
        if self._bucket is None:
            now = self.remotes.host.clock.seconds()
            self._bucket = Bucket(settings.read_rate, settings.read_burst, now)
        return self._bucket
