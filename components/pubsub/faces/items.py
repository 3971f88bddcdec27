"""Retrieving items (XEP-0060 §6.5)."""

from __future__ import annotations

from components.common.build import Content, Tag
from components.pubsub.events import item_element
from components.pubsub.model.privileges import Privilege
from components.pubsub.names import PUBSUB
from components.pubsub.requests import Request
from components.pubsub.service import Service

_ITEM = f"{{{PUBSUB}}}item"


def serve(service: Service) -> None:
    """Answer requests for items."""
    service.requests.on("get", "items", Items(service).items)


class Items:
    """Gives items to who may read them."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def items(self, request: Request) -> Tag:
        """The items that are asked for (§6.5.2)."""
        service = self._service
        node = await service.node(request)
        await service.access.check(node, request.asker, Privilege.RETRIEVE)
        ids = [each.get("id", "") for each in request.action.iterfind(_ITEM)]
        if ids:
            found = await service.items.named(node.id, ids)
        else:
            found = await service.items.last(node.id, service.policy.page)
        told: list[Content] = [item_element(item) for item in found]
        return Tag("pubsub", {}, [Tag("items", {"node": request.node}, told)], ns=PUBSUB)
