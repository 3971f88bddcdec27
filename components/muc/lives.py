"""How rooms begin and end: unlocked, left by all, destroyed (XEP-0045 §10.1, §7.14, §10.9)."""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from components.common.build import Tag
from components.muc.policy import Policy
from components.muc.room import Room
from components.muc.rooms import Rooms
from components.muc.visits import Visits
from xmppd.jid import JID

log = Logger(namespace="muc")

SHUTDOWN = 332
"""The status of who has to go because the service does (§11.2)."""


def _unchecked() -> None:
    """Nothing keeps it."""


class Lives:
    """Sees to it that a room is there as long as it is to be."""

    def __init__(self, rooms: Rooms, policy: Policy, clock: IReactorTime) -> None:
        self._rooms = rooms
        self._policy = policy
        self._clock = clock
        self._locks: dict[JID, IDelayedCall] = {}
        self.visits: Visits
        """Who is in them; set once there is somebody who knows."""

    def created(self, room: Room) -> None:
        """A room is locked until its owner has configured it, but not for ever (§10.1.1)."""
        if room.locked:
            delay = self._policy.lock_seconds
            self._locks[room.address] = self._clock.callLater(delay, self._too_late, room)

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
        if room.locked or not room.settings.persistent:
            self._destroy(room)

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

        def tell() -> None:
            self._unlocked(room)
            said = {"reason": reason, "password": password}
            inside = [Tag(name, {}, text) for name, text in said.items() if text]
            destroy = Tag("destroy", {"jid": alternate}, inside)
            self.visits.clear(room, behind=destroy.render())

        async def remove() -> None:
            check()
            await self._rooms.remove(room, tell)

        await room.lock.run(remove)

    def close(self, room: Room) -> None:
        """The service stops, or another instance has the room: everybody has to go (§11.2)."""
        self.visits.clear(room, SHUTDOWN)
        self._unlocked(room)
        self._rooms.close(room)

    def _destroy(self, room: Room) -> None:
        later = Deferred.fromCoroutine(self.destroy(room))
        later.addErrback(_not_destroyed)

    def _too_late(self, room: Room) -> None:
        self._locks.pop(room.address, None)
        self._destroy(room)

    def _unlocked(self, room: Room) -> None:
        timer = self._locks.pop(room.address, None)
        if timer is not None and timer.active():
            timer.cancel()


def _not_destroyed(failure: Failure) -> None:
    log.failure("a room could not be destroyed", failure)
