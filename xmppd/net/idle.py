"""Looks after connections that have fallen silent, a few at a time."""

from __future__ import annotations

from itertools import cycle
from typing import Protocol

SLOTS = 60
"""Into how many parts the connections are divided; one part is looked at each time."""


class Watched(Protocol):
    """A connection that is looked after."""

    heard: bool
    """Whether anything came since it was last looked at."""

    def keep_alive(self) -> None:
        """Send something that costs the peer nothing."""


class IdleWatch:
    """Every connection is looked at once in each period, none of them all at once.

    `sweep` is to be called `SLOTS` times in a period.
    """

    def __init__(self) -> None:
        self._slots: list[set[Watched]] = [set() for _ in range(SLOTS)]
        self._filling = cycle(self._slots)
        self._sweeping = cycle(self._slots)
        self._slot_of: dict[Watched, set[Watched]] = {}

    def add(self, connection: Watched) -> None:
        """Look after `connection` from now on."""
        slot = next(self._filling)
        slot.add(connection)
        self._slot_of[connection] = slot

    def __len__(self) -> int:
        """How many connections there are."""
        return len(self._slot_of)

    def discard(self, connection: Watched) -> None:
        """Look after it no longer."""
        slot = self._slot_of.pop(connection, None)
        if slot is not None:
            slot.discard(connection)

    def sweep(self) -> None:
        """Look at the next part: who was silent for a period is sent a sign of life."""
        for connection in list(next(self._sweeping)):
            if connection.heard:
                connection.heard = False
            else:
                connection.keep_alive()
