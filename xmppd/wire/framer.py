"""Cuts the bytes of a stream into frames: stream header, stanzas, other elements, close.

The law of this file:

1. expat validates every byte; nothing here guesses at XML. It tracks depth only and notes the
   byte range of each top-level element, its attributes and the names of its children.
2. What it lets through, any XML parser reads the same way: strict UTF-8, XML 1.0 characters, no
   DTD, processing instruction, comment or entity (RFC 6120 §11.1), no element of the stream
   namespace inside a stanza, no CDATA, no prefix declared outside the frame.
3. Everything a peer can make grow is bounded by `Limits`: what is held of an unfinished
   frame, its depth, its attributes, its children, a single tag. The parser itself remembers
   every name it saw, so it is replaced after `RENEW_BYTES`.
4. The cost of a byte is bounded too: bytes are parsed only when a `>` has come, so a tag
   that drips in is not read again and again; expat gets few bytes at once, and no long
   namespace, which it would write out for each use of a prefix.
"""

from __future__ import annotations

import pyexpat
import re
from collections.abc import Sequence

from xmppd import ns
from xmppd.errors import StreamError
from xmppd.wire import canonical, octets
from xmppd.wire.frames import Frame, StreamClose, StreamOpen
from xmppd.wire.limits import Limits
from xmppd.wire.octets import SPACE, START_TAG
from xmppd.wire.stanza import Nonza, Stanza

RENEW_BYTES = 64 * 1024
"""How much one parser reads before a new one takes over: its memory of names goes with it."""

_VERSION = re.compile(r"1\.[0-9]+")
_STREAM_TAG = f"{ns.STREAM} stream"
_STREAM_NAMES = f"{ns.STREAM} "
_NO_FRAMES: list[Frame] = []


class _Halted(Exception):
    """Leaves the parser behind the frame just cut."""


