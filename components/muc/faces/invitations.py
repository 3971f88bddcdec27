"""Invitations that a room sends on, and what becomes of them (XEP-0045 §7.8.2, §7.9).

Rule 1: an invitation is written anew, of what was read of it: a room's word is nobody's to forge.
Rule 2: a room writes to nobody but whom an occupant invites, so many in a minute, and to who has
invited somebody: nobody sends what he likes to whom he likes in its name.
"""

from __future__ import annotations

import secrets
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from functools import partial
from typing import NamedTuple
from xml.etree.ElementTree import Element

from twisted.internet.defer import Deferred

from components.common import answers
from components.common.build import Content, Tag, render
from components.common.rate import Rate
from components.common.stanza import XML_LANG, Stanza, write
from components.muc.faces.content import brief
from components.muc.life.changes import Actor
from components.muc.model.occupant import Occupant
from components.muc.model.privileges import may_invite
from components.muc.model.ranks import Affiliation
from components.muc.model.room import Room
from components.muc.names import MUC_USER
from components.muc.service import Service
from xmppd import ns
from xmppd.errors import StanzaError
from xmppd.jid import JID

AT_ONCE = 20
"""How many people one message invites."""
A_MINUTE = 30
"""How many people one user invites in a minute."""
REMEMBERED = 10_000
"""How many invitations may still be declined: the latest."""

_U = f"{{{MUC_USER}}}"


class Invitation(NamedTuple):
    """Whom somebody invites, and why; `thread` is that of the talk that is to go on in the room,
    "" where it has none, None where there is no such talk (§7.9)."""

    to: JID
    reason: str
    thread: str | None


def serve(service: Service) -> None:
    """Take invitations and what is said to decline them."""
    service.messages.to_room(f"{MUC_USER} x", Invitations(service).sent)


