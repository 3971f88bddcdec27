"""What requests of owners alone have in common, by IQ and by message (XEP-0060 §8)."""

from __future__ import annotations

from components.pubsub.faults import forbidden, no_node
from components.pubsub.model.node import Address, Node
from components.pubsub.model.ranks import Affiliation
from components.pubsub.service import Service
from xmppd.errors import StanzaError
from xmppd.jid import JID


def check_owner(service: Service, node: Node, asker: JID) -> None:
    """Raise StanzaError `forbidden` for who is no owner, and `item-not-found` for what is gone."""
    if node.gone:
        raise no_node()
    if service.access.affiliation(node, asker) is not Affiliation.OWNER:
        raise forbidden("you are no owner")


async def own_node(service: Service, address: Address) -> Node:
    """The node that a message to the service's domain is about.

    Raises StanzaError: `item-not-found`, and `resource-constraint` where another process has it,
    which a request that names the node would have reached.
    """
    if not service.instances.own(address.service, address.name):
        text = "it is another process's: change the node's subscriptions instead"
        raise StanzaError("resource-constraint", text, reason="pubsub.elsewhere")
    node = await service.nodes.open(address)
    if node is None:
        raise no_node()
    return node
