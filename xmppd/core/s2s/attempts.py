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

STRANGERS = ""
"""Who makes us look for the domains that they claim to be, all of them together."""

WAITING = 1_000
"""Attempts of one sender that may wait for their turn."""

AT_ONCE = 4
"""Attempts that begin in one turn of the reactor. Measured: while 500 are begun at once, chat on
this server takes 130 to 150 ms at the 99th percentile; with 16 in a turn 62, 8 in a turn 31, and 4
in a turn 25 to 27."""


class Attempts:
    """Those that are under way; `most` gives how many there may be, of one sender half of them."""

    __slots__ = ("_begun", "_busy", "_by", "_clock", "_most", "_waiting", "count")

    def __init__(self, most: Callable[[], int], clock: IReactorTime) -> None:
        self._most = most
        self._clock = clock
        self._begun = 0
        """In this turn of the reactor."""
        self._by: Counter[str] = Counter()
        self._waiting: OrderedDict[str, deque[Deferred[None]]] = OrderedDict()
        self._busy = False
        """Whether turns are being given: one that ends within itself gives no other."""
        self.count = 0

    @property
    def waiting(self) -> int:
        """How many wait for their turn."""
        return sum(map(len, self._waiting.values()))

    def begin(self, who: str) -> Deferred[None]:
        """Fires when an attempt on account of a bare JID, or of `STRANGERS`, has its turn.

        `end` has to be called behind it, unless it was cancelled or has failed: with StanzaError,
        where too many of the same wait.
        """
        turn: Deferred[None] = Deferred(lambda it: self._forget(who, it))
        queue = self._waiting.setdefault(who, deque())
        if len(queue) >= WAITING:
            turn.errback(StanzaError("resource-constraint", reason="s2s.attempts", detail=who))
            return turn
        queue.append(turn)
        self._next()
        return turn

    def end(self, who: str) -> None:
        """An attempt that had its turn has come to an end."""
        self.count -= 1
        self._by[who] -= 1
        if not self._by[who]:
            del self._by[who]
        self._next()

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
        who = next((each for each in self._waiting if self._by[each] < share), None)
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
            if not queue:
                del self._waiting[who]
