"""What is said of a node to who may see it: the form pubsub#meta-data (XEP-0060 §5.4, §17.4.3)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from components.common import datetimes
from components.common.build import Tag
from components.common.forms.field import Filled
from components.common.forms.fields import jid_multi, jid_single, number, text_single
from components.common.forms.form import Form
from components.pubsub.faces.node_fields import leaf_fields
from components.pubsub.model.node import Node
from components.pubsub.model.parcels import short
from components.pubsub.model.policy import Policy
from components.pubsub.model.ranks import Affiliation, State
from components.pubsub.names import META_DATA
from xmppd.jid import JID

PEOPLE = 100
"""Owners and publishers that are named; there may be more,"""
OCTETS = 20_000
"""and so many octets of each: addresses may be long."""

_CONFIGURED = (
    "type",
    "title",
    "description",
    "language",
    "contact",
    "access_model",
    "publish_model",
    "max_items",
)
_TELLING = ("purge_offline", "tempsub")
"""What tells others when somebody goes offline who publishes there, or subscribes: he may know that
before he does (§15.4). Named where it is so."""

_CREATOR = jid_single("pubsub#creator", "Node creator")
_CREATED = text_single("pubsub#creation_date", "Creation date")
_OWNERS = jid_multi("pubsub#owner", "Node owners")
_PUBLISHERS = jid_multi("pubsub#publisher", "Publishers to this node")
_SUBSCRIBERS = number("pubsub#num_subscribers", "Number of subscribers to this node")


class MetaData:
    """Makes the form."""

    def __init__(self, policy: Policy) -> None:
        self._fields = leaf_fields(policy)

    def tag(self, node: Node) -> Tag:
        """The form of a node."""
        return Form(META_DATA, ()).result(self._said(node))

    def _said(self, node: Node) -> Iterator[Filled[Any]]:
        settings = node.settings
        for name in _CONFIGURED:
            value = getattr(settings, name)
            if value not in ("", ()) and (node.leaf or name not in ("max_items", "publish_model")):
                yield self._fields[name].of(value)
        for name in _TELLING:
            if getattr(settings, name) and (node.leaf or name != "purge_offline"):
                yield self._fields[name].of(True)
        yield _CREATOR.of(node.creator)
        yield _CREATED.of(datetimes.written(node.created))
        yield _OWNERS.of(_named(node.owners))
        publishers = _having(node, Affiliation.PUBLISHER)
        if publishers:
            yield _PUBLISHERS.of(publishers)
        yield _SUBSCRIBERS.of(_subscribers(node))


def _having(node: Node, rank: Affiliation) -> tuple[JID, ...]:
    return _named([jid for jid, each in node.affiliations.items() if each is rank])


def _named(people: Sequence[JID]) -> tuple[JID, ...]:
    return tuple(people[: len(short(people[:PEOPLE], OCTETS))])


def _subscribers(node: Node) -> int:
    """How many accounts are subscribed."""
    return len({each.jid.bare for each in node.subscriptions() if each.state is State.SUBSCRIBED})
