"""Where another domain may be reached, and who finds that out and connects to it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol, TypeAlias

from twisted.internet.defer import Deferred

from xmppd.core.s2s.trail import Trail


class Place(NamedTuple):
    """A host name in its ASCII form, or an IP address, and a port.

    `direct` says that TLS begins with the first octet (XEP-0368); else STARTTLS is expected.
    """

    host: str
    port: int
    direct: bool = False

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}{' with direct TLS' if self.direct else ''}"


Build: TypeAlias = Callable[[], Any]
"""Makes the protocol of a connection (a Twisted `Protocol`)."""


class Finder(Protocol):
    """Knows where domains are reached, and gets there."""

    def find(self, domain: str, trail: Trail) -> Deferred[tuple[Place, ...]]:
        """The places of a domain, in the order in which they are to be tried; at least one.

        Fails with StanzaError: what its stanzas are answered with (RFC 6120 §10.4).
        """

    def forget(self, domain: str) -> None:
        """Look anew for a domain the next time, whatever is remembered of it."""

    def reach(self, place: Place, build: Build, trail: Trail) -> Deferred[Any]:
        """Connect to a place by TCP: the protocol, connected.

        Fails with StanzaError where none of its addresses can be reached in time.
        """
