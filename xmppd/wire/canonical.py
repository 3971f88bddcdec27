"""The slow path: payload bytes that can't be passed on as they stand, written anew.

Bytes are portable from one stream to another while they use no prefix declared outside
them, no CDATA section (which some peers can't read), and do not spell out a content namespace
that changes on the way. What is not portable is parsed and written again here, by the same
parser that framed it, so that it keeps its infoset and no second reading of it exists.
"""

from __future__ import annotations

import pyexpat
from collections.abc import Iterable, Mapping
from xml.etree.ElementTree import Element

from xmppd import ns
from xmppd.errors import StreamError
from xmppd.wire import escape, octets
from xmppd.wire.limits import Limits

MOST_PREFIXES = 64
"""Declared in one place, so many stay. Thousands, looked through for each attribute, take long."""

_NO_PREFIXES: Mapping[str, str] = {}


def portable(
    inner: bytes,
    *,
    scope: Mapping[str, str],
    header: bytes,
    tag: bytes,
    content: str,
    limits: Limits,
) -> bytes:
    """`inner`, the content of a frame, with nothing in it that only its own stream could read.

    `scope` is what the stream's start tag, `header`, declares; `tag` is the frame's own, whose
    namespace is `content`.

    Raises StreamError for an element of the stream namespace: one stream, one header. It
    can only be meant with the header's own prefix, or with the namespace spelled out.
    Raises it also where the result is too large: every use of a prefix spells it out.
    """
    declared = dict(scope)

    def on_prefix(prefix: str | None, uri: str | None) -> None:
        declared[prefix or ""] = uri or ""

    if b"xmlns" in tag:
        scanned = pyexpat.ParserCreate("UTF-8", " ", {})
        scanned.Parse(header)
        scanned.StartNamespaceDeclHandler = on_prefix
        scanned.Parse(tag)
    inner = rewrite(inner, scope=declared, content=content, target=content, limit=limits.stanza)
    octets.check_size(limits, b"", inner, len(inner))
    return inner


def rewrite(
    inner: bytes,
    *,
    scope: Mapping[str, str],
    content: str,
    target: str,
    limit: int,
) -> bytes:
    """The content of a stanza, self-contained and fit for the content namespace `target`.

    `inner` was read where `scope` (prefix to namespace, the default under "") is declared,
    inside a stanza of the namespace `content`. Elements of `content` become elements of
    `target` where they belong to the stanza itself; below an element of any other namespace
    they keep the namespace they have, as a forwarded stanza must (RFC 6120 §4.8.3, XEP-0297 §4).
    Prefixes that `inner` itself declares stay declared: text may use them (``type='xs:string'``).

    Raises StreamError for an element of the stream namespace, and for a result of more than
    `limit` bytes: each use of a prefix becomes a declaration, so a few bytes may mean many.
    """
    writer = _Writer(content, target, limit)
    parser = pyexpat.ParserCreate("UTF-8", " ", {})
    parser.buffer_text = True
    parser.ordered_attributes = True
    parser.StartNamespaceDeclHandler = writer.declare
    parser.StartElementHandler = writer.start
    parser.EndElementHandler = writer.end
    parser.CharacterDataHandler = writer.data
    declarations = "".join(
        f" xmlns{':' if prefix else ''}{prefix}='{escape.attribute(uri)}'"
        for prefix, uri in scope.items()
    )
    parser.Parse(f"<x{declarations}>".encode())
    parser.Parse(inner)
    parser.Parse(b"</x>", True)
    return "".join(writer.out).encode()


