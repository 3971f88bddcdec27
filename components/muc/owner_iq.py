"""What owners do: the configuration of a room, and its end (XEP-0045 §10)."""

from __future__ import annotations

from components.common.stanza import Stanza
from components.muc.lives import Lives
from components.muc.policy import Policy
from components.muc.privileges import Right, has_right
from components.muc.room import Room
from xmppd import ns
from xmppd.errors import StanzaError


class OwnerRequests:
    """Answers requests in the namespace muc#owner."""

    def __init__(self, lives: Lives, policy: Policy) -> None:
        self._lives = lives
        self._policy = policy

    async def set(self, stanza: Stanza, room: Room) -> None:
        """Take a room's configuration (§10.1.2)."""
        account = stanza.sender.bare
        affiliation = self._policy.affiliation(account, room.affiliation(account))
        if not has_right(Right.CONFIGURE, affiliation):
            raise StanzaError("forbidden", "it is the owners'", reason="muc.not-owner")
        form = stanza.payload.find(f"{{{ns.DATA_FORM}}}x")
        if form is not None and form.get("type") == "submit" and room.locked:
            await self._lives.unlock(room)
