"""Whose a stanza for a component is, where what one has leaves room for others.

Requests that wait for an answer are counted by it (pending.py), and octets that wait to be taken
(shares.py).
"""

from __future__ import annotations

from collections.abc import Container

from xmppd.domains import around
from xmppd.jid import JID


def crowd_of(sender: JID | None, here: Container[str]) -> str:
    """With whom somebody shares how much of his may wait; "" if it is not counted.

    What an account has does, and what the domains of one server elsewhere have in common; `here`
    are the domains that are served here. A component itself asks for many, and so does the server.
    """
    if sender is None:
        return ""
    if sender.domain in here:
        return sender.bare if sender.local else ""
    return around(sender.domain)


class Counts:
    """How much each crowd has, and all that are elsewhere together."""

    __slots__ = ("_counts", "elsewhere")

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}
        self.elsewhere = 0

    def __len__(self) -> int:
        """How many have anything."""
        return len(self._counts)

    def of(self, crowd: str) -> int:
        """How much one has."""
        return self._counts.get(crowd, 0)

    def add(self, crowd: str, count: int = 1) -> None:
        """One has so much more; "" is not counted."""
        if crowd:
            self._counts[crowd] = self._counts.get(crowd, 0) + count
            if "@" not in crowd:
                self.elsewhere += count

    def drop(self, crowd: str, count: int = 1) -> None:
        """One has so much less."""
        if not crowd:
            return
        if "@" not in crowd:
            self.elsewhere -= count
        left = self._counts[crowd] - count
        if left:
            self._counts[crowd] = left
        else:
            del self._counts[crowd]
