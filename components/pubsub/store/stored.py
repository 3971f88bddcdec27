"""What the store gives and takes, and what it refuses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from components.pubsub.model.node import Address, Subscription
from components.pubsub.model.ranks import Affiliation
from xmppd.jid import JID


class StoredNode(NamedTuple):
    """A node as it is kept."""

    id: int
    address: Address
    settings: Mapping[str, Any]
    creator: JID
    created: float
    affiliations: Mapping[JID, Affiliation]
    subscriptions: Sequence[Subscription]


class NodeExists(Exception):
    """There is a node of this name already."""


class NodeGone(Exception):
    """The node was deleted."""


class TooManyNodes(Exception):
    """Whoever makes one more has as many as he may have."""


class ItemGone(Exception):
    """There is no such item."""


class NotTheirs(Exception):
    """Somebody else has published an item."""


class NodeFull(Exception):
    """A node has as many items as it may have, and is to have no others in their place."""
