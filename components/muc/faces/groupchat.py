"""Messages to everybody in a room (XEP-0045 §7.4).

Many come, and each is for many: what is not needed of the most common ones is not done for them,
and they are never read as trees.
"""

from __future__ import annotations

from twisted.internet.defer import Deferred

from components.common.stanza import Stanza
from components.common.whole import wholly
from components.muc.faces.content import cleaned
from components.muc.faces.retraction import RETRACTIONS, Retractions, retracted
from components.muc.faces.saying import new_id, said, tell
from components.muc.faces.subjects import Subjects
from components.muc.life.lasting import BODY, Lasting, lasting
from components.muc.model.history import Said
from components.muc.model.privileges import Privilege, allowed
from components.muc.model.room import Room
from components.muc.service import Service
from xmppd import ns
from xmppd.errors import StanzaError

SUBJECT = f"{ns.COMPONENT} subject"
_NO_SUBJECT_CHANGE = frozenset({BODY, f"{ns.COMPONENT} thread"})
"""With one of these a subject is only the message's own (§8.1)."""


def serve(service: Service) -> None:
    """Take messages to everybody in a room."""
    service.messages.groupchat = Groupchat(service).said


class Groupchat:
    """Sends on what occupants say to all."""

    def __init__(self, service: Service) -> None:
        self._broadcast = service.broadcast
        self._archive = service.archive
        self._policy = service.policy
        self._rates = service.rates
        self._now = service.now
        self._retractions = Retractions(service.archive, service.now)
        self._subjects = Subjects(service)

    def said(self, stanza: Stanza, room: Room) -> Deferred[None] | None:
        """Send a groupchat message to everybody, or raise StanzaError (§7.4).

        What is kept is on the disk when the Deferred fires; others have had it before.
        """
        occupant = room.by_session(stanza.attrs["from"])
        if occupant is None:
            raise StanzaError("not-acceptable", "you are not in the room", reason="muc.not-inside")
        self._rates.message(room, occupant)
        children = stanza.children
        if SUBJECT in children and _NO_SUBJECT_CHANGE.isdisjoint(children):
            return self._subjects.change(stanza, room, occupant)
        if not allowed(Privilege.SPEAK, occupant.role, room.settings):
            raise StanzaError("forbidden", "you have no voice", reason="muc.no-voice")
        gone = "" if RETRACTIONS.isdisjoint(children) else retracted(stanza)
        inner = cleaned(stanza, room.address, self._policy.message)
        lasts = lasting(stanza)
        # What comes and goes has no id of the room's where others are the archive's: it would be
        # taken for one of these (XEP-0313 §3.5).
        id_ = "" if room.settings.archive and not lasts.archive else new_id()
        message = said(stanza, room, occupant, inner, id_, self._now())
        tell(self._broadcast, room, occupant, message)
        kept = self._keep(room, message, lasts)
        if gone:
            return wholly(self._retractions.taken_back(room, gone, message, kept))
        return kept

    def _keep(self, room: Room, message: Said, lasts: Lasting) -> Deferred[None] | None:
        if lasts.history:
            room.history.add(message)
        if lasts.archive and room.settings.archive:
            return self._archive.keep(room.id, message)
        return None
