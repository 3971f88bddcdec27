"""One process that serves a component's domain: what is sent to it, and what it is owed."""

from __future__ import annotations

import secrets
from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import Protocol

from twisted.internet.interfaces import IDelayedCall
from twisted.internet.task import deferLater

from xmppd import ns
from xmppd.config import Component as Settings
from xmppd.core.acknowledging import (
    all_handled,
    count,
    enabled,
    failed,
    resumed,
    seconds_wanted,
    too_high,
)
from xmppd.core.components.durable import DurableSpool
from xmppd.core.components.pending import Pending
from xmppd.core.components.server import Server
from xmppd.core.components.shares import SharedBacklog, Unsent
from xmppd.core.components.spool import Spool
from xmppd.core.holding import Holding
from xmppd.core.iq import as_stanza_error
from xmppd.errors import StanzaError, StreamError
from xmppd.jid import JID, JIDError
from xmppd.storage.components import Waiting
from xmppd.stream.acks import WRAP, TooHighError
from xmppd.wire import faults
from xmppd.wire.build import Tag
from xmppd.wire.stanza import Nonza, Stanza

SETTLING = 2.0
"""Seconds that a component which has come back may take to say whether it goes on with its stream
(XEP-0198 §5). What waits for it, and what comes meanwhile, is sent then."""

RETURN = 60.0
"""Seconds that what is held back waits for the next process of an instance that was drained."""

REMEMBERED = 100
"""Of how many streams that have ended it is known how much of them was handled."""

DRAIN_STEP = 0.1
"""Seconds between two looks at whether it has finished."""

_DRAINED = Tag("drained", ns=ns.INSTANCES).render()
"""Tells a component why its stream ends: it may end, too, for another to take over."""

_RESUME = f"{ns.STREAM_MANAGEMENT} resume"
_REQUESTS = frozenset({"get", "set"})
_ANSWERS = frozenset({"result", "error"})


