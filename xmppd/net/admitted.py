"""Connections that listeners admit or turn away, whoever is at their other end."""

from __future__ import annotations

from twisted.internet.interfaces import IOpenSSLServerConnectionCreator
from twisted.internet.protocol import Factory, connectionDone
from twisted.logger import Logger
from twisted.protocols.tls import TLSMemoryBIOFactory
from twisted.python.failure import Failure

from xmppd.core.host import Host
from xmppd.core.limits import Admission, Admitted
from xmppd.net.carrier import Carrier
from xmppd.net.idle import IdleWatch
from xmppd.net.tls import CertificateStore
from xmppd.net.turn import Turn

log = Logger()

WARN_SECONDS = 60.0
"""How often at most the log says that there are no files left."""


class AdmittedCarrier(Carrier):
    """A connection that takes a place among those of its address, and is watched while idle.

    Who inherits it says what it carries (`begin`), and when there is somebody to keep awake.
    """

    factory: AdmittingFactory

    def __init__(self, factory: AdmittingFactory) -> None:
        super().__init__(factory.host, factory.turn)
        self.factory = factory
        self._admitted: Admitted | None = None

    def begin(self, address: str) -> None:
        """Carry a stream of a peer at a network address."""
        raise NotImplementedError

    @property
    def established(self) -> bool:
        """Whether somebody is there who is worth to be kept awake."""
        raise NotImplementedError

    def connectionMade(self) -> None:
        """Admit the connection or turn it away."""
        if self._carried is not None:
            return  # TLS has come in between, and says so
        factory = self.factory
        address = getattr(self.transport.getPeer(), "host", "")  # type: ignore[union-attr]
        reason = factory.refusal(address)
        if reason is not None:
            factory.turned_away(reason, address)
            self._transport.abortConnection()
            return
        self._admitted = factory.admission.enter(address, self._make_room)
        self.begin(address)
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

    def authenticated(self) -> None:
        """The peer is no stranger any more."""
        if self._admitted is not None:
            self._admitted.authenticated()

    def keep_alive(self) -> None:
        """Have TCP find out whether the peer is still there (RFC 6120 §4.6.1)."""
        if self.established:
            self.write(b" ")

    def _make_room(self) -> None:
        """Strangers are too many, and this one has been one for the longest time."""
        self.cut_off("limit.unauthenticated")


class AdmittingFactory(Factory):
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
            creator = self.creator(domain)
            # It wraps no factory: `start_tls` puts it under a protocol that is there already.
            factory = TLSMemoryBIOFactory(creator, False, None)  # type: ignore[arg-type]
            self._tls[domain] = factory
        return factory

    def creator(self, domain: str) -> IOpenSSLServerConnectionCreator:
        """What makes our ends of TLS connections to `domain`: what they are for."""
        return self.certificates.creator(domain)

    def refusal(self, address: str) -> str | None:
        """The reason code for refusing a new connection from `address`; None to admit it."""
        return self.admission.refusal(address)

    def turned_away(self, reason: str, address: str) -> None:
        """Note that a connection was refused; running out of files is the operator's to know."""
        self.host.refusals.note(reason, address=address)
        now = self.host.clock.seconds()
        if reason == "limit.files" and now - self._warned >= WARN_SECONDS:
            self._warned = now
            log.warn("out of files: connections are refused; raise LimitNOFILE or ulimit -n")
