"""What a room tells the people in it: the one place that knows who sees what (XEP-0045 §7.1, §7.2).

Rule 1: who may see real JIDs, and whose presence is told to others, is decided here.
Rule 2: a payload is encoded once for all who get the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial

from components.common.build import Tag, text
from components.common.component import Component
from components.common.datetimes import written as written_time
from components.common.multicast import Multicast
from components.common.stanza import write
from components.muc.model.history import MICROSECONDS, Said, Wanted, fitting, identified
from components.muc.model.occupant import Occupant
from components.muc.model.ranks import Role
from components.muc.model.room import Room
from components.muc.names import MUC_USER
from xmppd import ns
from xmppd.jid import JID

SELF = 110
"""The status of presence that is its recipient's own (§7.2.2)."""

CROWD = 30
"""Occupants of a room into which so many come that its history is kept as it is sent to them, too:
in a small one that would be more memory than the people take."""

NO_SUBJECT = b"<subject/>"


class Broadcast:
    """Sends to occupants."""

    def __init__(self, component: Component, multicast: Multicast) -> None:
        self._component = component
        self._multicast = multicast

    # ------------------------------------------------------------------ presence

    def presence(
        self,
        room: Room,
        about: Occupant,
        *codes: int,
        own: Iterable[int] = (),
        inside: bytes = b"",
        id_: str = "",
    ) -> None:
        """Tell everybody of an occupant as he is now; himself with the codes `own` as well.

        `inside` stands in the item: who has done it, and why. `id_` is that of his own stanza.
        """
        self.present(room, about, *codes, inside=inside)
        self.own_presence(room, about, *codes, *own, inside=inside, id_=id_)

    def present(self, room: Room, about: Occupant, *codes: int, inside: bytes = b"") -> None:
        """Tell all others of an occupant as he is now, if they are told of his role at all."""
        if not room.settings.broadcasts(about.role):
            return
        for recipients, real in _others(room, about):
            if codes or inside:
                inner = about.telling(about.presence, *codes, real=real, inside=inside)
            else:
                inner = about.shown(real=real)
            self._multicast.send(recipients, "presence", inner, sender=about.address)

    def own_presence(
        self,
        room: Room,
        about: Occupant,
        *codes: int,
        inside: bytes = b"",
        id_: str = "",
        only: JID | None = None,
    ) -> None:
        """Tell an occupant of himself, in all his sessions or one of them (§7.2.2)."""
        inner = about.telling(about.presence, SELF, *codes, real=True, inside=inside)
        for session in (only,) if only is not None else about.sessions:
            self._component.send(write("presence", about.address, session, inner, id_=id_))

    def unavailable(
        self,
        room: Room,
        gone: Occupant,
        sessions: Iterable[JID],
        *codes: int,
        role: Role,
        status: bytes = b"",
        inside: bytes = b"",
        behind: bytes = b"",
        others: bool = True,
    ) -> None:
        """Tell those that go of it, and then the others, in whose room they are no more (§7.14).

        `role` is the one that he had, `status` what he says as he goes, `behind` stands at the end
        of `<x/>`.
        """
        left = list(sessions)
        for session in left:
            inner = gone.telling(
                status,
                SELF,
                *codes,
                real=True,
                role=Role.NONE,
                inside=inside,
                behind=behind,
                jid=session,
            )
            self._component.send(
                write("presence", gone.address, session, inner, type_="unavailable")
            )
        if others and room.settings.broadcasts(role):
            self._vanished(room, gone, left[-1], codes, status, inside)

    def gone(
        self, room: Room, gone: Occupant, session: JID, *codes: int, inside: bytes = b""
    ) -> None:
        """Tell others alone of who was removed; `session` is the one that they have seen."""
        if room.settings.broadcasts(gone.role):
            self._vanished(room, gone, session, codes, b"", inside)

    def hidden(self, room: Room, about: Occupant) -> None:
        """Tell others that an occupant has gone whose presence they get no more (§7.2.2)."""
        self._vanished(room, about, about.session, (), b"", b"")

    def _vanished(
        self,
        room: Room,
        gone: Occupant,
        session: JID,
        codes: Iterable[int],
        status: bytes,
        inside: bytes,
    ) -> None:
        for recipients, real in _others(room, gone):
            inner = gone.telling(
                status, *codes, real=real, role=Role.NONE, inside=inside, jid=session
            )
            self._multicast.send(
                recipients, "presence", inner, sender=gone.address, type_="unavailable"
            )

    def renamed(
        self,
        room: Room,
        about: Occupant,
        old: JID,
        *own: int,
        codes: Iterable[int] = (),
        only: JID | None = None,
        others: bool = True,
        later: JID | None = None,
    ) -> None:
        """Tell everybody that an occupant had the address `old` before (§7.6).

        `codes` stand in his presence under the new one, for himself `own` as well. With `only` it
        is one of his sessions that had it, and others are told where it was the only one of that
        nick. `later` is a session that the caller tells of the new one.
        """
        session = only if only is not None else about.session

        def leaving(*its: int, real: bool) -> bytes:
            return about.telling(b"", 303, *its, real=real, nick=about.nick, jid=session)

        if others and room.settings.broadcasts(about.role):
            for recipients, real in _others(room, about, only):
                self._multicast.send(
                    recipients, "presence", leaving(real=real), sender=old, type_="unavailable"
                )
        inner = leaving(SELF, real=True)
        for each in (session,) if only is not None else about.sessions:
            self._component.send(write("presence", old, each, inner, type_="unavailable"))
        self.present(room, about, *codes)
        for each in about.sessions:
            if each != later:
                self.own_presence(room, about, *codes, *own, only=each)

    def roster(
        self, room: Room, newcomer: Occupant, session: JID, only: Occupant | None = None
    ) -> None:
        """Tell one session of all other occupants, or of one (§7.2.2)."""
        real = not room.settings.anonymous or newcomer.role is Role.MODERATOR
        told = {role for role in Role if room.settings.broadcasts(role)}
        to = session.attr
        self._component.send_all(
            b"<presence from='%b' to='%b'>%b</presence>"
            % (occupant.address.attr, to, occupant.shown(real=real))
            for occupant in (room.occupants if only is None else (only,))
            if occupant is not newcomer and occupant.role in told
        )

    # ------------------------------------------------------------------ messages

    def message(
        self, room: Room, sender: JID, inner: bytes, *, id_: str = "", lang: str = ""
    ) -> None:
        """Send everybody a groupchat message from an occupant JID, or the room's own (§7.4)."""
        self._multicast.send(
            room.everybody, "message", inner, sender=sender, type_="groupchat", id_=id_, lang=lang
        )

    def status(self, room: Room, *codes: int) -> None:
        """Tell everybody by a message from the room (§10.2.1)."""
        statuses = [Tag("status", {"code": str(code)}) for code in sorted(codes)]
        self.message(room, room.address, Tag("x", {}, statuses, ns=MUC_USER).render())

    def past(self, room: Room, session: JID, wanted: Wanted) -> None:
        """Send one session the history that it wants, and then the subject (§7.2.13, §7.2.15)."""
        history, to = room.history, b" to='%b'" % session.attr
        delayed = partial(_delayed, room.address)
        written = partial(history.written, write=delayed) if len(room) >= CROWD else delayed
        stanzas = [
            b"<message%b%b" % (to, written(said))
            for said in history.wanted(wanted, room.settings.history)
        ]
        self._component.send_all([*fitting(stanzas, wanted.characters), subject(room, session)])

    def out_of_room(self, room: Room, to: JID, body: str, *codes: int) -> None:
        """Tell a user something who is not in the room (§18.1)."""
        statuses = [Tag("status", {"code": str(code)}) for code in codes]
        self._component.message(
            to,
            Tag("body", {}, body),
            Tag("x", {}, statuses, ns=MUC_USER),
            sender=room.address,
        )


