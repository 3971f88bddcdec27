"""Reading from one connection: how fast, how much at a time, and when not at all."""

from __future__ import annotations

from typing import Protocol as Interface

from twisted.internet.interfaces import IDelayedCall
from twisted.internet.protocol import Protocol

from xmppd.core.host import Host
from xmppd.core.limits import Bucket
from xmppd.errors import StreamError
from xmppd.net.compression import Compression
from xmppd.net.transport import READ_BYTES, Transport
from xmppd.net.turn import Turn


class Carried(Interface):
    """The end of a stream that a `Carrier` carries."""

    @property
    def address(self) -> str:
        """The peer's network address."""

    @property
    def who(self) -> str:
        """Whose stream it is, as far as that is known: for the log."""

    def receive(self, data: bytes) -> None:
        """Take bytes from the peer."""

    def secured(self) -> None:
        """The TLS handshake is done."""

    def end(self, error: StreamError) -> None:
        """End the stream with `error`."""

    def lost(self) -> None:
        """The connection is gone."""


class Reader(Protocol):
    """The reading half of a `Carrier`.

    There are three reasons not to read, each with an end of its own: an `answer` is owed, the
    peer is over its `rate`, a `backlog` of what was inflated is not worked off.
    """

    _transport: Transport

    def __init__(self, host: Host, turn: Turn) -> None:
        self._host = host
        self._turn = turn
        self._carried: Carried | None = None
        self._bucket: Bucket | None = None
        self._compression: Compression | None = None
        self._paused: set[str] = set()
        self._owed = False
        self._throttle: IDelayedCall | None = None
        self._going_on: IDelayedCall | None = None
        self.heard = True

    def dataReceived(self, data: bytes) -> None:
        """Bytes from the peer, decrypted."""
        carried = self._carried
        if carried is None:
            return
        self.heard = True
        if self._owed:
            self._pause("answer")
        if self._compression is not None:
            self._inflate(carried, self._compression, data)
            return
        if self._bucket is not None:
            self._shape(self._bucket, len(data))
        self._receive(carried, data)

    def _receive(self, carried: Carried, data: bytes) -> None:
        turn = self._turn
        if turn.begin():
            try:
                carried.receive(data)
            finally:
                turn.end()
        else:
            carried.receive(data)

    def pause(self) -> None:
        """Read nothing more than once while an answer is owed.

        Most answers come before the peer sends anything, and to stop reading costs two
        system calls; so it is stopped by what comes meanwhile, which the stream keeps.
        """
        self._owed = True

    def resume(self) -> None:
        """Read on."""
        self._owed = False
        if "answer" in self._paused:
            self._resume("answer")

    def charge(self, octets: int) -> None:
        """Count octets against the peer's rate as if it had sent them."""
        if self._bucket is not None:
            self._shape(self._bucket, octets)

    def _shape(self, bucket: Bucket, size: int) -> None:
        """Hold the peer to its rate, now that it has sent `size` octets more."""
        clock = self._host.clock
        wait = bucket.take(size, clock.seconds())
        if wait > 0:
            self._pause("rate")
            if self._throttle is not None and self._throttle.active():
                self._throttle.reset(wait)
            else:
                self._throttle = clock.callLater(wait, self._resume, "rate")

    def _inflate(self, carried: Carried, compression: Compression, data: bytes) -> None:
        try:
            size = compression.inflate(data)
        except StreamError as error:
            carried.end(error)
            return
        if self._bucket is not None:
            self._shape(self._bucket, size)
        self._receive(carried, self._in_turns(compression))

    def _in_turns(self, compression: Compression) -> bytes:
        """As much of what was inflated as one turn is to take; the rest comes in the next ones."""
        data = compression.take(READ_BYTES)
        if compression.waiting and self._going_on is None:
            self._pause("backlog")
            self._going_on = self._host.clock.callLater(0, self._go_on, compression)
        return data

    def _go_on(self, compression: Compression) -> None:
        self._going_on = None
        if self._carried is None:
            return
        data = self._in_turns(compression)
        if not compression.waiting:
            self._resume("backlog")
        self._receive(self._carried, data)

    def _pause(self, why: str) -> None:
        if not self._paused:
            self._transport.pauseProducing()
        self._paused.add(why)

    def _resume(self, why: str) -> None:
        self._paused.discard(why)
        if not self._paused and self._carried is not None:
            self._transport.resumeProducing()
