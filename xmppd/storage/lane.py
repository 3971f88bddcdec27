"""A lane: one thread, one connection, and the queue of work before it.

Rule 1: the reactor thread queues work and hears outcomes; it never waits for the database.
Rule 2: whatever is in the queue when the thread comes back for more is done together, as one
group (the longer a group takes, the larger the next one is, so a lane speeds up under load).
Rule 3: what has begun is left to end, since nobody could say then whether it was done.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from threading import Condition, Thread
from typing import Any, Protocol, TypeVar

from twisted.internet.defer import Deferred

from xmppd.errors import StoreError
from xmppd.storage.interfaces import Work
from xmppd.storage.work_queue import Failed, Job, Limits, StoreReactor, WorkQueue, settle

T = TypeVar("T")


class Runner(Protocol):
    """The far end of a lane: a connection, used by the lane's thread alone."""

    def run(self, works: Sequence[Work[Any]]) -> Sequence[Any]:
        """Do the group; the outcome of each is its result or a `Failed`."""
        ...

    def close(self) -> None:
        """Let go of the connection."""
        ...


class Lane:
    """Queues units of work for a runner in a thread of its own."""

    def __init__(
        self, name: str, connect: Callable[[], Runner], reactor: StoreReactor, limits: Limits
    ) -> None:
        self._connect = connect
        self._reactor = reactor
        self._limits = limits
        self._queue = WorkQueue(reactor, limits, self._wake)
        self._changed = Condition()
        self._begun = self._ended = False
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
        return self._queue.submit(work)

    def close(self) -> Deferred[None]:
        """Take no more; fires when what waited is done and the connection is closed.

        What waited for a lane that never opened fails with StoreError.
        """
        done: Deferred[None] = Deferred()
        self._closers.append(done)
        self._queue.closed = True
        self._wake()
        if self._ended or not self._begun:  # no thread is there to end
            self._end()
        return done

    def _wake(self) -> None:
        with self._changed:
            self._changed.notify()

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
            self._reactor.callFromThread(settle, group, _outcomes(runner, group))
        try:
            runner.close()
        finally:
            self._reactor.callFromThread(self._end)

    def _take(self) -> list[Job]:
        """Wait for work and take a group of it; empty once the lane is closed and drained."""
        with self._changed:
            while True:
                # Asked before the queue is looked at: what is queued by then is taken.
                closed = self._queue.closed
                group = self._queue.take(self._limits.group)
                if group or closed:
                    return group
                self._changed.wait()

    def _end(self) -> None:
        """In the reactor thread again: the last word; may be said more than once."""
        self._ended = True
        # Only where the lane never opened is there anything left.
        self._queue.drop(StoreError("the store did not open"))
        closers, self._closers = self._closers, []
        for done in closers:
            done.callback(None)


def _outcomes(runner: Runner, group: Sequence[Job]) -> Sequence[Any]:
    try:
        return runner.run([job.work for job in group])
    except Exception as error:  # noqa: BLE001 - the thread outlives a bug; callers are told
        return [Failed(error)] * len(group)
