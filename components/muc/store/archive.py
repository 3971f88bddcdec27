"""What was said in rooms: their history (XEP-0045 §7.2.13) and archives (XEP-0313).

Rule 1: of one archive the positions of messages have no gap: only the oldest are ever deleted
(XEP-0313 §3.2), a message that was retracted keeps its place.
Rule 2: what deletes much does so in slices, between which others write.
Rule 3: what somebody said stays when his account is removed: it belongs to the room.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import partial
from typing import NamedTuple, TypeVar

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from components.common.paging import Page
from components.common.whole import Lock
from components.muc.model.history import Said
from components.muc.store import pages as archive_pages
from components.muc.store.journal import Journal
from components.muc.store.pages import Query, Result
from components.muc.store.rows import execute_rows
from components.muc.store.stored import RoomGone
from xmppd.storage.interfaces import Database, Transaction, Value, Work

__all__ = ["Archive", "End", "Query", "Result", "Said"]

T = TypeVar("T")

SLICE = 500
"""How many messages one unit of work deletes."""

_RESERVE = (
    "UPDATE room_archives SET written = written + coming.column2 FROM (VALUES {}) AS coming"
    " WHERE room = coming.column1 AND NOT closed RETURNING room, written"
)
_PUT = (
    "INSERT INTO room_messages (room, position, number, id, origin, lang, nick, author, resource,"
    " occupant, encoded) VALUES {}"
)
_REPLACE = "UPDATE room_messages SET encoded = ? WHERE room = ? AND id = ?"
_FIRST = "SELECT id, number FROM room_messages WHERE room = ? ORDER BY position LIMIT 1"
_LAST = "SELECT id, number FROM room_messages WHERE room = ? ORDER BY position DESC LIMIT 1"
_OLDEST = "SELECT position FROM room_messages WHERE room = ? ORDER BY position LIMIT 1"
_DELETE = "DELETE FROM room_messages WHERE room = ? AND position <= ?"
_ALL = (
    "SELECT written, (SELECT position FROM room_messages AS said WHERE said.room = kept.room"
    " ORDER BY position LIMIT 1) FROM room_archives AS kept WHERE room = ?"
)
_WITH_OLDER = (
    "SELECT room FROM room_archives WHERE (SELECT number FROM room_messages"
    " WHERE room_messages.room = room_archives.room ORDER BY position LIMIT 1) < ? LIMIT ?"
)
_OLDER = (
    "SELECT position FROM room_messages WHERE room = ? AND number < ? ORDER BY number DESC LIMIT 1"
)
_CLOSED = "SELECT room FROM room_archives WHERE closed LIMIT 1"
_END = "DELETE FROM room_archives WHERE room = ?"
_LATEST = 2**63 - 1


class End(NamedTuple):
    """The message at one end of an archive (XEP-0313 §5): its id, and `Said.number`."""

    id: str
    number: int


class _Coming(NamedTuple):
    room: int
    message: Said


class Archive:
    """The tables `room_archives` and `room_messages` of `schema/muc/0001_rooms.sql`.

    A room is an id.
    """

    def __init__(self, database: Database, journal: Journal) -> None:
        self._database = database
        self._journal = journal
        self._scans = Lock()

    def add(self, room: int, message: Said) -> Deferred[None]:
        """Put a message behind all others of the room, whose `number` is less.

        Fires when it is on the disk. Fails with `RoomGone`, and as `Journal.add` does.
        """
        return self._journal.add(self, _Coming(room, message), message.size)

    def keep(self, room: int, message: Said) -> Deferred[None]:
        """The same, where a room that is gone meanwhile takes along what was said in it."""
        return self.add(room, message).addErrback(_all_over)

    def newest(self, room: int, most: int) -> Deferred[Sequence[Said]]:
        """The last messages of a room, at most `most`, oldest first."""
        return self._database.read(lambda tx: archive_pages.newest(tx, room, most))

    def get(self, room: int, id_: str) -> Deferred[Said | None]:
        """The message of this id; None where the archive has it not."""
        return self._read(lambda tx: archive_pages.get(tx, room, id_))

    def replace(self, room: int, id_: str, inner: bytes) -> Deferred[bool]:
        """Have other content in a message's place, such as a tombstone; False where it is not.

        All else stays, so that queries remain consistent (XEP-0313 §3.2).
        """

        async def work(tx: Transaction) -> bool:
            return bool((await tx.execute(_REPLACE, (inner, room, id_))).changed)

        # It may be on its way.
        return self._journal.settled().addCallback(lambda _: self._database.write(work))

    def find(self, room: int, query: Query, page: Page) -> Deferred[Result]:
        """A page of the messages that match.

        Fails with StanzaError `item-not-found` for an id that the archive does not have
        (XEP-0313 §4.1.3, §4.3.2), and as `pages.find` says.
        """

        def find() -> Deferred[Result]:
            return self._read(lambda tx: archive_pages.find(tx, room, query, page))

        # Who looks for one person's messages may have all of an archive read: one after the other,
        # so that what others want to read has its turn between them.
        return self._scans.run(find) if query.scans else find()

    def ends(self, room: int) -> Deferred[tuple[End, End] | None]:
        """The first and the last message of a room's archive; None where it is empty."""

        async def work(tx: Transaction) -> tuple[End, End] | None:
            first = (await tx.execute(_FIRST, (room,))).rows
            if not first:
                return None
            return End(*first[0]), End(*(await tx.execute(_LAST, (room,))).rows[0])

        return self._read(work)

    def _read(self, work: Work[T]) -> Deferred[T]:
        """Read behind what is on its way: who was sent a message finds it (XEP-0313 §3.5)."""
        return self._journal.settled().addCallback(lambda _: self._database.read(work))

    # ------------------------------------------------------------------ what goes

    def trim(self, room: int, keep: int) -> Deferred[int]:
        """Delete all but the newest `keep` messages of a room; gives how many went."""

        async def work(tx: Transaction) -> tuple[int, int | None]:
            rows = (await tx.execute(_ALL, (room,))).rows
            return rows[0] if rows else (0, None)

        async def trim() -> int:
            last, first = await self._database.read(work)
            if first is None or last - keep < first:
                return 0
            return await self._cut(room, last - keep, _LATEST)

        return Deferred.fromCoroutine(trim())

    def expire(self, before: int, most: int) -> Deferred[int]:
        """Delete messages of all rooms whose number is less than `before`, at most `most`.

        Gives how many went: where it is less than `most`, nothing that old is left.
        """

        async def work(tx: Transaction) -> Sequence[tuple[int, int]]:
            rooms = (await tx.execute(_WITH_OLDER, (before, most))).rows
            return [
                (room, (await tx.execute(_OLDER, (room, before))).rows[0][0]) for (room,) in rooms
            ]

        async def expire() -> int:
            gone = 0
            for room, upto in await self._database.read(work):
                gone += await self._cut(room, upto, most - gone)
            return gone

        return Deferred.fromCoroutine(expire())

    def sweep(self) -> Deferred[int]:
        """Delete the archives of rooms that were removed; gives how many messages went.

        To be called behind a removal, and at the start, since a process may end meanwhile.
        """

        async def work(tx: Transaction) -> int | None:
            rows = (await tx.execute(_CLOSED)).rows
            if not rows:
                return None
            room = rows[0][0]
            gone = await _slice(tx, room, _LATEST, SLICE)
            if gone is None:
                await tx.execute(_END, (room,))
            return gone or 0

        async def sweep() -> int:
            all_gone = 0
            while (gone := await self._database.write(work)) is not None:
                all_gone += gone
            return all_gone

        return Deferred.fromCoroutine(sweep())

    async def put(self, tx: Transaction, rows: Sequence[_Coming]) -> Sequence[Exception | None]:
        """See `journal.Table.put`."""
        coming = Counter(room for room, _ in rows)
        reserved = await execute_rows(tx, _RESERVE, sorted(coming.items()))
        positions = {room: written - coming[room] for room, written in reserved}
        outcomes: list[Exception | None] = []
        put = []
        for room, message in rows:
            if room not in positions:
                outcomes.append(RoomGone(room))
                continue
            positions[room] += 1
            put.append((room, positions[room], *_row(message)))
            outcomes.append(None)
        await execute_rows(tx, _PUT, put)
        return outcomes

    async def _cut(self, room: int, upto: int, most: int) -> int:
        """Delete a room's messages up to a position, slice by slice, at most `most`."""
        gone = 0
        while gone < most:
            size = min(SLICE, most - gone)
            some = await self._database.write(partial(_slice, room=room, upto=upto, most=size))
            if not some:
                break
            gone += some
        return gone


def _all_over(failure: Failure) -> None:
    failure.trap(RoomGone)


def _row(said: Said) -> tuple[Value, ...]:
    number, id_, origin, lang, nick, session, occupant, inner = said
    author, resource = session.bare, session.resource
    return number, id_, origin, lang, nick, author, resource, occupant, inner


async def _slice(tx: Transaction, room: int, upto: int, most: int) -> int | None:
    """Delete the oldest messages of a room, at most `most`; None where there is none at all."""
    rows = (await tx.execute(_OLDEST, (room,))).rows
    if not rows:
        return None
    last = min(upto, rows[0][0] + most - 1)
    return (await tx.execute(_DELETE, (room, last))).changed
