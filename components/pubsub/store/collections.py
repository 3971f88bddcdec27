"""Which nodes are in which collections, in SQL (XEP-0248 §4.1): a graph that never has a cycle."""

from __future__ import annotations

from collections.abc import Sequence

from twisted.internet.defer import Deferred

from components.pubsub.store.stored import Cycle, Links, NodeGone, TooManyChildren
from xmppd.storage.interfaces import Database, Transaction

_HOLD = "UPDATE pubsub_nodes SET name = name WHERE id = ?"
_PUT = "INSERT INTO pubsub_children (collection, child) VALUES (?, ?) ON CONFLICT DO NOTHING"
_DROP = "DELETE FROM pubsub_children WHERE collection = ? AND child = ?"
_CHILDREN = (
    "SELECT n.name FROM pubsub_children c JOIN pubsub_nodes n ON n.id = c.child"
    " WHERE c.collection = ?"
)
_COLLECTIONS = (
    "SELECT n.name FROM pubsub_children c JOIN pubsub_nodes n ON n.id = c.collection"
    " WHERE c.child = ?"
)
_HAS = "SELECT count(*) FROM pubsub_children WHERE collection = ?"
_IS_IN = "SELECT count(*) FROM pubsub_children WHERE child = ?"
_ABOVE_ITSELF = (
    "WITH RECURSIVE above (id) AS (SELECT collection FROM pubsub_children WHERE child = ?"
    " UNION SELECT c.collection FROM pubsub_children c JOIN above ON c.child = above.id)"
    " SELECT 1 FROM above WHERE id = ?"
)


class SQLCollections:
    """The table `pubsub_children`. What changes it is written with its node, by `SQLNodes`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def children(self, id_: int) -> Deferred[Sequence[str]]:
        """The NodeIDs of the nodes in a collection, sorted."""
        return self._database.read(lambda tx: children(tx, id_))

    def collections(self, id_: int) -> Deferred[Sequence[str]]:
        """The NodeIDs of the collections that a node is in, sorted."""
        return self._database.read(lambda tx: collections(tx, id_))


async def children(tx: Transaction, id_: int) -> Sequence[str]:
    """See `SQLCollections.children`."""
    return sorted(name for (name,) in (await tx.execute(_CHILDREN, (id_,))).rows)


async def collections(tx: Transaction, id_: int) -> Sequence[str]:
    """See `SQLCollections.collections`."""
    return sorted(name for (name,) in (await tx.execute(_COLLECTIONS, (id_,))).rows)


async def link(tx: Transaction, id_: int, links: Links) -> None:
    """Change where a node stands.

    Raises `NodeGone` where a node that is to be linked is gone, `Cycle`, `TooManyChildren`.
    """
    joined = [parent.id for parent in links.joins]
    # In one order, or two who link the same nodes wait for each other.
    for each in sorted({id_, *joined, *links.adopts}):
        if not (await tx.execute(_HOLD, (each,))).changed:
            raise NodeGone(each)
    for collection in links.leaves:
        await tx.execute(_DROP, (collection, id_))
    for child in links.drops:
        await tx.execute(_DROP, (id_, child))
    for collection in joined:
        await tx.execute(_PUT, (collection, id_))
    for child in links.adopts:
        await tx.execute(_PUT, (id_, child))
    await _check(tx, id_, links)


async def _check(tx: Transaction, id_: int, links: Links) -> None:
    if (links.joins or links.adopts) and (await tx.execute(_ABOVE_ITSELF, (id_, id_))).rows:
        raise Cycle(id_)
    for parent in links.joins:
        await _count(tx, _HAS, parent.id, parent.most)
    if links.adopts:
        await _count(tx, _HAS, id_, links.children)
    for each in (*links.adopts, *([id_] if links.joins else ())):
        await _count(tx, _IS_IN, each, links.collections)


async def _count(tx: Transaction, question: str, id_: int, most: int) -> None:
    if (await tx.execute(question, (id_,))).rows[0][0] > most:
        raise TooManyChildren(id_)
