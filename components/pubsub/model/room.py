"""How much room there is for items, above all in one stanza.

Octets alone do not tell what a stanza costs: the server looks at each element of what comes on a
component's stream, and the least of them takes four octets. A megabyte of text is looked at in less
time than ten thousand elements.
"""

from __future__ import annotations

from typing import NamedTuple

from components.common import tree


class Room(NamedTuple):
    """What there may be together: octets, and elements and attributes."""

    octets: int
    elements: int
    payloads: bool = False
    """Whether it is for payloads alone: `<item/>` around each takes nothing of it."""

    def holds(self, payload: bytes) -> bool:
        """Whether a payload, as it is kept, is no more than that."""
        return len(payload) <= self.octets and tree.count_written(payload) <= self.elements
