"""Creating nodes (XEP-0060 §8.1, XEP-0248 §7.1): named or instant, set up as is wished."""

from __future__ import annotations

from secrets import token_urlsafe
from typing import NoReturn

from components.common.build import Tag
from components.common.forms.submission import X
from components.pubsub.faces.node_form import NodeForm
from components.pubsub.life.configuring import Changes
from components.pubsub.model.node import Address
from components.pubsub.names import PUBSUB
from components.pubsub.requests import Request
from components.pubsub.service import Service
from xmppd.errors import StanzaError


def serve(service: Service) -> None:
    """Answer requests to create a node."""
    service.requests.on("set", "create", Create(service).create)
    service.requests.on("set", "configure", _misplaced)


class Create:
    """Creates nodes."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._forms = NodeForm(service.policy)

    async def create(self, request: Request) -> Tag:
        """Create a node; the answer names it (§8.1.1, §8.1.3)."""
        changes = self._changes(request)
        address = request.address
        if not address.name:
            address = Address(request.service, token_urlsafe(16))
        await self._service.configuring.create(address, request.asker, changes)
        return Tag("pubsub", {}, [Tag("create", {"node": address.name})], ns=PUBSUB)

    def _changes(self, request: Request) -> Changes:
        """What `<configure/>` behind it says; where it is empty, all is to be as in most."""
        configure = request.other("configure")
        if configure is None or (not len(configure) and "node" not in configure.attrib):
            return {}
        if "node" in configure.attrib:
            _misplaced(request)
        return self._forms.submitted(configure.find(X))


def _misplaced(request: Request) -> NoReturn:
    """`<configure/>` stands behind `<create/>` and names no node (§8.1.3)."""
    text = "<configure/> stands behind <create/>, and names no node"
    raise StanzaError("bad-request", text, reason="stanza.malformed")
