"""Connections of components (XEP-0114): who is let in, and on what terms."""

from __future__ import annotations

from twisted.internet.protocol import Factory, connectionDone
from twisted.protocols.tls import TLSMemoryBIOFactory
from twisted.python.failure import Failure

from xmppd.core.components.connection import ComponentConnection
from xmppd.core.host import Host
from xmppd.core.limits import Admission, Admitted
from xmppd.core.quota import Quota
from xmppd.net.carrier import Carrier
from xmppd.net.idle import IdleWatch
from xmppd.net.tls import CertificateStore
from xmppd.net.turn import Turn

ATTEMPTS = 30
"""Connections from one address that may come to nothing within `ATTEMPTS_SECONDS`: a secret is
not to be found by trying."""
ATTEMPTS_SECONDS = 60.0

SPARE = 1_048_576
"""Octets that may wait for a component beyond what its instance lets pile up: stream management,
and what had been written when it was noticed that it is behind."""


class ComponentProtocol(Carrier):
    """One component's connection. It is the `Wire` of its `ComponentConnection`."""

    # Twisted and `Carrier` say less of these.
    factory: ComponentFactory
    _carried: ComponentConnection | None

    def __init__(self, factory: ComponentFactory) -> None:
        super().__init__(factory.host, factory.turn)
        self.factory = factory
        self._admitted: Admitted | None = None
        self._address = ""

    def connectionMade(self) -> None:
        """Admit the connection or turn it away."""
        if self._carried is not None:
            return  # TLS has come in between, and says so
        factory = self.factory
        self._address = getattr(self.transport.getPeer(), "host", "")  # type: ignore[union-attr]
        reason = factory.admission.refusal(self._address)
        if reason is None and not factory.may_try(self._address):
            reason = "component.attempts"
        if reason is not None:
            factory.host.refusals.note(reason, address=self._address)
            self._transport.abortConnection()
            return
        self._admitted = factory.admission.enter(self._address, self._make_room)
        self.carry(ComponentConnection(factory.host, self, address=self._address), trusted=True)
        factory.idle.add(self)
        if factory.tls is not None:
            self.secure(factory.tls)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """The connection is gone, whoever ended it."""
        self.factory.idle.discard(self)
        super().connectionLost(reason)
        if self._admitted is not None:
            self._admitted.left()

    def authenticated(self) -> None:
        """The component has proved that it knows its secret."""
        self.factory.succeeded(self._address)
        if self._admitted is not None:
            self._admitted.authenticated()

    def most_unsent(self) -> int:
        """How many octets may wait for the component; its instance sees to that, too."""
        carried = self._carried
        return SPARE + (carried.most_unsent if carried is not None else 0)

    def pauseProducing(self) -> None:
        """The component reads more slowly than we write."""
        super().pauseProducing()
        if self._carried is not None:
            self._carried.clogged()

    def resumeProducing(self) -> None:
        """It has caught up."""
        super().resumeProducing()
        if self._carried is not None and not self._clogged:
            self._carried.unclogged()

    def keep_alive(self) -> None:
        """Have TCP find out whether the component is still there (RFC 6120 §4.6.1)."""
        if self._carried is not None and self._carried.instance is not None:
            self.write(b" ")

    def _make_room(self) -> None:
        """Strangers are too many, and this one has been one for the longest time."""
        self.cut_off("limit.unauthenticated")


class ComponentFactory(Factory):
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
        self.admission = admission
        self.idle = idle
        self.turn = turn
        self.tls: TLSMemoryBIOFactory | None = None
        if direct:
            creator = certificates.creator("")
            # It wraps no factory: `secure` puts it under a protocol that is there already.
            self.tls = TLSMemoryBIOFactory(creator, False, None)  # type: ignore[arg-type]
        self._attempts = Quota(host.clock.seconds)

    def may_try(self, address: str) -> bool:
        """Count a connection of an address; False where too many have come to nothing."""
        return self._attempts.take(address, ATTEMPTS, ATTEMPTS_SECONDS)

    def succeeded(self, address: str) -> None:
        """The last of them has come to something."""
        self._attempts.give_back(address)

    def buildProtocol(self, addr: object) -> ComponentProtocol:  # type: ignore[override]
        """A protocol for a new connection."""
        return ComponentProtocol(self)
