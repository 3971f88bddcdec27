"""Cuts the bytes of a stream into frames: stream header, stanzas, other elements, close.

The law of the framer, of its opening and its scanner:

1. expat validates every byte; nothing here guesses at XML. It tracks depth only and notes the
   byte range of each top-level element, its attributes and the names of its children.
2. What it lets through, any XML parser reads the same way: strict UTF-8, XML 1.0 characters, no
   DTD, processing instruction, comment or entity (RFC 6120 §11.1), no element of the stream
   namespace inside a stanza, no CDATA, no prefix declared outside the frame.
3. Everything a peer can make grow is bounded by `Limits`: what is held of an unfinished
   frame, its depth, its attributes, its children, a single tag.
4. The cost of a byte is bounded too: bytes are parsed only when a `>` has come, so a tag
   that drips in is not read again and again; expat gets few bytes at once, and no long
   namespace, which it would write out for each use of a prefix.
"""

from __future__ import annotations

from collections.abc import Sequence

from xmppd import ns
from xmppd.errors import StreamError
from xmppd.wire import octets
from xmppd.wire.frames import Frame, StreamClose, StreamOpen
from xmppd.wire.limits import Limits
from xmppd.wire.octets import SPACE
from xmppd.wire.opening import Opening
from xmppd.wire.parsers import Parsers, Shared
from xmppd.wire.scanner import RENEW_BYTES, Inside, Scanner
from xmppd.wire.whole import is_begun, may_hold

_HEADERS = (StreamOpen, StreamClose)


