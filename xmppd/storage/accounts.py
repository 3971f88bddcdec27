"""Accounts in SQL, for every dialect."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from itertools import groupby
from typing import Any

from twisted.internet.defer import Deferred

from xmppd.credentials import Credentials, ScramKeys
from xmppd.jid import JID
from xmppd.storage.interfaces import Account, AccountExists, Database, Transaction

_COLUMNS = (
    "a.id, a.local, a.domain, a.created, a.enabled, a.sealed,"
    " c.hash, c.salt, c.iterations, c.stored_key, c.server_key"
)

# One row per hash of each account, so that an account is one statement's work.
_GET = (
    f"SELECT {_COLUMNS} FROM accounts a LEFT JOIN credentials c ON c.account = a.id"
    " WHERE a.domain = ? AND a.local = ?"
)
# Somebody else's rows for who is unknown, so that it takes the time of a known one.
_FIND = (
    f"SELECT {_COLUMNS} FROM accounts a LEFT JOIN credentials c ON c.account = a.id"
    " WHERE a.id = coalesce((SELECT id FROM accounts WHERE domain = ? AND local = ?),"
    " (SELECT min(id) FROM accounts))"
)
_PAGE = (
    f"SELECT {_COLUMNS} FROM (SELECT * FROM accounts WHERE domain = ? AND local > ?"
    " ORDER BY local LIMIT ?) a LEFT JOIN credentials c ON c.account = a.id ORDER BY a.local"
)
_NUMBER = "SELECT id, created FROM accounts WHERE domain = ? AND local = ?"
_EXISTS = "SELECT 1 FROM accounts WHERE domain = ? AND local = ?"
_COUNT = "SELECT count(*) FROM accounts WHERE domain = ?"
_CREATE = (
    "INSERT INTO accounts (domain, local, created, sealed) VALUES (?, ?, ?, ?)"
    " ON CONFLICT (domain, local) DO NOTHING RETURNING id"
)
# Goes first in its transaction: the row is locked against removal before keys refer to it.
_SEAL = "UPDATE accounts SET sealed = ? WHERE domain = ? AND local = ? RETURNING id"
# Goes first where credentials are compared before they are written.
_LOCK = "UPDATE accounts SET sealed = sealed WHERE id = ? RETURNING id"
_FORGET_KEYS = "DELETE FROM credentials WHERE account = ?"
_ADD_KEYS = (
    "INSERT INTO credentials (account, hash, salt, iterations, stored_key, server_key)"
    " VALUES (?, ?, ?, ?, ?, ?)"
)
_LAST = "SELECT max(id) FROM accounts"
_ITERATIONS = (
    "SELECT a.domain, c.iterations, count(*) FROM accounts a JOIN credentials c ON c.account = a.id"
    " WHERE a.id > ? AND a.id <= ? GROUP BY a.domain, c.iterations"
)
_ENABLE = "UPDATE accounts SET enabled = ? WHERE domain = ? AND local = ?"
_REMOVE = "DELETE FROM accounts WHERE domain = ? AND local = ?"


STRETCH = 5_000
"""Accounts looked at in one unit of work where all are: some milliseconds, for logins wait."""


class SQLAccounts:
    """`interfaces.Accounts` over the tables of `schema/core/0001_accounts.sql`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, jid: JID) -> Deferred[Account | None]:
        """See `interfaces.Accounts.get`."""

        async def work(tx: Transaction) -> Account | None:
            found = _accounts((await tx.execute(_FIND, (jid.domain, jid.local))).rows)
            return found[0] if found and found[0].jid == jid else None

        return self._database.read(work)

    def exists(self, jid: JID) -> Deferred[bool]:
        """See `interfaces.Accounts.exists`."""

        async def work(tx: Transaction) -> bool:
            return bool((await tx.execute(_EXISTS, (jid.domain, jid.local))).rows)

        return self._database.read(work)

    def create(self, jid: JID, credentials: Credentials, *, now: float) -> Deferred[Account]:
        """See `interfaces.Accounts.create`."""

        async def work(tx: Transaction) -> Account:
            made = await tx.execute(_CREATE, (jid.domain, jid.local, now, credentials.sealed))
            if not made.rows:
                raise AccountExists(jid)
            account: int = made.rows[0][0]
            await _add_keys(tx, account, credentials)
            return Account(account, jid, now, True, credentials)

        return self._database.write(work)

    def set_credentials(self, jid: JID, credentials: Credentials) -> Deferred[bool]:
        """See `interfaces.Accounts.set_credentials`."""

        async def work(tx: Transaction) -> bool:
            return await _replace(tx, jid, credentials)

        return self._database.write(work)

    def replace_credentials(self, account: Account, credentials: Credentials) -> Deferred[bool]:
        """See `interfaces.Accounts.replace_credentials`."""
        jid = account.jid

        async def work(tx: Transaction) -> bool:
            if not (await tx.execute(_LOCK, (account.id,))).rows:
                return False
            (now,) = _accounts((await tx.execute(_GET, (jid.domain, jid.local))).rows)
            if now.credentials != account.credentials:
                return False
            return await _replace(tx, jid, credentials)

        return self._database.write(work)

    def set_enabled(self, jid: JID, enabled: bool) -> Deferred[bool]:
        """See `interfaces.Accounts.set_enabled`."""

        async def work(tx: Transaction) -> bool:
            return (await tx.execute(_ENABLE, (enabled, jid.domain, jid.local))).changed > 0

        return self._database.write(work)

    def remove(self, jid: JID) -> Deferred[bool]:
        """See `interfaces.Accounts.remove`."""

        async def work(tx: Transaction) -> bool:
            return (await tx.execute(_REMOVE, (jid.domain, jid.local))).changed > 0

        return self._database.write(work)

    def list(self, domain: str, after: str = "", limit: int = 100) -> Deferred[Sequence[Account]]:
        """See `interfaces.Accounts.list`."""

        async def work(tx: Transaction) -> Sequence[Account]:
            return _accounts((await tx.execute(_PAGE, (domain, after, limit))).rows)

        return self._database.read(work)

    def count(self, domain: str) -> Deferred[int]:
        """See `interfaces.Accounts.count`."""

        async def work(tx: Transaction) -> int:
            found: int = (await tx.execute(_COUNT, (domain,))).rows[0][0]
            return found

        return self._database.read(work)

    def iterations(self) -> Deferred[Mapping[str, Mapping[int, int]]]:
        """See `interfaces.Accounts.iterations`."""
        return Deferred.fromCoroutine(self._iterations())

    async def _iterations(self) -> Mapping[str, Mapping[int, int]]:
        async def last(tx: Transaction) -> int:
            return (await tx.execute(_LAST)).rows[0][0] or 0

        async def work(tx: Transaction, start: int) -> Sequence[Sequence[Any]]:
            return (await tx.execute(_ITERATIONS, (start, start + STRETCH))).rows

        counts: dict[str, Counter[int]] = {}
        for start in range(0, await self._database.read(last), STRETCH):
            for domain, iterations, count in await self._database.read(partial(work, start=start)):
                counts.setdefault(domain, Counter())[iterations] += count
        return counts


