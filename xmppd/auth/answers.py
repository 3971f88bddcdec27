"""Answers what streams ask while they authenticate: the back-end, the rules, the brake."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from twisted.internet.defer import CancelledError, Deferred, fail, succeed
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.python.failure import Failure

from xmppd.auth.backend import Backend, answer, authorized
from xmppd.auth.claim import Claim, claim
from xmppd.auth.throttle import Throttle
from xmppd.errors import SASLFailure
from xmppd.jid import JID
from xmppd.stream.events import Authorize, BindResource, OpenRequest, Question, Reject
from xmppd.stream.sasl import CheckPassword, FetchKeys, FetchPassword, Request, Success

_ATTEMPTS = (CheckPassword, FetchKeys, FetchPassword)
"""The first question of every mechanism that proves knowledge of a password."""


class Answers:
    """The `core.host.Authenticator` of a server with accounts.

    `rules` gives `[auth.impersonate]` as it stands now. A wrong password is counted, and its
    failure told the later the more there were; the next one is looked at later, too: see
    `throttle`.
    """

    def __init__(
        self,
        backend: Backend,
        throttle: Throttle,
        clock: IReactorTime,
        rules: Callable[[], Mapping[str, Sequence[str]]],
    ) -> None:
        self.backend = backend
        self.throttle = throttle
        self._clock = clock
        self._rules = rules

    def answer(self, question: Question, domain: str, address: str) -> Deferred[Any]:
        """The answer to `question`; fails with SASLFailure."""
        if isinstance(question, Authorize):
            return self._authorize(question.success, domain, address)
        assert not isinstance(question, BindResource | OpenRequest)  # which the core answers
        claimed = claim(question.username, domain, address)
        if isinstance(question, Reject):
            return self.reject(claimed)
        if isinstance(question, _ATTEMPTS):
            wait = self.throttle.book(claimed.name, address)
            if wait is None:
                return fail(SASLFailure("temporary-auth-failure", reason="auth.throttled"))
            if wait:
                return deferLater(self._clock, wait, self._look, claimed, question)
        return self._look(claimed, question)

    def _look(self, claimed: Claim, question: Request) -> Deferred[Any]:
        """Ask the back-end. Who hangs up while a password is checked has had his attempt."""
        later: Deferred[Any] = answer(self.backend, claimed, question)
        if isinstance(question, CheckPassword):
            later.addErrback(self._abandoned, claimed)
        return later

    def _abandoned(self, failure: Failure, claimed: Claim) -> Failure:
        failure.trap(CancelledError)
        self.throttle.failed(claimed.name, claimed.address)
        return failure

    def reject(self, claimed: Claim) -> Deferred[None]:
        """Count a failed attempt; fires when the client may be told."""
        self.throttle.failed(claimed.name, claimed.address)
        seconds = self.throttle.delay(claimed.name, claimed.address)
        if not seconds:
            return succeed(None)
        return deferLater(self._clock, seconds, lambda: None)

    def _authorize(self, success: Success, domain: str, address: str) -> Deferred[JID]:
        def forgive(jid: JID) -> JID:
            self.throttle.succeeded(claim(success.username, domain, address).name, address)
            return jid

        return authorized(self.backend, success, domain, self._rules()).addCallback(forgive)
