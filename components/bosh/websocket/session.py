"""One client by WebSocket: a `Taker` of its connection, a `Client` of its stream (RFC 7395).

Frames, fragments, masks, control frames and the closing handshake are the library's (websockets,
without its I/O). Each message is said as it came; only `<open/>` and `<close/>` are read here. That
it is one element, and whole, is for the server to see, which reads it anyway.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, Protocol

from websockets.frames import CloseCode, Frame, Opcode
from websockets.protocol import OPEN, SERVER
from websockets.protocol import Protocol as Frames

from components.bosh.http.request import Peer, Wire
from components.bosh.tunnel.client import Stream, Streams
from components.bosh.websocket import elements
from xmppd.errors import StreamError


class Terms(NamedTuple):
    """What a WebSocket may do."""

    octets: int = 524_288
    """How large a message may be, all its fragments together."""
    see_other_uri: str = ""
    """Where clients are sent instead of being served here (RFC 7395 §3.6.1):"""
    see_other_for_all: bool = False
    """all, or those that are not secure."""


class Owner(Protocol):
    """What all clients by WebSocket share."""

    terms: Terms
    streams: Streams

    def left(self, session: WebSocket) -> None:
        """A client is gone. This is called once."""

    def parts(self, session: WebSocket) -> None:
        """Have the client's `part` called when it has had time to close its stream, too."""

    def refused(self, session: WebSocket, reason: str) -> None:
        """A client is ended for a reason."""


