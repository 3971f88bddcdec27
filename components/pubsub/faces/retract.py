"""Deleting items (XEP-0060 §7.2)."""

from __future__ import annotations

from collections.abc import Sequence

from components.common.forms.datatypes import BOOLEAN
from components.pubsub.faults import forbidden, refusal, unsupported
from components.pubsub.model.node import Node
from components.pubsub.model.privileges import Privilege
from components.pubsub.names import PUBSUB
from components.pubsub.requests import Request
from components.pubsub.service import Service
from xmppd.errors import StanzaError
from xmppd.jid import JID

_ITEM = f"{{{PUBSUB}}}item"


def serve(service: Service) -> None:
    """Answer requests to delete items."""
    service.requests.on("set", "retract", Retract(service).retract)


class Retract:
    """Deletes items."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def retract(self, request: Request) -> None:
        """Delete items, all that are named or none (§7.2.1, §13.11)."""
        service = self._service
        node = await service.node(request)
        of = self._whose(node, request)
        if not node.leaf or not node.settings.persist_items:
            raise unsupported("persistent-items")  # §7.2.3.5
        ids = self._ids(request)
        await service.publishing.retract(node, ids, of=of, notify=_notify(request))

    def _whose(self, node: Node, request: Request) -> JID | None:
        """Whose items somebody may delete, None for all; raises `forbidden` (§4.1, §7.2.3.1)."""
        access = self._service.access
        if access.may(node, request.asker, Privilege.DELETE_ITEM):
            return None
        if access.may(node, request.asker, Privilege.PUBLISH):
            return request.asker.bare
        raise forbidden("you may not delete items here")

    def _ids(self, request: Request) -> Sequence[str]:
        """The items that are named, each once (§7.2.3.4)."""
        ids = [each.get("id", "") for each in request.action.iterfind(_ITEM)]
        if not ids or not all(ids):
            raise refusal("bad-request", "item-required", reason="pubsub.item-required")
        if len(ids) > self._service.policy.batch:
            raise refusal("not-allowed", "max-items-exceeded", reason="pubsub.batch")
        return list(dict.fromkeys(ids))


def _notify(request: Request) -> bool:
    """Whether subscribers are to be told whatever the node's configuration says (§7.2.2.1)."""
    try:
        return BOOLEAN.read(request.action.get("notify", "false"))
    except ValueError as error:
        raise StanzaError("bad-request", f"notify: {error}", reason="stanza.malformed") from error
