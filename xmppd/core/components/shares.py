"""Whose the octets are that wait for a component: nobody takes the room of all others.

The first half of the room is for whoever comes, and nothing is counted there: nearly always all of
it is free. In the other half each has a share, and what is beyond it is refused: to him, not to
those who come later.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Container, Iterator

from xmppd.core.backlog import Backlog
from xmppd.core.components.counts import Counts, crowd_of
from xmppd.errors import StanzaError
from xmppd.wire.stanza import Stanza

SHARE = 16
"""What part of the room one of those has (counts.py) that are counted; a stanza, anyway. Twice as
much with presence, and with what the server sends for him or tells of him: whatever he has written,
it is known that he has gone, and who may see him."""

ELSEWHERE = 4
"""What part all other servers have together: as much is left to the users of this one."""


class Shares(Counts):
    """Who has how much of a queue. `here` are the domains that are served here.

    What has a place in it, a number that grows, is counted from `put` until `passed` says that it
    has gone.
    """

    __slots__ = ("_here", "_places")

    def __init__(self, here: Container[str]) -> None:
        super().__init__()
        self._here = here
        self._places: deque[tuple[int, str, int]] = deque()
        """Places, whose they are, and how many octets."""

    def room_for(self, stanza: Stanza, size: int, waiting: int, most: int) -> str:
        """As whose a stanza is counted that comes to those that wait; "" where it is not.

        Raises StanzaError where there is no room for it, or none for more of his.
        """
        if waiting + size > most:
            raise StanzaError("resource-constraint", reason="component.queue")
        if 2 * (waiting + size) <= most:
            return ""
        crowd = crowd_of(stanza.cause or stanza.sender, self._here)
        has = self.of(crowd)
        twice = stanza.kind == "presence" or stanza.cause is not None
        share = (1 + twice) * most // SHARE
        if has and has + size > share:
            raise StanzaError("resource-constraint", reason="component.share")
        if crowd and "@" not in crowd and self.elsewhere + size > max(size, most // ELSEWHERE):
            raise StanzaError("resource-constraint", reason="component.share")
        return crowd

    def put(self, place: int, crowd: str, size: int) -> None:
        """What is at a place is counted as a crowd's; "" is not counted."""
        if crowd:
            self.add(crowd, size)
            self._places.append((place, crowd, size))

    def passed(self, place: int) -> None:
        """All before a place has gone."""
        places = self._places
        while places and places[0][0] < place:
            _, crowd, size = places.popleft()
            self.drop(crowd, size)

    def take(self) -> dict[int, str]:
        """Whose what is at each place is, as far as it is counted: from here on it is not."""
        whose = {place: crowd for place, crowd, _ in self._places}
        self.passed(1 + self._places[-1][0] if self._places else 0)
        return whose


class Unsent:
    """Whose the octets are that a connection has not taken, while it takes them too slowly."""

    __slots__ = ("_shares", "_written")

    def __init__(self, here: Container[str]) -> None:
        self._shares = Shares(here)
        self._written = 0
        """Octets of stanzas, since it was too slow."""

    def write(self, stanza: Stanza, size: int, unsent: int, most: int) -> None:
        """A stanza is to be written behind so many octets that wait.

        Raises StanzaError as `Shares.room_for` does.
        """
        shares = self._shares
        shares.passed(self._written - unsent)
        crowd = shares.room_for(stanza, size, unsent, most)
        self._written += size
        shares.put(self._written - 1, crowd, size)

    def clear(self) -> None:
        """It has caught up, or is gone."""
        self._shares.take()
        self._written = 0


class SharedBacklog(Backlog):
    """A backlog of which nobody takes all: of what waits for a component."""

    __slots__ = ("_shares",)

    def __init__(self, most_octets: int, here: Container[str]) -> None:
        super().__init__(most_octets, "component.queue")
        self._shares = Shares(here)

    def keep(self, stanza: Stanza, key: str | None = None) -> None:
        """See `Backlog.keep`."""
        size = len(stanza.tail())
        crowd = self._shares.room_for(stanza, size, self.octets, self._most_octets)
        super().keep(stanza, key)
        self._shares.put(0, crowd, size)

    def take(self) -> Iterator[tuple[Stanza, str | None]]:
        """See `Backlog.take`."""
        self._shares.take()
        return super().take()
