"""What waits for components, in SQL, for every dialect."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from twisted.internet.defer import Deferred

from xmppd.jid import JID
from xmppd.storage.interfaces import Database, Transaction

_PUT = "INSERT INTO component_spool (component, number, at, stanza) VALUES (?, ?, ?, ?)"
_ALL = "SELECT component, number, at, stanza FROM component_spool ORDER BY component, number"
_FORGET = "DELETE FROM component_spool WHERE component = ? AND number = ?"
_ERASE = (
    "INSERT INTO component_erasures (component, account) VALUES (?, ?)"
    " ON CONFLICT (component, account) DO NOTHING"
)
_ERASURES = "SELECT account FROM component_erasures WHERE component = ? ORDER BY account LIMIT ?"
_ERASED = "DELETE FROM component_erasures WHERE component = ? AND account = ?"


class Waiting(NamedTuple):
    """A message that waits for a component: `at` is when it came, in seconds UTC since 1970."""

    component: str
    number: int
    at: float
    stanza: bytes


class SQLComponents:
    """The tables of `schema/core/0007_components.sql`. Components are named by their domains."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, waiting: Waiting) -> Deferred[None]:
        """Keep a message; of one component no two have the same number."""

        async def work(tx: Transaction) -> None:
            await tx.execute(_PUT, waiting)

        return self._database.write(work)

    def all(self) -> Deferred[Sequence[Waiting]]:
        """Whatever waits, by component, in order."""

        async def work(tx: Transaction) -> Sequence[Waiting]:
            rows = (await tx.execute(_ALL)).rows
            return [Waiting(row[0], row[1], row[2], bytes(row[3])) for row in rows]

        return self._database.read(work)

    def forget(self, component: str, number: int) -> Deferred[None]:
        """A message that does not wait any more; unknown numbers do not matter."""

        async def work(tx: Transaction) -> None:
            await tx.execute(_FORGET, (component, number))

        return self._database.write(work)

    # ------------------------------------------------------------------ removed accounts

    def erase(self, components: Iterable[str], account: JID) -> Deferred[None]:
        """Remember that components have to forget an account."""

        async def work(tx: Transaction) -> None:
            for component in components:
                await tx.execute(_ERASE, (component, account))

        return self._database.write(work)

    def erasures(self, component: str, limit: int) -> Deferred[Sequence[JID]]:
        """At most `limit` accounts that a component has to forget."""

        async def work(tx: Transaction) -> Sequence[JID]:
            rows = (await tx.execute(_ERASURES, (component, limit))).rows
            return [JID.parse(row[0]) for row in rows]

        return self._database.read(work)

    def erased(self, component: str, account: JID) -> Deferred[None]:
        """A component has forgotten an account."""

        async def work(tx: Transaction) -> None:
            await tx.execute(_ERASED, (component, account))

        return self._database.write(work)
