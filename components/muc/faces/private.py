"""Private messages, from one occupant to another (XEP-0045 §7.5)."""

from __future__ import annotations

from functools import partial

from components.common import answers
from components.common.stanza import XML_LANG, Stanza
from components.muc.faces.content import cleaned
from components.muc.model.history import identified
from components.muc.model.privileges import Privilege, allowed
from components.muc.model.room import Room
from components.muc.names import MUC_USER
from components.muc.service import Service
from xmppd.errors import StanzaError

_PRIVATE = f"<x xmlns='{MUC_USER}'/>".encode()
"""What says that a message is a private one of a room (§7.5), which servers do not copy to all
resources (XEP-0280): those that are in the room get it from here."""


def serve(service: Service) -> None:
    """Take messages to occupants."""
    service.messages.private = PrivateMessages(service).said


class PrivateMessages:
    """Sends on what occupants say to one another."""

    def __init__(self, service: Service) -> None:
        self._component = service.component
        self._multicast = service.multicast
        self._returns = service.messages.returns
        self._policy = service.policy
        self._rates = service.rates

    def said(self, stanza: Stanza, room: Room) -> None:
        """Send a message to all sessions of an occupant, or raise StanzaError (§7.5)."""
        session = stanza.attrs["from"]
        sender = room.by_session(session)
        if sender is None:
            raise StanzaError("not-acceptable", "you are not in the room", reason="muc.not-inside")
        self._rates.message(room, sender)
        if stanza.type == "groupchat":
            raise StanzaError("bad-request", "that is not to all", reason="muc.type")
        recipient = room.by_nick(stanza.to.resource)
        if recipient is None:
            raise StanzaError("item-not-found", "nobody has that nick", reason="muc.no-occupant")
        if not allowed(Privilege.SEND_PRIVATE, sender.role, room.settings):
            raise StanzaError("forbidden", "no private messages here", reason="muc.private")
        inner = cleaned(stanza, room.address, self._policy.message) + _PRIVATE
        id_ = stanza.id
        self._multicast.send(
            recipient.sessions,
            "message",
            identified(inner, room.address, "", sender.id),
            sender=sender.address,
            type_=stanza.type,
            id_=id_,
            lang=stanza.attrs.get(XML_LANG, ""),
        )
        if id_:
            # Without its content: that may be long.
            sent = Stanza("message", {"from": session, "to": recipient.address, "id": id_}, [], b"")
            tell = partial(self._came_back, sent)
            self._returns.expect(sender.address, recipient.sessions, id_, tell)

    def _came_back(self, sent: Stanza, error: StanzaError) -> None:
        """Tell the session that has sent a message that nobody has got it."""
        self._component.send(answers.error(sent, error))
