"""Connections of components (XEP-0114): who is let in, and on what terms."""

from __future__ import annotations

from xmppd.addresses import is_loopback
from xmppd.core.components.connection import ComponentConnection
from xmppd.core.host import Host
from xmppd.core.limits import Admission
from xmppd.core.quota import Quota
from xmppd.net.admitted import AdmittedCarrier, AdmittingFactory
from xmppd.net.clogging import CloggingCarrier
from xmppd.net.idle import IdleWatch
from xmppd.net.tls import CertificateStore
from xmppd.net.turn import Turn

ATTEMPTS = 30
"""Connections from one address that may come to nothing within `ATTEMPTS_SECONDS`: a secret is
not to be found by trying."""
ATTEMPTS_SECONDS = 60.0
LOCAL = 100
"""Of this machine's own addresses so many times as many: all its components have the same."""

SPARE = 1_048_576
"""Octets that may wait for a component beyond what its instance lets pile up: stream management,
and what had been written when it was noticed that it is behind."""


class ComponentProtocol(CloggingCarrier, AdmittedCarrier):
    """One component's connection. It is the `Wire` of its `ComponentConnection`."""

    # `Carrier` and `AdmittedCarrier` say less of these.
    factory: ComponentFactory
    _carried: ComponentConnection | None

    def begin(self, address: str) -> None:
        """Carry a component's stream."""
        self._address = address
        self.carry(ComponentConnection(self.factory.host, self, address=address), trusted=True)

    @property
    def established(self) -> bool:
        """Whether the component has been let in."""
        return self._carried is not None and self._carried.instance is not None

    def authenticated(self) -> None:
        """The component has proved that it knows its secret."""
        self.factory.succeeded(self._address)
        super().authenticated()

    def most_unsent(self) -> int:
        """How many octets may wait for the component; its instance sees to that, too."""
        carried = self._carried
        return SPARE + (carried.most_unsent if carried is not None else 0)


class ComponentFactory(AdmittingFactory):
    """Makes the protocols of a listener for components."""

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
        super().__init__(host, certificates, admission, idle, turn, direct=direct)
        self._attempts = Quota(host.clock.seconds)

    def refusal(self, address: str) -> str | None:
        """See `AdmittingFactory.refusal`; an attempt is counted, too."""
        reason = super().refusal(address)
        most = ATTEMPTS * LOCAL if is_loopback(address) else ATTEMPTS
        if reason is None and not self._attempts.take(address, most, ATTEMPTS_SECONDS):
            reason = "component.attempts"
        return reason

    def succeeded(self, address: str) -> None:
        """The last attempt from there has come to something."""
        self._attempts.give_back(address)

    def buildProtocol(self, addr: object) -> ComponentProtocol:  # type: ignore[override]
        """A protocol for a new connection."""
        return ComponentProtocol(self)
