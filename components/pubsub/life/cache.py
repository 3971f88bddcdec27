"""The last items of nodes that did not keep them, in memory (XEP-0060 §13.10).

Who comes later is told of them all the same, as long as there is room and the process lives.
"""

from __future__ import annotations

from collections import OrderedDict

from components.pubsub.model.item import Item
from components.pubsub.model.node import Address, Node
from xmppd.jid import JID

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
        self._fleeting: dict[JID, dict[int, Address]] = {}
        """Where those are that go with their publishers: by these, and by the nodes' ids."""

    def get(self, node: Node) -> Item | None:
        """The item that was published last to a node, if it is known."""
        return self._items.get(node.id)

    def put(self, node: Node, item: Item) -> None:
        """Have it be the last one."""
        self.drop(node)
        self._items[node.id] = item
        if item.fleeting is not None:
            self._fleeting.setdefault(item.publisher.bare, {})[node.id] = node.address
        self._octets += _octets(item)
        while self._octets > self._most:
            self.forget(next(iter(self._items)))

    def drop(self, node: Node) -> None:
        """Know of none."""
        self.forget(node.id)

    def forget(self, id_: int) -> None:
        """Know of none at a node of an id."""
        item = self._items.pop(id_, None)
        if item is not None:
            self._octets -= _octets(item)
            of_one = self._fleeting.get(item.publisher.bare, {})
            of_one.pop(id_, None)
            if not of_one:
                self._fleeting.pop(item.publisher.bare, None)

    # ------------------------------------------------------------------ what goes with somebody

    def any_of(self, publisher: JID) -> bool:
        """Whether there is any item that goes with somebody, by his bare JID."""
        return publisher in self._fleeting

    def seen(self, publisher: JID) -> None:
        """Know that somebody is there: what there is of his goes with him."""
        for id_ in self._fleeting.get(publisher, ()):
            self._items[id_] = self._items[id_]._replace(fleeting=1)

    def with_(self, publisher: JID) -> list[tuple[int, Address]]:
        """The nodes with such items of his, with their ids, though they may be gone.

        Not those since whose publication he was not there.
        """
        of_one = self._fleeting.get(publisher, {})
        return [(id_, address) for id_, address in of_one.items() if self._items[id_].fleeting]

    def clear(self) -> None:
        """Know of none at all: others may have published since."""
        self._items.clear()
        self._fleeting.clear()
        self._octets = 0


def _octets(item: Item) -> int:
    return _EACH + len(item.payload) + len(item.id) + len(item.publisher)