class Framer:
    """Bytes in, frames out; one for each stream.

    While `halting`, parsing stops behind each frame, since negotiation may end the XML document
    there (STARTTLS, SASL and compression restart it) or wait for an answer: what follows stays
    unread until the next `feed`, and `unread` says so. `restart` begins a new document there.

    `parsers` are shared with other streams, which saves each of them one of its own.
    """

    __slots__ = (
        "_held",
        "_limits",
        "_opening",
        "_parsers",
        "_scanner",
        "_shared",
        "_tail",
        "content",
        "finished",
        "halting",
        "patient",
        "unread",
    )

    def __init__(
        self,
        limits: Limits,
        *,
        content: str = ns.CLIENT,
        halting: bool = False,
        parsers: Parsers | None = None,
    ) -> None:
        self._limits = limits
        self.content = content
        self.halting = halting
        self._parsers = parsers or Parsers()
        self._held = bytearray()
        self.patient = False
        """Whether the beginning of a message waits unread for the rest of it. On a stream of many
        stanzas a read nearly always ends in one, and a message that is whole is cut for less; but
        what is wrong in the beginning is told later."""
        self.unread = False
        """True when bytes wait behind a frame at which parsing halted."""
        self._shared: Shared | None = None
        self._opening: Opening | None = None
        self._scanner: Scanner | None = None
        self._tail: bytearray | None = None
        self.restart()

    @property
    def limits(self) -> Limits:
        """What the peer may send; new ones hold for the frames that begin from then on."""
        return self._limits

    @limits.setter
    def limits(self, limits: Limits) -> None:
        self._limits = limits
        if self._shared is not None:
            self._shared = self._parsers.inside(self._shared.inside, limits, self.content)

    # ------------------------------------------------------------------ driving

    def restart(self) -> None:
        """Begin a new XML document with the next byte, unread ones included."""
        self._shared = None
        self.finished = False
        self._let_go()

    def discard(self) -> int:
        """Throw away what is unread; how many bytes that were."""
        return len(self._take(b""))

    def keep(self, data: bytes) -> None:
        """Keep bytes unread until the next `feed`; raises StreamError when they get too many."""
        if not data:
            return
        self.unread = True
        self._held += data
        if len(self._held) > self._limits.stanza:
            raise StreamError("policy-violation", reason="limit.stanza-size")

    @property
    def room(self) -> int:
        """How many bytes more `keep` takes."""
        return self._limits.stanza - len(self._held)

    def close(self) -> None:
        """Let the parser go: no frame comes after this."""
        self.finished = True
        self._let_go()
        self.discard()

    def feed(self, data: bytes) -> Sequence[Frame]:
        """The frames that `data` completes, in order."""
        if self.finished:
            return ()
        frames: list[Frame] = []
        try:
            if self._held or b">" not in data:
                if self.unread:
                    data = self._take(data)
                if b">" not in data:
                    self._hold(data)
                    return frames
                data = self._take(data)
            if self._shared is None:
                data = self._open(data, frames)
            if data and not self.finished:
                self._read(data, frames)
        except StreamError as error:
            self.close()
            frames.append(error)
        return frames

    def feed_piece(self, data: bytes, *, ends: bool) -> Sequence[Frame]:
        """As `feed` of a piece of one element: an error where that is not so.

        It `ends` with `data`, where nothing else does; else nothing ends in `data` at all.
        """
        frames = self.feed(data)
        if self.finished and frames and frames[-1].__class__ is StreamError:
            return frames
        if ends:
            left = self._held or self._tail is not None or self._opening is not None
            fits = not left and len(frames) == 1 and frames[0].__class__ not in _HEADERS
        else:
            fits = not frames
        if not fits:
            self.close()
            return (StreamError("not-well-formed", reason="stream.one-element"),)
        return frames

    def _take(self, data: bytes) -> bytes:
        """What was held, and `data` behind it."""
        data = bytes(self._held) + data
        self._held.clear()
        self.unread = False
        return data

    def _hold(self, data: bytes) -> None:
        """Keep bytes that complete nothing; they are parsed when a `>` has come."""
        begun = len(self._tail or b"") if self._opening is None else self._opening.size
        if not begun and not self._held:
            data = data.lstrip(SPACE)
            if not data:
                return  # whitespace keep-alive (RFC 6120 §4.6.1)
            if self._shared is None:
                octets.check_start(data)
        self._held += data
        # What has a whole tag in it is a message that is to be cut whole.
        inside = (self._scanner is not None and self._scanner.inside) or b">" in self._held
        if len(self._held) + begun > (self._limits.stanza if inside else self._limits.tag):
            reason = "limit.stanza-size" if inside else "limit.tag-size"
            raise StreamError("policy-violation", reason=reason)

    def _open(self, data: bytes, frames: list[Frame]) -> bytes:
        """Read on in the beginning of the document; what stands behind it."""
        if self._opening is None:
            data = data.lstrip(SPACE)
            self._opening = Opening(self._limits)
        data = self._opening.read(data)
        opened = self._opening.opened
        if opened is not None:
            frames.append(opened)
            if self._opening.tag.endswith(b"/>"):  # it is the end as well
                frames.append(StreamClose())
                self.finished = True
            inside = Inside(opened.name, self._opening.tag, opened.prefixes)
            self._shared = self._parsers.inside(inside, self._limits, self.content)
            self._opening.close()
            self._opening = None
        return data

    def _read(self, data: bytes, frames: list[Frame]) -> None:
        """Read on between the document's beginning and its end."""
        shared, scanner, tail = self._shared, self._scanner, self._tail
        assert shared is not None
        if (
            tail is None
            and shared.cutter is not None
            and not self.halting
            and may_hold(data, self.content)
        ):
            used = shared.cutter.cut(data, frames)
            if used == len(data):
                return
            data = data[used:] if used else data
            if self.patient and is_begun(data):
                self._held += data
                return
        # Behind what was unfinished, a patient stream goes back to what is cut whole: else each of
        # its reads, which nearly always end within a frame, would be scanned to its end.
        back = tail is not None and self.patient and shared.cutter is not None
        if tail is not None and scanner is not None and scanner.read - len(tail) > RENEW_BYTES:
            scanner.close()  # another reads again what this one has read of the frame
            data, scanner, tail = bytes(tail) + data, None, None
        if scanner is None:
            scanner = shared.take()
        if tail is None:
            used = scanner.scan(data, data, frames, self.halting or back)
            rest: bytes | bytearray = data
        else:
            tail += data
            used = scanner.scan(tail, data, frames, self.halting or back)
            rest = tail
        if scanner.spent:
            self._leave(bytes(rest[used:]), frames)
            if back and self.unread and not self.halting:
                self._read(self._take(b""), frames)
        elif used == len(rest):
            self._tail = self._scanner = None
            shared.put_back(scanner)
        else:
            self._scanner = scanner
            self._keep(rest, used)

    def _let_go(self) -> None:
        """Forget what was read of an unfinished frame, and who was reading it."""
        self._tail = None
        if self._scanner is not None:
            self._scanner.close()
            self._scanner = None
        if self._opening is not None:
            self._opening.close()
            self._opening = None

    def _leave(self, rest: bytes, frames: list[Frame]) -> None:
        """Stop reading behind the frame just cut; keep `rest` for the next feed."""
        self._tail = self._scanner = None
        if frames[-1].__class__ is StreamClose:
            self.finished = True
        elif rest.strip(SPACE):
            self.unread = True
            self._held += rest

    def _keep(self, buffer: bytes | bytearray, used: int) -> None:
        """Keep what belongs to an unfinished frame, within the limits."""
        scanner, shared = self._scanner, self._shared
        assert scanner is not None
        assert shared is not None
        tail = buffer[used:] if used or self._tail is None else buffer
        if not scanner.inside:
            tail = tail.lstrip(SPACE)
            if tail and not tail.startswith((b"<", b"&")):
                raise StreamError("bad-format", reason="stream.text")
        if len(tail) > self._limits.stanza:
            raise StreamError("policy-violation", reason="limit.stanza-size")
        if tail:
            self._tail = tail if isinstance(tail, bytearray) else bytearray(tail)
        else:
            self._tail = self._scanner = None
            shared.put_back(scanner)
