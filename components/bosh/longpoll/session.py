"""A BOSH session: requests brought into their order, and answered in it (XEP-0124 §8 to §17).

Rule 1: what is asked is acted on in the order of request ids, and answered in it.
Rule 2: nothing is answered from within what a stream tells us: it is put into the outbox, and goes
out when the turn ends, joined with what else came in it.
Rule 3: an answer is kept until the client must have it; a request that comes again gets that.
Rule 4: there is one timer, never later than what it is for, and it is not touched by requests.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Final, Protocol

from twisted.internet.interfaces import IDelayedCall, IReactorTime

from components.bosh.http.request import Exchange, Peer, Response
from components.bosh.longpoll import body as bodies
from components.bosh.longpoll.body import Body
from components.bosh.longpoll.compression import fit
from components.bosh.longpoll.entry import Entry
from components.bosh.longpoll.keys import expected_after
from components.bosh.longpoll.names import LANG, RESTART, VERSION
from components.bosh.longpoll.outbox import Outbox, Piece
from components.bosh.longpoll.refusal import LEGACY, Condition, Refused
from components.bosh.longpoll.strand import Strand
from components.bosh.longpoll.terms import Limits, Terms, true, whole

REPORT_SECONDS: Final = 1.0
"""How long ago an answer was sent that the client is asked about when it has not come (§9.2)."""
JITTER_SECONDS: Final = 0.5
"""How much sooner than it may a client's request may arrive: it can't know how long it takes."""
MOST_REPEATS: Final = 50
"""How often in a row requests may be repeated (§14.3)."""
MOST_FORMER: Final = 8
"""How many streams of a session that are over are remembered (§16.4)."""
_SOON: Final = 0.001
"""Seconds by which a timer may be early."""


class Home(Protocol):
    """What all sessions share."""

    clock: IReactorTime
    limits: Limits

    def due(self, session: Session) -> None:
        """Have the session's `flush` called when the turn ends."""

    def count(self, reason: str) -> None:
        """Something was refused, or ended."""

    def forget(self, session: Session) -> None:
        """The session is no more."""

    def strand(self, session: Session, header: Mapping[str, str]) -> Strand:
        """A stream for a session."""


