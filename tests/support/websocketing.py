"""Clients by WebSocket in memory: their frames, well made or not, and the streams they get.

house = House()
juliet = house.join()
juliet.open()
juliet.stream.client.elements([b"<message xmlns='jabber:client'/>"])
assert juliet.texts() == [...]
"""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from components.bosh.http.connection import Terms as HTTPTerms
from components.bosh.names import FRAMING
from components.bosh.tunnel.client import Client, Stream
from components.bosh.websocket.service import WebSockets
from components.bosh.websocket.session import Terms
from tests.support.http_lines import Answering, Line

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
MORE = 0
"""A fragment behind the first."""

OPEN = f"<open xmlns='{FRAMING}' to='example.org' version='1.0'/>"
CLOSING = f"<close xmlns='{FRAMING}'/>"
MESSAGE = "<message xmlns='jabber:client' to='romeo@example.org'/>"

DOMAINS = ("example.org", "example.net")
"""Of the server."""

KEY = "dGhlIHNhbXBsZSBub25jZQ=="
ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
"""The example of RFC 6455 §1.3."""

HANDSHAKE = {
    "Host": "chat.example.org",
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Key": KEY,
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Protocol": "xmpp",
}


def handshake(**other: str | None) -> bytes:
    """The request, with other headers, or without one where it is None; "_" stands for "-"."""
    headers: dict[str, str | None] = {**HANDSHAKE}
    for name, value in other.items():
        headers[name.replace("_", "-")] = value
    lines = [f"{name}: {value}" for name, value in headers.items() if value is not None]
    return "\r\n".join(["GET /xmpp-websocket HTTP/1.1", *lines, "", ""]).encode()


def frame(
    opcode: int,
    data: bytes | str = b"",
    *,
    fin: bool = True,
    masked: bool = True,
    reserved: int = 0,
    size: int | None = None,
) -> bytes:
    """A frame (RFC 6455 §5.2); `size` is what it says of its length, if that is not so."""
    data = data.encode() if isinstance(data, str) else data
    length = len(data) if size is None else size
    first = (0x80 if fin else 0) | (reserved << 4) | opcode
    mark = 0x80 if masked else 0
    if length < 126:
        head = struct.pack("!BB", first, mark | length)
    elif length < 65_536:
        head = struct.pack("!BBH", first, mark | 126, length)
    else:
        head = struct.pack("!BBQ", first, mark | 127, length)
    if not masked:
        return head + data
    mask = b"\x37\xfa\x21\x3d"
    return head + mask + bytes(octet ^ mask[at % 4] for at, octet in enumerate(data))


class Frame(NamedTuple):
    """A frame of the server."""

    opcode: int
    data: bytes

    @property
    def code(self) -> int:
        """Why a connection is closed (RFC 6455 §7.4)."""
        assert self.opcode == CLOSE
        return int(struct.unpack("!H", self.data[:2])[0]) if self.data else 1005


def frames(data: bytes) -> list[Frame]:
    """The frames of a server: none is masked, none is a fragment."""
    found = []
    while data:
        first, length = data[0], data[1]
        assert first & 0xF0 == 0x80, bin(first)
        at = 2
        if length == 126:
            at, length = 4, struct.unpack("!H", data[2:4])[0]
        elif length == 127:
            at, length = 10, struct.unpack("!Q", data[2:10])[0]
        assert length <= len(data) - at
        found.append(Frame(first & 15, data[at : at + length]))
        data = data[at + length :]
    return found


