"""How much a peer may send at once."""

from __future__ import annotations

from typing import NamedTuple


class Limits(NamedTuple):
    """What a peer may send at most."""

    stanza: int = 262_144
    """Bytes of one top-level element; four times as many characters may its names come to."""
    tag: int = 8_192
    """Bytes of one start tag, and of the stream header with what stands before it."""
    depth: int = 64
    """Nested elements, the stream's own not counted."""
    attributes: int = 64
    """Attributes of one element, and namespaces that it declares."""
    children: int = 1_024
    """Direct children of one top-level element: their names are kept, and a name may be long."""
