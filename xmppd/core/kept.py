"""The claim of a message that is in the store, for an account that was not there (XEP-0160)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from twisted.logger import Logger
from twisted.python.failure import Failure

from xmppd.core.residents import Resident
from xmppd.wire.claim import Claim

log = Logger()


class Keeping(Protocol):
    """Who keeps messages in the store."""

    def settled(self, kept: Kept, *, stays: bool) -> None:
        """Nobody holds a message any more: it is forgotten, unless it stays."""


class Kept(Claim, kw_only=True, eq=False):
    """The claim of a message that is in the store: in safe hands, it is forgotten there.

    While it is held nobody else is given its message. `origins` are the claims that the message
    came with, held until it is `stored`.
    """

    store: Keeping
    resident: Resident
    number: int
    octets: int
    stored: bool | None = True
    """None while it is being stored, False where that went wrong."""
    origins: list[Claim] = []
    stays: bool = False
    lost: Callable[[Failure], None] | None = None

    def __post_init__(self) -> None:
        self.told = self._done

    @property
    def taken(self) -> bool:
        """See `Claim.taken`; others may hold the claims that the message came with, too."""
        return super().taken or any(map(self._taken_by_others, self.origins))

    def _taken_by_others(self, origin: Claim) -> bool:
        own = 0 if self.stored else sum(each is origin for each in self.origins)
        return origin.safe or origin.held > own

    def let_go(self, *, safe: bool = False) -> None:
        """See `Claim.let_go`; those who hold the claims it came with learn that it is safe."""
        if safe:
            for origin in self.origins:
                origin.safe = True
        super().let_go(safe=safe)

    def excuse(self) -> None:
        """No: its message is forgotten only once its client has it."""

    def stay(self, lost: Callable[[Failure], None] | None = None) -> bool:
        """Nobody can be given the message: it waits where it is. Whether it can: it is stored.

        Where it is being stored, `lost` is called with what may yet go wrong.
        """
        if self.stored is False:
            return False
        self.stays = True
        self.lost = lost
        return True

    def instead_of(self, origin: Claim) -> None:
        """Take the place of a claim, which is let go once the message is stored."""
        self.origins.append(origin)
        if self.stored:
            origin.let_go()

    def storing(self, outcome: Failure | None) -> None:
        """The message is stored, or could not be: then only memory has it, and its senders know."""
        held = self.held  # until now: who is told of an origin may acknowledge this one
        self.stored = outcome is None
        if outcome is not None:
            log.failure("a message could not be stored", outcome)
            if self.stays and self.lost is not None:
                self.lost(outcome)
        else:
            for origin in self.origins:
                origin.let_go()
        if not held:
            self._done()

    def _done(self) -> None:
        if self.stored:
            self.store.settled(self, stays=self.stays)
        elif self.stored is False:
            for origin in self.origins:
                origin.let_go(safe=self.safe)
