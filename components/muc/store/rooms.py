"""Rooms in SQL, for every dialect: how they are set up, and who has what affiliation (XEP-0045).

What was said is in `archive`, who is there in `present`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
from twisted.internet.defer import Deferred

from components.common.paging import Found, Page
from components.muc.store.rows import chunks, execute_rows, places
from components.muc.store.stored import (
    Affiliated,
    Application,
    Forgotten,
    Listed,
    NickTaken,
    RoomExists,
    RoomGone,
    StoredRoom,
    Subject,
    TooManyApplications,
)
from xmppd.jid import JID, prepare_resource
from xmppd.storage.interfaces import Database, Transaction, Value

__all__ = [
    "SCHEMA",
    "Affiliated",
    "Application",
    "Forgotten",
    "Listed",
    "NickTaken",
    "RoomExists",
    "RoomGone",
    "SQLRooms",
    "StoredRoom",
    "Subject",
    "TooManyApplications",
]

SCHEMA = Path(__file__).parents[1] / "schema" / "muc"
"""The schema set, for `xmppd.storage.url.open_database`."""

_CREATE = (
    "INSERT INTO rooms (address, name, public, persistent, created, settings, maker)"
    " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (address) DO NOTHING RETURNING id"
)
_OPEN_ARCHIVE = "INSERT INTO room_archives (room, written, closed) VALUES (?, 0, ?)"
_ROOM = (
    "SELECT id, settings, created, nick, at, encoded FROM rooms"
    " LEFT JOIN room_subjects ON room_subjects.room = rooms.id WHERE address = ?"
)
_AFFILIATIONS = (
    "SELECT jid, affiliation, nick, reason FROM room_affiliations WHERE room = ? ORDER BY jid"
)
_SAVE = "UPDATE rooms SET settings = ?, name = ?, public = ?, persistent = ? WHERE id = ?"
_SET_SUBJECT = (
    "INSERT INTO room_subjects (room, nick, at, encoded) VALUES (?, ?, ?, ?)"
    " ON CONFLICT (room) DO UPDATE SET nick = excluded.nick, at = excluded.at,"
    " encoded = excluded.encoded"
)
_DROP = "DELETE FROM room_affiliations WHERE room = ? AND jid IN ({})"
_TAKEN = "SELECT nick FROM room_affiliations WHERE room = ? AND nick IN ({})"
_PUT = "INSERT INTO room_affiliations (room, jid, affiliation, nick, reason) VALUES {}"
_HOLD = "UPDATE rooms SET name = name WHERE id = ?"

_APPLY = (
    "INSERT INTO room_applications (room, jid, nick, at, form) VALUES (?, ?, ?, ?, ?)"
    " ON CONFLICT (room, jid) DO UPDATE SET nick = excluded.nick, at = excluded.at,"
    " form = excluded.form"
)
_OTHER_APPLICATIONS = "SELECT count(*) FROM room_applications WHERE room = ? AND jid <> ?"
_APPLICATIONS = "SELECT jid, nick, form, at FROM room_applications WHERE room = ? ORDER BY at, jid"
_DECIDE = "DELETE FROM room_applications WHERE room = ? AND jid = ? RETURNING jid, nick, form, at"

_REMOVE = "DELETE FROM rooms WHERE id = ?"
_CLOSE_ARCHIVE = "UPDATE room_archives SET closed = ? WHERE room = ?"
_REMOVE_PRESENT = "DELETE FROM room_sessions WHERE room = ?"

_COUNT = "SELECT count(*) FROM rooms"
_MADE = "SELECT count(*) FROM rooms WHERE maker = ? AND maker <> ''"
_BELOW = "SELECT count(*) FROM rooms WHERE public AND address < ?"
_FORWARDS = (
    "SELECT address, name FROM rooms WHERE public AND address > ? ORDER BY address LIMIT ? OFFSET ?"
)
_BACKWARDS = (
    "SELECT address, name FROM rooms WHERE public AND address < ? ORDER BY address DESC LIMIT ?"
)
_TEMPORARY = (
    "SELECT address FROM rooms WHERE NOT persistent AND address > ? ORDER BY address LIMIT ?"
)
_LAST = "\U0010ffff"
"""Behind every character that an address may have."""

_OF_ACCOUNT = (
    "SELECT id, address, affiliation FROM room_affiliations JOIN rooms ON rooms.id = room"
    " WHERE jid = ? ORDER BY id"
)
_HOLD_OWNED = (
    "UPDATE rooms SET name = name WHERE id IN"
    " (SELECT room FROM room_affiliations WHERE jid = ? AND affiliation = 'owner')"
)
_FORGET_MADE = "UPDATE rooms SET maker = '' WHERE maker = ? AND maker <> ''"
_FORGET = "DELETE FROM room_affiliations WHERE jid = ?"
_FORGET_APPLICATIONS = "DELETE FROM room_applications WHERE jid = ?"
_OWNERS = "SELECT count(*) FROM room_affiliations WHERE room = ? AND affiliation = 'owner'"


class SQLRooms:
    """The tables of `schema/muc/0001_rooms.sql` that tell what a room is."""

    def __init__(self, database: Database) -> None:
        self._database = database

    # ------------------------------------------------------------------ one room

    def load(self, address: JID) -> Deferred[StoredRoom | None]:
        """The room at an address; None where there is none."""

        async def work(tx: Transaction) -> StoredRoom | None:
            rows = (await tx.execute(_ROOM, (address,))).rows
            if not rows:
                return None
            id_, settings, created, nick, at, inner = rows[0]
            subject = None if inner is None else Subject(bytes(inner), nick, at)
            found = (await tx.execute(_AFFILIATIONS, (id_,))).rows
            affiliations = [Affiliated(_bare(jid), *others) for jid, *others in found]
            settings = msgspec.json.decode(settings, type=dict[str, Any])
            return StoredRoom(id_, address, settings, affiliations, subject, created)

        return self._database.read(work)

    def create(
        self,
        address: JID,
        settings: Mapping[str, Any],
        affiliations: Sequence[Affiliated],
        *,
        name: str,
        public: bool,
        persistent: bool,
        now: float,
        maker: str = "",
    ) -> Deferred[int]:
        """Make a room; gives its id. `settings` is what JSON can say, `maker` a bare JID.

        Fails with `RoomExists`, and as `set_affiliations` does.
        """
        encoded = msgspec.json.encode(settings).decode()

        async def work(tx: Transaction) -> int:
            values = (address, name, public, persistent, now, encoded, maker)
            rows = (await tx.execute(_CREATE, values)).rows
            if not rows:
                raise RoomExists(address)
            id_: int = rows[0][0]
            await tx.execute(_OPEN_ARCHIVE, (id_, False))
            await _affiliate(tx, id_, affiliations)
            return id_

        return self._database.write(work)

    def save(
        self,
        id_: int,
        settings: Mapping[str, Any],
        affiliations: Sequence[Affiliated] = (),
        *,
        name: str,
        public: bool,
        persistent: bool,
    ) -> Deferred[None]:
        """Have a room set up so, and affiliations as in `set_affiliations`: both, or neither.

        Fails as that does.
        """
        encoded = msgspec.json.encode(settings).decode()

        async def work(tx: Transaction) -> None:
            values = (encoded, name, public, persistent, id_)
            if not (await tx.execute(_SAVE, values)).changed:
                raise RoomGone(id_)
            await _affiliate(tx, id_, affiliations)

        return self._database.write(work)

    def set_affiliations(self, id_: int, affiliations: Sequence[Affiliated]) -> Deferred[None]:
        """Have these in place of what the room holds of the same JIDs, each of them named once.

        "none" without a nick removes. All of them are set, or it fails with `RoomGone`,
        `NickTaken`, or JIDError for what can't be a nickname.
        """

        async def work(tx: Transaction) -> None:
            await _hold(tx, id_)
            await _affiliate(tx, id_, affiliations)

        return self._database.write(work)

    def set_subject(self, id_: int, subject: Subject) -> Deferred[None]:
        """Have a room's subject; fails with `RoomGone`."""

        async def work(tx: Transaction) -> None:
            await _hold(tx, id_)
            await tx.execute(_SET_SUBJECT, (id_, subject.nick, subject.at, subject.inner))

        return self._database.write(work)

    def remove(self, id_: int) -> Deferred[bool]:
        """Have the room no more, nor anything of it; False where it was gone already.

        Its archive gets nothing from then on; `Archive.sweep` deletes it.
        """

        async def work(tx: Transaction) -> bool:
            await tx.execute(_CLOSE_ARCHIVE, (True, id_))
            await tx.execute(_REMOVE_PRESENT, (id_,))
            return bool((await tx.execute(_REMOVE, (id_,))).changed)

        return self._database.write(work)

    # ------------------------------------------------------------------ applications

    def apply(
        self, id_: int, jid: JID, nick: str, form: Mapping[str, str], *, at: float, most: int
    ) -> Deferred[None]:
        """Keep an application for membership, in place of an earlier one of the same JID.

        Fails with `RoomGone`, and with `TooManyApplications` where `most` others wait.
        """
        encoded = msgspec.json.encode(form).decode()

        async def work(tx: Transaction) -> None:
            await _hold(tx, id_)
            if await _number(tx, _OTHER_APPLICATIONS, id_, jid) >= most:
                raise TooManyApplications
            await tx.execute(_APPLY, (id_, jid, nick, at, encoded))

        return self._database.write(work)

    def applications(self, id_: int) -> Deferred[Sequence[Application]]:
        """The applications that wait for an answer, in the order in which they came."""

        async def work(tx: Transaction) -> Sequence[Application]:
            return [_application(*row) for row in (await tx.execute(_APPLICATIONS, (id_,))).rows]

        return self._database.read(work)

    def decide(self, id_: int, jid: JID) -> Deferred[Application | None]:
        """Take an application out; None where there is none, or somebody was faster."""

        async def work(tx: Transaction) -> Application | None:
            rows = (await tx.execute(_DECIDE, (id_, jid))).rows
            return _application(*rows[0]) if rows else None

        return self._database.write(work)

    # ------------------------------------------------------------------ all rooms

    def listed(self, page: Page) -> Deferred[Found[Listed]]:
        """A page of the public rooms, by address.

        `after` and `before` may be any text without a NUL.
        """

        async def work(tx: Transaction) -> Found[Listed]:
            count = await _number(tx, _BELOW, _LAST)
            if not count or not page.most:
                return Found([], 0, count)
            if page.before is None:
                params = (page.after, page.most, page.index)
                rows = (await tx.execute(_FORWARDS, params)).rows
            else:
                rows = (await tx.execute(_BACKWARDS, (page.before or _LAST, page.most))).rows[::-1]
            first = await _number(tx, _BELOW, rows[0][0]) if rows else 0
            return Found([Listed(_bare(address), name) for address, name in rows], first, count)

        return self._database.read(work)

    def count(self) -> Deferred[int]:
        """How many rooms there are, public or not."""
        return self._database.read(lambda tx: _number(tx, _COUNT))

    def made(self, account: JID) -> Deferred[int]:
        """How many rooms there are that an account has made, whoever owns them now."""
        return self._database.read(lambda tx: _number(tx, _MADE, account))

    def temporary(self, after: str, most: int) -> Deferred[Sequence[JID]]:
        """At most `most` addresses behind `after` of rooms that are not persistent, in order."""

        async def work(tx: Transaction) -> Sequence[JID]:
            return [_bare(row[0]) for row in (await tx.execute(_TEMPORARY, (after, most))).rows]

        return self._database.read(work)

    def forget(self, account: JID) -> Deferred[Sequence[Forgotten]]:
        """Have nothing of an account: its affiliations, bans too, its nicknames, applications.

        Gives the rooms that had any affiliation or nickname of it, to the first process that asks.
        What it said stays in their archives: it belongs to the rooms.
        """

        async def work(tx: Transaction) -> Sequence[Forgotten]:
            await tx.execute(_FORGET_APPLICATIONS, (account,))
            await tx.execute(_HOLD_OWNED, (account,))
            await tx.execute(_FORGET_MADE, (account,))
            rooms = (await tx.execute(_OF_ACCOUNT, (account,))).rows
            await tx.execute(_FORGET, (account,))
            forgotten = []
            for id_, address, affiliation in rooms:
                ownerless = affiliation == "owner" and not await _number(tx, _OWNERS, id_)
                forgotten.append(Forgotten(id_, _bare(address), ownerless))
            return forgotten

        return self._database.write(work)


