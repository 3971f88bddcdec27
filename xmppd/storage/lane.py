"""A lane: one thread, one connection, and the bounded queue of work before it.

Rule 1: the reactor thread queues work and hears outcomes; it never waits for the database.
Rule 2: whatever is in the queue when the thread comes back for more is done together, as one
group (the longer a group takes, the larger the next one is, so a lane speeds up under load).
Rule 3: nothing waits for ever to be begun, even behind a disk that hangs: the reactor's own
clock takes out of the queue what has waited too long. What has begun is left to end, since
nobody could say then whether it was done.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Condition, Thread
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
    """Units of work that may wait in one lane."""
    wait: float = 10.0
    """Seconds that one may wait before it is begun."""
    group: int = 256
    """Units of work done together."""
    locked: float = 5.0
    """Seconds to wait for another process that holds the database's lock."""


class StoreReactor(Protocol):
    """What the store needs of the reactor (IReactorFromThreads, IReactorTime)."""

    def callFromThread(self, callable: Callable[..., Any], *args: Any) -> Any:  # noqa: A002
        """Run `callable(*args)` in the reactor thread, soon."""
        ...

    def callLater(self, delay: float, callable: Callable[..., Any], *args: Any) -> Any:  # noqa: A002
        """Run `callable(*args)` in `delay` seconds; gives an IDelayedCall."""
        ...

    def seconds(self) -> float:
        """The reactor's clock."""
        ...


@dataclass(frozen=True, slots=True)
class Failed:
    """The outcome of a unit of work that raised `error`."""

    error: BaseException


class Runner(Protocol):
    """The far end of a lane: a connection, used by the lane's thread alone."""

    def run(self, works: Sequence[Work[Any]]) -> Sequence[Any]:
        """Do the group; the outcome of each is its result or a `Failed`."""
        ...

    def close(self) -> None:
        """Let go of the connection."""
        ...


@dataclass(slots=True, eq=False)
class _Job:
    work: Work[Any]
    since: float
    deferred: Deferred[Any]


class Lane:
    """Queues units of work for a runner in a thread of its own."""

    def __init__(
        self, name: str, connect: Callable[[], Runner], reactor: StoreReactor, limits: Limits
    ) -> None:
        self._connect = connect
        self._reactor = reactor
        self._limits = limits
        self._jobs: deque[_Job] = deque()
        self._changed = Condition()
        self._begun = self._closed = self._ended = False
        self._expiry: IDelayedCall | None = None
        self._opened: Deferred[None] = Deferred()
        self._closers: list[Deferred[None]] = []
        # A daemon, so that a process that fails elsewhere can end; `close` waits for it.
        self._thread = Thread(target=self._serve, name=f"xmppd store {name}", daemon=True)

    def open(self) -> Deferred[None]:
        """Start the thread; fires when it has its connection, or fails as connecting did."""
        self._begun = True
        self._thread.start()
        return self._opened

    def submit(self, work: Work[T]) -> Deferred[T]:
        """Queue `work`; fails at once with StoreBusy where the queue is full."""
        if self._closed:
            return fail(StoreError("the store is closed"))
        job = _Job(work, self._reactor.seconds(), Deferred())
        with self._changed:
            room = len(self._jobs) < self._limits.queue
            if room:
                self._jobs.append(job)
                self._changed.notify()
        if not room:
            return fail(StoreBusy(f"{self._limits.queue} units of work are waiting"))
        if self._expiry is None:
            self._expiry = self._reactor.callLater(self._limits.wait, self._expire)
        return cast("Deferred[T]", job.deferred)

    def close(self) -> Deferred[None]:
        """Take no more; fires when what waited is done and the connection is closed.

        What waited for a lane that never opened fails with StoreError.
        """
        done: Deferred[None] = Deferred()
        self._closers.append(done)
        with self._changed:
            self._closed = True
            self._changed.notify()
        if self._ended or not self._begun:  # no thread is there to end
            self._end()
        return done

    def _expire(self) -> None:
        """Fail what has waited too long; come back when the next one will have."""
        begun_before = self._reactor.seconds() - self._limits.wait
        late: list[_Job] = []
        with self._changed:
            while self._jobs and self._jobs[0].since <= begun_before:
                late.append(self._jobs.popleft())
            oldest = self._jobs[0].since if self._jobs else None
        self._expiry = None
        if oldest is not None:
            self._expiry = self._reactor.callLater(oldest - begun_before, self._expire)
        for job in late:
            job.deferred.errback(StoreBusy(f"not begun within {self._limits.wait:g} seconds"))

    # From here on: the lane's own thread.

    def _serve(self) -> None:
        try:
            runner = self._connect()
        except Exception as error:  # noqa: BLE001 - whoever opened the lane is told
            self._reactor.callFromThread(self._end)
            self._reactor.callFromThread(self._opened.errback, error)
            return
        self._reactor.callFromThread(self._opened.callback, None)
        while group := self._take():
            self._reactor.callFromThread(_settle, group, _outcomes(runner, group))
        try:
            runner.close()
        finally:
            self._reactor.callFromThread(self._end)

    def _take(self) -> list[_Job]:
        """Wait for work and take a group of it; empty once the lane is closed and drained."""
        with self._changed:
            while not self._jobs and not self._closed:
                self._changed.wait()
            size = min(len(self._jobs), self._limits.group)
            return [self._jobs.popleft() for _ in range(size)]

    def _end(self) -> None:
        """In the reactor thread again: the last word; may be said more than once."""
        self._closed = self._ended = True
        if self._expiry is not None:
            self._expiry.cancel()
            self._expiry = None
        while self._jobs:  # only where the lane never opened; no thread takes any more
            self._jobs.popleft().deferred.errback(StoreError("the store did not open"))
        closers, self._closers = self._closers, []
        for done in closers:
            done.callback(None)


def _outcomes(runner: Runner, group: Sequence[_Job]) -> Sequence[Any]:
    try:
        return runner.run([job.work for job in group])
    except Exception as error:  # noqa: BLE001 - the thread outlives a bug; callers are told
        return [Failed(error)] * len(group)


def _settle(group: Sequence[_Job], outcomes: Sequence[Any]) -> None:
    for job, outcome in zip(group, outcomes, strict=True):
        if isinstance(outcome, Failed):
            job.deferred.errback(outcome.error)
        else:
            job.deferred.callback(outcome)
