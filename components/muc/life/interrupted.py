"""Those whom a process that was killed has left in rooms: they have to enter anew (§11.2).

Rule 1: they are told before anybody enters the room again, or he might be told that he has left.
Rule 2: they stay in the store until the server has what they are told.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from twisted.internet import defer
from twisted.internet.defer import Deferred
from twisted.logger import Logger

from components.common.build import attribute
from components.common.component import Component
from components.common.requests import RequestFailed
from components.common.stanza import write
from components.muc.names import MUC_USER
from components.muc.store.present import Present, SQLPresent
from components.muc.store.rooms import StoredRoom
from xmppd.errors import StoreError
from xmppd.jid import JID

log = Logger(namespace="muc")

SELF, SHUTDOWN = 110, 332
"""The status codes of who has to go because the service does (§11.2)."""


PATIENCE = 20.0
"""Seconds that the server may take."""


class Interrupted:
    """Tells them."""

    def __init__(self, component: Component, present: SQLPresent) -> None:
        self._component = component
        self._present = present

    async def tell(self, room: StoredRoom) -> None:
        """Tell those whom the store has in a room that they are in it no more."""
        those = await self._present.of(room.id)
        if not those:
            return
        self._component.send_all(_farewells(room, those))
        try:
            acknowledged = Deferred.fromCoroutine(self._component.acknowledged())
            await acknowledged.addTimeout(PATIENCE, self._component.clock)
            await self._present.clear(room.id)
        except (RequestFailed, StoreError, defer.TimeoutError) as error:
            # They will be told once more.
            log.info("{room}: who was in it is not told yet: {why}", room=room.address, why=error)


def _farewells(room: StoredRoom, those: Sequence[Present]) -> Iterator[bytes]:
    affiliations: Mapping[JID, str] = {each.jid: each.affiliation for each in room.affiliations}
    for _, session, nick in those:
        affiliation = affiliations.get(session.bare, "none")
        inner = (
            f"<x xmlns='{MUC_USER}'><item affiliation='{affiliation}' jid='{attribute(session)}'"
            f" role='none'/><status code='{SELF}'/><status code='{SHUTDOWN}'/></x>"
        )
        sender = room.address.with_resource(nick)
        yield write("presence", sender, session, inner.encode(), type_="unavailable")
