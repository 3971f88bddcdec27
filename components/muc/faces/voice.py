"""Visitors ask for voice, and moderators give it (XEP-0045 §7.13, §8.6)."""

from __future__ import annotations

from weakref import WeakKeyDictionary
from xml.etree.ElementTree import Element

from components.common.forms.fields import boolean, jid_single, list_single, text_single
from components.common.forms.form import Form
from components.common.rate import Rate
from components.common.stanza import Stanza, write
from components.muc.faces.admin_iq import actor, role_of
from components.muc.model import privileges
from components.muc.model.occupant import Occupant
from components.muc.model.privileges import Privilege
from components.muc.model.ranks import Role
from components.muc.model.room import Room
from components.muc.names import MUC_REQUEST
from components.muc.service import Service
from xmppd.errors import StanzaError
from xmppd.jid import JID

OPEN = 600.0
"""Seconds that a request waits before it may be made again: moderators need not answer."""
OFTEN = 3
"""How often a minute one user may ask, in all rooms,"""
OFTEN_IN_ROOM = 20
"""and all together in one room: its moderators are asked each time."""

ROLE = list_single(
    "muc#role", "Requested role", {Role.PARTICIPANT.text: "Participant"}, required=True
)
SESSION = jid_single("muc#jid", "User ID")
NICK = text_single("muc#roomnick", "Room Nickname")
ALLOW = boolean("muc#request_allow", "Grant voice to this person?")

REQUEST = Form(MUC_REQUEST, (ROLE,))
APPROVAL = Form(
    MUC_REQUEST,
    (ROLE, SESSION, NICK, ALLOW),
    title="Voice request",
    instructions='To approve this request for voice, select "Grant voice to this person?" and'
    " submit the form. To skip it, cancel.",
)


def serve(service: Service) -> None:
    """Take requests for voice, and what moderators say to them."""
    service.forms.take(MUC_REQUEST, VoiceRequests(service).came)


class VoiceRequests:
    """Asks moderators, and has voice given."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._component = service.component
        self._changes = service.changes
        self._now = service.now
        self._by_user = Rate(OFTEN, service.now)
        self._by_room = Rate(OFTEN_IN_ROOM, service.now)
        self._open = WeakKeyDictionary[Room, dict[Occupant, float]]()
        """Who has asked in each room, and when."""

    def came(self, stanza: Stanza, room: Room, x: Element) -> None:
        """Take a form: one that says yes or no is a moderator's, and any other a visitor's."""
        if ALLOW in APPROVAL.submitted(x):
            self._decided(stanza, room, x)
        else:
            self._asked(stanza, room, x)

    # ------------------------------------------------------------------ asking

    def _asked(self, stanza: Stanza, room: Room, x: Element) -> None:
        occupant = room.by_session(stanza.sender)
        if occupant is None:
            raise StanzaError("forbidden", "you are not in the room", reason="muc.not-inside")
        if not room.settings.voice_requests:
            text = "nobody asks for voice here"
            raise StanzaError("forbidden", text, reason="muc.voice-requests")
        if privileges.allowed(Privilege.SPEAK, occupant.role, room.settings):
            raise StanzaError("not-allowed", "you have voice", reason="muc.has-voice")
        role = REQUEST.submitted(x)[ROLE]
        moderators = [session for each in room.having(Role.MODERATOR) for session in each.sessions]
        if not moderators:
            text = "no moderator is here"
            raise StanzaError("recipient-unavailable", text, reason="muc.no-moderator")
        self._remember(room, occupant)
        form = APPROVAL.form(
            [
                ROLE.of(role),
                SESSION.of(stanza.sender),
                NICK.of(occupant.nick),
                ALLOW.of(False),
            ]
        ).render()
        self._component.send_all(
            write("message", room.address, session, form) for session in moderators
        )

    def _remember(self, room: Room, occupant: Occupant) -> None:
        """Have a request be open, or raise StanzaError where one is, or it is too often."""
        now = self._now()
        waiting = {
            each: at
            for each, at in self._open.get(room, {}).items()
            if now - at < OPEN and each.role is Role.VISITOR and room.by_nick(each.nick) is each
        }
        if occupant in waiting:
            raise StanzaError("conflict", "you have asked already", reason="muc.asked-already")
        if not (self._by_user.take(occupant.account) and self._by_room.take(room.address)):
            text = "wait a minute"
            raise StanzaError("resource-constraint", text, reason="muc.often", type="wait")
        waiting[occupant] = now
        self._open[room] = waiting

    # ------------------------------------------------------------------ deciding

    def _decided(self, stanza: Stanza, room: Room, x: Element) -> None:
        account = stanza.sender.bare
        own = (role_of(room, account), self._service.affiliation(room, account))
        if not privileges.moderates(*own):
            raise StanzaError("forbidden", "you are no moderator", reason="muc.not-moderator")
        values = APPROVAL.submitted(x)
        occupant = _meant(room, values.get(SESSION, None), values.get(NICK, ""))
        if occupant is None:
            text = "nobody like that is here"
            raise StanzaError("item-not-found", text, reason="muc.no-occupant")
        self._open.get(room, {}).pop(occupant, None)
        if not values[ALLOW] or occupant.role >= Role.PARTICIPANT:
            return  # he is not to have it, or another moderator was faster
        if not privileges.may_change_role(
            own, (occupant.role, occupant.affiliation), Role.PARTICIPANT
        ):
            raise StanzaError("not-allowed", "you may not give voice", reason="muc.privileges")
        self._changes.give_role(room, occupant, Role.PARTICIPANT, actor(room, stanza.sender))


def _meant(room: Room, session: JID | None, nick: str) -> Occupant | None:
    """Who has asked: by his session, for somebody else may have the nick by now."""
    return room.by_nick(nick) if session is None else room.by_session(session)
