"""What a publisher has to give, by a node's event type (XEP-0060 §4.3, §7.1.3.7).

| persist_items | deliver_payloads | item      | payload  |
| yes           | yes              | required  | required |
| yes           | no               | required  | optional |
| no            | yes              | required  | required |
| no            | no               | forbidden |          |
"""

from __future__ import annotations

from components.pubsub.faults import refusal
from components.pubsub.model.settings import Settings


def check_items(settings: Settings, count: int) -> None:
    """Raise StanzaError where a request has no item and needs one, or the other way round."""
    notification = not settings.deliver_payloads
    if notification and not settings.persist_items:
        if count:
            raise refusal("bad-request", "item-forbidden", reason="pubsub.item-forbidden")
    elif not count:
        raise refusal("bad-request", "item-required", reason="pubsub.item-required")


def check_payloads(settings: Settings, count: int) -> None:
    """Raise StanzaError where an item has more payloads than one, or none and needs one."""
    if count > 1:
        raise invalid_payload("an item has one payload")  # §7.1.3.6
    if not count and settings.deliver_payloads:
        raise refusal("bad-request", "payload-required", reason="pubsub.payload-required")


def check_namespace(settings: Settings, namespace: str) -> None:
    """Raise StanzaError for a payload that is not of the node's type (§7.1.3.6)."""
    if settings.type and namespace != settings.type:
        raise invalid_payload("the payload is of another namespace than the node's")


def invalid_payload(text: str) -> Exception:
    """The error of §7.1.3.6."""
    return refusal("bad-request", "invalid-payload", text, reason="pubsub.payload")
