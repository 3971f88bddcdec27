"""A raw client on a real socket: sends exactly what a test says, and reads what comes back.

    with Peer(server.c2s, "capulet.lit") as peer:
        peer.open()
        peer.send("<iq type='get'>")

It waits for elements, never for a time; what doesn't come within `PATIENCE` fails the test.
"""

from __future__ import annotations

import hashlib
import socket
import ssl
import zlib
from base64 import b64decode, b64encode
from collections import deque
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Protocol
from xml.etree.ElementTree import Element, ParseError, XMLPullParser

from OpenSSL import SSL

from tests.support.memory_tls import client as exporting_client
from tests.support.server import condition
from xmppd import ns

PATIENCE = 20.0
"""Seconds that a test waits for what should come at once."""


class Ended(Exception):
    """The server has closed the connection."""


class Transport(Protocol):
    """What octets go through."""

    def sendall(self, data: bytes) -> None:
        """Send all of `data`."""

    def recv(self, size: int) -> bytes:
        """What has come, at most `size` octets; empty at the end."""

    def close(self) -> None:
        """Let go of the socket."""


class Scram(Protocol):
    """The client's side of a SCRAM exchange."""

    mechanism: str

    def first(self) -> bytes:
        """The client's first message."""

    def respond(self, challenge: bytes) -> bytes:
        """The client's final message, to the server's first."""

    def check(self, verifier: bytes) -> None:
        """Raise an exception where the server has not proved itself."""