class Invitations:
    """Sends on invitations, and tells those who have invited what has become of it."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._component = service.component
        self._returns = service.messages.returns
        self._rate = Rate(A_MINUTE, service.now)
        self._sent: OrderedDict[tuple[JID, JID, JID], JID] = OrderedDict()
        """By room, invitee and who he was told has invited him: whose session that was."""

    def sent(self, stanza: Stanza, room: Room) -> Deferred[None] | None:
        """Take an invitation, or the answer to one; raises StanzaError."""
        if stanza.type in ("chat", "headline"):
            raise StanzaError("bad-request", "the type is to be normal", reason="muc.type")
        x = stanza.element.find(f"{_U}x")
        assert x is not None
        invites = x.findall(f"{_U}invite")
        if invites:
            return Deferred.fromCoroutine(self._invite(stanza, room, invites))
        decline = x.find(f"{_U}decline")
        if decline is None:
            text = "it is neither an invitation nor declines one"
            raise StanzaError("bad-request", text, reason="muc.type")
        self._decline(stanza, room, decline)
        return None

    # ------------------------------------------------------------------ to invite

    async def _invite(self, stanza: Stanza, room: Room, invites: Sequence[Element]) -> None:
        """Invite people, all of them or, with StanzaError, nobody."""
        inviter = room.by_session(stanza.attrs["from"])
        if inviter is None:
            raise StanzaError("not-acceptable", "you are not in the room", reason="muc.not-inside")
        self._check(room, inviter)
        if len(invites) > AT_ONCE:
            text = f"{AT_ONCE} people at a time are enough"
            raise StanzaError("policy-violation", text, reason="muc.many-invitations")
        invitations = [_read(each) for each in invites]
        for each in invitations:
            self._check_invitee(room, each.to)
        if not all(self._rate.take(inviter.account) for _ in invitations):
            text = "you invite too many people"
            raise StanzaError("resource-constraint", text, reason="muc.many-invitations")
        if room.settings.members_only:
            await room.lock.run(self._admit, stanza, room, inviter, invitations)
        else:
            self._send(stanza, room, inviter, invitations)

    def _check(self, room: Room, inviter: Occupant) -> None:
        affiliation = self._service.affiliation(room, inviter.account)
        if not may_invite(affiliation, inviter.role, room.settings):
            raise StanzaError("forbidden", "you may invite nobody", reason="muc.may-not-invite")

    def _check_invitee(self, room: Room, to: JID) -> None:
        if not to.local or to.bare == room.address:
            text = f"{to} is nobody's address"
            raise StanzaError("item-not-found", text, reason="muc.invitee")
        # Where he is made no member it is nobody's business who is banned: he can't get in.
        banned = self._service.affiliation(room, to.bare) is Affiliation.OUTCAST
        if banned and room.settings.members_only:
            raise StanzaError("forbidden", f"{to} is banned", reason="muc.invitee")

    async def _admit(
        self, stanza: Stanza, room: Room, inviter: Occupant, invitations: Sequence[Invitation]
    ) -> None:
        """Have invitees be members of a room that is for its members, and invite them (§7.8.2).

        Nobody else tells them that they are members.
        """
        self._check(room, inviter)
        reasons: dict[JID, str] = {}
        for to, reason, _ in invitations:
            self._check_invitee(room, to)
            if self._service.affiliation(room, to.bare) is Affiliation.NONE:
                reasons.setdefault(to.bare, reason)
        standings = [
            room.standings.exactly(jid)._replace(affiliation=Affiliation.MEMBER, reason=reason)
            for jid, reason in reasons.items()
        ]
        if standings:
            by = Actor(inviter.nick, inviter.account)
            await self._service.changes.affiliate(room, standings, by, invited=True)
        self._send(stanza, room, inviter, invitations)

    def _send(
        self, stanza: Stanza, room: Room, inviter: Occupant, invitations: Iterable[Invitation]
    ) -> None:
        for each in invitations:
            self._send_one(stanza, room, inviter, each)

    def _send_one(
        self, stanza: Stanza, room: Room, inviter: Occupant, invitation: Invitation
    ) -> None:
        settings, to = room.settings, invitation.to
        # What others may know of him: of a semi-anonymous room his nick only (§7.2.4).
        shown = inviter.address if settings.anonymous else inviter.account
        inner = _written(room, shown, invitation)
        id_, lang = secrets.token_urlsafe(12), stanza.attrs.get(XML_LANG, "")
        self._component.send(write("message", room.address, to, inner, id_=id_, lang=lang))
        session = stanza.sender
        sent = Stanza("message", {"from": session, "to": room.address, "id": stanza.id}, [], b"")
        self._returns.expect(room.address, [to], id_, partial(self._came_back, sent))
        self._sent[room.address, to.bare, shown] = session
        while len(self._sent) > REMEMBERED:
            self._sent.popitem(last=False)

    def _came_back(self, sent: Stanza, error: StanzaError) -> None:
        """Tell who has invited somebody that it has not reached him.

        There is no such address, as far as anybody is told (§7.8.2): servers say
        `service-unavailable` of it (RFC 6121 §8.5.1), and of one that wants no such thing.
        """
        if error.condition == "service-unavailable":
            error = StanzaError("item-not-found", "there is no such address", reason="muc.invitee")
        self._component.send(answers.error(sent, error))

    # ------------------------------------------------------------------ to decline

    def _decline(self, stanza: Stanza, room: Room, decline: Element) -> None:
        invitee, to = stanza.sender.bare, JID.parse(decline.get("to", ""))
        reason = brief(decline.findtext(f"{_U}reason"))
        session = self._sent.pop((room.address, invitee, to), None)
        if session is None:
            session = self._sent.pop((room.address, invitee, to.bare), None)
        if session is None:
            text = "he has not invited you, or long ago"
            raise StanzaError("item-not-found", text, reason="muc.not-invited")
        inside = [Tag("reason", {}, reason)] if reason else []
        told = Tag("x", {}, [Tag("decline", {"from": invitee}, inside)], ns=MUC_USER).render()
        inviter = session if room.by_session(session) is not None else session.bare
        lang = stanza.attrs.get(XML_LANG, "")
        self._component.send(
            write("message", room.address, inviter, told, id_=stanza.id, lang=lang)
        )


def _read(invite: Element) -> Invitation:
    """What an `<invite/>` says; raises StanzaError, and JIDError for what is no address."""
    going_on = invite.find(f"{_U}continue")
    thread = None if going_on is None else brief(going_on.get("thread"))
    return Invitation(
        JID.parse(invite.get("to", "")), brief(invite.findtext(f"{_U}reason")), thread
    )


def _written(room: Room, shown: JID, invitation: Invitation) -> bytes:
    """The content of an invitation.

    Clients that know none by a room read the second part, a direct one (XEP-0249): rooms have
    always sent that as well (§7.8.2, note), and who reads both shows one (XEP-0249 §4).
    """
    _, reason, thread = invitation
    password = room.settings.password
    inside: list[Content] = [Tag("reason", {}, reason)] if reason else []
    if thread is not None:
        inside.append(Tag("continue", {"thread": thread or None}))
    invited: list[Content] = [Tag("invite", {"from": shown}, inside)]
    if password:
        invited.append(Tag("password", {}, password))
    direct = {
        "jid": room.address,
        "password": password or None,
        "reason": reason or None,
        "continue": None if thread is None else "true",
        "thread": thread or None,
    }
    return render([Tag("x", {}, invited, ns=MUC_USER), Tag("x", direct, ns=ns.CONFERENCE)])
