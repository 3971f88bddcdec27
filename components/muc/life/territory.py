"""Which rooms this process may have: until it ends, those that are its own among several instances.

Rule: a room that is in memory is this instance's. So whoever brings one there asks here, and what
moves to another instance is closed before the server is answered (`Moves`).
"""

from __future__ import annotations

from twisted.internet.defer import CancelledError, Deferred

from components.common.component import Unfinished
from components.common.instances import Instances
from xmppd.errors import StanzaError
from xmppd.jid import JID


class Territory:
    """The addresses that are this process's."""

    def __init__(self, instances: Instances) -> None:
        self._instances = instances
        self._left = False
        self._waiting: set[Deferred[None]] = set()

    def own(self, address: JID) -> bool:
        """Whether an address is, as far as is known now."""
        return not self._left and self._instances.own(address)

    async def enter(self, address: JID) -> None:
        """See that a room may come into memory; where nobody knows who has it, wait.

        Raises StanzaError where it is another instance's: what comes for it has been overtaken by
        a change, and goes there the next time. Raises Unfinished where this process ends.
        """
        if not self._left:
            await self._known()
        if self._left:
            raise Unfinished
        if not self._instances.own(address):
            text = "the room has just moved; try again"
            raise StanzaError("resource-constraint", text, reason="muc.moved", type="wait")

    async def _known(self) -> None:
        known = self._instances.known()
        self._waiting.add(known)
        try:
            await known
        except CancelledError:
            if not self._left:
                raise
        finally:
            self._waiting.discard(known)

    def leave(self) -> None:
        """This process ends, and has no room any more."""
        self._left = True
        for known in list(self._waiting):
            known.cancel()
