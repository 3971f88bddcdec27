"""A connection that another server has made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xmppd.core.s2s.connection import ServerConnection
from xmppd.stream.server_incoming import IncomingStream

if TYPE_CHECKING:
    from xmppd.core.s2s.remotes import Remotes


class IncomingConnection(ServerConnection):
    """Drives an `IncomingStream`."""

    incoming = True
    stream: IncomingStream

    def __init__(self, remotes: Remotes, *, tls_available: bool) -> None:
        super().__init__(remotes, IncomingStream(remotes.policy, tls_available=tls_available))

    def secured(self) -> None:
        """The TLS handshake is done."""
        assert self.wire is not None
        self.stream.secured(self.wire.peer())
