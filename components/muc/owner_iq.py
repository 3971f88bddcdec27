"""What owners do: the configuration of a room, and its end (XEP-0045 §10)."""

from __future__ import annotations

from components.common.stanza import Stanza
from components.muc.names import MUC_OWNER
from components.muc.privileges import Right, has_right
from components.muc.room import Room
from components.muc.service import Service
from xmppd import ns
from xmppd.errors import StanzaError


def serve(service: Service) -> None:
    """Answer requests in the namespace muc#owner."""
    service.iqs.to_room("set", f"{MUC_OWNER} query", OwnerRequests(service).set)


class OwnerRequests:
    """Answers owners, and refuses all others."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def set(self, stanza: Stanza, room: Room) -> None:
        """Take a room's configuration (§10.1.2)."""
        account = stanza.sender.bare
        if not has_right(Right.CONFIGURE, self._service.affiliation(room, account)):
            raise StanzaError("forbidden", "it is the owners'", reason="muc.not-owner")
        form = stanza.payload.find(f"{{{ns.DATA_FORM}}}x")
        if form is not None and form.get("type") == "submit" and room.locked:
            await self._service.lives.unlock(room)
