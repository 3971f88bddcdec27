"""Who makes room where there is too much of something that anybody elsewhere may add to.

Who has used it longest ago, as a rule; but where one server's is more than half of all, its own.
"""

from __future__ import annotations

from typing import Generic, TypeVar

from xmppd.domains import around

K = TypeVar("K")


class Crowds(Generic[K]):
    """Keys by the server that they may be of, in the order in which they were last noted."""

    __slots__ = ("_all", "_crowds")

    def __init__(self) -> None:
        self._all: dict[K, str] = {}
        self._crowds: dict[str, dict[K, None]] = {}

    def note(self, key: K, domain: str) -> None:
        """Something of a domain was used, or is new."""
        self.drop(key)
        self._all[key] = crowd = around(domain)
        self._crowds.setdefault(crowd, {})[key] = None

    def drop(self, key: K) -> None:
        """It is there no more."""
        crowd = self._all.pop(key, None)
        if crowd is not None:
            keys = self._crowds[crowd]
            del keys[key]
            if not keys:
                del self._crowds[crowd]

    def clear(self) -> None:
        """Nothing is there any more."""
        self._all.clear()
        self._crowds.clear()

    def last(self, key: K) -> K:
        """Who makes room for a key, which was just noted."""
        own = self._crowds[self._all[key]]
        half = len(self._all) // 2
        largest = own if len(own) > half else max(self._crowds.values(), key=len)
        return next(iter(largest if len(largest) > half else self._all))
