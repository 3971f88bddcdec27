"""Which nodes are open: read from the store when they are asked for, let go when there are many."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from components.pubsub.faults import refusal
from components.pubsub.model import settings as setting
from components.pubsub.model.node import Address, Node
from components.pubsub.model.policy import Policy
from components.pubsub.model.ranks import Affiliation
from components.pubsub.model.settings import AT_DOMAIN, PERSONAL, Settings
from components.pubsub.store.nodes import SQLNodes
from components.pubsub.store.stored import NodeExists, StoredNode, TooManyNodes
from xmppd.errors import StanzaError
from xmppd.jid import JID

MOST = 200_000
"""What open nodes may have in memory together, in entries; see `Node.__len__`."""


class Nodes:
    """The nodes of all services."""

    def __init__(
        self, store: SQLNodes, policy: Policy, now: Callable[[], float], most: int = MOST
    ) -> None:
        self._store = store
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

    async def _load(self, address: Address) -> StoredNode | None:
        """What the store has, read once for all who ask at the same time."""
        loading = self._opening.get(address)
        if loading is None:
            loading = self._opening[address] = []
            try:
                stored = await self._store.load(address)
            except Exception:
                self._tell(address, Failure())
                raise
            self._tell(address, stored)
            return stored
        waiting: Deferred[StoredNode | None] = Deferred(loading.remove)
        loading.append(waiting)
        return await waiting

    def _tell(self, address: Address, outcome: StoredNode | Failure | None) -> None:
        for waiting in self._opening.pop(address):
            waiting.callback(outcome)

    def _keep(self, node: Node) -> Node:
        """Have a node open; those that nobody has asked for the longest go."""
        self._open[node.address] = node
        self._weight += len(node)
        while self._weight > self._most and len(self._open) > 1:
            self._weight = sum(map(len, self._open.values()))  # they have grown, or shrunk
            if self._weight > self._most:
                _, oldest = self._open.popitem(last=False)
                self._weight -= len(oldest)
        return node

    async def create(
        self,
        address: Address,
        settings: Settings,
        creator: JID,
        affiliations: Mapping[JID, Affiliation] | None = None,
    ) -> Node:
        """Make a node, its creator's own.

        Raises StanzaError: `conflict` where there is one (§8.1.1), `resource-constraint` where its
        creator has made as many as he may.
        """
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
            )
        except NodeExists:
            raise refusal("conflict", text="there is one already", reason="pubsub.exists") from None
        except TooManyNodes:
            raise StanzaError(
                "resource-constraint", "you have as many as you may", reason="pubsub.nodes"
            ) from None
        node = Node(id_, address, settings, creator, now)
        node.affiliations = ranks
        return self._keep(node)

    async def delete(self, node: Node) -> bool:
        """Have a node no more; the caller holds its lock. Whether it was there until now."""
        removed = await self._store.remove(node.id)
        node.gone = True
        if self._open.get(node.address) is node:
            del self._open[node.address]
        return removed

    def clear(self) -> None:
        """Let go of all: others may change them from here on."""
        self._open.clear()


def defaults(address: Address) -> Settings:
    """How a node at an address is set up where nobody says otherwise."""
    return PERSONAL if address.personal else AT_DOMAIN


def _opened(stored: StoredNode) -> Node:
    settings = setting.restored(stored.settings, defaults(stored.address))
    node = Node(stored.id, stored.address, settings, stored.creator, stored.created)
    node.affiliations = dict(stored.affiliations)
    for each in stored.subscriptions:
        node.put(each)
    return node
