"""Who has very much to send waits for the server to take it, in his turn.

Else he would keep the component `crowded`, and requests of all others would be refused meanwhile.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime

PAUSE = 0.25
"""Seconds after which it is looked again whether the server is done with what it was sent."""


class Pauses:
    """Who waits. `behind` says whether the server has much left to take (`Link.behind`)."""

    def __init__(self, behind: Callable[[], bool], clock: IReactorTime) -> None:
        self._behind = behind
        self._clock = clock
        self._paused: deque[Deferred[None]] = deque()
        """In the order in which they have come."""
        self._looking = False
        """Whether it is looked again soon."""
        self._hurrying = 0
        """How often nobody is to wait."""

    async def until_taken(self) -> None:
        """Wait until the server has taken most of what it was sent so far.

        Who has waited longest goes on first, and the next one when there is room for that, too.
        """
        if not self._hurrying and (self._paused or self._behind()):
            paused: Deferred[None] = Deferred(self._paused.remove)
            self._paused.append(paused)
            self._look_soon()
            await paused

    @contextmanager
    def hurry(self) -> Iterator[None]:
        """Have nobody wait meanwhile: who does may have something in hand that he is to let go."""
        self._hurrying += 1
        try:
            while self._paused:
                self._paused.popleft().callback(None)
            yield
        finally:
            self._hurrying -= 1

    def _look_soon(self) -> None:
        if self._paused and not self._looking:
            self._looking = True
            self._clock.callLater(PAUSE, self._look)

    def _look(self) -> None:
        while self._paused and not self._behind():
            self._paused.popleft().callback(None)
        self._looking = False
        self._look_soon()
