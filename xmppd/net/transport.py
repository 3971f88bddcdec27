"""TCP connections as everything above writes to them: straight to the socket."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any, Protocol

from twisted.internet.interfaces import IPushProducer
from twisted.internet.tcp import Connection

from xmppd.process.sending import send_now

READ_BYTES = 16_384
"""The most that is read of one connection at a time: everybody else waits until what is in it
has been acted on, and 64 KiB (Twisted's choice) hold 13,000 stanzas that each want an answer."""


class Transport(Protocol):
    """What a `Carrier` needs of its connection, TLS or not."""

    @property
    def unsent(self) -> int:
        """Octets that wait in memory for the peer."""

    @property
    def taken(self) -> int:
        """Octets that had to wait and were taken since, counted from the start."""

    def write(self, data: bytes) -> None:
        """Send `data` behind whatever has not been sent yet."""

    def pauseProducing(self) -> None:
        """Read nothing for now."""

    def resumeProducing(self) -> None:
        """Read on."""

    def registerProducer(self, producer: IPushProducer, streaming: bool) -> None:
        """Tell `producer` when the peer does not keep up."""

    def unregisterProducer(self) -> None:
        """Tell it no longer."""

    def loseConnection(self) -> None:
        """Close once what was written is out."""

    def abortConnection(self) -> None:
        """Close now; what was not sent is lost."""

    def getHandle(self) -> Any:
        """The TLS connection, or the socket."""


class DirectTransport:
    """A TCP transport that sends at once what the kernel takes; the rest as Twisted does.

    Stands between a protocol and its TCP connection, or between TLS and its TCP connection.
    """

    __slots__ = ("_queued", "_tcp")

    def __init__(self, tcp: Connection) -> None:
        self._tcp = tcp
        self._queued = 0

    def write(self, data: bytes) -> None:
        """Send `data` behind whatever has not been sent yet."""
        tcp = self._tcp
        sent = send_now(tcp, data)
        if sent != len(data):
            self._queued += len(data) - sent
            tcp.write(data[sent:])

    def writeSequence(self, chunks: list[bytes]) -> None:
        """Send several pieces as one."""
        self.write(b"".join(chunks))

    @property
    def unsent(self) -> int:
        """Octets that wait in memory for the peer."""
        tcp = self._tcp
        return len(tcp.dataBuffer) - tcp.offset + tcp._tempDataLen

    @property
    def taken(self) -> int:
        """Octets that had to wait and were taken since, counted from the start."""
        return self._queued - self.unsent

    @property
    def protocol(self) -> Any:
        """Who receives what comes in."""
        return self._tcp.protocol

    @protocol.setter
    def protocol(self, protocol: Any) -> None:
        self._tcp.protocol = protocol

    def __getattr__(self, name: str) -> Any:
        # Not what the TCP connection is made of: zope would read its interfaces off it, and
        # TLS would then declare each of them anew for every connection.
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(self._tcp, name)


class IndirectTransport(DirectTransport):
    """A transport with something before its TCP connection: an endpoint's own TLS, a proxy's line.

    It is written to in its own way, and shows the buffers of the connection as its own, or none.
    """

    __slots__ = ()

    def write(self, data: bytes) -> None:
        """Send `data` behind whatever has not been sent yet."""
        self._queued += len(data)
        self._tcp.write(data)

    @property
    def unsent(self) -> int:
        """Octets that wait in memory for the peer, as far as can be told."""
        try:
            return super().unsent
        except AttributeError:
            return 0


def straight(transport: Any) -> Any:
    """`transport` as a `Transport`, which sends at once where it is a TCP connection."""
    if isinstance(transport, Connection):
        return DirectTransport(transport)
    return transport if hasattr(transport, "taken") else IndirectTransport(transport)


def tune(transport: Any, dead_seconds: int, read_bytes: int = READ_BYTES) -> None:
    """Set TCP options: no delay for small stanzas, and an end to a peer that answers nothing.

    At most `read_bytes` are read at a time.
    Nothing that was sent stays without an acknowledgement for more than `dead_seconds`
    (TCP_USER_TIMEOUT, RFC 5482).
    """
    if isinstance(transport, DirectTransport):
        transport = transport._tcp
    transport.bufferSize = read_bytes
    try:
        sock = transport.getHandle()
        if getattr(sock, "family", None) is socket.AF_UNIX:
            return
        transport.setTcpNoDelay(True)
        transport.setTcpKeepAlive(True)
        if hasattr(socket, "TCP_USER_TIMEOUT") and isinstance(sock, socket.socket):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, dead_seconds * 1000)
    except AttributeError:
        pass  # a transport of a test has no such options


def half_closing(transport: Any) -> Callable[[], None] | None:
    """What closes our side of `transport` only, where it can; TLS does so of itself."""
    found: Callable[[], None] | None = getattr(transport, "loseWriteConnection", None)
    return found
