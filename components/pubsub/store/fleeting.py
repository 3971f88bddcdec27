"""Items that go as their publishers go offline (XEP-0060 §17.4.4, `pubsub#purge_offline`), in SQL.

Those that are published while their node is set up so; and of those that were there before what
has been published by the account that it is at, or by who has made it and is its owner still. They
go once their publisher was seen to be there since, and is no more.
All that is asked here is answered by an index that has no other items.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from twisted.internet.defer import Deferred

from components.pubsub.model.node import Address
from xmppd.jid import JID
from xmppd.storage.interfaces import Database, Transaction

_MARK = (
    "UPDATE pubsub_items SET fleeting = 0 WHERE node = ? AND (publisher ="
    " (SELECT service FROM pubsub_nodes WHERE id = ?) OR publisher ="
    " (SELECT creator FROM pubsub_nodes n, pubsub_affiliations a WHERE n.id = ?"
    " AND a.node = n.id AND a.jid = n.creator AND a.affiliation = 'owner'))"
)
_UNMARK = "UPDATE pubsub_items SET fleeting = NULL WHERE node = ? AND fleeting IS NOT NULL"
_PUBLISHERS = (
    "SELECT publisher, min(fleeting) FROM pubsub_items WHERE fleeting IS NOT NULL"
    " GROUP BY publisher"
)
_ANY_OF = "SELECT 1 FROM pubsub_items WHERE publisher = ? AND fleeting IS NOT NULL LIMIT 1"
_SEEN = "UPDATE pubsub_items SET fleeting = 1 WHERE publisher = ? AND fleeting = 0"
_OF = "publisher = ? AND fleeting = 1"
_NODES_OF = (
    "SELECT n.id, n.service, n.name FROM (SELECT DISTINCT node FROM pubsub_items"
    f" WHERE {_OF} AND node > ? ORDER BY node LIMIT ?) i"
    " CROSS JOIN pubsub_nodes n WHERE n.id = i.node"
)
_TAKE = (
    "DELETE FROM pubsub_items WHERE node = ? AND position IN (SELECT position FROM pubsub_items"
    f" WHERE {_OF} AND node = ? AND at <= ? ORDER BY position LIMIT ?)"
    " RETURNING position, id, length(payload)"
)
_COUNT = "UPDATE pubsub_nodes SET items = items - ?, octets = octets - ? WHERE id = ?"


def fleeting(settings: Mapping[str, Any]) -> int:
    """Whether a node is set up so."""
    return int(bool(settings.get("purge_offline")))


async def mark(tx: Transaction, node: int, now: int) -> None:
    """Have items of a node go with their publishers, or (0) stay, since it is set up otherwise."""
    await (tx.execute(_MARK, (node, node, node)) if now else tx.execute(_UNMARK, (node,)))


class SQLFleeting:
    """Finds such items by their publishers, who are bare JIDs."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def publishers(self) -> Deferred[dict[JID, bool]]:
        """All who have published any, and whether each was seen to be there since."""

        async def work(tx: Transaction) -> dict[JID, bool]:
            rows = (await tx.execute(_PUBLISHERS)).rows
            return {JID.parse(bare): bool(seen) for bare, seen in rows}

        return self._database.read(work)

    def any_of(self, publisher: JID) -> Deferred[bool]:
        """Whether somebody has."""

        async def work(tx: Transaction) -> bool:
            return bool((await tx.execute(_ANY_OF, (publisher,))).rows)

        return self._database.read(work)

    def seen(self, publisher: JID) -> Deferred[None]:
        """Know that somebody is there: what he has published until now goes with him."""

        async def work(tx: Transaction) -> None:
            await tx.execute(_SEEN, (publisher,))

        return self._database.write(work)

    def nodes_of(
        self, publisher: JID, after: int, most: int
    ) -> Deferred[Sequence[tuple[int, Address]]]:
        """Nodes behind the one of an id with what goes with somebody, with their ids, in order."""

        async def work(tx: Transaction) -> Sequence[tuple[int, Address]]:
            rows = (await tx.execute(_NODES_OF, (publisher, after, most))).rows
            return [(id_, Address(JID.parse(to), name)) for id_, to, name in sorted(rows)]

        return self._database.read(work)

    def take(self, node: int, publisher: JID, until: float, most: int) -> Deferred[Sequence[str]]:
        """Delete what goes with somebody, and was published `until` then, the oldest `most`.

        Gives their ids, in the order in which they were published.
        """

        async def work(tx: Transaction) -> Sequence[str]:
            rows = (await tx.execute(_TAKE, (node, publisher, node, until, most))).rows
            if rows:
                await tx.execute(_COUNT, (len(rows), sum(size for _, _, size in rows), node))
            return [id_ for _, id_, _ in sorted(rows)]

        return self._database.write(work)
