"""Subscribing and unsubscribing (XEP-0060 §6.1, §6.2)."""

from __future__ import annotations

from components.common.build import Tag
from components.pubsub.faults import refusal
from components.pubsub.model.node import Node, Subscription
from components.pubsub.model.privileges import Privilege
from components.pubsub.model.ranks import State
from components.pubsub.names import PUBSUB
from components.pubsub.requests import Request
from components.pubsub.service import Service
from xmppd.jid import JID, JIDError


def serve(service: Service) -> None:
    """Answer requests to subscribe and unsubscribe."""
    subscribe = Subscribe(service)
    service.requests.on("set", "subscribe", subscribe.subscribe)
    service.requests.on("set", "unsubscribe", subscribe.unsubscribe)


class Subscribe:
    """Subscribes people to nodes."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def subscribe(self, request: Request) -> Tag:
        """Subscribe somebody; the answer tells how far it has come (§6.1.2)."""
        service = self._service
        jid = own_jid(request)
        node = await service.node(request)
        await service.access.check(node, request.asker, Privilege.SUBSCRIBE)
        subscription = await node.lock.run(
            service.subscribing.subscribe, node, jid, State.SUBSCRIBED
        )
        return Tag("pubsub", {}, [subscription_tag(node, subscription)], ns=PUBSUB)

    async def unsubscribe(self, request: Request) -> None:
        """Unsubscribe somebody (§6.2)."""
        service = self._service
        jid = own_jid(request)
        node = await service.node(request)
        for each in node.of_jid(jid):
            await node.lock.run(service.subscribing.drop, node, each)


def own_jid(request: Request) -> JID:
    """The JID that somebody (un)subscribes, which has to be his own (§6.1.3.1)."""
    try:
        jid = JID.parse(request.action.get("jid", ""))
    except JIDError:
        jid = None
    if jid is None or jid not in (request.asker, request.asker.bare):
        raise refusal("bad-request", "invalid-jid", reason="pubsub.invalid-jid")
    return jid


def subscription_tag(node: Node, subscription: Subscription) -> Tag:
    """A subscription as the service tells it (§6.1.2)."""
    attrs = {
        "node": node.address.name,
        "jid": subscription.jid,
        "subid": subscription.subid,
        "subscription": subscription.state.value,
    }
    return Tag("subscription", attrs)
