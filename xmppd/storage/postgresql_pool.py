"""Connections to PostgreSQL that outlive it: each takes work from a queue, and is made anew.

Rule 1: who waits is not told of a lost connection but of what became of the work: it waits for
the server to come back, within `Limits.wait`, and what was undone is begun again.
Rule 2: what was undone `ATTEMPTS` times fails, so that work which always brings its connection
down does not do so for ever.
Rule 3: the operator is told once when the server is lost, and once when all is well again.
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from xmppd.errors import StoreError
from xmppd.storage.interfaces import Work
from xmppd.storage.libpq import Target
from xmppd.storage.postgresql_connection import Connection, Undone, Unreachable
from xmppd.storage.work_queue import Failed, Job, StoreReactor, WorkQueue, settle

log = Logger(namespace="xmppd.store")

ATTEMPTS = 3
"""How often a unit of work is begun."""
PAUSE = 0.1
"""Seconds before the second attempt to connect; each further pause is twice as long."""
LONGEST_PAUSE = 3.0
"""Seconds between attempts in the end."""
APART = 100
"""Milliseconds within which, by chance, work is begun again that another writer was in the way of;
twice as many each further time. The other one begins again as well: they are not to meet again."""

Connect = Callable[[], Coroutine[Any, Any, Connection]]
"""Makes a connection, or raises Unreachable."""
Run = Callable[[Connection, Sequence[Work[Any]]], Awaitable[Sequence[Any]]]
"""Runs a group: gives the outcome of each, or raises Undone."""


class Outage:
    """Whether the server is there, as the operator is told it."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._lost: set[Worker] = set()

    def lost(self, worker: Worker, why: str) -> None:
        """Note that a connection is gone."""
        if not self._lost:
            log.warn(
                "the store {target} is lost: {why}; trying to reconnect",
                target=str(self._target),
                why=why,
            )
        self._lost.add(worker)

    def back(self, worker: Worker) -> None:
        """Note that it is there again."""
        self._lost.discard(worker)
        if not self._lost:
            log.info("the store {target} is back", target=str(self._target))


class Worker:
    """One connection: takes groups of at most `most` from `queue` and has `run` do them."""

    def __init__(
        self,
        connection: Connection,
        queue: WorkQueue,
        most: int,
        run: Run,
        *,
        connect: Connect,
        outage: Outage,
        reactor: StoreReactor,
    ) -> None:
        self._connection = connection
        self._queue = queue
        self._most = most
        self._run = run
        self._connect = connect
        self._outage = outage
        self._reactor = reactor
        self._idle: Deferred[None] | None = None
        self._pausing: Deferred[None] | None = None
        self._closing = self._connecting = False
        self.ended: Deferred[None] = Deferred()
        """Fires when it has let go of its connection."""

    def start(self) -> None:
        """Begin to take work."""
        self._connection.lost = self.wake
        Deferred.fromCoroutine(self._serve()).addErrback(self._failed)

    def wake(self) -> bool:
        """Have it look at its queue and its connection; False where it does so anyway."""
        idle, self._idle = self._idle, None
        if idle is not None:
            idle.callback(None)
        return idle is not None

    def close(self) -> None:
        """Have it end: when the queue is empty, or at once where it has no connection."""
        self._closing = True
        self.wake()
        self._stop_pausing()
        if self._connecting:  # it is not waited for; what comes of it is closed
            self._end()

    async def _serve(self) -> None:
        while True:
            if self._connection.broken and not await self._reconnected():
                break
            if jobs := self._queue.take(self._most):
                await self._do(jobs)
            elif self._connection.in_transaction:
                await self._connection.rollback()
            elif self._closing:
                break
            else:
                self._idle = Deferred()
                await self._idle
        self._connection.close()
        self._end()

    async def _do(self, jobs: Sequence[Job]) -> None:
        try:
            outcomes = await self._run(self._connection, [job.work for job in jobs])
        except Undone as undone:
            restored = self._again(jobs, undone.error)
            if restored and not self._connection.broken:
                milliseconds = APART * 2 ** (max(job.attempts for job in restored) - 1)
                await self._pause(secrets.randbelow(milliseconds) / 1000)
        except Exception as error:  # noqa: BLE001 - the worker outlives a bug; callers are told
            self._connection.close()
            settle(jobs, [Failed(error)] * len(jobs))
        else:
            settle(jobs, outcomes)

    def _again(self, jobs: Sequence[Job], error: StoreError) -> Sequence[Job]:
        """Give those that are to be begun again; the others fail."""
        for job in jobs:
            job.attempts += 1
        restored = [job for job in jobs if job.attempts < ATTEMPTS]
        self._queue.restore(restored)
        for job in jobs:
            if job.attempts >= ATTEMPTS:
                job.deferred.errback(error)
        return restored

    async def _reconnected(self) -> bool:
        """Try until there is a connection; False where the worker is to end instead."""
        self._outage.lost(self, self._connection.why)
        pause = PAUSE
        while not self._closing:
            self._connecting = True
            try:
                connection = await self._connect()
            except Unreachable as error:
                log.debug("no connection to the store: {error}", error=str(error))
            else:
                self._connection = connection
                connection.lost = self.wake
                self._outage.back(self)
                return not self._closing
            finally:
                self._connecting = False
            await self._pause(pause)
            pause = min(2 * pause, LONGEST_PAUSE)
        return False

    async def _pause(self, seconds: float) -> None:
        if self._closing:
            return
        self._pausing = Deferred()
        timer = self._reactor.callLater(seconds, self._stop_pausing)
        await self._pausing
        if timer.active():
            timer.cancel()

    def _stop_pausing(self) -> None:
        pausing, self._pausing = self._pausing, None
        if pausing is not None:
            pausing.callback(None)

    def _end(self) -> None:
        if not self.ended.called:
            self.ended.callback(None)

    def _failed(self, failure: Any) -> None:
        log.failure("a connection to the store has no use any more", failure)
        self._end()
