"""Who is still there when the server has forgotten this component.

A server that was restarted has forgotten whom its clients have sent presence to, so it tells no
room that they are gone. Each occupant is sent a message with nothing in it that people see: of who
is not there it comes back as an error (RFC 6121 §8.5.3.2), and by that he goes (`ghosts`).
"""

from __future__ import annotations

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger
from twisted.python.failure import Failure

from components.common.build import Tag
from components.common.component import Component
from components.muc.life.broadcast import Broadcast
from components.muc.life.rooms import Rooms
from components.muc.names import MUC_USER
from xmppd import ns

log = Logger(namespace="muc")

BEHIND = 10.0
"""Seconds after the new stream: clients that come back enter anew, as they were."""

ANYBODY = Tag("x", ns=MUC_USER).render() + Tag("no-store", ns=ns.HINTS).render()


class RollCall:
    """Calls all occupants."""

    def __init__(
        self, component: Component, clock: IReactorTime, rooms: Rooms, broadcast: Broadcast
    ) -> None:
        self._component = component
        self._clock = clock
        self._rooms = rooms
        self._broadcast = broadcast
        self._calling: Deferred[None] | None = None
        component.on_open(self._opened)
        component.on_stop(self._stop)

    def _opened(self, resumed: bool) -> None:
        if not resumed and len(self._rooms):
            self._stop()
            self._calling = Deferred.fromCoroutine(self._call())
            self._calling.addErrback(_failed)

    async def _call(self) -> None:
        await deferLater(self._clock, BEHIND)
        for room in self._rooms:
            await self._component.pauses.until_taken()
            if len(room):
                self._broadcast.message(room, room.address, ANYBODY)

    def _stop(self) -> None:
        calling, self._calling = self._calling, None
        if calling is not None:
            calling.cancel()


def _failed(failure: Failure) -> None:
    if not failure.check(CancelledError):
        log.failure("not all occupants could be called", failure)
