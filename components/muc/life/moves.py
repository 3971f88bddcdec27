"""What becomes of rooms when this process, or its place among several, comes to an end (§11.2).

| what happens | what becomes of its rooms |
|---|---|
| the process stops | everybody in them is told, and has to enter anew |
| it is drained, or killed | the next one tells them |
| an address moves to another instance | those in the room are told before the server goes on |
| the connection is lost, and there are other instances | they have the rooms, and tell them |
| it is lost, and is resumed | nothing: nothing is lost |
| it is lost, and the server has forgotten it | who is not there any more goes (`Ghosts`) |
"""

from __future__ import annotations

from collections.abc import Iterable

from twisted.internet import defer
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger

from components.common.component import Component
from components.common.instances import ALONE, Epoch, Instances
from components.muc.life.lives import Lives
from components.muc.life.rooms import Rooms
from components.muc.life.territory import Territory
from components.muc.model.room import Room
from components.muc.store.journal import Journal

log = Logger(namespace="muc")

TELLING = 3.0
"""Seconds that telling everybody may take before the rest is left to whoever has the rooms next."""

WRITING = 15.0
"""Seconds that what is begun may take to be written before rooms are let go of all the same: less
than a process has to end, and a handler. A store that hangs is to keep nobody from going on."""

PAUSE = 0.05
"""Seconds between two looks at whether the server takes more."""

MANY = 500
"""So many sessions are told of at once before others get their turn."""


class Moves:
    """Lets go of rooms."""

    def __init__(
        self,
        component: Component,
        clock: IReactorTime,
        instances: Instances,
        territory: Territory,
        rooms: Rooms,
        lives: Lives,
        journal: Journal,
    ) -> None:
        self._component = component
        self._clock = clock
        self._instances = instances
        self._territory = territory
        self._rooms = rooms
        self._lives = lives
        self._journal = journal
        instances.on_change(self.changed)
        component.on_lost(self.lost)
        component.on_open(self.opened)
        component.on_stop(self.stop)

    async def changed(self, epoch: Epoch) -> None:
        """The instances are others: close what is not this one's any more, and have it written."""
        await self._settled()
        await self._close(room for room in self._rooms if not self._territory.own(room.address))

    def lost(self, resumable: bool) -> None:
        """The connection is lost: the server gives the rooms to other instances, if there are."""
        if self._instances.epoch != ALONE and not (resumable and self._instances.alone):
            self._abandon()

    def opened(self, resumed: bool) -> None:
        """There is a connection: what another instance may have had meanwhile is not ours."""
        if not resumed and self._instances.epoch != ALONE:
            self._abandon()

    async def stop(self) -> None:
        """The process ends: everybody has to go; who is not told now the next process tells."""
        self._territory.leave()
        await self._settled()
        await self._close(self._rooms)

    async def _settled(self) -> None:
        """See that no room comes into memory any more that was looked for before."""
        settled = Deferred.fromCoroutine(self._rooms.settled())
        try:
            await settled.addTimeout(TELLING, self._clock)
        except defer.TimeoutError:
            log.warn("rooms take long to be opened")

    async def _close(self, rooms: Iterable[Room]) -> None:
        now, told = self._clock.seconds(), 0
        until, patience = now + TELLING, now + WRITING
        for room in list(rooms):
            written = await self._written(room, patience)
            if told > MANY or self._component.crowded:
                told = 0
                await deferLater(self._clock, PAUSE)
            if not (written and self._component.connected) or self._clock.seconds() > until:
                self._lives.abandon(room)
                continue
            told += len(room)
            self._lives.close(room)
        await self._journal.settled()

    async def _written(self, room: Room, until: float) -> bool:
        """Wait until what is begun in a room is written; False where that takes too long."""
        if room.lock.locked:
            try:
                turn = room.lock.run(lambda: None)
                await turn.addTimeout(max(0.0, until - self._clock.seconds()), self._clock)
            except defer.TimeoutError:
                log.warn("{room}: what has begun takes long to be written", room=room.address)
                return False
        return True

    def _abandon(self) -> None:
        for room in self._rooms:
            self._lives.abandon(room)
