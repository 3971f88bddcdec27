"""An item of a node (XEP-0060 §4.3, §7.1)."""

from __future__ import annotations

from typing import NamedTuple

from xmppd.jid import JID

ID_OCTETS = 2_047
"""How long an ItemID may be: two parts of a JID, as bookmarks have it, and few enough for indexes
of every database."""


class Item(NamedTuple):
    """An item. `payload` is XML that means the same wherever it stands, b"" for none."""

    id: str
    publisher: JID
    """Who has published it, a full JID as the case may be."""
    at: float
    """When, in seconds UTC since 1970."""
    payload: bytes
    position: int = 0
    """Its place in the order of publication, which the store gives it; 0 before that."""
    fleeting: int | None = None
    """Whether it goes as its publisher goes offline, as the store has it: None where it stays, 1
    once he was seen to be there since it was published, and 0 before that."""
