"""Messages for accounts that are not there, in SQL, for every dialect (XEP-0160)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from twisted.internet.defer import Deferred

from xmppd.storage.interfaces import Database, Transaction

_PUT = "INSERT INTO offline_messages (account, number, stanza) VALUES (?, ?, ?)"
_PAGE = (
    "SELECT number, stanza FROM offline_messages WHERE account = ? AND number > ?"
    " ORDER BY number LIMIT ?"
)
_SIZE = "SELECT count(*), coalesce(sum(length(stanza)), 0) FROM offline_messages WHERE account = ?"
_TOGETHER = 32
"""How many messages one statement deletes, which takes little longer than for one of them."""
_FORGET = (
    f"DELETE FROM offline_messages WHERE account = ? AND number IN ({', '.join('?' * _TOGETHER)})"
)


class Backlog(NamedTuple):
    """How many messages wait for an account, and how many octets they have."""

    messages: int
    octets: int


class SQLOfflineMessages:
    """The table of `schema/core/0004_offline.sql`. Accounts are named by their `Account.id`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def load(self, tx: Transaction, account: int) -> Backlog:
        """How much waits for an account, within a unit of work."""
        messages, octets = (await tx.execute(_SIZE, (account,))).rows[0]
        return Backlog(messages, int(octets))

    def put(self, account: int, number: int, stanza: bytes) -> Deferred[None]:
        """Keep a message; of one account no two have the same `number`."""

        async def work(tx: Transaction) -> None:
            await tx.execute(_PUT, (account, number, stanza))

        return self._database.write(work)

    def page(self, account: int, after: int, limit: int) -> Deferred[Sequence[tuple[int, bytes]]]:
        """At most `limit` messages behind the number `after`, in order, with their numbers."""

        async def work(tx: Transaction) -> Sequence[tuple[int, bytes]]:
            return (await tx.execute(_PAGE, (account, after, limit))).rows

        return self._database.read(work)

    def forget(self, account: int, numbers: Sequence[int]) -> Deferred[None]:
        """Messages that are in safe hands; unknown numbers do not matter."""

        async def work(tx: Transaction) -> None:
            for start in range(0, len(numbers), _TOGETHER):
                some = [*numbers[start : start + _TOGETHER]]
                some += some[:1] * (_TOGETHER - len(some))  # always the same statement
                await tx.execute(_FORGET, (account, *some))

        return self._database.write(work)
