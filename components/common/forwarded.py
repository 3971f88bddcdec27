"""Stanzas inside of stanzas (XEP-0297), cut out without making a tree of what they carry."""

from __future__ import annotations

import pyexpat
import re
from functools import cache

from components.common import build, tree
from components.common.stanza import XML_LANG, Stanza
from xmppd import ns

_OPEN = f"<forwarded xmlns='{ns.FORWARD}'>".encode()
_CLOSE = b"</forwarded>"

_START_TAG = re.compile(rb"""<[^"'>]*(?:"[^"]*"[^"'>]*|'[^']*'[^"'>]*)*>""")
_KINDS = frozenset({"message", "presence", "iq"})


_PLAIN = re.compile(
    rb"<forwarded xmlns='%b'><(iq|message|presence) xmlns='%b'((?: [a-z:]+='[^'<&\t\r\n]*')*)>"
    rb"(<([A-Za-z][\w.-]*) xmlns='([^'<&\t\r\n]*)'/>)</\1></forwarded>"
    % (re.escape(ns.FORWARD).encode(), re.escape(ns.CLIENT).encode())
)
"""A stanza that holds one element without content, as most requests do."""
_ATTR = re.compile(" ([a-z:]+)='([^']*)'")


def wrap(stanza: bytes, *names: str) -> bytes:
    """A stanza, which declares its namespace, forwarded in elements ``"namespace local"``."""
    head, tail = _around(names)
    return b"%b%b%b%b%b" % (head, _OPEN, stanza, _CLOSE, tail)


def unwrap(outer: Stanza, *names: str) -> Stanza | None:
    """The one stanza that is forwarded in elements ``"namespace local"`` of `outer`.

    None where there is none. What it holds may be passed on, as of any other stanza.
    """
    return _plain(outer.inner, names) or _parsed(outer, names)


def _plain(data: bytes, names: tuple[str, ...]) -> Stanza | None:
    """The stanza where it is written as the server writes it; much sooner than by a parser."""
    head, tail = _around(names)
    if not (data.startswith(head) and data.endswith(tail)):
        return None
    found = _PLAIN.fullmatch(data, len(head), len(data) - len(tail))
    if found is None:
        return None
    kind, written, inner, local, namespace = found.groups()
    attrs = dict(_ATTR.findall(written.decode()))
    if b":" in written:
        attrs = {XML_LANG if name == "xml:lang" else name: attrs[name] for name in attrs}
        if any(":" in name and name != XML_LANG for name in attrs):
            return None
    children = [f"{namespace.decode()} {local.decode()}"]
    return Stanza(kind.decode(), attrs, children, inner, ns.CLIENT)


@cache
def _around(names: tuple[str, ...]) -> tuple[bytes, bytes]:
    """What stands before and behind a `<forwarded/>` in these elements."""
    spaced = [name.rpartition(" ") for name in names]
    head = "".join(f"<{local} xmlns='{build.attribute(space)}'>" for space, _, local in spaced)
    return head.encode(), "".join(f"</{local}>" for _, _, local in reversed(spaced)).encode()


def _parsed(outer: Stanza, names: tuple[str, ...]) -> Stanza | None:
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
