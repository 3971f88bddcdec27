"""One connection to PostgreSQL, driven by the reactor through txpostgres.

Rule 1: one statement at a time; a connection on which a statement failed in a way that leaves
its state unknown is closed, never used again.
Rule 2: control statements (BEGIN, SAVEPOINT, …) travel with the statement that comes after them,
so that a unit of work with one statement costs one trip to the server, and one for the COMMIT
of its group.
Rule 3: whoever reads an error must not read data: only the server's primary message is told,
never the statement (it has the values in it) or the detail.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import psycopg2
import psycopg2.extensions as pq
from psycopg2 import errorcodes
from twisted.internet.error import ConnectionDone, ConnectionLost
from txpostgres import txpostgres

from xmppd.errors import StoreBusy, StoreError
from xmppd.storage.dialect import POSTGRESQL
from xmppd.storage.interfaces import Result, Value
from xmppd.storage.libpq import Target, resolved
from xmppd.storage.work_queue import Limits, StoreReactor

CONNECT = 10.0
"""Seconds that connecting may take."""
GRACE = 5.0
"""Seconds beyond `Limits.statement` after which a server that says nothing is taken for gone."""

_CLOSING = frozenset(
    {errorcodes.ADMIN_SHUTDOWN, errorcodes.CRASH_SHUTDOWN, errorcodes.IDLE_SESSION_TIMEOUT}
)
_BUSY = frozenset(
    {
        errorcodes.LOCK_NOT_AVAILABLE,
        errorcodes.QUERY_CANCELED,
        errorcodes.SERIALIZATION_FAILURE,
        errorcodes.DEADLOCK_DETECTED,
    }
)
_AGAIN = frozenset(
    {
        errorcodes.SERIALIZATION_FAILURE,
        errorcodes.DEADLOCK_DETECTED,
        # A unit's savepoint was never made, so undoing the unit would undo others.
        errorcodes.INVALID_SAVEPOINT_SPECIFICATION,
        errorcodes.NO_ACTIVE_SQL_TRANSACTION,
    }
)


class Unreachable(Exception):
    """There is no connection to be had; the text says why, without the password."""


class Undone(Exception):
    """The whole transaction is rolled back, by no fault of what ran in it; it may run again.

    `error` is for those who asked, when it was tried often enough.
    """

    def __init__(self, error: StoreError) -> None:
        super().__init__(str(error))
        self.error = error


def store_error(error: Exception) -> StoreError:
    """What callers see of a driver's error; it is the cause of what is returned."""
    code = getattr(error, "pgcode", None)
    diagnosis = getattr(error, "diag", None)
    primary = diagnosis.message_primary if diagnosis is not None else None
    words = primary or " ".join(str(error).split())
    ours = (StoreBusy if code in _BUSY else StoreError)(f"PostgreSQL: {words}")
    ours.__cause__ = error
    return ours


def _first_line(error: BaseException) -> str:
    """What happened; libpq's guesses at the cause come after it."""
    return (str(error).splitlines() or [type(error).__name__])[0].strip()


class _Cursor(txpostgres.Cursor):  # type: ignore[misc] # txpostgres has no types
    """Fails with what the server said of a statement that took too long."""

    def _handleCancellation(self, failure: Any) -> Any:
        """Leave the error as it is; txpostgres would make a CancelledError of it."""
        return failure


class _Connection(txpostgres.Connection):  # type: ignore[misc]
    """Tells when it is lost while nothing runs on it, where txpostgres would log a traceback."""

    cursorFactory = _Cursor  # noqa: N815 - txpostgres's spelling
    lost: Callable[[str], None]

    def doRead(self) -> None:
        """Read what came while nothing runs: notices, or the end."""
        try:
            super().doRead()
        except psycopg2.Error as error:
            self.lost(_first_line(error))
            self.close()

    def close(self) -> None:
        """Close it, also while a statement runs.

        The cursor that waits for the answer is taken out of the reactor first: txpostgres would
        leave it there, and the next connection that gets its descriptor would never be heard of.
        """
        for cursor in self._cursors:
            self.reactor.removeReader(cursor)
            self.reactor.removeWriter(cursor)
        super().close()

    def connectionLost(self, reason: Any) -> None:
        """Hear from the reactor that the socket is done for."""
        super().connectionLost(reason)
        if self.closed:
            self.lost(reason.getErrorMessage())


def _bytes(value: str | None, cursor: Any) -> bytes | None:
    found = psycopg2.BINARY(value, cursor)
    return None if found is None else bytes(found)


def _number(value: str | None, cursor: Any) -> int | float | None:
    """Read NUMERIC, which is what a sum of integers is here, as SQLite gives it."""
    if value is None:
        return None
    return float(value) if "." in value or value == "NaN" else int(value)


_TYPES = (
    pq.new_type(psycopg2.BINARY.values, "XMPPD_BYTES", _bytes),
    pq.new_type((1700,), "XMPPD_NUMERIC", _number),
)

_SETTINGS = (
    "SET statement_timeout = {milliseconds};"
    # Off, or without a disk, a commit would be told before it lasts; what is stronger stays.
    "SELECT set_config('synchronous_commit', 'on', false)"
    " WHERE current_setting('synchronous_commit') IN ('off', 'local');"
)


