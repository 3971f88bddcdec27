"""A reactor for tools that do one thing after another and serve nobody meanwhile."""

from __future__ import annotations

import os
import select
import time
import weakref
from collections import deque
from collections.abc import Callable
from typing import Any, TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.python.failure import Failure

T = TypeVar("T")

TICK = 0.1
"""Seconds after which timers are looked at, when nothing else happens."""


class Pump(Clock):
    """Runs calls from threads, timers and sockets, for as long as somebody waits for a Deferred.

    Its time is the time of day, as that of a real reactor.
    """

    def __init__(self) -> None:
        super().__init__()
        self.rightNow = time.time()
        self._calls: deque[tuple[Callable[..., Any], tuple[Any, ...]]] = deque()
        self._readers: set[Any] = set()
        self._writers: set[Any] = set()
        self._bell = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        weakref.finalize(self, os.close, self._bell)

    def callFromThread(self, callable: Callable[..., Any], *args: Any) -> None:  # noqa: A002
        """Run `callable(*args)` here, when somebody waits."""
        self._calls.append((callable, args))
        os.eventfd_write(self._bell, 1)

    def addReader(self, reader: Any) -> None:
        """Call `reader.doRead()` when there is something to read, while somebody waits."""
        self._readers.add(reader)

    def addWriter(self, writer: Any) -> None:
        """Call `writer.doWrite()` when there is room to write, while somebody waits."""
        self._writers.add(writer)

    def removeReader(self, reader: Any) -> None:
        """Undo `addReader`."""
        self._readers.discard(reader)

    def removeWriter(self, writer: Any) -> None:
        """Undo `addWriter`."""
        self._writers.discard(writer)

    def wait(self, deferred: Deferred[T]) -> T:
        """The result of `deferred`, however long it takes; raises what it fails with."""
        outcome: list[Any] = []
        deferred.addBoth(outcome.append)
        while not outcome:
            self.turn()
        if isinstance(outcome[0], Failure):
            outcome[0].raiseException()
        result: T = outcome[0]
        return result

    def turn(self) -> None:
        """Wait for the next thing to happen, a tick at most, and see to all that has."""
        self._serve_sockets(min(TICK, self._until_timer()))
        for _ in range(len(self._calls)):
            call, args = self._calls.popleft()
            call(*args)
        self.pass_time()

    def pass_time(self) -> None:
        """Move the clock to the time of day, and run the timers that are due."""
        self.advance(max(0.0, time.time() - self.seconds()))

    def _until_timer(self) -> float:
        due = [call.getTime() for call in self.getDelayedCalls()]
        return max(0.0, min(due) - self.seconds()) if due else TICK

    def _serve_sockets(self, timeout: float) -> None:
        poll = select.poll()
        poll.register(self._bell, select.POLLIN)
        for each in self._readers | self._writers:
            reads, writes = each in self._readers, each in self._writers
            poll.register(each.fileno(), select.POLLIN * reads | select.POLLOUT * writes)
        ready = dict(poll.poll(timeout * 1000))
        if ready.pop(self._bell, 0):
            os.eventfd_read(self._bell)
        for each in [each for each in self._writers if each.fileno() in ready]:
            each.doWrite()
        for each in [each for each in self._readers if each.fileno() in ready]:
            each.doRead()
