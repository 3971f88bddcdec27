"""Items in SQL, for every dialect: published, retracted, read from either end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from twisted.internet.defer import Deferred

from components.pubsub.model.item import Item
from components.pubsub.store.stored import NodeFull, NodeGone
from xmppd.jid import JID
from xmppd.storage.interfaces import Database, Transaction

_WRITTEN = (
    "UPDATE pubsub_nodes SET written = written + ?, items = items + ? WHERE id = ?"
    " RETURNING written, items"
)
_PUT = (
    "INSERT INTO pubsub_items (node, position, id, publisher, at, payload)"
    " VALUES (?, ?, ?, ?, ?, ?)"
)
_DROP = "DELETE FROM pubsub_items WHERE node = ? AND id = ?"
_DROP_OLDEST = (
    "DELETE FROM pubsub_items WHERE node = ? AND position <= (SELECT position FROM pubsub_items"
    " WHERE node = ? ORDER BY position DESC LIMIT 1 OFFSET ?) RETURNING id"
)
_COLUMNS = "SELECT id, publisher, at, payload, position FROM pubsub_items"
_LAST = f"{_COLUMNS} WHERE node = ? ORDER BY position DESC LIMIT ?"
_ONE = f"{_COLUMNS} WHERE node = ? AND id = ?"


class Published(NamedTuple):
    """What became of items that were published."""

    items: Sequence[Item]
    """They, with their positions."""
    dropped: Sequence[str]
    """The ids of those that had to go for them."""


class SQLItems:
    """The table `pubsub_items`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def publish(
        self, node: int, items: Sequence[Item], *, most: int, full: bool = False
    ) -> Deferred[Published]:
        """Keep items, each in place of one of the same id, and `most` in all.

        The oldest go for them. With `full` none go: it fails with `NodeFull`. Fails with
        `NodeGone`, too.
        """

        async def work(tx: Transaction) -> Published:
            again = 0
            for item in items:
                again += (await tx.execute(_DROP, (node, item.id))).changed
            rows = (await tx.execute(_WRITTEN, (len(items), len(items) - again, node))).rows
            if not rows:
                raise NodeGone(node)
            written, count = rows[0]
            put = []
            for position, item in enumerate(items, written - len(items) + 1):
                publisher, at, payload = item.publisher, item.at, item.payload
                await tx.execute(_PUT, (node, position, item.id, publisher, at, payload))
                put.append(item._replace(position=position))
            if count <= most:
                return Published(put, ())
            if full:
                raise NodeFull(node)
            dropped = [id_ for (id_,) in (await tx.execute(_DROP_OLDEST, (node, node, most))).rows]
            await tx.execute(_WRITTEN, (0, -len(dropped), node))
            return Published(put, dropped)

        return self._database.write(work)

    def retract(self, node: int, ids: Sequence[str]) -> Deferred[Sequence[str]]:
        """Have these no more; gives those that were there."""

        async def work(tx: Transaction) -> Sequence[str]:
            gone = [id_ for id_ in ids if (await tx.execute(_DROP, (node, id_))).changed]
            if gone:
                await tx.execute(_WRITTEN, (0, -len(gone), node))
            return gone

        return self._database.write(work)

    def last(self, node: int, most: int) -> Deferred[Sequence[Item]]:
        """The newest items, at most so many, the oldest of them first."""

        async def work(tx: Transaction) -> Sequence[Item]:
            rows = (await tx.execute(_LAST, (node, most))).rows
            return [_item(*row) for row in reversed(rows)]

        return self._database.read(work)

    def named(self, node: int, ids: Sequence[str]) -> Deferred[Sequence[Item]]:
        """Those of these ids that there are, in the order that they are asked for in."""

        async def work(tx: Transaction) -> Sequence[Item]:
            found = []
            for id_ in ids:
                found += [_item(*row) for row in (await tx.execute(_ONE, (node, id_))).rows]
            return found

        return self._database.read(work)


def _item(id_: str, publisher: str, at: float, payload: bytes, position: int) -> Item:
    return Item(id_, JID.parse(publisher), at, bytes(payload), position)
