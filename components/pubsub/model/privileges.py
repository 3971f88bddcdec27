"""Who may do what with a node, by affiliation: the table of XEP-0060 §4.1.

What access and publish models leave to those without a privilege stands in `access`.
"""

from __future__ import annotations

from enum import StrEnum

from components.pubsub.model.ranks import Affiliation


class Privilege(StrEnum):
    """The columns of the table."""

    SUBSCRIBE = "subscribe"
    RETRIEVE = "retrieve items"
    PUBLISH = "publish items"
    DELETE_ITEM = "delete items"
    """Whosever they are; who has published an item may delete it as long as he may publish."""
    PURGE = "purge node"
    CONFIGURE = "configure node"
    DELETE_NODE = "delete node"


_READER = frozenset({Privilege.SUBSCRIBE, Privilege.RETRIEVE})

PRIVILEGES: dict[Affiliation, frozenset[Privilege]] = {
    Affiliation.OWNER: frozenset(Privilege),
    Affiliation.PUBLISHER: _READER | {Privilege.PUBLISH, Privilege.DELETE_ITEM, Privilege.PURGE},
    Affiliation.PUBLISH_ONLY: frozenset({Privilege.PUBLISH}),
    Affiliation.MEMBER: _READER,
    Affiliation.NONE: frozenset(),
    Affiliation.OUTCAST: frozenset(),
}
"""What each may whatever the node's models say. What "none" may, they say (§4.1, §4.5)."""


def may(affiliation: Affiliation, privilege: Privilege) -> bool:
    """Whether somebody of this affiliation has a privilege, whatever the node's models say."""
    return privilege in PRIVILEGES[affiliation]
