"""Messages to everybody in a room, and its subject (XEP-0045 §7.4, §8.1)."""

from __future__ import annotations

import secrets

from twisted.internet.defer import Deferred

from components.common.stanza import XML_LANG, Stanza
from components.muc.content import cleaned
from components.muc.history import Said, identified
from components.muc.lasting import lasting
from components.muc.occupant import Occupant
from components.muc.privileges import Privilege, allowed
from components.muc.room import Room, Subject
from components.muc.service import Service
from components.muc.store import Subject as StoredSubject
from xmppd.errors import StanzaError


def serve(service: Service) -> None:
    """Take messages to everybody in a room."""
    service.messages.groupchat = Groupchat(service).said


class Groupchat:
    """Sends on what occupants say to all."""

    def __init__(self, service: Service) -> None:
        self._broadcast = service.broadcast
        self._store = service.store
        self._archive = service.archive
        self._policy = service.policy
        self._now = service.now

    def said(self, stanza: Stanza, room: Room) -> Deferred[None] | None:
        """Send a groupchat message to everybody, or raise StanzaError (§7.4).

        What is kept is on the disk when the Deferred fires; others have had it before.
        """
        occupant = room.by_session(stanza.attrs["from"])
        if occupant is None:
            raise StanzaError("not-acceptable", "you are not in the room", reason="muc.not-inside")
        inner = stanza.inner
        if len(inner) > self._policy.message:
            text = f"a message has {self._policy.message} octets at the most"
            raise StanzaError("policy-violation", text, reason="muc.large-message")
        if self._is_subject(stanza):
            return self._change_subject(stanza, room, occupant)
        if not allowed(Privilege.SPEAK, occupant.role, room.settings):
            raise StanzaError("forbidden", "you have no voice", reason="muc.no-voice")
        said = Said(
            room.stamp(self._now()),
            secrets.token_urlsafe(12),
            stanza.id,
            stanza.attrs.get(XML_LANG, ""),
            occupant.nick,
            stanza.sender,
            occupant.id,
            cleaned(stanza, room.address),
        )
        self._broadcast.message(
            room,
            occupant.address,
            identified(said.inner, room.address, said.id, said.occupant),
            id_=said.origin or said.id,
            lang=said.lang,
        )
        kept = lasting(stanza)
        if kept.history:
            room.history.add(said)
        if kept.archive and room.settings.archive:
            return self._archive.add(room.id, said)
        return None

    def _is_subject(self, stanza: Stanza) -> bool:
        """Whether it sets the subject: it has one, and neither a body nor a thread (§8.1)."""
        children, namespace = stanza.children, stanza.content
        return f"{namespace} subject" in children and not (
            f"{namespace} body" in children or f"{namespace} thread" in children
        )

    def _change_subject(
        self, stanza: Stanza, room: Room, occupant: Occupant
    ) -> Deferred[None] | None:
        """Have another subject, and tell everybody (§8.1)."""
        if not allowed(Privilege.CHANGE_SUBJECT, occupant.role, room.settings):
            raise StanzaError("forbidden", "the subject is not yours", reason="muc.subject")
        inner = cleaned(stanza, room.address)
        if len(inner) > self._policy.subject:
            text = f"a subject has {self._policy.subject} octets at the most"
            raise StanzaError("not-acceptable", text, reason="muc.large-subject")
        subject = Subject(inner, occupant.nick, self._now())
        return Deferred.fromCoroutine(self._set_subject(stanza, room, occupant, subject))

    async def _set_subject(
        self, stanza: Stanza, room: Room, occupant: Occupant, subject: Subject
    ) -> None:
        await room.lock.run(self._store.set_subject, room.id, StoredSubject(*subject))
        room.subject = subject
        self._broadcast.message(room, occupant.address, subject.inner, id_=stanza.id)
