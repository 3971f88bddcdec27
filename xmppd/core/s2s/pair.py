"""A domain pair: what is sent from one of our domains to another server's (XEP-0220 §1.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.defer import TimeoutError as DeferredTimeout
from twisted.logger import Logger
from twisted.python.failure import Failure

from xmppd.core.backlog import Backlog
from xmppd.core.s2s import conditions
from xmppd.core.s2s.connection import Question, ServerConnection
from xmppd.core.s2s.outgoing import OutgoingConnection
from xmppd.core.s2s.trail import Trail
from xmppd.errors import StanzaError
from xmppd.wire.stanza import Stanza

if TYPE_CHECKING:
    from xmppd.core.s2s.remote import Remote

log = Logger()

SHARING_SECONDS = 10.0
"""How long a peer may take to say whether we may use a stream for another pair, too."""


class Granting(NamedTuple):
    """What waits for a peer's word whether we may send."""

    on: ServerConnection
    answer: Deferred[None]


class Pair:
    """From `local` to the domain of `remote`. `line` is what carries its stanzas, if anything.

    `outgoing` is the stream that we have opened for it, and that may carry our questions before it
    carries stanzas.
    """

    __slots__ = (
        "_backlog",
        "_granting",
        "_trying",
        "_visitors",
        "line",
        "local",
        "outgoing",
        "questions",
        "remote",
    )

    def __init__(self, local: str, remote: Remote) -> None:
        self.local = local
        self.remote = remote
        self.line: ServerConnection | None = None
        self.outgoing: OutgoingConnection | None = None
        self.questions: list[Question] = []
        self._backlog = self._new_backlog()
        self._trying = False
        self._granting: Granting | None = None
        self._visitors: list[Deferred[None]] = []

    def _new_backlog(self) -> Backlog:
        settings = self.remote.remotes.settings
        return Backlog(settings.octets, "s2s.queue", settings.queue)

    @property
    def waiting(self) -> int:
        """How many stanzas wait until it can be sent."""
        return len(self._backlog)

    @property
    def trying(self) -> bool:
        """Whether an attempt is under way."""
        return self._trying

    @property
    def idle(self) -> bool:
        """Whether nothing depends on it."""
        return self.line is None and self.outgoing is None and not self._trying

    # ------------------------------------------------------------------ stanzas

    def deliver(self, stanza: Stanza) -> None:
        """Send a stanza, or keep it until that can be done; raises StanzaError."""
        if self.line is not None:
            self.line.send(stanza)
            return
        self._backlog.keep(stanza)
        self.want()

    def again(self, stanza: Stanza) -> None:
        """Send a stanza that a lost connection may not have brought there."""
        if stanza.kind == "iq" and stanza.type in ("get", "set"):
            # It may have been done, and is not to be done twice.
            error = conditions.ended(self.remote.domain, "")
            self.remote.remotes.host.router.bounce(stanza, error)
            return
        try:
            self.deliver(stanza)
        except StanzaError as error:
            self.remote.remotes.host.router.bounce(stanza, error)

    def ask(self, question: Question) -> None:
        """Ask the domain whether it has made a key (XEP-0220 §2.1.2).

        Never on the connection where the key was given (XEP-0288 §2.2).
        """
        self.questions.append(question)
        if self.outgoing is not None and self.outgoing.negotiated.called:
            self._put_questions(self.outgoing)
        else:
            self.want()

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

    @property
    def _wanted(self) -> bool:
        """Whether somebody waits for a stream that may carry stanzas."""
        return self.line is None and bool(self._backlog or self._visitors)

    # ------------------------------------------------------------------ reaching it

    def want(self) -> None:
        """See to it that there is an attempt under way."""
        if self._trying:
            return
        remotes = self.remote.remotes
        before, trail = self.remote.trail, Trail(remotes.host.clock.seconds)
        self.remote.trail = trail
        proof = remotes.rules.require(self.remote.domain)
        trail.note("policy", f"from {self.local}; what it has to show: {proof}")
        try:
            remotes.check_attempts()
        except StanzaError as error:
            trail.error = error
            self._failed(error)
            return
        self._trying = True
        attempt = Deferred.fromCoroutine(self._reach(trail, before))
        attempt.addTimeout(remotes.settings.attempt_seconds, remotes.host.clock)
        attempt.addCallbacks(self._reached, self._not_reached, errbackArgs=(trail,))

    async def _reach(self, trail: Trail, before: Trail | None) -> None:
        """Have a stream that carries what waits; `before` is the trail of the last attempt."""
        if self.outgoing is not None:
            self.outgoing.trail = trail
            await self._use(self.outgoing)
            return
        remote, network = self.remote, self.remote.remotes.network
        if self._wanted and await self._share(trail):
            return
        places = await network.find(remote.domain, trail)
        try:
            remote.backoff.check(places)
        except StanzaError:
            remote.trail = before  # it is not tried now: what the last attempt met still holds
            raise
        error: StanzaError | None = None
        for place in places:
            for external in (True, False):
                connection = OutgoingConnection(
                    remote.remotes, self.local, remote.domain, place, trail, external=external
                )
                try:
                    await network.dial(place, connection, trail)
                    await connection.negotiated
                    await self._use(connection)
                    return
                except StanzaError as failed:
                    error = failed
                if connection.open and connection.negotiated.called:
                    # It has said no, and would elsewhere.
                    remote.backoff.failed(places, error)
                    if not connection.stream.asking:
                        connection.close()
                    raise error
                if not connection.stream.failed_external:
                    break
        assert error is not None
        remote.backoff.failed(places, error)
        raise error

    async def _use(self, connection: OutgoingConnection) -> None:
        self.outgoing = connection
        self._put_questions(connection)
        self.remote.backoff.succeeded()
        if self._wanted:
            granting = self._grant_on(connection)
            connection.authenticate()
            await granting
            connection.trail.note("end", f"stanzas may be sent from {self.local}")

    def _grant_on(self, connection: ServerConnection) -> Deferred[None]:
        """Fires when the peer has said on this connection that we may send."""
        answer: Deferred[None] = Deferred()
        self._granting = Granting(connection, answer)
        return answer

    async def _share(self, trail: Trail) -> bool:
        """Whether a stream that is there already carries this pair, too (XEP-0220 §2.6)."""
        shared = self.remote.shareable()
        if shared is None:
            return False
        trail.note("dialback", f"asking on the stream of {shared.stream.local}")
        granting = self._grant_on(shared)
        granting.addTimeout(SHARING_SECONDS, self.remote.remotes.host.clock)
        shared.request(self.local, self.remote.domain)
        try:
            await granting
        except (StanzaError, DeferredTimeout) as error:
            trail.note("dialback", f"not on that stream: {error}", ok=False)
            return False
        trail.note("end", f"stanzas may be sent from {self.local}")
        return True

    def _put_questions(self, connection: OutgoingConnection) -> None:
        questions, self.questions = self.questions, []
        for question in questions:
            if question.asked_on is connection:
                self.remote.remotes.answer(question, "error", conditions.TIMEOUT)
            else:
                connection.put(question)

    def _reached(self, _: None) -> None:
        self._trying = False
        if self._wanted:
            self.want()  # something came when only a question was to be put

    def _not_reached(self, failure: Failure, trail: Trail) -> None:
        self._trying, self._granting = False, None
        error = failure.value
        if isinstance(error, DeferredTimeout | CancelledError):
            error = StanzaError(
                conditions.TIMEOUT, f"{self.remote.domain} takes too long", reason="s2s.slow"
            )
        elif not isinstance(error, StanzaError):
            log.failure(
                "an attempt to reach {domain} met a bug", failure, domain=self.remote.domain
            )
            error = StanzaError("internal-server-error", reason="stream.internal")
        trail.note("end", str(error), ok=False)
        trail.error = error
        self._failed(error)

    def _failed(self, error: StanzaError) -> None:
        """Whoever waits is told."""
        remotes = self.remote.remotes
        questions, self.questions = self.questions, []
        for question in questions:
            remotes.answer(question, "error", conditions.unverifiable(error))
        visitors, self._visitors = self._visitors, []
        for there in visitors:
            there.errback(error)
        backlog, self._backlog = self._backlog, self._new_backlog()
        for stanza, _ in backlog.take():
            remotes.host.router.bounce(stanza, error)

    # ------------------------------------------------------------------ what became of it

    def granted(self, connection: ServerConnection) -> None:
        """A stream may carry it."""
        if self.line is None:
            self.line = connection
        granting, self._granting = self._granting, None
        if granting is not None and not granting.answer.called:
            granting.answer.callback(None)
        visitors, self._visitors = self._visitors, []
        for there in visitors:
            there.callback(None)
        for stanza, _ in self._backlog.take():
            try:
                connection.send(stanza)
            except StanzaError as error:
                self.remote.remotes.host.router.bounce(stanza, error)

    def denied(self, condition: str) -> None:
        """The peer does not let it."""
        granting, self._granting = self._granting, None
        if granting is not None and not granting.answer.called:
            granting.answer.errback(conditions.denied(self.remote.domain, condition))

    def lost(self, connection: ServerConnection, error: StanzaError) -> None:
        """A stream is gone."""
        if self.outgoing is connection:
            self.outgoing = None
        if self.line is connection:
            self.line = None
        granting = self._granting
        if granting is not None and granting.on is connection:
            self._granting = None
            if not granting.answer.called:
                granting.answer.errback(error)
