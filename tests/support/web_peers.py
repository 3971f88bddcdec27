"""Raw clients over HTTP: XMPP by WebSocket (RFC 7395) and by BOSH (XEP-0124), one step at a time.

web = Web(port, "capulet.lit", authority)
with web.websocket() as peer:
    peer.log_in("juliet", "wherefore", "balcony")
"""

from __future__ import annotations

import os
import socket
import ssl
from base64 import b64encode
from collections import deque
from collections.abc import Mapping
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import Any, NamedTuple, Self
from xml.etree.ElementTree import Element, fromstring

from tests.support.peers import PATIENCE, Ended
from tests.support.server import condition
from xmppd import ns

FRAMING = "urn:ietf:params:xml:ns:xmpp-framing"
HTTPBIND = "http://jabber.org/protocol/httpbind"
XBOSH = "urn:xmpp:xbosh"

TEXT, CLOSE, PING, PONG = 1, 8, 9, 10
"""Frames of a WebSocket (RFC 6455 §5.2)."""


class Web(NamedTuple):
    """Where clients connect, and as whom they pose: over TLS where an authority is given."""

    port: int
    domain: str
    authority: Path | None = None
    source: str = "127.0.0.1"
    """The address that clients connect from."""
    headers: Mapping[str, str] = {}
    """What they send besides, `Host` perhaps."""

    def connect(self) -> socket.socket:
        """A connection, of which TLS is part."""
        sock = socket.create_connection(
            ("127.0.0.1", self.port), PATIENCE, source_address=(self.source, 0)
        )
        if self.authority is None:
            return sock
        context = ssl.create_default_context(cafile=str(self.authority))
        return context.wrap_socket(sock, server_hostname="127.0.0.1")

    @property
    def host(self) -> str:
        return self.headers.get("Host", f"127.0.0.1:{self.port}")

    def http(self) -> HTTPConnection:
        """A connection for requests of HTTP."""
        connection = HTTPConnection("127.0.0.1", self.port)
        connection.sock = self.connect()
        connection.auto_open = 0
        return connection

    def fetch(self, path: str, method: str = "GET", body: str = "", **headers: str) -> Fetched:
        """What one request is answered with."""
        connection = self.http()
        try:
            return _fetch(connection, method, path, body, {**self.headers, **headers})
        finally:
            connection.close()

    def websocket(self) -> WebSocketPeer:
        """A client by WebSocket."""
        return WebSocketPeer(self)

    def bosh(self) -> BoshPeer:
        """A client by BOSH."""
        return BoshPeer(self)


