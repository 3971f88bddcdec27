"""Nodes come into collections, and go, by requests of their own (XEP-0248 §7.5, §7.6)."""

from __future__ import annotations

from components.pubsub.faults import no_name, no_node
from components.pubsub.model.node import Address, Node
from components.pubsub.names import PUBSUB_OWNER
from components.pubsub.requests import Request
from components.pubsub.service import Service
from xmppd.errors import StanzaError

_ASSOCIATE, _DISSOCIATE = (f"{{{PUBSUB_OWNER}}}{name}" for name in ("associate", "dissociate"))


def serve(service: Service) -> None:
    """Answer requests to associate a node, and to dissociate it."""

    async def child(request: Request, name: str) -> Node:
        node = await service.nodes.open(Address(request.service, name))
        if node is None:
            raise no_node()
        return node

    async def collection(request: Request) -> None:
        if len(request.action) != 1 or request.action[0].tag not in (_ASSOCIATE, _DISSOCIATE):
            text = "one node to associate, or to dissociate, is wanted"
            raise StanzaError("bad-request", text, reason="stanza.malformed")
        (wanted,) = request.action
        name = wanted.get("node", "")
        if not name:
            raise no_name()
        node = await service.node(request)
        configuring = service.configuring
        change = configuring.associate if wanted.tag == _ASSOCIATE else configuring.dissociate
        await change(await child(request, name), node, request.asker)

    service.requests.on("set", "owner collection", collection)
