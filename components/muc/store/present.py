"""Who is in which room, as the disk knows it.

A process that was killed has told nobody, so the one after it can tell those that were there:
they have to enter anew (XEP-0045 §9.6: status 332).
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from typing import NamedTuple

from twisted.internet.defer import Deferred

from components.muc.store.journal import Journal
from components.muc.store.rows import chunks, execute_rows
from xmppd.jid import JID
from xmppd.storage.interfaces import Database, Transaction

_DIGEST = 16
"""Octets of what stands for a full JID."""

_CLEAR = "DELETE FROM room_sessions WHERE room IN ({})"
_LEFT = "DELETE FROM room_sessions WHERE {}"
_ONE = "(room = ? AND occupant = ?)"
_ENTERED = (
    "INSERT INTO room_sessions (room, occupant, jid, nick)"
    " SELECT column1, column2, column3, column4 FROM (VALUES {}) AS entered"
    " WHERE EXISTS (SELECT 1 FROM rooms WHERE id = column1)"
    " ON CONFLICT (room, occupant) DO UPDATE SET nick = excluded.nick"
)
_OF = "SELECT room, jid, nick FROM room_sessions WHERE room = ? ORDER BY occupant"
_ALL = (
    "SELECT room, jid, nick FROM room_sessions WHERE (room, occupant) > (?, ?)"
    " ORDER BY room, occupant LIMIT ?"
)


class Present(NamedTuple):
    """Who is in a room: by which full JID, under which nickname."""

    room: int
    jid: JID
    nick: str


class _Change(NamedTuple):
    """Somebody enters, or leaves (`nick` is None); all leave, where there is no `jid`."""

    room: int
    jid: JID | None
    nick: str | None


class SQLPresent:
    """The table `room_sessions` of `schema/muc/0001_rooms.sql`."""

    def __init__(self, database: Database, journal: Journal) -> None:
        self._database = database
        self._journal = journal

    def entered(self, room: int, jid: JID, nick: str) -> Deferred[None]:
        """A full JID is in a room from now on, or has another nickname there."""
        return self._journal.add(self, _Change(room, jid, nick))

    def left(self, room: int, jid: JID) -> Deferred[None]:
        """A full JID is in the room no more; it need not have been."""
        return self._journal.add(self, _Change(room, jid, None))

    def clear(self, room: int) -> Deferred[None]:
        """Nobody is in the room any more."""
        return self._journal.add(self, _Change(room, None, None))

    def of(self, room: int) -> Deferred[Sequence[Present]]:
        """Who is in a room."""

        async def work(tx: Transaction) -> Sequence[Present]:
            return [_present(*row) for row in (await tx.execute(_OF, (room,))).rows]

        return self._database.read(work)

    def all(self, after: Present | None, most: int) -> Deferred[Sequence[Present]]:
        """At most `most` of those in any room that come behind `after`; None for the first ones."""
        behind = (0, b"") if after is None else (after.room, _digest(after.jid))

        async def work(tx: Transaction) -> Sequence[Present]:
            return [_present(*row) for row in (await tx.execute(_ALL, (*behind, most))).rows]

        return self._database.read(work)

    async def put(self, tx: Transaction, rows: Sequence[_Change]) -> Sequence[Exception | None]:
        """See `journal.Table.put`. Only what became of each in the end is written."""
        cleared: dict[int, None] = {}
        last: dict[int, dict[JID, str | None]] = {}
        for room, jid, nick in rows:
            if jid is None:
                cleared[room] = None
                last.pop(room, None)
            else:
                last.setdefault(room, {})[jid] = nick
        await execute_rows(tx, _CLEAR, [(room,) for room in cleared])
        changes = [(room, jid, nick) for room, those in last.items() for jid, nick in those.items()]
        left = [(room, _digest(jid)) for room, jid, nick in changes if nick is None]
        for some in chunks(left):
            # SQLite would read the whole table for a list of pairs.
            sql = _LEFT.format(" OR ".join([_ONE] * len(some)))
            await tx.execute(sql, [value for pair in some for value in pair])
        entered = [(room, _digest(jid), jid, n) for room, jid, n in changes if n is not None]
        await execute_rows(tx, _ENTERED, entered)
        return [None] * len(rows)


def _present(room: int, jid: str, nick: str) -> Present:
    return Present(room, JID.parse(jid), nick)


def _digest(jid: JID) -> bytes:
    return blake2b(jid.encode(), digest_size=_DIGEST).digest()
