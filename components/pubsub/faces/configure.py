"""Configuring nodes (XEP-0060 §8.2)."""

from __future__ import annotations

from collections.abc import Iterable

from components.common.build import Tag
from components.common.forms.submission import X, canceled
from components.pubsub.faces.node_form import NodeForm
from components.pubsub.faults import forbidden
from components.pubsub.life.access import host
from components.pubsub.model.node import Node
from components.pubsub.model.privileges import Privilege
from components.pubsub.names import PUBSUB_OWNER
from components.pubsub.requests import Request
from components.pubsub.service import Service
from xmppd.jid import JID


def serve(service: Service) -> None:
    """Answer requests of owners to see, and to change, how a node is set up."""
    configure = Configure(service)
    service.requests.on("get", "owner configure", configure.form)
    service.requests.on("set", "owner configure", configure.configure)


class Configure:
    """Shows configurations, and changes them."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._forms = NodeForm(service.policy)

    async def form(self, request: Request) -> Tag:
        """The form, filled in as the node is (§8.2.2)."""
        node = await self._own(request)
        children = [] if node.leaf else await self._service.collections.children(node.id)
        collections = tuple(await self._service.ancestry.collections(node))
        settings = node.settings.change(collection=collections)
        form = self._forms.form(settings, children, await self._groups(node, request.asker))
        return Tag(
            "pubsub", {}, [Tag("configure", {"node": request.node}, [form])], ns=PUBSUB_OWNER
        )

    async def configure(self, request: Request) -> None:
        """Have the node be as the form says (§8.2.4); one that is canceled changes nothing."""
        node = await self._own(request)
        x = request.action.find(X)
        if canceled(x):
            return
        changes = self._forms.submitted(x)
        service = self._service
        await service.configuring.configure(node, changes, request.asker, self._forms.result)

    async def _own(self, request: Request) -> Node:
        """The node, which is the asker's own (§8.2.3.2)."""
        service = self._service
        node = await service.node(request)
        if not service.access.may(node, request.asker, Privilege.CONFIGURE):
            raise forbidden("the node is not yours")
        return node

    async def _groups(self, node: Node, asker: JID) -> Iterable[str]:
        """The groups of the asker's roster, where the node's model would ask it and it is there."""
        account = asker.bare
        if account != host(node) or account.domain not in self._service.policy.domains:
            return ()
        roster = await self._service.rosters.shown(account)
        return () if roster is None else roster.groups
