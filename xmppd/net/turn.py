"""Writing at the end of a reactor turn.

Everything a connection was given in one turn is joined and sent when the turn ends, straight to
the socket (`xmppd/net/transport.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from time import monotonic

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from xmppd.core.host import Flushable

log = Logger()


QUIET = 0.0002
"""Seconds since the last read after which the next one is its own turn. A busy server reads
every few microseconds; there, joining what several senders have for one client pays more than
a timer for each turn costs."""


class Turn:
    """Flushes, when the reactor's turn ends, whatever was added during it.

    One for the whole process: whoever reads ends the turn of all that he has written to,
    whichever listener they came by. A turn in which much is read ends with a timer. When reading
    is rare, each read is its own turn: `begin` says so, and whoever was told ends it with `end`.
    `now` is a clock of seconds since whenever.
    """

    __slots__ = ("_clock", "_last", "_now", "_reading", "_waiting")

    def __init__(self, clock: IReactorTime, now: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._now = now
        self._waiting: list[Flushable] = []
        self._last = -inf
        self._reading = False

    def add(self, held: Flushable) -> None:
        """Have `held` flushed when this turn ends."""
        if not self._waiting and not self._reading:
            self._clock.callLater(0, self.end)
        self._waiting.append(held)

    def begin(self) -> bool:
        """Something has been read. True when it is worth to end the turn behind it."""
        now = self._now()
        quiet = now - self._last > QUIET and not self._waiting and not self._reading
        self._last = now
        self._reading = quiet
        return quiet

    def end(self) -> None:
        """Flush what waits."""
        self._reading = False
        waiting, self._waiting = self._waiting, []
        for held in waiting:
            try:
                held.flush()
            except Exception:  # noqa: BLE001 - the others still have theirs to send
                log.failure("the end of a turn failed for one connection")
