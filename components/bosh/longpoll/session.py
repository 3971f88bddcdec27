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

from twisted.internet.interfaces import IReactorTime

from components.bosh.http.request import Exchange, Peer, Response
from components.bosh.longpoll.answers import REPORT_SECONDS, Answers, terminal
from components.bosh.longpoll.body import DECLARED, RECOVERABLE, Body
from components.bosh.longpoll.compression import fit
from components.bosh.longpoll.entry import Entry
from components.bosh.longpoll.keys import expected_after
from components.bosh.longpoll.names import RESTART
from components.bosh.longpoll.outbox import NONE, Outbox, Piece
from components.bosh.longpoll.pace import Pace
from components.bosh.longpoll.refusal import Condition, Refused
from components.bosh.longpoll.strand import Strand
from components.bosh.longpoll.strands import Strands, header
from components.bosh.longpoll.terms import Limits, Terms, true, whole
from components.bosh.longpoll.window import Watch, Window

LEFT_SECONDS: Final = 10.0
"""How long a session is known that its client has ended."""
NOTICE_SECONDS: Final = 1.0
"""How much later than by a new request it may be heard that the connection of an older one is gone:
a page that is loaded anew breaks one off and asks by another, and proxies are slow to tell."""
_SOON: Final = 0.001
"""Seconds by which a timer may be early."""


class Home(Protocol):
    """What all sessions share."""

    clock: IReactorTime
    limits: Limits

    def due(self, session: Session) -> None:
        """Have the session's `flush` called when the turn ends."""

    def count(self, session: Session, reason: str) -> None:
        """Something was refused, or ended."""

    def forget(self, session: Session) -> None:
        """The session is no more."""

    def holds(self, more: int) -> None:
        """A session holds so many octets more than it did, or less. It may be ended by this."""

    def strand(self, session: Session, header: Mapping[str, str]) -> Strand:
        """A stream for a session."""


