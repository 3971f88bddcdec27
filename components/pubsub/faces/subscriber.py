"""Which subscription a request is about: its JID and SubID (XEP-0060 §6.2.3, §6.3.4)."""

from __future__ import annotations

from components.pubsub.faults import forbidden, refusal
from components.pubsub.model.node import Node, Subscription
from components.pubsub.requests import Request
from xmppd.errors import StanzaError
from xmppd.jid import JID, JIDError


def own_jid(request: Request) -> JID:
    """The JID that somebody subscribes, which has to be his own, or a resource of his (§6.1.3.1).

    Raises StanzaError `invalid-jid`.
    """
    jid = _parsed(request)
    if jid is None or jid.bare != request.asker.bare:
        raise _invalid_jid()
    return jid


def subscribed_jid(request: Request) -> JID:
    """The JID of a subscription that somebody has.

    Raises StanzaError: `jid-required`, `invalid-jid`, and `forbidden` where it is another's.
    """
    if not request.action.get("jid"):
        raise refusal("bad-request", "jid-required", reason="pubsub.jid-required")
    jid = _parsed(request)
    if jid is None:
        raise _invalid_jid()
    if jid.bare != request.asker.bare:
        raise forbidden("that is another's")
    return jid


def subscription(node: Node, request: Request, jid: JID, type_: str) -> Subscription:
    """The subscription that is meant; `type_` is that of the error where there is none.

    Raises StanzaError: `not-subscribed`, `subid-required`, `invalid-subid`.
    """
    found, subid = node.of_jid(jid), request.action.get("subid")
    if not found:
        raise refusal(
            "unexpected-request", "not-subscribed", reason="pubsub.not-subscribed", type_=type_
        )
    if subid is None:
        if len(found) > 1:
            raise refusal("bad-request", "subid-required", reason="pubsub.subid-required")
        return found[0]
    for each in found:
        if each.subid == subid:
            return each
    raise refusal("not-acceptable", "invalid-subid", reason="pubsub.invalid-subid")


def _parsed(request: Request) -> JID | None:
    try:
        return JID.parse(request.action.get("jid", ""))
    except JIDError:
        return None


def _invalid_jid() -> StanzaError:
    return refusal("bad-request", "invalid-jid", reason="pubsub.invalid-jid")