class _Writer:
    """Writes what the parser reports; the synthetic root around it stays unwritten."""

    def __init__(self, content: str, target: str, limit: int) -> None:
        self.out: list[str] = []
        self._room = limit
        self._content = content
        self._target = target
        # Per open element: its name as written, the default namespace inside it, whether it
        # still belongs to the stanza itself rather than to a foreign payload, and its prefixes.
        self._open: list[tuple[str, str, bool, Mapping[str, str]]] = []
        self._declared: dict[str, str] = {}

    def declare(self, prefix: str | None, uri: str | None) -> None:
        """A declaration of the element that starts next."""
        if prefix and uri and prefix != "xml":
            self._declared[prefix] = uri

    def start(self, name: str, attributes: list[str]) -> None:
        declared, self._declared = self._declared, {}
        namespace, _, local = name.rpartition(" ")
        if namespace == ns.STREAM and self._open:
            raise StreamError("bad-format", reason="stream.nested")
        if not self._open:
            self._open.append(("", self._target, True, {}))
            return
        _, default, own, prefixes = self._open[-1]
        own = own and namespace == self._content
        if own:
            namespace = self._target
        if namespace == ns.XML:  # its prefix is the only way to spell it (Namespaces in XML §3)
            local, namespace = f"xml:{local}", default
        shown = "" if namespace == default else f" xmlns='{escape.attribute(namespace)}'"
        if declared:
            prefixes = dict(prefixes)
            for prefix, uri in declared.items():
                if prefix in prefixes or len(prefixes) < MOST_PREFIXES:
                    prefixes[prefix] = uri
                    shown += f" xmlns:{prefix}='{escape.attribute(uri)}'"
        pairs = zip(attributes[::2], attributes[1::2], strict=True)
        self._write(f"<{local}{shown}{attributes_text(pairs, prefixes)}>")
        self._open.append((local, namespace, own, prefixes))

    def end(self, name: str) -> None:
        local = self._open.pop()[0]
        if self._open:
            self._write(f"</{local}>")

    def data(self, data: str) -> None:
        self._write(escape.text(data))

    def _write(self, text: str) -> None:
        self._room -= len(text)
        if self._room < 0:
            raise StreamError("policy-violation", reason="limit.stanza-size")
        self.out.append(text)


def attributes_text(
    attributes: Iterable[tuple[str, str]], prefixes: Mapping[str, str] = _NO_PREFIXES
) -> str:
    """Attributes as they stand in a start tag, each with a leading space.

    `attributes` are pairs of name and value; a name with a namespace is spelled
    ``"namespace local"``, as the framer reports it. `prefixes` are declared where they stand.
    """
    out = []
    for number, (name, value) in enumerate(attributes):
        namespace, _, local = name.rpartition(" ")
        if namespace == ns.XML:
            local = f"xml:{local}"
        elif namespace:
            prefix = next((p for p, uri in prefixes.items() if uri == namespace), "")
            if not prefix:
                prefix = f"a{number}"
                while prefix in prefixes:  # text further down may mean the one that is there
                    prefix = f"_{prefix}"
                out.append(f" xmlns:{prefix}='{escape.attribute(namespace)}'")
            local = f"{prefix}:{local}"
        out.append(f" {local}='{escape.attribute(value)}'")
    return "".join(out)


def written(element: Element) -> bytes:
    """An element of a tree as bytes that mean the same wherever they stand.

    Names in the tree are spelled ``{namespace}local``; what stands behind the element is left out.
    """
    out: list[str] = []
    # A stack rather than recursion: elements may be nested as deeply as the limits let them.
    waiting: list[tuple[Element, str] | str] = [(element, "")]
    while waiting:
        item = waiting.pop()
        if isinstance(item, str):
            out.append(item)
            continue
        node, default = item
        namespace, _, local = node.tag.removeprefix("{").rpartition("}")
        if namespace == ns.XML:  # its prefix is the only way to spell it (Namespaces in XML §3)
            local, namespace = f"xml:{local}", default
        declared = "" if namespace == default else f" xmlns='{escape.attribute(namespace)}'"
        attributes = (
            (key.removeprefix("{").replace("}", " "), value) for key, value in node.attrib.items()
        )
        out.append(f"<{local}{declared}{attributes_text(attributes)}")
        if not len(node) and not node.text:
            out.append("/>")
            continue
        out.append(f">{escape.text(node.text or '')}")
        waiting.append(f"</{local}>")
        for child in reversed(node):
            if child.tail:
                waiting.append(escape.text(child.tail))
            waiting.append((child, namespace))
    return "".join(out).encode()
