"""Creating nodes (XEP-0060 §8.1): named or instant, set up as it comes or as is wished."""

from __future__ import annotations

from secrets import token_urlsafe

from components.common.build import Tag
from components.pubsub.faults import forbidden
from components.pubsub.life.nodes import defaults
from components.pubsub.model.node import Address
from components.pubsub.names import PUBSUB
from components.pubsub.requests import Request
from components.pubsub.service import Service


def serve(service: Service) -> None:
    """Answer requests to create a node."""
    service.requests.on("set", "create", Create(service).create)


class Create:
    """Creates nodes."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def create(self, request: Request) -> Tag:
        """Create a node; the answer names it (§8.1.1, §8.1.2)."""
        service, address = self._service, request.address
        if not service.policy.may_create(request.asker, address):
            raise forbidden("you may not create nodes here")
        if not address.name:
            address = Address(request.service, token_urlsafe(16))
        settings = defaults(address)
        await service.nodes.create(address, settings, request.asker)
        return Tag("pubsub", {}, [Tag("create", {"node": address.name})], ns=PUBSUB)
