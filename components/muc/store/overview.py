"""All rooms of the store at a glance, whichever process has them in memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from twisted.internet.defer import Deferred

from xmppd.jid import JID
from xmppd.storage.interfaces import Database, Transaction

_INHABITED = (
    "SELECT id, address FROM rooms WHERE id > ?"
    " AND EXISTS (SELECT 1 FROM room_sessions WHERE room = id) ORDER BY id LIMIT ?"
)
_LISTED = (
    "SELECT address, name, public, persistent,"
    " (SELECT count(*) FROM room_sessions WHERE room = id) FROM rooms"
    " WHERE address > ? ORDER BY address LIMIT ?"
)


class Inhabited(NamedTuple):
    """A room in which the store has somebody."""

    id: int
    address: JID


class Seen(NamedTuple):
    """A room as an operator sees it; `sessions` is how many clients are in it."""

    address: JID
    name: str
    public: bool
    persistent: bool
    sessions: int


class Overview:
    """The tables `rooms` and `room_sessions` of `schema/muc/0001_rooms.sql`, read only."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def inhabited(self, after: int, most: int) -> Deferred[Sequence[Inhabited]]:
        """At most `most` rooms in which somebody is, of a number above `after`, in order."""

        async def work(tx: Transaction) -> Sequence[Inhabited]:
            rows = (await tx.execute(_INHABITED, (after, most))).rows
            return [Inhabited(id_, JID.parse(address)) for id_, address in rows]

        return self._database.read(work)

    def rooms(self, after: str, most: int) -> Deferred[Sequence[Seen]]:
        """At most `most` rooms behind the address `after`, public or not, in order."""

        async def work(tx: Transaction) -> Sequence[Seen]:
            rows = (await tx.execute(_LISTED, (after, most))).rows
            return [Seen(JID.parse(a), n, bool(u), bool(p), c) for a, n, u, p, c in rows]

        return self._database.read(work)
