"""Registration with a room: who becomes a member, under which nick, and who lets him.

(XEP-0045 §7.10, §9.9; XEP-0077 §3.2)

Rule 1: whoever is registered has a nick that is reserved; members without one may still register.
Rule 2: an application is kept until an admin decides, and those in the room are told of it as it
comes or as they come.
"""

from __future__ import annotations

from collections.abc import Iterable
from weakref import WeakSet

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from components.common.build import Tag
from components.common.rate import Rate
from components.common.stanza import write
from components.common.whole import wholly
from components.muc.faces import admin_items, registration_forms
from components.muc.life.changes import NOBODY, Actor
from components.muc.model.occupant import Occupant, likeness
from components.muc.model.privileges import Right, has_right, may_register
from components.muc.model.ranks import Affiliation
from components.muc.model.room import Room
from components.muc.model.standing import Standing
from components.muc.service import Service
from components.muc.store.rooms import Application, RoomGone, TooManyApplications
from xmppd.errors import StanzaError, StoreError
from xmppd.jid import JID

log = Logger(namespace="muc")

APPLICATIONS = 100
"""How many may wait for an answer in a room."""

OFTEN = 5
"""How often a minute one user may register or apply, or take it back, in all rooms."""
OFTEN_IN_ROOM = 30
"""And how often all together may in one room: its admins are told each time."""


