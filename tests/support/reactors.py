"""A reactor of a test's own, for what is to go over real sockets; nothing is installed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.selectreactor import SelectReactor
from twisted.python.failure import Failure

T = TypeVar("T")

PATIENCE = 60.0
"""Seconds that a play may take before it fails."""


def played(play: Callable[[Any], Awaitable[T]]) -> T:
    """Run a coroutine function on a new reactor, which it is given, to its end."""
    reactor: Any = SelectReactor()
    outcome: list[Any] = []

    def begin() -> None:
        playing = Deferred.fromCoroutine(play(reactor))
        playing.addTimeout(PATIENCE, reactor)
        playing.addBoth(outcome.append)
        playing.addBoth(lambda _: reactor.stop())

    reactor.callWhenRunning(begin)
    reactor.run(installSignalHandlers=False)
    if isinstance(outcome[0], Failure):
        outcome[0].raiseException()
    return outcome[0]
