"""Presence that comes for rooms and for occupants (XEP-0045 §7.2, §7.6, §7.7, §7.14, §17.3)."""

from __future__ import annotations

from xml.etree.ElementTree import Element

from twisted.internet.defer import Deferred

from components.common import datetimes
from components.common.stanza import Stanza, write
from components.common.whole import wholly
from components.muc.faces.content import cleaned
from components.muc.life.refusals import refused
from components.muc.model import entering
from components.muc.model.entering import Entry
from components.muc.model.history import EVERYTHING, Wanted
from components.muc.model.room import Room
from components.muc.names import MUC, MUC_USER
from components.muc.service import Service
from xmppd.errors import StanzaError
from xmppd.jid import JID

JOIN = f"{MUC} x"

_NOT_INSIDE = (
    f"<x xmlns='{MUC_USER}'><item affiliation='none' role='none'><reason>You are not in the room."
    "</reason></item><status code='110'/><status code='307'/><status code='333'/></x>"
).encode()
"""What somebody gets who believes to be in a room (§7.2.18)."""


def serve(service: Service) -> None:
    """Take all presence but errors."""
    presences = Presences(service)
    service.component.on_presence(presences.seen)
    service.component.errors("presence", refused)
    service.questions.enter = presences.answered
    service.doorstep.enter = presences.waited


class Presences:
    """Reads presence, and has done what it asks for."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._component = service.component
        self._rooms = service.rooms
        self._visits = service.visits
        self._policy = service.policy

    def seen(self, stanza: Stanza) -> Deferred[None] | None:
        """Take presence; only that without a type and "unavailable" mean anything (§17.3)."""
        type_ = stanza.type
        if type_ not in ("", "unavailable"):
            return None
        address = stanza.to
        if not address.local:
            return None  # nobody enters the service itself
        room = self._rooms.at_hand(address.bare)
        if room is not None:
            self._inside(stanza, address, room)
            return None
        if type_:
            return None  # nobody is in a room that nobody has opened
        return Deferred.fromCoroutine(self._opening(stanza, address))

    async def _opening(self, stanza: Stanza, address: JID) -> None:
        room = await self._rooms.open(address.bare)
        if room is not None:
            self._inside(stanza, address, room)
        elif JOIN in stanza.children:
            await self._create(stanza, address)
        else:
            self._turn_away(stanza)

    async def _create(self, stanza: Stanza, address: JID) -> None:
        """Make the room that somebody wants to enter (§10.1.1), or refuse it (§7.2.17)."""
        account = stanza.sender.bare
        entering.nick_asked(address, self._policy)
        self._checked(stanza, address.bare)
        self._visits.admit(account)
        settings = self._rooms.defaults
        if not self._policy.may_keep(account):
            settings = settings.change(persistent=False)
        room = await self._rooms.create(address.bare, settings, account)
        assert room is not None
        new = room.locked and not len(room)
        if new and not self._policy.locked:
            await wholly(self._service.lives.unlock(room))
        try:
            self._inside(stanza, address, room, new=new)
        except StanzaError:
            if new:
                await self._service.lives.destroy(room)
            raise

    def _inside(
        self,
        stanza: Stanza,
        address: JID,
        room: Room,
        *,
        new: bool = False,
        waited: bool = False,
    ) -> None:
        session = stanza.sender
        occupant = room.by_session(session)
        if stanza.type == "unavailable":
            if occupant is not None:  # else it is ignored (§17.3)
                self._visits.leave(room, session, self._checked(stanza, room.address))
            else:
                self._service.questions.withdraw(room, session)
                self._service.doorstep.withdraw(room, session)
            return
        joins = JOIN in stanza.children
        if occupant is None:
            if not joins:
                self._turn_away(stanza)
                return
            self._enter(stanza, address, room, session, new, waited)
            return
        nick = entering.nick_asked(address, self._policy)
        presence = self._checked(stanza, room.address)
        if joins:
            self._visits.again(room, session, nick, presence, self._wanted(stanza), stanza.id)
        elif nick != occupant.nick:
            self._visits.rename(room, session, nick, presence)
        else:
            self._visits.update(room, session, presence, stanza.id)

    def answered(self, stanza: Stanza, room: Room) -> None:
        """Let in who has answered the room's question (XEP-0158 §3.1.4)."""
        self._inside(stanza, stanza.to, room)

    def waited(self, stanza: Stanza, room: Room) -> None:
        """Let in who has waited for a room to be set up, if it is; raises StanzaError."""
        if self._rooms.at_hand(room.address) is not room:
            raise StanzaError("item-not-found", "there is no such room", reason="muc.no-room")
        self._inside(stanza, stanza.to, room, waited=True)

    def _enter(
        self, stanza: Stanza, address: JID, room: Room, session: JID, new: bool, waited: bool
    ) -> None:
        nick = entering.nick_asked(address, self._policy)
        account = session.bare
        if not new and not waited:
            self._visits.admit(account)
        affiliation = self._service.affiliation(room, account)
        password = _asked(stanza).findtext(f"{{{MUC}}}password")
        entry = Entry(account, session, nick, affiliation, password)
        presence = self._checked(stanza, room.address)
        wanted = self._wanted(stanza)
        if not waited and self._service.doorstep.hold(stanza, room, entry):
            return  # it is being set up (§7.2.10)
        if self._service.questions.hold(stanza, room, entry):
            return  # he has to answer it first (XEP-0158)
        self._visits.enter(room, entry, presence, wanted, id_=stanza.id, new=new)

    def _checked(self, stanza: Stanza, room: JID) -> bytes:
        """What others may see of presence; raises StanzaError where it is too much."""
        return cleaned(stanza, room, self._policy.presence)

    def _wanted(self, stanza: Stanza) -> Wanted:
        history = _asked(stanza).find(f"{{{MUC}}}history")
        return EVERYTHING if history is None else wanted(history, self._service.now())

    def _turn_away(self, stanza: Stanza) -> None:
        """Tell somebody that he is not in the room, whatever he believes (§7.2.18)."""
        sender, to = stanza.attrs["to"], stanza.attrs["from"]
        self._component.send(write("presence", sender, to, _NOT_INSIDE, type_="unavailable"))


def _asked(stanza: Stanza) -> Element:
    """The `<x/>` by which somebody enters (§7.2.1)."""
    found = stanza.element.find(f"{{{MUC}}}x")
    assert found is not None
    return found


def wanted(history: Element, now: float) -> Wanted:
    """How much history somebody wants (§7.2.14); what says nothing that makes sense is ignored."""
    seconds = _number(history.get("seconds"))
    since = None if seconds is None else now - seconds
    try:
        since = max(since or 0.0, datetimes.read(history.get("since", "")))
    except ValueError:
        pass
    return Wanted(_number(history.get("maxchars")), _number(history.get("maxstanzas")), since)


def _number(text: str | None) -> int | None:
    text = (text or "").strip()
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 12 else None
