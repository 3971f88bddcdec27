"""What is held back for an instance that is being drained: it is to end, and another to take over.

All of it waits, requests as well, since the next process is expected at once.
"""

from __future__ import annotations

from collections.abc import Iterator

from xmppd.errors import StanzaError
from xmppd.wire.claim import Claim
from xmppd.wire.stanza import Stanza


class Backlog:
    """Stanzas in the order in which they came, at most so many octets of them."""

    __slots__ = ("_most", "_stanzas", "octets")

    def __init__(self, most: int) -> None:
        self._most = most
        self._stanzas: list[tuple[Stanza, str | None, Claim | None]] = []
        self.octets = 0

    def __len__(self) -> int:
        return len(self._stanzas)

    def keep(self, stanza: Stanza, key: str | None = None) -> None:
        """Hold a stanza back, with the key that its instance was chosen by.

        Raises StanzaError where there is no more room.
        """
        size = len(stanza.tail())
        if self.octets + size > self._most:
            raise StanzaError("resource-constraint", reason="component.queue")
        self.octets += size
        if stanza.claim is not None:
            stanza.claim.hold()
        self._stanzas.append((stanza, key, stanza.claim))

    def take(self) -> Iterator[tuple[Stanza, str | None]]:
        """Each of them, held no longer once the next is asked for."""
        stanzas, self._stanzas, self.octets = self._stanzas, [], 0
        for stanza, key, claim in stanzas:
            stanza.claim = claim
            yield stanza, key
            if claim is not None:
                claim.let_go()
