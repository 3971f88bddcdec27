"""How rooms begin and end: unlocked, left by all, destroyed (XEP-0045 §10.1, §7.14, §10.9)."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from components.common.build import Tag
from components.muc.life.rooms import Rooms
from components.muc.life.visits import Visits
from components.muc.model.policy import Policy
from components.muc.model.ranks import Affiliation
from components.muc.model.room import Room
from xmppd.jid import JID

log = Logger(namespace="muc")

SHUTDOWN = 332
"""The status of who has to go because the service does (§11.2)."""


OnSetUp = Callable[[Room], object]
"""Told of a room that is locked no more, or is no more."""


def _unchecked() -> None:
    """Nothing keeps it."""


_GONE = Tag("destroy")


class Lives:
    """Sees to it that a room is there as long as it is to be."""

    def __init__(self, rooms: Rooms, policy: Policy, clock: IReactorTime, set_up: OnSetUp) -> None:
        self._rooms = rooms
        self._policy = policy
        self._clock = clock
        self._set_up = set_up
        self._locks: dict[Room, IDelayedCall] = {}
        self.visits: Visits
        """Who is in them; set once there is somebody who knows."""

    def created(self, room: Room) -> None:
        """A room is locked until its owner has configured it, but not for ever (§10.1.1)."""
        if room.locked:
            delay = self._policy.lock_seconds
            self._locks[room] = self._clock.callLater(delay, self._too_late, room)

    async def unlock(self, room: Room) -> None:
        """Let others in (§10.1.2); the room is listed from now on, if it is public."""
        await self._rooms.save(room, room.settings)
        self.unlocked(room)

    def unlocked(self, room: Room) -> None:
        """Let others in, once it is written how the room is set up."""
        self._unlocked(room)
        room.locked = False

    def emptied(self, room: Room) -> None:
        """The last occupant has left: a room that is not persistent goes with him (§7.14)."""

        def goes() -> bool:
            return not len(room) and (room.locked or not room.settings.persistent)

        if goes():  # and once more in turn: it may be on its way to be set up otherwise
            _begun(self._remove(room, goes))

    async def destroy(
        self,
        room: Room,
        reason: str = "",
        alternate: JID | None = None,
        password: str = "",
        *,
        check: Callable[[], object] = _unchecked,
    ) -> None:
        """Destroy a room; everybody in it is told, and where else to meet (§10.9).

        `check` raises what keeps it from being destroyed when its turn has come.
        """
        said = {"reason": reason, "password": password}
        inside = [Tag(name, {}, text) for name, text in said.items() if text]

        def still() -> bool:
            check()
            return True

        await self._remove(room, still, Tag("destroy", {"jid": alternate}, inside))

    # ------------------------------------------------------------------ out of memory

    def close(self, room: Room) -> None:
        """The service stops, or another instance has the room: everybody has to go (§11.2)."""
        self.visits.clear(room, SHUTDOWN)
        self._closed(room)

    def abandon(self, room: Room) -> None:
        """Another instance has the room already, and tells those who were in it here."""
        self.visits.abandon(room)
        self._closed(room)

    async def retire(self, room: Room) -> None:
        """Nobody was in a room for a while: it leaves memory, and for good if it is nobody's."""
        if len(room) or room.lock.locked or self._rooms.at_hand(room.address) is not room:
            return
        if room.settings.persistent and not unclaimed(room):
            self._closed(room)
        else:
            await self._remove(room, lambda: not len(room))

    def _closed(self, room: Room) -> None:
        self._rooms.close(room)
        self._unlocked(room)

    # ------------------------------------------------------------------ by themselves

    async def _remove(self, room: Room, still: Callable[[], bool], why: Tag = _GONE) -> None:
        """Have a room no more, if that is still right when all that was begun is done."""

        def tell() -> None:
            self._unlocked(room)
            self.visits.clear(room, behind=why.render())

        async def remove() -> None:
            if still():
                await self._rooms.remove(room, tell)

        await room.lock.run(remove)

    def _too_late(self, room: Room) -> None:
        self._locks.pop(room, None)
        _begun(self._remove(room, lambda: room.locked))

    def _unlocked(self, room: Room) -> None:
        self._set_up(room)
        timer = self._locks.pop(room, None)
        if timer is not None and timer.active():
            timer.cancel()


def unclaimed(room: Room) -> bool:
    """Whether nobody is left who has anything to do with a room: nobody in it, nobody's name on it.

    Whose account is removed may have been the last one.
    """
    return not len(room) and all(each.affiliation <= Affiliation.NONE for each in room.standings)


def _begun(work: Coroutine[Deferred[Any], Any, object]) -> None:
    """Have it done without anybody who waits for it."""
    later = Deferred.fromCoroutine(work)
    later.addErrback(lambda failure: log.failure("a room could not be destroyed", failure))
