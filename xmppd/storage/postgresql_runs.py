"""How units of work run on a connection to PostgreSQL: writes in groups, reads one by one.

Writes are grouped as they are for SQLite: one transaction for the group, a savepoint for each
unit of work within it, one commit at the end. What loses the whole transaction (a deadlock, a
connection that breaks) loses it for all, and each is then begun again by itself. A commit that
was sent and never answered is the exception: nobody can say whether it was done, so nothing of
it is begun again.

A read has a transaction and a view of the data of its own. Its result is told before the
transaction is ended, which then travels with the next one's statement.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import psycopg2

from xmppd.errors import StoreError
from xmppd.storage.interfaces import Work
from xmppd.storage.postgresql_connection import (
    Broken,
    Connection,
    PostgreSQLTransaction,
    Undone,
    store_error,
)
from xmppd.storage.work_queue import Failed

# Said in full, for the database may have other defaults. One writer writes, so what it reads
# does not change under it; where others write too, a unit of work locks what it compares.
BEGIN_WRITE = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE;"
BEGIN_READ = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;"


async def run_writes(connection: Connection, works: Sequence[Work[Any]]) -> Sequence[Any]:
    """Do the group and commit it; outcomes are results or `Failed`, in order.

    Raises `Undone` where nothing of it was kept and it may be done again.
    """
    tx = PostgreSQLTransaction(connection, BEGIN_WRITE)
    begin = tx.control
    if len(works) == 1:
        outcomes = [await _outcome(works[0], tx)]
        if isinstance(outcomes[0], Failed):
            await connection.rollback()
            return outcomes
    else:
        outcomes = [await _in_savepoint(work, tx, number) for number, work in enumerate(works)]
    if tx.control.startswith(begin):  # nobody has said anything to the server
        return outcomes
    return await _committed(connection, tx.control, outcomes)


async def run_read(connection: Connection, works: Sequence[Work[Any]]) -> Sequence[Any]:
    """Do one read; its outcome is a result or `Failed`. Raises `Undone`, as `run_writes` does."""
    (work,) = works
    return [await _outcome(work, PostgreSQLTransaction(connection, BEGIN_READ))]


async def _outcome(work: Work[Any], tx: PostgreSQLTransaction) -> Any:
    tx.begin_unit()
    try:
        outcome = await work(tx)
    except Exception as error:  # noqa: BLE001 - whatever it is goes to whoever asked
        outcome = Failed(error)
    if tx.undone is not None:
        raise Undone(tx.undone)
    if tx.failure is not None and not isinstance(outcome, Failed):
        return Failed(tx.failure)  # it went on after an error, of which nothing can be kept
    return outcome


async def _in_savepoint(work: Work[Any], tx: PostgreSQLTransaction, number: int) -> Any:
    # Each has a name of its own: where it was not made (the server reads what is sent at once as
    # a whole, and refuses it as a whole), going back to it fails, and undoes nobody else's work.
    before, savepoint = tx.control, f"unit_{number}"
    tx.control += f"SAVEPOINT {savepoint};"
    outcome = await _outcome(work, tx)
    if tx.control:  # it has not been sent, so nothing was done
        tx.control = before
    elif isinstance(outcome, Failed):
        tx.control = f"ROLLBACK TO SAVEPOINT {savepoint};RELEASE SAVEPOINT {savepoint};"
    else:
        tx.control = f"RELEASE SAVEPOINT {savepoint};"
    return outcome


async def _committed(
    connection: Connection, control: str, outcomes: Sequence[Any]
) -> Sequence[Any]:
    if connection.broken:
        raise Undone(StoreError(f"PostgreSQL: {connection.why}"))
    try:
        cursor = await connection.send(f"{control}COMMIT".encode())
    except Broken as error:
        lost = StoreError(f"PostgreSQL: {error}; whether the commit was done nobody can say")
        lost.__cause__ = error
        return [each if isinstance(each, Failed) else Failed(lost) for each in outcomes]
    except psycopg2.Error as error:
        await connection.rollback()
        raise Undone(store_error(error)) from error
    if cursor.statusmessage != "COMMIT":
        raise Undone(StoreError(f"PostgreSQL: COMMIT was answered {cursor.statusmessage}"))
    return outcomes
