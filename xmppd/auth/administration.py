"""Making, changing and removing accounts: one path for registration, tools and commands."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from twisted.internet.defer import Deferred, inlineCallbacks

from xmppd.auth.internal import RunInThread
from xmppd.auth.seal import Seal
from xmppd.core.host import Host
from xmppd.credentials import Credentials, make_credentials, prepare_password
from xmppd.errors import StreamError
from xmppd.jid import JID
from xmppd.storage.interfaces import Account


class Administration:
    """The `core.host.Administrator` of a server with accounts.

    `run` takes PBKDF2 off the reactor thread; `seal` is given where digest logins are on.
    """

    def __init__(self, host: Host, *, run: RunInThread, seal: Seal | None) -> None:
        self._host = host
        self._accounts = host.stores.accounts
        self._run = run
        self._seal = seal

    @inlineCallbacks
    def create(self, jid: JID, password: str) -> Generator[Deferred[Any], Any, Account]:
        """Make the account `jid`, a bare JID of a domain served here.

        Fails with AccountExists, with ValueError for a password that SASLprep refuses or that is
        empty, with StoreError.
        """
        credentials = yield self._credentials(password)
        now = self._host.clock.seconds()
        account: Account = yield self._accounts.create(jid, credentials, now=now)
        self._host.residents.forget(jid)
        self._host.hooks.account_created(jid)
        return account

    @inlineCallbacks
    def set_password(self, jid: JID, password: str) -> Generator[Deferred[Any], Any, bool]:
        """Set a password; False when there is no such account. Fails as `create` does."""
        credentials = yield self._credentials(password)
        known: bool = yield self._accounts.set_credentials(jid, credentials)
        return known

    @inlineCallbacks
    def remove(self, jid: JID) -> Generator[Deferred[Any], Any, bool]:
        """Remove the account, all that is stored of it, and its streams (XEP-0077 §3.2).

        False when there is no such account. The streams end in the next turn of the reactor, so
        that who asked for it on one of them still reads the answer.
        """
        host = self._host
        yield host.residents.fetch(jid)  # who is to be told that its subscriptions end
        removed: bool = yield self._accounts.remove(jid)
        if removed:
            yield Deferred.fromCoroutine(host.hooks.account_removed.gather(jid))
            host.residents.forget(jid)
            error = StreamError("not-authorized", reason="session.account-removed")
            host.clock.callLater(0, host.end_streams, jid, error)
        return removed

    def _credentials(self, password: str) -> Deferred[Credentials]:
        prepared = prepare_password(password)
        if not prepared:
            raise ValueError("a password may not be empty")
        seal = None if self._seal is None else self._seal.seal
        iterations = self._host.config.auth.iterations
        return self._run(_make, prepared, iterations, seal)


def _make(password: str, iterations: int, seal: Any) -> Credentials:
    return make_credentials(password, iterations=iterations, seal=seal)
