"""Trees, for the stanzas whose content a component must understand: ElementTree.

Names in a tree are spelled ``{namespace}local``.
"""

from __future__ import annotations

from collections.abc import Mapping
from xml.etree.ElementTree import Element, XMLParser

from components.common import build
from xmppd import ns

NO_PREFIXES: Mapping[str, str] = {}


def parse(
    name: str,
    attrs: Mapping[str, str],
    inner: bytes,
    namespace: str,
    prefixes: Mapping[str, str] = NO_PREFIXES,
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


def written(element: Element, default: str = "") -> bytes:
    """An element as bytes that mean the same wherever `default` is the default namespace.

    What stands behind the element is left out.
    """
    out: list[str] = []
    # A stack rather than recursion: elements may be nested deeply.
    waiting: list[tuple[Element, str] | str] = [(element, default)]
    while waiting:
        item = waiting.pop()
        if isinstance(item, str):
            out.append(item)
            continue
        node, outer = item
        namespace, _, local = node.tag.removeprefix("{").rpartition("}")
        declared = "" if namespace == outer else f" xmlns='{build.attribute(namespace)}'"
        out.append(f"<{local}{declared}{_attributes(node)}")
        if not len(node) and not node.text:
            out.append("/>")
            continue
        out.append(f">{build.text(node.text or '')}")
        waiting.append(f"</{local}>")
        for child in reversed(node):
            if child.tail:
                waiting.append(build.text(child.tail))
            waiting.append((child, namespace))
    return "".join(out).encode()


def content(element: Element) -> bytes:
    """What stands inside an element, as bytes for a place of the same default namespace."""
    namespace = element.tag.removeprefix("{").rpartition("}")[0]
    parts = [build.text(element.text or "").encode()]
    for child in element:
        parts.append(written(child, namespace))
        parts.append(build.text(child.tail or "").encode())
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