def _others(
    room: Room, about: Occupant, but: JID | None = None
) -> Iterator[tuple[list[JID], bool]]:
    """The sessions of all but one occupant, and whether they see his real JID (§7.2.3, §7.2.4).

    With `but` it is all sessions but that one of his.
    """
    seeing: list[JID] = []
    blind: list[JID] = []
    anonymous = room.settings.anonymous
    for occupant in room.occupants:
        sessions: Iterable[JID] = occupant.sessions
        if occupant is about:
            sessions = () if but is None else [each for each in sessions if each != but]
        hide = anonymous and occupant.role is not Role.MODERATOR
        (blind if hide else seeing).extend(sessions)
    if seeing:
        yield seeing, True
    if blind:
        yield blind, False


def _delayed(room: JID, said: Said) -> bytes:
    """A message of the past as it is sent to everybody, behind the address of who gets it."""
    inner = identified(said.inner, room, said.id, said.occupant)
    inner += _delay(room, said.number / MICROSECONDS)
    sender = room.with_resource(said.nick) if said.nick else room
    written = write(
        "message", sender, "", inner, type_="groupchat", id_=said.origin, lang=said.lang
    )
    return written.removeprefix(b"<message")


def subject(room: Room, session: JID) -> bytes:
    """The subject as a newcomer gets it; an empty one where there is none (§7.2.15)."""
    said = room.subject
    if said is None:
        return write("message", room.address, session, NO_SUBJECT, type_="groupchat")
    sender = room.address.with_resource(said.nick) if said.nick else room.address
    inner = said.inner + _delay(room.address, said.at)
    return write("message", sender, session, inner, type_="groupchat")


def _delay(room: JID, at: float) -> bytes:
    return b"<delay xmlns='%b' from='%b' stamp='%b'/>" % (
        ns.DELAY.encode(),
        room.attr,
        written_time(at).encode(),
    )


def actor(nick: str, jid: JID | None, reason: str) -> bytes:
    """What stands in an item: who has done it, and why (§8.2)."""
    inside = b""
    if nick:
        inside += Tag("actor", {"nick": nick}).render()
    elif jid is not None:
        inside += Tag("actor", {"jid": jid.bare}).render()
    if reason:
        inside += b"<reason>%b</reason>" % text(reason).encode()
    return inside