class Session:
    """One session. `greeting` are the attributes of the answer to the request that made it."""

    __slots__ = (
        "_answers",
        "_ending",
        "_hasty",
        "_home",
        "_key",
        "_mark",
        "_pace",
        "_patience",
        "_quiet",
        "_strands",
        "_terms",
        "_watch",
        "_window",
        "address",
        "held",
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
        self.sid = sid
        """By what the session is found: not what the client is told."""
        self.address = peer.address
        self.secure = peer.secure
        self.local = peer.local
        self._home = home
        self._terms = terms
        self._answers = Answers(terms, greeting)
        self.outbox: Outbox = self._answers.outbox
        self.is_due = False
        self.held = 0
        """How many octets are held for the client, as far as they are counted."""
        self._strands = Strands()
        self._window = Window()
        now = home.clock.seconds()
        self._pace = Pace(now)
        self._watch = Watch(home.clock, self._wake)
        self._key = ""
        """What the next request's key has to hash to."""
        self._mark = 0
        """How much of the outbox the client is known to have."""
        self._quiet = now
        """When the client was last known to be there,"""
        self._patience = float(terms.inactivity)
        """and how long it may stay away."""
        self._ending = False
        """Whether the session is over; the client may not know yet."""
        self._hasty = 0.0
        """When the last request will have come too soon (§11), 0 if it has not."""

    # ------------------------------------------------------------------ what is asked

    def begin(self, exchange: Exchange, body: Body, digest: bytes) -> None:
        """The request that made the session."""
        attrs = body.attrs
        rid = whole(attrs.get("rid"))
        self._key = expected_after("", attrs)
        now = self._home.clock.seconds()
        self._window.enter(rid)
        self._window.pending.append(Entry(self, rid, digest, exchange, now))
        self._arm(now)
        strand = self._open_strand(attrs)
        if body.content:
            strand.say(body.content, self._home.limits.unsaid_octets)
        self._respond(now)
        self._weigh()

    def receive(self, exchange: Exchange, body: Body, digest: bytes) -> None:
        """A request, whichever it is: a new one, one that was missing, one that comes again."""
        window = self._window
        try:
            now = self._home.clock.seconds()
            rid = whole(body.attrs.get("rid"))
            if rid == window.last + 1:
                self._enter(Entry(self, rid, digest, exchange, now), body, now)
                self._enter_early(now)
                return
            self._quiet = now
            entry = window.repeated(rid, digest)
            if entry is None:
                most = self._terms.requests + _is_extra(body.attrs)
                if not window.keep(Entry(self, rid, digest, exchange, now), body, most):
                    self._recover(exchange)
            elif entry.response is not None:
                exchange.answer(fit(entry.response, exchange.request))
            else:
                self._again(entry, exchange, now)
        except Refused as refused:
            self.fail(refused, exchange)
        finally:
            self._weigh()

    def _enter_early(self, now: float) -> None:
        """The requests that the one which has come now was missing for."""
        while (kept := self._window.next_early()) is not None:
            entry, body = kept
            try:
                self._enter(entry, body, now)
            except Refused as refused:
                self.fail(refused, entry.exchange)

    def _enter(self, entry: Entry, body: Body, now: float) -> None:
        """A request whose turn has come."""
        attrs = body.attrs
        if self._key or "newkey" in attrs:
            self._key = expected_after(self._key, attrs)
        extra = _is_extra(attrs)
        window = self._window
        window.enter(entry.rid)
        self._confirm(entry.rid, attrs, extra, now)
        if self._ending:
            self._enter_behind_the_end(entry, now)
            return
        restart = RESTART in attrs and true(attrs[RESTART])
        adding = "to" in attrs and not restart and not body.content
        hasty = False
        if extra:
            self._pace.excuse(now)
        else:
            empty = not (body.content or restart or adding)
            hasty = self._pace.check(entry.at, self._terms, window, empty=empty)
        self._patience = float(self._terms.inactivity)
        if restart:
            self._restart(attrs)
        elif body.content:
            self._say(attrs.get("stream"), body.content)
        window.pending.append(entry)
        if hasty:
            self._hasty = now + NOTICE_SECONDS
            self._arm(now)
        if extra:
            self._go(entry, attrs, now)
        elif adding:
            self._add_strand(entry, attrs, now)
        self._respond(now)

    def _enter_behind_the_end(self, entry: Entry, now: float) -> None:
        """A request of who may not know that the session is over."""
        if self._answers.is_over:
            raise Refused("item-not-found", "bosh.unknown-sid")
        self._window.pending.append(entry)
        self._respond(now)

    def _again(self, entry: Entry, exchange: Exchange, now: float) -> None:
        """A request comes again that has no answer yet: the newer one is to have it (§14.3)."""
        if entry.rid < self._window.last:
            self._hasty = 0.0
        old = entry.repeated(exchange, now)
        if old is not None:
            self._recover(old)
        self._respond(now)

    def _recover(self, exchange: Exchange) -> None:
        """Have a request repeated, or say that it was (§17.3)."""
        exchange.on_gone = None
        exchange.answer(Response(200, self._terms.headers, RECOVERABLE))

    # ------------------------------------------------------------------ what a request means

    def _confirm(self, rid: int, attrs: Mapping[str, str], extra: bool, now: float) -> None:
        """What the client tells by a new request: which answers it has (§9.2, §14.3)."""
        answered = self._window.answered
        if not answered:
            return
        # No client has more requests without an answer than it may, but one to end or to pause.
        upto = rid - self._terms.requests - extra
        # It has this, too, unless its request and our answer met on their way. The server wants
        # to know how much more it may say, and can go by that.
        mark = answered[-1].mark
        if self._terms.acks:
            ack = whole(attrs["ack"]) if "ack" in attrs else rid - 1
            if ack < answered[-1].rid:
                mark = 0
                self._report(ack + 1, now)
            upto = max(upto, ack)
        mark = max(mark, self._window.forget(upto))
        if mark > self._mark:
            self._mark = mark
            self.outbox.confirm(mark)

    def _report(self, rid: int, now: float) -> None:
        """Tell of an answer that the client should have had for a while (§9.2)."""
        for entry in self._window.answered:
            if entry.rid == rid and now - entry.at >= REPORT_SECONDS:
                self._answers.report = rid, int((now - entry.at) * 1000)

    def _say(self, name: str | None, content: str) -> None:
        for strand in self._strands.meant(name):
            strand.say(content, self._home.limits.unsaid_octets)

    def _restart(self, attrs: Mapping[str, str]) -> None:
        """Open a stream anew (XEP-0206 §5)."""
        given = header(attrs)
        for strand in self._strands.meant(attrs.get("stream")):
            strand.open({**strand.header, **given}, self._home.limits.unsaid_octets)

    def _go(self, entry: Entry, attrs: Mapping[str, str], now: float) -> None:
        """The client ends the session, or a stream, or will be away."""
        if attrs.get("type") == "terminate":
            self._leave(entry, attrs.get("stream"), now)
        else:
            seconds = whole(attrs["pause"])
            if seconds > self._home.limits.maxpause:
                raise Refused("policy-violation", "bosh.long-pause")
            self._answer_upto(entry, now, NONE)
            self._patience = float(seconds)
            self._arm(now)

    def _leave(self, entry: Entry, name: str | None, now: float) -> None:
        """The client closes a stream, or all (§13, §16.5)."""
        meant = self._strands.meant(name)
        if name is not None and len(meant) < len(self._strands):
            for strand in meant:
                strand.close()
                self._strands.remove(strand)
            self._answer_upto(entry, now, {"type": "terminate", "stream": name})
            return
        self._strands.close()
        if self.outbox.several:
            # One answer can't say what several streams have.
            self.outbox.clear()
        self._finish({"type": "terminate"})
        # It knows: nothing but that request may come again.
        self._patience = LEFT_SECONDS
        self._arm(now)

    # ------------------------------------------------------------------ streams

    def _open_strand(self, attrs: Mapping[str, str]) -> Strand:
        given = header(attrs)
        strand = self._home.strand(self, given)
        self._strands.add(strand)
        if self._answers.greeting is not None:
            self._answers.greeting["stream"] = strand.name
        strand.open(given, self._home.limits.unsaid_octets)
        return strand

    def _add_strand(self, entry: Entry, attrs: Mapping[str, str], now: float) -> None:
        """One stream more (§16.3). The answer to this very request tells its name."""
        if len(self._strands) < self._home.limits.streams:
            self.outbox.several = True
            told = {"stream": self._open_strand(attrs).name}
        else:
            self._home.count(self, "bosh.streams")
            # Of a stream that is over before it began: the session goes on (§16.6).
            told = {"type": "terminate", "condition": "policy-violation"}
            told["stream"] = secrets.token_urlsafe(12)
        self._answer_upto(entry, now, told)

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

    def count(self, reason: str) -> None:
        """A stream was refused (`strand.Home`)."""
        self._home.count(self, reason)

    def over(self, strand: Strand, condition: Condition | None, content: bytes) -> None:
        """A stream is over (`strand.Home`): the session, too, if it was the last (§16.6)."""
        if self._ending:
            return
        self._strands.remove(strand)
        attrs = {"type": "terminate"}
        if condition:
            attrs["condition"] = condition
        declared = {"xmlns:stream": DECLARED["xmlns:stream"]} if content else NONE
        if self._strands:
            self.outbox.put(Piece(strand.name, content, {**attrs, **declared}, last=True))
            self.spoken()
        else:
            self._finish(attrs, declared, content)

    # ------------------------------------------------------------------ the end

    def _finish(
        self, attrs: Mapping[str, str], declared: Mapping[str, str] = NONE, content: bytes = b""
    ) -> None:
        """The session is over; the client is told when it has had all before."""
        self._ending = True
        self._answers.end(attrs, declared, content)
        self._patience = float(min(self._terms.inactivity, self._home.limits.linger))
        self.spoken()
        self._arm(self._home.clock.seconds())

    def shut(self, condition: Condition) -> None:
        """The session is over, since the gateway or the server is (§17.2)."""
        if not self._ending:
            self._strands.lose()
            self._finish({"type": "terminate", "condition": condition})

    def fail(self, refused: Refused, exchange: Exchange | None) -> None:
        """The session is over at once: a request, by `exchange`, was wrong (§17.2)."""
        self._home.count(self, refused.reason)
        told = terminal(refused, self._terms)
        # Nobody's request has caused what no request has.
        other = Refused("other-request", refused.reason)
        others = told if exchange is None else terminal(other, self._terms)
        for entry in self._window.open():
            waiting, entry.exchange = entry.exchange, None
            if waiting is not None and waiting is not exchange:
                waiting.on_gone = None
                waiting.answer(others)
        if exchange is not None:
            exchange.on_gone = None
            exchange.answer(told)
        self.drop()

    def drop(self) -> None:
        """Be no more; the streams wait for their client, who may come back (XEP-0198)."""
        self._ending = True
        self._strands.lose()
        self._window.clear()
        self.outbox.clear()
        self._weigh()
        self._watch.stop()
        self._home.forget(self)

    # ------------------------------------------------------------------ answers

    def flush(self) -> None:
        """Say what came in a turn that has ended."""
        self.is_due = False
        self._respond(self._home.clock.seconds())
        if self.outbox.octets > self._home.limits.queue_octets:
            self.fail(Refused("policy-violation", "bosh.queue"), None)
        self._weigh()

    def _weigh(self) -> None:
        """Count what is held: what waits for the client, its last answers, what it said too early.

        Not while something is done with the session: it may be ended by this.
        """
        held = self.outbox.octets + self._window.octets + self._strands.octets
        if held != self.held:
            more, self.held = held - self.held, held
            self._home.holds(more)

    def _respond(self, now: float) -> None:
        """Answer what is to be answered now, the oldest first."""
        pending = self._window.pending
        if not pending:
            return
        # Who has no answer says nothing more.
        hold = self._terms.requests if self._strands.wait else self._terms.hold
        answers = self._answers
        while pending:
            if pending[0].exchange is None:
                if len(pending) == 1:
                    return
                # It will be asked for again; it does not matter which answer says what.
                self._answer(pending.pop(0), now, silent=True)
            elif (len(pending) > hold and not self._hasty) or answers.are_due:
                self._answer(pending.pop(0), now)
            else:
                return

    def _answer_upto(self, entry: Entry, now: float, attrs: Mapping[str, str]) -> None:
        """Answer all requests before this one, and this with `attrs` and nothing inside."""
        pending = self._window.pending
        while (first := pending.pop(0)) is not entry:
            self._answer(first, now, silent=first.exchange is None)
        self._answer(entry, now, silent=True, attrs=attrs)

    def _answer(
        self, entry: Entry, now: float, *, silent: bool = False, attrs: Mapping[str, str] = NONE
    ) -> None:
        """Give a request its answer: `silent` without anything of the outbox."""
        self._hasty = 0.0
        said = self.outbox.said
        response = self._answers.make(entry.rid, self._window.last, attrs, silent=silent)
        self._pace.answered_nothing = self.outbox.said == said
        self._quiet = now
        exchange = entry.answered(response, now, self.outbox.said)
        self._window.remember(entry, response)
        if exchange is not None:
            exchange.answer(fit(response, exchange.request))

    def missed(self) -> None:
        """A client is gone that waited for an answer (`entry.Owner`)."""
        self._quiet = now = self._home.clock.seconds()
        if self._answers.greeting is not None:
            # It does not know its session, and can't come back to it.
            self.drop()
        elif self._hasty:
            self._hasty = 0.0
            self._respond(now)

    # ------------------------------------------------------------------ time

    def _arm(self, now: float) -> None:
        """Have the timer be no later than what may be due next.

        A request that comes meanwhile has its answer due `wait` from then, not before.
        """
        since = self._window.waits_since()
        due = (self._quiet if since is None else now) + self._patience
        if self._terms.wait:
            due = min(due, (now if since is None else since) + self._terms.wait)
        if self._hasty:
            due = min(due, self._hasty)
        self._watch.by(due, now)

    def _wake(self) -> None:
        now = self._home.clock.seconds()
        window = self._window
        if self._hasty and now > self._hasty - _SOON:
            refused = Refused("policy-violation", "bosh.frequent")
            self.fail(refused, window.pending[-1].exchange)
            return
        latest = now - self._terms.wait + _SOON
        for entry in window.early():
            if entry.exchange is not None and entry.since < latest:
                # What it waits for is lost: the client has to repeat that, and this (§17.3).
                exchange, entry.exchange = entry.exchange, None
                self._recover(exchange)
        while window.has_waited(latest):
            first = window.pending.pop(0)
            self._answer(first, now, silent=first.exchange is None)
        if not window.waits() and now > self._quiet + self._patience - _SOON:
            self._expire()
        else:
            self._arm(now)

    def _expire(self) -> None:
        """The client is not there any more (§10). Requests behind a missing one learn of it."""
        if self._ending:
            self.drop()
        else:
            self.fail(Refused("item-not-found", "bosh.inactive"), None)


def _is_extra(attrs: Mapping[str, str]) -> bool:
    """Whether a request may come though there are as many as there may be (§11)."""
    return attrs.get("type") == "terminate" or "pause" in attrs
