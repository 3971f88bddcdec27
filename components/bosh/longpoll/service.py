"""Where clients send BOSH's requests: the handler of its path (XEP-0124 §5)."""

from __future__ import annotations

from typing import Final

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from components.bosh.http.refusing import Refused as Counted
from components.bosh.http.request import Exchange, Response, plain
from components.bosh.longpoll import body as bodies
from components.bosh.longpoll import compression
from components.bosh.longpoll.body import Body
from components.bosh.longpoll.refusal import LEGACY, Condition, Refused
from components.bosh.longpoll.session import Session
from components.bosh.longpoll.sessions import Sessions
from components.bosh.longpoll.terms import HEADERS, Limits
from components.bosh.tunnel.client import Streams

log = Logger(namespace="component")

STRANGERS_OCTETS: Final = 16_384
"""How large a request may be that is of no session."""
_UNREAD: Final = {"bad-request": 400, "policy-violation": 403}
"""The status of requests that were not read, by the condition."""
ABOUT: Final = "This is where XMPP clients connect by BOSH (XEP-0124). It shows nothing to people."


class LongPoll:
    """BOSH. `handle` is its path's handler; `refused` is told of each refusal.

    `requests` counts all that were sent here.
    """

    def __init__(
        self,
        streams: Streams,
        clock: IReactorTime,
        limits: Limits,
        refused: Counted,
    ) -> None:
        self.sessions = Sessions(streams, clock, limits, refused)
        self.requests = 0
        self._limits = limits
        self._refused = refused

    def __len__(self) -> int:
        return len(self.sessions)

    @property
    def held(self) -> int:
        """How many octets are held for all clients."""
        return self.sessions.held

    def handle(self, exchange: Exchange) -> None:
        """Answer a request, now or later."""
        request = exchange.request
        if request.method == "POST":
            self.requests += 1
            try:
                self._meet(exchange)
            except Exception:  # noqa: BLE001 - whatever it is, the client has to be told
                log.failure("a request by BOSH could not be met")
                self._refuse(exchange, Refused("internal-server-error", "bosh.internal"))
        elif request.method in ("GET", "HEAD"):
            exchange.answer(plain(200, ABOUT))
        else:
            exchange.answer(plain(405, headers=(("Allow", "GET, HEAD, OPTIONS, POST"),)))

    def close(self, condition: Condition = "system-shutdown") -> None:
        """End all sessions, and take no new ones: their clients are told, now or when they ask."""
        self.sessions.close(condition)

    def _meet(self, exchange: Exchange) -> None:
        sessions = self.sessions
        request = exchange.request
        try:
            data = compression.plain(request, self._limits.body_octets)
            # It may wait for its answer for a minute; what it said is not needed so long.
            exchange.request = request = request._replace(body=b"")
            if len(data) > STRANGERS_OCTETS:
                # Who has no session has nobody work much for him.
                self._check_sender(data)
            body = bodies.read(data)
        except Refused as refused:
            # Who says this has not said whether it knows conditions: it is told both ways.
            self._refuse(exchange, refused, _UNREAD.get(refused.condition, 200))
            return
        sid = body.attrs.get("sid")
        try:
            if sid is None:
                sessions.create(exchange, body, sessions.digest(data))
                return
            session = sessions.find(sid)
        except Refused as refused:
            legacy = sid is None and "ver" not in body.attrs
            self._refuse(exchange, refused, LEGACY.get(refused.condition, 200) if legacy else 200)
            return
        if session.secure and not request.peer.secure:
            # Not the session's end: anybody could have that (§19.1).
            self._refused("bosh.unsafe", request.peer.address)
            exchange.answer(plain(403, close=True))
        else:
            self._receive(session, exchange, body, sessions.digest(data))

    def _check_sender(self, data: bytes) -> None:
        sid = bodies.wrapper(data).get("sid")
        if sid is None:
            raise Refused("policy-violation", "bosh.large-body")
        self.sessions.find(sid)

    def _receive(self, session: Session, exchange: Exchange, body: Body, digest: bytes) -> None:
        try:
            session.receive(exchange, body, digest)
        except Exception:  # noqa: BLE001 - a session in an unknown state is none
            log.failure("a request by BOSH could not be met")
            session.fail(Refused("internal-server-error", "bosh.internal"), exchange)

    def _refuse(self, exchange: Exchange, refused: Refused, status: int = 200) -> None:
        self._refused(refused.reason, exchange.request.peer.address)
        exchange.on_gone = None
        attrs = {"type": "terminate", "condition": refused.condition}
        exchange.answer(Response(status, HEADERS, bodies.written(attrs, refused.content)))
