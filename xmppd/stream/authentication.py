"""SASL on one stream, attempt after attempt (RFC 6120 §6).

Each method takes what came from the client, or the answer to a question, and gives a `Move`: how
the stream goes on and what comes of it. The stream steps and acts; nothing here knows it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any, NamedTuple

from xmppd import ns
from xmppd.errors import SASLFailure, StreamError
from xmppd.stream import sasl
from xmppd.stream.events import Ask, Authorize, Question, Reject, Send
from xmppd.stream.policy import Policy, TLSFacts
from xmppd.stream.states import Input
from xmppd.wire import faults
from xmppd.wire.build import Tag
from xmppd.wire.stanza import Nonza

NOT_HELD_AGAINST = ("temporary-auth-failure", "aborted")
"""Failures that are no failed attempt to prove anything."""

EXCHANGES = 4
"""How many exchanges, of whatever end, a stream may begin for each failed attempt it may make."""


class Move(NamedTuple):
    """How the stream moves on, and what comes of it."""

    moved_by: Input
    event: Send | Ask


class Authentication:
    """The attempts of one stream: at most one is under way, and they are counted."""

    __slots__ = (
        "_begun",
        "_exchange",
        "_failures",
        "_offered",
        "_policy",
        "_requests",
        "_username",
        "failed",
        "mechanism",
    )

    def __init__(self, policy: Policy) -> None:
        self.failed = False
        """Whether an attempt at SASL has failed (XEP-0078 §3.1)."""
        self.mechanism = ""
        """The mechanism of the last attempt, "" while there was none."""
        self._policy = policy
        self._offered: tuple[str, ...] = ()
        self._failures = 0
        self._begun = self._requests = 0
        self._exchange: sasl.Exchange | None = None
        self._username = ""

    # ------------------------------------------------------------------ what is on offer

    def context(self, domain: str, *, secure: bool, tls: TLSFacts) -> sasl.Context:
        """What the mechanisms may know of the stream as it is now."""
        policy = self._policy
        return sasl.Context(
            domain=domain,
            secure=secure,
            plaintext_allowed=policy.plaintext_allowed,
            anonymous=domain in policy.anonymous,
            channel_bindings=tls.channel_bindings,
            certificate=tls.certificate,
            offered=self._offered,
            email_accounts=policy.email_certificates,
        )

    def offer(self, context: sasl.Context) -> tuple[sasl.Mechanism, ...]:
        """The mechanisms for a stream of which `context` is true; remembered as offered."""
        found = sasl.offered(context, self._allowed(context))
        self._offered = tuple(mechanism.name for mechanism in found)
        return found

    def _allowed(self, context: sasl.Context) -> Collection[str]:
        return ("ANONYMOUS",) if context.anonymous else self._policy.mechanisms

    def restart(self) -> None:
        """A new stream has nothing on offer yet: what the last one had was offered without TLS."""
        self._offered = ()

    # ------------------------------------------------------------------ the client's elements

    def begin(self, auth: Nonza, context: sasl.Context) -> Move:
        """Take `<auth/>`: only what was offered is accepted (RFC 6120 §6.3.3)."""
        self._begun += 1
        self._username = ""
        try:
            name = auth.attrs.get("mechanism", "")
            mechanism = sasl.select(name, context, self._allowed(context))
            initial = sasl.decode_initial(auth.text)
        except SASLFailure as failure:
            return self.fail(failure)
        self.mechanism = mechanism.name
        self._exchange = sasl.Exchange(mechanism, context)
        return self._advance(lambda exchange: exchange.start(initial))

    def respond(self, response: Nonza) -> Move:
        """Take `<response/>`."""
        try:
            data = sasl.decode_response(response.text)
        except SASLFailure as failure:
            return self.fail(failure)
        return self._advance(lambda exchange: exchange.respond(data))

    def abort(self) -> Move:
        """Take `<abort/>` (RFC 6120 §6.4.4)."""
        return self.fail(SASLFailure("aborted", reason="auth.aborted"))

    # ------------------------------------------------------------------ answers to questions

    def answer(self, question: Question, value: Any) -> Move:
        """Go on with the answer to a question of the exchange, or to a `Reject`."""
        if isinstance(question, Reject):
            return self.fail(question.failure)
        return self._advance(lambda exchange: exchange.answer(value))

    def refuse(self, question: Question, failure: SASLFailure) -> Move:
        """Go on with the refusal of a question."""
        if isinstance(question, Reject):
            return self.fail(failure)
        if isinstance(question, Authorize):
            return self._rejected(failure)
        return self._advance(lambda exchange: exchange.fail(failure))

    def succeed(self, success: sasl.Success) -> Move:
        """End with `<success/>`: the client was authorized."""
        self.stop()
        self._begun = self._failures = 0
        text = sasl.encode_success(success.data)
        return Move(Input.SUCCESS, Send(Tag("success", {}, text, ns=ns.SASL).render()))

    # ------------------------------------------------------------------ failures

    def fail(self, failure: SASLFailure) -> Move:
        """End the attempt and tell the client; what is not its fault does not count."""
        self.stop()
        self.failed = True
        if failure.condition not in NOT_HELD_AGAINST:
            self.count_failure()
        return Move(Input.FAILURE, Send(faults.sasl_failure(failure)))

    def count_failure(self) -> None:
        """Count a failed attempt, made by SASL or by other means (XEP-0078)."""
        self._failures += 1

    def count_request(self) -> None:
        """Count a request that is no attempt; raises StreamError where there were too many."""
        self._requests += 1
        if self._requests > self._policy.most_requests:
            raise StreamError("policy-violation", reason="limit.requests")

    def check(self) -> None:
        """See whether there may be another attempt; raises StreamError.

        To be called once the client has been told of the last one.
        """
        most = self._policy.max_attempts
        if self._failures >= most or self._begun >= EXCHANGES * most:
            raise StreamError("policy-violation", reason="auth.retries")

    def stop(self) -> None:
        """Forget the exchange that is under way."""
        self._exchange = None

    def _advance(self, step: Callable[[sasl.Exchange], sasl.Request | sasl.Success]) -> Move:
        """Move the exchange on; what it asks for."""
        exchange = self._exchange
        assert exchange is not None  # the stream's states let nothing else get here
        try:
            request = step(exchange)
        except SASLFailure as failure:
            return self._rejected(failure)
        if isinstance(request, sasl.Challenge):
            tag = Tag("challenge", {}, sasl.encode(request.data), ns=ns.SASL)
            return Move(Input.CHALLENGE, Send(tag.render()))
        self._username = request.username
        return Move(
            Input.ASK, Ask(Authorize(request) if isinstance(request, sasl.Success) else request)
        )

    def _rejected(self, failure: SASLFailure) -> Move:
        """The exchange has failed: tell so at once, or ask when."""
        if failure.condition in NOT_HELD_AGAINST:
            return self.fail(failure)
        self.stop()
        return Move(Input.ASK, Ask(Reject(self._username, failure)))
