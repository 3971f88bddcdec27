"""One HTTP/1.1 connection (RFC 9112): requests cut out of bytes, answers written in their order.

The parser is llhttp's (httptools). What it leaves to us: sizes, times, the order of answers where
requests are pipelined (§9.3.2), and who may take the connection over (RFC 9110 §7.8).
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, NamedTuple, Protocol

import httptools
from twisted.internet.interfaces import IDelayedCall, IPushProducer, IReactorTime, ISSLTransport
from twisted.internet.protocol import Protocol as TwistedProtocol
from twisted.internet.tcp import Connection as TCPConnection
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from components.bosh.http import writing
from components.bosh.http.request import Handler, Peer, Request, Response, Taker, plain
from xmppd.process.sending import send_now

log = Logger(namespace="component")


class Terms(NamedTuple):
    """What a connection may do; times in seconds, sizes in octets."""

    request_seconds: float = 20.0
    """How long a request may take to come, and an answer to be taken."""
    idle_seconds: float = 75.0
    """How long a connection may say nothing between two requests."""
    head_octets: int = 16_384
    """How large the request line and all headers may be."""
    body_octets: int = 524_288
    pipelined: int = 8
    """How many requests may wait for their answers; what comes behind them has to wait, too."""


_SINGLE = frozenset((b"host", b"origin", b"sec-websocket-key", b"content-type"))
"""Headers that a request has once at most: of two of them two readers may believe two things."""

_URL = re.compile(rb"https?://([^/?#]*)", re.IGNORECASE)
_NEVER = float("inf")
_LINGER = 5.0
"""Seconds that a client has to take the last answer."""


class Owner(Protocol):
    """What all connections share."""

    clock: IReactorTime
    terms: Terms
    handler: Handler

    def seen(self, connection: Connection, headers: Mapping[bytes, bytes], version: str) -> Peer:
        """Who sends a request with such headers."""

    def left(self, connection: Connection) -> None:
        """A connection is gone."""

    def refused(self, connection: Connection, reason: str) -> None:
        """What came by a connection is no request, for a reason of `reasons`."""


class _Refusal(Exception):
    """A request that is none; the connection ends with this answer."""

    def __init__(self, status: HTTPStatus, text: str = "") -> None:
        super().__init__(status)
        self.response = plain(status, text, close=True)


class Exchange:
    """A request, and its answer when there is one (`request.Exchange`)."""

    __slots__ = ("_connection", "_keep", "last", "on_gone", "request", "written")

    def __init__(self, connection: Connection, request: Request, *, last: bool, keep: bool) -> None:
        self.request = request
        self.on_gone: Callable[[], object] | None = None
        self.last = last
        self.written: bytes | None = None
        self._connection: Connection | None = connection
        self._keep = keep and not last

    def answer(self, response: Response) -> None:
        """Answer, once (`request.Exchange`)."""
        connection, self._connection = self._connection, None
        if connection is None:
            return
        self.on_gone = None
        self.last = self.last or response.close
        self.written = writing.render(
            response,
            connection.now(),
            last=self.last,
            keep=self._keep,
            head=self.request.method == "HEAD",
        )
        connection.settle()

    def gone(self) -> None:
        """The client is gone."""
        self._connection = None
        on_gone, self.on_gone = self.on_gone, None
        if on_gone is not None:
            on_gone()

    def take_over(self, taker: Taker, head: bytes) -> Connection | None:
        """Give the connection to `taker`, once `head` is written; None where it can't be.

        It is gone then, or answers are owed that come first, and the request is refused.
        """
        connection = self._connection
        if connection is None:
            return None
        if not connection.give(self, taker, head):
            self.answer(plain(HTTPStatus.BAD_REQUEST, close=True))
            return None
        self._connection = None
        return connection


@implementer(IPushProducer)
class Connection(TwistedProtocol):
    """One connection."""

    transport: Any

    def __init__(self, owner: Owner, address: str) -> None:
        self.address = address
        """The IP address of who has connected, a proxy perhaps."""
        self.tls = False
        self.refusal: Response | None = None
        """What is answered whatever comes, where this is one connection too many."""
        self._owner = owner
        self._parser: Any = httptools.HttpRequestParser(self)
        self._waiting: deque[tuple[Request, bool, bool]] = deque()
        """Requests whose turn has not come."""
        self._exchanges: deque[Exchange] = deque()
        self._taker: Taker | None = None
        self._timer: IDelayedCall | None = None
        self._deadline = _NEVER
        self._partial = False
        """Whether a request has begun and is not whole."""
        self._came = 0
        """How many octets of it have come since the piece in which it began."""
        self._in_head = False
        self._ending = False
        """Whether nothing that comes is read any more,"""
        self._ended = False
        """and whether nothing is answered any more."""
        self._refusal: Response | None = None
        """What ends the connection behind the requests that wait."""
        self._next_soon = False
        self.stuck = False
        """Whether the client has left unread some of what was written."""
        self._begin()

    # ------------------------------------------------------------------ IProtocol, IPushProducer

    def connectionMade(self) -> None:
        """Wait for a request (`IProtocol`)."""
        self.tls = ISSLTransport.providedBy(self.transport)
        set_option = getattr(self.transport, "setTcpNoDelay", None)
        if set_option is not None:
            set_option(True)
        self.transport.registerProducer(self, True)
        self._expect(self._owner.terms.idle_seconds)  # browsers connect before they have to ask
        if self.refusal is not None:
            self._refuse(self.refusal)

    def dataReceived(self, data: bytes) -> None:
        """Octets from the client (`IProtocol`)."""
        if self._ending:
            return
        if self._taker is not None:
            self._taker.receive(data)
        else:
            begun = self._partial
            self._read(data)
            if begun and self._partial:
                self._weigh(len(data))

    def connectionLost(self, reason: Failure = None) -> None:  # type: ignore[assignment]
        """Tell whoever has something to say (`IProtocol`)."""
        self._ending = self._ended = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._deadline = _NEVER
        self._waiting.clear()
        exchanges, self._exchanges = self._exchanges, deque()
        for exchange in exchanges:
            exchange.gone()
        taker, self._taker = self._taker, None
        if taker is not None:
            taker.gone()
        self._parser = None  # it holds this connection, and is held by it
        self._owner.left(self)

    def pauseProducing(self) -> None:
        """The client takes no more for now (`IPushProducer`)."""
        self.stuck = True
        if self._taker is None:
            self._expect(self._owner.terms.request_seconds)

    def resumeProducing(self) -> None:
        """The client takes more (`IPushProducer`)."""
        self.stuck = False
        if self._taker is not None:
            self._taker.relieved()
        elif not self._ended:
            self._rest()
            self._next()

    def stopProducing(self) -> None:
        """The connection is gone (`IPushProducer`)."""

    # ------------------------------------------------------------------ reading

    def _read(self, data: bytes) -> None:
        unread: bytes | None = data
        while unread is not None:
            unread = self._parse(unread)

    def _parse(self, data: bytes) -> bytes | None:
        """Have it read; what is to be read anew, if anything."""
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            # Only a handler takes a connection over. For all others the request is the last: what
            # comes behind it may be of another protocol (RFC 9110 §7.8).
            rest = data[upgrade.args[0] :]
            if self._staying:
                return self._stay(rest)
            if self._taker is not None and rest:
                self._taker.receive(rest)
            self._ending = self._taker is None
        except httptools.HttpParserCallbackError as error:
            refusal = error.__context__
            if not isinstance(refusal, _Refusal):
                raise
            self._refuse(refusal.response)
        except httptools.HttpParserError as error:
            self._refuse(plain(HTTPStatus.BAD_REQUEST, f"400 Bad Request: {error}", close=True))
        return None

    def _stay(self, rest: bytes) -> bytes:
        """A request with a body as one that asks for no other protocol: `rest` is behind its head.

        Whoever is asked for one may pass over that (RFC 9110 §7.8), but for the parser the body
        would be of that protocol.
        """
        old, self._parser = self._parser, httptools.HttpRequestParser(self)
        version = old.get_http_version().encode()
        line = b"%b %b HTTP/%b" % (old.get_method(), self._target, version)
        lines = (b"%b: %b" % each for each in self._headers.items())
        return b"\r\n".join((line, *lines, b"", rest))

    def _weigh(self, octets: int) -> None:
        """Refuse what grows without end where the parser tells nothing of it: a header, a trailer.

        What frames the pieces of a chunked body counts, too, and may be as much as the body.
        """
        self._came += octets
        terms = self._owner.terms
        if self._in_head:
            if self._came > terms.head_octets:
                self._refuse(plain(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, close=True))
        elif self._came > terms.head_octets + 2 * terms.body_octets:
            self._refuse(plain(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, close=True))

    def _refuse(self, response: Response) -> None:
        """End the connection with an answer, behind those that are owed."""
        if self._ended:
            return
        self._ending = True
        self._partial = False
        reason = _REASONS.get(response.status)
        if reason and response is not self._refusal:
            self._owner.refused(self, reason)
        if self._waiting:
            self._refusal = response
            return
        exchange = Exchange(self, _NONE, last=True, keep=False)
        self._exchanges.append(exchange)
        exchange.answer(response)

    def _begin(self) -> None:
        self._target = b""
        self._headers: dict[bytes, bytes] = {}
        self._body = b""
        self._pieces: bytearray | None = None
        """The body where it comes in several: a piece by itself takes twenty times a few octets."""
        self._octets = 0
        self._staying = False
        """Whether it asks for another protocol, and won't get it."""

    # What the parser calls, in this order.

    def on_message_begin(self) -> None:
        """A request begins."""
        self._begin()
        self._partial = self._in_head = True
        self._came = 0
        if not self.stuck:
            self._expect(self._owner.terms.request_seconds)

    def on_url(self, target: bytes) -> None:
        """A piece of the request's target."""
        self._target += target
        self._octets += len(target)
        if self._octets > self._owner.terms.head_octets:
            raise _Refusal(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header, or a trailer: those are no headers of the request (RFC 9110 §6.5.1)."""
        self._octets += len(name) + len(value) + 4
        if self._octets > self._owner.terms.head_octets:
            raise _Refusal(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
        if not self._in_head:
            return
        name, value = name.lower(), value.rstrip(b" \t")  # RFC 9112 §5.1
        headers = self._headers
        if name in headers:
            if name in _SINGLE:
                raise _Refusal(HTTPStatus.BAD_REQUEST)
            value = b"%b, %b" % (headers[name], value)
        headers[name] = value

    def on_headers_complete(self) -> None:
        """All headers are there: see whether the body is welcome."""
        headers = self._headers
        self._in_head = False
        self._octets = 0
        octets = int(headers.get(b"content-length", 0))
        if octets > self._owner.terms.body_octets:
            raise _Refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        version = self._parser.get_http_version()
        if version not in ("1.0", "1.1"):
            raise _Refusal(HTTPStatus.HTTP_VERSION_NOT_SUPPORTED)
        if b"upgrade" in headers and (octets or b"transfer-encoding" in headers):
            self._staying = (
                self._parser.should_upgrade() and self._parser.get_method() != b"CONNECT"
            )
            if self._staying:
                del headers[b"upgrade"]
                return  # the rest is looked at when it is read anew
        if version == "1.0":
            if b"transfer-encoding" in headers:  # RFC 9112 §6.1
                raise _Refusal(HTTPStatus.BAD_REQUEST)
            headers.pop(b"upgrade", None)  # RFC 9110 §7.8; §10.1.1 for what is expected
        elif headers.get(b"transfer-encoding", b"chunked").lower() != b"chunked":
            raise _Refusal(HTTPStatus.NOT_IMPLEMENTED)  # RFC 9112 §6.1
        elif headers.get(b"expect", b"").lower() == b"100-continue" and not self._owing():
            self.write(writing.CONTINUE)

    def on_body(self, data: bytes) -> None:
        """A piece of the body."""
        self._octets += len(data)
        if self._octets > self._owner.terms.body_octets:
            raise _Refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        if self._pieces is not None:
            self._pieces += data
        elif self._body:
            self._pieces = bytearray(self._body) + data
        else:
            self._body = data

    def on_message_complete(self) -> None:
        """A request is whole."""
        if self._staying:
            return
        self._partial = False
        if self._ended:
            return
        parser, headers, owner = self._parser, self._headers, self._owner
        version = parser.get_http_version()
        if version == "1.1" and b"host" not in headers:  # RFC 9112 §3.2
            raise _Refusal(HTTPStatus.BAD_REQUEST)
        path, _, query = self._where(headers).decode("latin-1").partition("?")
        body = self._body if self._pieces is None else bytes(self._pieces)
        self._body, self._pieces = b"", None  # nobody else keeps it, while the connection rests
        request = Request(
            parser.get_method().decode("latin-1"),
            path,
            query,
            headers,
            body,
            owner.seen(self, headers, version),
        )
        last = parser.should_upgrade() or not parser.should_keep_alive()
        if self._waiting or len(self._exchanges) >= owner.terms.pipelined or self.stuck:
            if not self._waiting:
                self.transport.pauseProducing()
            self._waiting.append((request, last, version == "1.0"))
            self._rest()
        else:
            self._handle(request, last, version == "1.0")

    def _where(self, headers: dict[bytes, bytes]) -> bytes:
        """Path and query. A whole URL tells the host, too, whatever `Host` says (§3.2.2)."""
        target = self._target
        if target.startswith(b"/"):
            return target
        found = _URL.match(target)
        if found is None:
            return target
        headers[b"host"] = found[1]
        rest = target[found.end() :]
        return rest if rest.startswith(b"/") else b"/" + rest

    def _handle(self, request: Request, last: bool, keep: bool) -> None:
        exchange = Exchange(self, request, last=last, keep=keep)
        self._exchanges.append(exchange)
        self._rest()
        try:
            self._owner.handler(exchange)
        except Exception:  # noqa: BLE001 - a bug of ours costs the client this request only
            log.failure("a request met a bug")
            exchange.answer(plain(HTTPStatus.INTERNAL_SERVER_ERROR, close=True))

    def _next(self) -> None:
        """Handle requests that have waited for their turn."""
        waiting = self._waiting
        self._next_soon = False
        if not waiting:
            return
        while waiting and len(self._exchanges) < self._owner.terms.pipelined and not self.stuck:
            self._handle(*waiting.popleft())
        if waiting or self._ended:
            return
        if self._refusal is not None:
            self._refuse(self._refusal)
        elif not self._ending:
            self.transport.resumeProducing()

    def _owing(self) -> bool:
        """Whether there are requests that have no answer yet."""
        return bool(self._exchanges or self._waiting)

    # ------------------------------------------------------------------ writing

    def now(self) -> float:
        """Seconds UTC since 1970."""
        return self._owner.clock.seconds()

    def settle(self) -> None:
        """Write the answers that are there, in the order of the requests."""
        exchanges = self._exchanges
        while exchanges and (written := exchanges[0].written) is not None:
            first = exchanges.popleft()
            self.write(written)
            if first.last:
                self._end(linger=self.refusal is None)
                return
        self._rest()
        if self._waiting and not self._next_soon:
            # In a turn of its own: who answers may be in the middle of another request.
            self._next_soon = True
            self._owner.clock.callLater(0, self._next)

    def _end(self, *, linger: bool = False) -> None:
        """Let the client have what was written, and go.

        Who lingers reads on for a while, to no end: where a connection is closed with something
        unread, the client may lose the answer, too (RFC 9112 §9.6).
        """
        self._ending = self._ended = True
        self._waiting.clear()
        exchanges, self._exchanges = self._exchanges, deque()
        for exchange in exchanges:
            exchange.gone()
        self._expect(_LINGER)
        self.transport.unregisterProducer()
        if linger and not self.tls:  # TLS itself waits for the client to close
            self.transport.loseWriteConnection()
            self.transport.resumeProducing()
        else:
            self.transport.loseConnection()

    def give(self, exchange: Exchange, taker: Taker, head: bytes) -> bool:
        """Give the connection to `taker`, once `head` is written; it has no deadline any more.

        False where other answers come first: what was sent behind the request is not kept.
        """
        if self._ending or self._exchanges[0] is not exchange:
            return False
        # Nothing of HTTP comes here any more, and what is taken over may stay for days.
        self._waiting, self._exchanges, self._parser = _NO_REQUESTS, _NO_EXCHANGES, None
        self._begin()
        self._taker = taker
        self._deadline = _NEVER
        self.write(head)
        return True

    # What a taker does with it.

    def write(self, data: bytes) -> None:
        """Write octets, at once where the client's socket takes them."""
        transport = self.transport
        if isinstance(transport, TCPConnection):
            sent = send_now(transport, data)
            if sent == len(data):
                return
            data = data[sent:]
        transport.write(data)

    def pause(self) -> None:
        """Read nothing for now."""
        self.transport.pauseProducing()

    def resume(self) -> None:
        """Read on."""
        self.transport.resumeProducing()

    def finish(self, *, linger: bool = False) -> None:
        """End the connection once the client has what was written, or has had time for it."""
        if not self._ended:
            self._end(linger=linger)

    def finish_within(self, seconds: float) -> None:
        """End the connection if nobody else has by then."""
        self._expect(seconds)

    def abort(self) -> None:
        """End the connection at once."""
        self.transport.abortConnection()

    # ------------------------------------------------------------------ time

    def _rest(self) -> None:
        """Have the deadline that what goes on now has: none while the client waits for us."""
        if self._ended or self.stuck:
            return  # there is one for what was written
        if self._partial:
            return  # it has its own since it began
        if self._owing():
            self._deadline = _NEVER
        else:
            self._expect(self._owner.terms.idle_seconds)

    def _expect(self, seconds: float) -> None:
        """Give the client so long. There is one timer, which goes on when it finds it was early."""
        clock = self._owner.clock
        self._deadline = deadline = clock.seconds() + seconds
        if self._timer is None:
            self._timer = clock.callLater(seconds, self._look)
        elif self._timer.getTime() > deadline:
            self._timer.reset(seconds)

    def _look(self) -> None:
        self._timer = None
        left = self._deadline - self._owner.clock.seconds()
        if left <= 0:
            self._too_late()
        elif left != _NEVER:
            self._timer = self._owner.clock.callLater(left, self._look)

    def _too_late(self) -> None:
        if self.stuck or self._ended:
            self.transport.abortConnection()
        elif self._partial:
            self._refuse(plain(HTTPStatus.REQUEST_TIMEOUT, close=True))
        else:
            self._end()


_REASONS: Mapping[int, str] = {
    400: "http.no-request",
    408: "http.slow",
    413: "http.large-body",
    431: "http.large-head",
    501: "http.coding",
    505: "http.no-request",
}
"""Why what came is no request, by the status that it is answered with."""

_NO_REQUESTS: deque[tuple[Request, bool, bool]] = deque(maxlen=0)
_NO_EXCHANGES: deque[Exchange] = deque(maxlen=0)
"""What all connections have that were taken over."""

_NONE = Request("", "", "", {}, b"", Peer("", secure=False, tls=False))
"""Stands for a request that could not be read."""
