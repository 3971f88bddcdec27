"""What of a room somebody sees who asks from outside (XEP-0045 §6.4, §7.2.10).

Rule 1: a room that is locked is not there yet, but for its owners.
Rule 2: a hidden room answers who knows its address: hidden is that it is listed nowhere (§4.2).
Rule 3: what is going on in a room is told to strangers only where any of them could enter, and
where it is listed for all.
"""

from __future__ import annotations

from components.muc.model.ranks import Affiliation
from components.muc.model.room import Room
from xmppd.errors import StanzaError


def check_there(room: Room, affiliation: Affiliation) -> None:
    """Raise StanzaError where there is no such room for somebody."""
    if room.locked and affiliation is not Affiliation.OWNER:
        raise StanzaError("item-not-found", "there is no such room", reason="muc.no-room")


def sees_inside(room: Room, session: str, affiliation: Affiliation) -> bool:
    """Whether somebody may know what is going on: the subject, how many are there, and so on."""
    if affiliation >= Affiliation.MEMBER or room.by_session(session) is not None:
        return True
    settings = room.settings
    asked = settings.password or settings.question
    return (
        not (settings.members_only or asked or not settings.public)
        and affiliation is not Affiliation.OUTCAST
    )
