"""Which accounts contacts elsewhere see: nobody can ask their own servers for it.

Those that are known by the rosters that are remembered.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from xmppd.jid import JID


class Viewers:
    """By contact, the accounts; contacts at `servers` are left out."""

    def __init__(self, servers: Collection[JID]) -> None:
        self._servers = frozenset(servers)
        self._accounts: dict[JID, dict[JID, None]] = {}

    def of(self, contact: JID) -> Collection[JID]:
        """The accounts whose presence a contact sees, by his bare JID."""
        return self._accounts.get(contact, ())

    def add(self, account: JID, contacts: Iterable[JID]) -> None:
        """Have contacts see an account's presence."""
        for contact in contacts:
            if contact.domain not in self._servers:
                self._accounts.setdefault(contact, {})[account] = None

    def drop(self, account: JID, contacts: Iterable[JID]) -> None:
        """Have them see it no more, as far as anybody remembers."""
        for contact in contacts:
            accounts = self._accounts.get(contact)
            if accounts is not None and accounts.pop(account, 0) is None and not accounts:
                del self._accounts[contact]

    def clear(self) -> None:
        """Know of nobody."""
        self._accounts.clear()
