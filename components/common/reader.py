"""Cuts the bytes that a server sends into frames: stream header, stanzas, other elements, close.

The law of the reader:

1. expat reads every byte; of an element it notes the start tag, the names of its children and
   where its content stands. That stays bytes until somebody asks for a tree.
2. What stands in a stanza may be passed on as it is: prefixes that only the stream's header, or
   the stanza's own start tag, declares are written anew.
3. expat remembers every name that it has seen until it is freed, and payloads are of anybody's
   making. After `RENEW_BYTES` another parser goes on where the last one stood.
"""

from __future__ import annotations

import pyexpat
import re
from collections.abc import Callable
from typing import NamedTuple, NoReturn, TypeAlias

from components.common import tree
from components.common.stanza import Nonza, Stanza
from xmppd import ns
from xmppd.errors import StreamError

LARGEST = 16 * 1024 * 1024
"""Octets of the largest element that is read: far above what a server lets its users send."""

RENEW_BYTES = 512 * 1024
"""How much one parser reads."""

_START_TAG = re.compile(rb"""<[^"'>]*(?:"[^"]*"[^"'>]*|'[^']*'[^"'>]*)*>""")
"""A start tag that is known to be one: a `>` in an attribute's value does not end it."""

_SLASH = 0x2F


class Header(NamedTuple):
    """The server's stream header, and its attributes (XEP-0114 §3)."""

    name: str
    attrs: dict[str, str]


class Closed:
    """The server's `</stream:stream>`."""


Frame: TypeAlias = Header | Stanza | Nonza | Closed | StreamError


class Reader:
    """Bytes in, frames out; one for each stream."""

    def __init__(self, largest: int = LARGEST) -> None:
        self._largest = largest
        self._tag = b""
        self._prefixes: dict[str, str] = {}
        self._held = bytearray()
        """What has been read of an unfinished element."""
        self._read = 0
        self._finished = False
        self._parser: pyexpat.XMLParserType | None = None
        self._begin()

    def feed(self, data: bytes) -> list[Frame]:
        """The frames that `data` completes; a StreamError where it is none, and then no more."""
        frames: list[Frame] = []
        if self._finished:
            return frames
        held = self._held
        if self._read > RENEW_BYTES and not held and self._tag:
            self._begin()
        self._read += len(data)
        if held:
            held += data
        try:
            used = self._scan(held or data, data, frames)
        except pyexpat.ExpatError as error:
            self._finished = True
            frames.append(StreamError("not-well-formed", str(error), reason="stream.xml"))
        except StreamError as error:
            self._finished = True
            frames.append(error)
        else:
            self._keep(data, used, frames)
        return frames

    def _keep(self, data: bytes, used: int, frames: list[Frame]) -> None:
        """Keep what belongs to an unfinished element, and nothing that stands between two."""
        held = self._held
        if held:
            del held[:used]
        elif used < len(data):
            held += data[used:]
        if held and not held.strip():
            held.clear()
        if len(held) > self._largest:
            self._finished = True
            frames.append(StreamError("policy-violation", reason="limit.stanza-size"))

    def _begin(self) -> None:
        """Have a new parser stand inside the stream, or before it."""
        self._read = 0
        if self._parser is not None:  # its handlers hold it, and it holds them
            self._parser.StartElementHandler = self._parser.EndElementHandler = None
        self._parser = parser = pyexpat.ParserCreate("UTF-8", " ", None)
        if hasattr(parser, "SetReparseDeferralEnabled"):
            parser.SetReparseDeferralEnabled(False)
        parser.StartDoctypeDeclHandler = _refuse
        parser.ProcessingInstructionHandler = _refuse
        if self._tag:
            parser.Parse(self._tag)
        self._scan = self._scanning(parser)

    def _opened(self, name: str, attrs: dict[str, str], tag: bytes) -> Header:
        self._tag = tag
        return Header(name, attrs)

    def _scanning(
        self, parser: pyexpat.XMLParserType
    ) -> Callable[[bytes | bytearray, bytes, list[Frame]], int]:
        """Install the handlers of every element; what reads with them.

        They are closures, since cells are read faster than attributes: they run for each element.
        """
        kinds = {f"{ns.COMPONENT} {kind}": kind for kind in ("message", "presence", "iq")}
        prefixes = self._prefixes
        used_prefixes = [f"{prefix}:".encode() for prefix in prefixes]
        depth = 1 if self._tag else 0
        began = base = mark = total = len(self._tag)
        buffer: bytes | bytearray = b""
        frames: list[Frame] = []
        top: dict[str, str] = {}
        children: list[str] = []

        def on_prefix(prefix: str | None, uri: str | None) -> None:
            if prefix and uri:
                prefixes[prefix] = uri

        def on_start(name: str, attrs: dict[str, str]) -> None:
            nonlocal depth, began, top, children, mark
            depth += 1
            if depth == 3:
                children.append(name)
            elif depth == 2:
                top = attrs
                children = []
                began = parser.CurrentByteIndex
            elif depth == 1:
                began = parser.CurrentByteIndex
                parser.StartNamespaceDeclHandler = None
                used_prefixes[:] = [f"{prefix}:".encode() for prefix in prefixes]
                found = _START_TAG.match(buffer, began - base)
                assert found is not None
                mark = base + found.end()
                frames.append(self._opened(name, attrs, bytes(found[0])))

        def on_end(name: str) -> None:
            nonlocal depth, mark
            depth -= 1
            if depth > 1:
                return
            if not depth:
                frames.append(Closed())
                return
            first = began - base
            index = parser.CurrentByteIndex - base
            found = _START_TAG.match(buffer, first)
            assert found is not None
            opened = found.end()
            # At `</x>` expat's index is its `<`, at `<x/>` it is past the end.
            if opened == index and buffer[index - 2] == _SLASH:
                inner = b""
                mark = base + index
            else:
                inner = bytes(buffer[opened:index])
                mark = base + buffer.find(b">", index) + 1
                if b"xmlns:" in found[0] or any(used in inner for used in used_prefixes):
                    inner = _portable(name, bytes(found[0]), inner, prefixes)
            kind = kinds.get(name)
            if kind is None:
                frames.append(Nonza(name, top, children, inner))
            else:
                frames.append(Stanza(kind, top, children, inner))

        def scan(whole: bytes | bytearray, data: bytes, out: list[Frame]) -> int:
            nonlocal buffer, base, frames, total, mark
            buffer, frames = whole, out
            base = mark = total - (len(whole) - len(data))
            total += len(data)
            try:
                parser.Parse(data)
            finally:
                buffer, frames = b"", []
            return mark - base

        if not self._tag:
            parser.StartNamespaceDeclHandler = on_prefix
        parser.StartElementHandler = on_start
        parser.EndElementHandler = on_end
        return scan


def _portable(name: str, tag: bytes, inner: bytes, prefixes: dict[str, str]) -> bytes:
    """`inner` with every prefix spelled out that stands declared outside of it."""
    declared = dict(prefixes)
    declared.update(
        (prefix.decode(), uri.decode())
        for prefix, uri in re.findall(rb"\sxmlns:([^\s=]+)\s*=\s*[\"']([^\"'&]*)[\"']", tag)
    )
    return tree.content(tree.parse("x", {}, inner, name.rpartition(" ")[0], declared))


def _refuse(*_: object) -> NoReturn:
    raise StreamError("restricted-xml", reason="stream.restricted-xml")
