"""Affiliations (XEP-0060 §4.1) and the states of subscriptions (§4.2)."""

from __future__ import annotations

from enum import StrEnum


class Affiliation(StrEnum):
    """What somebody is to a node, by bare JID (§4.1)."""

    OWNER = "owner"
    PUBLISHER = "publisher"
    PUBLISH_ONLY = "publish-only"
    MEMBER = "member"
    NONE = "none"
    OUTCAST = "outcast"


class State(StrEnum):
    """How far a subscription has come (§4.2)."""

    NONE = "none"
    PENDING = "pending"
    """An owner has yet to approve of it."""
    UNCONFIGURED = "unconfigured"
    SUBSCRIBED = "subscribed"
