"""Which of several instances serves an address, and how one takes it over from another.

Rendezvous hashing: of each instance's name and the address a digest is made, and the greatest wins.
When an instance comes or goes only the addresses move that are its own from then on, or were.

An address is any text here that tells one from another: a bare JID, or one with a node (node.py).

An address has one owner at a time. When the instances change, all are told by a request with a new
epoch; stanzas for an address that moves wait until the one who had it has answered, and with that
has let go of it, or is gone. Epochs grow, also over a restart of the server.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from hashlib import sha1

from xmppd.errors import StanzaError
from xmppd.wire.claim import Claim
from xmppd.wire.stanza import Stanza

REMEMBERED = 20_000
"""Of how many addresses the owner is remembered; then all are found out anew."""

LONGEST_REMEMBERED = 1_024
"""Characters of an address whose owner is remembered: a node may be as long as a stanza."""

MOST_WAITING = 10_000
"""Stanzas that may wait for addresses that move,"""
MOST_OCTETS = 8_388_608
"""and how many octets they may have."""


def weight(instance: str, address: str) -> bytes:
    """What an instance has to win an address with: SHA-1 of both, with a zero octet between."""
    return sha1(f"{instance}\0{address}".encode(), usedforsecurity=False).digest()


class Owners:
    """Who owns which address while the instances are these."""

    __slots__ = ("_known", "names")

    def __init__(self, names: Iterable[str]) -> None:
        self.names = tuple(sorted(names))
        self._known: dict[str, str] = {}

    def of(self, address: str) -> str:
        """The instance of an address; raises ValueError where there is none at all."""
        known = self._known
        owner = known.get(address)
        if owner is None:
            if len(address) > LONGEST_REMEMBERED:
                return self._find(address)
            if len(known) >= REMEMBERED:
                known.clear()
            owner = known[address] = self._find(address)
        return owner

    def _find(self, address: str) -> str:
        return max(self.names, key=lambda name: weight(name, address))


class Choice:
    """The owners as they are, and as they were where somebody has yet to let go.

    `deliver` takes a stanza to an instance, by name, with the address that it is its owner of;
    `bounce` answers it with an error.
    """

    def __init__(
        self,
        deliver: Callable[[str, Stanza, str], None],
        bounce: Callable[[Stanza, BaseException], None],
        now: Callable[[], float],
    ) -> None:
        self._deliver = deliver
        self._bounce = bounce
        self._now = now
        self._owners = Owners(())
        self._before: list[Owners] = []
        self._holding: set[str] = set()
        """The instances that may act for addresses that are others' by now."""
        self._waiting: list[tuple[str, Stanza, Claim | None]] = []
        self._octets = 0
        """Of those that wait."""
        self.epoch = 0

    @property
    def names(self) -> tuple[str, ...]:
        """The instances there are."""
        return self._owners.names

    @property
    def waiting(self) -> int:
        """How many stanzas wait for addresses that move."""
        return len(self._waiting)

    def owner(self, address: str) -> str:
        """The instance that an address is to be served by; raises ValueError for none."""
        return self._owners.of(address)

    def change(self, names: Iterable[str]) -> None:
        """The instances are these from here on: a new epoch. Those that stay have to let go."""
        before, self._owners = self._owners, Owners(names)
        stay = set(before.names) & set(self._owners.names)
        self._before.append(before)
        self._holding = (self._holding & set(self._owners.names)) | stay
        self.epoch = max(self.epoch + 1, int(self._now() * 1_000))
        self._go_on()

    def let_go(self, name: str, epoch: int) -> None:
        """An instance acts for no address that is another's in `epoch`."""
        if epoch == self.epoch:
            self._holding.discard(name)
            self._go_on()

    def route(self, address: str, stanza: Stanza) -> None:
        """Take a stanza to who owns an address; raises StanzaError where that can't be."""
        owner = self._owners.of(address)
        if self._before and self._moves(address, owner):
            size = len(stanza.tail())
            if len(self._waiting) >= MOST_WAITING or self._octets + size > MOST_OCTETS:
                raise StanzaError("resource-constraint", reason="component.queue")
            self._octets += size
            if stanza.claim is not None:
                stanza.claim.hold()
            self._waiting.append((address, stanza, stanza.claim))
            return
        self._deliver(owner, stanza, address)

    def _moves(self, address: str, owner: str) -> bool:
        """Whether somebody else may still act for an address."""
        return any(
            before.names and (had := before.of(address)) != owner and had in self._holding
            for before in self._before
        )

    def _go_on(self) -> None:
        if not self._holding:
            self._before.clear()
        waiting, self._waiting, self._octets = self._waiting, [], 0
        for address, stanza, claim in waiting:
            stanza.claim = claim
            try:
                if not self.names:
                    raise StanzaError("service-unavailable", reason="component.gone", type="wait")
                self.route(address, stanza)
            except Exception as error:  # noqa: BLE001 - its sender is told
                self._bounce(stanza, error)
            if claim is not None:
                claim.let_go()
