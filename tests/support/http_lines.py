"""A connection of the gateway in memory, with a client that reads it, or does not.

site = Answering(lambda exchange: exchange.answer(plain(200, "yes")))
line = site.connect()
line.send(b"GET / HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n")
assert [200] == statuses(line.read())
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from twisted.internet import error
from twisted.internet.task import Clock
from twisted.python.failure import Failure

from components.bosh.http.connection import Connection, Terms
from components.bosh.http.request import Exchange, Handler, Peer, Request, Response

PIPE = 65_536
"""How much a transport holds before it asks for less, and how much it reads at once."""


class Line:
    """A transport as Twisted's are, and the client at the other end of it.

    `deaf` is a client that reads only when it is told to, in `read`.
    """

    def __init__(self, protocol: Any, *, deaf: bool = False) -> None:
        self.protocol = protocol
        self.deaf = deaf
        self.held = b""
        """What is written and not read."""
        self.most = 0
        """How much that was at most."""
        self.up = True
        self.reading = True
        self.ended = False
        """Whether the client was told that nothing more comes."""
        self.aborted = False
        self.producer: Any = None
        self._kernel = b""
        self._unread = b""
        self._paused = False
        self._closing = ""
        protocol.makeConnection(self)

    # ------------------------------------------------------------------ the client

    def send(self, *pieces: bytes) -> Line:
        """Send pieces; what is not read yet waits."""
        for piece in pieces:
            self._unread += piece
            self._deliver()
        return self

    def read(self) -> bytes:
        """All that has come since the last call."""
        data, self._kernel = self._kernel + self.held, b""
        self.held = b""
        self._drained()
        return data

    def hang_up(self) -> None:
        """Close the connection."""
        self._lose(error.ConnectionDone())

    @property
    def unread(self) -> int:
        """How much of what was sent waits outside."""
        return len(self._unread)

    # ------------------------------------------------------------------ ITransport

    def write(self, data: bytes) -> None:
        """Take bytes (`ITransport`)."""
        assert isinstance(data, bytes)
        if not self.up or self.ended:
            return
        self.held += data
        self.most = max(self.most, len(self.held))
        if not self.deaf:
            self._kernel, self.held = self._kernel + self.held, b""
        elif self.producer is not None and len(self.held) > PIPE and not self._paused:
            self._paused = True
            self.producer.pauseProducing()

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        """Take who is to be held back (`IConsumer`)."""
        assert streaming
        self.producer = producer

    def unregisterProducer(self) -> None:
        """Have nobody to hold back (`IConsumer`)."""
        self.producer = None

    def pauseProducing(self) -> None:
        """Read nothing."""
        self.reading = False

    def resumeProducing(self) -> None:
        """Read on, in this turn where the test goes on sending, or in `pump`."""
        if self._closing != "lose":
            self.reading = True

    def pump(self) -> None:
        """Have what waits read."""
        self._deliver()

    def loseConnection(self) -> None:
        """Close it behind what was written."""
        self._closing = "lose"
        self.reading = False
        if not self.held:
            self._drained()

    def loseWriteConnection(self) -> None:
        """Write no more behind what was written."""
        self._closing = self._closing or "half"
        if not self.held:
            self._drained()

    def abortConnection(self) -> None:
        """Drop it."""
        self.aborted = True
        self.held = b""
        self._lose(error.ConnectionAborted())

    # ------------------------------------------------------------------

    def _deliver(self) -> None:
        while self._unread and self.reading and self.up:
            piece, self._unread = self._unread[:PIPE], self._unread[PIPE:]
            self.protocol.dataReceived(piece)

    def _drained(self) -> None:
        if not self.up:
            return
        if self._paused and self.producer is not None:
            self._paused = False
            self.producer.resumeProducing()
        if self.held:
            return
        if self._closing == "half":
            self.ended = True
        elif self._closing == "lose":
            self.ended = True
            self._lose(error.ConnectionDone())

    def _lose(self, reason: Exception) -> None:
        if self.up:
            self.up = False
            self.protocol.connectionLost(Failure(reason))


class Answering:
    """The owner of connections: a handler, and a clock that goes on when it is told to."""

    def __init__(self, handler: Handler | None = None, terms: Terms | None = None) -> None:
        self.clock = Clock()
        self.terms = terms or Terms()
        self.exchanges: list[Exchange] = []
        """What was asked, where no handler is given."""
        self.handler: Handler = handler or self.exchanges.append
        self.gone: list[Connection] = []
        self.reasons: list[str] = []
        """Why what came was no request."""

    def seen(self, connection: Connection, headers: Any, version: str) -> Peer:
        """Who sends a request (`connection.Owner`)."""
        return Peer(connection.address, secure=True)

    def left(self, connection: Connection) -> None:
        """A connection is gone (`connection.Owner`)."""
        self.gone.append(connection)

    def refused(self, connection: Connection, reason: str) -> None:
        """What came is no request (`connection.Owner`)."""
        self.reasons.append(reason)

    def connect(self, *, deaf: bool = False) -> Line:
        """A client that has said nothing."""
        return Line(Connection(self, "192.0.2.7"), deaf=deaf)

    def turns(self, most: int = 10) -> None:
        """Let some turns pass, and no time."""
        for _ in range(most):
            self.clock.advance(0)

    @property
    def requests(self) -> list[Request]:
        """What was asked."""
        return [each.request for each in self.exchanges]


class Answer(NamedTuple):
    """What a client was answered."""

    status: int
    headers: dict[str, str]
    body: bytes


def answers(data: bytes, head: Callable[[int], bool] = lambda number: False) -> list[Answer]:
    """Answers as a client cuts them; `head` says whether the answer of a number is one to HEAD."""
    found: list[Answer] = []
    while data:
        top, blank, data = data.partition(b"\r\n\r\n")
        assert blank, top
        first, *lines = top.decode("latin-1").split("\r\n")
        version, status, _ = first.split(" ", 2)
        assert version == "HTTP/1.1"
        headers: dict[str, str] = {}
        for line in lines:
            name, _, value = line.partition(": ")
            name = name.lower()
            assert name == "connection" or name not in headers, name
            headers[name] = f"{headers[name]}, {value}" if name in headers else value
        size = 0 if head(len(found)) else int(headers.get("content-length", 0))
        assert len(data) >= size
        found.append(Answer(int(status), headers, data[:size]))
        data = data[size:]
    return found


def statuses(data: bytes) -> list[int]:
    """The statuses of answers."""
    return [each.status for each in answers(data)]


def get(
    path: bytes = b"/",
    *headers: bytes,
    version: bytes = b"1.1",
    method: bytes = b"GET",
    body: bytes = b"",
) -> bytes:
    """A request."""
    lines = [b"%b %b HTTP/%b" % (method, path, version), b"Host: chat.example.org", *headers]
    if body:
        lines.append(b"Content-Length: %d" % len(body))
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def echo(exchange: Exchange) -> None:
    """Answer with what was asked."""
    request = exchange.request
    exchange.answer(Response(200, (), f"{request.path} ".encode() + request.body))


UPGRADE = (b"Upgrade: websocket", b"Connection: Upgrade")
"""Headers of who wants another protocol."""
