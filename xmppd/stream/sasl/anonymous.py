"""ANONYMOUS (RFC 4505, XEP-0175): anybody may come in, under a name made up here."""

from __future__ import annotations

import secrets

from xmppd.errors import SASLFailure
from xmppd.stream.sasl.context import Context
from xmppd.stream.sasl.steps import Steps, Success, first_response

_LONGEST_TRACE = 255


def run(context: Context, initial: bytes | None) -> Steps:
    """Run one exchange as the server (RFC 4505 §2).

    The trace information is bounded and dropped: it proves nothing and may be personal.
    """
    if not context.anonymous:
        raise SASLFailure("invalid-mechanism", reason="auth.mechanism")
    trace = yield from first_response(initial)
    try:
        length = len(trace.decode("utf-8"))
    except ValueError:
        raise SASLFailure("malformed-request", reason="auth.malformed") from None
    if length > _LONGEST_TRACE:
        raise SASLFailure("malformed-request", reason="auth.malformed")
    return Success(secrets.token_hex(16), anonymous=True)
