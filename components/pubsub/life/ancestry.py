"""The collections that a node is in, and those that they are in (XEP-0248 §4.1)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from twisted.logger import Logger

from components.pubsub.life.nodes import Nodes
from components.pubsub.model.node import Address, Node
from components.pubsub.store.collections import SQLCollections
from xmppd.jid import JID

log = Logger(namespace="component")

MOST = 200
"""Collections through which an event is told of; those that are nearest come first."""


class Above(NamedTuple):
    """A collection above a node."""

    node: Node
    distance: int
    """1 where the node is in it itself."""


class Ancestry:
    """Finds collections.

    Where `shared` says so, other instances have some of the nodes at the domain, and may have one
    come into a collection that is in memory here: then the store is asked.
    """

    def __init__(
        self,
        nodes: Nodes,
        collections: SQLCollections,
        shared: Callable[[], bool] = lambda: False,
        most: int = MOST,
    ) -> None:
        self._nodes = nodes
        self._collections = collections
        self._shared = shared
        self._most = most

    def shared(self, node: Node) -> bool:
        """Whether another instance may have a node come into a collection."""
        return not node.personal and self._shared()

    async def collections(self, node: Node) -> Sequence[str]:
        """The collections that a node is in itself."""
        if not self.shared(node):
            return node.settings.collection
        return await self._collections.collections(node.id)

    async def above(self, service: JID, names: Iterable[str]) -> list[Above]:
        """The collections of these names, and all that they are in, the nearest first."""
        found: list[Above] = []
        known, distance = set(names), 1
        level = sorted(known)
        while level:
            beyond: set[str] = set()
            for name in level:
                node = await self._nodes.open(Address(service, name))
                if node is None:
                    continue  # it was deleted meanwhile
                if len(found) == self._most:
                    log.warn("{node} is in too many collections", node=node.address.name)
                    return found
                found.append(Above(node, distance))
                beyond.update(await self.collections(node))
            level = sorted(beyond - known)
            known |= beyond
            distance += 1
        return found
