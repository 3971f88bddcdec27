"""How fast people may do things: a flood is refused, and what honest clients do never is.

Each has a bucket of tokens. As what has not been touched for as long as it takes to be full is as
good as new, none is kept longer, so memory is bounded by what really happens.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable

from msgspec import Struct

from components.muc.model.occupant import Occupant
from components.muc.model.room import Room
from xmppd.errors import StanzaError
from xmppd.jid import JID


class Limits(Struct, frozen=True):
    """Events a second on average; 0 is no limit."""

    messages: float = 10.0
    """Of one user in one room, private ones too,"""
    room_messages: float = 200.0
    """and of all in it."""
    presence: float = 5.0
    """Changes of one user's presence or nick in one room,"""
    room_presence: float = 500.0
    """and of all in it, coming included."""
    requests: float = 50.0
    """IQs of one user to the others in a room."""
    joins: float = 30.0
    """Of one user, in all rooms together."""
    burst: float = 10.0
    """For how many seconds at once."""


NONE = Limits(0, 0, 0, 0, 0, 0)
"""No limits at all."""

ENTERING = 5
"""So many changes of presence it is to enter a room: it is answered by the presence of all."""

MOST = 100_000
"""Buckets of a kind; who comes on top of them has to wait."""


class Rate:
    """`most` events a second each on average, those of `burst` seconds at once.

    What is kept of each is when his bucket will be full again (the virtual scheduling of ITU-T
    I.371, Annex A).
    """

    def __init__(self, most: float, burst: float, now: Callable[[], float]) -> None:
        self._step = 1 / most if most else 0.0
        self._span = max(burst, self._step)
        self._now = now
        self._full: dict[Hashable, float] = {}
        self._before: dict[Hashable, float] = {}
        self._until = 0.0

    def __len__(self) -> int:
        """How many buckets there are."""
        return len(self._full) + len(self._before)

    def take(self, who: Hashable, cost: int = 1) -> bool:
        """Whether once more is not too often; if so, it counts, as `cost` events."""
        step = self._step * cost
        if not step:
            return True
        now = self._now()
        if now >= self._until:
            self._turn(now)
        full = self._full.get(who)
        if full is None:
            if len(self._full) >= MOST:
                return False
            full = self._before.pop(who, now)
        if full < now:
            full = now
        allowed = full + step - now <= self._span + 1e-6
        self._full[who] = full + step if allowed else full
        return allowed

    def _turn(self, now: float) -> None:
        """Forget those that were touched last a whole span ago: they are full."""
        late = now >= self._until + self._span
        self._before = {} if late else self._full
        self._full = {}
        self._until = now + self._span


class Rates:
    """The rates of the service; each method raises StanzaError for what comes too fast."""

    def __init__(self, limits: Limits, now: Callable[[], float]) -> None:
        def rate(most: float) -> Rate:
            return Rate(most, limits.burst, now)

        self._messages, self._room_messages = rate(limits.messages), rate(limits.room_messages)
        self._presence, self._room_presence = rate(limits.presence), rate(limits.room_presence)
        self._requests = rate(limits.requests)
        self._joins = rate(limits.joins)

    def message(self, room: Room, sender: Occupant) -> None:
        """Somebody says something, to all or to one."""
        _check(self._messages.take((room.id, sender.account)), "you write too fast")
        _check(self._room_messages.take(room.id), "too much is said here")

    def presence(self, room: Room, of: Occupant) -> None:
        """Somebody in a room changes his presence or his nick."""
        _check(self._presence.take((room.id, of.account)), "you change too fast")
        _check(self._room_presence.take(room.id), "too much changes here")

    def request(self, room: Room, sender: Occupant) -> None:
        """Somebody asks another occupant something."""
        _check(self._requests.take((room.id, sender.account)), "you ask too fast")

    def join(self, account: JID) -> None:
        """Somebody wants to enter a room, whether he may or not."""
        _check(self._joins.take(account), "you enter rooms too fast")

    def entered(self, room: Room, account: JID) -> None:
        """Somebody is about to be in a room, and is told of all that are there."""
        _check(self._presence.take((room.id, account), ENTERING), "you come too often")
        _check(self._room_presence.take(room.id), "too many come at once")


def _check(allowed: bool, why: str) -> None:
    if not allowed:
        raise StanzaError("resource-constraint", why, reason="muc.rate", type="wait")
