"""Voice outlasts a visit: who was given it, or lost it, has left a moderated room (XEP-0045 §5.1).

A client that loses its connection for a moment does not lose its voice by it, nor does anybody get
it back by leaving. It is known as long as the room is in memory.
"""

from __future__ import annotations

from collections import OrderedDict

from components.muc.model.occupant import Occupant
from components.muc.model.privileges import default_role
from components.muc.model.ranks import Affiliation, Role
from components.muc.model.settings import Settings
from xmppd.jid import JID

MOST = 1_000
"""How many are remembered of a room: those who have left last."""


class Voices:
    """The roles of those who have left a room, where they were others than they came with."""

    def __init__(self) -> None:
        self._known: OrderedDict[JID, tuple[Affiliation, Role]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._known)

    def left(self, occupant: Occupant, settings: Settings) -> None:
        """Somebody has left. Who was a moderator for a visit is one no more."""
        self._known.pop(occupant.account, None)
        affiliation = occupant.affiliation
        role = min(occupant.role, Role.PARTICIPANT)
        if settings.moderated and role is not min(
            default_role(affiliation, settings), Role.PARTICIPANT
        ):
            self._known[occupant.account] = affiliation, role
            if len(self._known) > MOST:
                self._known.popitem(last=False)

    def role(self, account: JID, affiliation: Affiliation, settings: Settings) -> Role:
        """The role that somebody enters with: as he left, unless he is something else by now."""
        known, role = self._known.get(account, (None, Role.NONE))
        return role if known is affiliation else default_role(affiliation, settings)

    def forget(self, account: JID) -> None:
        """Somebody is no more."""
        self._known.pop(account, None)

    def clear(self) -> None:
        """Forget all: the room is moderated from now on, or is no more."""
        self._known.clear()
