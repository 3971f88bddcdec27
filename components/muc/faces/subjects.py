"""The subject of a room (XEP-0045 §8.1)."""

from __future__ import annotations

from xml.etree.ElementTree import Element

from twisted.internet.defer import Deferred

from components.common import tree
from components.common.stanza import XML_LANG, Stanza
from components.common.tree import TooLong
from components.common.whole import wholly
from components.muc.faces.content import cleaned
from components.muc.faces.saying import new_id, said, tell
from components.muc.model.history import Said, identified
from components.muc.model.occupant import Occupant
from components.muc.model.privileges import Privilege, allowed
from components.muc.model.room import Room, Subject
from components.muc.service import Service
from components.muc.store.rooms import RoomGone
from components.muc.store.rooms import Subject as StoredSubject
from xmppd import ns
from xmppd.errors import StanzaError

_LANG = f"{{{ns.XML}}}lang"


class Subjects:
    """Has rooms have other subjects."""

    def __init__(self, service: Service) -> None:
        self._broadcast = service.broadcast
        self._store = service.store
        self._archive = service.archive
        self._policy = service.policy
        self._now = service.now

    def change(self, stanza: Stanza, room: Room, occupant: Occupant) -> Deferred[None]:
        """Have the subject of a message, and tell everybody, or raise StanzaError (§8.1).

        It is told before it is written, as messages are, which it must not be overtaken by; its
        sender's server knows that it has been taken when the Deferred fires. The archive has the
        message, and the history has not (XEP-0313 §6.1.2, §7.2.13).
        """
        if not allowed(Privilege.CHANGE_SUBJECT, occupant.role, room.settings):
            raise StanzaError("forbidden", "the subject is not yours", reason="muc.subject")
        inner = cleaned(stanza, room.address, self._policy.message)
        # Newcomers get it from him who has set it (§7.2.15, XEP-0421 §4).
        kept = identified(self._subject(stanza), room.address, "", occupant.id)
        room.subject = subject = Subject(kept, occupant.nick, self._now())
        message = said(stanza, room, occupant, inner, new_id(), self._now())
        tell(self._broadcast, room, occupant, message)
        return wholly(self._keep(room, subject, message))

    async def _keep(self, room: Room, subject: Subject, message: Said) -> None:
        try:
            await room.lock.run(self._store.set_subject, room.id, StoredSubject(*subject))
        except RoomGone:
            return  # and the subject with it
        if room.settings.archive:
            await self._archive.keep(room.id, message)

    def _subject(self, stanza: Stanza) -> bytes:
        """The `<subject/>` elements of a message, each in its language (RFC 6121 §5.2.4)."""
        most, lang = self._policy.subject, stanza.attrs.get(XML_LANG, "")
        said = b""
        try:
            for each in stanza.element.iterfind(stanza.named("subject")):
                subject = Element(each.tag)
                spoken = each.get(_LANG, lang)
                if spoken:
                    subject.set(_LANG, spoken)
                subject.text = "".join(each.itertext())
                said += tree.written(subject, stanza.content, most - len(said))
        except TooLong:
            text = f"a subject has {most} octets at the most"
            raise StanzaError("not-acceptable", text, reason="muc.large-subject") from None
        return said
