"""Credentials checked against the server's own accounts store."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import replace
from typing import Any, NamedTuple, NoReturn, Protocol

from twisted.internet.defer import Deferred, inlineCallbacks, succeed
from twisted.logger import Logger
from twisted.python.failure import Failure

from xmppd.auth.backend import unavailable
from xmppd.auth.claim import Claim
from xmppd.auth.seal import Seal, SealBroken
from xmppd.auth.survey import Survey
from xmppd.credentials import (
    HASHES,
    Credentials,
    ScramKeys,
    derive,
    fake_keys,
    is_outdated,
    make_credentials,
    prepare_password,
    verify,
)
from xmppd.errors import SASLFailure, StoreError
from xmppd.jid import JID
from xmppd.storage.interfaces import Account, Accounts
from xmppd.stream.sasl import Answer


class RunInThread(Protocol):
    """Runs a function in a thread and fires with what it returns; see `auth.workers`."""

    def __call__(
        self, function: Callable[..., Any], /, *args: Any, address: str = ""
    ) -> Deferred[Any]:
        """Run `function(*args)` for a client at `address`, or for nobody in particular ("")."""
        ...


class AccountBackend:
    """The `Backend` over the accounts store.

    `run` takes PBKDF2 off the reactor thread. `secret`, 32 bytes that stay the same, makes the
    keys of unknown users. `iterations` is what credentials should have, and get at the next
    login with PLAIN; `survey` knows what they have. `seal` is given where digest logins are on.
    """

    def __init__(
        self,
        accounts: Accounts,
        *,
        run: RunInThread,
        secret: bytes,
        iterations: int,
        survey: Survey | None = None,
        seal: Seal | None = None,
    ) -> None:
        self._accounts = accounts
        self._survey = survey or Survey()
        self._run = run
        self._secret = secret
        self._iterations = iterations
        self._seal = seal
        self._decoy = seal.seal("decoy") if seal else b""
        self._log = Logger(namespace="xmppd.auth")

    def scram_keys(self, claim: Claim, hash_name: str) -> Deferred[Answer[ScramKeys]]:
        """See `Backend`. Invented keys are made for everybody, to take the same time."""
        fake = self._fake(claim, hash_name)

        def chosen(account: Account | None) -> Answer[ScramKeys]:
            known = account.credentials.keys if account else {}
            return Answer(known.get(hash_name, fake), _version(account))

        return self._known(claim.jid).addCallback(chosen)

    @inlineCallbacks
    def check_password(
        self, claim: Claim, password: str
    ) -> Generator[Deferred[Any], Any, Answer[bool]]:
        """See `Backend`. Renews credentials that are weaker than configured, if right."""
        account = yield self._proved(claim, password)
        sealed = self._seal is not None
        if account and is_outdated(account.credentials, self._iterations, sealed=sealed):
            renewed = yield self._renew(account, password, claim.address)
            # Another login may have renewed them meanwhile, or somebody set a new password.
            account = renewed or (yield self._proved(claim, password))
        return Answer(account is not None, _version(account))

    @inlineCallbacks
    def _proved(self, claim: Claim, password: str) -> Generator[Deferred[Any], Any, Account | None]:
        """Find the account that is claimed, if this is its password."""
        try:
            account: Account | None = yield self._account(claim.jid)
            keys = self._checkable(account, claim)
            rounds = self._iterations
            right = yield self._run(_verify_evenly, password, keys, rounds, address=claim.address)
        except StoreError as error:
            self._log.warn("accounts store: {error}", error=error)
            raise unavailable() from error
        return account if right else None

    @inlineCallbacks
    def password(self, claim: Claim) -> Generator[Deferred[Any], Any, Answer[str | None]]:
        """See `Backend`. Where nothing is sealed a decoy is opened, to take the same time."""
        account = yield self._known(claim.jid)
        sealed = account.credentials.sealed if account else None
        try:
            opened = self._seal.unseal(sealed or self._decoy) if self._seal else ""
        except SealBroken as error:
            self._log.error("{user}: {error}", user=account.id if account else 0, error=error)
            raise unavailable() from error
        if account is None:
            return Answer(None, _version(None))
        if sealed is None or self._seal is None:
            raise SASLFailure("not-authorized", reason="auth.no-sealed-password")
        return Answer(opened, _version(account))

    def admit(self, account: JID, version: object | None) -> Deferred[None]:
        """See `Backend`."""
        return self._known(account).addCallback(_check_admission, version)

    def _known(self, jid: JID | None) -> Deferred[Account | None]:
        """Look the account up; a store that can't answer is a failure of SASL here."""

        def cannot_tell(failure: Failure) -> NoReturn:
            failure.trap(StoreError)
            self._log.warn("accounts store: {error}", error=failure.value)
            raise unavailable() from failure.value

        return self._account(jid).addErrback(cannot_tell)

    def _account(self, jid: JID | None) -> Deferred[Account | None]:
        return succeed(None) if jid is None else self._accounts.get(jid)

    def _fake(self, claim: Claim, hash_name: str) -> ScramKeys:
        local = claim.username if claim.jid is None else claim.jid.local
        secret = self._secret
        iterations = self._survey.iterations(local, claim.domain, secret, self._iterations)
        return fake_keys(local, claim.domain, hash_name, secret, iterations)

    def _checkable(self, account: Account | None, claim: Claim) -> ScramKeys:
        """Choose the keys to check a password with: the strongest there are, or invented ones."""
        known = account.credentials.keys if account else {}
        strongest = next((name for name in HASHES if name in known), None)
        return known[strongest] if strongest else self._fake(claim, next(iter(HASHES)))

    @inlineCallbacks
    def _renew(
        self, account: Account, password: str, address: str
    ) -> Generator[Deferred[Any], Any, Account | None]:
        """Store better credentials of the same password; the account with them.

        None where its credentials are others by now. The login is good even if the store fails:
        then the account is as it was.
        """
        try:
            better = yield self._run(self._make, password, address=address)
            stored = yield self._accounts.replace_credentials(account, better)
        except (StoreError, ValueError) as error:
            self._log.warn("credentials not renewed: {error}", error=error)
            return account
        return replace(account, credentials=better) if stored else None

    def _make(self, password: str) -> Credentials:
        seal = self._seal.seal if self._seal else None
        return make_credentials(password, iterations=self._iterations, seal=seal)


