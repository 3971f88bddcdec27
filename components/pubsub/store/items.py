"""Items in SQL, for every dialect: published, retracted, purged, and let go of by age.

How they are read is in `pages`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from twisted.internet.defer import Deferred

from components.common.paging import Found, Page
from components.pubsub.model.item import Item
from components.pubsub.model.room import Room
from components.pubsub.store import pages
from components.pubsub.store.stored import ItemGone, NodeFull, NodeGone, NotTheirs, TooManyOctets
from xmppd.jid import JID
from xmppd.storage.interfaces import Database, Transaction, Value

_WRITTEN = (
    "UPDATE pubsub_nodes SET written = written + ?, items = items + ?, octets = octets + ?"
    " WHERE id = ? RETURNING written, items, creator, service, fleeting"
)
_COUNT = (
    "UPDATE pubsub_nodes SET items = items + ?, octets = octets + ? WHERE id = ? RETURNING items"
)
_EMPTY = "UPDATE pubsub_nodes SET items = 0, octets = 0 WHERE id = ?"
_OCTETS = "SELECT sum(octets) FROM pubsub_nodes WHERE creator = ?"
_PUT = (
    "INSERT INTO pubsub_items (node, position, id, publisher, resource, at, fleeting, payload)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
)
_TAKE = "DELETE FROM pubsub_items WHERE node = ? AND id = ? RETURNING publisher, length(payload)"
_DROP_OLDEST = (
    "DELETE FROM pubsub_items WHERE node = ? AND position <= (SELECT position FROM pubsub_items"
    " WHERE node = ? ORDER BY position LIMIT 1 OFFSET ?) RETURNING position, id, length(payload)"
)
_PURGE = "DELETE FROM pubsub_items WHERE node = ?"
_OLDEST = (
    "SELECT id, kept, (SELECT at FROM pubsub_items WHERE node = pubsub_nodes.id"
    " ORDER BY position LIMIT 1) FROM pubsub_nodes WHERE id > ?{} ORDER BY id LIMIT ?"
)
_SOME, _ALL = _OLDEST.format(" AND kept > 0"), _OLDEST.format("")
_EXPIRE = (
    "DELETE FROM pubsub_items WHERE node = ? AND at <= ? AND position IN"
    " (SELECT position FROM pubsub_items WHERE node = ? ORDER BY position LIMIT ?)"
    " RETURNING length(payload)"
)


class Published(NamedTuple):
    """What became of items that were published."""

    items: Sequence[Item]
    """They, with their positions."""
    dropped: Sequence[str]
    """The ids of those that had to go for them."""


class Aging(NamedTuple):
    """A node, and how old its items may become."""

    node: int
    kept: int
    """Seconds, 0 for as long as the service lets them be kept."""
    oldest: float | None
    """When the oldest item was published; None where there is none."""


class SQLItems:
    """The table `pubsub_items`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def publish(
        self,
        node: int,
        items: Sequence[Item],
        *,
        most: int,
        full: bool = False,
        octets: int = 0,
        seen: bool = False,
    ) -> Deferred[Published]:
        """Keep items, each in place of one of the same id, and `most` in all.

        The oldest go for them. With `full` none go: it fails with `NodeFull`. Fails with
        `NodeGone`, and with `TooManyOctets` where all nodes that somebody has made would have more
        than `octets`, unless that is 0, or he is gone. No two of them have the same id. `seen` says
        whether their publisher is there (see `fleeting`).
        """

        return self._database.write(lambda tx: _publish(tx, node, items, most, full, octets, seen))

    def keep(self, node: int, item: Item, octets: int = 0) -> Deferred[bool]:
        """Keep the last item of a node that has kept none so far; gives whether it is kept.

        It is not where there is one by now: that one is newer, though its id may be the same. Fails
        as `publish` does.
        """

        async def work(tx: Transaction) -> bool:
            rows = (await tx.execute(_COUNT, (0, 0, node))).rows  # nobody else writes meanwhile
            if rows and rows[0][0]:
                return False
            await _publish(tx, node, [item], 1, False, octets, None)
            return True

        return self._database.write(work)

    def trim(self, node: int, most: int, at_once: int = 0) -> Deferred[Sequence[str]]:
        """Keep the newest `most` items; gives the ids of those that went, the oldest first.

        No more than `at_once` of them go, unless that is 0.
        """

        async def work(tx: Transaction) -> Sequence[str]:
            rows = (await tx.execute(_COUNT, (0, 0, node))).rows
            if not rows:
                return []
            count = rows[0][0]
            return await _trim(tx, node, count, max(most, count - at_once) if at_once else most)

        return self._database.write(work)

    def retract(self, node: int, ids: Sequence[str], of: JID | None = None) -> Deferred[None]:
        """Have these no more, all of them or none.

        Fails with `ItemGone` where there is no such item, with `NotTheirs` where one was published
        by somebody else than `of`, a bare JID, if there is one.
        """

        async def work(tx: Transaction) -> None:
            octets = 0
            for id_ in ids:
                rows = (await tx.execute(_TAKE, (node, id_))).rows
                if not rows:
                    raise ItemGone(id_)
                if of is not None and rows[0][0] != of:
                    raise NotTheirs(id_)
                octets += rows[0][1]
            await tx.execute(_COUNT, (-len(ids), -octets, node))

        return self._database.write(work)

    def purge(self, node: int) -> Deferred[None]:
        """Have none of its items any more."""

        async def work(tx: Transaction) -> None:
            await tx.execute(_EMPTY, (node,))
            await tx.execute(_PURGE, (node,))

        return self._database.write(work)

    # ------------------------------------------------------------------ what there is

    def last(self, node: int, most: int, since: float = 0) -> Deferred[Sequence[Item]]:
        """The newest items, at most so many, the oldest of them first."""
        return self._database.read(lambda tx: pages.newest(tx, node, most, since))

    def named(
        self, node: int, ids: Sequence[str], room: Room, since: float = 0
    ) -> Deferred[Found[Item]]:
        """Those of these ids, in the order that they are asked for in; see `pages.named`."""
        return self._database.read(lambda tx: pages.named(tx, node, ids, room, since))

    def page(self, node: int, page: Page, room: Room, since: float = 0) -> Deferred[Found[Item]]:
        """A page of the items in the order of publication; see `pages.find`."""
        return self._database.read(lambda tx: pages.find(tx, node, page, room, since))

    def ids(self, node: int, page: Page, since: float = 0) -> Deferred[Found[str]]:
        """A page of the ids of items, the oldest first; see `pages.ids`."""
        return self._database.read(lambda tx: pages.ids(tx, node, page, since))

    # ------------------------------------------------------------------ what is too old

    def aging(self, after: int, most: int, *, every: bool) -> Deferred[Sequence[Aging]]:
        """Nodes behind the one of id `after`, in order: those that keep items for some time.

        Or all of them, with `every`.
        """

        async def work(tx: Transaction) -> Sequence[Aging]:
            rows = (await tx.execute(_ALL if every else _SOME, (after, most))).rows
            return [Aging(*row) for row in rows]

        return self._database.read(work)

    def expire(self, node: int, until: float, most: int) -> Deferred[int]:
        """Delete the oldest items that were published `until` then, `most` at most.

        Gives how many went.
        """

        async def work(tx: Transaction) -> int:
            gone = (await tx.execute(_EXPIRE, (node, until, node, most))).rows
            if gone:
                octets = sum(size for (size,) in gone)
                await tx.execute(_COUNT, (-len(gone), -octets, node))
            return len(gone)

        return self._database.write(work)


