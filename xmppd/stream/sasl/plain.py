"""PLAIN (RFC 4616): the password itself, so only where the stream is secure or it is allowed."""

from __future__ import annotations

from xmppd.credentials import prepare_username
from xmppd.errors import SASLFailure
from xmppd.stream.sasl.context import Context
from xmppd.stream.sasl.steps import Steps, Success, check_password, first_response


def run(context: Context, initial: bytes | None) -> Steps:
    """Run one exchange as the server (RFC 4616 §2)."""
    if not (context.secure or context.plaintext_allowed):
        raise SASLFailure("encryption-required", reason="auth.encryption-required")
    message = yield from first_response(initial)
    authzid, username, password = _parse(message)
    try:
        username = prepare_username(username)
    except ValueError:
        raise SASLFailure("not-authorized", reason="auth.credentials") from None
    right, version = yield from check_password(username, password)
    if not right:
        raise SASLFailure("not-authorized", reason="auth.credentials")
    return Success(username, authzid, version=version)


def _parse(message: bytes) -> tuple[str, str, str]:
    """Take apart `[authzid] NUL authcid NUL passwd`, the last two of which may not be empty."""
    try:
        authzid, username, password = message.decode("utf-8").split("\0")
    except ValueError:
        raise SASLFailure("malformed-request", reason="auth.malformed") from None
    if not username or not password:
        raise SASLFailure("malformed-request", reason="auth.malformed")
    return authzid, username, password
