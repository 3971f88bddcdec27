"""The last items of nodes that did not keep them, in memory (XEP-0060 §13.10).

Who comes later is told of them all the same, as long as there is room and the process lives.
"""

from __future__ import annotations

from collections import OrderedDict

from components.pubsub.model.item import Item
from components.pubsub.model.node import Node

OCTETS = 16_777_216
"""What all of them may take together; those that were published longest ago go first."""

_EACH = 500
"""What an item takes besides its payload, its id and who has published it."""


class Cache:
    """One item a node, the newest."""

    def __init__(self, octets: int = OCTETS) -> None:
        self._most = octets
        self._octets = 0
        self._items: OrderedDict[int, Item] = OrderedDict()
        """By the id of the node."""

    def get(self, node: Node) -> Item | None:
        """The item that was published last to a node, if it is known."""
        return self._items.get(node.id)

    def put(self, node: Node, item: Item) -> None:
        """Have it be the last one."""
        self.drop(node)
        self._items[node.id] = item
        self._octets += _octets(item)
        while self._octets > self._most:
            _, oldest = self._items.popitem(last=False)
            self._octets -= _octets(oldest)

    def drop(self, node: Node) -> None:
        """Know of none."""
        item = self._items.pop(node.id, None)
        if item is not None:
            self._octets -= _octets(item)

    def clear(self) -> None:
        """Know of none at all: others may have published since."""
        self._items.clear()
        self._octets = 0


def _octets(item: Item) -> int:
    return _EACH + len(item.payload) + len(item.id) + len(item.publisher)
