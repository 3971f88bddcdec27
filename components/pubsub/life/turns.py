"""One after the other, for each key: a lock that is there only while somebody holds it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager
from typing import Generic, TypeVar

from components.common.whole import Lock

K = TypeVar("K", bound=Hashable)


class Turns(Generic[K]):
    """Who waits for whom.

    async with turns.of(account):
        ...
    """

    def __init__(self) -> None:
        self._locks: dict[K, Lock] = {}

    @asynccontextmanager
    async def of(self, key: K) -> AsyncIterator[None]:
        """A turn with a key, as soon as all who have asked for one before are done."""
        lock = self._locks.get(key)
        if lock is None:
            lock = self._locks[key] = Lock()
        await lock.acquire()
        try:
            yield
        finally:
            lock.release()
            if not lock.locked and self._locks.get(key) is lock:
                del self._locks[key]
