"""Trees, for the stanzas whose content a component must understand: ElementTree.

Names in a tree are spelled ``{namespace}local``. What is only sent needs no tree: see `build`.
"""

from __future__ import annotations

from collections.abc import Mapping
from xml.etree.ElementTree import Element, SubElement, XMLParser

from components.common import build
from xmppd import ns

NONE: Mapping[str, str] = {}


class TooLong(Exception):
    """An element would take more octets than it may."""


def parse(
    name: str,
    attrs: Mapping[str, str],
    inner: bytes,
    namespace: str,
    prefixes: Mapping[str, str] = NONE,
) -> Element:
    """A tree of `inner`, well-formed content, under a root `name` of the namespace.

    `attrs` are spelled as in a `Stanza`. `prefixes` are those that `inner` uses and does not
    declare.
    """
    parser = XMLParser(encoding="UTF-8")
    declared = "".join(f" xmlns:{p}='{build.attribute(uri)}'" for p, uri in prefixes.items())
    parser.feed(f"<{name} xmlns='{build.attribute(namespace)}'{declared}>".encode())
    parser.feed(inner)
    parser.feed(f"</{name}>".encode())
    root: Element = parser.close()
    for key, value in attrs.items():
        space, _, local = key.rpartition(" ")
        root.set(f"{{{space}}}{local}" if space else local, value)
    return root


def element(
    namespace: str, local: str, text: str = "", attributes: Mapping[str, str] = NONE
) -> Element:
    """A new element with text."""
    made = Element(f"{{{namespace}}}{local}", dict(attributes))
    made.text = text or None
    return made


def child(
    parent: Element, local: str, text: str = "", attributes: Mapping[str, str] = NONE
) -> Element:
    """A new element with text, of the namespace of `parent` and its last child."""
    namespace, brace, _ = parent.tag.rpartition("}")
    made = SubElement(parent, f"{namespace}{brace}{local}", dict(attributes))
    made.text = text or None
    return made


def written(element: Element, default: str = "", most: int | None = None) -> bytes:
    """An element as bytes that mean the same wherever `default` is the default namespace.

    What stands behind the element is left out. Raises `TooLong` where that would be more than
    `most` octets: every use of a prefix becomes a declaration, so a few bytes may mean many.
    Raises ValueError for characters that XML can't have; no parser gives them.
    """
    out: list[str] = []
    room = most
    # A stack rather than recursion: elements may be nested deeply.
    waiting: list[tuple[Element, str] | str] = [(element, default)]
    while waiting:
        item = waiting.pop()
        piece = item if isinstance(item, str) else _begun(*item, waiting)
        out.append(piece)
        if room is not None:
            room -= len(piece)  # a character is an octet or more
            if room < 0:
                raise TooLong
    encoded = "".join(out).encode()
    if most is not None and len(encoded) > most:
        raise TooLong
    return encoded


def _begun(node: Element, outer: str, waiting: list[tuple[Element, str] | str]) -> str:
    """The start of an element; what has to follow it goes to those that wait, the first one last.

    `outer` is the default namespace around it.
    """
    namespace, _, local = node.tag.removeprefix("{").rpartition("}")
    declared = "" if namespace == outer else f" xmlns='{build.attribute(namespace)}'"
    head = f"<{local}{declared}{_attributes(node)}"
    if not len(node) and not node.text:
        return f"{head}/>"
    waiting.append(f"</{local}>")
    for each in reversed(node):
        if each.tail:
            waiting.append(build.text(each.tail))
        waiting.append((each, namespace))
    return f"{head}>{build.text(node.text or '')}"


def count(element: Element) -> int:
    """Its elements and attributes: each costs who reads it as much as hundreds of octets."""
    return sum(1 + len(each.attrib) for each in element.iter())


def count_written(encoded: bytes) -> int:
    """The same of what `written` or a `Tag` has made, or more: no parser looks at it.

    Declarations of namespaces count as attributes, and so does text that looks like one.
    """
    return encoded.count(b"<") - encoded.count(b"</") + encoded.count(b"='")


def count_roughly(encoded: bytes) -> int:
    """No less than that: of much text and little else in a thirtieth of the time."""
    return encoded.count(b"<") + encoded.count(b"=")


def content(element: Element) -> bytes:
    """What stands inside an element, as bytes for a place of the same default namespace."""
    namespace = element.tag.removeprefix("{").rpartition("}")[0]
    parts = [build.text(element.text or "").encode()]
    for each in element:
        parts.append(written(each, namespace))
        parts.append(build.text(each.tail or "").encode())
    return b"".join(parts)


def _attributes(node: Element) -> str:
    shown = ""
    for number, (key, value) in enumerate(node.attrib.items()):
        namespace, _, local = key.removeprefix("{").rpartition("}")
        if namespace == ns.XML:
            local = f"xml:{local}"
        elif namespace:
            shown += f" xmlns:a{number}='{build.attribute(namespace)}'"
            local = f"a{number}:{local}"
        shown += f" {local}='{build.attribute(value)}'"
    return shown
