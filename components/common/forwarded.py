"""Stanzas inside of stanzas (XEP-0297), cut out without making a tree of what they carry."""

from __future__ import annotations

import pyexpat
import re

from components.common import build, tree
from components.common.stanza import Stanza
from xmppd import ns

_OPEN = f"<forwarded xmlns='{ns.FORWARD}'>".encode()
_CLOSE = b"</forwarded>"

_START_TAG = re.compile(rb"""<[^"'>]*(?:"[^"]*"[^"'>]*|'[^']*'[^"'>]*)*>""")
_KINDS = frozenset({"message", "presence", "iq"})


def wrap(stanza: bytes, *names: str) -> bytes:
    """A stanza, which declares its namespace, forwarded in elements ``"namespace local"``."""
    wrapped = b"%b%b%b" % (_OPEN, stanza, _CLOSE)
    for name in reversed(names):
        namespace, _, local = name.rpartition(" ")
        head = f"<{local} xmlns='{build.attribute(namespace)}'>".encode()
        wrapped = b"%b%b</%b>" % (head, wrapped, local.encode())
    return wrapped


def unwrap(outer: Stanza, *names: str) -> Stanza | None:
    """The one stanza that is forwarded in elements ``"namespace local"`` of `outer`.

    None where there is none. What it holds may be passed on, as of any other stanza.
    """
    path = [*names, f"{ns.FORWARD} forwarded"]
    data = outer.inner
    head = f"<x xmlns='{outer.content}'>".encode()
    parser = pyexpat.ParserCreate("UTF-8", " ", None)
    depth = -1
    on_path = 0
    found: Stanza | None = None
    attrs: dict[str, str] = {}
    began = 0
    kind = ""
    children: list[str] = []
    prefixes: dict[str, str] = {}
    declared: dict[str, str] = {}

    def on_prefix(prefix: str | None, uri: str | None) -> None:
        if prefix and uri and on_path == depth and depth <= len(path):
            declared[prefix] = uri

    def on_start(name: str, given: dict[str, str]) -> None:
        nonlocal depth, on_path, attrs, began, kind, children
        depth += 1
        if not depth:
            return
        if on_path == depth - 1 and depth <= len(path) and name == path[depth - 1]:
            on_path = depth
        elif on_path == len(path) and depth == len(path) + 1 and found is None:
            namespace, _, local = name.rpartition(" ")
            if namespace == ns.CLIENT and local in _KINDS:
                kind, attrs, children = local, given, []
                began = parser.CurrentByteIndex - len(head)
                prefixes.update(declared)
        elif kind and found is None and depth == len(path) + 2:
            children.append(name)

    def on_end(name: str) -> None:
        nonlocal depth, on_path, found
        if kind and found is None and depth == len(path) + 1:
            tag = _START_TAG.match(data, began)
            assert tag is not None
            index = parser.CurrentByteIndex - len(head)
            empty = index == tag.end() and data[index - 2 : index] == b"/>"
            inner = b"" if empty else data[tag.end() : index]
            if prefixes and inner:
                inner = tree.content(tree.parse("x", {}, inner, ns.CLIENT, prefixes))
            found = Stanza(kind, attrs, children, inner, ns.CLIENT)
        depth -= 1
        on_path = min(on_path, max(depth, 0))

    parser.StartNamespaceDeclHandler = on_prefix
    parser.StartElementHandler = on_start
    parser.EndElementHandler = on_end
    parser.Parse(head)
    parser.Parse(data)
    parser.Parse(b"</x>", True)
    # They hold the parser, and it holds them.
    parser.StartElementHandler = parser.EndElementHandler = parser.StartNamespaceDeclHandler = None
    return found
