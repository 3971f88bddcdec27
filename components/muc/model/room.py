"""A room in memory: who is in it, what users are to it, how it is configured, what was said.

Rule 1: nothing here knows a stanza, a store, a clock or who may do what; a change is done when
the method returns, and others tell of it.
Rule 2: an occupant is found by his nick, by each of his sessions, and by what his nick looks like;
these three and the recipients made of them change here, together.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from components.common.multicast import Recipients
from components.common.whole import Lock
from components.muc.model.history import History
from components.muc.model.occupant import Occupant, likeness
from components.muc.model.ranks import Affiliation, Role
from components.muc.model.settings import Settings
from components.muc.model.standing import Standings
from components.muc.model.voices import Voices
from xmppd.jid import JID


class Subject(NamedTuple):
    """A room's subject: the `<subject/>` elements as bytes, who has set it, when (UTC, 1970)."""

    inner: bytes
    nick: str
    at: float


class Room:
    """One room. `id` is its number in the store; `locked` that nobody else may enter (§10.1.1).

    `lock` is for changes that have to be written before they are made: one after the other.
    """

    def __init__(
        self,
        address: JID,
        id_: int,
        settings: Settings,
        *,
        standings: Standings | None = None,
        subject: Subject | None = None,
        history: History | None = None,
        locked: bool = False,
    ) -> None:
        self.address = address
        self.id = id_
        self.settings = settings
        self.standings = standings or Standings()
        self.subject = subject
        self.history = history or History(settings.history)
        self.locked = locked
        self.destroyed = False
        self.voices = Voices()
        self.lock = Lock()
        self.number = 0
        """That of the latest message (`history.Said.number`)."""
        self._by_nick: dict[str, Occupant] = {}
        self._by_session: dict[str, Occupant] = {}
        self._by_likeness: dict[str, Occupant] = {}
        self._everybody: Recipients | None = None

    # ------------------------------------------------------------------ who is here

    def __len__(self) -> int:
        """How many occupants there are."""
        return len(self._by_nick)

    @property
    def occupants(self) -> Iterable[Occupant]:
        """All of them, in the order in which they came."""
        return self._by_nick.values()

    @property
    def sessions(self) -> Iterable[str]:
        """The full JIDs of all of them."""
        return self._by_session

    def by_session(self, session: str) -> Occupant | None:
        """Whose session a full JID is; None for nobody's here."""
        return self._by_session.get(session)

    def by_nick(self, nick: str) -> Occupant | None:
        """Who has a nick."""
        return self._by_nick.get(nick)

    def alike(self, nick: str) -> Occupant | None:
        """Who has a nick that people would take for this one (§7.2.8)."""
        return self._by_likeness.get(likeness(nick))

    def of(self, account: JID) -> Iterator[Occupant]:
        """Those that a user is here, by one or several nicks."""
        return (each for each in self._by_nick.values() if each.account == account)

    def affiliation(self, account: JID) -> Affiliation:
        """A user's affiliation, by his bare JID."""
        return self.standings.of(account).affiliation

    @property
    def everybody(self) -> Recipients:
        """All sessions, as they are sent to: made once for all that is said meanwhile."""
        if self._everybody is None:
            self._everybody = Recipients(self._sessions())
        return self._everybody

    def _sessions(self) -> Iterator[JID]:
        for occupant in self._by_nick.values():
            yield from occupant.sessions

    # ------------------------------------------------------------------ who comes and goes

    def enter(self, occupant: Occupant, session: JID, presence: bytes) -> None:
        """A session comes in under an occupant's nick, or sends other presence."""
        new = session not in self._by_session
        occupant.put(session, presence)
        self._by_session[session] = occupant
        self._by_nick[occupant.nick] = occupant
        self._by_likeness[occupant.likeness] = occupant
        if new:
            self._everybody = None

    def leave(self, session: JID) -> Occupant:
        """A session goes, and its occupant with the last one."""
        occupant = self._by_session.pop(session)
        occupant.drop(session)
        if not occupant.sessions:
            del self._by_nick[occupant.nick]
            del self._by_likeness[occupant.likeness]
        self._everybody = None
        return occupant

    def rename(self, occupant: Occupant, address: JID) -> None:
        """Have an occupant under another nick that is free."""
        del self._by_nick[occupant.nick]
        del self._by_likeness[occupant.likeness]
        occupant.rename(address)
        self._by_nick[occupant.nick] = occupant
        self._by_likeness[occupant.likeness] = occupant

    def having(self, role: Role) -> Iterator[Occupant]:
        """All occupants of a role."""
        return (each for each in self._by_nick.values() if each.role is role)

    # ------------------------------------------------------------------ time

    def stamp(self, seconds: float) -> int:
        """The number of a message that comes now, later than all before it."""
        self.number = max(self.number + 1, int(seconds * 1_000_000))
        return self.number
