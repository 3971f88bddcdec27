"""Trees, for the few stanzas that the core itself must understand.

The standard library's ElementTree (its C accelerator on expat) reads them: it is the parser
that framed the bytes, so there is no second reading of them, and unlike libxml2 it keeps no
process-wide dictionary of every name it ever saw (measured: 300,000 unique names leave 0 KiB
against 10.6 MiB), so no peer can use it to make the process grow.
"""

from __future__ import annotations

import pyexpat
from collections.abc import Mapping
from xml.etree.ElementTree import Element, XMLParser

from xmppd.wire import escape


def parse(name: str, attrs: Mapping[str, str], inner: bytes, namespace: str) -> Element:
    """A tree of `inner`, validated bytes, under a root `name` in `namespace`.

    Names in the tree are spelled ``{namespace}local``.
    """
    parser = XMLParser(encoding="UTF-8")
    default = f" xmlns='{escape.attribute(namespace)}'" if namespace else ""
    parser.feed(f"<{name}{default}>".encode())
    parser.feed(inner)
    parser.feed(f"</{name}>".encode())
    root: Element = parser.close()
    for key, value in attrs.items():
        space, _, local = key.rpartition(" ")
        root.set(f"{{{space}}}{local}" if space else local, value)
    return root


def child_names(inner: bytes, namespace: str) -> list[str]:
    """The names of the elements that stand in `inner`, not deeper, each ``"namespace local"``.

    `inner` are validated bytes of a content of `namespace`.
    """
    if not inner:
        return []
    names: list[str] = []
    depth = 0

    def on_start(name: str, attrs: dict[str, str]) -> None:
        nonlocal depth
        if depth == 1:
            names.append(name)
        depth += 1

    def on_end(name: str) -> None:
        nonlocal depth
        depth -= 1

    parser = pyexpat.ParserCreate("UTF-8", " ", None)
    parser.StartElementHandler = on_start
    parser.EndElementHandler = on_end
    parser.Parse(b"<x xmlns='%b'>%b</x>" % (escape.attribute(namespace).encode(), inner), True)
    return names


def child_text(element: Element, tag: str) -> str | None:
    """The text of the first child named `tag`, None where there is no such child."""
    child = element.find(tag)
    return None if child is None else child.text or ""
