"""The connection to the server: made, watched, made anew, and closed in order.

While there is none, what is sent waits in the session's outbox, within bounds, for the next.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from typing import Any, Protocol

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.internet.protocol import Factory
from twisted.logger import Logger
from twisted.python.failure import Failure

from components.common.connection import Connection, Pace, Receiver
from components.common.refusals import remedy, why_not
from components.common.stream import Identity, Session, State
from xmppd.errors import StreamError

log = Logger(namespace="component")

WORKING = 20.0
"""Seconds that handlers may finish in what they have begun before the session is resumed,"""
AGAIN = 0.2
"""and between two looks at whether they have."""

BEHIND = 4
"""Which part of what may wait for the server is much."""


class Endpoint(Protocol):
    """What a link connects with (`IStreamClientEndpoint`)."""

    def connect(self, protocolFactory: Factory) -> Deferred[Any]:
        """Connect, and have the factory make the protocol."""


class Link:
    """What keeps a component connected.

    `where` is how logs call the endpoint, `source` the file to mend where that is what it needs.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        identity: Identity,
        receiver: Receiver,
        clock: IReactorTime,
        *,
        where: str = "the server",
        source: str = "",
        pace: Pace | None = None,
    ) -> None:
        self.clock = clock
        self.pace = pace or Pace()
        self.identity = identity
        self.receiver = receiver
        self.session = Session()
        self.where = where
        self._source = source
        self._endpoint = endpoint
        self._connection: Connection | None = None
        self._attempt: Deferred[Any] | None = None
        self._retry: IDelayedCall | None = None
        self._failures = 0
        self._running = False
        self._stopped: Deferred[None] | None = None
        self._lost_at = clock.seconds()
        self._dropped = 0

    @property
    def connected(self) -> bool:
        """Whether what is sent goes out at once."""
        return self._connection is not None and self._connection.stream.state is State.OPEN

    @property
    def managed(self) -> bool:
        """Whether the server acknowledges what it is sent."""
        return self._connection is not None and self._connection.stream.managed

    @property
    def crowded(self) -> bool:
        """Whether so much waits for the server that senders of much had better pause."""
        return self.session.outbox.octets > self.pace.octets or (
            self._connection is not None and self._connection.clogged
        )

    @property
    def behind(self) -> bool:
        """Whether the server has much left to take: who sends very much pauses as early as that.

        Else he would keep it `crowded`, and requests of all others would be refused meanwhile.
        """
        waiting = self.session.outbox.octets
        if self._connection is not None:
            waiting = max(waiting, self._connection.backlog)
        return waiting > self.pace.octets // BEHIND or self.crowded

    # ------------------------------------------------------------------ start and stop

    def start(self) -> None:
        """Connect, and stay connected."""
        self._running = True
        self._connect()

    def stop(self) -> Deferred[None]:
        """Close the stream and the connection; fires when they are gone."""
        self._running = False
        stopped: Deferred[None] = Deferred()
        if self._retry is not None:
            self._retry.cancel()
            self._retry = None
        if self._connection is not None:
            self._stopped = stopped
            self._connection.close()
        else:
            if self._attempt is not None:
                self._attempt.cancel()
            stopped.callback(None)
        return stopped

    def send(self, data: bytes) -> bool:
        """Send a stanza, or keep it for later; False where there is no room for it."""
        connection = self._connection
        if connection is not None and connection.stream.state is State.OPEN:
            connection.send(data)
            return True
        outbox = self.session.outbox
        if outbox.octets + len(data) > self.pace.octets:
            if not self._dropped:
                log.warn("{where}: too much waits to be sent; the rest is lost", where=self.where)
            self._dropped += 1
            return False
        outbox.add(data)
        return True

    def send_all(self, stanzas: Iterable[bytes]) -> bool:
        """Send several stanzas, written at once; False where there is no room for all of them."""
        connection = self._connection
        if connection is not None and connection.stream.state is State.OPEN:
            connection.send_all(stanzas)
            return True
        outcomes = [self.send(data) for data in stanzas]  # each gets its chance
        return all(outcomes)

    def settled(self) -> Deferred[None]:
        """Fires once the server has acknowledged all that it was sent so far; it is asked now."""
        settled = self.session.outbox.settled()
        if not settled.called and self._connection is not None:
            self._connection.stream.ask()
        return settled

    # ------------------------------------------------------------------ attempts

    def _connect(self) -> None:
        self._retry = None
        if self._working and self.clock.seconds() - self._lost_at < WORKING:
            self._retry = self.clock.callLater(AGAIN, self._connect)
            return
        self._attempt = attempt = self._endpoint.connect(_Connecting(self))
        attempt.addCallbacks(self._connected, self._not_connected)

    @property
    def _working(self) -> bool:
        """Whether handlers are at work on what the session has received.

        To resume it is to say that all of it is handled (XEP-0198 §5): or the server would send it
        again, to be handled twice.
        """
        inbox = self.session.inbox
        return bool(self.session.id) and inbox.handled < inbox.received

    def _connected(self, protocol: object) -> None:
        self._attempt = None

    def _not_connected(self, failure: Failure) -> None:
        self._attempt = None
        if self._running or not failure.check(CancelledError):
            self.again(f"can't connect: {why_not(failure)}")

    def again(self, problem: str, *, slow: bool = False) -> None:
        """Connect once more, after a while."""
        if not self._running or self._retry is not None:
            return
        pace = self.pace
        seconds = min(pace.first * pace.growth**self._failures, pace.longest)
        self._failures += 1
        if slow:
            seconds = pace.slow
        # Not all components of a server that comes back connect in the same moment.
        seconds *= 0.5 + secrets.randbelow(1_000) / 2_000
        log.warn(
            "{where}: {problem}. Next attempt in {seconds:.1f} s",
            where=f"{self._source}: {self.where}" if self._source else self.where,
            problem=problem,
            seconds=seconds,
        )
        self._retry = self.clock.callLater(seconds, self._connect)

    # ------------------------------------------------------------------ what its connection tells

    def made(self, connection: Connection) -> None:
        """A connection was made."""
        self._connection = connection
        outbox = self.session.outbox
        if len(outbox) and self.clock.seconds() - self._lost_at > self.pace.keep:
            log.warn(
                "{where}: {count} stanzas waited for too long and are lost",
                where=self.where,
                count=outbox.clear(),
            )
            self.session.id = ""  # the server would count them

    def opened(self, *, resumed: bool) -> None:
        """Stanzas go both ways."""
        self._failures = 0
        if self._dropped:
            log.warn("{where}: {count} stanzas are lost", where=self.where, count=self._dropped)
            self._dropped = 0
        log.info(
            "{where}: {domain} is {how}",
            where=self.where,
            domain=self.identity.domain,
            how="connected again, nothing lost" if resumed else "connected",
        )
        self.receiver.opened(resumed=resumed)

    def gone(self, error: StreamError | None, problem: str, *, was_open: bool) -> None:
        """The connection is lost, by what error of the stream, if any."""
        self._connection = None
        if was_open:  # what waits is as old as that, however often nothing came of an attempt
            self._lost_at = self.clock.seconds()
        slow = False
        if error is not None and error.reason == "component.drained":
            # What it was sent is finished, and what comes next is its successor's.
            self._running = False
            log.info("{where}: drained; this process ends for the next one", where=self.where)
            self.receiver.drained()
        if error is not None:
            self.session.id = ""
            problem, slow = self._refused(error)
        if was_open:
            self.receiver.lost(resumable=self._running and bool(self.session.id))
        self.again(problem, slow=slow)
        if self._stopped is not None:
            stopped, self._stopped = self._stopped, None
            stopped.callback(None)

    def _refused(self, error: StreamError) -> tuple[str, bool]:
        done = remedy(error.condition)
        if done.ours:
            self.session.outbox.clear()
        text = f" ({error.text})" if error.text else ""
        return f"the stream ended with {error.condition}{text}. {done.text}", done.slow


class _Connecting(Factory):
    """Makes the protocol of one connection."""

    noisy = False

    def __init__(self, link: Link) -> None:
        self._link = link

    def buildProtocol(self, addr: object) -> Connection:
        """The protocol (`IProtocolFactory`)."""
        return Connection(self._link)
