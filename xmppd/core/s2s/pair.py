"""A domain pair: what is sent from one of our domains to another server's (XEP-0220 §1.3)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.defer import TimeoutError as DeferredTimeout
from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger
from twisted.python.failure import Failure

from xmppd.addresses import network_of
from xmppd.core.backlog import Backlog
from xmppd.core.s2s import conditions
from xmppd.core.s2s.attempts import stranger
from xmppd.core.s2s.connection import Question, ServerConnection
from xmppd.core.s2s.managed import Managed
from xmppd.core.s2s.outgoing import OutgoingConnection
from xmppd.core.s2s.reaching import reach
from xmppd.core.s2s.trail import Trail
from xmppd.domains import around
from xmppd.errors import StanzaError
from xmppd.stream.acks import Sent
from xmppd.wire.claim import settle
from xmppd.wire.stanza import Stanza

if TYPE_CHECKING:
    from xmppd.core.s2s.remote import Remote

log = Logger()

_ANSWERS = frozenset({"error", "result", "unsubscribed"})
"""Types of stanzas that servers and clients answer others with of their own accord."""


class Granting(NamedTuple):
    """What waits for a peer's word whether we may send."""

    on: ServerConnection
    answer: Deferred[None]


class Kept(NamedTuple):
    """What is left of a stream of ours that was lost, and until when it is tried to go on."""

    managed: Managed
    until: float


