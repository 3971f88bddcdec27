"""One thing after the other, however many wait for it."""

from __future__ import annotations

from collections import deque

from twisted.internet.defer import Deferred


class Lock:
    """It is one's turn at a time. Whoever waits for his may be cancelled, and leaves the queue.

    Twisted's has each give it to the next from within: behind a hundred who are done at once Python
    is at the end of its stack, and it stays locked for good.
    """

    __slots__ = ("_passing", "_taken", "_waiting")

    def __init__(self) -> None:
        self._taken = False
        self._waiting: deque[Deferred[None]] = deque()
        self._passing = False
        """Whether it is being passed on to those who wait."""

    @property
    def locked(self) -> bool:
        """Whether it is anybody's turn, or is to be."""
        return self._taken or bool(self._waiting)

    def acquire(self) -> Deferred[None]:
        """Fires when it is one's turn: until `release` it is nobody else's."""
        turn: Deferred[None] = Deferred(self._waiting.remove)
        if self.locked:
            self._waiting.append(turn)
        else:
            self._taken = True
            turn.callback(None)
        return turn

    def release(self) -> None:
        """It is the turn of who has waited longest."""
        self._taken = False
        if self._passing:
            return
        self._passing = True
        try:
            while self._waiting and not self._taken:
                self._taken = True
                self._waiting.popleft().callback(None)
        finally:
            self._passing = False
