"""Coming, going, and what happens in between (XEP-0045 §7.2, §7.6, §7.7, §7.14).

Rule 1: nothing here knows a stanza; who has sent what is `faces/presence.py`'s to read.
Rule 2: whoever changes who is in a room does it here, so that the store, the counts and all who
are told of it agree.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections import Counter
from collections.abc import Callable, Iterable, Iterator

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from components.muc.life.broadcast import Broadcast
from components.muc.model import entering
from components.muc.model.entering import Entry
from components.muc.model.history import EVERYTHING, Wanted
from components.muc.model.occupant import Occupant
from components.muc.model.policy import Policy
from components.muc.model.privileges import Privilege, allowed
from components.muc.model.rates import Rates
from components.muc.model.room import Room
from components.muc.store.incarnations import Incarnations
from components.muc.store.present import SQLPresent
from xmppd.errors import StanzaError
from xmppd.jid import JID

log = Logger(namespace="muc")

CREATED, LOGGED, REAL, RENAMED = 201, 170, 100, 210
"""Status codes that a newcomer gets (§7.2.2, §7.2.3, §7.2.12, §10.1.1)."""

DESTROYED = b"<destroy/>"
"""What says that the room goes with who leaves it before it was set up (§10.1.3)."""

OnEmpty = Callable[[Room], object]
"""Told of a room that the last occupant has left."""

OnEntered = Callable[[Room, Occupant, JID], object]
"""Told of who has come in, and by which session, when he knows all that he is told then."""


class Visits:
    """Who is in which room. `key` is the secret of occupant ids (XEP-0421 §4.1)."""

    def __init__(
        self,
        broadcast: Broadcast,
        policy: Policy,
        present: SQLPresent,
        rates: Rates,
        key: bytes,
        incarnations: Incarnations,
        emptied: OnEmpty,
    ) -> None:
        self._broadcast = broadcast
        self._policy = policy
        self._present = present
        self._rates = rates
        self._key = key
        self._incarnations = incarnations
        self._emptied = emptied
        self._entered: Counter[JID] = Counter()
        """How many sessions each user has in rooms,"""
        self._all = 0
        """and how many there are of all together."""
        self._on_entered: list[OnEntered] = []

    def __len__(self) -> int:
        """How many sessions there are in all rooms."""
        return self._all

    def on_entered(self, tell: OnEntered) -> None:
        """Have `tell` called with each session that comes in."""
        self._on_entered.append(tell)

    # ------------------------------------------------------------------ coming

    def enter(
        self,
        room: Room,
        entry: Entry,
        presence: bytes,
        wanted: Wanted = EVERYTHING,
        *,
        id_: str = "",
        new: bool = False,
    ) -> None:
        """Let somebody in, or raise StanzaError (§7.2.17).

        He is told of the others, of himself, of the history and the subject, in that order (§7.1).
        `new` says that he has made the room.
        """
        account = entry.account
        nick = entering.nick_given(room, account, entry.nick)
        entering.check(room, entry._replace(nick=nick), self._policy)
        self._check_space(account)
        occupant = room.by_nick(nick)
        most = self._policy.clients
        if occupant is not None and most and len(occupant.sessions) >= most:
            text = f"you are in it by {most} clients"
            raise StanzaError("resource-constraint", text, reason="muc.too-many-clients")
        self._rates.entered(room, account)
        if occupant is None:
            occupant = Occupant(
                room.address.with_resource(nick),
                account,
                self.occupant_id(room.address, account),
                room.voices.role(account, entry.affiliation, room.settings),
                entry.affiliation,
            )
        room.enter(occupant, entry.session, presence)
        self._entered[account] += 1
        self._all += 1
        self._note(self._present.entered(room.id, entry.session, nick))
        codes = [CREATED] if new else []
        if nick != entry.nick:
            codes.append(RENAMED)
        self._welcome(room, occupant, entry.session, wanted, codes, id_)
        for tell in self._on_entered:
            tell(room, occupant, entry.session)

    def admit(self, account: JID) -> None:
        """See whether somebody may be in one more room; raises StanzaError.

        Each attempt counts, so nobody tries passwords at his leisure.
        """
        self._rates.join(account)
        self._check_space(account)

    def _check_space(self, account: JID) -> None:
        most = self._policy
        if most.entered and self._entered[account] >= most.entered:
            text = "you are in too many rooms"
            raise StanzaError("resource-constraint", text, reason="muc.too-many-rooms")
        if most.sessions and self._all >= most.sessions:
            text = "there are too many people in all rooms"
            raise StanzaError("resource-constraint", text, reason="muc.too-many-people")

    def again(
        self, room: Room, session: JID, nick: str, presence: bytes, wanted: Wanted, id_: str
    ) -> None:
        """Tell somebody everything once more who has lost track (§17.3).

        He may want another nick than he has.
        """
        occupant = self._occupant(room, session)
        self._rates.join(occupant.account)
        self._rates.entered(room, occupant.account)
        given = entering.nick_given(room, occupant.account, nick)
        if given != occupant.nick:
            self.rename(room, session, nick, presence, later=True)
            occupant = self._occupant(room, session)
        same = occupant.sessions[session] == presence and occupant.session == session
        room.enter(occupant, session, presence)
        codes = [] if given == nick else [RENAMED]
        self._welcome(room, occupant, session, wanted, codes, id_, others=not same)

    def _welcome(
        self,
        room: Room,
        occupant: Occupant,
        session: JID,
        wanted: Wanted,
        codes: list[int],
        id_: str,
        *,
        others: bool = True,
    ) -> None:
        broadcast = self._broadcast
        if not room.settings.anonymous:
            codes.append(REAL)
        if room.settings.logged:
            codes.append(LOGGED)
        broadcast.roster(room, occupant, session)
        if others:
            broadcast.present(room, occupant)
        broadcast.own_presence(room, occupant, *codes, id_=id_, only=session)
        for other in occupant.sessions:
            if others and other != session:
                broadcast.own_presence(room, occupant, only=other)
        broadcast.past(room, session, wanted)

    # ------------------------------------------------------------------ while in it

    def update(self, room: Room, session: JID, presence: bytes, id_: str = "") -> None:
        """Have somebody's availability be another (§7.7)."""
        occupant = self._occupant(room, session)
        if not allowed(Privilege.CHANGE_AVAILABILITY, occupant.role, room.settings):
            raise StanzaError("forbidden", "visitors may not", reason="muc.visitor-status")
        self._rates.presence(room, occupant)
        room.enter(occupant, session, presence)
        self._broadcast.presence(room, occupant, id_=id_)

    def rename(
        self, room: Room, session: JID, asked: str, presence: bytes, *, later: bool = False
    ) -> None:
        """Give somebody another nick (§7.6); raises StanzaError where he can't have it.

        With `later` the caller tells that session of the new one.
        """
        occupant = self._occupant(room, session)
        nick = entering.nick_given(room, occupant.account, asked)
        if nick == occupant.nick:
            # §7.6: nicks are locked down.
            text = "you have to use your nick"
            raise StanzaError("not-acceptable", text, reason="muc.nick-locked", type="cancel")
        if not allowed(Privilege.CHANGE_NICK, occupant.role, room.settings):
            raise StanzaError("forbidden", "visitors may not", reason="muc.visitor-nick")
        other = room.alike(nick)
        if other is not occupant or len(occupant.sessions) > 1:
            # Who leaves his nick to another client of his may take none that looks like it.
            entering.check_nick(room, occupant.account, nick)
        self._rates.presence(room, occupant)
        if other is not None and other is not occupant:
            self._move(room, occupant, other, session, presence, later=later)
            return
        if len(occupant.sessions) > 1:
            self._part(room, occupant, session, nick, presence, later=later)
            return
        old = occupant.address
        room.enter(occupant, session, presence)
        room.rename(occupant, room.address.with_resource(nick))
        for each in occupant.sessions:
            self._note(self._present.entered(room.id, each, nick))
        self._broadcast.renamed(
            room,
            occupant,
            old,
            *(() if nick == asked else (RENAMED,)),
            later=session if later else None,
        )

    def settle(self, room: Room, account: JID, nick: str) -> None:
        """Have all of a user's sessions under the nick that the room wants him to use (§7.10).

        Where somebody else has one that looks like it, who was there before it was registered,
        they keep theirs.
        """
        alike = room.alike(nick)
        if alike is not None and alike.account != account:
            return
        # First whose nick looks like it: no two such may be there at a time.
        for occupant in sorted(room.of(account), key=lambda each: each is not alike):
            target = room.by_nick(nick)
            if target is None:
                old = occupant.address
                room.rename(occupant, room.address.with_resource(nick))
                for each in occupant.sessions:
                    self._note(self._present.entered(room.id, each, nick))
                self._broadcast.renamed(room, occupant, old, codes=(RENAMED,))
            elif target is not occupant:
                for each, presence in list(occupant.sessions.items()):
                    self._move(room, occupant, target, each, presence, RENAMED)

    def _part(
        self,
        room: Room,
        occupant: Occupant,
        session: JID,
        nick: str,
        presence: bytes,
        *,
        later: bool,
    ) -> None:
        """One of several sessions takes another nick: an occupant of its own (§7.2.8)."""
        other = Occupant(
            room.address.with_resource(nick),
            occupant.account,
            occupant.id,
            occupant.role,
            occupant.affiliation,
        )
        self._move(room, occupant, other, session, presence, later=later)

    def _move(
        self,
        room: Room,
        old: Occupant,
        new: Occupant,
        session: JID,
        presence: bytes,
        *codes: int,
        later: bool = False,
    ) -> None:
        """A session goes from one nick of its user's to another."""
        shown = old.session
        room.leave(session)
        room.enter(new, session, presence)
        self._note(self._present.entered(room.id, session, new.nick))
        self._broadcast.renamed(
            room,
            new,
            old.address,
            codes=codes,
            only=session,
            others=not old.sessions,
            later=session if later else None,
        )
        if old.sessions and shown == session:
            self._broadcast.presence(room, old)
        elif old.sessions and not later:
            # He has just been told that the nick is gone, which others of his sessions have.
            self._broadcast.roster(room, new, session, only=old)

    # ------------------------------------------------------------------ going

    def leave(self, room: Room, session: JID, status: bytes = b"", *codes: int) -> None:
        """Somebody goes by one of his sessions (§7.14); `status` is what he says as he goes."""
        occupant = self._occupant(room, session)
        self.remove(room, occupant, [session], *codes, status=status)

    def remove(
        self,
        room: Room,
        occupant: Occupant,
        sessions: Iterable[JID],
        *codes: int,
        status: bytes = b"",
        inside: bytes = b"",
        behind: bytes = b"",
        others: bool = True,
    ) -> None:
        """Have sessions of an occupant out of the room, all of them or some.

        See `Broadcast.unavailable`. Without `others` the caller tells them.
        """
        shown = occupant.session
        gone = list(sessions)
        self._out(room, occupant, gone)
        if room.locked and not len(room) and not room.lock.locked:  # nobody is setting it up
            behind = behind or DESTROYED
        self._broadcast.unavailable(
            room,
            occupant,
            gone,
            *codes,
            role=occupant.role,
            status=status,
            inside=inside,
            behind=behind,
            others=others and not occupant.sessions,
        )
        if occupant.sessions:
            if shown in gone:
                self._broadcast.presence(room, occupant)
        elif not len(room):
            self._emptied(room)

    def clear(self, room: Room, *codes: int, behind: bytes = b"") -> None:
        """Have everybody out of a room; each is told of himself alone (§10.9, §11.2)."""
        if len(room):
            self._note(self._present.clear(room.id))
        for occupant, sessions in self._cleared(room):
            self._broadcast.unavailable(
                room,
                occupant,
                sessions,
                *codes,
                role=occupant.role,
                behind=behind,
                others=False,
            )

    def abandon(self, room: Room) -> None:
        """Have nobody in a room, and tell nobody.

        They stay in the store: whoever has the room next tells them.
        """
        for _ in self._cleared(room):
            pass

    def _cleared(self, room: Room) -> Iterator[tuple[Occupant, list[JID]]]:
        for occupant in list(room.occupants):
            sessions = list(occupant.sessions)
            for session in sessions:
                self._left(room, occupant.account, session)
            yield occupant, sessions

    def _out(self, room: Room, occupant: Occupant, sessions: Iterable[JID]) -> None:
        for session in sessions:
            self._left(room, occupant.account, session)
            self._note(self._present.left(room.id, session))
        if not occupant.sessions:
            room.voices.left(occupant, room.settings)

    def _left(self, room: Room, account: JID, session: JID) -> None:
        room.leave(session)
        self._all -= 1
        self._entered[account] -= 1
        if not self._entered[account]:
            del self._entered[account]

    # ------------------------------------------------------------------ who they are

    def occupant_id(self, room: JID, account: JID) -> str:
        """What says that two nicks of a room are the same user's, and not whose (XEP-0421 §4.1)."""
        whose = f"{room}\0{account}\0{self._incarnations.of(account)}".rstrip("\0")
        digest = hmac.digest(self._key, whose.encode(), hashlib.sha256)
        return base64.urlsafe_b64encode(digest[:24]).decode()

    def _occupant(self, room: Room, session: JID) -> Occupant:
        occupant = room.by_session(session)
        if occupant is None:
            raise StanzaError("not-acceptable", "you are not in the room", reason="muc.not-inside")
        return occupant

    def _note(self, written: Deferred[None]) -> None:
        """Who is present is written for the case that the process ends without a word."""
        written.addErrback(_unwritten)


def _unwritten(failure: Failure) -> None:
    log.warn("who is in a room could not be written: {why}", why=failure.getErrorMessage())
