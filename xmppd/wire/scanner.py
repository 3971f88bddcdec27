"""An expat parser that stands inside a stream, between two frames, and cuts what it reads.

Between two frames all streams with the usual header look alike to a parser. So a stream needs one
only while a frame of it is unfinished; in between the parser serves others, and a silent stream
has none (measured: 12 KiB each). The law of this file:

1. A scanner that has raised, or stopped halfway, is `spent`: nobody reads with it again. So no
   stream ever meets what another one has left open.
2. expat remembers every name it has seen until it is freed. A scanner is not used again after
   `RENEW_BYTES`, whoever sent them.
"""

from __future__ import annotations

import pyexpat
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import NamedTuple, NoReturn, TypeAlias

from xmppd import ns
from xmppd.errors import StreamError
from xmppd.wire import canonical, octets
from xmppd.wire.frames import Frame, StreamClose
from xmppd.wire.limits import Limits
from xmppd.wire.octets import SPACE, START_TAG
from xmppd.wire.stanza import Nonza, Stanza

RENEW_BYTES = 64 * 1024
"""How much one scanner reads before a new one takes over: its memory of names goes with it."""

_NAMED = 4
"""Characters that the names in a frame may have for each byte that the frame may have."""

_STREAM = f"{ns.STREAM} stream"
_STREAM_NAMES = f"{ns.STREAM} "
_XML_NAMES = f"{ns.XML} "

Buffer: TypeAlias = bytes | bytearray


class Inside(NamedTuple):
    """What a parser must know to stand inside a stream: its start tag, and what that declares."""

    name: str
    tag: bytes
    """The start tag, and whatever stands before it in the document."""
    scope: Mapping[str, str]
    """Prefix to namespace; the default namespace under ""."""

    def is_usual(self, content: str) -> bool:
        """Whether it declares what every stream of the content namespace does, and no more."""
        return self.name == _STREAM and self.scope == usual(content).scope


@lru_cache(maxsize=8)
def usual(content: str) -> Inside:
    """The inside of any stream of the content namespace with the usual header.

    Servers announce dialback by declaring its prefix (XEP-0220 §2.4.1).
    """
    scope = {"": content, "stream": ns.STREAM}
    if content == ns.SERVER:
        scope["db"] = ns.DIALBACK
    declared = "".join(
        f" xmlns{prefix and ':'}{prefix}='{namespace}'" for prefix, namespace in scope.items()
    )
    return Inside(_STREAM, f"<stream:stream{declared}>".encode(), scope)


class _Halted(Exception):
    """Leaves the parser behind the frame just cut."""


