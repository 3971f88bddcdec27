"""Attributes of BOSH's `<body/>` as a reader spells them, and numbers of the protocol."""

from __future__ import annotations

from typing import Final

from components.bosh.names import HTTPBIND, XBOSH
from xmppd import ns

BODY: Final = f"{HTTPBIND} body"
LANG: Final = f"{ns.XML} lang"
VERSION: Final = f"{XBOSH} version"
RESTART: Final = f"{XBOSH} restart"

BOSH: Final = (1, 11)
"""The version of XEP-0124 that is spoken here."""

MOST_RID: Final = 9_007_199_254_740_991
"""The highest request id that there may be (XEP-0124 §14.1)."""
