"""Nodes come into collections, and go: who may have them do so, and what changes (XEP-0248 §7).

Rule 1: a node comes into a collection only where its owner wants it, and the collection lets him.
Rule 2: it goes where either's owner wants it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import ExitStack
from typing import Any, NamedTuple

from components.pubsub.faults import forbidden, no_node, refusal
from components.pubsub.life.access import Access
from components.pubsub.life.nodes import Nodes, join, leave, unlinked
from components.pubsub.model.node import Address, Node
from components.pubsub.model.policy import Policy
from components.pubsub.model.privileges import Privilege
from components.pubsub.model.settings import Settings
from components.pubsub.store.collections import SQLCollections
from components.pubsub.store.stored import NO_LINKS, Links, Parent, TooManyChildren
from xmppd.errors import StanzaError
from xmppd.jid import JID

CHILDREN, COLLECTION = "children", "collection"
"""The changes of a configuration that say what is in a node, and what it is in."""


class Plan(NamedTuple):
    """How the place of a node among others changes."""

    joined: Sequence[Node] = ()
    """The collections that it comes into."""
    left: Sequence[Node] = ()
    """Those that it goes from."""
    adopted: Sequence[Node] = ()
    """The nodes that come into it."""
    dropped: Sequence[Node] = ()
    """Those that go from it."""
    links: Links = NO_LINKS
    """The same, for the store."""

    @property
    def nothing(self) -> bool:
        """Whether nothing changes."""
        return not (self.joined or self.left or self.adopted or self.dropped)

    def take_effect(self, name: str) -> None:
        """Have the nodes in memory that come into this one, or go, be as the store has them."""
        for child in self.adopted:
            join(child, name)
        for child in self.dropped:
            leave(child, name)


NOTHING = Plan()


class Linking:
    """Decides which nodes come into which collections."""

    def __init__(
        self, nodes: Nodes, collections: SQLCollections, access: Access, policy: Policy
    ) -> None:
        self._nodes = nodes
        self._collections = collections
        self._access = access
        self._policy = policy

    async def plan(
        self, service: JID, node: Node | None, new: Settings, changes: Mapping[str, Any], asker: JID
    ) -> Plan:
        """What becomes of a node, None for a new one, that is to be set up so.

        Raises StanzaError: `item-not-found` for nodes that are not there, `forbidden` (XEP-0248
        §7.2.3.2), `not-allowed` for a leaf with children (§7.2.3.1).
        """
        parents, children = changes.get(COLLECTION), changes.get(CHILDREN)
        if children and new.node_type == "leaf":
            raise no_collection()
        if parents is None and children is None:
            return NOTHING
        is_in = [] if node is None else await self._collections.collections(node.id)
        has = [] if node is None else await self._collections.children(node.id)
        joins, leaves = _differences(parents, is_in)
        adopts, drops = _differences(children, has)
        if len(joins) > self._policy.collections:
            raise unlinked(TooManyChildren())
        # Each is looked at before the next one is opened: a form may name a thousand.
        joined = []
        for name in joins:
            joined.append(await self._there(service, name))
            self._admits(joined[-1], asker)
        adopted = []
        for name in adopts:
            adopted.append(await self._there(service, name))
            self._own(adopted[-1], asker)
        left = [each async for each in self._open(service, leaves)]
        dropped = [each async for each in self._open(service, drops)]
        plan = self.made(new, joined, left, adopted, dropped)
        self.check(plan, asker)
        return plan

    def check(self, plan: Plan, asker: JID) -> None:
        """Raise StanzaError where the owner of a node may not have others in it, or it in others.

        (XEP-0248 §7.2.3.1, §7.2.3.2)
        """
        for child in plan.adopted:
            self._own(child, asker)
        for collection in plan.joined:
            self._admits(collection, asker)

    async def is_in(self, child: Node, collection: Node) -> bool:
        """Whether a node is in a collection, whichever instance has put it there."""
        return collection.address.name in await self._collections.collections(child.id)

    async def joining(self, child: Node, collection: Node, asker: JID) -> Plan:
        """What becomes of a node that is to come into one collection more (XEP-0248 §7.5).

        Raises StanzaError as `plan` does.
        """
        self._own(child, asker)
        plan = self.made(child.settings, [collection])
        self.check(plan, asker)
        return NOTHING if await self.is_in(child, collection) else plan

    async def leaving(self, child: Node, collection: Node, asker: JID) -> Plan:
        """What becomes of a node that is to go from a collection (XEP-0248 §7.6).

        Raises StanzaError: `forbidden` where neither is the asker's, `bad-request` where the node
        is not in it.
        """
        may = self._access.may
        if not any(may(each, asker, Privilege.CONFIGURE) for each in (child, collection)):
            raise forbidden("neither of the nodes is yours")
        if not await self.is_in(child, collection):
            raise StanzaError("bad-request", "it is not in there", reason="pubsub.not-associated")
        return self.made(child.settings, left=[collection])

    def made(
        self,
        settings: Settings,
        joined: Sequence[Node] = (),
        left: Sequence[Node] = (),
        adopted: Sequence[Node] = (),
        dropped: Sequence[Node] = (),
    ) -> Plan:
        """A plan, with what the store needs to know of it."""
        links = Links(
            [Parent(each.id, self._most(each.settings)) for each in joined],
            [each.id for each in left],
            [each.id for each in adopted],
            [each.id for each in dropped],
            self._most(settings),
            self._policy.collections,
        )
        return Plan(joined, left, adopted, dropped, links)

    def _most(self, settings: Settings) -> int:
        """How many nodes may be in a collection."""
        return min(settings.children_max or self._policy.children, self._policy.children)

    async def _there(self, service: JID, name: str) -> Node:
        node = await self._nodes.open(Address(service, name)) if name else None
        if node is None:
            raise no_node()
        return node

    async def _open(self, service: JID, names: Iterable[str]) -> AsyncIterator[Node]:
        for name in names:
            node = await self._nodes.open(Address(service, name))
            if node is not None:
                yield node

    def _own(self, child: Node, asker: JID) -> None:
        if not self._access.may(child, asker, Privilege.CONFIGURE):
            raise forbidden("the node is not yours")

    def _admits(self, collection: Node, asker: JID) -> None:
        if not self._access.may_associate(collection, asker):
            raise forbidden("the collection lets you add nothing")
        if collection.leaf:
            raise no_collection()


async def held(nodes: Iterable[Node]) -> ExitStack:
    """Have nobody else change these until it is closed; raises StanzaError where one is gone.

    What changes them meanwhile, and closes it, is to be done `wholly`.
    """
    with ExitStack() as locks:
        # In one order, or two who hold some of the same nodes wait for each other.
        for node in sorted(set(nodes), key=lambda node: node.id):
            await node.lock.acquire()
            locks.callback(node.lock.release)
        if any(node.gone for node in nodes):
            raise no_node()
        return locks.pop_all()


def no_collection() -> StanzaError:
    """A leaf can't have children (XEP-0248 §7.2.3.1)."""
    text = "a leaf can't have children"
    return refusal("not-allowed", "invalid-options", text, reason="pubsub.leaf")


def _differences(
    wanted: Sequence[str] | None, there: Sequence[str]
) -> tuple[Sequence[str], Sequence[str]]:
    """What comes, and what goes; nothing where nothing is wanted in particular."""
    if wanted is None:
        return (), ()
    return [name for name in wanted if name not in there], sorted(set(there) - set(wanted))