class Framer:
    """Bytes in, frames out; one for each stream.

    While `halting`, parsing stops behind each frame, since negotiation may end the XML document
    there (STARTTLS, SASL and compression restart it) or wait for an answer: what follows stays
    unread until the next `feed`, and `unread` says so. `restart` begins a new document there.
    """

    __slots__ = (
        "_base",
        "_buffer",
        "_fed",
        "_frames",
        "_header",
        "_held",
        "_held_size",
        "_kinds",
        "_mark",
        "_parser",
        "_plain",
        "_scope",
        "_start",
        "_tail",
        "content",
        "finished",
        "halting",
        "limits",
        "unread",
    )

    def __init__(self, limits: Limits, *, content: str = ns.CLIENT, halting: bool = False) -> None:
        self.limits = limits
        self.content = content
        self.halting = halting
        self._kinds = {f"{content} {kind}": kind for kind in ("message", "presence", "iq")}
        self._held: list[bytes] = []
        self._held_size = 0
        self.unread = False
        """True when bytes wait behind a frame at which parsing halted."""
        self._frames = _NO_FRAMES
        self._buffer: bytes | bytearray = b""
        self._base = self._mark = self._fed = 0
        self._start = -1
        self._parser: pyexpat.XMLParserType | None = None
        self.restart()

    # ------------------------------------------------------------------ driving

    def restart(self) -> None:
        """Begin a new XML document with the next byte, unread ones included."""
        self._header = b""
        self._scope: dict[str, str] = {}
        self._plain = False
        self.finished = False
        self._tail: bytearray | None = None
        self._forget_parser()

    def discard(self) -> int:
        """Throw away what is unread; how many bytes that were."""
        return len(self._take(b""))

    def keep(self, data: bytes) -> None:
        """Keep bytes unread until the next `feed`; raises StreamError when they get too many."""
        if not data:
            return
        self.unread = True
        self._held.append(data)
        self._held_size += len(data)
        if self._held_size > self.limits.stanza:
            raise StreamError("policy-violation", reason="limit.stanza-size")

    def close(self) -> None:
        """Let the parser go: no frame comes after this."""
        self.finished = True
        self._tail = None
        self._forget_parser()
        self.discard()

    def feed(self, data: bytes) -> Sequence[Frame]:
        """The frames that `data` completes, in order."""
        if self.finished:
            return ()
        frames: list[Frame] = []
        self._frames = frames
        try:
            if self._held or b">" not in data:
                if self.unread:
                    data = self._take(data)
                if b">" not in data:
                    self._hold(data)
                    return frames
                data = self._take(data)
            self._parse(data)
        except StreamError as error:
            self.close()
            frames.append(error)
        self._frames = _NO_FRAMES  # a silent peer's last stanza must not stay in memory
        return frames

    def _take(self, data: bytes) -> bytes:
        """What was held, and `data` behind it."""
        data = b"".join(self._held) + data
        self._held.clear()
        self._held_size = 0
        self.unread = False
        return data

    def _hold(self, data: bytes) -> None:
        """Keep bytes that complete nothing; they are parsed when a `>` has come."""
        if self._tail is None and not self._held:
            data = data.lstrip(SPACE)
            if not data:
                return  # whitespace keep-alive (RFC 6120 §4.6.1)
            if not self._header:
                octets.check_start(data)
        self._held.append(data)
        self._held_size += len(data)
        inside = self._tail is not None and self._start >= self._mark
        limit = self.limits.stanza if inside else self.limits.tag
        if self._held_size + len(self._tail or b"") > limit:
            reason = "limit.stanza-size" if inside else "limit.tag-size"
            raise StreamError("policy-violation", reason=reason)

    def _parse(self, data: bytes) -> None:
        parser = self._parser
        if parser is None or self._mark > RENEW_BYTES:
            if not self._header:
                data = data.lstrip(SPACE)
                octets.check_start(data)
            elif self._tail is not None:  # what was read of the next frame is read again
                data = bytes(self._tail) + data
                self._tail = None
            parser = self._new_parser()
        tail = self._tail
        buffer: bytes | bytearray
        if tail is None:
            self._buffer = buffer = data
        else:
            tail += data
            self._buffer = buffer = tail
        try:
            if tail is None and len(data) <= octets.SLICE:
                self._fed += len(data)
                parser.Parse(
                    data
                )  # a tag too large for us is found when it ends, or by the next read
            else:
                self._parse_slices(parser, data)
        except _Halted:
            self._leave(bytes(buffer[self._mark - self._base :]))
            return
        except pyexpat.ExpatError as error:
            at = max(0, parser.ErrorByteIndex - self._base)
            raise octets.refusal(error.code, bytes(buffer[at : at + 4])) from None
        used = self._mark - self._base
        if used != len(buffer):
            self._keep_tail(used)
        else:
            self._tail = None
        self._base = self._mark
        self._buffer = b""

    def _parse_slices(self, parser: pyexpat.XMLParserType, data: bytes) -> None:
        for piece in octets.slices(data):
            self._fed += len(piece)
            parser.Parse(piece)
            if self._fed - parser.CurrentByteIndex > self.limits.tag:
                raise StreamError("policy-violation", reason="limit.tag-size")

    def _leave(self, rest: bytes) -> None:
        """Stop reading behind the frame just cut; keep `rest` for the next feed."""
        self._tail = None
        self._forget_parser()
        if not self.finished and rest.strip(SPACE):
            self.unread = True
            self._held.append(rest)
            self._held_size += len(rest)

    def _keep_tail(self, used: int) -> None:
        """Keep what belongs to an unfinished frame, within the limits."""
        buffer = self._buffer
        inside = self._start >= self._mark
        if used or self._tail is None:
            tail = buffer[used:]
            if self._header and not inside:
                tail = tail.lstrip(SPACE)
                if tail and not tail.startswith((b"<", b"&")):
                    raise StreamError("bad-format", reason="stream.text")
                self._mark = self._base + len(buffer) - len(tail)
            self._tail = bytearray(tail) if tail else None
        if self._tail is not None and len(self._tail) > self.limits.stanza:
            raise StreamError("policy-violation", reason="limit.stanza-size")

    # ------------------------------------------------------------------ the parser

    def _forget_parser(self) -> None:
        parser, self._parser = self._parser, None
        if parser is not None:  # the handlers hold the parser: without this it is a cycle
            parser.StartElementHandler = parser.EndElementHandler = None
            parser.StartCdataSectionHandler = None
        self._base = self._mark = self._fed = 0
        self._start = -1

    def _new_parser(self) -> pyexpat.XMLParserType:
        """A parser that stands where the last one stood: inside the stream, between frames."""
        self._forget_parser()
        parser = pyexpat.ParserCreate("UTF-8", " ", None)
        if hasattr(parser, "SetReparseDeferralEnabled"):
            parser.SetReparseDeferralEnabled(False)
        if self._header:
            parser.Parse(self._header)
            parser.StartNamespaceDeclHandler = octets.check_namespace
            self._base = self._mark = self._fed = len(self._header)
        else:
            parser.XmlDeclHandler = self._on_declaration
            parser.StartNamespaceDeclHandler = self._on_prefix
        parser.StartDoctypeDeclHandler = _restricted
        parser.ProcessingInstructionHandler = _restricted
        parser.CommentHandler = _restricted
        self._handle_elements(parser)
        self._parser = parser
        return parser

    # ------------------------------------------------------------------ what it reports

    def _on_declaration(self, version: str, encoding: str | None, standalone: int) -> None:
        if _VERSION.fullmatch(version) is None:
            raise StreamError("not-well-formed", "XML 1.0 is spoken here", reason="stream.xml")
        if encoding is not None and encoding.upper() != "UTF-8":
            raise StreamError("unsupported-encoding", reason="stream.encoding")

    def _on_prefix(self, prefix: str | None, uri: str | None) -> None:
        octets.check_namespace(prefix, uri)
        if prefix != "xml":  # it means the same everywhere, declared or not
            self._scope[prefix or ""] = uri or ""

    def _handle_elements(self, parser: pyexpat.XMLParserType) -> None:
        """Install the handlers of every element.

        This is the hottest code of the server: they are closures, since cells are read faster
        than attributes, and one function for each side of an element, since a call costs more
        than a comparison (together a third of the time that methods took).
        """
        _, _, most_deep, most_attributes, most_children = self.limits
        small = min(self.limits.stanza, self.limits.tag)
        kinds, content = self._kinds, self.content
        end_of_tag = START_TAG.match
        depth = 1 if self._header else 0
        began = 0
        top: dict[str, str] = {}
        children: list[str] = []
        cdata = False
        nested = _STREAM_NAMES

        def on_start(name: str, attrs: dict[str, str]) -> None:
            nonlocal depth, began, top, children, cdata
            if depth > 1:
                if name.startswith(nested):
                    raise StreamError("bad-format", reason="stream.nested")
                if depth == 2:
                    children.append(name)
                    if len(children) > most_children:
                        raise StreamError("policy-violation", reason="limit.children")
                elif depth > most_deep:
                    raise StreamError("policy-violation", reason="limit.depth")
            elif depth:
                top = attrs
                children = []
                cdata = False
                self._start = began = parser.CurrentByteIndex
                if began != self._mark:
                    self._between(began)
                if name == _STREAM_TAG:
                    raise StreamError("bad-format", reason="stream.nested")
            else:
                self._on_header(name, attrs, parser.CurrentByteIndex)
                parser.XmlDeclHandler = None
                parser.StartNamespaceDeclHandler = octets.check_namespace
            if attrs and len(attrs) > most_attributes:
                raise StreamError("policy-violation", reason="limit.attributes")
            depth += 1

        def on_end(name: str) -> None:
            nonlocal depth
            depth -= 1
            if depth > 1:
                return
            if not depth:
                self._between(parser.CurrentByteIndex)
                self._frames.append(StreamClose())
                self.finished = True
                raise _Halted
            buffer, base = self._buffer, self._base
            start = began - base
            index = parser.CurrentByteIndex - base
            opened = end_of_tag(buffer, start).end()  # type: ignore[union-attr]
            # At `</x>` expat's index is its `<`, at `<x/>` it is past the end.
            if opened == index and buffer[index - 2] == 0x2F:
                inner = b""
                end = index
            else:
                inner = bytes(buffer[opened:index])
                end = buffer.find(b">", index) + 1
            if end - start > small:
                octets.check_size(self.limits, buffer[start:opened], inner, end - start)
            self._mark = base + end
            kind = kinds.get(name)
            if inner and (
                cdata
                or not self._plain
                or b"stream:" in inner
                # Two looks, since one for a single byte is three times as fast.
                or (
                    buffer.find(b":", start, opened) > 0
                    and buffer.find(b"xmlns:", start, opened) > 0
                )
                or (kind is None and octets.PREFIXED.match(buffer, start))
            ):
                inner = canonical.portable(
                    inner,
                    scope=self._scope,
                    header=self._header,
                    tag=bytes(buffer[start:opened]),
                    content=name.rpartition(" ")[0],
                    limits=self.limits,
                )
            if kind is None:
                self._frames.append(Nonza(name, top, children, inner))
            else:
                self._frames.append(Stanza(kind, top, children, inner, content))
            if self.halting and end != len(buffer):
                raise _Halted

        def on_cdata() -> None:
            nonlocal cdata
            cdata = True

        parser.StartCdataSectionHandler = on_cdata
        parser.StartElementHandler = on_start
        parser.EndElementHandler = on_end

    def _between(self, start: int) -> None:
        """Only whitespace may stand between two frames (RFC 6120 §4.6.1, §11.7)."""
        if self._buffer[self._mark - self._base : start - self._base].strip(SPACE):
            raise StreamError("bad-format", reason="stream.text")

    def _on_header(self, name: str, attrs: dict[str, str], index: int) -> None:
        match = START_TAG.match(self._buffer, index - self._base)
        assert match is not None  # expat has just read it
        end = match.end()
        if self._base + end > self.limits.tag:
            raise StreamError("policy-violation", reason="limit.tag-size")
        if len(self._scope) > self.limits.attributes:
            raise StreamError("policy-violation", reason="limit.attributes")
        self._header = bytes(self._buffer[:end])
        self._mark = self._base + end
        self._plain = self._scope == {"": self.content, "stream": ns.STREAM}
        self._frames.append(StreamOpen(name, attrs, self._scope))


def _restricted(*_: object) -> None:
    raise StreamError("restricted-xml", reason="stream.restricted-xml")