class Session:
    """One session. `greeting` are the attributes of the answer to the request that made it."""

    __slots__ = (
        "_answered",
        "_early",
        "_emptied",
        "_ending",
        "_farewell",
        "_former",
        "_greeting",
        "_home",
        "_key",
        "_last",
        "_mark",
        "_patience",
        "_pending",
        "_previous",
        "_prompt",
        "_quiet",
        "_repeats",
        "_report",
        "_said_nothing",
        "_status",
        "_strands",
        "_terms",
        "_timer",
        "address",
        "is_due",
        "local",
        "outbox",
        "secure",
        "sid",
    )

    def __init__(
        self,
        home: Home,
        sid: bytes,
        terms: Terms,
        greeting: dict[str, str],
        peer: Peer,
    ) -> None:
        self._home = home
        self.sid = sid
        """By what the session is found: not what the client is told."""
        self.address = peer.address
        self.secure = peer.secure
        self.local = peer.local
        self._terms = terms
        self._greeting: dict[str, str] | None = greeting
        self.outbox = Outbox()
        self.is_due = False
        self._strands: dict[str, Strand] = {}
        self._former: list[str] | None = None
        """Names of streams that were closed."""

        self._last = 0
        """The highest id up to which all requests have come."""
        self._pending: list[Entry] = []
        """Those of them that have no answer."""
        self._answered: list[Entry] = []
        """Those whose answers may have to be repeated."""
        self._early: dict[int, tuple[Entry, Body]] | None = None
        """Requests behind one that is missing."""
        self._mark = 0
        """How much of the outbox the client is known to have."""
        self._key = ""
        self._repeats = 0

        now = home.clock.seconds()
        self._previous = now
        """When the last new request came,"""
        self._emptied = False
        """whether it was empty,"""
        self._said_nothing = False
        """and whether the last answer was."""
        self._quiet = now
        """When the client was last known to be there."""
        self._patience = float(terms.inactivity)
        """How long it may stay away."""
        self._prompt = False
        """Whether the next answer is to go out though there is nothing to say."""
        self._report: tuple[int, int] | None = None
        self._ending = False
        """Whether the session is over; the client may not know yet."""
        self._farewell: dict[str, str] | None = None
        """What everybody is told, once the client had the last of the outbox."""
        self._status = 200
        self._timer: IDelayedCall | None = None

    # ------------------------------------------------------------------ what is asked

    def begin(self, exchange: Exchange, body: Body, digest: bytes) -> None:
        """The request that made the session."""
        attrs = body.attrs
        self._last = whole(attrs.get("rid"))
        self._key = expected_after("", attrs)
        now = self._home.clock.seconds()
        self._pending.append(Entry(self, self._last, digest, exchange, now))
        self._arm(now)
        strand = self._open_strand(attrs)
        if body.content:
            strand.say(body.content, self._home.limits.queue_octets)
        self._respond(now)

    def receive(self, exchange: Exchange, body: Body, digest: bytes) -> None:
        """A request, whichever it is; a new one, one that was missing, one that comes again."""
        try:
            now = self._home.clock.seconds()
            rid = whole(body.attrs.get("rid"))
            if rid == self._last + 1:
                entry = Entry(self, rid, digest, exchange, now)
                self._enter(entry, body, now)
                if self._early:
                    self._enter_early(now)
            elif rid <= self._last:
                self._repeat(rid, digest, exchange, now)
            else:
                self._keep_early(rid, digest, exchange, body, now)
        except Refused as refused:
            exchange.on_gone = None
            self.fail(refused, exchange)

    def _enter(self, entry: Entry, body: Body, now: float) -> None:
        """A request whose turn has come."""
        attrs = body.attrs
        if self._key or "newkey" in attrs:
            self._key = expected_after(self._key, attrs)
        leaving = attrs.get("type") == "terminate"
        away = "pause" in attrs
        self._repeats = 0
        self._last = entry.rid
        self._confirm(entry.rid, attrs, leaving or away, now)
        if self._ending:
            if self._farewell is not None:
                raise Refused("item-not-found", "bosh.unknown-sid")
            self._pending.append(entry)
            self._respond(now)
            return
        restart = RESTART in attrs and true(attrs[RESTART])
        adding = "to" in attrs and not restart and not body.content
        self._pace(now, calm=leaving or away, empty=not (body.content or restart or adding))
        self._patience = float(self._terms.inactivity)
        if restart:
            self._restart(attrs)
        elif body.content:
            self._say(attrs.get("stream"), body.content)
        self._pending.append(entry)
        if leaving:
            self._leave(entry, attrs, now)
        elif away:
            self._pause(entry, whole(attrs["pause"]), now)
        elif adding:
            self._add_strand(entry, attrs, now)
        self._respond(now)

    def _enter_early(self, now: float) -> None:
        """Requests that the one which has come now was missing for."""
        early = self._early
        while early and self._last + 1 in early:
            entry, body = early.pop(self._last + 1)
            try:
                self._enter(entry, body, now)
            except Refused as refused:
                self.fail(refused, entry.exchange)
                return
        self._early = early or None

    def _keep_early(
        self, rid: int, digest: bytes, exchange: Exchange, body: Body, now: float
    ) -> None:
        """A request behind one that is missing (§14.2)."""
        calm = "pause" in body.attrs or body.attrs.get("type") == "terminate"
        most = self._terms.requests + calm
        if rid > self._last + most:
            raise Refused("item-not-found", "bosh.unknown-rid")
        if self._early is None:
            self._early = {}
        if rid in self._early:
            self._again(self._early[rid][0], digest, exchange, now)
            return
        if len(self._pending) + len(self._early) + 1 > most:
            raise Refused("policy-violation", "bosh.requests")
        self._quiet = now
        self._early[rid] = Entry(self, rid, digest, exchange, now), body

    def _repeat(self, rid: int, digest: bytes, exchange: Exchange, now: float) -> None:
        """A request that has come before (§14.3)."""
        for entry in self._pending:
            if entry.rid == rid:
                self._again(entry, digest, exchange, now)
                self._respond(now)
                return
        for entry in self._answered:
            if entry.rid == rid and entry.response is not None:
                self._check_repeat(entry, digest)
                self._quiet = now
                exchange.answer(fit(entry.response, exchange.request))
                return
        raise Refused("item-not-found", "bosh.unknown-rid")

    def _again(self, entry: Entry, digest: bytes, exchange: Exchange, now: float) -> None:
        """A request comes again that has no answer yet: it is the newer one that gets it."""
        self._check_repeat(entry, digest)
        self._quiet = now
        old = entry.repeated(exchange, now)
        if old is not None:
            old.on_gone = None
            old.answer(Response(200, self._terms.headers, bodies.RECOVERABLE))

    def _check_repeat(self, entry: Entry, digest: bytes) -> None:
        if entry.digest != digest:
            raise Refused("item-not-found", "bosh.other-body")
        self._repeats += 1
        if self._repeats > MOST_REPEATS:
            raise Refused("policy-violation", "bosh.repeats")

    # ------------------------------------------------------------------ what a request means

    def _confirm(self, rid: int, attrs: Mapping[str, str], extra: bool, now: float) -> None:
        """What the client tells by a new request: which answers it has (§9.2, §14.3)."""
        answered = self._answered
        if not answered:
            return
        # No client has more requests without an answer than it may, but one to end or to pause.
        upto = rid - self._terms.requests - extra
        # It has this, too, unless its request and our answer met on their way. Who only wants to
        # know how much may be said to it may go by that.
        mark = answered[-1].mark
        if self._terms.acks:
            ack = whole(attrs["ack"]) if "ack" in attrs else rid - 1
            if ack < answered[-1].rid:
                mark = 0
                self._find_missing(ack + 1, now)
            upto = max(upto, ack)
        while answered and answered[0].rid <= upto:
            mark = max(mark, answered.pop(0).mark)
        if mark > self._mark:
            self._mark = mark
            self.outbox.confirm(mark)

    def _find_missing(self, rid: int, now: float) -> None:
        """Report an answer that the client should have had for a while (§9.2)."""
        for entry in self._answered:
            if entry.rid == rid and now - entry.at >= REPORT_SECONDS:
                self._report = rid, int((now - entry.at) * 1000)
                self._prompt = True

    def _pace(self, now: float, *, calm: bool, empty: bool) -> None:
        """Refuse what comes too fast (§11, §12)."""
        terms = self._terms
        if not calm:
            open_ = len(self._pending) + len(self._early or ()) + 1
            soon = now - self._previous < terms.polling - JITTER_SECONDS
            if open_ > terms.requests:
                raise Refused("policy-violation", "bosh.requests")
            if empty and soon:
                again = self._emptied and self._said_nothing
                if again if terms.polls else open_ == terms.requests:
                    raise Refused("policy-violation", "bosh.frequent")
        self._previous = now
        self._emptied = empty and not calm

    def _say(self, name: str | None, content: str) -> None:
        """Elements for one stream, or for all (§16.4)."""
        room = self._home.limits.queue_octets
        for strand in self._meant(name):
            strand.say(content, room)

    def _meant(self, name: str | None) -> list[Strand]:
        """The streams that are meant by a `stream`; raises `Refused` for one that never was."""
        if name is None:
            return list(self._strands.values())
        if name in self._strands:
            return [self._strands[name]]
        if self._former and name in self._former:
            return []
        raise Refused("item-not-found", "bosh.unknown-stream")

    def _restart(self, attrs: Mapping[str, str]) -> None:
        """Open a stream anew (XEP-0206 §5)."""
        given = _header(attrs)
        for strand in self._meant(attrs.get("stream")):
            strand.open({**strand.header, **given})

    def _pause(self, entry: Entry, seconds: int, now: float) -> None:
        """Answer everything: the client will be away (§10)."""
        if seconds > self._home.limits.maxpause:
            self._pending.remove(entry)
            raise Refused("policy-violation", "bosh.long-pause")
        self._answer_before(entry, now)
        self._answer(self._pending.pop(0), now, silent=True)
        self._patience = float(seconds)
        self._arm(now)

    def _leave(self, entry: Entry, attrs: Mapping[str, str], now: float) -> None:
        """The client closes a stream, or all (§13, §16.5)."""
        name = attrs.get("stream")
        strands = self._meant(name)
        if name is None or len(strands) == len(self._strands):
            for strand in self._strands.values():
                strand.close()
            self._strands.clear()
            if self.outbox.several:
                # One answer can't say what several streams have.
                self.outbox.clear()
            self._finish({"type": "terminate"}, {})
            return
        for strand in strands:
            strand.close()
            self._forget_strand(strand)
        self._answer_before(entry, now)
        told = {"type": "terminate", "stream": name}
        self._answer(self._pending.pop(0), now, silent=True, attrs=told)

    # ------------------------------------------------------------------ streams

    def _open_strand(self, attrs: Mapping[str, str]) -> Strand:
        header = _header(attrs)
        strand = self._home.strand(self, header)
        self._strands[strand.name] = strand
        if self._greeting is not None:
            self._greeting["stream"] = strand.name
        strand.open(header)
        return strand

    def _add_strand(self, entry: Entry, attrs: Mapping[str, str], now: float) -> None:
        """One stream more (§16.3). The answer to this very request tells its name."""
        self._answer_before(entry, now)
        self._pending.pop(0)
        if len(self._strands) >= self._home.limits.streams:
            self._home.count("bosh.streams")
            told = {"type": "terminate", "condition": "policy-violation"}
            # Of a stream that is over before it began: the session goes on (§16.6).
            told["stream"] = secrets.token_urlsafe(12)
        else:
            self.outbox.several = True
            told = {"stream": self._open_strand(attrs).name}
        self._answer(entry, now, silent=True, attrs=told)

    def _forget_strand(self, strand: Strand) -> None:
        self._strands.pop(strand.name, None)
        former = self._former = self._former or []
        former.append(strand.name)
        del former[:-MOST_FORMER]

    def spoken(self) -> None:
        """A stream has something to say (`strand.Home`)."""
        if not self.is_due:
            self.is_due = True
            self._home.due(self)

    def confirmed(self) -> int:
        """How much the client is known to have (`strand.Home`)."""
        return self._mark

    def eased(self) -> None:
        """A stream takes more (`strand.Home`): requests that were kept waiting are answered."""
        self.spoken()

    def over(self, strand: Strand, condition: Condition | None, content: bytes) -> None:
        """A stream is over (`strand.Home`): the session, too, if it was the last (§16.6)."""
        if self._ending:
            return
        self._forget_strand(strand)
        attrs = {"type": "terminate"}
        if condition:
            attrs["condition"] = condition
        declared = {"xmlns:stream": bodies.DECLARED["xmlns:stream"]} if content else {}
        if self._strands:
            told = {**attrs, **declared, "stream": strand.name}
            self.outbox.put(Piece(strand.name, content, told, last=True))
            self.spoken()
        else:
            self._finish(attrs, declared, content)

    # ------------------------------------------------------------------ the end

    def _finish(
        self, attrs: dict[str, str], declared: Mapping[str, str], content: bytes = b""
    ) -> None:
        """The session is over; the client is told when it has had all before."""
        self._ending = True
        self.outbox.put(Piece("", content, {**attrs, **declared}, last=True))
        self._patience = float(min(self._terms.inactivity, self._home.limits.linger))
        if self._terms.legacy:
            self._status = LEGACY.get(attrs.get("condition", ""), 200)
        self.spoken()
        self._arm(self._home.clock.seconds())

    def shut(self, condition: Condition) -> None:
        """The session is over, since the gateway or the server is (§17.2)."""
        if not self._ending:
            for strand in self._strands.values():
                strand.lose()
            self._strands.clear()
            self._finish({"type": "terminate", "condition": condition}, {})

    def fail(self, refused: Refused, exchange: Exchange | None) -> None:
        """The session is over at once: a request, by `exchange`, was wrong (§17.2)."""
        self._home.count(refused.reason)
        told = terminal(refused, self._terms)
        other = terminal(Refused("other-request", refused.reason), self._terms)
        for entry in self._open():
            waiting, entry.exchange = entry.exchange, None
            if waiting is not None and waiting is not exchange:
                waiting.on_gone = None
                # Nobody caused what is nobody's request.
                waiting.answer(told if exchange is None else other)
        if exchange is not None:
            exchange.answer(told)
        self.drop()

    def drop(self) -> None:
        """Be no more; the streams wait for their client, who may come back (XEP-0198)."""
        self._ending = True
        strands, self._strands = self._strands, {}
        for strand in strands.values():
            strand.lose()
        self._pending.clear()
        self._answered.clear()
        self._early = None
        self.outbox.clear()
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._timer = None
        self._home.forget(self)

    def _open(self) -> list[Entry]:
        """All requests that have no answer."""
        return [*self._pending, *(entry for entry, _ in (self._early or {}).values())]

    # ------------------------------------------------------------------ answers

    def flush(self) -> None:
        """Say what came in a turn that has ended."""
        self.is_due = False
        self._respond(self._home.clock.seconds())
        if self.outbox.octets > self._home.limits.queue_octets:
            self.fail(Refused("policy-violation", "bosh.queue"), None)

    def _respond(self, now: float) -> None:
        """Answer what is to be answered now, the oldest first."""
        pending = self._pending
        if not pending:
            return
        hold = self._terms.hold
        if any(strand.waits for strand in self._strands.values()):
            # Who has no answer says nothing more.
            hold = self._terms.requests
        while pending:
            first = pending[0]
            if first.exchange is None:
                if len(pending) == 1:
                    return
                # The client will ask for this again; it does not matter which answer says what.
                self._answer(pending.pop(0), now, silent=True)
            elif self.outbox or self._prompt or self._farewell is not None or len(pending) > hold:
                self._answer(pending.pop(0), now)
            else:
                return

    def _answer_before(self, entry: Entry, now: float) -> None:
        """Answer all requests before this one."""
        pending = self._pending
        while pending[0] is not entry:
            first = pending.pop(0)
            self._answer(first, now, silent=first.exchange is None)

    def _answer(
        self, entry: Entry, now: float, *, silent: bool = False, attrs: Mapping[str, str] = {}
    ) -> None:
        """Give a request its answer: `silent` without anything of the outbox."""
        response = entry.response = self._response(entry.rid, attrs, silent)
        entry.at = self._quiet = now
        entry.mark = self.outbox.said
        self._answered.append(entry)
        exchange, entry.exchange = entry.exchange, None
        if exchange is not None:
            exchange.on_gone = None
            exchange.answer(fit(response, exchange.request))

    def _response(self, rid: int, attrs: Mapping[str, str], silent: bool) -> Response:
        shown = dict(attrs)
        if self._greeting is not None:
            shown.update(self._greeting)
            self._greeting = None
        elif self._terms.acks and self._last != rid:
            shown["ack"] = str(self._last)
        if self._report is not None:
            shown["report"], shown["time"] = map(str, self._report)
            self._report = None
        self._prompt = False
        content = b""
        status = 200
        if self._farewell is not None:
            shown.update(self._farewell)
            status = self._status
        elif not silent and self.outbox:
            content = self.outbox.take(shown, whole=self._ending)
            if self._ending and not self.outbox:
                status = self._status
                # The client's own end is told once, and that of anything else to all (§13).
                condition = shown.get("condition")
                told = {"type": "terminate", "condition": condition} if condition else {}
                self._farewell = {key: value for key, value in told.items() if value}
        self._said_nothing = not content
        if not shown and not content:
            return Response(status, self._terms.headers, bodies.EMPTY)
        return Response(status, self._terms.headers, bodies.written(shown, content))

    def missed(self) -> None:
        """A client is gone that waited for an answer (`entry.Owner`)."""
        self._quiet = self._home.clock.seconds()

    # ------------------------------------------------------------------ time

    def _arm(self, now: float) -> None:
        """Have the timer be no later than what may be due next.

        A request that comes meanwhile has its answer due `wait` from then, not before.
        """
        terms = self._terms
        waiting = [entry.since for entry in self._open() if entry.exchange is not None]
        due = now + self._patience
        if terms.wait:
            due = min(due, min(waiting, default=now) + terms.wait)
        if not waiting:
            due = min(due, self._quiet + self._patience)
        seconds = max(due - now, 0.0)
        timer = self._timer
        if timer is None or not timer.active():
            self._timer = self._home.clock.callLater(seconds, self._wake)
        elif timer.getTime() > due:
            timer.reset(seconds)

    def _wake(self) -> None:
        now = self._home.clock.seconds()
        self._timer = None
        self._tell_early(now)
        while self._has_waited(now):
            first = self._pending.pop(0)
            self._answer(first, now, silent=first.exchange is None)
        away = not any(entry.exchange for entry in self._pending)
        if away and now > self._quiet + self._patience - _SOON:
            self._expire()
        else:
            self._arm(now)

    def _has_waited(self, now: float) -> bool:
        """Whether a request has waited as long as it may, and those before it with it."""
        latest = now - self._terms.wait + _SOON
        return any(entry.exchange and entry.since < latest for entry in self._pending)

    def _tell_early(self, now: float) -> None:
        """Have a client repeat what we miss (§17.3): its newer requests wait for that."""
        for entry, _ in (self._early or {}).values():
            exchange = entry.exchange
            if exchange is not None and now > entry.since + self._terms.wait - _SOON:
                entry.exchange = exchange.on_gone = None
                exchange.answer(Response(200, self._terms.headers, bodies.RECOVERABLE))

    def _expire(self) -> None:
        """The client is not there any more (§10). Requests behind a missing one learn of it."""
        if self._ending:
            self.drop()
        else:
            self.fail(Refused("item-not-found", "bosh.inactive"), None)


def _header(attrs: Mapping[str, str]) -> dict[str, str]:
    """What a request gives of a stream header (XEP-0206 §3)."""
    names = (("to", "to"), ("from", "from"), ("version", VERSION), ("xml:lang", LANG))
    return {name: attrs[spelled] for name, spelled in names if spelled in attrs}


def terminal(refused: Refused, terms: Terms) -> Response:
    """The answer to a request that is refused, with its session or before it has one (§17)."""
    body = bodies.written({"type": "terminate", "condition": refused.condition}, refused.content)
    status = LEGACY.get(refused.condition, 200) if terms.legacy else 200
    return Response(status, terms.headers, body)