class WebSocket:
    """One client."""

    __slots__ = (
        "_choked",
        "_closing",
        "_frames",
        "_header",
        "_leaving",
        "_opened",
        "_owner",
        "_parting",
        "_paused",
        "_peer",
        "_pieces",
        "_question",
        "_said",
        "_stream",
        "_terms",
        "_wire",
        "heard",
        "pinged",
        "small",
        "until",
    )

    def __init__(self, owner: Owner, peer: Peer) -> None:
        self._owner = owner
        self._peer = peer
        self._terms = terms = owner.terms
        self._frames = Frames(SERVER, state=OPEN, max_size=_most(min(terms.octets, STRANGE_OCTETS)))
        self._wire: Wire | None = None
        self._stream: Stream | None = None
        self._pieces: list[bytes] = []
        """The fragments of a message that is not whole."""
        self._said: list[str] = []
        """Messages that are to be said together."""
        self._question = 0
        """Which question of the server is to be answered when the client has taken more."""
        self._paused = False
        """Whether the client is not read: the stream says so,"""
        self._choked = False
        """or it asks for answers that it does not take."""
        self._leaving = False
        """Whether the client has closed its stream, and hears the rest of ours,"""
        self._parting = False
        """whether our `<close/>` is sent: nothing counts but the client's, and its close frame,"""
        self._closing = False
        """and whether our close frame is: nothing more is said."""
        self._opened = False
        """Whether our `<open/>` is sent,"""
        self._header: Mapping[str, str] | None = None
        """and what the client's says, until then."""
        self.heard = True
        """Whether anything has come since this was last set to False,"""
        self.pinged = False
        """and whether the client was asked for a sign of life since,"""
        self.small = 0
        """and how many frames were no more than a burden."""
        self.until = 0.0
        """When it is to wait no more for the client to part, by its owner's clock."""

    @property
    def address(self) -> str:
        """Where the client is."""
        return self._peer.address

    def begin(self, wire: Wire) -> None:
        """The connection is ours."""
        self._wire = wire

    # ------------------------------------------------------------------ Taker

    def receive(self, data: bytes) -> None:
        """Octets of the client."""
        self.heard = True
        if len(data) <= _PIECE:
            self._take(data)
        else:
            for at in range(0, len(data), _PIECE):
                if self.small > SMALL:
                    return
                self._take(data[at : at + _PIECE])
        if self._said:
            self._say()

    def _take(self, data: bytes) -> None:
        frames = self._frames
        frames.receive_data(data)
        for event in frames.events_received():
            self._frame(event)  # type: ignore[arg-type]
        self._flush()

    def gone(self) -> None:
        """The connection is gone."""
        self._wire = None
        stream, self._stream = self._stream, None
        if stream is not None:
            stream.lost()
        self._owner.left(self)

    def relieved(self) -> None:
        """The client has taken what it had left in the pipe."""
        if self._choked:
            self._choked = False
            self._read()
        question, self._question = self._question, 0
        if question and self._stream is not None:
            self._stream.taken(question)

    # ------------------------------------------------------------------ what comes

    def _frame(self, frame: Frame) -> None:
        opcode = frame.opcode
        if len(frame.data) < _OCTETS or opcode is Opcode.PING or opcode is Opcode.PONG:
            self._flooding()
        if self._closing:
            return
        if opcode is Opcode.PING and self._wire is not None and self._wire.stuck:
            self._choke()
        if opcode is Opcode.TEXT and frame.fin:
            self._message(frame.data)
        elif opcode is Opcode.BINARY:  # RFC 7395 §3.2: text only
            self._shut(CloseCode.UNSUPPORTED_DATA, "websocket.binary")
        elif opcode is Opcode.TEXT or opcode is Opcode.CONT:
            self._pieces.append(bytes(frame.data))
            if frame.fin:
                pieces, self._pieces = self._pieces, []
                self._message(b"".join(pieces))
            elif len(self._pieces) > _FRAGMENTS:
                self._shut(CloseCode.POLICY_VIOLATION, "websocket.fragments")

    def _flooding(self) -> None:
        """End it where there are too many frames that cost more than they bring."""
        self.small += 1
        if self.small != SMALL + 1:
            return
        if (self._closing or self._parting) and self._wire is not None:
            self._wire.abort()
        else:
            self._shut(CloseCode.POLICY_VIOLATION, "websocket.flood")

    def _message(self, data: bytes | bytearray | memoryview) -> None:
        if self._parting:
            if elements.closes(bytes(data)):
                self.part()
            return
        if self._leaving:
            return
        try:
            text = bytes(data).decode()
        except UnicodeDecodeError:
            self._shut(CloseCode.INVALID_DATA, "websocket.encoding")
            return
        try:
            if text[:1] != "<":  # RFC 7395 §3.3.3
                raise StreamError(
                    "bad-format", "an element begins with <", reason="websocket.framing"
                )
            if text[1:2] in ("?", "!"):
                text = elements.undeclared(text)
            framed = elements.framed(text)
            if framed is not None:
                if self._say():
                    self._meets[framed.name](self, framed.attrs)
                else:  # what came before it was no XML
                    self._message(data)
            elif self._stream is None:
                raise StreamError("bad-format", "open comes first", reason="websocket.framing")
            else:
                self._said.append(text)
        except StreamError as error:
            self._fail(error.condition, error.text or "", error.reason)

    def _say(self) -> bool:
        """Say what has come together in one piece; False where it is what ends the stream."""
        said, self._said = self._said, []
        stream = self._stream
        if stream is None or not said:
            return True
        try:
            stream.say_each(said)
        except ValueError:
            self._say_singly(stream, said)
        return not self._parting

    def _say_singly(self, stream: Stream, said: list[str]) -> None:
        """Say what is before the message that has characters which are no XML."""
        try:
            for text in said:
                stream.say_each((text,))
        except ValueError:
            self._fail("not-well-formed", "", "websocket.characters")

    def _open(self, header: Mapping[str, str]) -> None:
        """The client opens its stream (§3.4), or opens it anew (§3.7)."""
        if self._stream is None:
            self._header = header
            terms = self._terms
            if terms.see_other_uri and (terms.see_other_for_all or not self._peer.secure):
                self._owner.refused(self, "websocket.see-other")
                self._introduce()
                self._end(elements.close(terms.see_other_uri))
                return
            self._stream = self._owner.streams.stream(
                self,
                self._peer.address,
                secure=self._peer.secure,
                to=header.get("to", ""),
                local=self._peer.local,
            )
        self._stream.open(header)

    def _close(self, attrs: Mapping[str, str]) -> None:
        """The client closes its stream (§3.6).

        That is answered when the server has said what it had to say (RFC 6120 §4.4), and then the
        client closes the socket.
        """
        if self._stream is None:
            self._introduce()
            self._end(elements.close())
            return
        self._leaving = True
        self._stream.end()
        self._owner.parts(self)

    _meets: Mapping[str, Callable[[WebSocket, Mapping[str, str]], None]] = {
        "open": _open,
        "close": _close,
    }

    # ------------------------------------------------------------------ Client

    def opened(self, header: Mapping[str, str]) -> None:
        """The server's stream header (`Client`): the second, and those behind it, after a login."""
        if self._opened:
            self._frames.max_message_size = _most(self._terms.octets)
        self._opened = True
        self._header = None
        self._send(elements.opened(header))

    def features(self, content: bytes) -> None:
        """Features (`Client`)."""
        self._send(elements.features(content))

    def elements(self, elements: Sequence[bytes]) -> None:
        """Elements, each a message (§3.3) (`Client`)."""
        frames = self._frames
        if frames.state is OPEN:
            for element in elements:
                frames.send_text(element)
            self._flush()

    def failed(self, content: bytes) -> None:
        """A stream error (`Client`)."""
        self._send(elements.error(content))

    def closed(self) -> None:
        """The stream is over, in order (`Client`)."""
        self._stream = None
        self._end(elements.close())

    def lost(self) -> None:
        """The stream is over, and nothing is said of it: it may be resumed (`Client`).

        A client that has left so much unread would not read this either.
        """
        self._stream = None
        if self._wire is not None and self._wire.stuck:
            self._wire.abort()
        elif self._leaving:
            self._end(elements.close())
        else:
            self._shut(CloseCode.GOING_AWAY)

    def refused(self, condition: str, text: str) -> None:
        """There is no stream (`Client`)."""
        self._stream = None
        self._fail(_REFUSED.get(condition, "undefined-condition"), text, "websocket.no-stream")

    def asked(self, number: int) -> None:
        """Say when the client has taken what was written (`Client`)."""
        if self._wire is not None and self._wire.stuck:
            self._question = number
        elif self._stream is not None:
            self._stream.taken(number)

    def pause(self) -> None:
        """Read nothing for now (`Client`)."""
        if self._wire is not None and not self._paused:
            self._paused = True
            self._wire.pause()

    def resume(self) -> None:
        """Read on (`Client`)."""
        if self._paused:
            self._paused = False
            self._read()

    @property
    def begun(self) -> bool:
        """Whether there is a stream, or was: the server sees to it that something comes of it."""
        return self._stream is not None or self._parting or self._closing

    @property
    def unread(self) -> bool:
        """Whether the client is not read: then it is not silent either."""
        return self._paused or self._choked

    def _choke(self) -> None:
        """Read nothing until the client has taken what it was answered."""
        if not self._choked and self._wire is not None:
            self._choked = True
            self._wire.pause()

    def _read(self) -> None:
        if self._wire is not None and not self.unread:
            self._wire.resume()

    # ------------------------------------------------------------------ what goes

    def ping(self) -> None:
        """Ask the client for a sign of life (RFC 6455 §5.5.2)."""
        if self._frames.state is OPEN:
            self._frames.send_ping(b"")
            self._flush()

    def leave(self) -> None:
        """This process ends: the client may come back to the next one, and resume its stream."""
        stream, self._stream = self._stream, None
        if stream is not None:
            stream.lost()
        self._shut(CloseCode.GOING_AWAY)

    def abort(self) -> None:
        """The client gives no sign of life."""
        if self._wire is not None:
            self._wire.abort()

    def _send(self, element: bytes) -> None:
        if self._frames.state is OPEN:  # the client's close frame may have come meanwhile
            self._frames.send_text(element)
            self._flush()

    def _introduce(self) -> None:
        """Open our side, if that is not done: errors come behind it (RFC 6120 §4.9.1.2)."""
        if not self._opened:
            header = self._header
            domain = self._owner.streams.domain("" if header is None else header.get("to", ""))
            self.opened(elements.answering(header, domain))

    def _fail(self, condition: str, text: str, reason: str) -> None:
        """End the stream with an error of our own (§3.5)."""
        if not self._say():
            return
        stream, self._stream = self._stream, None
        if stream is not None:
            stream.close()
        self._owner.refused(self, reason)
        self._introduce()
        self.failed(elements.condition(condition, text))
        self._end(elements.close())

    def _end(self, close: bytes) -> None:
        """End the stream, and the connection once the client has ended it, too (§3.6).

        Who closed the stream first is to close the socket: where that is the client, it has as
        long to do so.
        """
        self._send(close)
        if self._closing:  # it has, or has broken the rules, in the same piece
            return
        self._parting = True
        self._pieces.clear()
        self.resume()
        self._owner.parts(self)

    def part(self) -> None:
        """Both streams are closed, or there was time for that, and for the client to go."""
        if self._leaving and not self._parting:
            self._send(elements.close())
        self._shut(CloseCode.NORMAL_CLOSURE)

    def _shut(self, code: CloseCode, reason: str = "") -> None:
        """End the connection; where a reason is given, for what the client has done."""
        if self._closing:
            return
        self._say()
        stream, self._stream = self._stream, None
        if reason:
            self._owner.refused(self, reason)
        if stream is not None:
            stream.close()
        if self._frames.state is OPEN:
            if reason:
                self._frames.fail(code)
            else:
                self._frames.send_close(code)
        self._flush()

    def _flush(self) -> None:
        """Write what the library has to say; it ends with b"" where nothing more will come."""
        wire = self._wire
        out = self._frames.data_to_send()
        if wire is None or not out:
            return
        data = b"".join(out)
        if data:
            wire.write(data)
        frames = self._frames
        if frames.state is not OPEN and not self._closing:
            self._closing = True
            if frames.close_rcvd is None and frames.parser_exc is not None:
                self._owner.refused(self, "websocket.frames")
            wire.finish_within(_CLOSING)
        if out[-1] == b"":
            wire.finish(linger=frames.close_rcvd is None)


def _most(octets: int) -> int:
    """How large the library is to let a message become.

    It holds control frames to what is left of the message that they stand in: there has to be room
    for one behind the last fragment but one (RFC 6455 §5.4, §5.5).
    """
    return octets + 125


_PIECE = 2_048
"""How many octets are read as frames at once: the least ones are many in it."""

_OCTETS = 16
"""What is shorter is no stanza."""

SMALL = 200
"""How many frames that are as short, pings and pongs there may be between two looks at a client."""

STRANGE_OCTETS = 65_536
"""How large a message may be as long as nobody has logged in: nothing needed for that is larger."""

_FRAGMENTS = 1_024
"""How many fragments a message may have."""

_CLOSING = 5.0
"""Seconds that a client has to answer our close frame."""

_REFUSED = {
    "resource-constraint": "resource-constraint",
    "remote-server-timeout": "remote-connection-failed",
    "service-unavailable": "remote-connection-failed",
    "forbidden": "host-unknown",
    "item-not-found": "host-unknown",
}
"""The stream error for a refusal of the server's to begin a session."""
