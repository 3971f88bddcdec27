"""Client connections: who is let in, and on what terms."""

from __future__ import annotations

from xmppd.addresses import is_loopback
from xmppd.core.connection import ClientConnection
from xmppd.net.admitted import AdmittedCarrier, AdmittingFactory
from xmppd.net.certificates import channel_bindings, client_identities
from xmppd.stream.policy import TLSFacts


class ClientProtocol(AdmittedCarrier):
    """One client connection. It is the `Wire` of its `ClientConnection`."""

    _carried: ClientConnection | None  # `Carrier` says less of it

    def begin(self, address: str) -> None:
        """Carry a client's stream."""
        factory = self.factory
        policy = factory.host.policy(loopback=is_loopback(address))
        self.carry(
            ClientConnection(
                factory.host, self, policy, address=address, tls_available=not factory.direct
            )
        )

    @property
    def established(self) -> bool:
        """Whether the client has a session."""
        return self._carried is not None and self._carried.session is not None

    def tls_facts(self) -> TLSFacts:
        """What TLS says of the connection."""
        handle = self._transport.getHandle()
        names = tuple((i.kind.value, i.value) for i in client_identities(handle))
        return TLSFacts(channel_bindings(handle), names, handle.get_protocol_version_name())


class ClientFactory(AdmittingFactory):
    """Makes the protocols of a listener for clients."""

    def buildProtocol(self, addr: object) -> ClientProtocol:  # type: ignore[override]
        """A protocol for a new connection."""
        return ClientProtocol(self)