class Scanner:
    """Reads on where a stream stands.

    `scan(buffer, data, frames, halting)` reads `data`, which is the end of `buffer`; what stands
    before it there has been read already, and is the beginning of an unfinished frame. Complete
    frames are added to `frames`; it gives the length of all that in `buffer` is done with.
    While `halting` it stops behind each frame. Raises StreamError.
    """

    __slots__ = ("_parser", "inside", "read", "scan", "spent")

    def __init__(self, stream: Inside, limits: Limits, content: str) -> None:
        self.read = 0
        """How many bytes it has read."""
        self.inside = False
        """Whether a frame has begun and not ended."""
        self.spent = False
        """Whether it can't be used any more."""
        self._parser = parser = new_parser()
        parser.Parse(stream.tag)
        self.scan = self._scan_with(parser, stream, limits, content)

    def close(self) -> None:
        """Let the parser go; its handlers hold it, and it holds them."""
        parser, self.spent = self._parser, True
        parser.StartElementHandler = parser.EndElementHandler = None
        parser.StartCdataSectionHandler = parser.StartNamespaceDeclHandler = None
        self.scan = _scan_no_more

    def _scan_with(
        self, parser: pyexpat.XMLParserType, stream: Inside, limits: Limits, content: str
    ) -> Callable[[Buffer, bytes, list[Frame], bool], int]:
        """Install the handlers of every element; what reads with them.

        This is the hottest code of the server: they are closures, since cells are read faster
        than attributes, and one function for each side of an element, since a call costs more
        than a comparison (together a third of the time that methods took).
        """
        _, most_in_tag, most_deep, most_attributes, most_children = limits
        small = min(limits.stanza, limits.tag)
        kinds = {f"{content} {kind}": kind for kind in ("message", "presence", "iq")}
        other_default = stream.scope.get("") != content
        prefixes = [f"{prefix}:".encode() for prefix in stream.scope if prefix]
        plain = stream.is_usual(content) and prefixes == [b"stream:"]
        end_of_tag = START_TAG.match
        nested = _STREAM_NAMES
        start = total = len(stream.tag)  # as expat counts
        depth = 0
        began = mark = base = total
        buffer: Buffer = b""
        frames: list[Frame] = []
        halting = cdata = large = False
        declared = 0
        most_named = _NAMED * limits.stanza
        room = 0
        top: dict[str, str] = {}
        children: list[str] = []

        def between(end: int) -> None:
            """Only white space may stand between two frames (RFC 6120 §4.6.1, §11.7)."""
            if buffer[mark - base : end - base].strip(SPACE):
                raise StreamError("bad-format", reason="stream.text")

        def is_portable(tag: Buffer, inner: bytes) -> bool:
            """Whether `inner` uses nothing that only this stream's own header declares."""
            return not (
                other_default or b"xmlns" in tag or any(prefix in inner for prefix in prefixes)
            )

        def on_prefix(prefix: str | None, uri: str | None) -> None:
            nonlocal declared
            octets.check_namespace(prefix, uri)
            declared += 1
            if declared > most_attributes:
                raise StreamError("policy-violation", reason="limit.attributes")

        def spend(name: str, attrs: dict[str, str]) -> None:
            """Bound what the names of one frame expand to: a prefix of one letter may mean 512."""
            nonlocal room, declared
            declared = 0
            room = (room if depth else most_named) - len(name) - sum(map(len, attrs))
            if room < 0:
                raise StreamError("policy-violation", reason="limit.names")

        def on_start(name: str, attrs: dict[str, str]) -> None:
            nonlocal depth, began, top, children, cdata
            if depth:
                if name.startswith(nested):
                    raise StreamError("bad-format", reason="stream.nested")
                if depth == 1:
                    children.append(name)
                    if len(children) > most_children:
                        raise StreamError("policy-violation", reason="limit.children")
                elif depth >= most_deep:
                    raise StreamError("policy-violation", reason="limit.depth")
            else:
                top = attrs
                children = []
                cdata = False
                began = parser.CurrentByteIndex
                if began != mark:
                    between(began)
                if name == _STREAM:
                    raise StreamError("bad-format", reason="stream.nested")
            if attrs and len(attrs) > most_attributes:
                raise StreamError("policy-violation", reason="limit.attributes")
            if large:
                spend(name, attrs)
            depth += 1

        def on_end(name: str) -> None:
            nonlocal depth, mark
            depth -= 1
            if depth > 0:
                return
            if depth:
                between(parser.CurrentByteIndex)
                frames.append(StreamClose())
                raise _Halted
            first = began - base
            index = parser.CurrentByteIndex - base
            opened = end_of_tag(buffer, first).end()  # type: ignore[union-attr]
            # At `</x>` expat's index is its `<`, at `<x/>` it is past the end.
            if opened == index and buffer[index - 2] == 0x2F:
                inner = b""
                end = index
            else:
                inner = bytes(buffer[opened:index])
                end = buffer.find(b">", index) + 1
            if end - first > small:
                octets.check_size(limits, buffer[first:opened], inner, end - first)
            mark = base + end
            kind = kinds.get(name)
            if inner and (
                cdata
                or (b"stream:" in inner if plain else not is_portable(buffer[first:opened], inner))
                # Two looks, since one for a single byte is three times as fast.
                or (
                    buffer.find(b":", first, opened) > 0
                    and buffer.find(b"xmlns:", first, opened) > 0
                )
                or (kind is None and octets.PREFIXED.match(buffer, first))
            ):
                inner = canonical.portable(
                    inner,
                    scope=stream.scope,
                    header=stream.tag,
                    tag=bytes(buffer[first:opened]),
                    content=name.rpartition(" ")[0],
                    limits=limits,
                )
            if kind is None:
                if name.startswith(_XML_NAMES):  # no default, so not what its content is read in
                    raise StreamError("unsupported-stanza-type", reason="stream.element")
                frames.append(Nonza(name, top, children, inner))
            else:
                frames.append(Stanza(kind, top, children, inner, content))
            if halting and end != len(buffer):
                raise _Halted

        def on_cdata() -> None:
            nonlocal cdata
            cdata = True

        def scan(whole: Buffer, data: bytes, out: list[Frame], halt: bool) -> int:
            nonlocal buffer, base, mark, frames, halting, total, large, room, declared
            buffer, frames, halting = whole, out, halt
            known = len(whole) - len(data)
            base = mark = total - known
            # In fewer bytes no namespace can be too long, nor mean much by being used often.
            if large is not (len(whole) > octets.LONGEST_NAMESPACE):
                large, room, declared = not large, most_named, 0
                parser.StartNamespaceDeclHandler = on_prefix if large else None
            try:
                if not known and len(data) <= octets.SLICE:
                    total += len(data)
                    # A tag too large for us is found when it ends, or by the next read.
                    parser.Parse(data)
                else:
                    for piece in octets.slices(data):
                        total += len(piece)
                        parser.Parse(piece)
                        if total - parser.CurrentByteIndex > most_in_tag:
                            raise StreamError("policy-violation", reason="limit.tag-size")
            except _Halted:
                self.close()
            except pyexpat.ExpatError as error:
                at = max(0, parser.ErrorByteIndex - base)
                self.close()
                raise octets.refusal(error.code, bytes(whole[at : at + 4])) from None
            except StreamError:
                self.close()
                raise
            finally:
                # What was read must not stay in memory while nothing else is.
                buffer, frames = b"", []
                self.inside = depth > 0
                self.read = total - start
            return mark - base

        parser.StartCdataSectionHandler = on_cdata
        parser.StartElementHandler = on_start
        parser.EndElementHandler = on_end
        return scan


def _scan_no_more(buffer: Buffer, data: bytes, frames: list[Frame], halting: bool) -> int:
    raise RuntimeError("a scanner that is spent reads no more")


def new_parser() -> pyexpat.XMLParserType:
    """A parser that refuses what no stream may hold (RFC 6120 §11.1)."""
    parser = pyexpat.ParserCreate("UTF-8", " ", None)
    if hasattr(parser, "SetReparseDeferralEnabled"):
        parser.SetReparseDeferralEnabled(False)
    parser.StartDoctypeDeclHandler = _refuse
    parser.ProcessingInstructionHandler = _refuse
    parser.CommentHandler = _refuse
    return parser


def _refuse(*_: object) -> NoReturn:
    raise StreamError("restricted-xml", reason="stream.restricted-xml")
