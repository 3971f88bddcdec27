"""Items come and go (XEP-0060 §7): kept first, told of then, and what is kept is told of."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from functools import partial

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from components.common.build import Content
from components.common.whole import wholly
from components.pubsub import events
from components.pubsub.faults import forbidden, no_item, no_node, refusal
from components.pubsub.life.audience import Audience, Audiences
from components.pubsub.life.bodies import Bodies
from components.pubsub.life.cache import Cache
from components.pubsub.life.notices import Notices, headers
from components.pubsub.model import limits
from components.pubsub.model.item import Item
from components.pubsub.model.item_reply import item_reply
from components.pubsub.model.node import Address, Node
from components.pubsub.model.policy import Policy
from components.pubsub.model.settings import Settings
from components.pubsub.store.items import SQLItems
from components.pubsub.store.stored import ItemGone, NodeFull, NodeGone, NotTheirs, TooManyOctets
from xmppd.errors import StanzaError
from xmppd.jid import JID

log = Logger(namespace="component")

_ATTEMPTS = 3
"""How often the last item is looked at while others are published or deleted."""

SLICE = 500
"""How many items go at once where a node may have fewer than before."""

OnFleeting = Callable[[JID, bool], object]
"""Told of somebody, by bare JID, who has published what goes as he goes offline, and whether he was
there."""

OnChange = Callable[[Node, Collection[str] | None], object]
"""Told of a node, and of the ids of items that somebody has deleted; None for all there were."""


class Publishing:
    """Publishes items to nodes, and takes them away. Callers have seen to who may do it."""

    def __init__(
        self,
        store: SQLItems,
        policy: Policy,
        audiences: Audiences,
        notices: Notices,
        bodies: Bodies,
        now: Callable[[], float],
        there: Callable[[JID], bool],
    ) -> None:
        self._store = store
        self._policy = policy
        self._audiences = audiences
        self._notices = notices
        self._bodies = bodies
        self._now = now
        self._there = there
        self.cache = Cache()
        self._on_change: list[OnChange] = []
        self._on_fleeting: list[OnFleeting] = []
        self._waiting: dict[Node, list[Deferred[None]]] = {}
        """Who waits for the end of what is being published to a node."""

    def on_change(self, tell: OnChange) -> None:
        """Have `tell` called with a node whose items are others than before, told or not."""
        self._on_change.append(tell)

    def on_fleeting(self, tell: OnFleeting) -> None:
        """Have `tell` called where `pubsub#purge_offline` holds of what is published."""
        self._on_fleeting.append(tell)

    def _changed(self, node: Node, deleted: Collection[str] | None = ()) -> None:
        node.changes += 1
        for tell in self._on_change:
            tell(node, deleted)

    # ------------------------------------------------------------------ they come

    async def publish(self, node: Node, items: Sequence[Item], by: JID) -> None:
        """Publish somebody's items, as a leaf node is set up for them; then tell of them (§7.1).

        Raises StanzaError: `item-not-found` where the node is gone, `conflict` where it is full and
        takes no more (§7.1.3.4), `resource-constraint` where its creator has as much as he may.
        """
        await wholly(self._counted(node, items, by))

    async def _counted(self, node: Node, items: Sequence[Item], by: JID) -> None:
        node.publishing += 1
        try:
            await self._publish(node, items, by)
        finally:
            node.publishing -= 1
            for waiting in self._waiting.pop(node, ()):
                waiting.callback(None)

    async def _publish(self, node: Node, items: Sequence[Item], by: JID) -> None:
        settings = node.settings
        dropped: Sequence[str] = ()
        seen = settings.purge_offline and bool(items) and self._there(items[0].publisher)
        if settings.persist_items:
            full = settings.publish_node_full == "reject"
            try:
                items, dropped = await self._store.publish(
                    node.id,
                    items,
                    most=self.most(node),
                    full=full,
                    octets=self._policy.kept_octets,
                    seen=seen,
                )
            except NodeGone:
                raise no_node() from None
            except NodeFull:
                raise refusal("conflict", "node-full", reason="pubsub.full") from None
            except TooManyOctets:
                text = "whoever has made the node has as much there as he may"
                raise StanzaError(
                    "resource-constraint", text, reason="pubsub.kept-octets"
                ) from None
            self.cache.drop(node)
        elif items:
            goes = int(seen) if settings.purge_offline else None
            self.cache.put(node, items[-1]._replace(fleeting=goes))
        self._changed(node)
        if items and node.settings.purge_offline:
            for tell in self._on_fleeting:
                tell(items[0].publisher.bare, seen)
        audience = await self._told(node)
        node.published += 1  # who was subscribed by now is told by this
        if audience is not None:
            reply, body = self._audiences.reply(node, audience, by), b""
            if audience.parts is not None:
                body = self._bodies.of(node.address, settings, items)
            for event in _published(node.address, settings, node.owner, items):
                self._notices.tell(node, audience, event, reply=reply, body=body)
                body = b""  # it is one for all of them
            if dropped:
                self._tell_dropped(node, audience, dropped)

    async def configured(self, node: Node, before: Settings) -> None:
        """See `Configuring.on_configured`: a node keeps its items from now on, or no more."""
        if node.settings.persist_items is not before.persist_items:
            # Whoever changes his mind at once has it wait: one of both would undo the other.
            await node.lock.run(self._as_set_up, node, keeps=node.settings.persist_items)

    async def _as_set_up(self, node: Node, *, keeps: bool) -> None:
        if node.settings.persist_items is not keeps:
            return  # by now it is set up otherwise
        if keeps:
            await self._keep_last(node)
        else:
            await self._unkeep(node)

    async def _keep_last(self, node: Node) -> None:
        """Keep the last item as well: whoever asked for the items was given it until now."""
        item = self.cache.get(node)
        if item is None:
            return
        if node.leaf:  # and no collection by now
            try:
                await self._store.keep(node.id, item, self._policy.kept_octets)
            except (NodeGone, TooManyOctets) as error:
                log.info(
                    "the last item of {node} is not kept: {error}", node=node.address, error=error
                )
        self.cache.drop(node)

    async def _unkeep(self, node: Node) -> None:
        """Keep nothing, but for the last one in memory."""
        changes = node.changes
        for item in await self._store.last(node.id, 1):
            if node.changes == changes:  # or there is a newer one, or that one is gone
                self.cache.put(node, item)
        await self._store.purge(node.id)

    async def trim(self, node: Node, before: Settings) -> None:
        """Keep no more than a node may keep since it was set up otherwise (§8.2.4).

        That may take long, and longer where the server is behind.
        """
        settings = node.settings
        if not settings.persist_items or self.most(node) >= limits.items(before, self._policy):
            return
        while dropped := await self._store.trim(node.id, self.most(node), SLICE):
            self._changed(node)
            await self._notices.room()
            audience = await self._told(node)
            if audience is not None:
                self._tell_dropped(node, audience, dropped)

    def most(self, node: Node) -> int:
        """How many items a node may have."""
        return limits.items(node.settings, self._policy)

    # ------------------------------------------------------------------ they go

    async def retract(
        self, node: Node, ids: Sequence[str], *, of: JID | None = None, notify: bool = False
    ) -> None:
        """Delete items (§7.2), all of them or none, and tell of it, with `notify` in any case.

        Raises StanzaError: `item-not-found` where there is no such item, `forbidden` where one was
        published by somebody else than `of`, a bare JID, if there is one.
        """
        await wholly(self._retract(node, ids, of, notify))

    async def _retract(self, node: Node, ids: Sequence[str], of: JID | None, notify: bool) -> None:
        try:
            await self._store.retract(node.id, ids, of)
        except ItemGone:
            raise no_item() from None
        except NotTheirs:
            raise forbidden("somebody else has published it") from None
        self._changed(node, ids)
        if notify or node.settings.notify_retract:
            await self._tell_gone(node, ids)

    async def gone(self, node: Node, ids: Sequence[str]) -> None:
        """Tell of items that are deleted already, by nobody's request, where the node says so.

        That may take long, and longer where the server is behind.
        """
        self._changed(node, ids)
        await self._notices.room()
        if node.settings.notify_retract:
            await self._tell_gone(node, ids)

    async def _tell_gone(self, node: Node, ids: Sequence[str]) -> None:
        audience = await self._told(node)
        if audience is not None:
            for event in events.retracted(node.address.name, ids):
                self._notices.tell(node, audience, event)

    async def purge(self, node: Node) -> None:
        """Delete all items of a node (§8.5); subscribers are told once."""
        await wholly(self._purge(node))

    async def _purge(self, node: Node) -> None:
        await self._store.purge(node.id)
        self.cache.drop(node)
        self._changed(node, None)
        if node.settings.notify_retract:
            audience = await self._told(node)
            if audience is not None:
                event = events.purged(node.address.name)
                self._notices.tell(node, audience, event, subids=False)

    # ------------------------------------------------------------------ the last one

    async def last(self, node: Node) -> Item | None:
        """The item that was published last, kept or not (§13.10); None where there is none."""
        if not node.leaf:
            return None
        since = self.since(node)
        cached = self.cache.get(node)
        if cached is not None or not node.settings.persist_items:
            return None if cached is None or cached.at <= since else cached
        for item in await self._store.last(node.id, 1, since):
            return item
        return None

    def forget(self) -> None:
        """Know no last items that are not kept: others may have published since."""
        self.cache.clear()

    async def send_last(
        self,
        node: Node,
        to: Sequence[JID],
        subids: Sequence[str] = (),
        still: Callable[[], bool] = lambda: True,
        *,
        body: bool = False,
    ) -> None:
        """Tell some of the last item, if there is one, and when it was published (§6.1.7).

        They may read it, who calls has seen to that, as long as `still` says so; `subids` are of
        the subscriptions that it is for, which may want a `body` besides. Those
        among whom it is told what is published from now on are told of that alone.
        """
        if not node.settings.deliver_notifications:
            return
        published = node.published
        for left in reversed(range(_ATTEMPTS)):
            await self._ended(node)
            changes = node.changes
            item = await self.last(node)
            if node.published > published or node.gone:
                return
            if node.changes == changes and not (node.publishing and left):
                if item is not None and still():
                    owner = node.owner
                    self.tell_last(node.address, node.settings, owner, item, to, subids, body=body)
                return

    async def _ended(self, node: Node) -> None:
        """Wait until what is being published by now was told of, or was in vain.

        Others may go on publishing, in vain, for as long as they like.
        """
        published = node.published
        for _ in range(node.publishing):
            if node.publishing and node.published == published:
                await self._end_of_one(node)

    async def settled(self, node: Node) -> None:
        """Wait until nothing is being published to a node."""
        while node.publishing:
            await self._end_of_one(node)

    async def caught_up(self, node: Node) -> None:
        """Wait for as many publications to end as are under way: people are told of them then."""
        for _ in range(node.publishing):
            if node.publishing:
                await self._end_of_one(node)

    def _end_of_one(self, node: Node) -> Deferred[None]:
        """Fires when one of the publications that are under way has ended."""
        waiting: Deferred[None] = Deferred()
        self._waiting.setdefault(node, []).append(waiting)
        return waiting

    def tell_last(
        self,
        address: Address,
        settings: Settings,
        owner: JID | None,
        item: Item,
        to: Sequence[JID],
        subids: Sequence[str] = (),
        *,
        body: bool = False,
    ) -> None:
        """Tell some of what they missed: see `send_last`. `owner` is the node's.

        Nobody is told where replies go: what has published it may have gone since (XEP-0163 §4.3.4,
        the example).
        """
        told = _published(address, settings, owner, [item])
        said: list[Content] = [*told, events.delay(item.at)]
        if subids:
            said.append(headers(subids))
        if body:
            said.insert(0, self._bodies.of(address, settings, [item]))
        self._notices.send(address.service, to, *said, type_=settings.message_type)

    def since(self, node: Node) -> float:
        """When the newest of those items was published that are too old by now; 0 for none."""
        return self.since_as(node.settings)

    def since_as(self, settings: Settings) -> float:
        """The same of a node that is set up so."""
        kept = limits.seconds(settings, self._policy)
        return self._now() - kept if kept else 0.0

    # ------------------------------------------------------------------ who is told

    async def _told(self, node: Node) -> Audience | None:
        """Who is told of what happens to items; None for nobody."""
        if not node.settings.deliver_notifications or node.gone:
            return None
        return await self._audiences.of(node)

    def _tell_dropped(self, node: Node, audience: Audience, ids: Sequence[str]) -> None:
        """Tell of items that had to go, where the node says so (§7.1.2.5)."""
        settings = node.settings
        if settings.publish_node_full == "retract-oldest" and settings.notify_retract:
            for event in events.retracted(node.address.name, ids):
                self._notices.tell(node, audience, event)


def _published(
    address: Address, settings: Settings, owner: JID | None, items: Sequence[Item]
) -> Iterator[bytes]:
    return events.published(
        address.name,
        items,
        payloads=settings.deliver_payloads,
        reply=partial(item_reply, settings, owner=owner),
    )
