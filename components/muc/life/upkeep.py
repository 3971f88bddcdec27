"""What is done from time to time, in slices, so that stanzas get their turn between them.

Rule 1: what concerns a room is done by the instance that has it, what concerns all of them by the
one that acts for the service's own address.
Rule 2: whatever is missed is done the next time: a store that is away for a while does no harm.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from itertools import islice
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall, deferLater
from twisted.logger import Logger
from twisted.python.failure import Failure

from components.common.component import Component
from components.common.instances import Epoch, Instances
from components.muc.life.interrupted import Interrupted
from components.muc.life.lives import Lives
from components.muc.life.rooms import Rooms
from components.muc.life.territory import Territory
from components.muc.model.history import MICROSECONDS
from components.muc.model.policy import Policy
from components.muc.store.archive import Archive
from components.muc.store.overview import Overview
from components.muc.store.rooms import SQLRooms

log = Logger(namespace="muc")

Job = Callable[[], Coroutine[Deferred[Any], Any, None]]

DAY = 86_400
EVERY = 60.0
"""Seconds between two turns of a job."""

SLICE = 200
"""Rooms that one turn ends, or reads of at once."""
EXPIRED = 5_000
"""Messages that one turn deletes because of their age."""

BEGINNING = 3.0
"""Seconds behind a new stream: by then the server has said whose rooms are whose."""
SETTLING = 15.0
"""Seconds behind a change of instances: who had a room has closed it by then, or is cut off."""


class Upkeep:
    """The jobs, from `start` until the component stops."""

    def __init__(
        self,
        component: Component,
        clock: IReactorTime,
        policy: Policy,
        instances: Instances,
        territory: Territory,
        interrupted: Interrupted,
        rooms: Rooms,
        lives: Lives,
        store: SQLRooms,
        archive: Archive,
        overview: Overview,
    ) -> None:
        self._component = component
        self._clock = clock
        self._policy = policy
        self._territory = territory
        self._interrupted = interrupted
        self._rooms = rooms
        self._lives = lives
        self._store = store
        self._archive = archive
        self._overview = overview
        self._since = clock.seconds()
        """When this process began to have the rooms that it has."""
        self._trimmed: dict[int, int] = {}
        """By room, the number of the latest message when its archive was trimmed."""
        self._telling: Deferred[None] | None = None
        jobs = (self._retire, self._forsaken, self._expire, self._trim, self._sweep)
        self._jobs = [_looping(job, clock) for job in jobs]
        instances.on_change(self._changed)
        component.on_open(self._opened)
        component.on_stop(self.stop)

    def start(self) -> None:
        """Begin."""
        for job in self._jobs:
            job.start(EVERY, now=False).addErrback(_failed)

    def stop(self) -> None:
        """Do nothing more."""
        for job in self._jobs:
            if job.running:
                job.stop()
        self._tell_no_more()

    # ------------------------------------------------------------------ who was left in rooms

    def _opened(self, resumed: bool) -> None:
        if not resumed:
            self._tell(BEGINNING)

    def _changed(self, epoch: Epoch) -> None:
        self._since = self._clock.seconds()
        self._tell(SETTLING)

    def _tell(self, delay: float) -> None:
        """Tell all whom a process that ended without a word has left in rooms."""
        self._tell_no_more()
        self._telling = Deferred.fromCoroutine(self._tell_all(delay))
        self._telling.addErrback(_failed)

    def _tell_no_more(self) -> None:
        telling, self._telling = self._telling, None
        if telling is not None:
            telling.cancel()

    async def _tell_all(self, delay: float) -> None:
        await deferLater(self._clock, delay)
        after = 0
        while some := await self._overview.inhabited(after, SLICE):
            for room in some:
                after = room.id
                if self._territory.own(room.address):
                    await self._component.pauses.until_taken()
                    # A room that is in memory has told them as it was opened.
                    await self._rooms.aside(room.address, self._interrupted.tell)

    # ------------------------------------------------------------------ rooms

    async def _retire(self) -> None:
        """Have rooms leave memory in which nobody was for a while."""
        for room in list(islice(self._rooms.idle(), SLICE)):
            await self._lives.retire(room)

    async def _forsaken(self) -> None:
        """Destroy rooms that are not persistent, and to which nobody has come back (§7.14)."""
        if self._clock.seconds() - self._since < self._policy.grace_seconds:
            return
        after = ""
        while some := await self._store.temporary(after, SLICE):
            for address in some:
                after = address
                if self._territory.own(address):
                    await self._rooms.aside(address, lambda room: self._store.remove(room.id))

    # ------------------------------------------------------------------ archives

    async def _expire(self) -> None:
        days = self._policy.archive_days
        if days and self._first:
            before = int((self._clock.seconds() - days * DAY) * MICROSECONDS)
            await self._archive.expire(before, EXPIRED)

    async def _trim(self) -> None:
        """Keep archives to their size: those of rooms in memory in which something was said."""
        keep = self._policy.archive_messages
        rooms = [room for room in self._rooms if room.number > self._trimmed.get(room.id, 0)]
        self._trimmed = {
            room.id: self._trimmed[room.id] for room in self._rooms if room.id in self._trimmed
        }
        for room in rooms[:SLICE] if keep else ():
            self._trimmed[room.id] = room.number
            await self._archive.trim(room.id, keep)

    async def _sweep(self) -> None:
        """Delete the archives of rooms that are no more."""
        if self._first:
            await self._archive.sweep()

    @property
    def _first(self) -> bool:
        """Whether it is this instance that does what concerns all rooms."""
        return self._territory.own(self._component.domain)


def _looping(job: Job, clock: IReactorTime) -> LoopingCall:
    async def turn() -> None:
        try:
            await job()
        except Exception:  # noqa: BLE001 - the next turn comes all the same
            log.failure("something was left undone, until the next time")

    looping = LoopingCall(lambda: Deferred.fromCoroutine(turn()))
    looping.clock = clock
    return looping


def _failed(failure: Failure) -> None:
    if not failure.check(CancelledError):
        log.failure("something is left undone", failure)
