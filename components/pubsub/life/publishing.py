"""Items come and go (XEP-0060 §7): kept first, told of then."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from components.common.build import Content
from components.pubsub import events
from components.pubsub.faults import no_node, refusal
from components.pubsub.life.audience import Audiences
from components.pubsub.life.cache import Cache
from components.pubsub.life.notices import Notices, headers
from components.pubsub.model.item import Item
from components.pubsub.model.node import Node
from components.pubsub.model.policy import Policy
from components.pubsub.model.settings import MAX
from components.pubsub.store.items import SQLItems
from components.pubsub.store.stored import NodeFull, NodeGone
from xmppd.jid import JID

_ATTEMPTS = 3
"""How often the last item is read anew when others were published or deleted meanwhile."""


class Publishing:
    """Publishes items to nodes, and takes them away."""

    def __init__(
        self,
        store: SQLItems,
        policy: Policy,
        audiences: Audiences,
        notices: Notices,
        now: Callable[[], float],
    ) -> None:
        self._store = store
        self._policy = policy
        self._audiences = audiences
        self._notices = notices
        self._now = now
        self._cache = Cache()

    async def publish(self, node: Node, items: Sequence[Item]) -> None:
        """Publish items to a leaf node, whose publisher may do it; then tell of them (§7.1)."""
        settings = node.settings
        dropped: Sequence[str] = ()
        if settings.persist_items:
            full = settings.publish_node_full == "reject"
            try:
                published = await self._store.publish(
                    node.id, items, most=self.most(node), full=full
                )
            except NodeGone:
                raise no_node() from None
            except NodeFull:
                raise refusal("conflict", "max-items-exceeded", reason="pubsub.full") from None
            items, dropped = published
        elif items:
            self._cache.put(node, items[-1])
        node.changes += 1
        if items:
            node.told = max(node.told, items[-1].position)
        if not settings.deliver_notifications:
            return
        audience = await self._audiences.of(node)
        event = events.published(
            node.address.name,
            items,
            payloads=settings.deliver_payloads,
            publishers=settings.itemreply == "publisher",
        )
        self._notices.tell(node, audience, event)
        if dropped and settings.publish_node_full == "retract-oldest" and settings.notify_retract:
            self._notices.tell(node, audience, events.retracted(node.address.name, dropped))

    async def retract(self, node: Node, ids: Sequence[str], *, notify: bool) -> Sequence[str]:
        """Delete items (§7.2), and tell of it; gives those that there were."""
        gone = await self._store.retract(node.id, ids)
        node.changes += 1
        if gone and notify:
            audience = await self._audiences.of(node)
            self._notices.tell(node, audience, events.retracted(node.address.name, gone))
        return gone

    # ------------------------------------------------------------------ the last one

    async def last(self, node: Node) -> Item | None:
        """The item that was published last, kept or not (§13.10); None where there is none."""
        if not node.leaf:
            return None
        if not node.settings.persist_items:
            return self._cache.get(node)
        for item in await self._store.last(node.id, 1):
            return item
        return None

    async def send_last(self, node: Node, to: Sequence[JID], subids: Sequence[str] = ()) -> None:
        """Tell some of the last item, if there is one, and when it was published (§6.1.7).

        They may read it, who calls has seen to that; `subids` are of the subscriptions that it is
        for. Nobody is told of an item that is older than one he was told of meanwhile.
        """
        for _ in range(_ATTEMPTS):
            changes = node.changes
            item = await self.last(node)
            if node.changes == changes:
                break
        if item is None or node.gone or item.position < node.told:
            return
        settings = node.settings
        said: list[Content] = [
            events.published(
                node.address.name,
                [item],
                payloads=settings.deliver_payloads,
                publishers=settings.itemreply == "publisher",
            ),
            events.delay(item.at),
        ]
        if subids:
            said.append(headers(subids))
        kind = settings.notification_type
        self._notices.send(node.address.service, to, *said, type_="" if kind == "normal" else kind)

    def most(self, node: Node) -> int:
        """How many items a node may have."""
        most = node.settings.max_items
        return self._policy.items if most == MAX else min(most, self._policy.items)
