"""By what an instance is chosen where a component's domain has nodes (XEP-0060, XEP-0030).

All nodes of a service are at one address, so an address alone would leave all of them to one
instance.
"""

from __future__ import annotations

import pyexpat
from typing import Any

from xmppd import ns
from xmppd.jid import JID
from xmppd.wire.stanza import Stanza

_PUBSUB = frozenset(f"{space} pubsub" for space in (ns.PUBSUB, ns.PUBSUB_OWNER))
_QUERIES = frozenset(f"{space} query" for space in (ns.DISCO_INFO, ns.DISCO_ITEMS))

_AT_A_TIME = 4_096
"""Octets that are read before it is asked whether they name the node, as the first ones do."""


def key(address: JID, node: str = "") -> str:
    """What owners are found by: a bare JID, and a node where there is one, with a zero between.

    Neither has such a character.
    """
    return f"{address.bare}\0{node}" if node else address.bare


def named(stanza: Stanza) -> str:
    """The node that a request is for, "" where it names none.

    That is the `node` of the first child of its `<pubsub/>` which has one, or of its `<query/>`
    (XEP-0030).
    """
    inner = stanza.inner
    if stanza.kind != "iq" or stanza.type not in ("get", "set") or b"node" not in inner:
        return ""
    found: str | None = None
    path: list[str] = []

    def on_start(name: str, attrs: dict[str, str]) -> None:
        nonlocal found
        if found is None and "node" in attrs:
            asked = len(path) == 1 and name in _QUERIES
            if asked or (len(path) == 2 and path[1] in _PUBSUB):
                found = attrs["node"]
        path.append(name)

    def on_end(name: str) -> None:
        path.pop()

    # The parser holds them, and they hold nothing of it.
    parser: Any = pyexpat.ParserCreate("UTF-8", " ", None)
    parser.StartElementHandler, parser.EndElementHandler = on_start, on_end
    parser.Parse(f"<x xmlns='{stanza.content}'>")
    for start in range(0, len(inner), _AT_A_TIME):
        parser.Parse(inner[start : start + _AT_A_TIME])
        if found is not None:
            return found
    return ""
