"""A TCP connection without a socket: Twisted's own buffers and TLS, with the network in the test.

The logic under test is the real one (`FileDescriptor`'s write buffer and producers, `startTLS`);
only `send` and `recv` are lists of bytes, and how much the peer takes is a number.
"""

from __future__ import annotations

from typing import Any
from xml.etree.ElementTree import Element

from OpenSSL import SSL
from twisted.internet import address
from twisted.internet.abstract import FileDescriptor
from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import IProtocol
from twisted.internet.tcp import Connection
from twisted.python.failure import Failure

from tests.support import memory_tls
from tests.support.ends import parsed
from tests.support.server import DOMAIN, STRANGER, Client, Verona, condition
from xmppd import ns
from xmppd.core.limits import Admission
from xmppd.net.c2s import ClientFactory
from xmppd.net.idle import IdleWatch
from xmppd.net.tls import CertificateStore

UNLIMITED = 1 << 60

PING = f"<iq type='get' id='p'><ping xmlns='{ns.PING}'/></iq>"
STARTTLS = f"<starttls xmlns='{ns.TLS}'/>"


class Socket(Connection):
    """The server's end of a connection from `host`; `room` is what the peer will still take."""

    def __init__(self, clock: Any, host: str) -> None:
        FileDescriptor.__init__(self, clock)  # nothing of `Connection` that needs a socket
        self.host = host
        self.room = UNLIMITED
        self.sent = b""
        self.unread: list[bytes] = []
        self.reading = self.writing = False
        self.options: list[str] = []
        self.half_closed = False
        self.polite = True
        """Whether the peer closes when it sees that we have."""
        self.protocol: Any = None

    def connect(self, protocol: IProtocol) -> None:
        self.protocol = protocol
        self.connected = 1
        self.startReading()
        protocol.makeConnection(self)

    # ------------------------------------------------------------------ what the network does

    def arrive(self, data: bytes) -> None:
        """Bytes from the peer; they wait while the server does not read."""
        self.unread += [data] if data else []
        while self.unread and self.reading and self.connected:
            self.protocol.dataReceived(self.unread.pop(0))
        self.flush()

    def flush(self) -> None:
        """Send what waits, as far as the peer takes it."""
        while self.writing and self.room and self.connected:
            outcome = self.doWrite()
            if isinstance(outcome, Exception):
                self.connectionLost(Failure(outcome))

    def hang_up(self) -> None:
        if self.connected:
            self.connectionLost(Failure(ConnectionDone()))

    @property
    def buffered(self) -> int:
        """Bytes that the server holds for the peer."""
        return len(self.dataBuffer) - self.offset + self._tempDataLen

    # ------------------------------------------------------------------ what Twisted asks for

    @property
    def socket(self) -> Socket:  # type: ignore[override]
        return self

    def send(self, data: bytes) -> int:
        if not self.room:
            raise BlockingIOError
        return self.writeSomeData(data)

    def writeSomeData(self, data: bytes) -> int:
        size = min(len(data), self.room)
        self.room -= size
        self.sent += bytes(data[:size])
        return size

    def _closeWriteConnection(self) -> Exception | None:
        self.half_closed = True
        return ConnectionDone() if self.polite else None

    def connectionLost(self, reason: Failure) -> None:
        if not hasattr(self, "protocol"):
            return
        FileDescriptor.connectionLost(self, reason)
        protocol = self.protocol
        del self.protocol
        protocol.connectionLost(reason)

    def startReading(self) -> None:
        self.reading = True

    def stopReading(self) -> None:
        self.reading = False

    def startWriting(self) -> None:
        self.writing = True

    def stopWriting(self) -> None:
        self.writing = False

    def getPeer(self) -> Any:
        return address.IPv4Address("TCP", self.host, 49152)

    def getHandle(self) -> Any:
        return None

    def setTcpNoDelay(self, on: bool) -> None:
        self.options.append(f"no delay {on}")

    def setTcpKeepAlive(self, on: bool) -> None:
        self.options.append(f"keep alive {on}")


