"""Escaping of text and attribute values, to UTF-8 bytes (XML 1.0 §2.4)."""

from __future__ import annotations

import re

_SPECIAL = re.compile("[&<>'\"\t\n\r]")
_ENTITIES = {
    "&": "&amp;",
    "<": "&lt;",
    ">": "&gt;",
    "'": "&apos;",
    '"': "&quot;",
    # A literal tab or line break in an attribute reads back as a space (XML 1.0 §3.3.3), and
    # a literal carriage return anywhere as a line feed (§2.11).
    "\t": "&#9;",
    "\n": "&#10;",
    "\r": "&#13;",
}
_TEXT_SPECIAL = re.compile("[&<>\r]")


def attribute(value: str) -> str:
    """`value`, fit to stand between the quotes of an attribute of either kind."""
    if _SPECIAL.search(value) is None:
        return value
    return _SPECIAL.sub(lambda m: _ENTITIES[m[0]], value)


def text(value: str) -> str:
    """`value`, fit to stand as character data."""
    if _TEXT_SPECIAL.search(value) is None:
        return value
    return _TEXT_SPECIAL.sub(lambda m: _ENTITIES[m[0]], value)
