"""What checks credentials, and how it answers the requests of a SASL exchange.

A back-end says yes or no, or that it can't tell, and the last is never held against the client:
its attempt ends in temporary-auth-failure and is not counted.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from typing import Any, Protocol

from twisted.internet.defer import Deferred, inlineCallbacks

from xmppd.auth.authorization import authorize
from xmppd.auth.claim import Claim, account_of
from xmppd.credentials import ScramKeys
from xmppd.errors import SASLFailure
from xmppd.jid import JID
from xmppd.stream.sasl import (
    Answer,
    Challenge,
    CheckPassword,
    FetchKeys,
    FetchPassword,
    Request,
    Success,
)


class Backend(Protocol):
    """Where credentials are checked.

    A claim whose name no account can have is that of an unknown user. Every answer comes with
    the version of the account that it is about, which `admit` is handed back. Where it can't
    answer, a method fails with SASLFailure temporary-auth-failure, reason auth.unavailable (see
    `unavailable`).
    """

    def scram_keys(self, claim: Claim, hash_name: str) -> Deferred[Answer[ScramKeys]]:
        """Give the user's keys, or for an unknown user invented ones, at the same cost."""
        ...

    def check_password(self, claim: Claim, password: str) -> Deferred[Answer[bool]]:
        """Say whether this is the user's password, in the same time for a user unknown.

        True does not let anybody in: whether the account is switched on is for `admit` to say.
        """
        ...

    def password(self, claim: Claim) -> Deferred[Answer[str | None]]:
        """Give the user's password for a digest, or None for an unknown user.

        Fails with SASLFailure not-authorized, reason auth.no-sealed-password, where the account
        has none.
        """
        ...

    def admit(self, account: JID, version: object | None) -> Deferred[None]:
        """Fire if the account is, as it stands now, the one that was proved, and switched on.

        `version` came with the answer that the proof was checked against: another account made
        under the name since, or a password set since, is not what the client has proved. None
        where nothing of the account was proved, as with a certificate or for who acts for
        another: then it only has to exist. Asked last of all.

        Fails with SASLFailure: not-authorized if there is no such account, account-disabled, or
        temporary-auth-failure, reason auth.changed, where its credentials are others now.
        """
        ...


def unavailable() -> SASLFailure:
    """Make the failure for a back-end that can't tell (RFC 6120 §6.5.11)."""
    return SASLFailure("temporary-auth-failure", reason="auth.unavailable")


def answer(backend: Backend, claim: Claim, request: Request) -> Deferred[Answer[Any]]:
    """Find the answer to a request of the exchange of `claim`: the value for `Exchange.answer`.

    Fails with the SASLFailure for `Exchange.fail`. Raises TypeError for a Challenge, which
    only the client can answer.
    """
    if isinstance(request, Challenge):
        raise TypeError("a challenge is the client's to answer")
    return _ANSWERS[type(request)](backend, claim, request)


@inlineCallbacks
def authorized(
    backend: Backend, success: Success, domain: str, rules: Mapping[str, Sequence[str]]
) -> Generator[Deferred[Any], Any, JID]:
    """Find the bare JID that a successful exchange leads to, and admit its user.

    What it may act as is for `authorization.authorize` to say; an account that is acted for has
    to exist and be switched on, like any other. The user's own account is looked at last, so
    that nothing comes between that and the login. Fails with SASLFailure.
    """
    jid = authorize(success.username, domain, success.authzid, rules)
    own = account_of(success.username, domain)
    assert own is not None  # any other name has been refused
    if success.anonymous:
        return jid
    if jid != own:
        yield backend.admit(jid, None)
    yield backend.admit(own, success.version)
    return jid


_ANSWERS: Mapping[type[Request], Callable[[Backend, Claim, Any], Deferred[Answer[Any]]]] = {
    FetchKeys: lambda b, claim, r: b.scram_keys(claim, r.hash_name),
    FetchPassword: lambda b, claim, r: b.password(claim),
    CheckPassword: lambda b, claim, r: b.check_password(claim, r.password),
}
