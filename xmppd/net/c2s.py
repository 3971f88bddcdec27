"""Client connections: who is let in, and on what terms."""

from __future__ import annotations

from twisted.internet.protocol import Factory, connectionDone
from twisted.logger import Logger
from twisted.protocols.tls import TLSMemoryBIOFactory
from twisted.python.failure import Failure

from xmppd.addresses import is_loopback
from xmppd.core.connection import ClientConnection
from xmppd.core.host import Host
from xmppd.core.limits import Admission, Admitted
from xmppd.net.carrier import Carrier
from xmppd.net.certificates import channel_bindings, client_identities
from xmppd.net.idle import IdleWatch
from xmppd.net.tls import CertificateStore
from xmppd.net.turn import Turn
from xmppd.stream.policy import TLSFacts

log = Logger()

WARN_SECONDS = 60.0
"""How often at most the log says that there are no files left."""


class ClientProtocol(Carrier):
    """One client connection. It is the `Wire` of its `ClientConnection`."""

    # Twisted and `Carrier` say less of these.
    factory: ClientFactory
    _carried: ClientConnection | None

    def __init__(self, factory: ClientFactory) -> None:
        super().__init__(factory.host, factory.turn)
        self.factory = factory
        self._admitted: Admitted | None = None

    def connectionMade(self) -> None:
        """Admit the connection or turn it away."""
        if self._carried is not None:
            return  # TLS has come in between, and says so
        factory = self.factory
        address = getattr(self.transport.getPeer(), "host", "")  # type: ignore[union-attr]
        reason = factory.admission.refusal(address)
        if reason is not None:
            factory.turned_away(reason, address)
            self._transport.abortConnection()
            return
        self._admitted = factory.admission.enter(address, self._make_room)
        policy = factory.host.policy(loopback=is_loopback(address))
        self.carry(
            ClientConnection(
                factory.host, self, policy, address=address, tls_available=not factory.direct
            )
        )
        factory.idle.add(self)
        if factory.direct:
            self.start_tls("")

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """The connection is gone, whoever ended it."""
        self.factory.idle.discard(self)
        super().connectionLost(reason)
        if self._admitted is not None:
            self._admitted.left()

    def start_tls(self, domain: str) -> None:
        """Begin TLS behind what was written."""
        self.secure(self.factory.tls(domain))

    def tls_facts(self) -> TLSFacts:
        """What TLS says of the connection."""
        handle = self._transport.getHandle()
        names = tuple((i.kind.value, i.value) for i in client_identities(handle))
        return TLSFacts(channel_bindings(handle), names, handle.get_protocol_version_name())

    def authenticated(self) -> None:
        """The client has logged in."""
        if self._admitted is not None:
            self._admitted.authenticated()

    def keep_alive(self) -> None:
        """Have TCP find out whether the client is still there (RFC 6120 §4.6.1)."""
        if self._carried is not None and self._carried.session is not None:
            self.write(b" ")

    def _make_room(self) -> None:
        """Strangers are too many, and this one has been one for the longest time."""
        self.cut_off("limit.unauthenticated")


class ClientFactory(Factory):
    """Makes the protocols of one kind of listener; `direct` for TLS from the first byte."""

    noisy = False

    def __init__(
        self,
        host: Host,
        certificates: CertificateStore,
        admission: Admission,
        idle: IdleWatch,
        turn: Turn,
        *,
        direct: bool = False,
    ) -> None:
        self.host = host
        self.certificates = certificates
        self.admission = admission
        self.idle = idle
        self.direct = direct
        self.turn = turn
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
