"""How often somebody may do something."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable

MINUTE = 60.0

MOST = 100_000
"""Of how many it is known at a time; who comes on top of them has to wait."""


class Rate:
    """`most` times a minute each, counted anew as each minute begins; `now` gives seconds."""

    def __init__(self, most: int, now: Callable[[], float]) -> None:
        self._most = most
        self._now = now
        self._until = 0.0
        self._taken: Counter[Hashable] = Counter()

    def take(self, who: Hashable) -> bool:
        """Whether once more is not too often; if so, it counts."""
        now = self._now()
        if now >= self._until:
            self._until = now + MINUTE
            self._taken.clear()
        taken = self._taken.get(who, 0)
        if taken >= self._most or (not taken and len(self._taken) >= MOST):
            return False
        self._taken[who] = taken + 1
        return True
