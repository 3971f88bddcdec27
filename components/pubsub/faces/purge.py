"""Deleting all items of a node (XEP-0060 §8.5)."""

from __future__ import annotations

from components.pubsub.faults import forbidden, unsupported
from components.pubsub.model.privileges import Privilege
from components.pubsub.requests import Request
from components.pubsub.service import Service


def serve(service: Service) -> None:
    """Answer requests to purge a node."""
    service.requests.on("set", "owner purge", Purge(service).purge)


class Purge:
    """Purges nodes."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def purge(self, request: Request) -> None:
        """Delete all items of a node (§8.5.1)."""
        service = self._service
        node = await service.node(request)
        if not service.access.may(node, request.asker, Privilege.PURGE):
            raise forbidden("you may not purge this node")  # §8.5.3.2
        if not node.leaf or not node.settings.persist_items:
            raise unsupported("persistent-items")  # §8.5.3.3
        await service.publishing.purge(node)
