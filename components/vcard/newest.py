"""Work that takes time, one piece after the other for each key; of what waits, the newest alone."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Hashable
from typing import Any, Generic, TypeVar

from twisted.internet.defer import Deferred, succeed

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Newest(Generic[K, V]):
    """Has `act` done with the values of each key.

    `join` makes one value of one that waits and a newer one; without it the newer one is it.
    """

    def __init__(
        self,
        act: Callable[[K, V], Coroutine[Deferred[Any], Any, None]],
        join: Callable[[V, V], V] = lambda _, newer: newer,
    ) -> None:
        self._act = act
        self._join = join
        self._waiting: dict[K, list[V]] = {}
        self._ends: dict[K, list[Deferred[None]]] = {}

    def __contains__(self, key: K) -> bool:
        """Whether there is work under way for a key."""
        return key in self._waiting

    async def add(self, key: K, value: V) -> None:
        """Do it now, or as soon as what is under way is done; then nothing is left to do.

        Raises what `act` raises, where it does it. Who adds while another is at it leaves it to
        him.
        """
        waiting = self._waiting.get(key)
        if waiting is not None:
            waiting[:] = [self._join(waiting[0], value) if waiting else value]
            return
        waiting = self._waiting[key] = [value]
        try:
            while waiting:
                await self._act(key, waiting.pop())
        finally:
            del self._waiting[key]
            for each in self._ends.pop(key, ()):
                each.callback(None)

    def ended(self, key: K) -> Deferred[None]:
        """When nothing is under way for a key any more, however it ends."""
        if key not in self:
            return succeed(None)
        end: Deferred[None] = Deferred()
        self._ends.setdefault(key, []).append(end)
        return end
