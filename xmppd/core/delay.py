"""Delayed Delivery (XEP-0203), and the profile of date and time that it uses (XEP-0082)."""

from __future__ import annotations

from datetime import UTC, datetime

from xmppd import ns
from xmppd.wire.build import Tag
from xmppd.wire.stanza import Stanza

_DELAYS = {f"{ns.DELAY} delay": f"{{{ns.DELAY}}}delay", f"{ns.OLD_DELAY} x": f"{{{ns.OLD_DELAY}}}x"}
"""The names of the notation and of its predecessor (XEP-0091), and their tags in a tree."""


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


def stamped_once(stanza: Stanza, by: str, at: float) -> Stanza:
    """The stanza with a delay by `by`, unless it has one: the first tells when it came."""
    return stanza if by in claimed(stanza) else stamped(stanza, by, at)


def claimed(stanza: Stanza) -> list[str]:
    """Who delayed a stanza, as its notations say, whoever wrote them: each one's `from`, or ""."""
    if not any(name in _DELAYS for name in stanza.children):
        return []
    tags = _DELAYS.values()
    return [child.get("from", "") for child in stanza.element if child.tag in tags]