class Peer:
    """A raw client at the other end of a `Socket`; it speaks TLS once `start_tls` was called."""

    def __init__(self, factory: Any, clock: Any, host: str = "127.0.0.1") -> None:
        self.clock = clock
        self.socket = Socket(clock, host)
        self.tls: SSL.Connection | None = None
        self.log = b""
        self._taken = 0
        self._seen = 0
        self.protocol = factory.buildProtocol(None)
        self.socket.connect(self.protocol)

    def start_tls(self, name: str = DOMAIN, **options: Any) -> Peer:
        """Shake hands as a TLS client."""
        self.pump()
        self.log, self._taken = b"", 0
        self.tls = memory_tls.client(server_name=name, **options)
        while not memory_tls.advance(self.tls):
            before = len(self.socket.sent)
            self._out()
            self._in()
            assert before < len(self.socket.sent), "the handshake stands still"
        self.pump()
        return self

    def send(self, data: str | bytes) -> Peer:
        data = data.encode() if isinstance(data, str) else data
        if self.tls is None:
            self.socket.arrive(data)
        else:
            while data:
                data = data[self.tls.send(data[:16_384]) :]
            self._out()
        self.pump()
        return self

    def pump(self) -> None:
        """Let both sides have what is on its way; the server's turn ends."""
        self.clock.advance(0)
        self.socket.flush()
        self._in()
        self._out()

    def _out(self) -> None:
        while self.tls is not None:
            try:
                data = self.tls.bio_read(65_536)
            except SSL.WantReadError:
                return
            self.socket.arrive(data)

    def _in(self) -> None:
        data, self._seen = self.socket.sent[self._seen :], len(self.socket.sent)
        if self.tls is None:
            self.log += data
            return
        if data:
            self.tls.bio_write(data)
        try:
            while True:
                self.log += self.tls.recv(65_536)
        except (SSL.WantReadError, SSL.ZeroReturnError):
            pass

    def take(self) -> bytes:
        """What came since the last call, in the clear."""
        self.pump()
        data, self._taken = self.log[self._taken :], len(self.log)
        return data

    # What a `Client` in memory can say and read, said and read over this connection.
    open = Client.open
    authenticate = Client.authenticate

    def elements(self) -> list[Element]:
        return parsed(self.take(), ns.CLIENT)

    def log_in(self, name: str, resource: str = "") -> Peer:
        """To a bound resource, from the stream header if none was sent yet."""
        if not self.log:
            self.open()  # type: ignore[misc]
        self.authenticate(name)  # type: ignore[misc]
        assert b"<success" in self.log, self.log
        self.open()  # type: ignore[misc]
        self.send(
            f"<iq type='set' id='bind'><bind xmlns='{ns.BIND}'>"
            f"<resource>{resource or 'balcony'}</resource></bind></iq>"
        )
        assert b"<jid>" in self.log, self.log
        self.take()
        return self

    @property
    def gone(self) -> bool:
        """Whether the server has closed or aborted the connection."""
        self.pump()
        return not self.socket.connected


class Port:
    """A server and its listener."""

    def __init__(self, certificates: CertificateStore, **tables: dict[str, Any]) -> None:
        self.server = Verona(**tables)
        self.clock = self.server.clock
        self.host = self.server.host
        self.admission = Admission(self.server.config.limits)
        self.idle = IdleWatch()
        self.turn = self.server.turn
        parts = (self.host, certificates, self.admission, self.idle, self.turn)
        self.plain = ClientFactory(*parts)
        self.direct = ClientFactory(*parts, direct=True)

    def connect(self, address: str = "127.0.0.1", *, direct: bool = False) -> Peer:
        return Peer(self.direct if direct else self.plain, self.clock, address)

    def log_in(self, name: str, resource: str = "balcony") -> Peer:
        return self.connect().log_in(name, resource)

    def secured(self, address: str = STRANGER, **options: Any) -> Peer:
        """A client that has done STARTTLS."""
        peer = self.connect(address).open().send(STARTTLS)
        assert peer.take().endswith(f"<proceed xmlns='{ns.TLS}'/>".encode())
        return peer.start_tls(**options)

    @property
    def empty(self) -> bool:
        """Whether nothing is left of any connection."""
        self.clock.advance(0)
        admission = self.admission
        counts = (admission._connections, admission._strangers, admission._pool)
        return (
            not self.host.connections
            and not len(self.host.directory)
            and counts == ({}, {}, {})
            and self.idle._slot_of == {}
            and self.clock.getDelayedCalls() == []
        )


def stream_error(peer: Peer) -> str:
    found = [condition(e) for e in peer.elements() if e.tag == f"{{{ns.STREAM}}}error"]
    assert len(found) == 1, found
    assert peer.log.endswith(b"</stream:stream>")
    return found[0]


def chat(to: str, size: int) -> str:
    return f"<message to='{to}' type='chat'><body>{'x' * size}</body></message>"
