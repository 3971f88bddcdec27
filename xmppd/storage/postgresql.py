"""PostgreSQL as a `Database`: one connection that writes, others that read.

One writer with group commit, not a pool of them: writes are done in the order in which they
came, and one commit's wait for the disk serves all that came during the last one.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import partial
from typing import Any, TypeVar

import psycopg2
from psycopg2 import errorcodes
from twisted.internet.defer import Deferred, gatherResults

from xmppd.errors import ConfigError, StoreBusy, StoreError
from xmppd.storage.dialect import POSTGRESQL
from xmppd.storage.interfaces import Transaction, Work
from xmppd.storage.libpq import Target, read_url
from xmppd.storage.migrate import SchemaSet, migrate
from xmppd.storage.postgresql_connection import Connection, Undone, Unreachable, connect
from xmppd.storage.postgresql_pool import Outage, Worker
from xmppd.storage.postgresql_runs import run_read, run_writes
from xmppd.storage.work_queue import Failed, Limits, StoreReactor, WorkQueue

T = TypeVar("T")

OLDEST = 12
"""The first version of PostgreSQL that will do."""

LOCK = int.from_bytes(b"xmppd", "big")
"""The advisory lock that whoever changes the schema holds."""

LOOK = 5
"""Seconds that `schema_version` waits for a server."""


class PostgreSQLDatabase:
    """`interfaces.Database` on a server; make one with `open_server`.

    The first of `connections` writes, the others read; `target` is where new ones lead.
    """

    def __init__(
        self,
        connections: Sequence[Connection],
        target: Target,
        reactor: StoreReactor,
        limits: Limits,
    ) -> None:
        self._writes = WorkQueue(reactor, limits, lambda: self._wake(self._workers[:1]))
        self._reads = WorkQueue(reactor, limits, lambda: self._wake(self._workers[1:]))
        self._closed: Deferred[None] | None = None
        serving = partial(
            Worker,
            connect=partial(connect, target, reactor, limits),
            outage=Outage(target),
            reactor=reactor,
        )
        writer, *readers = connections
        self._workers = [
            serving(writer, self._writes, limits.group, run_writes),
            *(serving(reader, self._reads, 1, run_read) for reader in readers),
        ]
        for worker in self._workers:
            worker.start()

    def read(self, work: Work[T]) -> Deferred[T]:
        """See `interfaces.Database.read`."""
        return self._reads.submit(work)

    def write(self, work: Work[T]) -> Deferred[T]:
        """See `interfaces.Database.write`."""
        return self._writes.submit(work)

    def close(self) -> Deferred[None]:
        """See `interfaces.Database.close`; what waits for a lost server fails with StoreError."""
        done: Deferred[None] = Deferred()
        self._writes.closed = self._reads.closed = True
        for worker in self._workers:
            worker.close()
        gatherResults([_ending(worker) for worker in self._workers]).addCallback(self._drop, done)
        return done

    def _drop(self, _: Any, done: Deferred[None]) -> None:
        for queue in (self._writes, self._reads):
            queue.drop(StoreError("the store was closed while PostgreSQL was gone"))
        done.callback(None)

    def _wake(self, workers: Sequence[Worker]) -> None:
        """Have the first that is idle take what came; where none is, the next one free will."""
        any(worker.wake() for worker in workers)


def _ending(worker: Worker) -> Deferred[None]:
    """Fires when the worker has ended; a Deferred for each who asks."""
    asked: Deferred[None] = Deferred()

    def pass_on(result: None) -> None:
        asked.callback(None)

    worker.ended.addCallback(pass_on)
    return asked


async def open_server(
    url: str, schema: SchemaSet, reactor: StoreReactor, limits: Limits, source: str
) -> PostgreSQLDatabase:
    """Connect to the database that `url` names, and bring it forward to `schema`.

    Raises `errors.ConfigError`, which names `source` and the key `[store] url`, where there is no
    such database to be had or it won't do, and `errors.StoreError` where the schema can't be
    applied.
    """
    target = read_url(url, source)
    opened: list[Connection] = []
    try:
        for number in range(limits.connections):
            opened.append(await connect(target, reactor, limits))
            if number == 0:
                _check(opened[0], target, source)
                await _migrate(opened[0], schema, target, limits, source)
    except BaseException as error:
        for connection in opened:
            connection.close()
        if isinstance(error, Unreachable):
            raise _unreachable(source, target, str(error)) from error
        raise
    return PostgreSQLDatabase(opened, target, reactor, limits)


def schema_version(url: str, name: str, source: str) -> tuple[str, int]:
    """The database, as it may be named, and the version of the schema set `name` in it.

    Waits for the server, so it is for tools and the time before the reactor runs. Raises
    ConfigError where the database can't be reached or read.
    """
    target = read_url(url, source)
    try:
        connection = psycopg2.connect(**{"connect_timeout": LOOK, **target.options})
    except psycopg2.Error as error:
        raise _unreachable(source, target, target.words_of(error)) from error
    try:
        with connection.cursor() as cursor:
            query = "SELECT max(version) FROM schema_migrations WHERE schema_set = %s"
            cursor.execute(query, (name,))
            found = cursor.fetchone()
        return str(target), (found and found[0]) or 0
    except psycopg2.Error as error:
        if error.pgcode == errorcodes.UNDEFINED_TABLE:
            return str(target), 0
        remedy = "Let the user of the url own the database"
        raise _refused(source, f"{target}: {target.words_of(error)}", remedy) from error
    finally:
        connection.close()


def _check(connection: Connection, target: Target, source: str) -> None:
    if connection.version < OLDEST * 10_000:
        problem = f"{target} is PostgreSQL {connection.version // 10_000}, {OLDEST} is the oldest"
        raise _refused(source, f"{problem} that will do", "Use a newer server")
    encoding = connection.parameter("server_encoding")
    if encoding != "UTF8":
        remedy = "Make one that is: createdb --encoding=UTF8 --template=template0 …"
        raise _refused(source, f"{target} is not in UTF8 but in {encoding}", remedy)


async def _migrate(
    connection: Connection, schema: SchemaSet, target: Target, limits: Limits, source: str
) -> None:
    """Bring the schema forward while nobody else does, however long the steps take."""

    async def work(tx: Transaction) -> None:
        await tx.execute(
            f"SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = {limits.locked * 1000:.0f}"
        )
        await tx.execute("SELECT pg_advisory_xact_lock(?)", (LOCK,))
        await migrate(tx, schema, POSTGRESQL, now=time.time(), source=str(target))

    patience, connection.statement = connection.statement, 0
    try:
        (outcome,) = await run_writes(connection, [work])
    except Undone as undone:
        raise undone.error from undone
    finally:
        connection.statement = patience
    if isinstance(outcome, Failed):
        if isinstance(outcome.error, StoreBusy):
            problem = f"{target} is locked: another process changes its schema"
            raise _refused(source, problem, "Try again when it has ended") from outcome.error
        raise outcome.error


def _unreachable(source: str, target: Target, words: str) -> ConfigError:
    remedy = "Start PostgreSQL, or correct the url: its user, password, host, port and database"
    return _refused(source, f"can't reach {target}: {words.rstrip('.?')}", remedy)


def _refused(source: str, problem: str, remedy: str) -> ConfigError:
    return ConfigError(source, "[store] url", problem, remedy)
