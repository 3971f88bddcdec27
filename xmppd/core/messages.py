"""What a message holds, told by the names of its children: no tree is made of it."""

from __future__ import annotations

from enum import Enum, auto

from xmppd import ns
from xmppd.wire.stanza import Stanza

HINTS = ("no-copy", "no-store", "no-permanent-store", "store")
"""The processing hints there are (XEP-0334 §4)."""

_HINTS = {hint: f"{ns.HINTS} {hint}" for hint in HINTS}
_STATE = f"{ns.CHAT_STATES} "
_PASSING = tuple(f"{space} " for space in (ns.CHAT_STATES, ns.HINTS, ns.DELAY, ns.STANZA_ID))


class Worth(Enum):
    """What becomes of a message that nobody can be given now (XEP-0160 §3)."""

    KEEP = auto()
    """It waits for its recipient."""
    REFUSE = auto()
    """It is to be kept nowhere, or is empty; its sender reads that it was not delivered."""
    PASS = auto()
    """It means nothing later, and its sender expects no answer: a chat state."""


def hinted(stanza: Stanza, hint: str) -> bool:
    """Whether a message carries a hint; those in errors are somebody else's (XEP-0334 §5)."""
    return _HINTS[hint] in stanza.children and stanza.type != "error"


def has_body(stanza: Stanza) -> bool:
    """Whether a message says something to people."""
    return f"{stanza.content} body" in stanza.children


def only_chat_state(stanza: Stanza) -> bool:
    """Whether a message tells of a chat state and nothing else (XEP-0085 §5.1)."""
    children = stanza.children
    return any(name.startswith(_STATE) for name in children) and not _means_something(stanza)


def worth(stanza: Stanza) -> Worth:
    """What becomes of a message of type chat or normal whose recipient is not there.

    Of chat states alone it is that they are not kept and nobody waits for an answer (XEP-0160 §3).
    Whatever else is not kept comes back (§2, step 3), were it empty.
    """
    if not hinted(stanza, "no-store") and (hinted(stanza, "store") or _means_something(stanza)):
        return Worth.KEEP
    return Worth.PASS if only_chat_state(stanza) else Worth.REFUSE


def _means_something(stanza: Stanza) -> bool:
    thread = f"{stanza.content} thread"
    return any(name != thread and not name.startswith(_PASSING) for name in stanza.children)
