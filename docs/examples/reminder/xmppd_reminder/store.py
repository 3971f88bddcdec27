"""Reminders in SQL, for every dialect."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from twisted.internet.defer import Deferred

from xmppd.jid import JID
from xmppd.storage.interfaces import Database, Transaction

SCHEMA = Path(__file__).parent / "schema" / "reminder"
"""The schema set, for `components.common.tap.Program`."""

_COLUMNS = "id, owner, due, content"
_COUNT = "SELECT count(*) FROM reminders WHERE owner = ?"
_ADD = "INSERT INTO reminders (owner, due, content, request) VALUES (?, ?, ?, ?) RETURNING id"
_KNOWN = "SELECT id FROM reminders WHERE owner = ? AND request = ?"
_OF = f"SELECT {_COLUMNS} FROM reminders WHERE owner = ? ORDER BY due, id"
_DUE = f"SELECT {_COLUMNS} FROM reminders WHERE due <= ? ORDER BY due, id LIMIT ?"
_NEXT = "SELECT min(due) FROM reminders"
_CANCEL = "DELETE FROM reminders WHERE id = ? AND owner = ?"
_FORGET = "DELETE FROM reminders WHERE id = ?"
_REMOVE = "DELETE FROM reminders WHERE owner = ?"


class Reminder(NamedTuple):
    """One that is still to be sent; `owner` is a bare JID, `due` in seconds UTC since 1970."""

    id: int
    owner: JID
    due: float
    content: str


class SQLReminders:
    """The table of `schema/reminder/0001_reminders.sql`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(
        self, owner: JID, due: float, content: str, most: int, request: str | None = None
    ) -> Deferred[int | None]:
        """Keep a reminder; its number, or None where the owner has `most` of them.

        One that is kept already for the same `request` is not kept twice.
        """

        async def work(tx: Transaction) -> int | None:
            known = (await tx.execute(_KNOWN, (str(owner), request))).rows
            if known:
                return int(known[0][0])
            if (await tx.execute(_COUNT, (str(owner),))).rows[0][0] >= most:
                return None
            added = await tx.execute(_ADD, (str(owner), due, content, request))
            return int(added.rows[0][0])

        return self._database.write(work)

    def of(self, owner: JID) -> Deferred[Sequence[Reminder]]:
        """What waits for somebody, the first to come first."""
        return self._database.read(lambda tx: _read(tx, _OF, str(owner)))

    def due(self, now: float, limit: int) -> Deferred[Sequence[Reminder]]:
        """What is due, at most `limit` of it, the oldest first."""
        return self._database.read(lambda tx: _read(tx, _DUE, now, limit))

    def next(self) -> Deferred[float | None]:
        """When the next one is due; None where none waits."""

        async def work(tx: Transaction) -> float | None:
            due: float | None = (await tx.execute(_NEXT)).rows[0][0]
            return due

        return self._database.read(work)

    def cancel(self, owner: JID, number: int) -> Deferred[bool]:
        """Forget one of somebody's; False where it is not his, or there is none."""

        async def work(tx: Transaction) -> bool:
            return (await tx.execute(_CANCEL, (number, str(owner)))).changed > 0

        return self._database.write(work)

    def forget(self, numbers: Iterable[int]) -> Deferred[None]:
        """Forget those that were sent."""
        sent = tuple(numbers)

        async def work(tx: Transaction) -> None:
            for number in sent:
                await tx.execute(_FORGET, (number,))

        return self._database.write(work)

    def remove(self, owner: JID) -> Deferred[None]:
        """Forget all of somebody's: the account is gone."""

        async def work(tx: Transaction) -> None:
            await tx.execute(_REMOVE, (str(owner),))

        return self._database.write(work)


async def _read(tx: Transaction, sql: str, *params: str | float) -> Sequence[Reminder]:
    rows = (await tx.execute(sql, params)).rows
    return [Reminder(id_, JID.parse(owner), due, content) for id_, owner, due, content in rows]
