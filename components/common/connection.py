"""One connection to the server: moves bytes, keeps time, and holds back where it must."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple, Protocol

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IPushProducer, IReactorTime
from twisted.internet.protocol import Protocol as TwistedProtocol
from twisted.internet.task import LoopingCall
from twisted.python.failure import Failure
from zope.interface import implementer

from components.common.refusals import why_lost
from components.common.stanza import Stanza
from components.common.stream import Identity, Session, State, Stream
from xmppd.errors import StreamError


class Pace(NamedTuple):
    """How a link behaves in time; all in seconds but `octets`."""

    first: float = 0.5
    """Before the second attempt to connect; each one after that waits longer."""
    growth: float = 1.7
    longest: float = 30.0
    slow: float = 60.0
    """Where only an operator can mend what is wrong."""
    negotiation: float = 30.0
    """How long a connection may take until stanzas may be sent."""
    watch: float = 30.0
    """How often the server is asked whether it is still there."""
    dead: float = 90.0
    """After how much silence of a server that should have answered it is given up."""
    closing: float = 2.0
    """How long the server may take to answer the end of the stream."""
    keep: float = 600.0
    """How long what waits for a connection is worth sending."""
    octets: int = 8 * 1024 * 1024
    """How much may wait for the server. While more does, nothing is read from it."""


class Receiver(Protocol):
    """Who has the stanzas."""

    def received(self, stanza: Stanza) -> Deferred[None] | None:
        """A stanza has come; it is handled once the Deferred has fired, or by now."""

    def opened(self, *, resumed: bool) -> None:
        """There is a stream; a new one unless `resumed`."""

    def lost(self, *, resumable: bool) -> None:
        """There is none any more; whoever waits for an answer has none unless `resumable`."""

    def drained(self) -> None:
        """There will be none any more: another process is to take over."""


class Keeper(Protocol):
    """Who makes connections, one after the other."""

    clock: IReactorTime
    pace: Pace
    identity: Identity
    session: Session
    receiver: Receiver

    def made(self, connection: Connection) -> None:
        """A connection was made."""

    def opened(self, *, resumed: bool) -> None:
        """Stanzas go both ways."""

    def gone(self, error: StreamError | None, problem: str, *, was_open: bool) -> None:
        """The connection is lost, by what error of the stream, if any."""


@implementer(IPushProducer)
class Connection(TwistedProtocol):
    """One connection: moves bytes, and sees whether the server is still there."""

    transport: Any

    def __init__(self, link: Keeper) -> None:
        self._link = link
        self._paused = False
        self._blocked = False
        self._backlog = 0
        self._paused_at = 0.0
        self._error: StreamError | None = None
        self._was_open = False
        self._closed = False
        self._timer: IDelayedCall | None = None
        self._heard = 0.0
        self._watching = LoopingCall(self._watch)
        self._watching.clock = link.clock
        self.stream: Stream

    def connectionMade(self) -> None:
        """Begin the stream (`IProtocol`)."""
        link, transport = self._link, self.transport
        for option in ("setTcpNoDelay", "setTcpKeepAlive"):
            if set_option := getattr(transport, option, None):  # what is no TCP has none
                set_option(True)
        self.stream = Stream(link.identity, link.session, self, self._write)
        transport.registerProducer(self, True)
        self._timer = link.clock.callLater(link.pace.negotiation, self._too_slow)
        link.made(self)
        self.stream.start()

    def dataReceived(self, data: bytes) -> None:
        """Bytes from the server (`IProtocol`)."""
        self._heard = self._link.clock.seconds()
        self.stream.receive(data)

    def connectionLost(self, reason: Failure = None) -> None:  # type: ignore[assignment]
        """The connection is gone (`IProtocol`)."""
        if self._watching.running:
            self._watching.stop()
        self._no_timer()
        early = self.stream.state is State.HEADER
        self.stream.state = State.CLOSING
        problem = f"the connection is lost: {why_lost(reason, early=early)}"
        if self._closed:
            problem = "the server has closed the stream"
        self._link.gone(self._error, problem, was_open=self._was_open)

    def send(self, data: bytes) -> None:
        """Send a stanza."""
        if self.stream.state is State.CLOSING:
            self._link.session.outbox.add(data)
        else:
            self.stream.send(data)

    def send_all(self, stanzas: Iterable[bytes]) -> None:
        """Send several stanzas, written at once; the stream is open."""
        self.stream.send_all(stanzas)

    def close(self) -> None:
        """End the stream; the server has a while to end its own."""
        self.stream.close()
        self._set_timer(self._link.pace.closing)

    # ------------------------------------------------------------------ what the stream tells

    def received(self, stanza: Stanza) -> Deferred[None] | None:
        """A stanza has come (`stream.Owner`)."""
        return self._link.receiver.received(stanza)

    def opened(self, *, resumed: bool) -> None:
        """Stanzas go both ways (`stream.Owner`)."""
        self._was_open = True
        self._no_timer()
        self._watching.start(self._link.pace.watch, now=False)
        self._link.opened(resumed=resumed)

    def failed(self, error: StreamError) -> None:
        """The stream is of no use any more (`stream.Owner`)."""
        self._error = error
        self._set_timer(self._link.pace.closing)
        self.transport.loseConnection()

    def closed(self) -> None:
        """The server has ended the stream, and so the session (`stream.Owner`)."""
        self._closed = True
        self._link.session.id = ""
        self._set_timer(self._link.pace.closing)
        self.transport.loseConnection()

    # ------------------------------------------------------------------ time

    def _set_timer(self, seconds: float) -> None:
        self._no_timer()
        self._timer = self._link.clock.callLater(seconds, self._abort)

    def _no_timer(self) -> None:
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._timer = None

    def _too_slow(self) -> None:
        self._error = StreamError(
            "connection-timeout", "the server has not let us in", reason="stream.timeout"
        )
        self._abort()

    def _abort(self) -> None:
        self._timer = None
        self.transport.abortConnection()

    def _watch(self) -> None:
        """Ask the server for a sign of life, or give it up."""
        now, dead = self._link.clock.seconds(), self._link.pace.dead
        silent = self.stream.managed and now - self._heard > dead
        if silent or (self._paused and now - self._paused_at > dead):
            self._abort()
        elif self.stream.state is State.OPEN:
            self.stream.ask()

    # ------------------------------------------------------------------ pressure

    @property
    def clogged(self) -> bool:
        """Whether so much waits that nothing more is read."""
        return self._blocked

    @property
    def backlog(self) -> int:
        """How many octets wait since the server takes no more."""
        return self._backlog if self._paused else 0

    def _write(self, data: bytes) -> None:
        self.transport.write(data)
        if self._paused:
            self._backlog += len(data)
            if self._backlog > self._link.pace.octets and not self._blocked:
                # Nothing that makes more is read. The server may wait for us in the same way:
                # then its answers come too late, and `_watch` gives it up.
                self._blocked = True
                self.transport.pauseProducing()

    def pauseProducing(self) -> None:
        """The server takes no more for now (`IPushProducer`)."""
        self._paused = True
        self._backlog = 0
        self._paused_at = self._link.clock.seconds()

    def resumeProducing(self) -> None:
        """The server takes more (`IPushProducer`)."""
        self._paused = False
        if self._blocked:
            self._blocked = False
            self.transport.resumeProducing()

    def stopProducing(self) -> None:
        """The connection is lost (`IPushProducer`)."""