class Said:
    """A stream that keeps what is said in it."""

    def __init__(self, client: Client, where: Mapping[str, Any]) -> None:
        self.client = client
        self.where = where
        self.headers: list[Mapping[str, str]] = []
        self.texts: list[str] = []
        self.sayings = 0
        """How often something was said."""
        self.answered: list[int] = []
        self.ends: list[str] = []
        self.unwelcome: tuple[str, str] | None = None
        self.slow = False
        """Whether the server takes its time to answer the end of a stream."""

    def open(self, header: Mapping[str, str]) -> None:
        """Keep it (`Stream`)."""
        self.headers.append(header)
        if self.unwelcome is not None:
            self.client.refused(*self.unwelcome)

    def say(self, data: str) -> None:
        """Keep it (`Stream`)."""
        if "\0" in data:
            raise ValueError(data)
        self.texts.append(data)

    def say_each(self, elements: Sequence[str]) -> None:
        """Keep them (`Stream`)."""
        if any("\0" in element for element in elements):
            raise ValueError(elements)
        self.texts += elements
        self.sayings += 1

    def taken(self, number: int) -> None:
        """Keep it (`Stream`)."""
        self.answered.append(number)

    def end(self) -> None:
        """Keep it, and answer (`Stream`)."""
        self.ends.append("end")
        if not self.slow:
            self.client.closed()

    def close(self) -> None:
        """Keep it (`Stream`)."""
        self.ends.append("close")

    def lost(self) -> None:
        """Keep it (`Stream`)."""
        self.ends.append("lost")


class House:
    """Where clients come to by WebSocket. `refused` counts the reasons why some were ended."""

    def __init__(self, terms: Terms | None = None, http: HTTPTerms | None = None) -> None:
        self.streams: list[Said] = []
        self.refused: Counter[str] = Counter()
        self.site = Answering(lambda exchange: self.websockets.handle(exchange), http)
        self.clock = self.site.clock
        self.websockets = WebSockets(self, self.clock, terms or Terms(), 45, self._refuse)
        self.unwelcome: tuple[str, str] | None = None
        """What new streams are refused with."""

    def domain(self, to: str) -> str:
        """The domain of the server that a client means (`Streams`)."""
        return to if to in DOMAINS else DOMAINS[0]

    def stream(self, client: Client, address: str, **where: Any) -> Stream:
        """A stream (`Streams`)."""
        said = Said(client, {"address": address, **where})
        said.unwelcome = self.unwelcome
        self.streams.append(said)
        return said

    def join(self, *, deaf: bool = False) -> WebClient:
        """A client that has shaken hands."""
        client = WebClient(self, self.site.connect(deaf=deaf))
        client.line.send(handshake())
        head, blank, rest = client.line.read().partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 101 "), head
        assert blank
        assert rest == b""
        return client

    def _refuse(self, reason: str, address: str) -> None:
        assert address == "192.0.2.7"
        self.refused[reason] += 1


class WebClient:
    """One client."""

    def __init__(self, house: House, line: Line) -> None:
        self.house = house
        self.line = line

    def open(self, to: str = "example.org", shown: str = " version='1.0'") -> WebClient:
        """Open a stream, and have the server open its side of it."""
        before = len(self.house.streams)
        self.say(f"<open xmlns='{FRAMING}' to='{to}'{shown}/>")
        if len(self.house.streams) > before:
            self.stream = self.house.streams[-1]
        self.stream.client.opened({"from": to, "id": "a1", "version": "1.0", "xml:lang": "en"})
        self.stream.client.features(b"")
        opened, features = self.texts()
        assert opened.startswith("<open ")
        assert features.startswith("<stream:features ")
        return self

    def open_deaf(self) -> WebClient:
        """The same of a client that reads nothing: a few octets of the server's fit the pipe."""
        self.line.deaf = False
        self.open()
        self.line.deaf = True
        return self

    def say(self, *texts: str) -> WebClient:
        """Send messages."""
        for text in texts:
            self.send(frame(TEXT, text))
        return self

    def send(self, *pieces: bytes) -> WebClient:
        """Send octets."""
        self.line.send(*pieces)
        return self

    def frames(self) -> list[Frame]:
        """What has come since the last call."""
        return frames(self.line.read())

    def texts(self) -> Sequence[str]:
        """The same, all of it being text."""
        found = self.frames()
        assert all(each.opcode == TEXT for each in found), found
        return [each.data.decode() for each in found]

    def ended(self) -> tuple[list[str], int]:
        """What was said until the connection was closed, and the code of that.

        Where the server's `<close/>` was the last, it is answered.
        """
        found = self.frames()
        if found[-1].opcode == TEXT and found[-1].data.startswith(b"<close "):
            found += self.say(CLOSING).frames()
        *said, last = found
        return [each.data.decode() for each in said], last.code
