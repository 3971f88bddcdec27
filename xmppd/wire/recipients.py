"""Whom one stanza is sent to: what does not depend on the stanza is found out once."""

from __future__ import annotations

from collections.abc import Iterable

from xmppd.jid import JID
from xmppd.wire.stanza import begun


class Recipients:
    """Addresses, each once and in their order. They never change."""

    __slots__ = ("_accounts", "_begun", "jids")

    def __init__(self, jids: Iterable[JID]) -> None:
        self.jids = tuple(dict.fromkeys(jids))
        self._accounts: frozenset[JID] | None = None
        self._begun: dict[str, list[bytes]] = {}

    @property
    def accounts(self) -> frozenset[JID]:
        """The bare JIDs of them all."""
        if self._accounts is None:
            self._accounts = frozenset([jid.bare for jid in self.jids])
        return self._accounts

    def begun(self, kind: str) -> list[bytes]:
        """What a stanza of a kind begins with, for each of them: its `tail` comes behind it."""
        found = self._begun.get(kind)
        if found is None:
            found = self._begun[kind] = [begun(kind, jid) for jid in self.jids]
        return found
