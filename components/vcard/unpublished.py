"""What is in vCards and not in their owners' nodes of PEP yet, in SQL, for every dialect.

(XEP-0292 §4, XEP-0398 §3.2)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from twisted.internet.defer import Deferred

from xmppd.jid import JID
from xmppd.storage.interfaces import Database, Transaction

_NOTE = (
    "INSERT INTO unpublished (owner, node, cleared) VALUES (?, ?, ?) ON CONFLICT (node, owner)"
    " DO UPDATE SET cleared = unpublished.cleared | excluded.cleared"
)
_DONE = "DELETE FROM unpublished WHERE owner = ? AND node = ?"
_FORGET = "DELETE FROM unpublished WHERE owner = ?"
_SOME = "SELECT owner, cleared FROM unpublished WHERE node = ? AND owner > ? ORDER BY owner LIMIT ?"


class Unpublished(NamedTuple):
    """An owner, a bare JID, whose vCard has `cleared` what it said if it says nothing now."""

    owner: JID
    cleared: bool


class SQLUnpublished:
    """The table `unpublished` of `schema/vcard/0003_unpublished.sql`; nodes are named."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def note(self, tx: Transaction, owner: JID, node: str, *, cleared: bool = False) -> None:
        """Within the unit of work that changes a vCard: it is to be published."""
        await tx.execute(_NOTE, (str(owner), node, int(cleared)))

    async def forget(self, tx: Transaction, owner: JID) -> None:
        """Within a unit of work: nothing of an owner is to be published."""
        await tx.execute(_FORGET, (str(owner),))

    def left(self, owner: JID, node: str) -> Deferred[None]:
        """Something is to be published, once more."""
        return self._database.write(lambda tx: self.note(tx, owner, node))

    def published(self, owner: JID, node: str) -> Deferred[None]:
        """The node has what the vCard says, or is to go its own way."""

        async def work(tx: Transaction) -> None:
            await tx.execute(_DONE, (str(owner), node))

        return self._database.write(work)

    def some(self, node: str, after: str, most: int) -> Deferred[Sequence[Unpublished]]:
        """Those whose owners come behind `after`, by ascending JID, `most` of them at the most."""

        async def work(tx: Transaction) -> Sequence[Unpublished]:
            rows = (await tx.execute(_SOME, (node, after, most))).rows
            return [Unpublished(JID.parse(owner), bool(cleared)) for owner, cleared in rows]

        return self._database.read(work)
