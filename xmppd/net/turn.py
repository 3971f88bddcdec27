"""Writing at the end of a reactor turn, straight to the socket.

Twisted's own way to write asks the reactor to watch the socket for writability, sends in the
next turn and asks it to stop watching: two system calls and a trip through the event loop for
each delivery (measured: a sixth of the server's CPU per chat message). Nearly always the
socket can take the bytes at once, so everything a connection was given in one turn is joined
and sent when the turn ends; only what the kernel refuses goes Twisted's way.
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from time import monotonic
from typing import Any, Protocol

from twisted.internet.interfaces import IReactorTime
from twisted.internet.tcp import Connection
from twisted.logger import Logger

log = Logger()


QUIET = 0.0002
"""Seconds since the last read after which the next one is its own turn. A busy server reads
every few microseconds; there, joining what several senders have for one client pays more than
a timer for each turn costs."""


class Flushable(Protocol):
    """Holds bytes until the end of the turn."""

    def flush(self) -> None:
        """Send them."""


class Turn:
    """Flushes, when the reactor's turn ends, whatever was added during it.

    One for the whole process: whoever reads ends the turn of all that he has written to,
    whichever listener they came by. A turn in which much is read ends with a timer. When reading
    is rare, each read is its own turn: `begin` says so, and whoever was told ends it with `end`.
    `now` is a clock of seconds since whenever.
    """

    __slots__ = ("_clock", "_last", "_now", "_reading", "_waiting")

    def __init__(self, clock: IReactorTime, now: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._now = now
        self._waiting: list[Flushable] = []
        self._last = -inf
        self._reading = False

    def add(self, held: Flushable) -> None:
        """Have `held` flushed when this turn ends."""
        if not self._waiting and not self._reading:
            self._clock.callLater(0, self.end)
        self._waiting.append(held)

    def begin(self) -> bool:
        """Something has been read. True when it is worth to end the turn behind it."""
        now = self._now()
        quiet = now - self._last > QUIET and not self._waiting and not self._reading
        self._last = now
        self._reading = quiet
        return quiet

    def end(self) -> None:
        """Flush what waits."""
        self._reading = False
        waiting, self._waiting = self._waiting, []
        for held in waiting:
            try:
                held.flush()
            except Exception:  # noqa: BLE001 - the others still have theirs to send
                log.failure("the end of a turn failed for one connection")


class DirectTransport:
    """A TCP transport that sends at once what the kernel takes; the rest as Twisted does.

    Stands between a protocol and its TCP connection, or between TLS and its TCP connection.
    """

    __slots__ = ("_tcp",)

    def __init__(self, tcp: Connection) -> None:
        self._tcp = tcp

    def write(self, data: bytes) -> None:
        """Send `data` behind whatever has not been sent yet."""
        tcp = self._tcp
        # `dataBuffer` and `_tempDataBuffer` are what Twisted has not sent yet: a test fails
        # should a release rename them.
        if tcp.connected and not tcp.dataBuffer and not tcp._tempDataBuffer:
            sent = tcp.writeSomeData(data)
            if sent == len(data):
                return
            if isinstance(sent, int) and sent > 0:
                data = data[sent:]
        # A connection that is lost finds out for itself when it tries to write.
        tcp.write(data)

    def writeSequence(self, chunks: list[bytes]) -> None:
        """Send several pieces as one."""
        self.write(b"".join(chunks))

    @property
    def protocol(self) -> Any:
        """Who receives what comes in."""
        return self._tcp.protocol

    @protocol.setter
    def protocol(self, protocol: Any) -> None:
        self._tcp.protocol = protocol

    def __getattr__(self, name: str) -> Any:
        # Not what the TCP connection is made of: zope would read its interfaces off it, and
        # TLS would then declare each of them anew for every connection.
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(self._tcp, name)


def straight(transport: Any) -> Any:
    """`transport`, made to send at once where it is a TCP connection."""
    return DirectTransport(transport) if isinstance(transport, Connection) else transport
