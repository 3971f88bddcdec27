"""IQs from one occupant to another, who see nothing but each other's nick (XEP-0045 §17.4)."""

from __future__ import annotations

from typing import Any

from components.common.requests import RequestFailed
from components.common.stanza import Stanza
from components.muc.room import Room
from components.muc.service import Service
from xmppd import ns
from xmppd.errors import StanzaError

PING = f"{ns.PING} ping"


def serve(service: Service) -> None:
    """Answer what is for occupants."""
    service.iqs.occupants = OccupantIQs(service).forward


class OccupantIQs:
    """Hands on requests to occupants, and what they answer."""

    def __init__(self, service: Service) -> None:
        self._component = service.component

    def forward(self, stanza: Stanza, room: Room) -> Any:
        """Answer a request as the occupant that it is for would.

        A ping of oneself is answered here: it asks whether one is in the room (XEP-0410 §3.2).
        """
        sender = room.by_session(stanza.attrs["from"])
        if sender is None:
            text = "you are not in the room"
            raise StanzaError("not-acceptable", text, reason="muc.not-inside", type="cancel")
        target = room.by_nick(stanza.to.resource)
        if target is None:
            raise StanzaError("item-not-found", "nobody has that nick", reason="muc.no-occupant")
        if target is sender and stanza.children == [PING]:
            return None
        return self._asked(stanza, sender.address, target.session)

    async def _asked(self, stanza: Stanza, sender: Any, session: Any) -> bytes:
        try:
            answer = await self._component.ask(session, stanza.type, stanza.inner, sender=sender)
        except RequestFailed as failed:
            raise StanzaError(failed.condition, failed.text, reason="muc.occupant-error") from None
        return answer.inner