async def _publish(
    tx: Transaction,
    node: int,
    items: Sequence[Item],
    most: int,
    full: bool,
    octets: int,
    seen: bool | None,
) -> Published:
    """See `SQLItems.publish`; with `seen` None whether items are `fleeting` is as they say."""
    again, more = 0, sum(len(item.payload) for item in items)
    for item in items:
        for _, size in (await tx.execute(_TAKE, (node, item.id))).rows:
            again += 1
            more -= size
    values = (len(items), len(items) - again, more, node)
    rows = (await tx.execute(_WRITTEN, values)).rows
    if not rows:
        raise NodeGone(node)
    written, count, creator, service, fleeting = rows[0]
    if full and count > most and again < len(items):
        raise NodeFull(node)
    put = []
    for position, item in enumerate(items, written - len(items) + 1):
        if seen is not None:
            item = item._replace(fleeting=int(seen) if fleeting else None)
        await tx.execute(_PUT, _row(node, position, item))
        put.append(item._replace(position=position))
    dropped = [] if full else await _trim(tx, node, count, most)
    of_somebody = creator != service or "@" in creator
    if octets and more > 0 and of_somebody:
        taken: int = (await tx.execute(_OCTETS, (creator,))).rows[0][0]
        if taken > octets:
            raise TooManyOctets(creator)
    return Published(put, dropped)


def _row(node: int, position: int, item: Item) -> Sequence[Value]:
    bare = item.publisher.bare
    resource = item.publisher.removeprefix(bare)
    return node, position, item.id, bare, resource, item.at, item.fleeting, item.payload


async def _trim(tx: Transaction, node: int, count: int, most: int) -> Sequence[str]:
    """Drop the oldest of `count` items beyond `most`; gives their ids."""
    if count <= most:
        return []
    rows = (await tx.execute(_DROP_OLDEST, (node, node, count - most - 1))).rows
    await tx.execute(_COUNT, (-len(rows), -sum(size for _, _, size in rows), node))
    return [id_ for _, id_, _ in sorted(rows)]
