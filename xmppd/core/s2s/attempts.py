"""How many domains are being reached at a time, and on whose account."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from xmppd.errors import StanzaError

OF_ONE = 100
"""Attempts of one sender at a time: nobody keeps others from reaching anybody."""

STRANGERS = ""
"""Who makes us look for the domains that they claim to be: all of them together have half."""


class Attempts:
    """Those that are under way; `most` gives how many there may be."""

    __slots__ = ("_by", "_most", "count")

    def __init__(self, most: Callable[[], int]) -> None:
        self._most = most
        self._by: Counter[str] = Counter()
        self.count = 0

    def begin(self, who: str) -> None:
        """One more, on account of a bare JID or of `STRANGERS`; raises StanzaError."""
        most = self._most()
        share = max(1, most // 2) if who == STRANGERS else min(OF_ONE, most)
        if self.count >= most or self._by[who] >= share:
            raise StanzaError("resource-constraint", reason="s2s.attempts", detail=who)
        self.count += 1
        self._by[who] += 1

    def end(self, who: str) -> None:
        """It has come to an end."""
        self.count -= 1
        self._by[who] -= 1
        if not self._by[who]:
            del self._by[who]
