"""One after the other, for each key: a lock that is there only while somebody holds it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager
from typing import Generic, TypeVar

from twisted.internet.defer import Deferred

K = TypeVar("K", bound=Hashable)


class Turns(Generic[K]):
    """Who waits for whom.

    async with turns.of(account):
        ...
    """

    def __init__(self) -> None:
        self._waiting: dict[K, list[Deferred[None]]] = {}

    @asynccontextmanager
    async def of(self, key: K) -> AsyncIterator[None]:
        """A turn with a key, as soon as all who have asked for one before are done."""
        waiting = self._waiting.get(key)
        if waiting is None:
            waiting = self._waiting[key] = []
        else:
            turn: Deferred[None] = Deferred(waiting.remove)
            waiting.append(turn)
            await turn
        try:
            yield
        finally:
            if waiting:
                waiting.pop(0).callback(None)
            else:
                del self._waiting[key]
