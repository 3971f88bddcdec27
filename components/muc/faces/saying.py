"""What an occupant says to all: with the ids by which it is known, and told (XEP-0045 §7.4)."""

from __future__ import annotations

import secrets

from components.common.stanza import XML_LANG, Stanza
from components.muc.life.broadcast import Broadcast
from components.muc.model.history import Said, identified
from components.muc.model.occupant import Occupant
from components.muc.model.room import Room


def new_id() -> str:
    """An id that nobody can guess (XEP-0359 §3)."""
    return secrets.token_urlsafe(12)


def said(
    stanza: Stanza, room: Room, occupant: Occupant, inner: bytes, id_: str, now: float
) -> Said:
    """The message of a stanza, with the stanza id `id_`; `now` is in seconds UTC since 1970.

    One without an id of its sender's gets one, which is the same for all (§7.4).
    """
    attrs = stanza.attrs
    return Said(
        room.stamp(now),
        id_,
        attrs.get("id") or new_id(),
        attrs.get(XML_LANG, ""),
        occupant.nick,
        stanza.sender,
        occupant.id,
        inner,
    )


def tell(broadcast: Broadcast, room: Room, occupant: Occupant, message: Said) -> None:
    """Send it to everybody."""
    inner = identified(message.inner, room.address, message.id, message.occupant)
    broadcast.message(room, occupant.address, inner, id_=message.origin, lang=message.lang)
