"""Messages that come for rooms and for occupants: who of the others takes which (XEP-0045 §17.2).

    messages.to_room(f"{MUC_USER} x", invitations.sent)

Those of type "groupchat" are everybody's; those to an occupant JID are private; of the rest the
first child that somebody has asked for decides.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from twisted.internet.defer import Deferred

from components.common.component import Component
from components.common.stanza import Stanza
from components.muc.life.returns import Returns
from components.muc.life.rooms import Rooms
from components.muc.model.room import Room
from xmppd.errors import StanzaError

Taker: TypeAlias = Callable[[Stanza, Room], Any]
"""Handles a message for a room, now or later, or raises StanzaError."""


class Messages:
    """Hands on messages."""

    def __init__(self, component: Component, rooms: Rooms) -> None:
        self._rooms = rooms
        self._takers: dict[str, Taker] = {}
        self.groupchat: Taker = _nobody
        """Takes those to everybody in a room,"""
        self.private: Taker = _nobody
        """and those to one occupant."""
        self.others: Taker = improper
        """Takes those to a room that nobody has asked for."""
        self.returns = Returns()
        """What was sent that may come back."""
        component.on_message(self.came)

    def to_room(self, payload: str, taker: Taker) -> None:
        """Have messages to a room handled that are no groupchat and have a child of this name."""
        if payload in self._takers:
            raise ValueError(f"{payload} has a taker")
        self._takers[payload] = taker

    def came(self, stanza: Stanza) -> Any:
        """Handle a message."""
        address = stanza.to
        if not address.local:
            raise StanzaError("service-unavailable", reason="muc.service-message")
        room = self._rooms.at_hand(address.bare)
        if room is not None:
            return self._for(stanza, room)
        return Deferred.fromCoroutine(self._opening(stanza))

    async def _opening(self, stanza: Stanza) -> None:
        room = await self._rooms.open(stanza.to.bare)
        if room is None:
            # §17.2: the room does not exist.
            raise StanzaError("item-not-found", "there is no such room", reason="muc.no-room")
        later = self._for(stanza, room)
        if later is not None:
            await later

    def _for(self, stanza: Stanza, room: Room) -> Any:
        if room.locked:
            # §17.2: for others it does not exist yet.
            raise StanzaError("item-not-found", "it is not open yet", reason="muc.locked")
        if stanza.to.resource:
            return self.private(stanza, room)
        if stanza.type == "groupchat":
            return self.groupchat(stanza, room)
        for child in stanza.children:
            taker = self._takers.get(child)
            if taker is not None:
                return taker(stanza, room)
        return self.others(stanza, room)


def improper(stanza: Stanza, room: Room) -> None:
    """Refuse a message: what is for everybody is of type "groupchat" (§17.2)."""
    raise StanzaError("bad-request", "it is no groupchat", reason="muc.type")


def _nobody(stanza: Stanza, room: Room) -> None:
    raise StanzaError("service-unavailable", reason="stanza.unhandled")
