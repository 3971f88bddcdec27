"""What checks credentials, and how it answers the requests of a SASL exchange.

A back-end answers yes, no or cannot-tell, and the last is never held against the client: its
attempt ends in temporary-auth-failure and is not counted.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from enum import Enum
from typing import Any, Protocol

from twisted.internet.defer import Deferred, fail, inlineCallbacks, succeed

from xmppd.auth.authorization import authorize
from xmppd.auth.claim import Claim
from xmppd.credentials import ScramKeys
from xmppd.errors import SASLFailure
from xmppd.jid import JID
from xmppd.stream.sasl import (
    Admit,
    Challenge,
    CheckPassword,
    FetchKeys,
    FetchPassword,
    Request,
    Success,
)


class Verdict(Enum):
    """What a back-end found out about a password."""

    YES = "yes"
    NO = "no"
    CANNOT_TELL = "cannot tell"


class Backend(Protocol):
    """Where credentials are checked.

    A claim whose name no account can have is that of an unknown user. Where it can't answer,
    `check_password` says CANNOT_TELL and the others fail with SASLFailure
    temporary-auth-failure, reason auth.unavailable (see `unavailable`).
    """

    def scram_keys(self, claim: Claim, hash_name: str) -> Deferred[ScramKeys]:
        """Give the user's keys, or for an unknown user invented ones, at the same cost."""
        ...

    def check_password(self, claim: Claim, password: str) -> Deferred[Verdict]:
        """Say whether this is the user's password, in the same time for a user unknown.

        YES does not let anybody in: whether the account is switched on is for `admit` to say.
        """
        ...

    def password(self, claim: Claim) -> Deferred[str | None]:
        """Give the user's password for a digest, or None for an unknown user.

        Fails with SASLFailure not-authorized, reason auth.no-sealed-password, where the account
        has none.
        """
        ...

    def admit(self, account: JID | None) -> Deferred[None]:
        """Fire if the account exists and is switched on; asked of proven users only.

        Fails with SASLFailure account-disabled, or not-authorized if there is no account.
        """
        ...


def unavailable() -> SASLFailure:
    """Make the failure for a back-end that can't tell (RFC 6120 §6.5.11)."""
    return SASLFailure("temporary-auth-failure", reason="auth.unavailable")


def answer(backend: Backend, claim: Claim, request: Request) -> Deferred[Any]:
    """Find the answer to a request of the exchange of `claim`: the value for `Exchange.answer`.

    Fails with the SASLFailure for `Exchange.fail`. Raises TypeError for a Challenge, which
    only the client can answer.
    """
    if isinstance(request, Challenge):
        raise TypeError("a challenge is the client's to answer")
    return _ANSWERS[type(request)](backend, claim, request)


def authorized(
    backend: Backend, success: Success, domain: str, rules: Mapping[str, Sequence[str]]
) -> Deferred[JID]:
    """Find the bare JID that a successful exchange leads to; see `authorization.authorize`.

    An account that is acted for has to exist and be switched on, like any other. Fails with
    SASLFailure.
    """
    try:
        jid = authorize(success.username, domain, success.authzid, rules)
        own = not success.authzid or jid == authorize(success.username, domain, "", rules)
    except SASLFailure as failure:
        return fail(failure)
    if own or success.anonymous:
        return succeed(jid)
    return backend.admit(jid).addCallback(lambda _: jid)


@inlineCallbacks
def _is_right(backend: Backend, claim: Claim, password: str) -> Generator[Deferred[Any], Any, bool]:
    verdict = yield backend.check_password(claim, password)
    if verdict is Verdict.CANNOT_TELL:
        raise unavailable()
    return verdict is Verdict.YES


_ANSWERS: Mapping[type[Request], Callable[[Backend, Claim, Any], Deferred[Any]]] = {
    FetchKeys: lambda b, claim, r: b.scram_keys(claim, r.hash_name),
    FetchPassword: lambda b, claim, r: b.password(claim),
    CheckPassword: lambda b, claim, r: _is_right(b, claim, r.password),
    Admit: lambda b, claim, r: b.admit(claim.jid),
}
