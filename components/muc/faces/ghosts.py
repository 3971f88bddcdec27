"""Occupants who are no more: what was sent to them has come back (XEP-0045 §18.1.2, §11.1).

Rule 1: only a session's own address speaks for it; what others send back touches nobody.
Rule 2: an error is never answered. Who is removed is sent presence that he is, and should that
come back too, there is nobody any more whom it could remove.
"""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from components.common import answers
from components.common.build import Tag
from components.common.requests import RequestFailed
from components.common.stanza import Stanza
from components.muc.model.room import Room
from components.muc.service import Service
from xmppd import ns
from xmppd.jid import JID

log = Logger(namespace="muc")

TROUBLE = 333
"""The status of who was removed because something is wrong between him and the room (§11.1)."""

GONE = frozenset(
    {
        "gone",
        "item-not-found",
        "recipient-unavailable",
        "redirect",
        "remote-server-not-found",
        "remote-server-timeout",
    }
)
"""The delivery-related errors (§18.1.2)."""

UNCLEAR = "service-unavailable"
"""What servers say of a session that is no more (RFC 6121 §8.5.3.2.1), and as well of one that
wants nothing from somebody in the room (XEP-0191 §3): the session is asked."""


def serve(service: Service) -> None:
    """Take messages and presence that come back."""
    service.component.on_error(Ghosts(service).returned)


class Ghosts:
    """Has those out of rooms who can't be reached there."""

    def __init__(self, service: Service) -> None:
        self._component = service.component
        self._rooms = service.rooms
        self._visits = service.visits
        self._returns = service.messages.returns
        self._asked: set[tuple[JID, str]] = set()

    def returned(self, stanza: Stanza) -> None:
        """Take an error that comes to a room or to an occupant."""
        if stanza.kind == "message":
            self._returns.came_back(stanza)
        room = self._rooms.at_hand(stanza.to.bare)
        session = stanza.attrs["from"]
        if room is None or room.by_session(session) is None:
            return
        condition, _ = answers.stanza_condition(stanza)
        if condition in GONE:
            self._remove(room, stanza.sender)
        elif condition == UNCLEAR and (room.address, session) not in self._asked:
            self._asked.add((room.address, session))
            later = Deferred.fromCoroutine(self._look(room, stanza.sender))
            later.addErrback(_not_looked)

    async def _look(self, room: Room, session: JID) -> None:
        """Remove a session if its server says that it is no more (§18.1.2, XEP-0199)."""
        ping = Tag("ping", ns=ns.PING)
        try:
            await self._component.ask(session, "get", ping, sender=room.address)
        except RequestFailed as failed:
            # Where nobody has answered, nobody knows.
            known = failed.stanza is not None
            if known and (failed.condition in GONE or failed.condition == UNCLEAR):
                self._remove(room, session)
        finally:
            self._asked.discard((room.address, session))

    def _remove(self, room: Room, session: JID) -> None:
        if room.by_session(session) is not None:
            self._visits.leave(room, session, b"", TROUBLE)


def _not_looked(failure: Failure) -> None:
    log.failure("it could not be found out whether an occupant is there", failure)
