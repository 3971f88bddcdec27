"""Which messages newcomers get (XEP-0045 §7.2.13), and which the archive has (XEP-0313 §6.1.2).

Rule 1: what somebody would miss who was not there is kept; what is over when it has come is not.
Rule 2: what its sender wants kept, or not, is as he says (XEP-0334), save that who has seen a
message learns that it was taken back (XEP-0424 §5).
"""

from __future__ import annotations

from typing import NamedTuple

from components.common import tree
from components.common.stanza import Stanza
from components.muc.model.history import Said
from components.muc.names import RETRACT
from xmppd import ns

BODY = f"{ns.COMPONENT} body"
RETRACTION = f"{RETRACT} retract"


class Lasting(NamedTuple):
    """Whether a message is part of the history that newcomers get, and of the archive."""

    history: bool
    archive: bool


BOTH = Lasting(history=True, archive=True)
ARCHIVE = Lasting(history=False, archive=True)
NEITHER = Lasting(history=False, archive=False)

_NOT_KEPT = frozenset({f"{ns.HINTS} no-store", f"{ns.HINTS} no-permanent-store"})
_KEPT = f"{ns.HINTS} store"

_PASSING = frozenset(
    {ns.CHAT_STATES, ns.HINTS, ns.RECEIPTS, ns.STANZA_ID, ns.CHAT_MARKERS, ns.COMPONENT}
)
"""What has only payloads of these, and no body, is over when it has come."""


def lasting(message: Stanza) -> Lasting:
    """What becomes of a message."""
    children = message.children
    if RETRACTION in children:
        return BOTH if BODY in children else ARCHIVE
    if not _NOT_KEPT.isdisjoint(children):
        return NEITHER
    if BODY in children:
        return BOTH
    if _KEPT in children:
        return ARCHIVE
    for child in children:
        if child.rpartition(" ")[0] not in _PASSING:
            return ARCHIVE
    return NEITHER


def historic(said: Said) -> bool:
    """Whether a message of the archive is one that newcomers get, or what is left of one."""
    content = tree.parse("message", {}, said.inner, ns.COMPONENT)
    names = (f"{{{ns.COMPONENT}}}body", f"{{{RETRACT}}}retracted")
    return any(content.find(name) is not None for name in names)
