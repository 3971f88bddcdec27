"""Accounts that the server has removed: rooms forget them, too.

Who makes the account anew inherits nothing: no affiliation, no ban, no nick, no place in a room.
What was said stays: it belongs to the rooms. A room that loses its last owner by it stays as well,
as long as somebody is in it or is its admin or member: the service's admins, who own every room,
may give it another. Where nobody is, it goes with the account.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeAlias

from twisted.logger import Logger

from components.common.accounts import Accounts
from components.common.whole import wholly
from components.muc.life.lives import Lives, unclaimed
from components.muc.life.rooms import Rooms
from components.muc.life.territory import Territory
from components.muc.life.visits import Visits
from components.muc.model.ranks import Affiliation
from components.muc.model.room import Room
from components.muc.model.standing import Standing
from components.muc.store.rooms import SQLRooms
from xmppd.errors import StanzaError
from xmppd.jid import JID

log = Logger(namespace="muc")

OnRemoved: TypeAlias = Callable[[JID, float], Awaitable[None]]
"""Forgets an account that was removed at a moment, in seconds UTC since 1970."""


class Removal:
    """Has rooms forget accounts."""

    def __init__(
        self,
        accounts: Accounts,
        now: Callable[[], float],
        store: SQLRooms,
        territory: Territory,
        rooms: Rooms,
        lives: Lives,
        visits: Visits,
    ) -> None:
        self._now = now
        self._store = store
        self._territory = territory
        self._rooms = rooms
        self._lives = lives
        self._visits = visits
        self._on_removed: list[OnRemoved] = []
        accounts.on_removed(self.forget)

    def on_removed(self, forget: OnRemoved) -> None:
        """Have `forget` called with each account that is removed, and when that was."""
        self._on_removed.append(forget)

    async def forget(self, account: JID) -> None:
        """Have nothing of an account in the store, in memory, in rooms, however long that takes."""
        await wholly(self._forget(account))

    async def _forget(self, account: JID) -> None:
        forgotten = await self._store.forget(account)
        for forget in self._on_removed:
            await forget(account, self._now())
        # What was read before may get into memory only now.
        await self._rooms.settled()
        for room in self._rooms:
            await room.lock.run(self._strip, room, account)
        for each in forgotten:
            if each.ownerless and self._territory.own(each.address):
                await self._ownerless(each.address)

    def _strip(self, room: Room, account: JID) -> None:
        room.standings.put(Standing(account, Affiliation.NONE))
        for occupant in list(room.of(account)):
            self._visits.remove(room, occupant, list(occupant.sessions))
        room.voices.forget(account)

    async def _ownerless(self, address: JID) -> None:
        try:
            room = await self._rooms.open(address)
        except StanzaError:
            return  # it has moved, and goes where it is by now
        if room is None:
            return
        if unclaimed(room):
            await self._lives.destroy(room)
        else:
            log.info("{room} has no owner any more", room=address)
