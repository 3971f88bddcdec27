"""When a domain that could not be reached is tried again."""

from __future__ import annotations

import secrets
from collections.abc import Callable

from xmppd.core.s2s.places import Place
from xmppd.errors import StanzaError

FIRST = 2.0
"""Seconds after the first failure."""

STEPS = 1_000
"""How finely the jitter is cut."""


class Backoff:
    """The failures of one domain in a row: each makes the pause twice as long.

    `most` gives the longest pause in seconds. A jitter of a quarter keeps a thousand servers from
    coming back at once.
    """

    __slots__ = ("_failed", "_most", "_now", "_tried", "count", "error", "until")

    def __init__(self, now: Callable[[], float], most: Callable[[], float]) -> None:
        self._now = now
        self._most = most
        self._tried: tuple[Place, ...] = ()
        self._failed: tuple[Place, ...] = ()
        self.count = 0
        self.until = 0.0
        """When the pause ends, in seconds since 1970."""
        self.error: StanzaError | None = None
        """What the last attempt failed with."""

    def begin(self, places: tuple[Place, ...]) -> None:
        """These are going to be tried.

        Raises the last StanzaError while the pause lasts and they are those that failed. Weights
        deal their order anew each time, so that does not count.
        """
        error, self._tried = self.error, tuple(sorted(places))
        if error is not None and self.pausing and self._failed == self._tried:
            raise StanzaError(
                error.condition,
                error.text,
                reason=error.reason,
                detail=error.detail,
                type=error.type,
            )

    def failed(self, error: StanzaError) -> None:
        """None of those that were tried last could be reached."""
        self.count += 1
        self._failed = self._tried
        self.error = error
        pause = min(self._most(), FIRST * 2 ** min(self.count - 1, 20))
        self.until = self._now() + pause * (1 - secrets.randbelow(STEPS) / STEPS / 4)

    def succeeded(self) -> None:
        """It has been reached."""
        self.count, self.until, self.error, self._failed = 0, 0.0, None, ()

    @property
    def pausing(self) -> bool:
        """Whether the pause lasts."""
        return self.error is not None and self._now() < self.until