class Registrations:
    """Registers people, and has admins decide where the room wants that."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._store = service.store
        self._changes = service.changes
        self._component = service.component
        self._policy = service.policy
        self._by_user = Rate(OFTEN, service.now)
        self._by_room = Rate(OFTEN_IN_ROOM, service.now)
        self._quiet = WeakSet[Room]()
        """Rooms in which nobody is known to wait for an answer."""
        service.visits.on_entered(self._entered)

    # ------------------------------------------------------------------ registering

    def nick(self, room: Room, account: JID) -> str:
        """The nick that somebody has registered; "" for none."""
        return room.standings.exactly(account).nick

    def immediate(self, room: Room, account: JID) -> bool:
        """Whether nobody else has a say in it."""
        open_ = room.settings.registration == "open"
        return open_ or self._decides(room, account)

    async def register(self, room: Room, account: JID, nick: str) -> None:
        """Make somebody a member with a nick (§7.10); raises StanzaError.

        Others who have the nick, or one like it, make it a conflict.
        """
        self._often(room, account)
        await room.lock.run(self._register, room, account, nick)

    async def _register(self, room: Room, account: JID, nick: str) -> None:
        self.check_allowed(room, account)
        if not self.immediate(room, account):
            # The room was set up otherwise while he waited.
            raise StanzaError("not-allowed", "an admin decides", reason="muc.registration")
        await self._admit(room, account, nick, NOBODY)

    async def apply(self, room: Room, account: JID, nick: str, form: dict[str, str]) -> None:
        """Keep what somebody asks for until an admin decides; raises StanzaError (§9.9)."""
        self.check_nick(room, account, nick)
        self._often(room, account)
        await wholly(self._apply(room, account, nick, form))

    async def _apply(self, room: Room, account: JID, nick: str, form: dict[str, str]) -> None:
        at = self._service.now()
        try:
            await self._store.apply(room.id, account, nick, form, at=at, most=APPLICATIONS)
        except TooManyApplications:
            text = "too many wait for an answer"
            raise StanzaError("resource-constraint", text, reason="muc.applications") from None
        except RoomGone:
            raise _no_room() from None
        self._quiet.discard(room)
        admins = [each for each in room.occupants if _decides(each.affiliation)]
        sessions = [session for admin in admins for session in admin.sessions]
        self._tell(room, sessions, [Application(account, nick, form, at)])

    async def unregister(self, room: Room, account: JID) -> None:
        """Take back what somebody has registered or asked for (XEP-0077 §3.2).

        Members are none any more; admins and owners stay what they are, without the nick.
        """
        self._often(room, account)
        await room.lock.run(self._unregister, room, account)

    async def _unregister(self, room: Room, account: JID) -> None:
        waited = await self._store.decide(room.id, account)
        standing = room.standings.exactly(account)
        member = standing.affiliation is Affiliation.MEMBER
        if member or standing.nick:
            left = Affiliation.NONE if member else standing.affiliation
            await self._changes.affiliate(room, [Standing(account, left, "", standing.reason)])
        elif waited is None:
            text = "you have not registered"
            raise StanzaError("registration-required", text, reason="muc.not-registered")

    async def _admit(self, room: Room, account: JID, nick: str, by: Actor) -> None:
        nick = self.check_nick(room, account, nick)
        old = room.standings.of(account)
        if old.affiliation is Affiliation.OUTCAST:
            raise StanzaError("not-allowed", "the room has banned him", reason="muc.banned")
        affiliation = max(old.affiliation, Affiliation.MEMBER)
        await self._changes.affiliate(room, [Standing(account, affiliation, nick)], by)

    def check_allowed(self, room: Room, account: JID) -> None:
        """Raise StanzaError where somebody may not register at all (§7.10)."""
        if not may_register(self._service.affiliation(room, account), room.settings):
            # What a room does not support that registers nobody, and what is not for everybody.
            off = room.settings.registration == "off"
            condition = "service-unavailable" if off else "not-allowed"
            raise StanzaError(condition, "you can't register here", reason="muc.registration")

    def check_nick(self, room: Room, account: JID, nick: str) -> str:
        """A nick as it would be registered; raises StanzaError where it could not be (§7.10)."""
        nick = admin_items.reserved(room, account, nick, self._policy)
        if room.standings.holder(nick) not in (None, account):
            raise StanzaError("conflict", "that nick is registered", reason="muc.nick-registered")
        return nick

    def _often(self, room: Room, account: JID) -> None:
        if not (self._by_user.take(account) and self._by_room.take(room.address)):
            text = "wait a minute"
            raise StanzaError("resource-constraint", text, reason="muc.often", type="wait")

    # ------------------------------------------------------------------ deciding

    async def decide(
        self, room: Room, account: JID | None, nick: str, by: Actor, *, allow: bool
    ) -> None:
        """Admit somebody who has applied, or do not (§9.9); raises StanzaError.

        He is known by his bare JID, or by the nick that he asked for where that is None. An admin
        who admits him may give him another nick.
        """
        await room.lock.run(self._decide, room, account, nick, by, allow)

    async def _decide(
        self, room: Room, account: JID | None, nick: str, by: Actor, allow: bool
    ) -> None:
        assert by.account is not None
        self.check_admin(room, by.account)
        found = _sought(await self._store.applications(room.id), account, nick)
        if found is None:
            text = "nobody waits for that"
            raise StanzaError("item-not-found", text, reason="muc.no-application")
        if allow:
            # Before it is forgotten: if he can't have the nick, an admin may give him another.
            await self._admit(room, found.jid, nick or found.nick, by)
        await self._store.decide(room.id, found.jid)
        if not allow:
            body = Tag("body", {}, f"Your registration with {room.address} was not approved.")
            self._component.message(found.jid, body, sender=room.address)

    def check_admin(self, room: Room, account: JID) -> None:
        """Raise StanzaError where somebody has no say in who registers."""
        if not self._decides(room, account):
            raise StanzaError("forbidden", "you are no admin", reason="muc.not-admin")

    def _decides(self, room: Room, account: JID) -> bool:
        return _decides(self._service.affiliation(room, account))

    # ------------------------------------------------------------------ telling

    def _entered(self, room: Room, occupant: Occupant, session: JID) -> None:
        """An admin who comes in is told who waits; the store is asked once where nobody does."""
        if _decides(occupant.affiliation) and room not in self._quiet:
            later = Deferred.fromCoroutine(self._tell_waiting(room, session))
            later.addErrback(_untold)

    async def _tell_waiting(self, room: Room, session: JID) -> None:
        self._quiet.add(room)  # until one comes, also while the store is being asked
        try:
            waiting = await self._store.applications(room.id)
        except BaseException:
            self._quiet.discard(room)
            raise
        if waiting:
            self._quiet.discard(room)
        if room.by_session(session) is not None:
            self._tell(room, [session], waiting)

    def _tell(
        self, room: Room, sessions: Iterable[JID], applications: Iterable[Application]
    ) -> None:
        for each in applications:
            form = registration_forms.approval(each).render()
            self._component.send_all(
                write("message", room.address, session, form) for session in sessions
            )


def _decides(affiliation: Affiliation) -> bool:
    return has_right(Right.EDIT_MEMBERS, affiliation)


def _sought(
    applications: Iterable[Application], account: JID | None, nick: str
) -> Application | None:
    for each in applications:
        if each.jid == account or (account is None and likeness(each.nick) == likeness(nick)):
            return each
    return None


def _no_room() -> StanzaError:
    return StanzaError("item-not-found", "there is no such room", reason="muc.no-room")


def _untold(failure: Failure) -> None:
    if failure.check(StoreError) is None:
        log.failure("an admin could not be told who wants to register", failure)
        return
    log.warn("who wants to register could not be read: {why}", why=failure.getErrorMessage())
