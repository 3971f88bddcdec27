"""The bounded queue of work before a database: the same rules, whoever takes work out of it.

Rule 1: nothing waits for ever to be begun, even behind a disk that hangs or a server that is
gone: the reactor's own clock takes out of the queue what has waited too long.
Rule 2: work is begun in the order in which it came, also what is begun for a second time.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Any, Protocol, TypeVar, cast

from twisted.internet.defer import Deferred, fail
from twisted.internet.interfaces import IDelayedCall

from xmppd.errors import StoreBusy, StoreError
from xmppd.storage.interfaces import Work

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Limits:
    """What a database may make callers wait for."""

    queue: int = 4096
    """Units of work that may wait in one queue."""
    wait: float = 10.0
    """Seconds that one may wait before it is begun."""
    group: int = 256
    """Units of work done together."""
    locked: float = 5.0
    """Seconds to wait for another process that holds the database's lock."""
    connections: int = 4
    """Connections to PostgreSQL: one that writes, the others read."""
    statement: float = 30.0
    """Seconds that PostgreSQL may take over one statement."""


class StoreReactor(Protocol):
    """What the store needs of the reactor (IReactorFromThreads, IReactorTime, IReactorFDSet)."""

    def callFromThread(self, callable: Callable[..., Any], *args: Any) -> Any:  # noqa: A002
        """Run `callable(*args)` in the reactor thread, soon."""
        ...

    def callLater(self, delay: float, callable: Callable[..., Any], *args: Any) -> Any:  # noqa: A002
        """Run `callable(*args)` in `delay` seconds; gives an IDelayedCall."""
        ...

    def seconds(self) -> float:
        """The reactor's clock."""
        ...

    def addReader(self, reader: Any) -> Any:
        """Call `reader.doRead()` whenever there is something to read."""
        ...

    def addWriter(self, writer: Any) -> Any:
        """Call `writer.doWrite()` whenever there is room to write."""
        ...

    def removeReader(self, reader: Any) -> Any:
        """Undo `addReader`."""
        ...

    def removeWriter(self, writer: Any) -> Any:
        """Undo `addWriter`."""
        ...


@dataclass(frozen=True, slots=True)
class Failed:
    """The outcome of a unit of work that raised `error`."""

    error: BaseException


@dataclass(slots=True, eq=False)
class Job:
    """A unit of work in the queue, waiting `since` then; `attempts` were undone by no fault."""

    work: Work[Any]
    since: float
    deferred: Deferred[Any]
    attempts: int = 0


def settle(jobs: Sequence[Job], outcomes: Sequence[Any]) -> None:
    """Tell whoever waits: an outcome is a result or a `Failed`."""
    for job, outcome in zip(jobs, outcomes, strict=True):
        if isinstance(outcome, Failed):
            job.deferred.errback(outcome.error)
        else:
            job.deferred.callback(outcome)


class WorkQueue:
    """Work that waits; `wake` is called for each that came.

    All is for the reactor thread but `take`, which any thread may call.
    """

    def __init__(self, reactor: StoreReactor, limits: Limits, wake: Callable[[], None]) -> None:
        self._reactor = reactor
        self._limits = limits
        self._wake = wake
        self._jobs: deque[Job] = deque()
        self._lock = Lock()
        self._expiry: IDelayedCall | None = None
        self.closed = False
        """Whether it takes no more work."""

    def submit(self, work: Work[T]) -> Deferred[T]:
        """Queue `work`; fails at once with StoreBusy where the queue is full."""
        if self.closed:
            return fail(StoreError("the store is closed"))
        if len(self._jobs) >= self._limits.queue:
            return fail(StoreBusy(f"{self._limits.queue} units of work are waiting"))
        job = Job(work, self._reactor.seconds(), Deferred())
        with self._lock:
            self._jobs.append(job)
        if self._expiry is None:
            self._expiry = self._reactor.callLater(self._limits.wait, self._expire)
        self._wake()
        return cast("Deferred[T]", job.deferred)

    def take(self, most: int) -> list[Job]:
        """Take at most so many out, to begin them together; empty where nothing waits.

        One that was undone before comes alone, so that it takes no other down again.
        """
        taken: list[Job] = []
        with self._lock:
            while self._jobs and len(taken) < most:
                if taken and (taken[0].attempts or self._jobs[0].attempts):
                    break
                taken.append(self._jobs.popleft())
        return taken

    def restore(self, jobs: Sequence[Job]) -> None:
        """Put back what was taken and undone: it comes first again."""
        with self._lock:
            self._jobs.extendleft(reversed(jobs))
        if self._expiry is not None:
            self._expiry.cancel()
        self._expire()

    def drop(self, error: StoreError) -> None:
        """Take no more, and fail what waits."""
        self.closed = True
        if self._expiry is not None:
            self._expiry.cancel()
            self._expiry = None
        while jobs := self.take(1):
            jobs[0].deferred.errback(error)

    def _expire(self) -> None:
        """Fail what has waited too long; come back when the next one will have."""
        begun_before = self._reactor.seconds() - self._limits.wait
        late: list[Job] = []
        with self._lock:
            while self._jobs and self._jobs[0].since <= begun_before:
                late.append(self._jobs.popleft())
            oldest = self._jobs[0].since if self._jobs else None
        self._expiry = None
        if oldest is not None:
            self._expiry = self._reactor.callLater(oldest - begun_before, self._expire)
        for job in late:
            job.deferred.errback(StoreBusy(f"not begun within {self._limits.wait:g} seconds"))
