"""What requests of owners alone have in common, by IQ and by message (XEP-0060 §8)."""

from __future__ import annotations

from components.pubsub.faults import forbidden, no_node
from components.pubsub.model.node import Address, Node
from components.pubsub.model.ranks import Affiliation
from components.pubsub.service import Service
from xmppd.jid import JID


def check_owner(service: Service, node: Node, asker: JID) -> None:
    """Raise StanzaError `forbidden` for who is no owner, and `item-not-found` for what is gone."""
    if node.gone:
        raise no_node()
    if service.access.affiliation(node, asker) is not Affiliation.OWNER:
        raise forbidden("you are no owner")


async def node_at(service: Service, address: Address) -> Node:
    """The node at an address; another instance's is as the store has it.

    Raises StanzaError `item-not-found` where there is none.
    """
    node = await service.nodes.open(address)
    if node is None:
        raise no_node()
    return node
