"""How much each user has under way at a time: what takes time takes room in memory meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from xmppd.errors import StanzaError
from xmppd.jid import JID


class Turns:
    """`most` things at a time each, by bare JID."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._taken: dict[JID, int] = {}

    def __len__(self) -> int:
        """How many users have something under way."""
        return len(self._taken)

    @contextmanager
    def take(self, account: JID) -> Iterator[None]:
        """Have one thing more under way; raises StanzaError `resource-constraint` for too many."""
        taken = self._taken.get(account, 0)
        if taken >= self._most:
            text = "you have to wait for what you have asked for"
            raise StanzaError("resource-constraint", text, reason="muc.too-many-requests")
        self._taken[account] = taken + 1
        try:
            yield
        finally:
            left = self._taken.pop(account) - 1
            if left:
                self._taken[account] = left
