"""All clients by WebSocket: the handshake, who is still there, and the end of all."""

from __future__ import annotations

from collections import deque
from http import HTTPStatus
from typing import Final

from twisted.internet.interfaces import IDelayedCall, IReactorTime

from components.bosh.http.refusing import Refused
from components.bosh.http.request import Exchange, Response
from components.bosh.tunnel.client import Streams
from components.bosh.websocket import handshake
from components.bosh.websocket.session import Terms, WebSocket

PARTING: Final = 5.0
"""Seconds that a client has to close its stream when we have closed ours, or the socket when it
has closed its stream first (RFC 7395 §3.6)."""


class WebSockets:
    """The handler of the path of WebSockets (`session.Owner`).

    `refused` is told why one was ended, and whose it was. A client that is silent for
    `ping_seconds` is asked for a sign of life, and has as long again to give one.
    """

    def __init__(
        self,
        streams: Streams,
        clock: IReactorTime,
        terms: Terms,
        ping_seconds: float,
        refused: Refused,
    ) -> None:
        self.streams = streams
        self.terms = terms
        self._clock = clock
        self._seconds = ping_seconds
        self._refused = refused
        self._open: set[WebSocket] = set()
        self._due: deque[tuple[float, WebSocket]] = deque()
        """When each is to be looked at. All have the same time, so they stand in order."""
        self._timer: IDelayedCall | None = None
        self._parting: deque[tuple[float, WebSocket]] = deque()
        """When each that we have said `<close/>` to is to wait no more; in order likewise."""
        self._parting_timer: IDelayedCall | None = None
        self._closed = False
        self.created = 0
        """How many there have been."""

    def __len__(self) -> int:
        return len(self._open)

    def handle(self, exchange: Exchange) -> None:
        """Answer the opening handshake."""
        request = exchange.request
        refusal = handshake.refusal(request)
        if refusal is not None:
            self._refused("websocket.handshake", request.peer.address)
            exchange.answer(refusal)
            return
        if self._closed:
            exchange.answer(Response(HTTPStatus.SERVICE_UNAVAILABLE, close=True))
            return
        refusal, answer = handshake.answer(request)
        if refusal is not None:
            self._refused("websocket.handshake", request.peer.address)
            exchange.answer(refusal)
            return
        session = WebSocket(self, request.peer)
        wire = exchange.take_over(session, answer)
        if wire is not None:
            session.begin(wire)
            self._open.add(session)
            self.created += 1
            self._watch(session)

    def close(self) -> None:
        """End all: streams that can be resumed wait for their clients (XEP-0198 §5)."""
        self._closed = True
        for session in list(self._open):
            session.leave()
        for timer in (self._timer, self._parting_timer):
            if timer is not None:
                timer.cancel()
        self._timer = self._parting_timer = None

    # ------------------------------------------------------------------ for sessions

    def left(self, session: WebSocket) -> None:
        """A client is gone (`session.Owner`)."""
        self._open.discard(session)

    def refused(self, session: WebSocket, reason: str) -> None:
        """A client is ended for a reason (`session.Owner`)."""
        self._refused(reason, session.address)

    def parts(self, session: WebSocket) -> None:
        """Wait a while for a client to close its stream (`session.Owner`)."""
        if self._closed:
            session.part()
            return
        session.until = self._clock.seconds() + PARTING
        self._parting.append((session.until, session))
        if self._parting_timer is None:
            self._parting_timer = self._clock.callLater(PARTING, self._part)

    def _part(self) -> None:
        self._parting_timer = None
        now, parting = self._clock.seconds(), self._parting
        while parting and parting[0][0] <= now:
            session = parting.popleft()[1]
            if session.until <= now:  # else it waits for something else since
                session.part()
        if parting:
            self._parting_timer = self._clock.callLater(parting[0][0] - now, self._part)

    # ------------------------------------------------------------------ who is still there

    def _watch(self, session: WebSocket) -> None:
        session.heard = session.pinged = False
        self._due.append((self._clock.seconds() + self._seconds, session))
        if self._timer is None:
            self._timer = self._clock.callLater(self._seconds, self._look)

    def _look(self) -> None:
        self._timer = None
        now, due = self._clock.seconds(), self._due
        while due and due[0][0] <= now:
            session = due.popleft()[1]
            if session not in self._open:
                continue
            session.heard = session.heard or session.unread
            if not session.begun:
                self.refused(session, "websocket.unopened")
                session.abort()
                continue
            if session.pinged and not session.heard:
                self.refused(session, "websocket.silent")
                session.abort()
                continue
            session.pinged = not session.heard
            if session.pinged:
                session.ping()
            session.heard = False
            session.small = 0
            due.append((now + self._seconds, session))
        if due:
            self._timer = self._clock.callLater(due[0][0] - now, self._look)