async def _hold(tx: Transaction, room: int) -> None:
    """Let nobody else change the room until the transaction ends; raises `RoomGone`.

    Other processes may change it at the same time where it is on another server.
    """
    if not (await tx.execute(_HOLD, (room,))).changed:
        raise RoomGone(room)


async def _affiliate(tx: Transaction, room: int, affiliations: Sequence[Affiliated]) -> None:
    # What is there goes first, so that two may change nicknames with each other.
    for some in chunks([each.jid for each in affiliations]):
        await tx.execute(_DROP.format(places(len(some))), (room, *some))
    nicks = [prepare_resource(each.nick) if each.nick else "" for each in affiliations]
    await _check_free(tx, room, [nick for nick in nicks if nick])
    rows = [
        (room, each.jid, each.affiliation, nick, each.reason)
        for each, nick in zip(affiliations, nicks, strict=True)
        if nick or each.affiliation != "none"
    ]
    await execute_rows(tx, _PUT, rows)


async def _check_free(tx: Transaction, room: int, nicks: Sequence[str]) -> None:
    """Raise `NickTaken` where a nick is registered, or here more than once."""
    seen = set[str]()
    for nick in nicks:
        if nick in seen:
            raise NickTaken(nick)
        seen.add(nick)
    for some in chunks(nicks):
        taken = (await tx.execute(_TAKEN.format(places(len(some))), (room, *some))).rows
        if taken:
            raise NickTaken(taken[0][0])


async def _number(tx: Transaction, sql: str, *params: Value) -> int:
    return int((await tx.execute(sql, params)).rows[0][0])


def _application(jid: str, nick: str, form: str, at: float) -> Application:
    return Application(_bare(jid), nick, msgspec.json.decode(form, type=dict[str, str]), at)


def _bare(text: str) -> JID:
    """A bare JID of the store's: it is prepared, and not remembered by those who parse."""
    local, at, domain = text.partition("@")
    return JID.prepared(local, domain) if at else JID.prepared("", text)
