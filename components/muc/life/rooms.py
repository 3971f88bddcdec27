"""The rooms that there are: in memory those that somebody is in or asks for, all in the store.

Rule 1: a room is in memory once, and whoever wants one that is being opened waits his turn, so
that stanzas are handled in the order in which they came.
Rule 2: only the room's instance opens it (`Territory`); before another one may, it is closed here.
Rule 3: whoever was in it when its process ended without a word is told so as it is opened.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence

from twisted.internet.defer import Deferred, succeed
from twisted.python.failure import Failure

from components.muc.life.creating import Creating
from components.muc.life.interrupted import Interrupted
from components.muc.life.lasting import historic
from components.muc.life.territory import Territory
from components.muc.model.history import History, Said
from components.muc.model.ranks import AFFILIATIONS, Affiliation
from components.muc.model.room import Room, Subject
from components.muc.model.settings import Settings, restored, stored
from components.muc.model.standing import Standing, Standings
from components.muc.store.archive import Archive
from components.muc.store.rooms import Affiliated, RoomExists, SQLRooms, StoredRoom
from xmppd.jid import JID

IDLE = 600.0
"""Seconds that a room in which nobody is stays in memory."""

LOCKED = "locked"
"""What says among the stored settings of a room that it is locked (§10.1.1)."""

OnOpened = Callable[[Room], object]
"""Told of each room that comes into memory, before anybody has it."""


def _untold() -> None:
    """Nobody was in it."""


class Rooms:
    """The rooms of the service. `now` gives seconds UTC since 1970."""

    def __init__(
        self,
        store: SQLRooms,
        archive: Archive,
        interrupted: Interrupted,
        territory: Territory,
        creating: Creating,
        defaults: Settings,
        now: Callable[[], float],
    ) -> None:
        self.store = store
        self.archive = archive
        self.defaults = defaults
        self._interrupted = interrupted
        self._territory = territory
        self._creating = creating
        self._now = now
        self._rooms: dict[JID, Room] = {}
        self._opening: dict[JID, list[Deferred[Room | None]]] = {}
        self._touched: dict[JID, float] = {}
        self._on_opened: list[OnOpened] = []

    def __len__(self) -> int:
        return len(self._rooms)

    def __iter__(self) -> Iterator[Room]:
        """Those in memory."""
        return iter(list(self._rooms.values()))

    def on_opened(self, tell: OnOpened) -> None:
        """Have `tell` called with each room that comes into memory."""
        self._on_opened.append(tell)

    def at_hand(self, address: JID) -> Room | None:
        """A room that is in memory."""
        return self._rooms.get(address)

    def open(self, address: JID) -> Deferred[Room | None]:
        """A room, read from the store if need be; None where there is none.

        Fails as `Territory.enter` does where it is not this instance's.
        """
        return self._wait(address, lambda: self._read(address))

    def create(self, address: JID, settings: Settings, owner: JID | None) -> Deferred[Room | None]:
        """A room, made where there is none: locked then, for its owner to configure (§10.1.1).

        Whoever finds it `locked` and without occupants is who made it. Fails with StanzaError where
        he may not make one, or has made enough.
        """
        return self._wait(address, lambda: self._make(address, settings, owner))

    def _wait(
        self, address: JID, find: Callable[[], Deferred[Room | None]]
    ) -> Deferred[Room | None]:
        waiting: Deferred[Room | None] = Deferred()
        known = self._rooms.get(address)
        if known is not None:
            waiting.callback(known)
        elif address in self._opening:
            # Behind what is under way: what was looked for then may not be what is wanted now.
            first: Deferred[Room | None] = Deferred()
            self._opening[address].append(first)
            first.addCallback(
                lambda room: self._wait(address, find) if room is None else succeed(room)
            )
            return first
        else:
            self._opening[address] = [waiting]
            find().addBoth(self._found, address)
        return waiting

    def _found(self, outcome: Room | Failure | None, address: JID) -> None:
        if isinstance(outcome, Room):
            self._rooms[address] = outcome
            self._touched[address] = self._now()
        for each in self._opening.pop(address):
            # One by one: what the first makes of it is there for the second.
            each.callback(outcome)

    def _read(self, address: JID) -> Deferred[Room | None]:
        return Deferred.fromCoroutine(self._load(address))

    async def _load(self, address: JID) -> Room | None:
        await self._territory.enter(address)
        found = await self.store.load(address)
        if found is None:
            return None
        await self._interrupted.tell(found)
        return await self._restored(found)

    async def _restored(self, found: StoredRoom) -> Room:
        settings = restored(found.settings, self.defaults)
        history = History(settings.history, await self._said(found.id, settings.history))
        subject = found.subject
        room = Room(
            found.address,
            found.id,
            settings,
            standings=Standings(map(_standing, found.affiliations)),
            subject=None if subject is None else Subject(subject.inner, subject.nick, subject.at),
            history=history,
            locked=bool(found.settings.get(LOCKED)),
        )
        for tell in self._on_opened:
            tell(room)
        return room

    async def _said(self, room: int, most: int) -> list[Said]:
        """What newcomers get: not all that the archive has of late is part of it."""
        return [said for said in await self.archive.newest(room, 2 * most) if historic(said)]

    def _make(self, address: JID, settings: Settings, owner: JID | None) -> Deferred[Room | None]:
        return Deferred.fromCoroutine(self._created(address, settings, owner))

    async def _created(self, address: JID, settings: Settings, owner: JID | None) -> Room | None:
        await self._territory.enter(address)
        async with self._creating.by(owner):
            return await self._new(address, settings, owner)

    async def _new(self, address: JID, settings: Settings, owner: JID | None) -> Room | None:
        standings = [] if owner is None else [Standing(owner, Affiliation.OWNER)]
        try:
            id_ = await self.store.create(
                address,
                {**stored(settings), LOCKED: True},
                [affiliated(each) for each in standings],
                name=settings.name,
                public=False,  # it does not exist for others before it is configured (§10.1.1)
                persistent=settings.persistent,
                now=self._now(),
                maker=owner or "",
            )
        except RoomExists:
            return await self._load(address)
        room = Room(address, id_, settings, standings=Standings(standings), locked=True)
        for tell in self._on_opened:
            tell(room)
        return room

    async def save(
        self, room: Room, settings: Settings, affiliations: Sequence[Affiliated] = ()
    ) -> None:
        """Write a room's settings; it has them then, and is listed if they say so.

        `affiliations` are written with them, and put in force by the caller.
        """
        await self.store.save(
            room.id,
            stored(settings),
            affiliations,
            name=settings.name,
            public=settings.public,
            persistent=settings.persistent,
        )
        room.settings = settings
        room.history.resize(settings.history)

    # ------------------------------------------------------------------ out of memory

    async def remove(self, room: Room, tell: Callable[[], object] = _untold) -> bool:
        """Destroy a room: nothing is left of it. `tell` tells those who were in it.

        False where it was closed already.

        Whoever asks for its address meanwhile waits, and finds nothing there. Where the store
        fails, the room is there again.
        """
        address = room.address
        if self._rooms.get(address) is not room:
            return False
        self.close(room)
        self._opening[address] = []
        try:
            await self.store.remove(room.id)
        except BaseException:
            room.destroyed = False
            self._found(room, address)
            raise
        tell()  # before anybody is in the next one of this address
        self._found(None, address)
        return True

    def close(self, room: Room) -> None:
        """Have a room in memory no more; whoever holds it still finds that it is none."""
        if self._rooms.get(room.address) is room:
            del self._rooms[room.address]
            self._touched.pop(room.address, None)
            room.destroyed = True

    async def aside(self, address: JID, work: Callable[[StoredRoom], Awaitable[object]]) -> bool:
        """Do something to a room that is not in memory, and whoever wants it waits.

        False, with nothing done, where it is in memory or gets there, or is not in the store.
        """
        if address in self._rooms or address in self._opening:
            return False
        self._opening[address] = []
        try:
            found = await self.store.load(address)
            if found is not None:
                await work(found)
            return found is not None
        finally:
            self._found(None, address)

    async def settled(self) -> None:
        """Wait until the rooms that are being opened or made now are there, or are not."""
        for address in list(self._opening):
            if address in self._opening:
                behind: Deferred[Room | None] = Deferred()
                behind.addErrback(lambda _: None)  # whoever wants it is told
                self._opening[address].append(behind)
                await behind

    def idle(self) -> Iterable[Room]:
        """The rooms in which nobody was for a while."""
        now = self._now()
        for address, room in list(self._rooms.items()):
            if len(room) or room.lock.locked:
                self._touched[address] = now
            elif now - self._touched.get(address, now) >= IDLE:
                yield room


def affiliated(standing: Standing) -> Affiliated:
    """A standing as the store has it."""
    return Affiliated(standing.jid, standing.affiliation.text, standing.nick, standing.reason)


def _standing(kept: Affiliated) -> Standing:
    return Standing(kept.jid, AFFILIATIONS[kept.affiliation], kept.nick, kept.reason)
