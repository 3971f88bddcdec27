"""The vCards of rooms with their avatars (XEP-0486), on the disk and for rooms in memory.

Rule 1: only kinds of images are taken that no browser runs as a page or a script, whatever their
sender calls them.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Sequence
from hashlib import sha1
from typing import NamedTuple
from weakref import WeakKeyDictionary
from xml.etree.ElementTree import Element

from twisted.internet.defer import Deferred

from components.common import tree
from components.common.tree import TooLong
from components.muc.model.room import Room
from components.muc.store.rooms import RoomGone
from xmppd import ns
from xmppd.errors import StanzaError
from xmppd.storage.interfaces import Database, Transaction

OCTETS = 131_072
"""How large a vCard may be, with its images in base64."""

_PHOTO, _TYPE, _BINVAL = (f"{{{ns.VCARD}}}{name}" for name in ("PHOTO", "TYPE", "BINVAL"))
_BLANKS = str.maketrans("", "", " \t\r\n")
_KINDS = {
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"GIF87a": "image/gif",
    b"GIF89a": "image/gif",
}

_GET = "SELECT encoded FROM room_avatars WHERE room = ?"
_HASHES = "SELECT hashes FROM room_avatars WHERE room = ?"
_DROP = "DELETE FROM room_avatars WHERE room = ?"
_HOLD = "UPDATE rooms SET name = name WHERE id = ?"
_PUT = "INSERT INTO room_avatars (room, hashes, encoded) VALUES (?, ?, ?)"


class Card(NamedTuple):
    """A vCard: the element as bytes, b"" for an empty one, and the hashes of its images."""

    encoded: bytes
    hashes: tuple[str, ...]


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


def card(element: Element) -> Card:
    """A vCard that somebody wants a room to have, with the types that its images have.

    Raises StanzaError: `policy-violation` for one that is too large, `bad-request` for what is no
    base64, `not-acceptable` for an image of no kind that is taken.
    """
    if not len(element):
        return Card(b"", ())
    hashes = tuple(
        _hash(photo) for photo in element.iterfind(_PHOTO) if photo.findtext(_BINVAL, "").strip()
    )
    try:
        return Card(tree.written(element, most=OCTETS), hashes)
    except TooLong:
        text = f"a vCard has {OCTETS} octets at the most"
        raise StanzaError("policy-violation", text, reason="muc.large-avatar") from None


def _hash(photo: Element) -> str:
    """The hash of an image (XEP-0153 §3.1), whose type is put right."""
    try:
        data = b64decode(photo.findtext(_BINVAL, "").translate(_BLANKS), validate=True)
    except ValueError:
        raise StanzaError("bad-request", "no base64", reason="muc.avatar") from None
    kind = next((kind for magic, kind in _KINDS.items() if data.startswith(magic)), None)
    if kind is None and data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        kind = "image/webp"
    if kind is None:
        text = "neither PNG nor JPEG, GIF or WebP"
        raise StanzaError("not-acceptable", text, reason="muc.avatar")
    named = photo.find(_TYPE)
    if named is None:
        named = tree.child(photo, "TYPE")
    named.text = kind
    # Which image it is, no more: XEP-0153 leaves no choice of the hash.
    return sha1(data, usedforsecurity=False).hexdigest()