class _Version(NamedTuple):
    """What an answer was read from; equal only while the account and its credentials are."""

    account: int
    credentials: Credentials


_NOBODY = _Version(0, Credentials({}))
"""What the answers about an unknown user were read from; no account has this id."""


def _version(account: Account | None) -> _Version:
    return _Version(account.id, account.credentials) if account else _NOBODY


def _check_admission(account: Account | None, version: object | None) -> None:
    """See `Backend.admit`."""
    proved = _version(account) if version is None else version
    assert isinstance(proved, _Version)  # they are handed back, not made
    if account is None or proved.account != account.id:
        raise SASLFailure("not-authorized", reason="auth.credentials")
    if proved.credentials != account.credentials:
        raise SASLFailure("temporary-auth-failure", reason="auth.changed")
    if not account.enabled:
        raise SASLFailure("account-disabled", reason="auth.disabled")


def _verify_evenly(password: str, keys: ScramKeys, iterations: int) -> bool:
    """Check a password in the time of `iterations` rounds, or of those of the keys if more.

    Else an account with old keys could be told from one that does not exist: keys of as many
    rounds are invented for users who don't.
    """
    try:
        prepare_password(password)
    except ValueError:
        return False
    right = verify(password, keys)
    rest = iterations - keys.iterations
    if not right and rest > 0:
        derive("decoy", "SHA-256", salt=keys.salt, iterations=rest)
    return right
