"""What a room can do, as service discovery tells it (XEP-0045 §6.4, §16.3).

    service.features.add(ARCHIVE, where=lambda room: room.archive)

Whoever makes a room able to do something says so here, and where it depends on the room.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeAlias

from components.muc.model.settings import Settings

Where: TypeAlias = Callable[[Settings], bool]
"""Whether a room that is set up so can do it."""


def everywhere(settings: Settings) -> bool:
    """Whichever way a room is set up."""
    return True


class Features:
    """The features of rooms."""

    def __init__(self) -> None:
        self._known: list[tuple[str, Where]] = []

    def add(self, *features: str, where: Where = everywhere) -> None:
        """Have rooms tell of features, all of them or those that are set up so."""
        self._known += [(feature, where) for feature in features]

    def of(self, settings: Settings) -> Iterator[str]:
        """What a room can do that is set up so."""
        return (feature for feature, where in self._known if where(settings))
