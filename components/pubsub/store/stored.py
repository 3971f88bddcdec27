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
    collections: Sequence[str]
    """The collections that it is in, sorted."""


class Parent(NamedTuple):
    """A collection that a node joins."""

    id: int
    most: int
    """How many nodes may be in it."""


class Links(NamedTuple):
    """How the place of a node among collections changes (XEP-0248), others by their ids."""

    joins: Sequence[Parent] = ()
    leaves: Sequence[int] = ()
    adopts: Sequence[int] = ()
    drops: Sequence[int] = ()
    children: int = 0
    """How many nodes may be in it, if it is a collection."""
    collections: int = 0
    """How many collections a node may be in."""


NO_LINKS = Links()


class Moved(NamedTuple):
    """Where a node has gone that is deleted."""

    uri: str
    now: float
    most: int
    """How many such nodes of one creator are remembered."""


class Removed(NamedTuple):
    """What became of a node that was to be deleted."""

    there: bool
    """Whether there was one."""
    children: Sequence[str]
    """The nodes that were in it."""


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


class Cycle(Exception):
    """A collection would be in itself."""


class TooManyChildren(Exception):
    """A collection would have more nodes than it may, or a node be in too many collections."""


class TooManySubscriptions(Exception):
    """Whoever subscribes once more has as many as he may have."""


class NodeFull(Exception):
    """A node has as many items as it may have, and is to have no others in their place."""


class TooManyOctets(Exception):
    """Whoever has made a node has as much in all of them as he may have."""
