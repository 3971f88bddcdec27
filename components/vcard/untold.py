"""Photos that the server has not been told of yet, in SQL, for every dialect (XEP-0153)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from twisted.internet.defer import Deferred

from xmppd.jid import JID
from xmppd.storage.interfaces import Database, Transaction

_NOTE = (
    "INSERT INTO untold_photos (owner, photo) VALUES (?, ?)"
    " ON CONFLICT (owner) DO UPDATE SET photo = excluded.photo"
)
_TOLD = "DELETE FROM untold_photos WHERE owner = ? AND photo = ?"
_FORGET = "DELETE FROM untold_photos WHERE owner = ?"
_SOME = "SELECT owner, photo FROM untold_photos WHERE owner > ? ORDER BY owner LIMIT ?"


class Untold(NamedTuple):
    """An owner, a bare JID, and the hash of the photo that there is now, "" for none."""

    owner: JID
    photo: str


class SQLUntold:
    """The table `untold_photos` of `schema/vcard/0002_untold_photos.sql`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def note(self, tx: Transaction, owner: JID, photo: str) -> None:
        """Within the unit of work that changes a photo: there is something to tell."""
        await tx.execute(_NOTE, (str(owner), photo))

    async def forget(self, tx: Transaction, owner: JID) -> None:
        """Within a unit of work: nobody is to be told anything of an owner."""
        await tx.execute(_FORGET, (str(owner),))

    def told(self, owner: JID, photo: str) -> Deferred[None]:
        """The server knows of this photo; what there may be in its place by now is still untold."""

        async def work(tx: Transaction) -> None:
            await tx.execute(_TOLD, (str(owner), photo))

        return self._database.write(work)

    def some(self, after: str, most: int) -> Deferred[Sequence[Untold]]:
        """Those whose owners come behind `after`, by ascending JID, `most` of them at the most."""

        async def work(tx: Transaction) -> Sequence[Untold]:
            rows = (await tx.execute(_SOME, (after, most))).rows
            return [Untold(JID.parse(owner), photo) for owner, photo in rows]

        return self._database.read(work)
