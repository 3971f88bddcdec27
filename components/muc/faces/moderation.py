"""Moderators take back what others have said (XEP-0425).

Clients ask, and are told, in one of two ways: as version 0.3 of the specification has it, and as
the versions before had. Each is answered both ways, so that all see it.
"""

from __future__ import annotations

import secrets
from functools import partial
from typing import NamedTuple

from components.common import datetimes
from components.common.build import Content, Tag, render
from components.common.stanza import Stanza
from components.muc.faces.content import brief
from components.muc.faces.retraction import Retractions, buried
from components.muc.model.history import Said, identified
from components.muc.model.privileges import moderates
from components.muc.model.ranks import Role
from components.muc.model.room import Room
from components.muc.names import (
    FASTEN,
    MODERATE,
    OCCUPANT_ID,
    OLD_MODERATE,
    OLD_RETRACT,
    RETRACT,
    TOMBSTONES,
)
from components.muc.service import Service
from xmppd.errors import StanzaError
from xmppd.jid import JID


class Request(NamedTuple):
    """Which message is to be taken back, and why."""

    id: str
    reason: str


class Moderator(NamedTuple):
    """Who takes it back: his occupant JID, None where he is not in the room, and occupant id."""

    address: JID | None
    occupant: str


def serve(service: Service) -> None:
    """Answer moderators."""
    moderation = Moderation(service)
    service.iqs.to_room("set", f"{MODERATE} moderate", moderation.moderate)
    service.iqs.to_room("set", f"{FASTEN} apply-to", moderation.moderate)
    service.features.add(MODERATE, OLD_MODERATE, RETRACT, TOMBSTONES)


class Moderation:
    """Has messages taken back, and tells everybody."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._retractions = Retractions(service.archive, service.now)

    async def moderate(self, stanza: Stanza, room: Room) -> None:
        """Take back a message (§3); raises StanzaError where that is not to be (§3.2).

        What was taken back already is so: nobody is told again.
        """
        moderator = self._moderator(stanza, room)
        request = _read(stanza)
        await room.lock.run(partial(self._bury, room, stanza.sender, moderator, request))

    def _moderator(self, stanza: Stanza, room: Room) -> Moderator:
        account = stanza.sender.bare
        occupant = room.by_session(stanza.attrs["from"])
        role = Role.NONE if occupant is None else occupant.role
        if not moderates(role, self._service.affiliation(room, account)):
            raise StanzaError("forbidden", "it is for moderators", reason="muc.not-moderator")
        if occupant is not None:
            return Moderator(occupant.address, occupant.id)
        return Moderator(None, self._service.visits.occupant_id(room.address, account))

    async def _bury(self, room: Room, session: JID, moderator: Moderator, request: Request) -> None:
        found = await self._retractions.find(room, request.id)
        if found is None or room.destroyed:
            text = "there is no such message here"
            raise StanzaError("item-not-found", text, reason="muc.unknown-message")
        if not found.nick:
            text = "that is the room's own word"
            raise StanzaError("not-acceptable", text, reason="muc.rooms-own")
        if buried(found):
            return
        id_ = secrets.token_urlsafe(12)
        now = self._service.now()
        moderated = _moderated(moderator)
        reason = _reason(request)
        old = Tag("retracted", {"stamp": datetimes.written(now)}, ns=OLD_RETRACT)
        await self._retractions.bury(
            room,
            request.id,
            id_,
            (moderated, *reason),
            beside=[_old_moderated(moderator, (old, *reason))],
        )
        await self._tell(room, session, id_, _retraction(moderator, request))

    async def _tell(self, room: Room, session: JID, id_: str, inner: bytes) -> None:
        """Tell everybody, and who asks the archive later (XEP-0424 §5)."""
        service = self._service
        said = Said(
            room.stamp(service.now()),
            secrets.token_urlsafe(12),
            id_,
            "",
            "",
            session,
            "",
            inner,
        )
        shown = identified(inner, room.address, said.id, said.occupant)
        service.broadcast.message(room, room.address, shown, id_=id_)
        if room.settings.archive:
            await service.archive.keep(room.id, said)


def _read(stanza: Stanza) -> Request:
    """What is asked for, whichever way (§3)."""
    payload = stanza.payload
    moderate, retract = payload, RETRACT
    if payload.tag == f"{{{FASTEN}}}apply-to":
        found = payload.find(f"{{{OLD_MODERATE}}}moderate")
        if found is None:
            raise StanzaError("feature-not-implemented", reason="stanza.unhandled")
        moderate, retract = found, OLD_RETRACT
    if moderate.find(f"{{{retract}}}retract") is None:
        text = "messages can be retracted, and nothing else"
        raise StanzaError("feature-not-implemented", text, reason="stanza.unhandled")
    id_ = payload.get("id", "")
    if not id_:
        raise StanzaError("bad-request", "which message?", reason="stanza.malformed")
    namespace = moderate.tag.partition("}")[0]
    return Request(id_, brief(moderate.findtext(f"{namespace}}}reason")))


def _retraction(moderator: Moderator, request: Request) -> bytes:
    """What everybody is told (§3.1)."""
    reason = _reason(request)
    new = Tag("retract", {"id": request.id}, [_moderated(moderator), *reason], ns=RETRACT)
    inside = _old_moderated(moderator, (Tag("retract", ns=OLD_RETRACT), *reason))
    old = Tag("apply-to", {"id": request.id}, [inside], ns=FASTEN)
    return render([new, old])


def _moderated(moderator: Moderator) -> Tag:
    occupant = Tag("occupant-id", {"id": moderator.occupant}, ns=OCCUPANT_ID)
    return Tag("moderated", {"by": moderator.address}, [occupant], ns=MODERATE)


def _old_moderated(moderator: Moderator, inside: tuple[Content, ...]) -> Tag:
    return Tag("moderated", {"by": moderator.address}, inside, ns=OLD_MODERATE)


def _reason(request: Request) -> tuple[Tag, ...]:
    return (Tag("reason", {}, request.reason),) if request.reason else ()
