"""How many domains are being reached at a time, and whose turn it is.

Who waits is taken by turns of their senders: whoever writes to a thousand domains at once keeps
nobody else from reaching one. And they are begun a few at a time: to begin one, and to answer what
the other server asks, takes a millisecond of work, and for as long as all of it takes that is begun
at once, everybody on this server would have to wait.
"""

from __future__ import annotations

from collections import Counter, OrderedDict, deque
from collections.abc import Callable

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime

from xmppd.errors import StanzaError

WAITING = 1_000
"""Attempts of one sender that may wait for their turn,"""
WAITING_IN_A_CROWD = 100
"""and where so many wait already that others might find no room:"""
CROWD = 5_000
"""each takes a place among the domains that are known."""

WAITING_OF_STRANGER = 200
"""Likewise of one stranger,"""
WAITING_OF_STRANGERS = 5_000
"""and of all of them together."""

AT_ONCE = 4
"""Attempts that begin in one turn of the reactor. Measured: while 500 are begun at once, chat on
this server takes 130 to 150 ms at the 99th percentile; with 16 in a turn 62, 8 in a turn 31, and 4
in a turn 25 to 27."""


_STRANGER = " "
"""What no bare JID begins with."""


def stranger(who: str) -> str:
    """One elsewhere who makes us look for domains: he claims to be them, or has answers sent there.

    `who` is his network address, or what his domains have in common.
    """
    return f"{_STRANGER}{who}"


class Attempts:
    """Those that are under way; `most` gives how many there may be.

    Of one sender half of them, and of all strangers as many: one of these half of that.
    """

    __slots__ = (
        "_begun",
        "_busy",
        "_by",
        "_clock",
        "_most",
        "_of_strangers",
        "_waiting",
        "_waiting_strangers",
        "count",
        "waiting",
    )

    def __init__(self, most: Callable[[], int], clock: IReactorTime) -> None:
        self._most = most
        self._clock = clock
        self._begun = 0
        """In this turn of the reactor."""
        self._by: Counter[str] = Counter()
        self._of_strangers = self._waiting_strangers = 0
        self._waiting: OrderedDict[str, deque[Deferred[None]]] = OrderedDict()
        self._busy = False
        """Whether turns are being given: one that ends within itself gives no other."""
        self.count = self.waiting = 0
        """How many have had their turn and are not over, and how many wait for it."""

    def begin(self, who: str) -> Deferred[None]:
        """Fires when an attempt on account of a bare JID, or of a `stranger`, has its turn.

        `end` has to be called behind it, unless it was cancelled or has failed: with StanzaError,
        where too many of the same wait.
        """
        turn: Deferred[None] = Deferred(lambda it: self._forget(who, it))
        if self._is_full(who):
            turn.errback(StanzaError("resource-constraint", reason="s2s.attempts", detail=who))
            return turn
        self._waiting.setdefault(who, deque()).append(turn)
        self.waiting += 1
        self._waiting_strangers += _is_stranger(who)
        self._next()
        return turn

    def end(self, who: str) -> None:
        """An attempt that had its turn has come to an end."""
        self.count -= 1
        self._of_strangers -= _is_stranger(who)
        self._by[who] -= 1
        if not self._by[who]:
            del self._by[who]
        self._next()

    def _is_full(self, who: str) -> bool:
        waiting = len(self._waiting.get(who, ()))
        if not _is_stranger(who):
            return waiting >= (WAITING if self.waiting < CROWD else WAITING_IN_A_CROWD)
        return waiting >= WAITING_OF_STRANGER or self._waiting_strangers >= WAITING_OF_STRANGERS

    def _may(self, who: str, share: int) -> bool:
        if not _is_stranger(who):
            return self._by[who] < share
        return self._of_strangers < share and self._by[who] < max(1, share // 2)

    def _next(self) -> None:
        """Give turns to those who may have one, one sender after the other."""
        if self._busy:
            return
        self._busy = True
        try:
            while (turn := self._take()) is not None:
                turn.callback(None)
        finally:
            self._busy = False

    def _take(self) -> Deferred[None] | None:
        """Who has the next turn, if anybody may."""
        most = self._most()
        share = max(1, most // 2)
        who = next((each for each in self._waiting if self._may(each, share)), None)
        if self.count >= most or self._begun >= AT_ONCE or who is None:
            return None
        queue = self._waiting[who]
        turn = queue.popleft()
        if queue:
            self._waiting.move_to_end(who)
        else:
            del self._waiting[who]
        self.count += 1
        self._by[who] += 1
        self._of_strangers += _is_stranger(who)
        self.waiting -= 1
        self._waiting_strangers -= _is_stranger(who)
        if not self._begun:
            self._clock.callLater(0, self._go_on)
        self._begun += 1
        return turn

    def _go_on(self) -> None:
        """Another turn of the reactor has begun."""
        self._begun = 0
        self._next()

    def _forget(self, who: str, turn: Deferred[None]) -> None:
        queue = self._waiting.get(who)
        if queue is not None and turn in queue:
            queue.remove(turn)
            self.waiting -= 1
            self._waiting_strangers -= _is_stranger(who)
            if not queue:
                del self._waiting[who]


def _is_stranger(who: str) -> bool:
    return who.startswith(_STRANGER)
