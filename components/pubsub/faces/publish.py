"""Publishing items (XEP-0060 §7.1)."""

from __future__ import annotations

from collections.abc import Sequence
from secrets import token_urlsafe
from xml.etree.ElementTree import Element

from components.common import tree
from components.common.build import Tag
from components.pubsub.faults import forbidden, no_name, refusal
from components.pubsub.life.nodes import defaults
from components.pubsub.model.item import Item
from components.pubsub.model.node import Node
from components.pubsub.model.privileges import Privilege
from components.pubsub.names import PUBSUB
from components.pubsub.requests import Request
from components.pubsub.service import Service

_ITEM = f"{{{PUBSUB}}}item"


def serve(service: Service) -> None:
    """Answer requests to publish."""
    service.requests.on("set", "publish", Publish(service).publish)


class Publish:
    """Publishes items."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def publish(self, request: Request) -> Tag:
        """Publish items; the answer has their ids (§7.1.1)."""
        service = self._service
        if not request.node:
            raise no_name()
        node = service.nodes.at_hand(request.address)
        if node is None:
            node = await self._opened(request)
        self._check(node, request)
        items = self._items(node, request)
        await service.publishing.publish(node, items)
        told = [Tag("item", {"id": item.id}) for item in items]
        return Tag("pubsub", {}, [Tag("publish", {"node": request.node}, told)], ns=PUBSUB)

    async def _opened(self, request: Request) -> Node:
        """The node, created where an account publishes to one that is not there (XEP-0163 §3)."""
        service = self._service
        node = await service.nodes.open(request.address)
        if node is None and request.personal and request.asker.bare == request.service:
            settings = defaults(request.address)
            return await service.nodes.create(request.address, settings, request.asker)
        return node if node is not None else await service.node(request)

    def _check(self, node: Node, request: Request) -> None:
        """(§7.1.3.1)."""
        if not self._service.access.may(node, request.asker, Privilege.PUBLISH):
            raise forbidden("you may not publish here")

    def _items(self, node: Node, request: Request) -> Sequence[Item]:
        now = self._service.now()
        return [
            Item(each.get("id") or token_urlsafe(16), request.asker, now, self._payload(each))
            for each in request.action.iterfind(_ITEM)
        ]

    def _payload(self, item: Element) -> bytes:
        """(§7.1.3.4 and following)."""
        if len(item) != 1:
            raise refusal("bad-request", "invalid-payload", reason="pubsub.payload")
        return tree.written(item[0])
