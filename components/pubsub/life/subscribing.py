"""Subscriptions come, change and go (XEP-0060 §6.1, §6.2)."""

from __future__ import annotations

from secrets import token_urlsafe

from components.pubsub.faults import no_node
from components.pubsub.model.node import Node, Subscription
from components.pubsub.model.options import DEFAULT, Options
from components.pubsub.model.ranks import State
from components.pubsub.store.nodes import SQLNodes
from components.pubsub.store.stored import NodeGone
from xmppd.jid import JID


class Subscribing:
    """Changes who is subscribed to what. Callers hold the node's lock, and have checked."""

    def __init__(self, store: SQLNodes) -> None:
        self._store = store

    async def subscribe(
        self, node: Node, jid: JID, state: State, options: Options = DEFAULT
    ) -> Subscription:
        """Have a new subscription."""
        subscription = Subscription(jid, token_urlsafe(12), state, options)
        await self.put(node, subscription)
        return subscription

    async def put(self, node: Node, subscription: Subscription) -> None:
        """Have a subscription be as it is here."""
        try:
            await self._store.subscribe(node.id, [subscription])
        except NodeGone:
            raise no_node() from None
        node.put(subscription)

    async def drop(self, node: Node, subscription: Subscription) -> None:
        """Have a subscription no more."""
        try:
            await self._store.subscribe(node.id, [], [subscription])
        except NodeGone:
            raise no_node() from None
        node.drop(subscription)