class Peer:
    """One connection to the server, in the clear at first.

    `elements` are read one by one with `element`; the latest stream header is `header`.
    """

    def __init__(self, port: int, domain: str, *, receive_buffer: int = 0) -> None:
        self.domain = domain
        self.header: dict[str, str] = {}
        self.jid = ""
        """The full JID, after `log_in`."""
        self._socket = socket.socket()
        if receive_buffer:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self._socket.settimeout(PATIENCE)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.connect(self._socket, port)
        self.transport: Transport = self._socket
        self._inflate: Any = None
        self._deflate: Any = None
        self.restart()

    def __enter__(self) -> Peer:
        return self

    def __exit__(self, *error: object) -> None:
        self.transport.close()
        self._socket.close()

    def connect(self, sock: socket.socket, port: int) -> None:
        """Have `sock` connected to the server."""
        sock.connect(("127.0.0.1", port))

    # ------------------------------------------------------------------ to the server

    def send(self, data: str | bytes) -> Peer:
        """Send `data` in as few segments as it fits into; may raise `Ended`."""
        octets = data.encode() if isinstance(data, str) else data
        if self._deflate is not None:
            octets = self._deflate.compress(octets) + self._deflate.flush(zlib.Z_SYNC_FLUSH)
        try:
            self.transport.sendall(octets)
        except (BrokenPipeError, ConnectionResetError):
            raise Ended from None
        return self

    def restart(self) -> None:
        """Expect a new stream over the same connection."""
        self._parser = XMLPullParser(("start", "end"))
        self._depth = 0
        self._elements: deque[Element] = deque()

    def stream_header(self, version: str = "version='1.0'") -> str:
        return (
            f"<?xml version='1.0'?><stream:stream to='{self.domain}' {version}"
            f" xmlns='{ns.CLIENT}' xmlns:stream='{ns.STREAM}'>"
        )

    def open(self) -> Element:
        """Open a stream; its features."""
        self.restart()
        return self.send(self.stream_header()).element()

    def ask(self, payload: str, type_: str = "get", **attrs: str) -> Element:
        """Send an IQ; the answer to it. Whatever else came is passed over."""
        more = "".join(f" {name}='{value}'" for name, value in attrs.items())
        self.send(f"<iq type='{type_}' id='asked'{more}>{payload}</iq>")
        while (answer := self.element()).get("id") != "asked":
            pass
        return answer

    def unread(self, elements: Iterable[Element]) -> None:
        """Have elements come again, before all that has not been read."""
        self._elements.extendleft(reversed(list(elements)))

    # ------------------------------------------------------------------ from the server

    def element(self) -> Element:
        """The next top-level element; raises `Ended` where none comes any more."""
        while not self._elements:
            self._read()
        return self._elements.popleft()

    def ending(self) -> str:
        """Read to the end of the connection; the condition of the stream error, or ""."""
        found = ""
        try:
            while True:
                element = self.element()
                if element.tag == f"{{{ns.STREAM}}}error":
                    found = condition(element)
        except Ended:
            return found

    def hears_nothing_more(self) -> None:
        """Wait for the end of a connection whose octets are no XML."""
        try:
            while self.transport.recv(65536):
                pass
        except ConnectionResetError:
            pass

    def _read(self) -> None:
        try:
            data = self.transport.recv(65536)
        except ConnectionResetError:
            raise Ended from None
        if not data:
            raise Ended
        if self._inflate is not None:
            data = self._inflate.decompress(data)
        try:
            self._parser.feed(data)
            self._take_elements()
        except ParseError as error:
            raise AssertionError(f"the server sent {data!r}: {error}") from error

    def _take_elements(self) -> None:
        for event, element in self._parser.read_events():
            self._depth += 1 if event == "start" else -1
            if event == "start" and self._depth == 1:
                self.header = dict(element.attrib)
            elif event == "end" and self._depth == 1:
                self._elements.append(element)

    # ------------------------------------------------------------------ TLS and compression

    def start_tls(self, authority: Path) -> Peer:
        """STARTTLS, with the standard library's TLS, verifying the server's certificate."""
        self._proceed()
        return self.wrap(authority)

    def wrap(self, authority: Path, alpn: str = "") -> Peer:
        """Begin TLS now."""
        context = ssl.create_default_context(cafile=str(authority))
        if alpn:
            context.set_alpn_protocols([alpn])
        self.transport = context.wrap_socket(self._socket, server_hostname=self.domain)
        return self

    def start_exporting_tls(self) -> Peer:
        """STARTTLS with OpenSSL itself, which can export keying material (RFC 9266)."""
        self._proceed()
        self.transport = ExportingTLS(self._socket, self.domain)
        return self

    def _proceed(self) -> None:
        answer = self.send(f"<starttls xmlns='{ns.TLS}'/>").element()
        assert answer.tag == f"{{{ns.TLS}}}proceed", answer.tag

    def compress(self) -> Peer:
        """Have the stream compressed from here on, and open it anew (XEP-0138)."""
        answer = self.send(
            f"<compress xmlns='{ns.COMPRESS}'><method>zlib</method></compress>"
        ).element()
        assert answer.tag == f"{{{ns.COMPRESS}}}compressed", answer.tag
        self._inflate, self._deflate = zlib.decompressobj(), zlib.compressobj()
        self.open()
        return self

    # ------------------------------------------------------------------ logging in

    def authenticate(self, name: str, password: str) -> Element:
        """SASL PLAIN; the server's answer to it."""
        message = b64encode(f"\0{name}\0{password}".encode()).decode()
        return self.send(f"<auth xmlns='{ns.SASL}' mechanism='PLAIN'>{message}</auth>").element()

    def scram(self, client: Scram) -> Element:
        """One of the SCRAM mechanisms; the server's answer to it, whose proof is checked."""
        first = b64encode(client.first()).decode()
        challenge = self.send(
            f"<auth xmlns='{ns.SASL}' mechanism='{client.mechanism}'>{first}</auth>"
        ).element()
        if challenge.tag != f"{{{ns.SASL}}}challenge":
            return challenge
        final = b64encode(client.respond(_octets(challenge))).decode()
        answer = self.send(f"<response xmlns='{ns.SASL}'>{final}</response>").element()
        if answer.tag == f"{{{ns.SASL}}}success":
            client.check(_octets(answer))
        return answer

    def log_in(self, name: str, password: str, resource: str) -> Peer:
        """Go all the way from the stream header to a bound resource."""
        self.open()
        answer = self.authenticate(name, password)
        assert answer.tag == f"{{{ns.SASL}}}success", condition(answer)
        self.open()
        return self.bind(resource)

    def ping(self) -> None:
        """See the server answer; it has then read all that was sent before, by whomever."""
        answer = self.ask("<ping xmlns='urn:xmpp:ping'/>", to=self.domain)
        assert answer.get("type") == "result", condition(answer)

    def bind(self, resource: str) -> Peer:
        """Bind a resource."""
        wanted = f"<bind xmlns='{ns.BIND}'><resource>{resource}</resource></bind>"
        jid = self.ask(wanted, "set").findtext(f".//{{{ns.BIND}}}jid")
        assert jid, "no resource was bound"
        self.jid = jid
        return self

    def end_point(self) -> bytes:
        """The tls-server-end-point of the connection (RFC 5929 §4.1), of a SHA-256 signature."""
        assert isinstance(self.transport, ssl.SSLSocket)
        return hashlib.sha256(self.transport.getpeercert(binary_form=True) or b"").digest()


class ExportingTLS:
    """TLS over a socket by pyOpenSSL, for the tls-exporter that `ssl` of Python 3.11 lacks."""

    def __init__(self, sock: socket.socket, server_name: str) -> None:
        self._socket = sock
        self._tls = exporting_client(server_name=server_name)
        while not self._shaken():
            self._tls.bio_write(self._socket.recv(65536))

    def _shaken(self) -> bool:
        try:
            self._tls.do_handshake()
        except SSL.WantReadError:
            return False
        finally:
            self._flush()
        return True

    def _flush(self) -> None:
        try:
            self._socket.sendall(self._tls.bio_read(65536))
        except SSL.WantReadError:
            pass

    @property
    def exported(self) -> bytes:
        """The tls-exporter channel binding (RFC 9266 §2)."""
        return self._tls.export_keying_material(b"EXPORTER-Channel-Binding", 32, b"")

    def sendall(self, data: bytes) -> None:
        self._tls.sendall(data)
        self._flush()

    def recv(self, size: int) -> bytes:
        while True:
            try:
                return self._tls.recv(size)
            except SSL.WantReadError:
                data = self._socket.recv(65536)
                if not data:
                    return b""
                self._tls.bio_write(data)
            except SSL.ZeroReturnError:
                return b""

    def close(self) -> None:
        """The socket belongs to the peer."""


def _octets(element: Element) -> bytes:
    return b64decode(element.text or "")
