"""One SQLite connection and how units of work run on it, in the thread that opened it.

Writes are grouped: one transaction for the group, a savepoint for each unit of work within it,
one commit at the end. SQLite gives up a whole transaction over some errors (a full disk, a
failed write), and then the group is done again one by one: each unit of work stands or falls
by itself, however it was grouped.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Coroutine, Sequence
from typing import Any, TypeVar

from xmppd.errors import StoreBusy, StoreError
from xmppd.storage.interfaces import Result, Value, Work
from xmppd.storage.work_queue import Failed

T = TypeVar("T")

_LOCKED = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})


def store_error(error: sqlite3.Error) -> StoreError:
    """What callers see of an SQLite error; raise it `from` that."""
    return (StoreBusy if is_locked(error) else StoreError)(f"SQLite: {error}")


def is_locked(error: sqlite3.Error) -> bool:
    """Whether somebody else's lock stood in the way, and not a fault."""
    # The low byte is the kind, the rest only details it.
    code: int = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return code in _LOCKED


def run_through(work: Coroutine[Any, Any, T]) -> T:
    """Run a unit of work whose transaction never makes it wait.

    Raises what the work raises, and RuntimeError where it awaits anything else.
    """
    try:
        work.send(None)
    except StopIteration as done:
        result: T = done.value
        return result
    work.close()
    raise RuntimeError("a unit of work may await its transaction and nothing else")


def open_connection(path: str, locked: float) -> sqlite3.Connection:
    """Connect to `path`, in WAL mode, with durable commits; foreign keys are still off.

    synchronous=FULL syncs the log at every commit: with NORMAL, the default advice for WAL, a
    power cut may undo the last commits, which is more than this store promises to lose. Group
    commit makes it cheap: one sync for all that came during the last one.

    `locked` is in seconds (see `lane.Limits`). Raises sqlite3.Error.
    """
    connection = sqlite3.connect(path, timeout=locked, isolation_level=None, cached_statements=256)
    try:
        _switch_to_wal(connection, time.monotonic() + locked)
        connection.execute("PRAGMA synchronous = FULL")
        # The log shrinks back to this after a burst, in bytes.
        connection.execute("PRAGMA journal_size_limit = 67108864")
    except BaseException:
        connection.close()
        raise
    return connection


def refuse_changes(connection: sqlite3.Connection, refuse: bool) -> None:
    """Make statements that would change something fail on this connection, or let them."""
    connection.execute(f"PRAGMA query_only = {int(refuse)}")


def _switch_to_wal(connection: sqlite3.Connection, deadline: float) -> None:
    """Ask for WAL until it is so: SQLite doesn't wait for the lock that the change needs."""
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode not in _LOCKED or time.monotonic() > deadline:
                raise
        time.sleep(0.01)


class SQLiteTransaction:
    """`interfaces.Transaction` on a connection; its awaitables are done when made."""

    __slots__ = ("_connection",)

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    async def execute(self, sql: str, params: Sequence[Value] = ()) -> Result:
        """See `interfaces.Transaction.execute`."""
        try:
            cursor = self._connection.execute(sql, params)
            return Result(cursor.fetchall(), cursor.rowcount)
        except sqlite3.Error as error:
            raise store_error(error) from error


class _GroupLostError(Exception):
    """SQLite rolled the whole transaction back; the cause says why."""


class _Runner:
    """What writer and reader share: `lane.Runner` over one connection."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._transaction = SQLiteTransaction(connection)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _rollback(self) -> None:
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")


class SQLiteWriter(_Runner):
    """Runs groups of writes."""

    def run(self, works: Sequence[Work[Any]]) -> Sequence[Any]:
        """Do the group and commit it; outcomes are results or `Failed`, in order."""
        try:
            self._rollback()
            self._connection.execute("BEGIN IMMEDIATE")
        except sqlite3.Error as error:
            # Nothing has begun, and one by one they would only wait for the lock in turn.
            return _all_failed(error, len(works))
        try:
            return self._commit_together(works)
        except (sqlite3.Error, _GroupLostError) as error:
            if len(works) > 1:
                return [self.run([work])[0] for work in works]
            return _all_failed(error.__cause__ or error, 1)

    def _commit_together(self, works: Sequence[Work[Any]]) -> Sequence[Any]:
        try:
            outcomes = [self._in_savepoint(work) for work in works]
            self._connection.execute("COMMIT")
        except BaseException:
            self._rollback()
            raise
        return outcomes

    def _in_savepoint(self, work: Work[Any]) -> Any:
        connection = self._connection
        connection.execute("SAVEPOINT work")
        try:
            outcome = run_through(work(self._transaction))
        except Exception as error:
            if not connection.in_transaction:
                raise _GroupLostError from error
            outcome = Failed(error)
            connection.execute("ROLLBACK TO work")
        connection.execute("RELEASE work")
        return outcome


class SQLiteReader(_Runner):
    """Runs groups of reads, each group on one snapshot of the data; see `refuse_changes`."""

    def run(self, works: Sequence[Work[Any]]) -> Sequence[Any]:
        """Do the group; outcomes are results or `Failed`, in order."""
        try:
            self._rollback()
            self._connection.execute("BEGIN")
            try:
                return [self._one(work) for work in works]
            finally:
                self._rollback()
        except sqlite3.Error as error:
            return _all_failed(error, len(works))

    def _one(self, work: Work[Any]) -> Any:
        try:
            return run_through(work(self._transaction))
        except Exception as error:  # noqa: BLE001 - whatever it is goes to whoever asked
            return Failed(error)


def _all_failed(error: BaseException, count: int) -> Sequence[Any]:
    """The same failure for each, an SQLite error turned into ours."""
    if isinstance(error, sqlite3.Error):
        ours = store_error(error)
        ours.__cause__ = error
        error = ours
    return [Failed(error)] * count
