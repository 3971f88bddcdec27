"""One client of the load generator: a raw socket, and the script it follows.

A *script* is a generator that sends through its client and yields the pattern it waits for (or
`HANDSHAKE`); a `load.Crowd` resumes it with the match.
"""

import re
import select
import socket
import ssl
from collections.abc import Callable, Generator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from benchmarks.load import Crowd

READ_SIZE = 65536
"""Bytes asked for in one read; more than a TLS record, so that a read never leaves plaintext
behind inside OpenSSL where epoll would not see it."""

Script = Generator[re.Pattern[bytes] | None, re.Match[bytes] | None, None]

DOMAIN = "localhost"
"""The servers' domain."""
HEADER = (
    f"<?xml version='1.0'?><stream:stream to='{DOMAIN}' xmlns='jabber:client' "
    "xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>"
).encode()
"""What opens a stream on TCP."""

HANDSHAKE = None
"""What a script yields to wait for its TLS handshake."""

END = re.compile(rb"</stream:stream\s*>")
"""The server's closing tag; a closed connection does as well."""

_BLOCKED = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


class LoadError(Exception):
    """A server did not do what the work needs: refused, closed, or too slow."""


class Client:
    """One connection: `user` is the account's name, `jid` the full JID once bound.

    `tail` keeps the end of a read in which a closing tag may have been cut; `peer` is whom
    the client chats with; `mechanism` is the SASL mechanism it used; `contacts` is its roster as
    the server sent it; `hear` is given what comes in when no script runs. A `connection` that is
    there already is used instead of one to `address`.
    """

    __slots__ = (
        "_crowd",
        "_outbox",
        "_socket",
        "contacts",
        "fd",
        "hear",
        "jid",
        "mechanism",
        "number",
        "peer",
        "tail",
        "user",
    )

    def __init__(
        self,
        crowd: "Crowd",
        number: int,
        user: str,
        address: tuple[str, int] | None = None,
        connection: socket.socket | None = None,
    ) -> None:
        self._crowd = crowd
        self._outbox = b""
        self._socket = connection or socket.create_connection(address or crowd.address, timeout=30)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.setblocking(False)
        self.fd = self._socket.fileno()
        self.number = number
        self.user = user
        self.jid = ""
        self.mechanism = ""
        self.peer: Client | None = None
        self.contacts = b""
        self.tail = b""
        self.hear: Callable[[bytes], None] | None = None

    @property
    def address(self) -> tuple[str, int]:
        """Where its crowd's server listens."""
        return self._crowd.address

    def open_stream(self) -> None:
        """Open a stream, or open it anew behind SASL."""
        self.send(HEADER)

    def send(self, data: bytes) -> None:
        """Send `data` now, or keep what the socket does not take until it does."""
        if self._outbox:
            self._outbox += data
            return
        try:
            sent = self._socket.send(data)
        except _BLOCKED:
            sent = 0
        if sent < len(data):
            self._outbox = data[sent:]
            self._crowd.epoll.modify(self.fd, select.EPOLLIN | select.EPOLLOUT)

    def flush(self) -> None:
        """Send what was kept back."""
        data, self._outbox = self._outbox, b""
        self._crowd.epoll.modify(self.fd, select.EPOLLIN)
        if data:
            self.send(data)

    def receive(self) -> bytes | None:
        """Return what one read gives, b"" for nothing yet, None when the server has closed."""
        try:
            return self._socket.recv(READ_SIZE) or None
        except _BLOCKED:
            return b""
        except (ConnectionError, ssl.SSLEOFError):
            return None

    def start_tls(self, context: ssl.SSLContext) -> None:
        """Turn the connection into a TLS client; the script then yields `HANDSHAKE`."""
        self._socket = context.wrap_socket(
            self._socket, do_handshake_on_connect=False, server_hostname="localhost"
        )

    def shake_hands(self) -> bool:
        """Go on with the TLS handshake; True when it is complete."""
        assert isinstance(self._socket, ssl.SSLSocket)
        try:
            self._socket.do_handshake()
        except _BLOCKED:
            return False
        return True

    @property
    def cipher(self) -> str:
        """The TLS version and cipher in use; empty without TLS."""
        if not isinstance(self._socket, ssl.SSLSocket):
            return ""
        used = self._socket.cipher()
        return f"{self._socket.version()} {used[0] if used else ''}"

    def close(self) -> None:
        """Close the connection without a word."""
        self._socket.close()
