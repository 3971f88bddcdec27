"""One run of a mechanism, driven from outside: what it was told goes in, what it wants comes out.

Rule: a step either gives the next request or `Success`, or it raises, and then the run is over.
"""

from __future__ import annotations

from collections.abc import Callable

from xmppd.errors import SASLFailure
from xmppd.stream.sasl.context import Context
from xmppd.stream.sasl.steps import Challenge, Request, Steps, Success
from xmppd.stream.sasl.table import Mechanism

LONGEST_MESSAGE = 4096
"""Bytes beyond which no message of a client is looked at, decoded (RFC 2831 §2.1.2 says so)."""


class Exchange:
    """An authentication in progress.

    Each of the four steps returns the next `Request` or `Success`, and raises SASLFailure when
    the attempt has failed. `pending` is the request that waits for its answer.
    """

    __slots__ = ("_context", "_steps", "mechanism", "pending")

    def __init__(self, mechanism: Mechanism, context: Context) -> None:
        self.mechanism = mechanism
        self.pending: Request | None = None
        self._steps: Steps | None = None
        self._context = context

    def start(self, initial: bytes | None) -> Request | Success:
        """Begin, with the initial response or None where `<auth/>` had none."""
        if self._steps is not None:
            raise RuntimeError("an exchange starts once")
        self._check_size(initial or b"")
        self._steps = self.mechanism.run(self._context, initial)
        return self._advance(lambda steps: next(steps))

    def respond(self, data: bytes) -> Request | Success:
        """Pass on the client's response to the pending challenge.

        A response that nothing asked for fails the attempt: malformed-request.
        """
        if not isinstance(self.pending, Challenge):
            self.abort()
            raise SASLFailure("malformed-request", reason="auth.malformed")
        self._check_size(data)
        return self._advance(lambda steps: steps.send(data))

    def answer(self, value: object) -> Request | Success:
        """Answer the pending request, which is no challenge.

        Raises RuntimeError if none is pending: an answer that comes after `abort` is dropped
        by whoever has it, not here.
        """
        self._expect_answer()
        return self._advance(lambda steps: steps.send(value))

    def fail(self, failure: SASLFailure) -> Request | Success:
        """Answer the pending request with a failure, which as a rule is raised again at once."""
        self._expect_answer()
        return self._advance(lambda steps: steps.throw(failure))

    def abort(self) -> None:
        """End the run: the client gave up, or its stream is gone. Can be repeated."""
        self.pending = None
        if self._steps is not None:
            self._steps.close()

    def _expect_answer(self) -> None:
        if self.pending is None or isinstance(self.pending, Challenge):
            raise RuntimeError("no answer is expected")

    def _check_size(self, data: bytes) -> None:
        if len(data) > LONGEST_MESSAGE:
            self.abort()
            raise SASLFailure("malformed-request", "too long", reason="auth.malformed")

    def _advance(self, step: Callable[[Steps], Request]) -> Request | Success:
        assert self._steps is not None  # every caller has checked that it began
        self.pending = None
        try:
            request = step(self._steps)
        except StopIteration as end:
            success: Success = end.value
            return success
        self.pending = request
        return request
