"""IQs that come for rooms, and for occupants: who of the others answers which (XEP-0045 §17.4).

    iqs.to_room("get", f"{MUC_OWNER} query", owner.form)

What is for an occupant JID is the occupant's, whatever it is; what is for a room is the room's,
and is answered by who has asked for it here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from twisted.internet.defer import Deferred

from components.common.component import Component, On
from components.common.stanza import Stanza
from components.muc.life.rooms import Rooms
from components.muc.model.room import Room
from xmppd.errors import StanzaError

Answerer: TypeAlias = Callable[[Stanza, Room], Any]
"""Answers an IQ get or set for a room, as a `Responder` of the component does."""


class RoomIQs:
    """Hands on requests."""

    def __init__(self, component: Component, rooms: Rooms) -> None:
        self._component = component
        self._rooms = rooms
        self.occupants: Answerer = _nobody
        """Answers all that are for an occupant,"""
        self.outside: Callable[[Stanza], object] = _no_room
        """and refuses, by StanzaError, those for one of a room that is not there."""
        component.on_unknown_iq(self._unknown)

    def to_room(self, type_: str, payload: str, answerer: Answerer) -> None:
        """Have requests of `type_` ("get" or "set") with this payload to rooms answered."""

        def respond(stanza: Stanza) -> Any:
            return self._answered(stanza, answerer)

        # Some are the component's own elsewhere: a ping to a room is answered by the room.
        self._component.iq(type_, payload, respond, On.ADDRESS, replace=True)

    def _answered(self, stanza: Stanza, answerer: Answerer) -> Any:
        address = stanza.to
        if address.resource:
            answerer = self.occupants
        room = self._rooms.at_hand(address.bare)
        if room is not None:
            return answerer(stanza, room)
        return self._opening(stanza, answerer)

    async def _opening(self, stanza: Stanza, answerer: Answerer) -> Any:
        room = await self._rooms.open(stanza.to.bare)
        if room is None:
            refuse = self.outside if stanza.to.resource else _no_room
            return refuse(stanza)
        answer = answerer(stanza, room)
        if isinstance(answer, Deferred) or hasattr(answer, "__await__"):
            return await answer
        return answer

    def _unknown(self, stanza: Stanza) -> Any:
        """What nobody here has asked for may be for an occupant all the same."""
        address = stanza.to
        if address.local and address.resource:
            return self._answered(stanza, self.occupants)
        raise StanzaError("service-unavailable", reason="stanza.unhandled")


def _no_room(stanza: Stanza) -> None:
    raise StanzaError("item-not-found", "there is no such room", reason="muc.no-room")


def _nobody(stanza: Stanza, room: Room) -> None:
    raise StanzaError("service-unavailable", reason="stanza.unhandled")