class Ended:
    """How much was handled of streams of a domain that nobody can go on with any more (§5)."""

    __slots__ = ("_handled",)

    def __init__(self) -> None:
        self._handled: OrderedDict[str, int] = OrderedDict()

    def note(self, spool: Spool) -> None:
        """A stream has ended for good."""
        if spool.id:
            self._handled[spool.id] = spool.inbox.handled % WRAP
            if len(self._handled) > REMEMBERED:
                self._handled.popitem(last=False)

    def handled(self, id_: str) -> str | None:
        """How much it was, by the stream's SM-ID; None where that is unknown."""
        handled = self._handled.get(id_)
        return None if handled is None else str(handled)


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
        "_backlog",
        "_clock",
        "_durable",
        "_ended",
        "_expired",
        "_expiring",
        "_from_component",
        "_server",
        "_settings",
        "_settling",
        "_unsent",
        "domain",
        "holding",
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
        server: Server,
        durable: DurableSpool,
        ended: Ended,
        expired: Callable[[Instance], None],
    ) -> None:
        self.domain = domain
        self.name = name
        self._settings = settings
        self._server = server
        self._from_component = server.router.from_component
        self._clock = server.clock
        self._durable = durable
        self._ended = ended
        self._expired = expired
        self._expiring: IDelayedCall | None = None
        self._settling: IDelayedCall | None = None
        self._backlog: SharedBacklog | None = None
        """What is held back while it is being drained, and until the next one is there."""
        self.holding = Holding()
        """The clients that are read more slowly on its account, while it takes what it is sent more
        slowly than that comes."""
        self._unsent = Unsent(server.router.routes)
        """Whose is what it has not taken, where that is all that is known of it."""
        self.line: Line | None = None
        self.since = 0.0
        """When it connected, in seconds UTC since 1970."""
        self.pending = Pending(self._answer, server.clock, server.router.routes)
        self.spool: Spool | None = None
        self.sent = self.received = 0
        """Stanzas to it and from it."""

    @property
    def waiting(self) -> int:
        """How many stanzas wait for it: unacknowledged, or unsent while it is away."""
        return sum(len(each) for each in (self.spool, self._backlog) if each is not None)

    @property
    def octets(self) -> int:
        """How many octets wait for it in memory."""
        unsent = self.line.unsent() if self.line is not None else 0
        return unsent + sum(each.octets for each in (self.spool, self._backlog) if each is not None)

    # ------------------------------------------------------------------ the data path

    def deliver(self, stanza: Stanza, key: str | None = None, *, own: bool = False) -> None:
        """Send it a stanza; raises StanzaError where it can't be, or not be kept for later.

        `key` is by what it was chosen, where it is one of several instances. `own` says that it
        concerns this process, and none that takes over from it.
        """
        if self._backlog is not None and not own:
            self._backlog.keep(stanza, key)
            return
        line, spool = self.line, self.spool
        request = stanza.kind == "iq" and stanza.attrs.get("type") in _REQUESTS
        if line is None and (spool is None or request):
            raise StanzaError("service-unavailable", reason="component.absent", type="wait")
        crowd = self.pending.room_for(stanza) if request else ""
        if self.holding.active and line is not None:
            self._slow_down(stanza, line)
        if spool is not None:
            spool.deliver(stanza)
        elif line is not None:
            data = stanza.render_in(ns.COMPONENT)
            if self.holding.active:
                most = self._settings().queue_octets
                self._unsent.write(stanza, len(data), line.unsent(), most)
            line.write(data)
        if request:
            self.pending.add(stanza, crowd)
        self.sent += 1

    def take(self, stanza: Stanza) -> None:
        """Take a stanza that it has sent; raises StreamError for an address that is not its own."""
        self.received += 1
        if self._settling is not None:
            self._settle()
        spool = self.spool
        if stanza.kind == "iq" and stanza.attrs.get("type") in _ANSWERS and not self._owes(stanza):
            if spool is not None:
                spool.inbox.take(None)
            return
        if spool is None:
            self._from_component(self.domain, stanza)
        else:
            spool.take(self.domain, stanza)

    def _owes(self, answer: Stanza) -> bool:
        """Whether an IQ result or error is one that somebody waits for.

        What comes after he has been answered by an error, since it was away or too late, would be
        a second answer (RFC 6120 §8.2.3, rule 3).
        """
        attrs = answer.attrs
        try:
            to, sender = JID.parse(attrs.get("to", "")), JID.parse(attrs.get("from", self.domain))
        except JIDError:
            return True  # that is for others to refuse
        if sender.domain != self.domain:
            return True
        try:
            answer.translated(ns.CLIENT)
        except StanzaError as error:  # it can't be passed on: he is told so in its place
            return not self.pending.refuse((to, answer.id, sender), error)
        if self.pending.answered((to, answer.id, sender)):
            return True
        self._server.router.refusals.note("component.unasked", sender, to)
        return False

    def _answer(self, request: Stanza, error: BaseException) -> None:
        """Answer a request in its place.

        What the server itself would have liked to know was refused to nobody: it is not noted.
        """
        router = self._server.router
        if request.type == "get" and request.sender in router.domains:
            self._server.requests.answered(faults.stanza_error(request, as_stanza_error(error)))
        else:
            router.bounce(request, error)

    def _slow_down(self, stanza: Stanza, line: Line) -> None:
        """Read the client that has sent it more slowly; refuse it when there is no room left."""
        if line.unsent() > self._settings().queue_octets:
            raise StanzaError("resource-constraint", reason="component.queue")
        sender = stanza.sender
        session = self._server.directory.get(sender) if sender is not None else None
        if session is not None:
            self.holding.hold(session)

    def clogged(self) -> None:
        """It takes what it is sent more slowly than that comes."""
        self.holding.begin()

    def unclogged(self) -> None:
        """It has caught up, or is gone."""
        self.holding.end()
        self._unsent.clear()

    # ------------------------------------------------------------------ here and away

    def connect(self, line: Line, *, knows_more: bool) -> None:
        """It has come, or come back, by a connection.

        `knows_more` says that it may ask for stream management, which decides what becomes of what
        waits for it.
        """
        self.line = line
        self.since = self._clock.seconds()
        self._no_expiring()
        if self.spool is not None or self._backlog is not None:
            self._settling = self._clock.callLater(SETTLING, self._settle)
            if not knows_more:
                self._settle()

    def _settle(self) -> None:
        """It does not go on with the stream that it had."""
        self._no_settling()
        spool, line = self.spool, self.line
        if spool is not None and line is not None and spool.away:
            self.spool = None
            self._ended.note(spool)
            spool.let_out(line.write)
        self._give_back()

    def _no_settling(self) -> None:
        if self._settling is not None:
            if self._settling.active():
                self._settling.cancel()
            self._settling = None

    def _give_back(self) -> None:
        """What was held back goes its way, to whoever is there or is not."""
        backlog, self._backlog = self._backlog, None
        for stanza, key in () if backlog is None else backlog.take():
            try:
                self.deliver(stanza, key)
            except Exception as error:  # noqa: BLE001 - its sender is told
                self._server.router.bounce(stanza, error)

    def hand_over(self, route: Callable[[Stanza, str | None], None]) -> None:
        """It does not come back, and others are there: they get what waits for it, in order.

        `route` takes a stanza to whoever serves an address by now; it never raises.
        """
        self._no_expiring()
        spool, backlog = self.spool, self._backlog
        self.spool = self._backlog = None
        if spool is not None:
            self._ended.note(spool)
            spool.hand_over()
        for stanza, key in () if backlog is None else backlog.take():
            route(stanza, key)

    def disconnect(self) -> bool:
        """The connection is lost; whether it is expected back.

        Whoever waits for an answer gets one.
        """
        self.line = None
        self._no_settling()
        self.unclogged()
        self.pending.give_up("component.gone")
        spool = self.spool
        if spool is not None and spool.seconds:
            spool.leave()
            self._expiring = self._clock.callLater(spool.seconds, self._expire)
        else:
            self._give_up_spool("component.gone")
        if self._backlog is not None and self._expiring is None:
            self._expiring = self._clock.callLater(RETURN, self._expire)
        return self._expiring is not None

    def restore(self, waiting: Iterable[Waiting]) -> None:
        """Wait for it with what was in the store when the server was started."""
        settings = self._settings()
        spool = self.spool = self._new_spool("", settings.spool_seconds)
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
        self._no_expiring()
        self._give_up_spool(reason)
        self._give_back()

    def _give_up_spool(self, reason: str) -> None:
        spool, self.spool = self.spool, None
        if spool is not None:
            self._ended.note(spool)
            spool.give_up(reason)

    def _no_expiring(self) -> None:
        if self._expiring is not None:
            self._expiring.cancel()
            self._expiring = None

    # ------------------------------------------------------------------ draining

    async def drain(self, seconds: float) -> int:
        """Have it finish what it has begun, and end its connection: its next process takes over.

        What comes meanwhile is held back, and goes to whoever connects next. Gives how many
        requests it has not answered, or stanzas not acknowledged, within so many seconds.
        """
        settings, deadline = self._settings(), self._clock.seconds() + seconds
        if self._backlog is None:
            self._backlog = SharedBacklog(settings.spool_octets, self._server.router.routes)
        while self.line is not None and self._unfinished and self._clock.seconds() < deadline:
            await deferLater(self._clock, DRAIN_STEP)
        unfinished = self._unfinished
        if self.line is not None:
            error = StreamError("system-shutdown", reason="component.drained", extra=_DRAINED)
            self.line.end(error)
        return unfinished

    @property
    def _unfinished(self) -> int:
        return len(self.pending) + (len(self.spool) if self.spool is not None else 0)

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
        self._no_settling()
        settings = self._settings()
        seconds = seconds_wanted(nonza, settings.spool_seconds)
        id_ = secrets.token_urlsafe(18) if seconds else ""
        line.write(enabled(id_, seconds))
        if before is not None:
            self._ended.note(before)
        self.spool = self._new_spool(id_, seconds)
        self.spool.begin(line.write, before)
        self._give_back()

    def _new_spool(self, id_: str, seconds: float) -> Spool:
        return Spool(
            self._server.router,
            self._clock,
            self._settings,
            self.pending,
            self._durable,
            id_,
            seconds,
        )

    @property
    def resumable(self) -> bool:
        """Whether it has a stream that it may go on with by another connection."""
        return self.spool is not None and bool(self.spool.id)

    def is_resumed_by(self, nonza: Nonza) -> bool:
        """Whether an element asks to go on with the stream that it has."""
        spool = self.spool
        if nonza.name != _RESUME or spool is None or not spool.id:
            return False
        return nonza.attrs.get("previd") == spool.id

    def _resume(self, nonza: Nonza) -> None:
        """Go on with the stream that it had (§5), once what it has sent is in safe hands.

        Else it would send that once more, and its recipients would have it twice.
        """
        spool, line = self.spool, self.line
        assert line is not None
        if spool is None or not spool.away or not self.is_resumed_by(nonza):
            line.write(failed("item-not-found", self._ended.handled(nonza.attrs.get("previd", ""))))
            return
        self._acknowledged(nonza)
        self._no_settling()
        all_handled(spool.inbox).addCallback(lambda _: self._go_on(spool, line))

    def _go_on(self, spool: Spool, line: Line) -> None:
        """Tell it so, unless it has left meanwhile, or begun anew."""
        if self.spool is spool and self.line is line and spool.away:
            line.write(resumed(spool.id, spool.inbox.handled))
            spool.resume(line.write)
            self._give_back()

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
    _RESUME: Instance._resume,
    f"{ns.STREAM_MANAGEMENT} r": Instance._request,
    f"{ns.STREAM_MANAGEMENT} a": Instance._acknowledged,
}
