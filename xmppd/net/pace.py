"""So many of a thing in each turn of the reactor: what comes in a crowd stalls nobody else."""

from __future__ import annotations

from collections import deque
from typing import Any

from twisted.internet.defer import Deferred, succeed


class Pace:
    """Lets `most` pass in a turn of the reactor; the others wait for the next ones, in order."""

    def __init__(self, reactor: Any, most: int) -> None:
        self._reactor = reactor
        self._most = most
        self._left = most
        self._turning = False
        self._waiting: deque[Deferred[None]] = deque()

    def wait(self) -> Deferred[None]:
        """Fires when it is one's turn: now, where it is no crowd. May be cancelled."""
        if not self._turning:
            self._turning = True
            self._reactor.callLater(0, self._turn)
        if self._left and not self._waiting:
            self._left -= 1
            return succeed(None)
        waiting: Deferred[None] = Deferred(self._waiting.remove)
        self._waiting.append(waiting)
        return waiting

    def _turn(self) -> None:
        """A new turn has begun."""
        self._left = self._most
        self._turning = bool(self._waiting)
        if self._turning:
            self._reactor.callLater(0, self._turn)
        while self._left and self._waiting:
            self._left -= 1
            self._waiting.popleft().callback(None)