async def find_account(tx: Transaction, jid: JID) -> tuple[int, float] | None:
    """`id` and `created` of an account, within a unit of work; None where there is none."""
    rows = (await tx.execute(_NUMBER, (jid.domain, jid.local))).rows
    return (rows[0][0], rows[0][1]) if rows else None


async def _replace(tx: Transaction, jid: JID, credentials: Credentials) -> bool:
    """Put these credentials in place of others; False where there is no such account."""
    sealed = await tx.execute(_SEAL, (credentials.sealed, jid.domain, jid.local))
    if not sealed.rows:
        return False
    account: int = sealed.rows[0][0]
    await tx.execute(_FORGET_KEYS, (account,))
    await _add_keys(tx, account, credentials)
    return True


async def _add_keys(tx: Transaction, account: int, credentials: Credentials) -> None:
    for name, key in credentials.keys.items():
        await tx.execute(
            _ADD_KEYS,
            (account, name, key.salt, key.iterations, key.stored_key, key.server_key),
        )


def _accounts(rows: Iterable[tuple[Any, ...]]) -> Sequence[Account]:
    """Join the rows of each account, which lie side by side, into one."""
    return [_account(list(group)) for _, group in groupby(rows, key=lambda row: row[0])]


def _account(rows: Sequence[tuple[Any, ...]]) -> Account:
    number, local, domain, created, enabled, sealed = rows[0][:6]
    jid = JID.of(local, domain)
    # An account without any keys has one row, whose joined half is NULL.
    keys = {row[6]: ScramKeys(*row[7:]) for row in rows if row[6] is not None}
    return Account(number, jid, created, bool(enabled), Credentials(keys, sealed))
