"""What users are to a room: affiliations and registered nicks (XEP-0045 §5.2, §7.10)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from components.muc.model.occupant import likeness
from components.muc.model.ranks import Affiliation
from xmppd.jid import JID


class Standing(NamedTuple):
    """A bare JID, or a whole domain, its affiliation, its registered nick, and why it has it."""

    jid: JID
    affiliation: Affiliation
    nick: str = ""
    reason: str = ""

    @property
    def kept(self) -> bool:
        """Whether there is anything to remember."""
        return self.affiliation is not Affiliation.NONE or bool(self.nick)


class Standings:
    """All that a room remembers of users."""

    def __init__(self, standings: Iterable[Standing] = ()) -> None:
        self._by_jid: dict[JID, Standing] = {}
        self._nicks: dict[str, JID] = {}
        for standing in standings:
            self.put(standing)

    def __len__(self) -> int:
        return len(self._by_jid)

    def of(self, account: JID) -> Standing:
        """What a bare JID is, by itself or as one of its domain (§9.1)."""
        own = self._by_jid.get(account)
        if own is not None and own.affiliation is not Affiliation.NONE:
            return own
        whole = self._by_jid.get(JID.of("", account.domain)) if account.local else None
        nick = "" if own is None else own.nick
        return Standing(account, whole.affiliation if whole else Affiliation.NONE, nick)

    def exactly(self, jid: JID) -> Standing:
        """What is remembered of this very address."""
        return self._by_jid.get(jid) or Standing(jid, Affiliation.NONE)

    def put(self, standing: Standing) -> None:
        """Remember it in place of what was; nothing where it says nothing."""
        old = self._by_jid.pop(standing.jid, None)
        if old is not None and self.holder(old.nick) == old.jid:
            del self._nicks[likeness(old.nick)]
        if standing.kept:
            self._by_jid[standing.jid] = standing
            if standing.nick:
                self._nicks[likeness(standing.nick)] = standing.jid

    def holder(self, nick: str) -> JID | None:
        """Whose registered nick that is, or one that looks like it."""
        return self._nicks.get(likeness(nick))

    def having(self, affiliation: Affiliation) -> Iterator[Standing]:
        """All of an affiliation."""
        return (each for each in self._by_jid.values() if each.affiliation is affiliation)

    def __iter__(self) -> Iterator[Standing]:
        return iter(self._by_jid.values())
