"""The clock of a process in memory, which may be killed while others go on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.internet.task import Clock
from zope.interface import implementer


@implementer(IReactorTime)
class Lifetime:
    """Time as one process sees it, by the clock of all; after `end` nothing of it happens."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._calls: list[Any] = []

    def seconds(self) -> float:
        return self._clock.seconds()

    def callLater(self, delay: float, function: Callable[..., Any], *a: Any, **kw: Any) -> Any:
        self._calls = [call for call in self._calls if call.active()]
        call = self._clock.callLater(delay, function, *a, **kw)
        self._calls.append(call)
        return call

    def getDelayedCalls(self) -> list[IDelayedCall]:
        return [call for call in self._calls if call.active()]

    def end(self) -> None:
        """The process is killed."""
        for call in self.getDelayedCalls():
            call.cancel()
