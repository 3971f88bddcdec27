"""Carries one XML stream over a TCP connection: turns, back-pressure, TLS, and the end of it.

It knows no stanza and not whose stream it is: a client's, a server's, a component's.
"""

from __future__ import annotations

from typing import Any

from OpenSSL import SSL
from twisted.internet.interfaces import IDelayedCall, IHandshakeListener, IPushProducer
from twisted.internet.protocol import connectionDone
from twisted.logger import Logger
from twisted.protocols.tls import TLSMemoryBIOFactory
from twisted.python.failure import Failure
from zope.interface import implementer

from xmppd.core.host import Host
from xmppd.core.limits import Bucket
from xmppd.net.compression import Compression
from xmppd.net.handshake import fault
from xmppd.net.layer import TLSLayer
from xmppd.net.reading import Carried, Reader
from xmppd.net.transport import READ_BYTES, half_closing, straight, tune
from xmppd.net.turn import Turn
from xmppd.stream.events import Spoken

log = Logger()

LINGER = 5.0
"""Seconds that a closed connection may take to send what is left."""

TRUSTED_BYTES = 262_144
"""The most that is read at a time of who is trusted: what it sends to many in one turn reaches each
of them in one piece."""

JOINED_BYTES = 65_536
"""How much is joined before it is sent without waiting for the end of the turn: one read of
16 KiB may hold 1,600 stanzas that a thousand times as much has to be sent for."""


