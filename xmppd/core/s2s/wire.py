"""What carries a stream with another server, as the core needs to know it."""

from __future__ import annotations

from typing import Any, Protocol

from twisted.internet.defer import Deferred

from xmppd.core.s2s.places import Place
from xmppd.core.s2s.trail import Trail
from xmppd.stream.peer import PeerTLS


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


class Linked(Protocol):
    """The end of a stream that a wire carries, as `xmppd.net` drives it."""

    @property
    def address(self) -> str:
        """The peer's network address."""

    @property
    def who(self) -> str:
        """Whose stream it is, as far as that is known: for the log."""

    def begin(self, wire: Wire, address: str) -> None:
        """The connection stands."""

    def handshake_failed(self, why: str) -> None:
        """TLS could not begin; `lost` comes next."""


class Network(Protocol):
    """Finds other servers and connects to them."""

    def find(self, domain: str, trail: Trail) -> Deferred[tuple[Place, ...]]:
        """See `places.Finder`."""

    def dial(
        self, place: Place, local: str, remote: str, linked: Any, trail: Trail
    ) -> Deferred[Any]:
        """Connect to a place and have `linked` carried, which speaks for `local` to `remote`.

        Fires when the connection stands. Fails with StanzaError where it can't be made.
        """
