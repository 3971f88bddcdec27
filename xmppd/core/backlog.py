"""Stanzas that wait for somebody who is expected at once.

An instance of a component that is being drained, for one: it is to end, and another to take over;
another server, for the other, while a connection to it is made. Requests wait as well.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

from xmppd.errors import StanzaError
from xmppd.wire.claim import Claim
from xmppd.wire.stanza import Stanza


class Backlog:
    """Stanzas in the order in which they came, at most so many, and so many octets, of them.

    `reason` is a code of `xmppd.reasons`: why there is no more room.
    """

    __slots__ = ("_most", "_most_octets", "_reason", "_stanzas", "octets")

    def __init__(self, most_octets: int, reason: str, most: int = sys.maxsize) -> None:
        self._most_octets = most_octets
        self._most = most
        self._reason = reason
        self._stanzas: list[tuple[Stanza, str | None, Claim | None]] = []
        self.octets = 0

    def __len__(self) -> int:
        return len(self._stanzas)

    def keep(self, stanza: Stanza, key: str | None = None) -> None:
        """Hold a stanza back, with the key that its instance was chosen by.

        Raises StanzaError where there is no more room.
        """
        size = len(stanza.tail())
        if self.octets + size > self._most_octets or len(self._stanzas) >= self._most:
            raise StanzaError("resource-constraint", reason=self._reason)
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
