"""The Twisted protocol of client connections: it moves bytes, starts TLS, and knows when."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

from twisted.internet.interfaces import IHandshakeListener, IPushProducer
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.logger import Logger
from twisted.protocols.tls import TLSMemoryBIOFactory
from twisted.python.failure import Failure
from zope.interface import implementer

from xmppd.addresses import is_loopback
from xmppd.core.connection import ClientConnection
from xmppd.core.host import Host
from xmppd.errors import StreamError
from xmppd.net.certificates import channel_bindings, client_identities
from xmppd.net.idle import IdleWatch
from xmppd.net.layer import TLSLayer
from xmppd.net.limits import Admission, Admitted, Bucket
from xmppd.net.tls import CertificateStore
from xmppd.net.turn import Turn, straight
from xmppd.stream.policy import TLSFacts
from xmppd.wire.compression import Deflater, Inflater

log = Logger()

READ_BYTES = 16_384
"""The most that is read of one connection at a time: everybody else waits until what is in it
has been acted on, and 64 KiB (Twisted's choice) hold 13,000 stanzas that each want an answer."""

WARN_SECONDS = 60.0
"""How often at most the log says that there are no files left."""
LINGER = 5.0
"""Seconds that a closed connection may take to send what is left."""


@implementer(IHandshakeListener, IPushProducer)
class ClientProtocol(Protocol):
    """One client connection. It is the `Wire` of its `ClientConnection`."""

    # Twisted sets these to None or a default in its own base classes.
    factory: ClientFactory

    def __init__(self, factory: ClientFactory) -> None:
        self.factory = factory
        self._connection: ClientConnection | None = None
        self._admitted: Admitted | None = None
        self._bucket: Bucket | None = None
        self._inflater: Inflater | None = None
        self._deflater: Deflater | None = None
        self._paused: set[str] = set()
        self._out: list[bytes] = []
        self._owed = False
        self._clogged = False
        self._behind = 0
        self._throttle: Any = None
        self._backlog = b""
        self._going_on: Any = None
        self._abort: Any = None
        self._shaking_hands = False
        self.heard = True

    # ------------------------------------------------------------------ Twisted's side

    def connectionMade(self) -> None:
        """Admit the connection or turn it away."""
        if self._connection is not None:
            return  # TLS has come in between, and says so
        factory = self.factory
        transport: Any = self.transport
        address = getattr(transport.getPeer(), "host", "")
        reason = factory.admission.refusal(address)
        if reason is not None:
            factory.turned_away(reason, address)
            transport.abortConnection()
            return
        self._admitted = factory.admission.enter(address, self._make_room)
        _tune(transport, factory.host.config.limits.dead_seconds)
        limits = factory.host.config.limits
        if limits.read_rate:
            now = factory.host.clock.seconds()
            self._bucket = Bucket(limits.read_rate, limits.read_burst, now)
        self.transport = straight(transport)
        transport.registerProducer(self, True)
        policy = factory.host.policy(loopback=is_loopback(address), secure=factory.direct)
        self._connection = ClientConnection(
            factory.host, self, policy, address=address, tls_available=not factory.direct
        )
        factory.idle.add(self)
        if factory.direct:
            self.start_tls("")

    def dataReceived(self, data: bytes) -> None:
        """Bytes from the client, decrypted."""
        connection = self._connection
        if connection is None:
            return
        self.heard = True
        if self._owed:
            self._pause("answer")
        if self._inflater is not None:
            try:
                data = self._inflater.feed(data)
            except StreamError as error:
                connection.end(error)
                return
        if self._bucket is not None:
            self._shape(self._bucket, len(data))
        if self._inflater is not None:
            data = self._in_turns(data)
        self._receive(connection, data)

    def _receive(self, connection: ClientConnection, data: bytes) -> None:
        turn = self.factory.turn
        if turn.begin():
            try:
                connection.receive(data)
            finally:
                turn.end()
        else:
            connection.receive(data)

    def handshakeCompleted(self) -> None:
        """TLS is in place (`IHandshakeListener`)."""
        self._shaking_hands = False
        if self._connection is not None:
            self._connection.secured()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """The connection is gone, whoever ended it."""
        transport: Any = self.transport
        transport.unregisterProducer()  # or TLS would hold us, and we hold TLS
        self.factory.idle.discard(self)
        for timer in (self._abort, self._throttle, self._going_on):
            if timer is not None and timer.active():
                timer.cancel()
        connection, self._connection = self._connection, None
        if connection is not None:
            if self._shaking_hands:
                self._handshake_failed(connection.address, reason)
            connection.lost()
        if self._admitted is not None:
            self._admitted.left()

    def _handshake_failed(self, address: str, reason: Failure) -> None:
        host = self.factory.host
        host.refusals.note("tls.handshake", address=address)
        if host.debugging:
            why = reason.getErrorMessage()
            log.debug("TLS handshake with {address} failed: {why}", address=address, why=why)

    # ------------------------------------------------------------------ Wire

    def write(self, data: bytes) -> None:
        """Send bytes when the turn ends."""
        if not self._out:
            self.factory.turn.add(self)
        self._out.append(data)

    def flush(self) -> None:
        """Send what was written; a client that reads too slowly is cut off, not waited for."""
        out = self._out
        if not out:
            return
        data = out[0] if len(out) == 1 else b"".join(out)
        out.clear()
        if self._connection is None:
            return  # its stream is closed
        if self._deflater is not None:
            data = self._deflater.feed(data)
        if self._clogged:
            self._behind += len(data)
            if self._behind > self.factory.host.config.limits.write_buffer_bytes:
                self._cut_off("limit.slow-reader")
                return
        self.transport.write(data)  # type: ignore[union-attr]

    def start_tls(self, domain: str) -> None:
        """Begin TLS behind what was written."""
        self.flush()
        self._shaking_hands = True
        transport: Any = self.transport
        transport.unregisterProducer()
        tls: Any = TLSLayer(self.factory.tls(domain), self)
        transport.protocol = tls
        tls.makeConnection(transport)
        tls.registerProducer(self, True)

    def start_compression(self) -> None:
        """Compress from here on, both ways (XEP-0138)."""
        self.flush()
        compression = self.factory.host.config.compression
        self._inflater = Inflater(compression.inflated_bytes, compression.ratio)
        self._deflater = Deflater()

    def tls_facts(self) -> TLSFacts:
        """What TLS says of the connection."""
        handle = self.transport.getHandle()  # type: ignore[union-attr]
        names = tuple((i.kind.value, i.value) for i in client_identities(handle))
        return TLSFacts(channel_bindings(handle), names, handle.get_protocol_version_name())

    def authenticated(self) -> None:
        """The client has logged in."""
        if self._admitted is not None:
            self._admitted.authenticated()

    def pause(self) -> None:
        """Read nothing more than once while an answer is owed.

        Most answers come before the client sends anything, and to stop reading costs two
        system calls; so it is stopped by what comes meanwhile, which the stream keeps.
        """
        self._owed = True

    def resume(self) -> None:
        """Read on."""
        self._owed = False
        if "answer" in self._paused:
            self._resume("answer")

    def close(self) -> None:
        """Close when all is written and the client has closed too, or when it takes too long.

        Only our side is closed at first (RFC 6120 §4.4): to close a socket on what the client
        is still sending would reset the connection, and take our last words with it.
        """
        self.flush()
        self._connection = None
        transport: Any = self.transport
        if self._paused:
            transport.resumeProducing()  # TLS is closed by an answer
        transport.unregisterProducer()
        half = None if isinstance(transport, TLSLayer) else _half_closing(transport)
        (half or transport.loseConnection)()
        self._abort = self.factory.host.clock.callLater(LINGER, transport.abortConnection)

    # ------------------------------------------------------------------ flow

    def pauseProducing(self) -> None:
        """The client reads more slowly than we write; TCP says so again at each write."""
        if not self._clogged:
            self._clogged = True
            self._behind = 0

    def resumeProducing(self) -> None:
        """It has caught up."""
        self._clogged = False

    def stopProducing(self) -> None:
        """Nothing will be written any more."""

    def keep_alive(self) -> None:
        """Have TCP find out whether the client is still there (RFC 6120 §4.6.1)."""
        if self._connection is not None and self._connection.session is not None:
            self.write(b" ")

    def _make_room(self) -> None:
        """Strangers are too many, and this one has been one for the longest time."""
        self._cut_off("limit.unauthenticated")

    def _cut_off(self, reason: str) -> None:
        connection, self._connection = self._connection, None
        if connection is None:
            return
        who, address = connection.stream.jid or "", connection.address
        self.factory.host.refusals.note(reason, who, "", address)
        log.info("{who} from {address} is cut off: {why}", who=who, address=address, why=reason)
        connection.lost()
        self.transport.abortConnection()  # type: ignore[union-attr]

    def _shape(self, bucket: Bucket, size: int) -> None:
        clock = self.factory.host.clock
        wait = bucket.take(size, clock.seconds())
        if wait > 0:
            self._pause("rate")
            if self._throttle is not None and self._throttle.active():
                self._throttle.reset(wait)
            else:
                self._throttle = clock.callLater(wait, self._resume, "rate")

    def _in_turns(self, data: bytes) -> bytes:
        """As much of what was inflated as one turn is to take; the rest comes in the next ones.

        A thousand compressed bytes may hold more stanzas than a second can answer.
        """
        data = self._backlog + data
        data, self._backlog = data[:READ_BYTES], data[READ_BYTES:]
        if self._backlog and self._going_on is None:
            self._pause("backlog")
            self._going_on = self.factory.host.clock.callLater(0, self._go_on)
        return data

    def _go_on(self) -> None:
        self._going_on = None
        if self._connection is None:
            return
        data = self._in_turns(b"")
        if not self._backlog:
            self._resume("backlog")
        self._receive(self._connection, data)

    def _pause(self, why: str) -> None:
        if not self._paused:
            self.transport.pauseProducing()  # type: ignore[union-attr]
        self._paused.add(why)

    def _resume(self, why: str) -> None:
        self._paused.discard(why)
        if not self._paused and self._connection is not None:
            self.transport.resumeProducing()  # type: ignore[union-attr]


class ClientFactory(Factory):
    """Makes the protocols of one kind of listener; `direct` for TLS from the first byte."""

    noisy = False

    def __init__(
        self,
        host: Host,
        certificates: CertificateStore,
        admission: Admission,
        idle: IdleWatch,
        *,
        direct: bool = False,
    ) -> None:
        self.host = host
        self.certificates = certificates
        self.admission = admission
        self.idle = idle
        self.direct = direct
        self.turn = Turn(host.clock)
        self._warned = -WARN_SECONDS
        self._tls: dict[str, TLSMemoryBIOFactory] = {}

    def tls(self, domain: str) -> TLSMemoryBIOFactory:
        """What makes the TLS layer of a connection to `domain`."""
        factory = self._tls.get(domain)
        if factory is None:
            creator = self.certificates.creator(domain)
            # It wraps no factory: `start_tls` puts it under a protocol that is there already.
            factory = TLSMemoryBIOFactory(creator, False, None)  # type: ignore[arg-type]
            self._tls[domain] = factory
        return factory

    def turned_away(self, reason: str, address: str) -> None:
        """Note that a connection was refused; running out of files is the operator's to know."""
        self.host.refusals.note(reason, address=address)
        now = self.host.clock.seconds()
        if reason == "limit.files" and now - self._warned >= WARN_SECONDS:
            self._warned = now
            log.warn("out of files: connections are refused; raise LimitNOFILE or ulimit -n")

    def buildProtocol(self, addr: object) -> ClientProtocol:  # type: ignore[override]
        """A protocol for a new connection."""
        return ClientProtocol(self)


def _half_closing(transport: Any) -> Callable[[], None] | None:
    """What closes our side of `transport` only, where it can; TLS does so of itself."""
    found: Callable[[], None] | None = getattr(transport, "loseWriteConnection", None)
    return found


def _tune(transport: Any, dead_seconds: int) -> None:
    """TCP options: no delay for small stanzas, and an end to connections that answer nothing."""
    transport.bufferSize = READ_BYTES
    try:
        transport.setTcpNoDelay(True)
        transport.setTcpKeepAlive(True)
        sock = transport.getHandle()
        if hasattr(socket, "TCP_USER_TIMEOUT") and isinstance(sock, socket.socket):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, dead_seconds * 1000)
    except AttributeError:
        pass  # a UNIX socket, or a transport of a test, has no such options