class Pair:
    """From `local` to the domain of `remote`. `line` is what carries its stanzas, if anything.

    `outgoing` is the stream that we have opened for it, and that may carry our questions before it
    carries stanzas.
    """

    __slots__ = (
        "_agreeing",
        "_backlog",
        "_granting",
        "_kept",
        "_retrying",
        "_visitors",
        "line",
        "local",
        "outgoing",
        "questions",
        "refused",
        "remote",
        "trying",
    )

    def __init__(self, local: str, remote: Remote) -> None:
        self.local = local
        self.remote = remote
        self.line: ServerConnection | None = None
        self.outgoing: OutgoingConnection | None = None
        self.questions: list[Question] = []
        self.trying = False
        """Whether an attempt is under way."""
        self.refused = remote.new_backoff()
        """How often the other server has refused it, which says nothing of other pairs."""
        self._backlog = self._new_backlog()
        self._granting: Granting | None = None
        self._kept: Kept | None = None
        self._agreeing: ServerConnection | None = None
        """On what the peer has been asked to manage a stream, or to go on with the one before."""
        self._retrying: IDelayedCall | None = None
        self._visitors: list[Deferred[None]] = []

    def _new_backlog(self) -> Backlog:
        settings = self.remote.remotes.settings
        return Backlog(settings.octets, "s2s.queue", settings.queue)

    @property
    def waiting(self) -> int:
        """How many stanzas wait until it can be sent, or be sent again."""
        return len(self._backlog) + (len(self._kept.managed.outbox) if self._kept else 0)

    @property
    def wanted(self) -> bool:
        """Whether anything waits, or anybody."""
        return bool(self.waiting or self._visitors)

    @property
    def resumes(self) -> bool:
        """Whether a stream of ours is to go on that only one of its own can: by any other, what the
        peer has handled and not said so of would be sent twice."""
        return self._keeps and bool(self._kept and self._kept.managed.outbox)

    @property
    def idle(self) -> bool:
        """Whether nothing depends on it."""
        return self.line is None and self.spare

    @property
    def spare(self) -> bool:
        """Whether nothing depends on it but a stream that the other server has opened."""
        carried = self.line is not None and not self.line.incoming
        return not (carried or self.outgoing or self.trying or self.waiting or self._keeps)

    @property
    def _keeps(self) -> bool:
        """Whether a stream that was lost may still be resumed."""
        kept = self._kept
        return kept is not None and self.remote.remotes.host.clock.seconds() < kept.until

    # ------------------------------------------------------------------ stanzas

    def deliver(self, stanza: Stanza) -> None:
        """Send a stanza, or keep it until that can be done; raises StanzaError."""
        if self.line is not None:
            self.line.send(stanza)
            return
        self._backlog.keep(stanza)
        self.want(_on_account_of(stanza))

    def again(self, sent: Iterable[Sent]) -> None:
        """Send what a connection that was lost may not have brought there.

        A request may have been done, and is not to be done twice: who has asked is told.
        """
        for each in sent:
            stanza, claim = each.stanza, each.claim
            stanza.claim = claim
            if stanza.kind == "iq" and stanza.type in ("get", "set"):
                self._bounce(stanza, conditions.ended(self.remote.domain, ""))
            else:
                try:
                    self.deliver(stanza)
                except StanzaError as error:
                    self._bounce(stanza, error)
            if claim is not None:
                claim.let_go()

    def ask(self, question: Question) -> None:
        """Ask the domain whether it has made a key (XEP-0220 §2.1.2).

        Never on the connection where the key was given (XEP-0288 §2.2), and at once where there is
        another: the peer may wait for it before it lets this pair have a stream.
        """
        self.questions.append(question)
        connection = self.remote.askable()
        if connection is not None:
            self.put_questions(connection)
        else:
            self.want(_who_asks(question))

    def visit(self) -> Deferred[None]:
        """Have a stream that may carry stanzas, though there are none.

        Fails with StanzaError where that comes to nothing.
        """
        there: Deferred[None] = Deferred()
        if self.line is not None:
            there.callback(None)
        else:
            self._visitors.append(there)
            self.want()
        return there

    def put_questions(self, connection: OutgoingConnection) -> None:
        """Ask what waits to be asked."""
        questions, self.questions = self.questions, []
        for question in questions:
            if question.asked_on is connection:
                self.remote.remotes.answer(question, "error", conditions.TIMEOUT)
            else:
                connection.put(question)

    def _bounce(self, stanza: Stanza, error: StanzaError) -> None:
        self.remote.remotes.host.router.bounce(stanza, error)

    # ------------------------------------------------------------------ reaching it

    def want(self, who: str = "") -> None:
        """See to it that there is an attempt under way; `who` it is on whose account.

        "" for our domain's own: what was sent already is to arrive.
        """
        if self.trying:
            return
        self._stop_retrying()
        remotes = self.remote.remotes
        trail = self._new_trail()
        self.trying = True
        attempt = Deferred.fromCoroutine(self._reach(who or self.local, trail))
        attempt.addTimeout(remotes.settings.attempt_seconds, remotes.host.clock)
        attempt.addCallbacks(self._reached, self._not_reached, errbackArgs=(trail,))

    def _new_trail(self) -> Trail:
        """That of an attempt that begins; in a pause, what the last one met is still told."""
        remote, remotes = self.remote, self.remote.remotes
        trail = Trail(remotes.host.clock.seconds)
        proof = remotes.rules.require(remote.domain)
        trail.note("policy", f"from {self.local}; what it has to show: {proof}")
        if not (remote.backoff.pausing or self.refused.pausing):
            remote.follow(trail)
        return trail

    async def _reach(self, who: str, trail: Trail) -> None:
        remotes, attempts = self.remote.remotes, self.remote.remotes.attempts
        try:
            remotes.rules.check(self.remote.domain)
            await attempts.begin(who)
            try:
                await reach(self, trail)
            finally:
                attempts.end(who)
        finally:
            self.trying = False

    def grant_on(self, connection: ServerConnection) -> Deferred[None]:
        """Fires when the peer has said on this connection that we may send, and that is begun."""
        answer: Deferred[None] = Deferred()
        self._granting = Granting(connection, answer)
        return answer

    def _reached(self, _: None) -> None:
        # Something came when only a question was to be put, or the other way.
        if self.line is None and self.wanted:
            self.want()
        elif self.questions:
            self.want(_who_asks(self.questions[0]))

    def _not_reached(self, failure: Failure, trail: Trail) -> None:
        self._granting = None
        error, domain = failure.value, self.remote.domain
        if isinstance(error, DeferredTimeout | CancelledError):
            error = conditions.too_slow(domain)
        elif not isinstance(error, StanzaError):
            log.failure("an attempt to reach {domain} met a bug", failure, domain=domain)
            error = StanzaError("internal-server-error", reason="stream.internal")
        trail.note("end", str(error), ok=False)
        trail.failed(error)
        if self.remote.remotes.host.debugging:
            log.debug("{domain} is not reached: {error}", domain=domain, error=str(error))
        self._failed(error)

    def _failed(self, error: StanzaError) -> None:
        """Whoever waits is told; but what was lost with a connection is tried for a while."""
        remotes = self.remote.remotes
        questions, self.questions = self.questions, []
        for question in questions:
            remotes.answer(question, "error", conditions.unverifiable(error))
        visitors, self._visitors = self._visitors, []
        for there in visitors:
            there.errback(error)
        clock, kept = remotes.host.clock, self._kept
        if kept is not None and self.wanted and clock.seconds() < kept.until:
            pauses_until = max(self.remote.backoff.until, self.refused.until)
            pause = max(1.0, min(kept.until, pauses_until) - clock.seconds())
            self._retrying = clock.callLater(pause, self.want)
            return
        self._kept = None
        for each in kept.managed.stop() if kept is not None else ():
            stanza = each.stanza
            stanza.claim = each.claim
            self._bounce(stanza, error)
            if each.claim is not None:
                each.claim.let_go()
        backlog, self._backlog = self._backlog, self._new_backlog()
        for stanza, _ in backlog.take():
            self._bounce(stanza, error)

    def _stop_retrying(self) -> None:
        if self._retrying is not None and self._retrying.active():
            self._retrying.cancel()
        self._retrying = None

    # ------------------------------------------------------------------ what became of it

    def granted(self, connection: ServerConnection) -> None:
        """A stream may carry it."""
        if self.line is not None or self._agreeing is not None:
            return
        if connection is self.outgoing and self.outgoing.stream.offers_management:
            # Nothing is sent before the peer has answered: what is lost behind a request that
            # nobody has agreed to can't be resumed, and may have arrived.
            kept = self._kept.managed if self._kept is not None else None
            self._agreeing = connection
            self.remote.remotes.management.begin(connection, kept)
        else:
            self._open(connection)

    def agreed(self, connection: ServerConnection) -> None:
        """The peer counts what comes on a stream of ours, or does not want to."""
        if self._agreeing is connection:
            self._open(connection)

    def resumed(self, connection: ServerConnection, h: int) -> None:
        """Our last stream goes on by this connection; its peer has handled `h`."""
        kept, self._kept = self._kept, None
        if kept is None:
            return
        connection.managed = kept.managed
        grants = connection.stream.grants
        elsewhere = kept.managed.resume(
            h,
            connection.write,
            lambda stanza: (_domain(stanza.sender), _domain(stanza.to)) in grants,
        )
        self._open(connection)
        self.remote.remotes.again(elsewhere)

    def not_resumed(self, connection: ServerConnection, h: int | None) -> None:
        """It does not, or is not managed at all; `h` is what was handled of it, if known."""
        if connection.managed is not None:
            managed, connection.managed = connection.managed, None
            settle(sent.claim for sent in managed.stop())
            self.agreed(connection)
            return
        if self.line is not None:
            return  # nothing was asked for, or something else carries it by now
        if self._kept is not None and h is not None:
            settle(self._kept.managed.outbox.acknowledge(h))
        self.remote.remotes.management.begin(connection, None)

    def _open(self, connection: ServerConnection) -> None:
        """From here on this connection carries it: first of all what waits."""
        self._stop_retrying()
        self._agreeing = None
        self.line = connection
        granting, self._granting = self._granting, None
        if granting is not None and not granting.answer.called:
            granting.answer.callback(None)
        visitors, self._visitors = self._visitors, []
        for there in visitors:
            there.callback(None)
        kept, self._kept = self._kept, None
        if kept is not None:  # other pairs may have shared it, which this connection may not carry
            self.remote.remotes.again(kept.managed.stop())
        for stanza, _ in self._backlog.take():
            try:
                connection.send(stanza)
            except StanzaError as error:
                self._bounce(stanza, error)

    def denied(self, connection: ServerConnection, condition: str) -> None:
        """The peer does not let it on this connection; another may be waited for by now."""
        granting = self._granting
        if granting is not None and granting.on is connection:
            self._granting = None
            if not granting.answer.called:
                granting.answer.errback(conditions.denied(self.remote.domain, condition))

    def keep(self, managed: Managed) -> None:
        """Our stream was lost, and may be resumed."""
        now = self.remote.remotes.host.clock.seconds()
        managed.leave()
        self._kept = Kept(managed, now + managed.seconds)
        if managed.outbox:
            self.want()

    def lost(self, connection: ServerConnection, error: StanzaError) -> None:
        """A stream is gone."""
        if self.outgoing is connection:
            self.outgoing = None
        if self.line is connection:
            self.line = None
        if self._agreeing is connection:
            self._agreeing = None
        granting = self._granting
        if granting is not None and granting.on is connection:
            self._granting = None
            if not granting.answer.called:
                granting.answer.errback(error)


def _on_account_of(stanza: Stanza) -> str:
    """Who it is that has a domain reached: whoever has asked, where this is but an answer.

    Anybody elsewhere gets one, in the name of whomever he likes, for as many domains as he has.
    """
    sender, to = stanza.sender, stanza.to
    if to is not None and (sender is None or stanza.type in _ANSWERS):
        return stranger(around(to.domain))
    return "" if sender is None else sender.bare


def _who_asks(question: Question) -> str:
    """Who has a domain asked about a key: whoever sits where it was given."""
    return stranger(network_of(question.asked_on.address))


def _domain(jid: object) -> str:
    return str(getattr(jid, "domain", ""))
