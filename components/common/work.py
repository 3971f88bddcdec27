"""Handlers that take their time: how many, for how long, and when there are none.

One that takes too long is given up on: it is cancelled, and nobody waits for it any more. What it
can't be cut off from (`whole`) it brings to an end; so long it counts.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall
from twisted.python.failure import Failure

SECONDS = 60.0
"""How long a handler may take; its stanza is answered with an error then."""

MOST = 2_000
"""How many may be at work at a time."""

_LOOK_EVERY = 5.0
"""Seconds between looks at how long they take: not each of them has a timer."""


class _Begun(NamedTuple):
    """What a handler has begun, and when."""

    later: Deferred[Any]
    at: float


class Work:
    """What handlers have begun and not finished.

    `late` is told what those fail with that were given up on.
    """

    def __init__(
        self,
        clock: IReactorTime,
        late: Callable[[Failure], object],
        seconds: float = SECONDS,
        most: int = MOST,
    ) -> None:
        self._clock = clock
        self._late = late
        self._seconds = seconds
        self._most = most
        self._begun: dict[Deferred[Any], _Begun] = {}
        """By what fires for who waits for it."""
        self._idle: list[Deferred[None]] = []
        self._looking = LoopingCall(self._look)
        self._looking.clock = clock

    def __len__(self) -> int:
        return len(self._begun)

    @property
    def full(self) -> bool:
        """Whether there is enough to do."""
        return len(self._begun) >= self._most

    def start(self) -> None:
        """Look from time to time for what takes too long, and give up on it."""
        self._looking.start(_LOOK_EVERY, now=False)

    def stop(self) -> None:
        """Look no more."""
        if self._looking.running:
            self._looking.stop()

    def add(self, later: Deferred[Any]) -> Deferred[Any]:
        """Have it be finished in time, which may be so already.

        Fires as it does, or fails with CancelledError as soon as it was given up on.
        """
        if later in self._begun or (later.called and not later.paused):
            return later
        waiting: Deferred[Any] = Deferred()
        self._begun[waiting] = _Begun(later, self._clock.seconds())
        later.addBoth(self._finished, waiting)
        return waiting

    def when_idle(self, seconds: float) -> Deferred[None]:
        """Fires when nothing is left to do, and after `seconds` whatever is."""
        idle: Deferred[None] = Deferred()
        if not self._begun:
            idle.callback(None)
            return idle
        self._idle.append(idle)
        timer = self._clock.callLater(seconds, self._give_up, idle)
        return idle.addBoth(lambda _: timer.cancel() if timer.active() else None)

    def _finished(self, outcome: Any, waiting: Deferred[Any]) -> None:
        del self._begun[waiting]
        if self._idle and not self._begun:
            # Soon: what comes behind a handler, such as its acknowledgement, is to be done by then.
            self._clock.callLater(0, self._tell_idle)
        if not waiting.called:
            waiting.callback(outcome)
        elif isinstance(outcome, Failure):
            self._late(outcome)

    def _tell_idle(self) -> None:
        if not self._begun:
            waiting, self._idle = self._idle, []
            for idle in waiting:
                idle.callback(None)

    def _give_up(self, idle: Deferred[None]) -> None:
        self._idle.remove(idle)
        idle.callback(None)

    def _look(self) -> None:
        too_old = self._clock.seconds() - self._seconds
        for waiting, begun in list(self._begun.items()):
            if begun.at > too_old:
                break  # they stand in the order in which they began
            begun.later.cancel()
            if not waiting.called:
                waiting.errback(CancelledError())
