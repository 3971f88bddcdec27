"""The vCards of rooms with their avatars (XEP-0486), on the disk and for rooms in memory."""

from __future__ import annotations

from collections.abc import Sequence
from weakref import WeakKeyDictionary

from twisted.internet.defer import Deferred

from components.muc.model.avatar import Card
from components.muc.model.room import Room
from components.muc.store.rooms import RoomGone
from xmppd.storage.interfaces import Database, Transaction

_GET = "SELECT encoded FROM room_avatars WHERE room = ?"
_HASHES = "SELECT hashes FROM room_avatars WHERE room = ?"
_DROP = "DELETE FROM room_avatars WHERE room = ?"
_HOLD = "UPDATE rooms SET name = name WHERE id = ?"
_PUT = "INSERT INTO room_avatars (room, hashes, encoded) VALUES (?, ?, ?)"


class Avatars:
    """The table `room_avatars` of `schema/muc/0001_rooms.sql`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: WeakKeyDictionary[Room, tuple[str, ...]] = WeakKeyDictionary()

    def get(self, room: Room) -> Deferred[bytes | None]:
        """The vCard of a room."""

        async def work(tx: Transaction) -> bytes | None:
            rows = (await tx.execute(_GET, (room.id,))).rows
            return bytes(rows[0][0]) if rows else None

        return self._database.read(work)

    async def hashes(self, room: Room) -> Sequence[str]:
        """The hashes of a room's avatar, one for each image of it; read once."""
        known = self._known.get(room)
        if known is None:
            known = await self._database.read(lambda tx: _hashes(tx, room.id))
            known = self._known.setdefault(room, known)
        return known

    async def set(self, room: Room, card: Card) -> None:
        """Have a vCard in place of a room's; an empty one is none. Raises `RoomGone`."""

        async def work(tx: Transaction) -> None:
            if not (await tx.execute(_HOLD, (room.id,))).changed:
                raise RoomGone(room.id)
            await tx.execute(_DROP, (room.id,))
            if card.encoded:
                await tx.execute(_PUT, (room.id, " ".join(card.hashes), card.encoded))

        await self._database.write(work)
        self._known[room] = card.hashes


async def _hashes(tx: Transaction, room: int) -> tuple[str, ...]:
    rows = (await tx.execute(_HASHES, (room,))).rows
    return tuple(rows[0][0].split()) if rows else ()
