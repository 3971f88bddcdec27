"""SQLite as a `Database`: a file with a writer and a reader thread, or memory, inline.

One writer, since SQLite has one write lock; group commit makes that fast. One reader beside
it, which WAL lets run while the writer writes. A write's Deferred fires once its commit is
synced to the disk, so what was acknowledged survives `kill -9` and a power cut.
"""

from __future__ import annotations

import os
import sqlite3
import time
from pathlib import Path
from typing import Any, TypeVar

from twisted.internet.defer import Deferred, fail, succeed

from xmppd.errors import ConfigError, StoreBusy, StoreError
from xmppd.storage.dialect import SQLITE
from xmppd.storage.interfaces import Work
from xmppd.storage.lane import Lane, Runner
from xmppd.storage.migrate import SchemaSet, migrate
from xmppd.storage.sqlite_connection import (
    SQLiteReader,
    SQLiteTransaction,
    SQLiteWriter,
    is_locked,
    open_connection,
    refuse_changes,
    run_through,
    store_error,
)
from xmppd.storage.work_queue import Failed, Limits, StoreReactor

T = TypeVar("T")

OLDEST = (3, 35)
"""The first SQLite with RETURNING."""


class SQLiteDatabase:
    """`interfaces.Database` on a file; make one with `open_file`."""

    def __init__(self, writer: Lane, reader: Lane) -> None:
        self._writer = writer
        self._reader = reader

    def read(self, work: Work[T]) -> Deferred[T]:
        """See `interfaces.Database.read`."""
        return self._reader.submit(work)

    def write(self, work: Work[T]) -> Deferred[T]:
        """See `interfaces.Database.write`."""
        return self._writer.submit(work)

    def close(self) -> Deferred[None]:
        """See `interfaces.Database.close`."""
        # The writer last: the last connection moves the log into the file.
        return self._reader.close().addCallback(lambda _: self._writer.close())


class InlineSQLite:
    """`interfaces.Database` in memory: every Deferred has fired when it is returned."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection: sqlite3.Connection | None = connection
        self._writer = SQLiteWriter(connection)
        self._reader = SQLiteReader(connection)

    def read(self, work: Work[T]) -> Deferred[T]:
        """See `interfaces.Database.read`."""
        return self._run(self._reader, work, changes=False)

    def write(self, work: Work[T]) -> Deferred[T]:
        """See `interfaces.Database.write`."""
        return self._run(self._writer, work, changes=True)

    def close(self) -> Deferred[None]:
        """See `interfaces.Database.close`."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        return succeed(None)

    def _run(self, runner: Runner, work: Work[T], *, changes: bool) -> Deferred[T]:
        if self._connection is None:
            return fail(StoreError("the store is closed"))
        refuse_changes(self._connection, not changes)
        outcome: Any = runner.run([work])[0]
        return fail(outcome.error) if isinstance(outcome, Failed) else succeed(outcome)


async def open_file(
    path: Path, schema: SchemaSet, reactor: StoreReactor, limits: Limits, source: str
) -> SQLiteDatabase:
    """Open the database at `path`, made if need be, and bring it forward to `schema`.

    Raises `errors.ConfigError`, which names `source`
    and the key `[store] url`, where the file can't be used, and `errors.StoreError` where
    the schema can't be applied.
    """

    def write_connection() -> Runner:
        return SQLiteWriter(_open_for_writing(path, schema, limits, source))

    def read_connection() -> Runner:
        connection = _connect(str(path), limits, source)
        refuse_changes(connection, True)
        return SQLiteReader(connection)

    writer = Lane("writer", write_connection, reactor, limits)
    reader = Lane("reader", read_connection, reactor, limits)
    await writer.open()
    try:
        await reader.open()
    except BaseException:
        await writer.close()
        raise
    return SQLiteDatabase(writer, reader)


def open_memory(schema: SchemaSet, source: str) -> InlineSQLite:
    """A database in memory, with the tables of `schema`, gone once it is closed."""
    connection = _connect(":memory:", Limits(), source)
    _migrate(connection, schema, ":memory:")
    return InlineSQLite(connection)


def _open_for_writing(
    path: Path, schema: SchemaSet, limits: Limits, source: str
) -> sqlite3.Connection:
    _create(path, source)
    connection = _connect(str(path), limits, source)
    try:
        _migrate(connection, schema, str(path))
    except BaseException as error:
        connection.close()
        if isinstance(error, StoreBusy):
            raise locked(source, str(path)) from error
        raise
    return connection


def _create(path: Path, source: str) -> None:
    """Make the file for its owner alone; SQLite gives its log the same mode.

    A file that is there already keeps the mode that an operator may have given it.
    """
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    except OSError as error:
        raise _unusable(
            source,
            f"can't open {path}: {error.strerror}",
            f"Create the directory {path.parent}, and let this process's user write to it",
        ) from error


def _connect(path: str, limits: Limits, source: str) -> sqlite3.Connection:
    if sqlite3.sqlite_version_info < OLDEST:
        raise _unusable(
            source,
            f"this Python has SQLite {sqlite3.sqlite_version}, 3.35 is the oldest that will do",
            "Use a Python built with a newer SQLite",
        )
    try:
        return open_connection(path, limits.locked)
    except sqlite3.Error as error:
        if is_locked(error):
            raise locked(source, path) from error
        raise _unusable(
            source, f"can't open {path}: {error}", "Name an SQLite database, or a new file"
        ) from error


def locked(source: str, path: str) -> ConfigError:
    """What an operator is told of a database that another process keeps locked."""
    problem = f"{path} is locked: another process holds it"
    return _unusable(source, problem, f"End that process (fuser {path} shows which)")


def _unusable(source: str, problem: str, remedy: str) -> ConfigError:
    return ConfigError(source, "[store] url", problem, remedy)


def _migrate(connection: sqlite3.Connection, schema: SchemaSet, path: str) -> None:
    """Bring the schema forward, then switch the foreign keys on for good.

    They are off meanwhile, because SQLite changes many a table only by dropping and remaking
    it, and dropping would cascade; what the keys promise is checked before the commit.
    BEGIN IMMEDIATE keeps a second process waiting, which then finds nothing left to do.
    """
    try:
        connection.execute("BEGIN IMMEDIATE")
        try:
            tx = SQLiteTransaction(connection)
            run_through(migrate(tx, schema, SQLITE, now=time.time(), source=path))
            _check_references(connection, schema)
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        connection.execute("PRAGMA foreign_keys = ON")
    except sqlite3.Error as error:
        raise store_error(error) from error


def _check_references(connection: sqlite3.Connection, schema: SchemaSet) -> None:
    broken = connection.execute("PRAGMA foreign_key_check").fetchone()
    if broken is not None:
        raise StoreError(f"schema {schema.name!r}: {broken[0]} refers to rows of {broken[2]} lost")
