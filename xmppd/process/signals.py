"""Signals, taken in the reactor's thread and given back at the end."""

from __future__ import annotations

import signal
from collections.abc import Callable, Mapping
from typing import Any, Protocol


class FromThread(Protocol):
    """The part of a reactor that is needed here (IReactorFromThreads)."""

    def callFromThread(self, callable: Callable[..., Any], *args: Any) -> Any:  # noqa: A002
        """Run `callable(*args)` in the reactor's thread, soon."""


class Signals:
    """Has each signal of `actions` call its function in the reactor's thread.

    `install` belongs in the main thread, after the reactor has installed its own handlers.
    """

    def __init__(self, reactor: FromThread, actions: Mapping[int, Callable[[], object]]) -> None:
        self._reactor = reactor
        self._actions = actions
        self._before: dict[int, Any] = {}

    def install(self) -> None:
        """Take the signals."""
        for number in self._actions:
            self._before[number] = signal.signal(number, self._caught)

    def restore(self) -> None:
        """Give them back to whoever had them."""
        while self._before:
            number, handler = self._before.popitem()
            signal.signal(number, handler)

    def _caught(self, number: int, frame: object) -> None:
        # Nothing may be done in the handler itself: it may interrupt anything.
        self._reactor.callFromThread(self._actions[number])
