"""The vCards of rooms, for their avatars (XEP-0486, XEP-0054).

Presence in the room's own name would tell of them too; XEP-0486 §5.2 advises against it, for there
are clients that take it for somebody without a nick.
"""

from __future__ import annotations

from components.common.rate import Rate
from components.common.stanza import Stanza
from components.muc.faces.configuring import CHANGED
from components.muc.faces.seeing import check_there
from components.muc.model.avatar import Card, card
from components.muc.model.privileges import Right, has_right
from components.muc.model.room import Room
from components.muc.service import Service
from components.muc.store.rooms import RoomGone
from xmppd import ns
from xmppd.errors import StanzaError
from xmppd.jid import JID

OFTEN = 10
"""How often a minute the avatar of a room may change."""


def serve(service: Service) -> None:
    """Answer requests for the vCards of rooms."""
    requests = VCardRequests(service)
    service.features.add(ns.VCARD)
    service.iqs.to_room("get", f"{ns.VCARD} vCard", requests.get)
    service.iqs.to_room("set", f"{ns.VCARD} vCard", requests.set)


class VCardRequests:
    """Gives vCards to all who see a room, and takes those of owners."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._avatars = service.avatars
        self._often = Rate(OFTEN, service.now)

    async def get(self, stanza: Stanza, room: Room) -> bytes:
        """Give the vCard of a room (§3.4)."""
        check_there(room, self._service.affiliation(room, stanza.sender.bare))
        encoded = await self._avatars.get(room)
        if encoded is None:
            raise StanzaError("item-not-found", "it has no vCard", reason="muc.no-vcard")
        return encoded

    async def set(self, stanza: Stanza, room: Room) -> None:
        """Have a room have a vCard, or none, and tell everybody in it (§3.2)."""
        account = stanza.sender.bare
        self._check(room, account)
        wanted = card(stanza.payload)
        if not self._often.take(room.address):
            text = "it has changed too often"
            raise StanzaError("resource-constraint", text, reason="muc.avatar-often")
        await room.lock.run(self._set, room, account, wanted)

    async def _set(self, room: Room, account: JID, wanted: Card) -> None:
        self._check(room, account)  # he has waited for the lock
        before = await self._avatars.get(room) or b""
        if before == wanted.encoded:
            return
        try:
            await self._avatars.set(room, wanted)
        except RoomGone:
            raise _no_room() from None
        self._service.broadcast.status(room, CHANGED)

    def _check(self, room: Room, account: JID) -> None:
        if room.destroyed:
            raise _no_room()
        affiliation = self._service.affiliation(room, account)
        if not has_right(Right.CONFIGURE, affiliation):
            raise StanzaError("forbidden", "it is for owners to set", reason="muc.not-owner")


def _no_room() -> StanzaError:
    return StanzaError("item-not-found", "there is no such room", reason="muc.no-room")
