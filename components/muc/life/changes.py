"""Affiliations and roles change: written, in force, and told of (XEP-0045 §8, §9, §10.3 to §10.8).

Rule 1: whether somebody may is asked before; only what would leave a room in a state that it can't
be in is refused here.
Rule 2: an affiliation is in the store before it is in force, and all of it is in force at once.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import NamedTuple, TypeAlias

from components.muc.life.broadcast import Broadcast, actor
from components.muc.life.notices import Notices
from components.muc.life.rooms import affiliated
from components.muc.life.visits import Visits
from components.muc.model.occupant import Occupant, likeness
from components.muc.model.policy import Policy
from components.muc.model.privileges import default_role, role_after
from components.muc.model.ranks import Affiliation, Role
from components.muc.model.room import Room
from components.muc.model.standing import Standing
from components.muc.store.rooms import Affiliated, NickTaken, RoomGone, SQLRooms
from xmppd.errors import StanzaError
from xmppd.jid import JID

BANNED, KICKED, NO_MEMBER, MEMBERS_ONLY = 301, 307, 321, 322
"""Why somebody is removed (§9.1, §8.2, §9.4, §10.2)."""


Write: TypeAlias = Callable[[Sequence[Affiliated]], Awaitable[None]]
"""Writes affiliations; fails as `SQLRooms.set_affiliations` does."""


class Actor(NamedTuple):
    """Who changes something: by which nick in the room, or by which bare JID.

    "" and None where it is nobody's to tell.
    """

    nick: str = ""
    account: JID | None = None


NOBODY = Actor()


class Wish(NamedTuple):
    """The role that an occupant is to have, NONE to be kicked, and why."""

    occupant: Occupant
    role: Role
    reason: str = ""


class _Gone(NamedTuple):
    """Who is removed, with which status code, and what stands in the item."""

    occupant: Occupant
    code: int
    inside: bytes


class _Ranked(NamedTuple):
    """Who has another rank than before, the role that he had, and what stands in the item."""

    occupant: Occupant
    before: Role
    inside: bytes


def _nothing() -> None:
    """Nobody waits for a word."""


class Changes:
    """Changes what people are to a room.

    `done` of its methods is called when those who have to go have been told, and before others
    are (§8.2).
    """

    def __init__(
        self,
        store: SQLRooms,
        policy: Policy,
        broadcast: Broadcast,
        visits: Visits,
        notices: Notices,
    ) -> None:
        self._store = store
        self._policy = policy
        self._broadcast = broadcast
        self._visits = visits
        self._notices = notices

    # ------------------------------------------------------------------ affiliations

    async def affiliate(
        self,
        room: Room,
        standings: Sequence[Standing],
        by: Actor = NOBODY,
        *,
        done: Callable[[], object] = _nothing,
        write: Write | None = None,
        invited: bool = False,
    ) -> None:
        """Write standings, each of another address, then have them in force.

        Occupants get the roles that go with them and everybody is told, or they are removed: 301
        for who is banned, 321 for who is no member any more. They get their nicks as well, where
        the room has them use those that are registered. Those who are not in the room get a
        message, unless they are `invited`, which says it all. The caller holds `room.lock`, and
        has checked that it may. `write` is for who has more to write with them.

        Raises StanzaError, and has changed nothing, where the room is gone, would have no owner
        any more (§10.4), or more affiliations than it may, or where a nick is somebody else's.
        """
        self._check(room, standings)
        try:
            rows = [affiliated(each) for each in standings]
            await (self._store.set_affiliations(room.id, rows) if write is None else write(rows))
        except NickTaken as taken:
            raise _nick_taken(taken.nick) from None
        except RoomGone:
            raise _no_room() from None
        if room.destroyed:
            raise _no_room()
        before = {each.jid: room.affiliation(each.jid) for each in standings}
        inside = {occupant.account for occupant in room.occupants}
        for standing in standings:
            room.standings.put(standing)
        self._in_force(room, standings, by, done)
        if room.settings.reserved_nicks:
            for each in standings:
                if each.nick:
                    self._visits.settle(room, each.jid, each.nick)
        outside = [each for each in standings if each.jid not in inside]
        self._tell_outsiders(room, outside, before, by, invited)

    def _check(self, room: Room, standings: Sequence[Standing]) -> None:
        if room.destroyed:
            raise _no_room()
        new = {each.jid: each for each in standings}
        owners = {each.jid for each in room.standings.having(Affiliation.OWNER)}
        left = owners - new.keys()
        if owners and not left and not any(_owns(each) for each in standings):
            raise StanzaError("conflict", "a room has an owner", reason="muc.last-owner")
        known = sum(1 for each in standings if room.standings.exactly(each.jid).kept)
        more = sum(1 for each in standings if each.kept) - known
        if more > 0 and len(room.standings) + more > self._policy.affiliations:
            text = f"a room remembers {self._policy.affiliations} people at the most"
            raise StanzaError("resource-constraint", text, reason="muc.affiliations")
        _check_nicks(room, new)

    def _in_force(
        self, room: Room, standings: Sequence[Standing], by: Actor, done: Callable[[], object]
    ) -> None:
        reasons = {each.jid: each.reason for each in standings}
        gone: list[_Gone] = []
        ranked: list[_Ranked] = []
        for occupant in room.occupants:
            account = occupant.account
            reason = reasons.get(account, reasons.get(JID.prepared("", account.domain)))
            after = self._affiliation(room, account)
            if reason is None or after is occupant.affiliation:
                continue
            before = occupant.role
            role = role_after(before, occupant.affiliation, after, room.settings)
            inside = _inside(room, by, reason)
            if role is Role.NONE:
                occupant.rank(before, after)
                code = BANNED if after is Affiliation.OUTCAST else NO_MEMBER
                gone.append(_Gone(occupant, code, inside))
            else:
                occupant.rank(role, after)
                ranked.append(_Ranked(occupant, before, inside))
        self._tell(room, gone, ranked, done)

    def _affiliation(self, room: Room, account: JID) -> Affiliation:
        return self._policy.affiliation(account, room.affiliation(account))

    def _tell_outsiders(
        self,
        room: Room,
        standings: Iterable[Standing],
        before: dict[JID, Affiliation],
        by: Actor,
        invited: bool,
    ) -> None:
        for each in standings:
            now = room.affiliation(each.jid)
            if before[each.jid] is not now:
                told = each._replace(affiliation=now)
                self._notices.changed(room, told, before[each.jid], by.account, by.nick, invited)

    # ------------------------------------------------------------------ roles

    def give_role(
        self, room: Room, occupant: Occupant, role: Role, by: Actor = NOBODY, reason: str = ""
    ) -> None:
        """Kick an occupant (307), or give or take voice or moderator status."""
        self.give_roles(room, [Wish(occupant, role, reason)], by)

    def give_roles(
        self,
        room: Room,
        wishes: Iterable[Wish],
        by: Actor = NOBODY,
        *,
        done: Callable[[], object] = _nothing,
    ) -> None:
        """Give roles to several occupants at once; who may is checked by the caller."""
        gone: list[_Gone] = []
        ranked: list[_Ranked] = []
        for occupant, role, reason in wishes:
            before = occupant.role
            inside = _inside(room, by, reason)
            if role is Role.NONE:
                gone.append(_Gone(occupant, KICKED, inside))
            elif role is not before:
                occupant.rank(role, occupant.affiliation)
                ranked.append(_Ranked(occupant, before, inside))
        self._tell(room, gone, ranked, done)

    def members_only(self, room: Room) -> None:
        """Remove all who are no members, since the room has become theirs (§10.2)."""
        gone = [
            _Gone(occupant, MEMBERS_ONLY, b"")
            for occupant in room.occupants
            if occupant.affiliation < Affiliation.MEMBER
        ]
        self._tell(room, gone, [])

    def refresh(self, room: Room) -> None:
        """Have the roles that go with affiliations, since the room's being moderated has changed.

        Who has been made a moderator stays one (§5.1.2).
        """
        room.voices.clear()
        ranked: list[_Ranked] = []
        for occupant in room.occupants:
            before = occupant.role
            role = default_role(occupant.affiliation, room.settings)
            if before < Role.MODERATOR and role not in (Role.NONE, before):
                occupant.rank(role, occupant.affiliation)
                ranked.append(_Ranked(occupant, before, b""))
        self._tell(room, [], ranked)

    # ------------------------------------------------------------------ telling

    def _tell(
        self,
        room: Room,
        gone: Sequence[_Gone],
        ranked: Iterable[_Ranked],
        done: Callable[[], object] = _nothing,
    ) -> None:
        sessions = {each: each.occupant.session for each in gone}
        for each in gone:
            occupant = each.occupant
            self._visits.remove(
                room,
                occupant,
                list(occupant.sessions),
                each.code,
                inside=each.inside,
                others=False,
            )
        done()
        for each in gone:
            self._broadcast.gone(room, each.occupant, sessions[each], each.code, inside=each.inside)
        for changed in ranked:
            self._tell_rank(room, changed)

    def _tell_rank(self, room: Room, changed: _Ranked) -> None:
        occupant, before, inside = changed
        settings = room.settings
        if settings.broadcasts(before) and not settings.broadcasts(occupant.role):
            self._broadcast.hidden(room, occupant)
        self._broadcast.presence(room, occupant, inside=inside)
        if settings.anonymous and occupant.role is Role.MODERATOR and before < Role.MODERATOR:
            # He sees from now on who the others are (§7.2.4).
            for session in occupant.sessions:
                self._broadcast.roster(room, occupant, session)


def _owns(standing: Standing) -> bool:
    return standing.affiliation is Affiliation.OWNER


def _inside(room: Room, by: Actor, reason: str) -> bytes:
    """Who has done it, and why; no address where addresses are hidden (§8.2)."""
    return actor(by.nick, None if room.settings.anonymous else by.account, reason)


def _check_nicks(room: Room, new: Mapping[JID, Standing]) -> None:
    """Raise StanzaError where two would have nicks that look alike (§7.10)."""
    asked: dict[str, JID] = {}
    for each in new.values():
        if each.nick:
            holder = room.standings.holder(each.nick)
            mine = asked.setdefault(likeness(each.nick), each.jid) == each.jid
            if not mine or not (holder in (None, each.jid) or holder in new):
                raise _nick_taken(each.nick)


def _no_room() -> StanzaError:
    return StanzaError("item-not-found", "there is no such room", reason="muc.no-room")


def _nick_taken(nick: str) -> StanzaError:
    text = "that nick is registered"
    return StanzaError("conflict", text, reason="muc.nick-registered", detail=nick)
