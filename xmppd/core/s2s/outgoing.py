"""A connection that we have made to another server."""

from __future__ import annotations

from typing import TYPE_CHECKING

from twisted.internet.defer import Deferred

from xmppd.core.s2s import conditions
from xmppd.core.s2s.connection import ServerConnection
from xmppd.core.s2s.places import Place
from xmppd.core.s2s.trail import Trail
from xmppd.core.s2s.wire import Wire
from xmppd.errors import StanzaError, StreamError
from xmppd.stream.server_outgoing import OutgoingStream

if TYPE_CHECKING:
    from xmppd.core.s2s.pair import Pair

SHARE = 3
"""One place may take that part of the time that there is for all of them."""


class OutgoingConnection(ServerConnection):
    """Drives an `OutgoingStream`, which was opened for a pair.

    `negotiated` fires when its stream stands (see `OutgoingStream`), and fails with StanzaError
    where it comes to nothing.
    """

    incoming = False
    stream: OutgoingStream

    def __init__(self, pair: Pair, place: Place, trail: Trail, *, external: bool) -> None:
        remotes = pair.remote.remotes
        stream = OutgoingStream(remotes.policy, pair.local, pair.remote.domain, external=external)
        super().__init__(remotes, stream)
        self.pair = pair
        self.place = place
        self.trail = trail
        self.negotiated: Deferred[None] = Deferred(self._give_up)
        self._given_up = False
        self._why = ""

    @property
    def patience(self) -> float:
        """Seconds until its stream has to stand: there may be other places to try."""
        return min(super().patience, self._remotes.settings.attempt_seconds / SHARE)

    def begin(self, wire: Wire, address: str) -> None:
        """The connection stands."""
        super().begin(wire, address)
        self._remotes.by_place[self.place] = self
        if self.place.direct:
            wire.start_tls(self.stream.remote)
        else:
            self._act(self.stream.open())

    def _give_up(self, _: Deferred[None]) -> None:
        self._given_up = True
        self.close()

    def secured(self) -> None:
        """The TLS handshake is done."""
        assert self.wire is not None
        peer = self.wire.peer()
        self.trail.note("tls", f"{peer.version}, {peer.cipher}")
        proves = peer.proves(self.stream.remote)
        said = "trusted" if proves else peer.problem or f"does not name {self.stream.remote}"
        self.trail.note("certificate", said, ok=proves)
        self._act(self.stream.secured(peer))

    def handshake_failed(self, why: str) -> None:
        """TLS could not begin."""
        self._why = why
        self.trail.note("tls", why, ok=False)

    def authenticate(self) -> None:
        """Show who we are; `Granted` or `Denied` comes of it."""
        how = "SASL EXTERNAL" if self.stream.external else "dialback"
        self.trail.note("sasl" if self.stream.external else "dialback", f"trying {how}")
        self._act(self.stream.authenticate())

    def _negotiated(self) -> None:
        self.trail.note("stream", f"open to {self.address}, id {self.stream.id}")
        self._settled()
        if not self.negotiated.called:
            self.negotiated.callback(None)

    @property
    def stands(self) -> bool:
        """Whether it may carry questions."""
        return self.open and self.negotiated.called

    def may_share(self, remote: str) -> bool:
        """Whether the peer may be asked to let us send to `remote` here, too (XEP-0220 §2.6).

        Its certificate has to be that of `remote`, too, where it needs one at all.
        """
        stream = self.stream
        peer, proof = stream.peer, stream.policy.require(remote)
        if not self.open or not stream.grants or not stream.offers_errors:
            return False
        if proof == "certificate":
            return peer is not None and peer.proves(remote)
        return proof == "none" or peer is not None

    @property
    def useless(self) -> bool:
        """Whether it has served only to ask, and has been answered."""
        stream = self.stream
        return self.negotiated.called and not (stream.grants or stream.peers or stream.asking)

    def error(self, error: StreamError | None) -> StanzaError:
        """What whoever waits for this connection is told, now that its stream has ended."""
        remote = self.stream.remote
        if error is not None:
            return conditions.failed(remote, error)
        if self._why:
            return conditions.without_tls(remote, self._why)
        if not self.stream.id and not self.stream.ended_by and not self._given_up:
            return conditions.closed(remote)
        return super().error(error)

    def _release(self, error: StreamError | None, *, broken: bool) -> None:
        failed = self.error(error)
        waits = not self.negotiated.called
        if waits and not self._why:
            said = f"{failed.text}: {failed.detail}" if self.stream.last_words else failed.detail
            self.trail.note("stream", said or failed.text, ok=False)
        if self._remotes.by_place.get(self.place) is self:
            del self._remotes.by_place[self.place]
        super()._release(error, broken=broken)
        if waits and not self._given_up:
            self.negotiated.errback(failed)
