"""Which avatars accounts have, in SQL, for every dialect (XEP-0153)."""

from __future__ import annotations

from twisted.internet.defer import Deferred

from xmppd.storage.interfaces import Database, Transaction

_GET = "SELECT hash FROM avatars WHERE account = ?"
_PUT = (
    "INSERT INTO avatars (account, hash) SELECT id, ? FROM accounts WHERE id = ?"
    " ON CONFLICT (account) DO UPDATE SET hash = excluded.hash"
)


class SQLAvatars:
    """The table of `schema/core/0008_avatars.sql`. Accounts are named by `Account.id`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def load(self, tx: Transaction, account: int) -> str | None:
        """The hash of an account's avatar, within a unit of work.

        It is "" where the account has none any more, None where it never had one.
        """
        rows = (await tx.execute(_GET, (account,))).rows
        return str(rows[0][0]) if rows else None

    def put(self, account: int, hash_: str) -> Deferred[None]:
        """Keep the hash in place of what was known; of an account that is gone, nothing."""

        async def work(tx: Transaction) -> None:
            await tx.execute(_PUT, (hash_, account))

        return self._database.write(work)
