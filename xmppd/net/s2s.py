"""Connections with other servers: who is let in, and how others are reached."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from typing import Any

from msgspec import structs
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IOpenSSLServerConnectionCreator
from twisted.internet.protocol import connectionDone
from twisted.python.failure import Failure

from xmppd import config
from xmppd.core.host import Host
from xmppd.core.s2s.connection import ServerConnection
from xmppd.core.s2s.incoming import IncomingConnection
from xmppd.core.s2s.outgoing import OutgoingConnection
from xmppd.core.s2s.places import Finder, Place
from xmppd.core.s2s.trail import Trail
from xmppd.errors import StanzaError
from xmppd.net.admitted import AdmittedCarrier, AdmittingFactory
from xmppd.net.clogging import CloggingCarrier
from xmppd.net.idle import IdleWatch
from xmppd.net.peers import Incoming, PeerFacts, tls_with
from xmppd.net.reading import Carried
from xmppd.net.tls import CertificateStore
from xmppd.net.turn import Turn
from xmppd.stream.peer import PeerTLS


def admitted(limits: config.Limits, s2s: config.S2S) -> config.Limits:
    """The limits of connections from other servers."""
    return structs.replace(limits, connections_per_address=s2s.connections_per_address)


class _ServerCarrier(CloggingCarrier):
    """What the connections of both kinds have in common."""

    _carried: ServerConnection | None

    def peer(self) -> PeerTLS:
        """What TLS says of the peer."""
        return PeerFacts(self._transport.getHandle())

    def most_unsent(self) -> int:
        """How many octets may wait for the peer; the connection sees to that before, too.

        A peer that is sent no stanzas here is owed no more than a client.
        """
        carried, limits = self._carried, self._host.config.limits
        stanzas = carried is not None and carried.carries
        return limits.write_buffer_bytes + (self._host.config.s2s.octets if stanzas else 0)

    def shape(self, domain: str) -> None:
        """Hold the peer, which has shown to be `domain`, to what that domain may send."""
        remotes = self._host.remotes
        with suppress(StanzaError):  # no room for another domain: what holds for strangers, holds
            self._bucket = remotes.remote(domain).bucket() if remotes.settings.read_rate else None

    @property
    def established(self) -> bool:
        """Whether anything may pass."""
        carried = self._carried
        return carried is not None and carried.by is not None

    def _lost(self, carried: Carried) -> None:
        if self.fault and isinstance(carried, ServerConnection):
            carried.handshake_failed(self.fault)
        super()._lost(carried)


class IncomingProtocol(_ServerCarrier, AdmittedCarrier):
    """A connection that another server has made. It is the `Wire` of its stream."""

    factory: ServerFactory

    def begin(self, address: str) -> None:
        """Carry the stream of a peer at a network address."""
        connection = IncomingConnection(
            self.factory.host.remotes, tls_available=not self.factory.direct
        )
        self.carry(connection)
        connection.begin(self, address)

    def authenticated(self, domain: str = "") -> None:
        """The peer has shown to be `domain`."""
        self.shape(domain)
        super().authenticated()


class ServerFactory(AdmittingFactory):
    """Makes the protocols of a listener for other servers."""

    def buildProtocol(self, addr: object) -> IncomingProtocol:  # type: ignore[override]
        """A protocol for a new connection."""
        return IncomingProtocol(self)

    def creator(self, domain: str) -> IOpenSSLServerConnectionCreator:
        """What makes our ends of TLS connections."""
        return Incoming(self.certificates, domain)


class OutgoingProtocol(_ServerCarrier):
    """A connection that we make to another server. It is the `Wire` of its stream."""

    def __init__(
        self,
        host: Host,
        turn: Turn,
        idle: IdleWatch,
        connection: OutgoingConnection,
        certificates: CertificateStore,
    ) -> None:
        super().__init__(host, turn)
        self._idle = idle
        self._connection = connection
        self._certificates = certificates

    def connectionMade(self) -> None:
        """Begin the stream."""
        if self._carried is not None:
            return  # TLS has come in between, and says so
        address = getattr(self.transport.getPeer(), "host", "")  # type: ignore[union-attr]
        self._idle.add(self)
        self.carry(self._connection)
        self._connection.begin(self, address)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """The connection is gone, whoever ended it."""
        self._idle.discard(self)
        super().connectionLost(reason)

    def start_tls(self, domain: str) -> None:
        """Begin TLS with a peer of that domain."""
        connection = self._connection
        local, direct = connection.stream.local, connection.place.direct
        self.secure(tls_with(self._certificates, local, domain, direct=direct))

    def authenticated(self, domain: str) -> None:
        """The peer has shown to be `domain`."""
        self.shape(domain)

    def keep_alive(self) -> None:
        """Have TCP find out whether the peer is still there (RFC 6120 §4.6.1)."""
        self.write(b" ")


class Federation:
    """Finds other servers and connects to them (`xmppd.core.s2s.wire.Network`)."""

    def __init__(
        self,
        host: Host,
        finder: Finder,
        certificates: CertificateStore,
        idle: IdleWatch,
        turn: Turn,
    ) -> None:
        self._host = host
        self._finder = finder
        self._certificates = certificates
        self._idle = idle
        self._turn = turn

    def find(self, domain: str, trail: Trail) -> Deferred[tuple[Place, ...]]:
        """The places of a domain."""
        return self._finder.find(domain, trail)

    def forget(self, domain: str) -> None:
        """Look anew for a domain the next time."""
        self._finder.forget(domain)

    def dial(self, place: Place, connection: OutgoingConnection, trail: Trail) -> Deferred[Any]:
        """Connect to a place and have `connection` carried."""
        build: Any = partial(
            OutgoingProtocol, self._host, self._turn, self._idle, connection, self._certificates
        )
        return self._finder.reach(place, build, trail)
