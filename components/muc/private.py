"""Private messages, from one occupant to another (XEP-0045 §7.5)."""

from __future__ import annotations

from components.common.stanza import XML_LANG, Stanza
from components.muc.content import cleaned
from components.muc.names import MUC_USER, OCCUPANT_ID
from components.muc.privileges import Privilege, allowed
from components.muc.room import Room
from components.muc.service import Service
from xmppd.errors import StanzaError

_PRIVATE = f"<x xmlns='{MUC_USER}'/>".encode()
"""What says that a message is a private one of a room (§7.5)."""


def serve(service: Service) -> None:
    """Take messages to occupants."""
    service.messages.private = PrivateMessages(service).said


class PrivateMessages:
    """Sends on what occupants say to one another."""

    def __init__(self, service: Service) -> None:
        self._multicast = service.multicast
        self._policy = service.policy

    def said(self, stanza: Stanza, room: Room) -> None:
        """Send a message to all sessions of an occupant, or raise StanzaError (§7.5)."""
        sender = room.by_session(stanza.attrs["from"])
        if sender is None:
            raise StanzaError("not-acceptable", "you are not in the room", reason="muc.not-inside")
        if stanza.type == "groupchat":
            raise StanzaError("bad-request", "that is not to all", reason="muc.type")
        recipient = room.by_nick(stanza.to.resource)
        if recipient is None:
            raise StanzaError("item-not-found", "nobody has that nick", reason="muc.no-occupant")
        if not allowed(Privilege.SEND_PRIVATE, sender.role, room.settings):
            raise StanzaError("forbidden", "no private messages here", reason="muc.private")
        inner = cleaned(stanza, room.address)
        if len(inner) > self._policy.message:
            text = f"a message has {self._policy.message} octets at the most"
            raise StanzaError("policy-violation", text, reason="muc.large-message")
        inner = b"%b%b<occupant-id xmlns='%b' id='%b'/>" % (
            inner,
            _PRIVATE,
            OCCUPANT_ID.encode(),
            sender.id.encode(),
        )
        self._multicast.send(
            recipient.sessions,
            "message",
            inner,
            sender=sender.address,
            type_=stanza.type,
            id_=stanza.id,
            lang=stanza.attrs.get(XML_LANG, ""),
        )
