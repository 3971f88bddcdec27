"""Private XML in SQL, for every dialect (XEP-0049)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from twisted.internet.defer import Deferred

from xmppd.storage.interfaces import Database, Transaction

_GET = "SELECT element FROM private_xml WHERE account = ? AND namespace = ? AND local = ?"
_SIZE = "SELECT count(*), coalesce(sum(length(element)), 0) FROM private_xml WHERE account = ?"
_PUT = (
    "INSERT INTO private_xml (account, namespace, local, element) VALUES (?, ?, ?, ?)"
    " ON CONFLICT (account, namespace, local) DO UPDATE SET element = excluded.element"
)
_FORGET = "DELETE FROM private_xml WHERE account = ? AND namespace = ? AND local = ?"


class PrivateFull(Exception):
    """An account would have more than it may."""


class SQLPrivate:
    """The table of `schema/core/0006_private.sql`.

    Accounts are named by their `Account.id`, elements by ``"namespace local"``.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, account: int, names: Sequence[str]) -> Deferred[Mapping[str, bytes]]:
        """What is stored under each of `names`; a name under which there is nothing is left out."""

        async def work(tx: Transaction) -> Mapping[str, bytes]:
            found = {}
            for name in names:
                rows = (await tx.execute(_GET, (account, *_key(name)))).rows
                if rows:
                    found[name] = bytes(rows[0][0])
            return found

        return self._database.read(work)

    def put(
        self, account: int, elements: Mapping[str, bytes], *, most: int, octets: int
    ) -> Deferred[None]:
        """Keep each element in place of what has its name; b"" forgets that.

        Fails with `PrivateFull`, and keeps nothing, where the account would then have more than
        `most` names or `octets` in all. What makes it no larger is kept all the same.
        """

        async def work(tx: Transaction) -> None:
            before = await self._size(tx, account)
            for name, element in elements.items():
                if element:
                    await tx.execute(_PUT, (account, *_key(name), element))
                else:
                    await tx.execute(_FORGET, (account, *_key(name)))
            after = await self._size(tx, account)
            for limit, had, has in zip((most, octets), before, after, strict=True):
                if has > limit and has > had:
                    raise PrivateFull

        return self._database.write(work)

    async def _size(self, tx: Transaction, account: int) -> tuple[int, int]:
        names, octets = (await tx.execute(_SIZE, (account,))).rows[0]
        return names, int(octets)


def _key(name: str) -> tuple[str, str]:
    namespace, _, local = name.rpartition(" ")
    return namespace, local
