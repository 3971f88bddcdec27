"""vCards that are not in their owners' nodes of PEP yet, in SQL, for every dialect (XEP-0292)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from twisted.internet.defer import Deferred

from xmppd.jid import JID
from xmppd.storage.interfaces import Database, Transaction

_NOTE = "INSERT INTO unpublished_vcards (owner) VALUES (?) ON CONFLICT (owner) DO NOTHING"
_FORGET = "DELETE FROM unpublished_vcards WHERE owner = ?"
_SOME = "SELECT owner FROM unpublished_vcards WHERE owner > ? ORDER BY owner LIMIT ?"


class Unpublished(NamedTuple):
    """An owner, a bare JID."""

    owner: JID


class SQLUnpublished:
    """The table `unpublished_vcards` of `schema/vcard/0003_unpublished_vcards.sql`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def note(self, tx: Transaction, owner: JID) -> None:
        """Within the unit of work that changes a vCard: it is to be published."""
        await tx.execute(_NOTE, (str(owner),))

    async def forget(self, tx: Transaction, owner: JID) -> None:
        """Within a unit of work: nothing is to be published."""
        await tx.execute(_FORGET, (str(owner),))

    def left(self, owner: JID) -> Deferred[None]:
        """Something is to be published, once more."""
        return self._database.write(lambda tx: self.note(tx, owner))

    def published(self, owner: JID) -> Deferred[None]:
        """The node has what the vCard says, or is to go its own way."""
        return self._database.write(lambda tx: self.forget(tx, owner))

    def some(self, after: str, most: int) -> Deferred[Sequence[Unpublished]]:
        """Those whose owners come behind `after`, by ascending JID, `most` of them at the most."""

        async def work(tx: Transaction) -> Sequence[Unpublished]:
            rows = (await tx.execute(_SOME, (after, most))).rows
            return [Unpublished(JID.parse(owner)) for (owner,) in rows]

        return self._database.read(work)
