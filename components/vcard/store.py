"""vCards in SQL, for every dialect."""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path
from typing import NamedTuple, TypeAlias

from twisted.internet.defer import Deferred

from components.vcard.directory import SQLDirectory
from components.vcard.names import AVATAR_METADATA
from components.vcard.unpublished import SQLUnpublished
from components.vcard.untold import SQLUntold
from components.vcard.vcard import VCard
from xmppd.jid import JID
from xmppd.storage.interfaces import Database, Transaction

SCHEMA = Path(__file__).parent / "schema" / "vcard"
"""The schema set, for `xmppd.storage.url.open_database`."""

_GET = "SELECT encoded, photo, updated FROM vcards WHERE owner = ?"
_PUT = (
    "INSERT INTO vcards (owner, domain, photo, updated, encoded) VALUES (?, ?, ?, ?, ?)"
    " ON CONFLICT (owner) DO UPDATE SET photo = excluded.photo, updated = excluded.updated,"
    " encoded = excluded.encoded RETURNING id"
)
_REMOVE = "DELETE FROM vcards WHERE owner = ?"


class StoredVCard(NamedTuple):
    """A vCard as it is in the store.

    `encoded` is its bytes as they are sent, `photo` the hash of its photo, "" for none, `updated`
    when it was set, in seconds UTC since 1970.
    """

    encoded: bytes
    photo: str
    updated: float


Edit: TypeAlias = Callable[[StoredVCard | None], VCard | None]
"""Makes of the vCard that is there, None for none, the one that is to be there.

It is part of a unit of work (`storage.interfaces.Work`): it touches nothing else, and may be run
in another thread, or again. What it raises leaves everything as it was.
"""


class Edited(NamedTuple):
    """What an edit found, and what it made of it."""

    before: StoredVCard | None
    after: VCard | None

    @property
    def photo_before(self) -> str:
        """The hash of the photo that there was, "" for none."""
        return "" if self.before is None else self.before.photo

    @property
    def photo_after(self) -> str:
        """The hash of the photo that there is, "" for none."""
        return "" if self.after is None else self.after.photo_hash


Cleared: TypeAlias = Callable[[Edited], bool]
"""Says whether a vCard says nothing any more, and said something before."""


def never(edited: Edited) -> bool:
    """For who publishes nothing."""
    return False


class SQLVCards:
    """The table `vcards` of `schema/vcard/0001_vcards.sql`. An owner is a bare JID."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.directory = SQLDirectory(database)
        self.untold = SQLUntold(database)
        self.unpublished = SQLUnpublished(database)

    def get(self, owner: JID) -> Deferred[StoredVCard | None]:
        """The vCard of an owner; None where there is none."""
        return self._database.read(lambda tx: _stored(tx, owner))

    def edit(
        self,
        owner: JID,
        edit: Edit,
        *,
        now: float,
        publish: Collection[str] = (),
        cleared: Cleared = never,
    ) -> Deferred[Edited]:
        """Have the edit's vCard in place of the one that is there, and the directory as it says.

        `now` is in seconds UTC since 1970. Where that changes the photo, it is among the untold;
        it is to `publish` at these nodes, at that of avatars if the photo is another; and `cleared`
        says whether it says nothing any more of what it said.
        Fails with what `edit` raises.
        """

        async def work(tx: Transaction) -> Edited:
            before = await _stored(tx, owner)
            after = edit(before)
            if after is not None:
                await self._put(tx, owner, after, now)
            elif before is not None:
                await tx.execute(_REMOVE, (str(owner),))
            edited = Edited(before, after)
            if edited.photo_before != edited.photo_after:
                await self.untold.note(tx, owner, edited.photo_after)
            emptied = bool(publish) and cleared(edited)
            for node in publish:
                if node != AVATAR_METADATA or edited.photo_before != edited.photo_after:
                    await self.unpublished.note(tx, owner, node, cleared=emptied)
            return edited

        return self._database.write(work)

    def erase(self, owner: JID) -> Deferred[None]:
        """Have nothing of an owner any more, nor anything to tell."""

        async def work(tx: Transaction) -> None:
            await tx.execute(_REMOVE, (str(owner),))
            await self.untold.forget(tx, owner)
            await self.unpublished.forget(tx, owner)

        return self._database.write(work)

    async def _put(self, tx: Transaction, owner: JID, vcard: VCard, now: float) -> None:
        params = (str(owner), owner.domain, vcard.photo_hash, now, vcard.encoded)
        id_ = (await tx.execute(_PUT, params)).rows[0][0]
        await self.directory.put(tx, id_, vcard.listing)


async def _stored(tx: Transaction, owner: JID) -> StoredVCard | None:
    rows = (await tx.execute(_GET, (str(owner),))).rows
    if not rows:
        return None
    encoded, photo, updated = rows[0]
    return StoredVCard(bytes(encoded), photo, updated)