class Connection:
    """A connection that is open, or was.

    `lost` is called whenever it is found to be gone, at times more than once.
    """

    def __init__(self, connection: Any, reactor: StoreReactor, statement: float) -> None:
        self.statement = statement
        """Seconds that the server gives one statement; 0 for no limit."""
        self.lost: Callable[[], object] = lambda: None
        self.why = ""
        """Why it is gone, once it is."""
        self._reactor = reactor
        self._connection = connection
        self._connection.lost = self._lost
        self._cursor = connection.cursor()
        for kind in _TYPES:
            pq.register_type(kind, connection.pollable())

    @property
    def broken(self) -> bool:
        """Whether it is gone."""
        return bool(self._connection.closed)

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is open on it, failed or not."""
        status = self._connection.get_transaction_status()
        return not self.broken and bool(status != pq.TRANSACTION_STATUS_IDLE)

    def parameter(self, name: str) -> str:
        """What the server reports of itself, such as `server_encoding`."""
        return str(self._connection.get_parameter_status(name))

    @property
    def version(self) -> int:
        """The server's version, 140005 for 14.5."""
        return int(self._connection.server_version)

    def query(self, sql: str, params: Sequence[Value]) -> bytes:
        """Put a statement and its parameters together.

        Raises psycopg2.Error or ValueError for a value that PostgreSQL has no way to keep: text
        with U+0000 or with half of a surrogate pair.
        """
        if not params:
            return sql.encode()
        query: bytes = self._cursor.mogrify(POSTGRESQL.statement(sql), tuple(params))
        return query

    async def send(self, query: bytes) -> Any:
        """Execute what may be several statements; gives the cursor with the last one's result.

        Raises `Broken` where the connection is gone or now is, psycopg2.Error for any other error.
        """
        if self.broken:
            raise Broken(self.why)
        guard = None
        if self.statement:
            guard = self._reactor.callLater(self.statement + GRACE, self._give_up)
        try:
            await self._cursor.execute(query)
        except (psycopg2.Error, ConnectionDone, ConnectionLost) as error:
            if self.broken or getattr(error, "pgcode", None) in _CLOSING:
                self._lost(_first_line(error))
                raise Broken(self.why) from error
            raise
        finally:
            if guard is not None and guard.active():
                guard.cancel()
        return self._cursor

    async def rollback(self) -> None:
        """End the transaction that is open, if any; a connection that can't do that is closed."""
        try:
            if self.in_transaction:
                await self.send(b"ROLLBACK")
        except (psycopg2.Error, Broken) as error:
            self._lost(str(store_error(error)))

    def close(self) -> None:
        """Let go of it, whatever runs."""
        self._connection.close()

    def _give_up(self) -> None:
        self._lost(f"no answer within {self.statement + GRACE:g} seconds")

    def _lost(self, why: str) -> None:
        self.why = self.why or why
        if not self.broken:
            self.close()
        self.lost()


class Broken(Exception):
    """The connection is gone, and what ran on it is rolled back, unless that was a COMMIT."""


async def connect(target: Target, reactor: StoreReactor, limits: Limits) -> Connection:
    """Connect; raises `Unreachable`."""
    connection = _Connection(reactor=reactor)
    connection.lost = lambda why: None
    timer = None
    try:
        opening = connection.connect(**await resolved(target, reactor))
        timer = reactor.callLater(CONNECT, connection.close)
        await opening
        made = Connection(connection, reactor, limits.statement)
        settings = _SETTINGS.format(milliseconds=int(limits.statement * 1000))
        await made.send(settings.encode())
    except (ConnectionDone, ConnectionLost):
        raise Unreachable(f"no answer within {CONNECT:g} seconds") from None
    except (psycopg2.Error, Broken) as error:
        if connection.pollable() is not None:
            connection.close()
        raise Unreachable(target.words_of(error)) from error
    finally:
        if timer is not None and timer.active():
            timer.cancel()
    return made


class PostgreSQLTransaction:
    """`interfaces.Transaction` on a connection; `control` goes before the next statement."""

    __slots__ = ("_connection", "control", "failure", "undone")

    def __init__(self, connection: Connection, begin: str) -> None:
        self._connection = connection
        self.control = ("ROLLBACK;" if connection.in_transaction else "") + begin
        self.failure: StoreError | None = None
        """What the running unit of work should have stopped at."""
        self.undone: StoreError | None = None
        """Why nothing is left of the whole transaction."""

    def begin_unit(self) -> None:
        """Forget at what the unit of work before should have stopped."""
        self.failure = None

    async def execute(self, sql: str, params: Sequence[Value] = ()) -> Result:
        """See `interfaces.Transaction.execute`."""
        try:
            query = self._connection.query(sql, params)
            control, self.control = self.control, ""
            cursor = await self._connection.send(control.encode() + query)
        except Broken as error:
            self.undone = self.failure = store_error(error)
            raise self.failure from error
        except (psycopg2.Error, ValueError, TypeError, IndexError) as error:
            self.failure = store_error(error)
            if getattr(error, "pgcode", None) in _AGAIN:
                self.undone = self.failure
            raise self.failure from error
        rows = cursor.fetchall() if cursor.description is not None else ()
        return Result(rows, cursor.rowcount)