class Fetched(NamedTuple):
    """An answer, read whole; headers by their names in small letters."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def _fetch(
    connection: HTTPConnection, method: str, path: str, body: str, headers: Mapping[str, str]
) -> Fetched:
    connection.request(method, path, body.encode() or None, dict(headers))
    response: HTTPResponse = connection.getresponse()
    told = {name.lower(): value for name, value in response.getheaders()}
    return Fetched(response.status, told, response.read())


class WebPeer:
    """What both have in common: what a client does once it can say and hear elements."""

    def __init__(self, web: Web) -> None:
        self.web = web
        self.jid = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.hang_up()

    def open(self) -> Element:
        """Open the stream, anew behind SASL; its features."""
        raise NotImplementedError

    def send(self, *elements: str) -> None:
        """Send elements, each with its namespace."""
        raise NotImplementedError

    def element(self) -> Element:
        """The next element; raises `Ended` where none comes any more."""
        raise NotImplementedError

    def hang_up(self) -> None:
        """Let go of the connections."""
        raise NotImplementedError

    def log_in(self, name: str, password: str, resource: str) -> Self:
        """Go all the way to a bound resource, by SASL PLAIN."""
        self.open()
        message = b64encode(f"\0{name}\0{password}".encode()).decode()
        self.send(f"<auth xmlns='{ns.SASL}' mechanism='PLAIN'>{message}</auth>")
        answer = self.element()
        assert answer.tag == f"{{{ns.SASL}}}success", condition(answer)
        self.open()
        wanted = f"<bind xmlns='{ns.BIND}'><resource>{resource}</resource></bind>"
        self.jid = self.ask(wanted, "set").findtext(f".//{{{ns.BIND}}}jid") or ""
        assert self.jid, "no resource was bound"
        return self

    def ask(self, payload: str, type_: str = "get") -> Element:
        """Send an IQ; the answer to it. Whatever else came is passed over."""
        self.send(f"<iq xmlns='{ns.CLIENT}' type='{type_}' id='asked'>{payload}</iq>")
        while (answer := self.element()).get("id") != "asked":
            pass
        return answer


class WebSocketPeer(WebPeer):
    """A client by WebSocket; `status` is that of the handshake, 101 where it is one.

    It answers the server's `<close/>` or, where it has said that first, closes the socket (RFC 7395
    §3.6), unless `closes` is False.
    """

    def __init__(self, web: Web, path: str = "/xmpp-websocket", subprotocol: str = "xmpp") -> None:
        super().__init__(web)
        self._socket = web.connect()
        self._read = self._socket.makefile("rb")
        self.closes = True
        self._closed = False
        headers = {
            "Host": web.host,
            "Connection": "Upgrade",
            "Upgrade": "websocket",
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": b64encode(os.urandom(16)).decode(),
            "Sec-WebSocket-Protocol": subprotocol,
            **web.headers,
        }
        lines = [f"GET {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
        self._socket.sendall("".join(f"{line}\r\n" for line in [*lines, ""]).encode())
        self.status = int(self._read.readline().split()[1])
        while self._read.readline().strip():
            pass

    def open(self) -> Element:
        self.send(f"<open xmlns='{FRAMING}' to='{self.web.domain}' version='1.0'/>")
        opened = self.element()
        assert opened.tag == f"{{{FRAMING}}}open", opened.tag
        return self.element()

    def send(self, *elements: str) -> None:
        for each in elements:
            self._closed = self._closed or each.startswith("<close ")
            self.frame(TEXT, each.encode())

    def element(self) -> Element:
        while True:
            kind, data = self.heard()
            if kind == TEXT:
                return fromstring(data)
            if kind == PING:
                self.frame(PONG, data)
            elif kind == CLOSE:
                raise Ended

    def hang_up(self) -> None:
        self._read.close()
        self._socket.close()

    def frame(self, kind: int, data: bytes, *, fin: bool = True) -> None:
        """Send a frame, masked (RFC 6455 §5.3)."""
        mask, size = os.urandom(4), len(data)
        long = size.to_bytes(2, "big") if size < 1 << 16 else size.to_bytes(8, "big")
        length = bytes([size | 128]) if size < 126 else bytes([254 + (len(long) > 2)]) + long
        masked = bytes(octet ^ mask[index % 4] for index, octet in enumerate(data))
        self._socket.sendall(bytes([fin << 7 | kind]) + length + mask + masked)

    def heard(self) -> tuple[int, bytes]:
        """The next frame: its kind, and what is in it."""
        head = self._octets(2)
        size = head[1]
        if size > 125:
            size = int.from_bytes(self._octets(2 if size == 126 else 8), "big")
        kind, data = head[0] & 15, self._octets(size)
        if kind == TEXT and data.startswith(b"<close ") and self.closes:
            if self._closed:
                self.frame(CLOSE, (1000).to_bytes(2, "big"))
            else:
                self.send(f"<close xmlns='{FRAMING}'/>")
        return kind, data

    def _octets(self, size: int) -> bytes:
        data = self._read.read(size)
        if len(data) < size:
            raise Ended
        return data


class BoshPeer(WebPeer):
    """A client by BOSH that has one request under way at a time, none where nobody listens."""

    def __init__(self, web: Web, path: str = "/http-bind") -> None:
        super().__init__(web)
        self._path = path
        self._http: Any = web.http()
        self._rid = int.from_bytes(os.urandom(5), "big")
        self._elements: deque[Element] = deque()
        self.sid = ""
        self.created: Mapping[str, str] = {}
        """The attributes of the answer to the session creation request."""

    def open(self) -> Element:
        if self.sid:
            self.post(f"xmpp:restart='true' to='{self.web.domain}' xmlns:xmpp='{XBOSH}'")
        else:
            self.created = self.post(
                f"to='{self.web.domain}' ver='1.11' wait='5' hold='1' xml:lang='en'"
                f" xmpp:version='1.0' xmlns:xmpp='{XBOSH}'"
            ).attrib
            self.sid = self.created["sid"]
        return self.element()

    def send(self, *elements: str) -> None:
        self.post("", "".join(elements))

    def element(self) -> Element:
        while not self._elements:
            if self.post().get("type") == "terminate":
                raise Ended
        return self._elements.popleft()

    def hang_up(self) -> None:
        self._http.close()

    def post(self, attrs: str = "", payload: str = "") -> Element:
        """Send a body; the one that is the answer, whose elements are kept for `element`."""
        self._rid += 1
        sid = f"sid='{self.sid}' " if self.sid else ""
        body = f"<body xmlns='{HTTPBIND}' rid='{self._rid}' {sid}{attrs}>{payload}</body>"
        headers = {"Content-Type": "text/xml; charset=utf-8", **self.web.headers}
        answer = _fetch(self._http, "POST", self._path, body, headers)
        assert answer.status == 200, answer
        heard = fromstring(answer.body)
        self._elements.extend(heard)
        return heard
