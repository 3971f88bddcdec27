"""Elements made, and written as bytes that mean the same wherever they stand.

Names in a tree are spelled ``{namespace}local``, as ElementTree does.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from xml.etree.ElementTree import Element, SubElement

from xmppd import ns

_NONE: Mapping[str, str] = {}

_TEXT = re.compile("[&<>\r\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_VALUE = re.compile("[&<>'\t\n\r\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_ESCAPES = {
    "&": "&amp;",
    "<": "&lt;",
    ">": "&gt;",
    "'": "&apos;",
    # A literal one would read back as a space, or as a line feed (XML 1.0 §2.11, §3.3.3).
    "\t": "&#9;",
    "\n": "&#10;",
    "\r": "&#13;",
}


class TooLong(Exception):
    """An element would take more octets than it may."""


def element(
    namespace: str, local: str, text: str = "", attributes: Mapping[str, str] = _NONE
) -> Element:
    """A new element with text."""
    made = Element(f"{{{namespace}}}{local}", dict(attributes))
    made.text = text or None
    return made


def child(
    parent: Element, local: str, text: str = "", attributes: Mapping[str, str] = _NONE
) -> Element:
    """A new element with text, of the namespace of `parent` and its last child."""
    made = SubElement(parent, f"{_namespace(parent.tag)[0]}{local}", dict(attributes))
    made.text = text or None
    return made


def _namespace(tag: str) -> tuple[str, str]:
    """The namespace of a name, in braces, and its local part."""
    namespace, brace, local = tag.rpartition("}")
    return namespace + brace, local


def written(root: Element, most: int | None = None) -> bytes:
    """The element as UTF-8, each namespace declared as the default one where it begins.

    What stands behind the element is left out. Raises `TooLong` where that would be more than
    `most` octets: every use of a prefix becomes a declaration, so a few bytes may mean many.
    Raises ValueError for characters that XML can't have; no parser gives them.
    """
    pieces: list[bytes] = []
    octets = 0
    for piece in _pieces(root):
        encoded = piece.encode()
        octets += len(encoded)
        if most is not None and octets > most:
            raise TooLong
        pieces.append(encoded)
    return b"".join(pieces)


def _pieces(root: Element) -> Iterator[str]:
    # A stack rather than recursion: elements may be nested as deeply as the stream lets them.
    waiting: list[tuple[Element, str] | str] = [(root, "")]
    while waiting:
        item = waiting.pop()
        if isinstance(item, str):
            yield item
            continue
        node, default = item
        namespace, local = _namespace(node.tag)
        namespace = namespace[1:-1]
        declared = "" if namespace == default else f" xmlns='{_escaped(_VALUE, namespace)}'"
        yield f"<{local}{declared}{_attributes(node.attrib)}"
        if not len(node) and not node.text:
            yield "/>"
            continue
        yield f">{_escaped(_TEXT, node.text or '')}"
        waiting.append(f"</{local}>")
        for each in reversed(node):
            if each.tail:
                waiting.append(_escaped(_TEXT, each.tail))
            waiting.append((each, namespace))


def _attributes(attributes: Mapping[str, str]) -> str:
    out = []
    for number, (name, value) in enumerate(attributes.items()):
        namespace, local = _namespace(name)
        if namespace == f"{{{ns.XML}}}":
            local = f"xml:{local}"
        elif namespace:
            out.append(f" xmlns:a{number}='{_escaped(_VALUE, namespace[1:-1])}'")
            local = f"a{number}:{local}"
        out.append(f" {local}='{_escaped(_VALUE, value)}'")
    return "".join(out)


def _escaped(special: re.Pattern[str], text: str) -> str:
    return text if special.search(text) is None else special.sub(_escape, text)


def _escape(found: re.Match[str]) -> str:
    escape = _ESCAPES.get(found[0])
    if escape is None:
        raise ValueError(f"no character of XML: {found[0]!r}")
    return escape
