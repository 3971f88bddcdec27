"""Which messages newcomers get (XEP-0045 §7.2.13), and which the archive has (XEP-0313 §6.1.2).

Rule 1: what somebody would miss who was not there is kept; what is over when it has come is not.
Rule 2: what its sender wants kept, or not, is as he says (XEP-0334).
"""

from __future__ import annotations

from typing import NamedTuple

from components.common.stanza import Stanza
from xmppd import ns


class Lasting(NamedTuple):
    """Whether a message is part of the history that newcomers get, and of the archive."""

    history: bool
    archive: bool


BOTH = Lasting(history=True, archive=True)
ARCHIVE = Lasting(history=False, archive=True)
NEITHER = Lasting(history=False, archive=False)

_NOT_KEPT = (f"{ns.HINTS} no-store", f"{ns.HINTS} no-permanent-store")
_KEPT = f"{ns.HINTS} store"

_PASSING = frozenset({ns.CHAT_STATES, ns.HINTS, ns.RECEIPTS, ns.STANZA_ID, ns.CHAT_MARKERS})
"""What has only payloads of these is over when it has come."""


def lasting(message: Stanza) -> Lasting:
    """What becomes of a message."""
    children, content = message.children, message.content
    if f"{content} body" in children:
        if any(hint in children for hint in _NOT_KEPT):
            return NEITHER
        return BOTH
    if _KEPT in children:
        return ARCHIVE
    for child in children:
        namespace = child.rpartition(" ")[0]
        if namespace not in _PASSING and namespace != content:
            return NEITHER if any(hint in children for hint in _NOT_KEPT) else ARCHIVE
    return NEITHER
