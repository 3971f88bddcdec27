"""A reactor for tools that do one thing after another and serve nobody meanwhile."""

from __future__ import annotations

import queue
import time
from collections.abc import Callable
from typing import Any, TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.python.failure import Failure

T = TypeVar("T")

TICK = 0.1
"""Seconds after which timers are looked at, when nothing else happens."""


class Pump(Clock):
    """Runs calls from threads, and timers, for as long as somebody waits for a Deferred.

    Its time is the time of day, as that of a real reactor.
    """

    def __init__(self) -> None:
        super().__init__()
        self.rightNow = time.time()
        self._calls: queue.SimpleQueue[tuple[Callable[..., Any], tuple[Any, ...]]] = (
            queue.SimpleQueue()
        )

    def callFromThread(self, callable: Callable[..., Any], *args: Any) -> None:  # noqa: A002
        """Run `callable(*args)` here, when somebody waits."""
        self._calls.put((callable, args))

    def wait(self, deferred: Deferred[T]) -> T:
        """The result of `deferred`, however long it takes; raises what it fails with."""
        outcome: list[Any] = []
        deferred.addBoth(outcome.append)
        while not outcome:
            try:
                call, args = self._calls.get(timeout=TICK)
            except queue.Empty:
                pass
            else:
                call(*args)
            self.advance(max(0.0, time.time() - self.seconds()))
        if isinstance(outcome[0], Failure):
            outcome[0].raiseException()
        result: T = outcome[0]
        return result
