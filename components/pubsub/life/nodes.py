"""Which nodes are open: read from the store when they are asked for, let go when there are many."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from components.pubsub.faults import no_node, refusal
from components.pubsub.model import nodeid
from components.pubsub.model import settings as setting
from components.pubsub.model.node import Address, Node
from components.pubsub.model.policy import Policy
from components.pubsub.model.ranks import Affiliation
from components.pubsub.model.settings import AT_DOMAIN, Settings, personal
from components.pubsub.store.nodes import SQLNodes
from components.pubsub.store.stored import (
    NO_LINKS,
    Cycle,
    Links,
    Moved,
    NodeExists,
    NodeGone,
    StoredNode,
    TooManyChildren,
    TooManyNodes,
)
from xmppd.errors import StanzaError
from xmppd.jid import JID

MOST = 256 * 1024 * 1024
"""What open nodes may have in memory together, in octets; see `Node.weight`."""


class Nodes:
    """The nodes of all services."""

    def __init__(
        self,
        store: SQLNodes,
        policy: Policy,
        now: Callable[[], float],
        most: int = MOST,
        own: Callable[[Address], bool] = lambda address: True,
    ) -> None:
        self._store = store
        self._own = own
        self._policy = policy
        self._now = now
        self._most = most
        self._open: OrderedDict[Address, Node] = OrderedDict()
        self._weight = 0
        self._opening: dict[Address, list[Deferred[StoredNode | None]]] = {}
        """Who waits for what is being read."""

    def at_hand(self, address: Address) -> Node | None:
        """The node, if it is open: without a Deferred, which takes longer."""
        node = self._open.get(address)
        if node is not None:
            self._open.move_to_end(address)
            if node.counted[1] != node.revision:
                self._count(node)
        return node

    async def open(self, address: Address) -> Node | None:
        """The node at an address; None where there is none."""
        node = self.at_hand(address)
        if node is not None:
            return node
        stored = await self._load(address)
        # Somebody may have opened or made it meanwhile.
        node = self._open.get(address)
        if node is None and stored is not None:
            node = self._keep(_opened(stored))
        return node

    def _load(self, address: Address) -> Deferred[StoredNode | None]:
        """What the store has, read once for all who ask at the same time.

        They go on in the order in which they have asked: whoever publishes twice to a node that is
        not open yet has it so.
        """
        first = address not in self._opening
        loading = self._opening.setdefault(address, [])
        waiting: Deferred[StoredNode | None] = Deferred(loading.remove)
        loading.append(waiting)
        if first:
            self._store.load(address).addBoth(self._loaded, address)
        return waiting

    def _loaded(self, outcome: StoredNode | Failure | None, address: Address) -> None:
        waiting = self._opening.pop(address)
        while waiting:
            waiting.pop(0).callback(outcome)

    def _keep(self, node: Node) -> Node:
        """Have a node open, if it is this instance's; those not asked for the longest go.

        But for those that are just being changed: there is never more than one of a node.
        """
        if not self._own(node.address):
            return node
        there = self._open.get(node.address)
        if there is not None:
            if there.id == node.id:
                return there  # somebody has opened it as soon as the store had it
            self.let_go(there)
        self._open[node.address] = node
        self._count(node)
        return node

    def _count(self, node: Node) -> None:
        """Take what a node has in memory by now for what it has, and make room for it."""
        weight = node.weight
        self._weight += weight - node.counted[0]
        node.counted = weight, node.revision
        over = self._weight - self._most
        if over > 0:
            spare: list[Node] = []
            for oldest in self._open.values():
                if over <= 0:
                    break
                if oldest is not node and not oldest.lock.locked and not oldest.publishing:
                    spare.append(oldest)
                    over -= oldest.counted[0]
            for each in spare:
                self.let_go(each)

    async def create(
        self,
        address: Address,
        settings: Settings,
        creator: JID,
        affiliations: Mapping[JID, Affiliation] | None = None,
        links: Links = NO_LINKS,
    ) -> Node:
        """Make a node, its creator's own; `settings` have the collections of `links`.

        Raises StanzaError: `not-acceptable` for what is no NodeID, `conflict` where there is one
        (§8.1.1), `resource-constraint` where its creator has made as many as he may, and as
        `unlinked` has it.
        """
        try:
            nodeid.check(address.name)
        except ValueError as error:
            raise StanzaError("not-acceptable", str(error), reason="pubsub.nodeid") from error
        creator = creator.bare
        ranks = dict(affiliations or {})
        if not address.personal:
            ranks.setdefault(creator, Affiliation.OWNER)
        now = self._now()
        try:
            id_ = await self._store.create(
                address,
                setting.stored(settings),
                ranks,
                creator=creator,
                now=now,
                most=self._policy.nodes,
                links=links,
            )
        except NodeExists:
            raise refusal("conflict", text="there is one already", reason="pubsub.exists") from None
        except TooManyNodes:
            raise StanzaError(
                "resource-constraint", "you have as many as you may", reason="pubsub.nodes"
            ) from None
        except (NodeGone, Cycle, TooManyChildren) as wrong:
            raise unlinked(wrong) from None
        node = Node(id_, address, settings, creator, now)
        node.affiliations = ranks
        return self._keep(node)

    async def save(
        self, node: Node, settings: Settings, links: Links = NO_LINKS, *, purge: bool = False
    ) -> None:
        """Have a node set up so, and with `purge` without items; the caller holds its lock.

        Raises StanzaError: `item-not-found` where it is gone, and as `unlinked` has it.
        """
        try:
            collections = await self._store.save(
                node.id, setting.stored(settings), links, purge=purge
            )
        except (NodeGone, Cycle, TooManyChildren) as wrong:
            raise unlinked(wrong) from None
        node.settings = settings.change(collection=tuple(collections))
        node.revision += 1

    async def delete(self, node: Node, moved: Moved | None = None) -> None:
        """Have a node no more; the caller holds its lock."""
        removed = await self._store.remove(node.id, moved)
        node.gone = True
        self.let_go(node)
        for name in removed.children:
            child = self._open.get(Address(node.address.service, name))
            if child is not None:
                leave(child, node.address.name)

    async def settled(self) -> None:
        """Wait until whatever is being read by now has been read."""
        for address in list(self._opening):
            await self.open(address)

    def let_go(self, node: Node) -> None:
        """Have it read anew when it is asked for again."""
        if self._open.get(node.address) is node:
            del self._open[node.address]
            self._weight -= node.counted[0]
            node.counted = 0, node.revision

    def opened(self) -> list[Node]:
        """All that are open."""
        return list(self._open.values())

    def clear(self) -> None:
        """Let go of all: others may change them from here on."""
        for node in self._open.values():
            node.counted = 0, node.revision
        self._open.clear()
        self._weight = 0


def defaults(address: Address) -> Settings:
    """How a node at an address is set up where nobody says otherwise."""
    return personal(address.name) if address.personal else AT_DOMAIN


def join(child: Node, collection: str) -> None:
    """Have a node that is open be in a collection, as the store has it already."""
    names = {*child.settings.collection, collection}
    child.settings = child.settings.change(collection=tuple(sorted(names)))
    child.revision += 1


def leave(child: Node, collection: str) -> None:
    """The contrary of `join`."""
    names = set(child.settings.collection) - {collection}
    child.settings = child.settings.change(collection=tuple(sorted(names)))
    child.revision += 1


def unlinked(wrong: NodeGone | Cycle | TooManyChildren) -> StanzaError:
    """Why nodes are not linked (XEP-0248 §7.2.3.3, §7.2.3.5)."""
    if isinstance(wrong, Cycle):
        text = "a collection would be in itself"
        return refusal("not-allowed", "invalid-options", text, reason="pubsub.cycle")
    if isinstance(wrong, TooManyChildren):
        return refusal("not-allowed", "max-nodes-exceeded", reason="pubsub.children")
    return no_node()


def _opened(stored: StoredNode) -> Node:
    settings = setting.restored(stored.settings, defaults(stored.address))
    settings = settings.change(collection=tuple(stored.collections))
    node = Node(stored.id, stored.address, settings, stored.creator, stored.created)
    node.affiliations = dict(stored.affiliations)
    for each in stored.subscriptions:
        node.put(each)
    return node
