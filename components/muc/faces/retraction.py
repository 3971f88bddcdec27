"""Messages that are taken back: what is left of them, and who may say so (XEP-0424).

Rule 1: a message that is taken back is nowhere to be had any more, neither in the history nor in
the archive; a tombstone stands in its place (§4).
Rule 2: who takes back what is not his has said so to everybody, and changed nothing (§5).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from twisted.internet.defer import Deferred

from components.common import datetimes
from components.common.build import Tag, render
from components.common.stanza import Stanza
from components.muc.life.lasting import RETRACTION
from components.muc.model.history import Said
from components.muc.model.room import Room
from components.muc.names import FASTEN, MODERATE, OLD_MODERATE, RETRACT
from components.muc.store.archive import Archive
from xmppd.errors import StanzaError

RETRACTIONS = frozenset({RETRACTION, f"{FASTEN} apply-to"})
"""The children of messages that say that one is taken back."""

_FORGED = (f"{{{MODERATE}}}moderated", f"{{{OLD_MODERATE}}}moderated")
_TOMBSTONE = f"<retracted xmlns='{RETRACT}'".encode()


class Retractions:
    """Puts tombstones in the place of messages. `now` gives seconds UTC since 1970."""

    def __init__(self, archive: Archive, now: Callable[[], float]) -> None:
        self._archive = archive
        self._now = now

    async def find(self, room: Room, id_: str) -> Said | None:
        """The message of a stanza id, as far as it is kept."""
        return room.history.get(id_) or await self._archive.get(room.id, id_)

    async def bury(
        self, room: Room, id_: str, by: str, inside: Iterable[Tag] = (), beside: Iterable[Tag] = ()
    ) -> None:
        """Have a tombstone in the place of a message (§4).

        `by` is the id of the message that says that it was taken back, `inside` says more of it,
        and `beside` says so in other words.
        """
        attrs = {"id": by, "stamp": datetimes.written(self._now())}
        tombstone = render([Tag("retracted", attrs, inside, ns=RETRACT), *beside])
        await self._archive.replace(room.id, id_, tombstone)
        room.history.replace(id_, tombstone)

    async def taken_back(
        self, room: Room, id_: str, said: Said, kept: Deferred[None] | None
    ) -> None:
        """Somebody has taken back a message by another one, `said`, which is `kept` by then.

        It is his where his occupant id says so (§5).
        """
        if kept is not None:
            await kept
        found = await self.find(room, id_)
        if found is not None and found.occupant == said.occupant and not buried(found):
            await self.bury(room, id_, said.origin)


def buried(said: Said) -> bool:
    """Whether there is only a tombstone left of a message."""
    return said.inner.startswith(_TOMBSTONE)


def retracted(message: Stanza) -> str:
    """The id of what a message takes back, "" for nothing.

    Raises StanzaError where it is a moderator's act, which is the room's to tell (XEP-0425 §5).
    """
    if any(each.tag in _FORGED for each in message.element.iter()):
        text = "it is the room that tells of moderators"
        raise StanzaError("forbidden", text, reason="muc.forged-moderation")
    found = message.element.find(f"{{{RETRACT}}}retract")
    return "" if found is None else found.get("id", "")
