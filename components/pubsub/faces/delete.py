"""Deleting nodes (XEP-0060 §8.4, XEP-0248 §7.4)."""

from __future__ import annotations

from components.pubsub.faults import forbidden, refusal
from components.pubsub.model.privileges import Privilege
from components.pubsub.names import PUBSUB_OWNER
from components.pubsub.requests import Request
from components.pubsub.service import Service
from xmppd.errors import StanzaError

_REDIRECT = f"{{{PUBSUB_OWNER}}}redirect"

OCTETS = 2_048
"""Of the URI of where a node has gone."""


def serve(service: Service) -> None:
    """Answer requests of owners to delete a node."""

    async def delete(request: Request) -> None:
        if not request.node:
            text = "the root can't be deleted"
            raise refusal("not-allowed", "nodeid-required", text, reason="pubsub.root")
        uri = _uri(request)
        node = await service.node(request)
        if not service.access.may(node, request.asker, Privilege.DELETE_NODE):
            raise forbidden("the node is not yours")
        await service.configuring.delete(node, uri, request.asker)

    service.requests.on("set", "owner delete", delete)


def _uri(request: Request) -> str:
    """Where the node has gone, "" where nobody says; raises StanzaError for what is no URI."""
    redirect = request.action.find(_REDIRECT)
    if redirect is None:
        return ""
    uri = redirect.get("uri", "").strip()
    if not uri or any(each.isspace() for each in uri):
        raise StanzaError("bad-request", "a URI is wanted", reason="stanza.malformed")
    if len(uri.encode()) > OCTETS:
        raise StanzaError("not-acceptable", "the URI is too long", reason="pubsub.uri")
    return uri
