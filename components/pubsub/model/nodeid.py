"""What a node may be called (XEP-0060 §4.6, §13.9)."""

from __future__ import annotations

from components.pubsub.model.node import Address
from xmppd.jid import JIDError, prepare_resource

OCTETS = 1_023
"""Of one NodeID: so long a resource may be (RFC 6122 §2.4)."""
TOGETHER = 2_500
"""Of a NodeID and its service: longer keys no database has in its index."""


def check(address: Address) -> None:
    """Raise ValueError, with what is wrong, for what no node may be called.

    Any text that Resourceprep leaves as it is will do (§4.6.2): so no two nodes have names that
    people, and services that do prepare them, take for the same.
    """
    octets = len(address.name.encode())
    if octets > OCTETS or octets + len(address.service.encode()) > TOGETHER:
        raise ValueError("the NodeID is too long")
    try:
        prepared = prepare_resource(address.name)
    except JIDError as error:
        raise ValueError(f"no NodeID: {error}") from error
    if prepared != address.name:
        raise ValueError("the NodeID is not as Resourceprep would have it")
