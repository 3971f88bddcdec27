"""Nodes are created, set up otherwise, and deleted (XEP-0060 §8.1, §8.2, §8.4)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from contextlib import ExitStack
from typing import Any, TypeAlias

from components.common.build import Content
from components.common.whole import wholly
from components.pubsub import events
from components.pubsub.faults import forbidden, refusal
from components.pubsub.life.access import Access
from components.pubsub.life.audience import ALL, NOBODY, Audience, Audiences
from components.pubsub.life.linking import CHILDREN, COLLECTION, Linking, Plan, held
from components.pubsub.life.nodes import Nodes, defaults
from components.pubsub.life.notices import Notices
from components.pubsub.model import settings as setting
from components.pubsub.model.node import Address, Node
from components.pubsub.model.policy import Policy
from components.pubsub.model.privileges import Privilege
from components.pubsub.model.settings import Settings
from components.pubsub.store.stored import Moved
from xmppd.errors import StanzaError
from xmppd.jid import JID

Changes: TypeAlias = Mapping[str, Any]
"""By the names of `Settings`; and "children", of a collection."""

Configured: TypeAlias = Callable[[Node, Settings], Any]
"""Told, now or later, of a node that is set up otherwise, and how it was before."""

MOVED = 100
"""Deleted nodes of one creator of which it is remembered where they have gone."""


class Configuring:
    """Changes what nodes there are, and how they are set up."""

    def __init__(
        self,
        nodes: Nodes,
        linking: Linking,
        access: Access,
        audiences: Audiences,
        notices: Notices,
        policy: Policy,
        now: Callable[[], float],
    ) -> None:
        self._nodes = nodes
        self._linking = linking
        self._access = access
        self._audiences = audiences
        self._notices = notices
        self._policy = policy
        self._now = now
        self._configured: list[Configured] = []

    def on_configured(self, tell: Configured) -> None:
        """Have `tell` called behind each change, when the node's lock is free again."""
        self._configured.append(tell)

    async def create(self, address: Address, creator: JID, changes: Changes | None = None) -> Node:
        """Make a node that is set up as in most, but for `changes` (§8.1.3).

        Raises StanzaError: `forbidden` for who may make none there, and as `Nodes.create` and
        `Linking.plan` do.
        """
        if not self._policy.may_create(creator, address):
            raise forbidden("you may not create nodes here")
        changes = changes or {}
        settings = changed(defaults(address), changes)
        plan = await self._linking.plan(address.service, None, settings, changes, creator)
        locks = await held(plan.adopted)
        return await wholly(self._create(locks, address, creator, settings, plan))

    async def _create(
        self, locks: ExitStack, address: Address, creator: JID, settings: Settings, plan: Plan
    ) -> Node:
        with locks:
            self._linking.check(plan, creator)
            names = [each.address.name for each in plan.joined]
            settings = settings.change(collection=tuple(sorted(names)))
            node = await self._nodes.create(address, settings, creator, links=plan.links)
            plan.take_effect(address.name)
        await self._tell_above(node, events.created(address.name))
        await self._tell_linked(node, Plan(adopted=plan.adopted))
        return node

    async def configure(
        self, node: Node, changes: Changes, asker: JID, told: Callable[[Settings], Content]
    ) -> None:
        """Set a node up otherwise, as its owner wants (§8.2.4); `told` is how it says so.

        Raises StanzaError: `forbidden`, `not-allowed` for a collection that is to be a leaf
        (XEP-0248 §7.2.3.4), and as `Linking.plan` does.
        """
        new = changed(node.settings, changes)
        plan = await self._linking.plan(node.address.service, node, new, changes, asker)
        locks = await held([node, *plan.adopted, *plan.dropped])
        await wholly(self._configure(locks, node, changes, plan, asker, told))

    async def _configure(
        self,
        locks: ExitStack,
        node: Node,
        changes: Changes,
        plan: Plan,
        asker: JID,
        told: Callable[[Settings], Content],
    ) -> None:
        with locks:
            if not self._access.may(node, asker, Privilege.CONFIGURE):
                raise forbidden()
            self._linking.check(plan, asker)
            old = node.settings
            new = changed(old, changes)
            if new == old and plan.nothing:
                return
            await self._nodes.save(node, new, plan.links, purge=new.node_type != old.node_type)
            plan.take_effect(node.address.name)
        for tell in self._configured:
            later = tell(node, old)
            if later is not None:
                await later
        await self._tell_linked(node, plan)
        if node.settings.notify_config:
            form = [told(node.settings)] if node.settings.deliver_payloads else []
            event = events.configured(node.address.name, *form)
            self._tell(node, await self._audiences.of(node, "nodes"), event)

    async def associate(self, child: Node, collection: Node, asker: JID) -> None:
        """Have a node in a collection (XEP-0248 §7.5); raises as `Linking.joining` does."""
        await self._link(child, collection, asker, self._linking.joining)

    async def dissociate(self, child: Node, collection: Node, asker: JID) -> None:
        """Have it there no more (XEP-0248 §7.6); raises as `Linking.leaving` does."""
        await self._link(child, collection, asker, self._linking.leaving)

    async def _link(
        self,
        child: Node,
        collection: Node,
        asker: JID,
        plan: Callable[[Node, Node, JID], Awaitable[Plan]],
    ) -> None:
        locks = await held([child, collection])
        await wholly(self._linked(locks, child, plan(child, collection, asker)))

    async def _linked(self, locks: ExitStack, child: Node, plan: Awaitable[Plan]) -> None:
        with locks:
            planned = await plan
            if planned.nothing:
                return
            await self._nodes.save(child, child.settings, planned.links)
        await self._tell_linked(child, planned)

    async def delete(self, node: Node, uri: str = "", asker: JID | None = None) -> None:
        """Delete a node that has gone to `uri`, and tell of it (§8.4.2).

        `asker` None is the service itself. Raises StanzaError: `forbidden`, `item-not-found`.
        """
        locks = await held([node])
        await wholly(self._delete(locks, node, uri, asker))

    async def _delete(self, locks: ExitStack, node: Node, uri: str, asker: JID | None) -> None:
        with locks:
            if asker is not None and not self._access.may(node, asker, Privilege.DELETE_NODE):
                raise forbidden()
            audience = await self._audiences.of(node, "nodes", ALL)
            await self._nodes.delete(node, self._moved(node, uri))
        if node.settings.notify_delete:
            self._tell(node, audience, events.deleted(node.address.name, uri))

    def _moved(self, node: Node, uri: str) -> Moved | None:
        """Where a node has gone, if anybody may know it who asks (§6.1.3.11).

        Of others subscribers alone are told: nobody else is to know that they were there.
        """
        if not uri or node.settings.access_model not in ("open", "authorize"):
            return None
        return Moved(uri, self._now(), MOVED)

    async def _tell_linked(self, node: Node, plan: Plan) -> None:
        """Who is subscribed to collections is told what comes and goes (XEP-0248 §5.3.2)."""
        for collection in plan.joined:
            await self._tell_link(collection, node, events.associated)
        for collection in plan.left:
            await self._tell_link(collection, node, events.dissociated)
        for child in plan.adopted:
            await self._tell_link(node, child, events.associated)
        for child in plan.dropped:
            await self._tell_link(node, child, events.dissociated)

    async def _tell_link(
        self, collection: Node, child: Node, event: Callable[[str, str], bytes]
    ) -> None:
        name = collection.address.name
        through = await self._audiences.above(child, "nodes", [name])
        told = event(name, child.address.name)
        self._tell(collection, Audience(NOBODY, {}, through), told)

    async def _tell_above(self, node: Node, event: bytes) -> None:
        if node.settings.collection:
            through = await self._audiences.above(node, "nodes")
            self._tell(node, Audience(NOBODY, {}, through), event)

    def _tell(self, node: Node, audience: Audience, event: bytes) -> None:
        if node.settings.deliver_notifications:
            self._notices.tell(node, audience, event, subids=False)


def changed(settings: Settings, changes: Changes) -> Settings:
    """Settings with changes, but for which nodes are in which collections: those the store says.

    Raises StanzaError: `not-allowed` for a collection that is to be a leaf (XEP-0248 §7.2.3.4),
    `not-acceptable` for more than a node may be told to be (`settings.OCTETS`).
    """
    plain = {name: value for name, value in changes.items() if name not in (CHILDREN, COLLECTION)}
    new = settings.change(**plain)
    if settings.node_type == "collection" and new.node_type == "leaf":
        text = "a collection can't become a leaf"
        raise refusal("not-allowed", "invalid-options", text, reason="pubsub.leaf")
    # What is too large already, by other rules, may become smaller.
    if plain and setting.octets(new) > max(setting.OCTETS, setting.octets(settings)):
        text = f"a configuration may have {setting.OCTETS} octets"
        raise StanzaError("not-acceptable", text, reason="pubsub.configuration")
    return new
