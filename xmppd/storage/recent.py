"""Accounts as they were read a moment ago: a login reads its account once, not at every step.

What was not found is remembered like what was: otherwise the time of a second look would tell
whether an account exists.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from twisted.internet.defer import Deferred, succeed

from xmppd.credentials import Credentials
from xmppd.jid import JID
from xmppd.storage.interfaces import Account, Accounts

T = TypeVar("T")

SECONDS = 5.0
"""How long a reading holds; what another process writes is seen after that."""
MOST = 2_000
"""How many readings are held."""


class RecentAccounts:
    """`interfaces.Accounts` in front of another; every write through it is seen at once.

    `now` gives seconds.
    """

    def __init__(self, accounts: Accounts, now: Callable[[], float]) -> None:
        self._accounts = accounts
        self._now = now
        self._writes = self._revocations = 0
        self._read: OrderedDict[JID, tuple[float, Account | None]] = OrderedDict()

    def get(self, jid: JID) -> Deferred[Account | None]:
        """See `Accounts.get`."""
        held = self._read.get(jid)
        if held is not None and self._now() - held[0] < SECONDS:
            return succeed(held[1])
        began, writes, revocations = self._now(), self._writes, self._revocations

        def keep(account: Account | None) -> Any:
            if revocations != self._revocations:
                # Older than a new password or a lockout, or than a removal, whose streams have
                # been ended: a login that is let in by this reading would stay.
                return self.get(jid)
            if writes == self._writes:  # else this reading may be older than a write
                self._read[jid] = (began, account)
                self._read.move_to_end(jid)
                if len(self._read) > MOST:
                    self._read.popitem(last=False)
            return account

        return self._accounts.get(jid).addCallback(keep)

    def exists(self, jid: JID) -> Deferred[bool]:
        """See `Accounts.exists`."""
        return self._accounts.exists(jid)

    def create(self, jid: JID, credentials: Credentials, *, now: float) -> Deferred[Account]:
        """See `Accounts.create`."""
        return self._written(jid, self._accounts.create(jid, credentials, now=now))

    def set_credentials(self, jid: JID, credentials: Credentials) -> Deferred[bool]:
        """See `Accounts.set_credentials`."""
        done = self._accounts.set_credentials(jid, credentials)
        return self._written(jid, done.addBoth(self._revoked))

    def replace_credentials(self, account: Account, credentials: Credentials) -> Deferred[bool]:
        """See `Accounts.replace_credentials`."""
        done = self._accounts.replace_credentials(account, credentials)
        return self._written(account.jid, done.addBoth(self._revoked))

    def set_enabled(self, jid: JID, enabled: bool) -> Deferred[bool]:
        """See `Accounts.set_enabled`."""
        done = self._accounts.set_enabled(jid, enabled)
        return self._written(jid, done.addBoth(self._revoked))

    def remove(self, jid: JID) -> Deferred[bool]:
        """See `Accounts.remove`."""
        done = self._accounts.remove(jid)
        return self._written(jid, done.addBoth(self._revoked))

    def list(self, domain: str, after: str = "", limit: int = 100) -> Deferred[Sequence[Account]]:
        """See `Accounts.list`."""
        return self._accounts.list(domain, after, limit)

    def count(self, domain: str) -> Deferred[int]:
        """See `Accounts.count`."""
        return self._accounts.count(domain)

    def iterations(self) -> Deferred[Mapping[str, Mapping[int, int]]]:
        """See `Accounts.iterations`."""
        return self._accounts.iterations()

    def _revoked(self, result: T) -> T:
        self._revocations += 1
        return result

    def _written(self, jid: JID, done: Deferred[T]) -> Deferred[T]:
        """Forget the account now, and once more when the write is done, however it ends."""

        def forget(result: Any) -> Any:
            self._writes += 1
            self._read.pop(jid, None)
            return result

        forget(None)
        return done.addBoth(forget)
