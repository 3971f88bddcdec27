"""A room is set up anew: written, in force at once, and told of (XEP-0045 §10.2, §10.2.1).

What changes is told in this order: that it has changed; who can be seen no more, or is seen now;
who has another affiliation; who has to go; who has another role; and who everybody is, once that
may be known.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from components.muc.faces.configuration_form import Submitted
from components.muc.life.broadcast import Broadcast
from components.muc.life.changes import Actor, Changes
from components.muc.life.lives import Lives
from components.muc.life.rooms import Rooms
from components.muc.model.room import Room
from components.muc.model.settings import Settings
from components.muc.store.rooms import Affiliated

CHANGED, LOGGED, UNLOGGED, REAL, UNREAL = 104, 170, 171, 172, 173
"""Status codes (§10.2.1)."""

REVEALED = 200
"""In how large a room everybody is told at once who all the others are.

In a larger one it is told as people come and send presence: as many stanzas as that are needed
come about otherwise only when as many people do something.
"""


class Configuring:
    """Has rooms be as their owners want."""

    def __init__(self, rooms: Rooms, lives: Lives, broadcast: Broadcast, changes: Changes) -> None:
        self._rooms = rooms
        self._lives = lives
        self._broadcast = broadcast
        self._changes = changes

    async def configure(self, room: Room, wanted: Submitted, by: Actor) -> None:
        """Have a room set up as its owner wants, and let others in where it was locked.

        The caller holds `room.lock`, and has checked that `by` may. Raises StanzaError as
        `Changes.affiliate` does, and has changed nothing then.
        """
        old = room.settings
        write = self._writing(room, wanted.settings)
        await self._changes.affiliate(room, wanted.standings(room), by, write=write)
        self._in_force(room, old)
        if room.locked:
            self._lives.unlocked(room)
        if not len(room) and not room.settings.persistent:
            self._lives.emptied(room)

    def _writing(
        self, room: Room, new: Settings
    ) -> Callable[[Sequence[Affiliated]], Awaitable[None]]:
        async def write(affiliations: Sequence[Affiliated]) -> None:
            old = room.settings
            await self._rooms.save(room, new, affiliations)
            if new != old and not room.destroyed:
                self._broadcast.status(room, *codes(old, new))
                self._audience(room, old)

        return write

    def _in_force(self, room: Room, old: Settings) -> None:
        new = room.settings
        if new.members_only and not old.members_only:
            self._changes.members_only(room)
        if new.moderated != old.moderated:
            self._changes.refresh(room)
        if old.anonymous and not new.anonymous and len(room) <= REVEALED:
            for occupant in room.occupants:
                self._broadcast.present(room, occupant)

    def _audience(self, room: Room, old: Settings) -> None:
        """Some roles are to be seen no more, or are seen now (§7.2.2)."""
        new = room.settings
        for occupant in room.occupants:
            before, after = old.broadcasts(occupant.role), new.broadcasts(occupant.role)
            if before and not after:
                self._broadcast.hidden(room, occupant)
            elif after and not before:
                self._broadcast.present(room, occupant)


def codes(old: Settings, new: Settings) -> list[int]:
    """What has changed between two settings (§10.2.1)."""
    said = []
    if new.logged != old.logged:
        said.append(LOGGED if new.logged else UNLOGGED)
    if new.anonymous != old.anonymous:
        said.append(UNREAL if new.anonymous else REAL)
    if new.change(logged=old.logged, whois=old.whois) != old:
        said.append(CHANGED)
    return said


def tells_of_all(old: Settings, new: Settings) -> bool:
    """Whether a change may have everybody be told of everybody."""
    return (old.presence_broadcast, old.moderated, old.whois) != (
        new.presence_broadcast,
        new.moderated,
        new.whois,
    )
