"""Cuts the bytes of a stream into frames: stream header, stanzas, other elements, close.

The law of this file:

1. expat validates every byte; nothing here guesses at XML. It tracks depth only and notes the
   byte range of each top-level element, its attributes and the names of its children.
2. What it lets through, any XML parser reads the same way: strict UTF-8, XML 1.0 characters, no
   DTD, processing instruction, comment or entity (RFC 6120 §11.1), no element of the stream
   namespace inside a stanza, no CDATA, no prefix declared outside the frame.
3. Everything a peer can make grow is bounded by `Limits`: what is held of an unfinished
   frame, its depth, its attributes, a single tag. The parser itself remembers every name it
   saw, so it is replaced after `RENEW_BYTES`, between two frames.
4. The cost of a byte is bounded too: bytes are parsed only when a `>` has come, so a tag
   that drips in is not read again and again.
"""

from __future__ import annotations

import pyexpat
import re
from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

from xmppd import ns
from xmppd.errors import StreamError
from xmppd.wire import canonical
from xmppd.wire.stanza import Nonza, Stanza

RENEW_BYTES = 64 * 1024
"""How much one parser reads before a new one takes over: its memory of names goes with it."""

_START_TAG = re.compile(rb"""<[^"'>]*(?:"[^"]*"[^"'>]*|'[^']*'[^"'>]*)*>""")
_STREAM_PREFIX = ns.STREAM + " "
_UNDEFINED_ENTITY = pyexpat.errors.codes[pyexpat.errors.XML_ERROR_UNDEFINED_ENTITY]
_ENCODINGS = {
    pyexpat.errors.codes[pyexpat.errors.XML_ERROR_UNKNOWN_ENCODING],
    pyexpat.errors.codes[pyexpat.errors.XML_ERROR_INCORRECT_ENCODING],
}


class Limits(NamedTuple):
    """What a peer may send at most."""

    stanza: int = 262_144
    """Bytes of one top-level element."""
    tag: int = 8_192
    """Bytes of one start tag that arrives in pieces, and of the stream header."""
    depth: int = 64
    """Nested elements, the stream's own not counted."""
    attributes: int = 64
    """Attributes of one element."""


class StreamOpen(NamedTuple):
    """The stream's start tag (RFC 6120 §4.7): its name, attributes and declared prefixes."""

    name: str
    attrs: dict[str, str]
    prefixes: dict[str, str]
    """Prefix to namespace; the default namespace under ""."""


class StreamClose(NamedTuple):
    """The stream's end tag (RFC 6120 §4.4)."""


Frame: TypeAlias = StreamOpen | Stanza | Nonza | StreamClose | StreamError
"""What `Framer.feed` yields. A StreamError is always the last."""


class _Halted(Exception):
    """Leaves the parser behind the frame just cut."""


