"""What a node may have: what its owner has set, as far as the service lets it be."""

from __future__ import annotations

from components.pubsub.model.policy import Policy
from components.pubsub.model.settings import MAX, Settings


def items(settings: Settings, policy: Policy) -> int:
    """How many items a node keeps; `MAX` is as many as the service lets it."""
    most = settings.max_items
    return policy.items if most == MAX else min(most, policy.items)


def seconds(settings: Settings, policy: Policy) -> int:
    """How long it keeps each of them, 0 for ever."""
    set_, most = max(settings.item_expire, 0), policy.expire
    return min(set_, most) if set_ and most else set_ or most


def octets(settings: Settings, policy: Policy) -> int:
    """How large a payload may be."""
    set_ = settings.max_payload_size
    return min(set_, policy.item_octets) if set_ > 0 else policy.item_octets
