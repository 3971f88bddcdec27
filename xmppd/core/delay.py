"""Delayed Delivery (XEP-0203), and the profile of date and time that it uses (XEP-0082)."""

from __future__ import annotations

from datetime import UTC, datetime

from xmppd import ns
from xmppd.wire.build import Tag
from xmppd.wire.stanza import Stanza


def written(at: float) -> str:
    """A moment, in seconds UTC since 1970, as XEP-0082 §3.2 writes it, to the second."""
    return datetime.fromtimestamp(int(at), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def tag(by: str, at: float, text: str = "") -> Tag:
    """`<delay/>`: a stanza that `by` had at `at`, seconds UTC since 1970."""
    return Tag("delay", {"from": by, "stamp": written(at)}, text, ns=ns.DELAY)


def stamped(stanza: Stanza, by: str, at: float) -> Stanza:
    """The stanza with a delay of its own, behind whatever others it has."""
    inner = stanza.inner + tag(by, at).render()
    return stanza.with_inner(inner, [*stanza.children, f"{ns.DELAY} delay"])