class Framer:
    """Bytes in, frames out; one for each stream.

    While `halting`, parsing stops behind each frame, since negotiation may end the XML document
    there (STARTTLS, SASL and compression restart it) or wait for an answer: what follows stays
    unread until the next `feed`, and `unread` says so. `restart` begins a new document there.
    """

    __slots__ = (
        "_attrs",
        "_base",
        "_buffer",
        "_children",
        "_depth",
        "_fed",
        "_frames",
        "_header",
        "_held",
        "_held_size",
        "_kinds",
        "_mark",
        "_parser",
        "_portable_without",
        "_scope",
        "_start",
        "_tail",
        "content",
        "finished",
        "halting",
        "limits",
    )

    def __init__(self, limits: Limits, *, content: str = ns.CLIENT, halting: bool = False) -> None:
        self.limits = limits
        self.content = content
        self.halting = halting
        self._kinds = {f"{content} {kind}": kind for kind in ("message", "presence", "iq")}
        self._held: list[bytes] = []
        self._held_size = 0
        self.restart()

    # ------------------------------------------------------------------ driving

    def restart(self) -> None:
        """Begin a new XML document with the next byte, unread ones included."""
        self._header = b""
        self._scope: dict[str, str] = {}
        self._portable_without: tuple[bytes, ...] = ()
        self.finished = False
        self._forget_parser()
        self._tail: bytearray | None = None

    @property
    def unread(self) -> bool:
        """True when bytes wait behind a frame at which parsing halted."""
        return self._parser is None and bool(self._held)

    def discard(self) -> int:
        """Throw away what is unread; how many bytes that were."""
        size, self._held_size = self._held_size, 0
        self._held.clear()
        return size

    def keep(self, data: bytes) -> None:
        """Keep bytes unread until the next `feed`; raises StreamError when they get too many."""
        if data:
            self._held.append(data)
            self._held_size += len(data)
        if self._held_size > self.limits.stanza:
            raise StreamError("policy-violation", reason="limit.stanza-size")

    def close(self) -> None:
        """Let the parser go: no frame comes after this."""
        self.finished = True
        self._forget_parser()
        self._tail = None
        self.discard()

    def feed(self, data: bytes) -> Sequence[Frame]:
        """The frames that `data` completes, in order."""
        if self.finished:
            return ()
        if b">" not in data and not self.unread:
            return self._hold(data)
        if self._held:
            data = b"".join(self._held) + data
            self.discard()
        self._frames: list[Frame] = []
        try:
            self._parse(data)
        except StreamError as error:
            self.finished = True
            self._frames.append(error)
        frames, self._frames = self._frames, []
        return frames

    def _hold(self, data: bytes) -> Sequence[Frame]:
        if self._tail is None and not self._held and self._header and data.isspace():
            return ()  # whitespace keep-alive (RFC 6120 §4.6.1)
        self._held.append(data)
        self._held_size += len(data)
        limit = self.limits.stanza if self._depth > 1 else self.limits.tag
        if self._held_size + len(self._tail or b"") <= limit:
            return ()
        self.finished = True
        return (
            StreamError(
                "policy-violation",
                reason="limit.stanza-size" if self._depth > 1 else "limit.tag-size",
            ),
        )

    def _parse(self, data: bytes) -> None:
        parser = self._parser
        if parser is None or (self._fed > RENEW_BYTES and self._tail is None):
            if not self._header:
                data = data.lstrip(b" \t\r\n")
            parser = self._new_parser()
        if self._tail is None:
            self._buffer: bytes | bytearray = data
        else:
            self._tail += data
            self._buffer = self._tail
        self._fed += len(data)
        try:
            parser.Parse(data)
        except _Halted:
            rest = bytes(self._buffer[self._mark - self._base :])
            self._forget_parser()
            self._tail = None
            if rest.strip(b" \t\r\n"):
                self._held.append(rest)
                self._held_size += len(rest)
            return
        except pyexpat.ExpatError as error:
            raise self._refusal(error.code) from None
        self._keep_tail(parser)

    def _keep_tail(self, parser: pyexpat.XMLParserType) -> None:
        """Keep what belongs to an unfinished frame, within the limits."""
        used = self._mark - self._base
        buffer = self._buffer
        if used == len(buffer):
            self._tail = None
        elif used == 0 and self._tail is not None:
            pass  # it is the tail already
        else:
            tail = buffer[used:]
            if self._depth == 1 and self._header:
                tail = tail.lstrip(b" \t\r\n")
                if tail and not tail.startswith(b"<"):
                    raise StreamError("bad-format", reason="stream.text")
                self._mark = self._base + len(buffer) - len(tail)
            self._tail = bytearray(tail) if tail else None
        self._base = self._mark
        self._buffer = b""
        size = 0 if self._tail is None else len(self._tail)
        if size > self.limits.stanza:
            raise StreamError("policy-violation", reason="limit.stanza-size")
        if size > self.limits.tag and self._fed - parser.CurrentByteIndex > self.limits.tag:
            raise StreamError("policy-violation", reason="limit.tag-size")

    # ------------------------------------------------------------------ the parser

    def _forget_parser(self) -> None:
        self._parser: pyexpat.XMLParserType | None = None
        self._base = self._mark = self._fed = 0
        self._depth = 1 if self._header else 0

    def _new_parser(self) -> pyexpat.XMLParserType:
        """A parser that stands where the last one stood: inside the stream, between frames."""
        parser = pyexpat.ParserCreate("UTF-8", " ", None)  # type: ignore[arg-type]
        if hasattr(parser, "SetReparseDeferralEnabled"):
            parser.SetReparseDeferralEnabled(False)
        self._forget_parser()
        if self._header:
            parser.Parse(self._header)
            self._base = self._mark = self._fed = len(self._header)
        else:
            parser.XmlDeclHandler = self._on_declaration
            parser.StartNamespaceDeclHandler = self._on_prefix
        parser.StartElementHandler = self._on_start
        parser.EndElementHandler = self._on_end
        parser.StartDoctypeDeclHandler = _restricted
        parser.ProcessingInstructionHandler = _restricted
        parser.CommentHandler = _restricted
        self._parser = parser
        return parser

    def _refusal(self, code: int) -> StreamError:
        """What an expat error means to the peer (RFC 6120 §4.9.3)."""
        if code == _UNDEFINED_ENTITY:
            return StreamError("restricted-xml", reason="stream.restricted-xml")
        if code in _ENCODINGS or not _is_utf8(bytes(self._buffer)):
            return StreamError("unsupported-encoding", reason="stream.encoding")
        return StreamError("not-well-formed", reason="stream.xml")

    # ------------------------------------------------------------------ what it reports

    def _on_declaration(self, version: str, encoding: str | None, standalone: int) -> None:
        if encoding is not None and encoding.upper() != "UTF-8":
            raise StreamError("unsupported-encoding", reason="stream.encoding")

    def _on_prefix(self, prefix: str | None, uri: str | None) -> None:
        self._scope[prefix or ""] = uri or ""

    def _on_start(self, name: str, attrs: dict[str, str]) -> None:
        depth = self._depth
        if depth > 1:
            if depth == 2:
                self._children.append(name)
            if name.startswith(_STREAM_PREFIX):
                raise StreamError("bad-format", reason="stream.nested")
            if depth > self.limits.depth:
                raise StreamError("policy-violation", reason="limit.depth")
        elif depth == 1:
            self._on_top(name, attrs)
        else:
            self._on_header(name, attrs)
        if len(attrs) > self.limits.attributes:
            raise StreamError("policy-violation", reason="limit.attributes")
        self._depth = depth + 1

    def _on_top(self, name: str, attrs: dict[str, str]) -> None:
        self._attrs = attrs
        self._children: list[str] = []
        start = self._parser.CurrentByteIndex  # type: ignore[union-attr]
        if start > self._mark:
            self._between(start)
        self._start = start

    def _between(self, start: int) -> None:
        """Only whitespace may stand between two frames (RFC 6120 §4.6.1, §11.7)."""
        if self._buffer[self._mark - self._base : start - self._base].strip(b" \t\r\n"):
            raise StreamError("bad-format", reason="stream.text")

    def _on_header(self, name: str, attrs: dict[str, str]) -> None:
        parser = self._parser
        assert parser is not None
        parser.StartNamespaceDeclHandler = None
        parser.XmlDeclHandler = None
        match = _START_TAG.match(self._buffer, parser.CurrentByteIndex - self._base)
        assert match is not None
        end = match.end()
        if self._base + end > self.limits.tag:
            raise StreamError("policy-violation", reason="limit.tag-size")
        self._header = bytes(self._buffer[:end])
        self._mark = self._base + end
        scope = self._scope
        self._portable_without = tuple(f"{p}:".encode() for p in scope if p)
        self._frames.append(StreamOpen(name, attrs, scope))

    def _on_end(self, name: str) -> None:
        depth = self._depth = self._depth - 1
        if depth != 1:
            if depth == 0:
                self._frames.append(StreamClose())
                self.finished = True
                raise _Halted
            return
        buffer = self._buffer
        base = self._base
        start = self._start - base
        index = self._parser.CurrentByteIndex - base  # type: ignore[union-attr]
        # At `</x>` expat's index is its `<`, at `<x/>` it is past the end.
        opened = _START_TAG.match(buffer, start).end()  # type: ignore[union-attr]
        if opened == index and buffer[index - 2] == 0x2F:
            inner = b""
            end = index
        else:
            inner = bytes(buffer[opened:index])
            end = buffer.find(b">", index) + 1
        if end - start > self.limits.stanza:
            raise StreamError("policy-violation", reason="limit.stanza-size")
        self._mark = base + end
        self._cut(inner, buffer[start:opened], name)

    def _cut(self, inner: bytes, tag: bytes | bytearray, name: str) -> None:
        """Add the frame of `inner`, in portable bytes, to what this feed yields."""
        children = self._children
        if children or inner:
            unportable = b"<!" in inner or b"xmlns:" in tag
            for prefix in self._portable_without:
                unportable = unportable or prefix in inner
            if unportable or self._scope.get("") != self.content:
                inner = self._portable(inner, bytes(tag), name)
        kind = self._kinds.get(name)
        if kind is not None:
            self._frames.append(Stanza(kind, self._attrs, children, inner, self.content))
        else:
            self._frames.append(Nonza(name, self._attrs, children, inner))
        if self.halting:
            raise _Halted

    def _portable(self, inner: bytes, tag: bytes, name: str) -> bytes:
        """`inner` with nothing in it that only this stream could read."""
        scope = dict(self._scope)

        def on_prefix(prefix: str | None, uri: str | None) -> None:
            scope[prefix or ""] = uri or ""

        scanned = pyexpat.ParserCreate("UTF-8", " ", {})
        scanned.Parse(self._header)
        scanned.StartNamespaceDeclHandler = on_prefix
        scanned.Parse(tag)
        content = name.rpartition(" ")[0]
        return canonical.rewrite(inner, scope=scope, content=content, target=content)


def _restricted(*_: object) -> None:
    raise StreamError("restricted-xml", reason="stream.restricted-xml")


def _is_utf8(data: bytes) -> bool:
    """False when `data` can't be a piece of a UTF-8 stream; a character cut short is fine."""
    try:
        data.decode()
    except UnicodeDecodeError as error:
        return error.end == len(data) and len(data) - error.start < 4 and "end" in error.reason
    return True
