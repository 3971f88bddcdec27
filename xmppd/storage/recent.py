"""Accounts as they were read a moment ago: a login reads its account once, not at every step.

What was not found is remembered like what was: otherwise the time of a second look would tell
whether an account exists.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from twisted.internet.defer import Deferred, succeed

from xmppd.credentials import Credentials
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
        self._writes = self._removals = 0
        self._read: OrderedDict[tuple[str, str], tuple[float, Account | None]] = OrderedDict()

    def get(self, local: str, domain: str) -> Deferred[Account | None]:
        """See `Accounts.get`."""
        key = (local, domain)
        held = self._read.get(key)
        if held is not None and self._now() - held[0] < SECONDS:
            return succeed(held[1])
        began, writes, removals = self._now(), self._writes, self._removals

        def keep(account: Account | None) -> Any:
            if removals != self._removals:
                # Older than a removal, whose streams have been ended: a login that is let in
                # now would stay, and be there when somebody else takes the name.
                return self.get(local, domain)
            if writes == self._writes:  # else this reading may be older than a write
                self._read[key] = (began, account)
                self._read.move_to_end(key)
                if len(self._read) > MOST:
                    self._read.popitem(last=False)
            return account

        return self._accounts.get(local, domain).addCallback(keep)

    def exists(self, local: str, domain: str) -> Deferred[bool]:
        """See `Accounts.exists`."""
        return self._accounts.exists(local, domain)

    def create(
        self, local: str, domain: str, credentials: Credentials, *, now: float
    ) -> Deferred[Account]:
        """See `Accounts.create`."""
        made = self._accounts.create(local, domain, credentials, now=now)
        return self._written(local, domain, made)

    def set_credentials(self, local: str, domain: str, credentials: Credentials) -> Deferred[bool]:
        """See `Accounts.set_credentials`."""
        done = self._accounts.set_credentials(local, domain, credentials)
        return self._written(local, domain, done)

    def set_enabled(self, local: str, domain: str, enabled: bool) -> Deferred[bool]:
        """See `Accounts.set_enabled`."""
        done = self._accounts.set_enabled(local, domain, enabled)
        return self._written(local, domain, done.addBoth(self._removed))

    def remove(self, local: str, domain: str) -> Deferred[bool]:
        """See `Accounts.remove`."""
        done = self._accounts.remove(local, domain)
        return self._written(local, domain, done.addBoth(self._removed))

    def list(self, domain: str, after: str = "", limit: int = 100) -> Deferred[Sequence[Account]]:
        """See `Accounts.list`."""
        return self._accounts.list(domain, after, limit)

    def count(self, domain: str) -> Deferred[int]:
        """See `Accounts.count`."""
        return self._accounts.count(domain)

    def _removed(self, result: T) -> T:
        self._removals += 1
        return result

    def _written(self, local: str, domain: str, done: Deferred[T]) -> Deferred[T]:
        """Forget the account now, and once more when the write is done, however it ends."""

        def forget(result: Any) -> Any:
            self._writes += 1
            self._read.pop((local, domain), None)
            return result

        forget(None)
        return done.addBoth(forget)
