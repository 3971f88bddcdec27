"""One process that serves a component's domain: what is sent to it, and what it is owed."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable
from typing import Protocol

from twisted.internet.interfaces import IDelayedCall, IReactorTime

from xmppd import ns
from xmppd.config import Component as Settings
from xmppd.core.acknowledging import count, enabled, failed, resumed, seconds_wanted, too_high
from xmppd.core.components.durable import DurableSpool
from xmppd.core.components.pending import Pending
from xmppd.core.components.spool import Spool
from xmppd.core.router import Router
from xmppd.core.sessions import SessionDirectory
from xmppd.errors import StanzaError, StreamError
from xmppd.storage.components import Waiting
from xmppd.stream.acks import TooHighError
from xmppd.wire.stanza import Nonza, Stanza

SETTLING = 2.0
"""Seconds that a component which has come back may take to say whether it goes on with its stream
(XEP-0198 §5). What waits for it, and what comes meanwhile, is sent then."""

_REQUESTS = frozenset({"get", "set"})


class Line(Protocol):
    """The connection of an instance."""

    @property
    def address(self) -> str:
        """Where it comes from."""

    def write(self, data: bytes) -> None:
        """Send bytes behind what was sent; nothing once the stream is closed."""

    def unsent(self) -> int:
        """How many of the octets written the component has not taken."""

    def end(self, error: StreamError) -> None:
        """End the stream with `error`."""


class Instance:
    """An instance of a component, connected or expected back.

    `settings` gives the component's table of the configuration. `expired` is called when it has
    not come back in time.
    """

    __slots__ = (
        "_clock",
        "_directory",
        "_durable",
        "_expired",
        "_expiring",
        "_from_component",
        "_held",
        "_router",
        "_settings",
        "_settling",
        "clogged",
        "domain",
        "line",
        "name",
        "pending",
        "received",
        "sent",
        "since",
        "spool",
    )

    def __init__(
        self,
        domain: str,
        name: str,
        settings: Callable[[], Settings],
        *,
        router: Router,
        directory: SessionDirectory,
        clock: IReactorTime,
        durable: DurableSpool,
        expired: Callable[[Instance], None],
    ) -> None:
        self.domain = domain
        self.name = name
        self._settings = settings
        self._router = router
        self._from_component = router.from_component
        self._directory = directory
        self._clock = clock
        self._durable = durable
        self._expired = expired
        self._expiring: IDelayedCall | None = None
        self._settling: IDelayedCall | None = None
        self._held: dict[str, Callable[[], None]] = {}
        """By full JID, the clients that are read more slowly on its account."""
        self.line: Line | None = None
        self.since = 0.0
        """When it connected, in seconds UTC since 1970."""
        self.pending = Pending(router.bounce, clock)
        self.spool: Spool | None = None
        self.clogged = False
        """Whether it takes what it is sent more slowly than that comes."""
        self.sent = self.received = 0
        """Stanzas to it and from it."""

    @property
    def waiting(self) -> int:
        """How many stanzas wait for it: unacknowledged, or unsent while it is away."""
        return len(self.spool) if self.spool is not None else 0

    @property
    def octets(self) -> int:
        """How many octets wait for it in memory."""
        unsent = self.line.unsent() if self.line is not None else 0
        return unsent + (self.spool.octets if self.spool is not None else 0)

    # ------------------------------------------------------------------ the data path

    def deliver(self, stanza: Stanza) -> None:
        """Send it a stanza; raises StanzaError where it can't be, or not be kept for later."""
        line, spool = self.line, self.spool
        if line is None and stanza.kind == "iq" and stanza.attrs.get("type") in _REQUESTS:
            raise StanzaError("service-unavailable", reason="component.absent", type="wait")
        if self.clogged and line is not None:
            self._slow_down(stanza, line)
        if spool is not None:
            spool.deliver(stanza)
        elif line is not None:
            line.write(stanza.render_in(ns.COMPONENT))
        if stanza.kind == "iq" and stanza.attrs.get("type") in _REQUESTS:
            self.pending.add(stanza)
        self.sent += 1

    def take(self, stanza: Stanza) -> None:
        """Take a stanza that it has sent; raises StreamError for an address that is not its own."""
        self.received += 1
        if self._settling is not None:
            self._settle()
        stanza = stanza.translated(ns.CLIENT)
        spool = self.spool
        if spool is None:
            self._from_component(self.domain, stanza)
        else:
            spool.take(self.domain, stanza)
        if stanza.kind == "iq" and stanza.attrs.get("type") not in _REQUESTS:
            self.pending.answered(stanza)

    def _slow_down(self, stanza: Stanza, line: Line) -> None:
        """Read the client that has sent it more slowly; refuse it when there is no room left."""
        if line.unsent() > self._settings().queue_octets:
            raise StanzaError("resource-constraint", reason="component.queue")
        sender = stanza.sender
        session = self._directory.get(sender) if sender is not None else None
        if session is not None and session.jid not in self._held:
            self._held[session.jid] = session.hold()

    def unclog(self) -> None:
        """It has caught up: clients are read again."""
        self.clogged = False
        held, self._held = self._held, {}
        for release in held.values():
            release()

    # ------------------------------------------------------------------ here and away

    def connect(self, line: Line, *, knows_more: bool) -> None:
        """It has come, or come back, by a connection.

        `knows_more` says that it may ask for stream management, which decides what becomes of what
        waits for it.
        """
        self.line = line
        self.since = self._clock.seconds()
        if self._expiring is not None:
            self._expiring.cancel()
            self._expiring = None
        if self.spool is not None:
            self._settling = self._clock.callLater(SETTLING, self._settle)
            if not knows_more:
                self._settle()

    def _settle(self) -> None:
        """It does not go on with the stream that it had."""
        self._settled()
        spool, line = self.spool, self.line
        if spool is not None and line is not None and spool.away:
            self.spool = None
            spool.let_out(line.write)

    def _settled(self) -> None:
        if self._settling is not None:
            if self._settling.active():
                self._settling.cancel()
            self._settling = None

    def disconnect(self) -> bool:
        """The connection is lost; whether it is expected back.

        Whoever waits for an answer gets one.
        """
        self.line = None
        self._settled()
        self.unclog()
        self.pending.give_up("component.gone")
        spool = self.spool
        if spool is None or not spool.seconds:
            self.give_up("component.gone")
            return False
        spool.leave()
        self._expiring = self._clock.callLater(spool.seconds, self._expire)
        return True

    def restore(self, waiting: Iterable[Waiting]) -> None:
        """Wait for it with what was in the store when the server was started."""
        spool = self.spool = self._new_spool("", self._settings().spool_seconds)
        spool.leave()
        for each in waiting:
            spool.restore(each.number, each.at, each.stanza)
        self._expiring = self._clock.callLater(spool.seconds, self._expire)

    def _expire(self) -> None:
        self._expiring = None
        self.give_up("component.expired")
        self._expired(self)

    def give_up(self, reason: str) -> None:
        """It does not come back; `reason` is a code of `xmppd.reasons`."""
        if self._expiring is not None:
            self._expiring.cancel()
            self._expiring = None
        spool, self.spool = self.spool, None
        if spool is not None:
            spool.give_up(reason)

    # ------------------------------------------------------------------ stream management

    def nonza(self, nonza: Nonza) -> None:
        """Act on an element of stream management (XEP-0198); raises StreamError for any other."""
        act = _NONZAS.get(nonza.name)
        if act is None:
            raise StreamError("unsupported-stanza-type", reason="stream.element")
        act(self, nonza)

    def _enable(self, nonza: Nonza) -> None:
        """Manage the stream from here on (§3)."""
        before, line = self.spool, self.line
        assert line is not None
        if before is not None and not before.away:
            raise StreamError("policy-violation", "enabled already", reason="acks.enabled")
        self._settled()
        settings = self._settings()
        seconds = seconds_wanted(nonza, settings.spool_seconds)
        id_ = secrets.token_urlsafe(18) if seconds else ""
        line.write(enabled(id_, seconds))
        self.spool = self._new_spool(id_, seconds)
        self.spool.begin(line.write, before)

    def _new_spool(self, id_: str, seconds: float) -> Spool:
        return Spool(
            self._router, self._clock, self._settings, self.pending, self._durable, id_, seconds
        )

    def _resume(self, nonza: Nonza) -> None:
        """Go on with the stream that it had (§5)."""
        spool, line = self.spool, self.line
        assert line is not None
        if spool is None or not spool.away or nonza.attrs.get("previd") != spool.id:
            line.write(failed("item-not-found"))
            return
        self._acknowledged(nonza)
        self._settled()
        line.write(resumed(spool.id, spool.inbox.handled))
        spool.resume(line.write)

    def _request(self, nonza: Nonza) -> None:
        self._managed().acknowledge()

    def _acknowledged(self, nonza: Nonza) -> None:
        try:
            self._managed().acknowledged(count(nonza))
        except TooHighError as error:
            raise too_high(error) from error

    def _managed(self) -> Spool:
        if self.spool is None:
            raise StreamError("unsupported-stanza-type", "enable it first", reason="stream.element")
        return self.spool


_NONZAS: dict[str, Callable[[Instance, Nonza], None]] = {
    f"{ns.STREAM_MANAGEMENT} enable": Instance._enable,
    f"{ns.STREAM_MANAGEMENT} resume": Instance._resume,
    f"{ns.STREAM_MANAGEMENT} r": Instance._request,
    f"{ns.STREAM_MANAGEMENT} a": Instance._acknowledged,
}
