"""So many times in so many seconds, for each of many names."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable

REMEMBERED = 10_000
"""How many names a quota remembers; the one that was used longest ago makes room."""


class Quota:
    """Grants each name a number of uses within a time that slides along.

    `now` gives seconds. It remembers `REMEMBERED` names, and of each no more uses than it may
    have, so no flood of names makes it grow.
    """

    __slots__ = ("_now", "_used")

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._used: OrderedDict[str, deque[float]] = OrderedDict()

    def take(self, name: str, most: int, seconds: float) -> bool:
        """Count a use by `name`; False, and no use, where it had `most` in these `seconds`."""
        now = self._now()
        used = self._used.setdefault(name, deque())
        self._used.move_to_end(name)
        if len(self._used) > REMEMBERED:
            self._used.popitem(last=False)
        while used and used[0] <= now - seconds:
            used.popleft()
        if len(used) >= most:
            return False
        used.append(now)
        return True

    def give_back(self, name: str) -> None:
        """The last use by `name` was none."""
        used = self._used.get(name)
        if used:
            used.pop()