@implementer(IHandshakeListener, IPushProducer)
class Carrier(Reader):
    """One TCP connection, and the stream on it from `carry` to its end.

    It is most of the stream's `Wire`; who inherits it admits connections and adds the rest.
    """

    def __init__(self, host: Host, turn: Turn) -> None:
        super().__init__(host, turn)
        self._out: list[bytes] = []
        self._joined = 0
        self._clogged = False
        self._taken = 0
        self._stall: IDelayedCall | None = None
        self._cutting: IDelayedCall | None = None
        self._abort: IDelayedCall | None = None
        self._shaking_hands = False
        self.fault = ""
        """What TLS has failed with, in words, when the connection is lost. With TLS 1.3 a server
        may refuse a client's certificate when the client's handshake is long done."""

    # ------------------------------------------------------------------ Twisted's side

    def makeConnection(self, transport: Any) -> None:
        """Begin over a TCP connection; called again when TLS has come in between."""
        self._transport = straight(transport)
        super().makeConnection(self._transport)

    def carry(self, carried: Carried, *, trusted: bool = False) -> None:
        """Carry `carried` from here on; who is `trusted` is held to no rate."""
        limits = self._host.config.limits
        tune(self._transport, limits.dead_seconds, TRUSTED_BYTES if trusted else READ_BYTES)
        if limits.read_rate and not trusted:
            now = self._host.clock.seconds()
            self._bucket = Bucket(limits.read_rate, limits.read_burst, now)
        self._transport.registerProducer(self, True)
        self._carried = carried

    def handshakeCompleted(self) -> None:
        """TLS is in place (`IHandshakeListener`)."""
        self._shaking_hands = False
        if self._carried is not None:
            self._carried.secured()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """The connection is gone, whoever ended it."""
        self._transport.unregisterProducer()  # or TLS would hold us, and we hold TLS
        timers = (self._abort, self._stall, self._cutting, self._throttle, self._going_on)
        for timer in timers:
            if timer is not None and timer.active():
                timer.cancel()
        carried, self._carried = self._carried, None
        if self._shaking_hands or isinstance(reason.value, SSL.Error):
            self.fault = fault(reason.value)
        if carried is not None:
            self._lost(carried)

    def _lost(self, carried: Carried) -> None:
        """Tell the stream that its connection is gone."""
        if self._shaking_hands:
            self._note_failed_handshake(carried.address, self.fault)
        carried.lost()

    def _note_failed_handshake(self, address: str, why: str) -> None:
        self._host.refusals.note("tls.handshake", address=address, detail=why)
        if self._host.debugging:
            log.debug("TLS handshake with {address} failed: {why}", address=address, why=why)

    # ------------------------------------------------------------------ Wire

    def write(self, data: bytes) -> None:
        """Send bytes when the turn ends, or before when they are many."""
        out = self._out
        if out:
            out.append(data)
            self._joined += len(data)
            if self._joined > JOINED_BYTES:
                self.flush()
        else:  # the ordinary case, which costs nothing more; `_joined` leaves the first one out
            self._turn.add(self)
            out.append(data)

    def speak(self, spoken: Spoken) -> None:
        """Send what a stream says, as it stands on TCP."""
        self.write(spoken.data)

    def unsent(self) -> int:
        """How many of the octets written the peer has not taken."""
        return self._transport.unsent + sum(map(len, self._out))

    def flush(self) -> None:
        """Send what was written; a peer that reads too slowly is cut off, not waited for."""
        out = self._out
        if not out:
            return
        if len(out) == 1:
            data = out[0]
        else:
            data = b"".join(out)
            self._joined = 0
        out.clear()
        if self._carried is None:
            return  # its stream is closed
        if self._compression is not None:
            data = self._compression.deflate(data)
        if not self._clogged or self._has_room(len(data)):
            self._transport.write(data)

    def secure(self, factory: TLSMemoryBIOFactory) -> None:
        """Begin TLS behind what was written; `factory` says with which certificates."""
        self.flush()
        self._shaking_hands = True
        transport: Any = self._transport
        transport.unregisterProducer()
        self._clogged = False  # TLS says so anew when it writes, and would not take it back
        tls: Any = TLSLayer(factory, self)
        transport.protocol = tls
        tls.makeConnection(transport)
        tls.registerProducer(self, True)

    def start_compression(self) -> None:
        """Compress from here on, both ways (XEP-0138)."""
        self.flush()
        self._compression = Compression(self._host.config.compression)

    def close(self) -> None:
        """Close when all is written and the peer has closed too, or when it takes too long.

        Only our side is closed at first (RFC 6120 §4.4): to close a socket on what the peer
        is still sending would reset the connection, and take our last words with it.
        """
        self.flush()
        self._carried = None
        transport = self._transport
        if self._paused:
            transport.resumeProducing()  # TLS is closed by an answer
        transport.unregisterProducer()
        half = None if isinstance(transport, TLSLayer) else half_closing(transport)
        (half or transport.loseConnection)()
        self._abort = self._host.clock.callLater(LINGER, transport.abortConnection)

    def cut_off(self, reason: str) -> None:
        """End the connection at once, for `reason`, a code of `xmppd.reasons`; nobody is told."""
        carried, self._carried = self._carried, None
        if carried is None:
            return
        who, address = carried.who, carried.address
        self._host.refusals.note(reason, who, "", address)
        log.info("{who} from {address} is cut off: {why}", who=who, address=address, why=reason)
        carried.lost()
        self._transport.abortConnection()

    # ------------------------------------------------------------------ flow

    def pauseProducing(self) -> None:
        """The peer reads more slowly than we write; TCP says so again at each write."""
        if not self._clogged:
            self._clogged = True
            if self._stall is None:
                self._expect_progress()

    def resumeProducing(self) -> None:
        """It has caught up."""
        self._clogged = self._cutting is not None  # what it missed would be a hole in its stream

    def stopProducing(self) -> None:
        """Nothing will be written any more."""

    def most_unsent(self) -> int:
        """How many octets may wait for the peer."""
        return self._host.config.limits.write_buffer_bytes

    def _has_room(self, size: int) -> bool:
        """Whether the peer, who is behind, may be owed `size` octets more; it is cut off if not.

        In a turn of its own: whoever writes may be in the middle of all sessions of an account.
        """
        if self._cutting is None and self._transport.unsent + size > self.most_unsent():
            later = self._host.clock.callLater
            self._cutting = later(0, self.cut_off, "limit.slow-reader")
        return self._cutting is None

    def _expect_progress(self) -> None:
        """See to it that a peer that is behind takes something within half of `dead_seconds`.

        After the whole of it TCP gives up, and leaves no reason. The timer goes on when the peer
        catches up meanwhile, as it may a hundred times a second.
        """
        self._taken = self._transport.taken
        seconds = self._host.config.limits.dead_seconds / 2
        self._stall = self._host.clock.callLater(seconds, self._look_for_progress)

    def _look_for_progress(self) -> None:
        self._stall = None
        if self._clogged:
            if self._transport.taken == self._taken and self._transport.unsent:
                self.cut_off("limit.stalled")
            else:
                self._expect_progress()
