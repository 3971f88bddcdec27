"""When accounts were last there, in SQL, for every dialect (XEP-0012 §3)."""

from __future__ import annotations

from typing import NamedTuple

from twisted.internet.defer import Deferred

from xmppd.storage.interfaces import Database, Transaction

_GET = "SELECT at, status FROM last_presence WHERE account = ?"
_PUT = (
    "INSERT INTO last_presence (account, at, status) SELECT id, ?, ? FROM accounts WHERE id = ?"
    " ON CONFLICT (account) DO UPDATE SET at = excluded.at, status = excluded.status"
)


class LastPresence(NamedTuple):
    """When the last available resource left, in seconds UTC since 1970, and its status."""

    at: float
    status: str


class SQLLastPresence:
    """The table of `schema/core/0003_last_presence.sql`. Accounts are named by `Account.id`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def load(self, tx: Transaction, account: int) -> LastPresence | None:
        """What is known of an account, within a unit of work; None where it was never there."""
        rows = (await tx.execute(_GET, (account,))).rows
        return LastPresence(*rows[0]) if rows else None

    def put(self, account: int, last: LastPresence) -> Deferred[None]:
        """Keep `last` in place of what was known.

        Of an account that is gone nothing is kept: its streams end once it has been removed.
        """

        async def work(tx: Transaction) -> None:
            await tx.execute(_PUT, (*last, account))

        return self._database.write(work)
