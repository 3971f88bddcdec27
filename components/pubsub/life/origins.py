"""Which of several instances has sent a message of the service's domain: its id says so (§13.4).

An error that comes back is for that one, which knows to whom it has sent what. Its name is told to
nobody, and may be long: what stands in the id is a digest of it.
"""

from __future__ import annotations

from hashlib import sha1
from itertools import count
from secrets import token_urlsafe

from components.common.instances import Instances

LONGEST = 64
"""Characters of an id: others are nobody's."""

_MARK = 8
"""Characters of a digest."""


class Origins:
    """The ids of messages, each given once, and whose they are."""

    def __init__(self, instances: Instances) -> None:
        self._instances = instances
        self._token = token_urlsafe(6)
        self._numbers = count(1)
        self._name: str | None = None
        self._mark = ""

    def next_id(self) -> str:
        """An id for a message that is about to be sent."""
        name = self._instances.name
        if name != self._name:
            self._name, self._mark = name, mark(name)
        return f"{self._mark}{self._token}-{next(self._numbers)}"

    def of(self, id_: str) -> str:
        """The other instance that has sent a message, by its name; "" for none."""
        instances, marked = self._instances, id_[:_MARK]
        if len(id_) > LONGEST or marked == mark(instances.name):
            return ""
        return next((name for name in instances.epoch.names if mark(name) == marked), "")


def mark(name: str) -> str:
    """What ids begin with of messages that the instance of a name has sent."""
    return sha1(name.encode(), usedforsecurity=False).hexdigest()[:_MARK]
