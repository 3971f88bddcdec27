"""What carries a stream with another server, as the core needs to know it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from twisted.internet.defer import Deferred

from xmppd.core.s2s.places import Place
from xmppd.core.s2s.trail import Trail
from xmppd.stream.peer import PeerTLS

if TYPE_CHECKING:
    from xmppd.core.s2s.outgoing import OutgoingConnection


class Wire(Protocol):
    """A connection to or from another server."""

    def write(self, data: bytes) -> None:
        """Send bytes; never blocks, never raises."""

    def unsent(self) -> int:
        """How many of the octets written the peer has not taken."""

    def start_tls(self, domain: str) -> None:
        """Begin TLS behind what was written: with the certificate of `domain` where the peer has
        connected, with a peer of that domain where we have."""

    def peer(self) -> PeerTLS:
        """What TLS says of the peer, once it is in place."""

    def authenticated(self, domain: str) -> None:
        """The peer has shown to be `domain`: limits for strangers no longer apply."""

    def close(self) -> None:
        """Close, once what was written is out."""


class Network(Protocol):
    """Finds other servers and connects to them."""

    def find(self, domain: str, trail: Trail) -> Deferred[tuple[Place, ...]]:
        """See `places.Finder`."""

    def forget(self, domain: str) -> None:
        """See `places.Finder`."""

    def dial(self, place: Place, connection: OutgoingConnection, trail: Trail) -> Deferred[Any]:
        """Connect to a place and have `connection` carried.

        Fires when the connection stands. Fails with StanzaError where it can't be made.
        """
