"""Service discovery at the service's domain: features, nodes, items (XEP-0060 §5)."""

from __future__ import annotations

from components.common import paging
from components.common.build import Tag
from components.common.disco import Identity, Info, Item, items_tag
from components.common.paging import Found
from components.common.stanza import Stanza
from components.pubsub.faces import listing
from components.pubsub.faces.metadata import MetaData
from components.pubsub.faults import no_node
from components.pubsub.model import features
from components.pubsub.model.node import Address, Node
from components.pubsub.model.privileges import Privilege
from components.pubsub.names import PUBSUB, SHIM
from components.pubsub.service import Service
from components.pubsub.store.listing import Scope
from xmppd import ns
from xmppd.jid import JID


def serve(service: Service) -> None:
    """Answer service discovery at the domain."""
    nodes = NodeDisco(service)
    service.disco.add(*features.AT_DOMAIN)
    service.disco.nodes(lambda stanza, node: nodes.info(stanza, stanza.to.bare, node))
    service.disco.items(lambda stanza, node: nodes.items(stanza, stanza.to.bare, node), nodes=True)


_HEADERS = Info(features=[f"{SHIM}#{name}" for name in features.HEADERS])
"""(XEP-0131 §3.2)."""


class NodeDisco:
    """Answers for the nodes of any service, that of an account as well."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._metadata = MetaData(service.policy)

    async def info(self, stanza: Stanza, service: JID, name: str) -> Tag:
        """What a node is (§5.3), and how it is set up (§5.4)."""
        if name == SHIM:
            return _HEADERS.tag(name)
        node = await self._seen(Address(service, name), stanza.sender)
        identity = Identity("pubsub", node.settings.node_type, node.settings.title)
        said = [ns.DISCO_INFO, ns.DISCO_ITEMS, PUBSUB]
        return Info([identity], said, [self._metadata.tag(node)]).tag(name)

    async def items(self, stanza: Stanza, service: JID, name: str) -> Tag:
        """The nodes of a service (§5.2), those in a collection, or the items of a node (§5.5)."""
        asker = stanza.sender.bare
        everything = asker == service or (
            not service.local and self._service.policy.is_admin(asker)
        )
        if not name:
            scope = Scope(service, asker, None, everything)
            return await listing.nodes(self._service, scope, stanza)
        node = await self._seen(Address(service, name), stanza.sender)
        if node.leaf:
            return await self._items(stanza, node)
        scope = Scope(service, asker, node.id, everything)
        return await listing.nodes(self._service, scope, stanza)

    async def _items(self, stanza: Stanza, node: Node) -> Tag:
        service, name = self._service, node.address.name
        await service.access.check(node, stanza.sender, Privilege.RETRIEVE)
        if not node.settings.persist_items:
            return items_tag((), name)
        asked = stanza.payload.find(paging.SET)
        page = paging.asked(asked, listing.PAGE)
        found = await service.items.ids(node.id, page, service.publishing.since(node))
        # What he may see no more may have been published meanwhile.
        await service.access.check(node, stanza.sender, Privilege.RETRIEVE)
        items = [Item(str(node.address.service), id_) for id_ in found.items]
        fitting = listing.fitted(items, backwards=page.before is not None)
        if asked is None and len(fitting) == found.count:
            return items_tag(fitting, name)
        return listing.told(Found(fitting, None, found.count), lambda item: item.name, name)

    async def _seen(self, address: Address, asker: JID) -> Node:
        """A node that the asker may see; to others it is not there."""
        node = await self._service.nodes.open(address)
        if node is None or not await self._service.access.sees(node, asker):
            raise no_node()
        return node
