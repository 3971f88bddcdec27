"""Errors of publish-subscribe: a condition of RFC 6120 and one of its own (XEP-0060 §12)."""

from __future__ import annotations

from components.common.build import Tag
from components.pubsub.names import PUBSUB_ERRORS
from xmppd.errors import StanzaError


def refusal(
    condition: str,
    specific: str = "",
    text: str = "",
    *,
    reason: str,
    feature: str = "",
    type_: str | None = None,
) -> StanzaError:
    """An error with a pubsub-specific condition, "" for none; `feature` is what is unsupported."""
    extra = b""
    if specific:
        extra = Tag(specific, {"feature": feature or None}, ns=PUBSUB_ERRORS).render()
    return StanzaError(condition, text, reason=reason, extra=extra, type=type_)


def unsupported(feature: str, text: str = "") -> StanzaError:
    """What the service, or the node, does not do (§12)."""
    return refusal(
        "feature-not-implemented", "unsupported", text, reason="pubsub.unsupported", feature=feature
    )


def no_node() -> StanzaError:
    """There is no such node."""
    return refusal("item-not-found", text="there is no such node", reason="pubsub.no-node")


def no_item() -> StanzaError:
    """There is no such item."""
    return refusal("item-not-found", text="there is no such item", reason="pubsub.no-item")


def moved(uri: str) -> StanzaError:
    """There is no such node any more, but one elsewhere (§6.1.3.11)."""
    return StanzaError("gone", "the node has moved", reason="pubsub.moved", payload=uri)


def no_name() -> StanzaError:
    """A request names no node that has to name one."""
    return refusal("bad-request", "nodeid-required", reason="pubsub.nodeid-required")


def forbidden(text: str = "") -> StanzaError:
    """Somebody may not do what he asks for."""
    return refusal("forbidden", text=text, reason="pubsub.forbidden")
