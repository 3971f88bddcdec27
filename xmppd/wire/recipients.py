"""Whom one stanza is sent to: what does not depend on the stanza is found out once."""

from __future__ import annotations

from collections.abc import Iterable

from xmppd.jid import JID


class Recipients:
    """Addresses, each once and in their order. They never change."""

    __slots__ = ("_accounts", "_begun", "_domains", "jids")

    def __init__(self, jids: Iterable[JID]) -> None:
        self.jids = tuple(dict.fromkeys(jids))
        self._accounts: frozenset[JID] | None = None
        self._domains: frozenset[str] | None = None
        self._begun: dict[str, list[bytes]] = {}

    @property
    def accounts(self) -> frozenset[JID]:
        """The bare JIDs of them all."""
        if self._accounts is None:
            self._accounts = frozenset([jid.bare for jid in self.jids])
        return self._accounts

    @property
    def domains(self) -> frozenset[str]:
        """The domains of those that have no local part."""
        if self._domains is None:
            self._domains = frozenset([jid.domain for jid in self.jids if not jid.local])
        return self._domains

    def begun(self, kind: str) -> list[bytes]:
        """What a stanza of a kind begins with, for each of them; its `tail` is the rest."""
        found = self._begun.get(kind)
        if found is None:
            found = self._begun[kind] = _begun(kind, self.jids)
        return found

    def grown(self, others: Iterable[JID]) -> Recipients:
        """These and `others` behind them; what is known of these is not found out again."""
        grown = Recipients((*self.jids, *others))
        more = grown.jids[len(self.jids) :]
        if self._accounts is not None:
            grown._accounts = self._accounts.union([jid.bare for jid in more])
        for kind, begun in self._begun.items():
            grown._begun[kind] = begun + _begun(kind, more)
        return grown


def _begun(kind: str, jids: Iterable[JID]) -> list[bytes]:
    start = f"<{kind} to='".encode()
    return [b"%b%b'" % (start, jid.attr) for jid in jids]
