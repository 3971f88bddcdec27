"""Two instances of the chatrooms at one server, in memory."""

from __future__ import annotations

from typing import Any

from components.muc.model.settings import DEFAULTS
from tests.support.conference import ROOMS, Conference
from xmppd.jid import JID

LASTING = DEFAULTS.change(persistent=True)


class Houses:
    """Two instances at one server, on one store."""

    def __init__(self, **policy: Any) -> None:
        self.one = Conference(instances=2, instance="one", defaults=LASTING, **policy).start()
        self.two = Conference(beside=self.one, instance="two", defaults=LASTING, **policy)

    def room(self, instance: str) -> str:
        """A room that is an instance's when both are there."""
        epoch = self.one.service.instances.epoch._replace(names=("one", "two"))
        names = (f"hall{number}@{ROOMS}" for number in range(100))
        return next(name for name in names if epoch.owner(JID.parse(name)) == instance)

    def at(self, instance: str, room: str) -> bool:
        """Whether an instance has a room in memory."""
        service = getattr(self, instance).service
        return service.rooms.at_hand(JID.parse(room)) is not None
