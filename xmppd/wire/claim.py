"""Who is to be told that a stanza is in safe hands (XEP-0198 §4: "handled").

A stanza that came over a managed stream, or out of a store, carries a `Claim`. Whoever keeps such
a stanza for later takes the claim from it when he gets it, holds it, and lets go when the stanza is
with the recipient's client, in the store, or answered with an error. The last to let go has its
owner told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol

from msgspec import Struct


class Keeper(Protocol):
    """Somebody who holds claims, and can make their stanzas safe sooner than they would be."""

    def secure(self) -> None:
        """Do so: others wait for it."""


class Claim(Struct, eq=False):
    """A stanza's claim to be in safe hands.

    Its maker is its first holder, unless it is made with `held` 0. `safe` is set once somebody has
    taken the stanza for good, as long as anybody is left to ask. `told` is called when nobody holds
    it any more. `keepers` are those of the holders that may be asked to hasten; `kept` is the claim
    of the copy in the store, where somebody has put one. A claim that is `excused` is still held,
    but nobody waits for that.

    A Struct, since one is made for each stanza of a managed stream.
    """

    told: Callable[[], None] | None = None
    held: int = 1
    """How many hold it."""
    safe: bool = False
    keepers: tuple[Keeper, ...] = ()
    kept: Claim | None = None
    excused: bool = False

    @property
    def unused(self) -> bool:
        """Whether it is as good as new: its maker does not hold it, and nobody ever has."""
        return not (self.held or self.keepers or self.safe)

    @property
    def untouched(self) -> bool:
        """Whether nobody but its maker holds it, or ever has."""
        return self.held == 1 and not (self.keepers or self.safe or self.excused or self.kept)

    @property
    def pending(self) -> bool:
        """Whether its owner has not been told yet."""
        return self.held > 0 and not self.excused

    @property
    def taken(self) -> bool:
        """Whether the stanza is in safe hands, or will be in somebody else's who holds it."""
        return self.safe or self.held > 1

    def then(self, tell: Callable[[], None]) -> None:
        """Have `tell` called, too, when nobody holds it any more."""
        told = self.told

        def both() -> None:
            if told is not None:
                told()
            tell()

        self.told = tell if told is None else both

    def part(self) -> Claim:
        """A claim for one of several copies, each for somebody else: this one is held as long.

        What becomes of one copy says nothing of another, so they can't share a claim.
        """
        part = self.split()
        self.keepers += (part,)
        return part

    def split(self) -> Claim:
        """A part that is not among the keepers yet: who makes many adds at once what is held."""
        self.held += 1
        return Claim(self.let_go)

    def secure(self) -> None:
        """Have whoever holds it make the stanza safe soon: others wait for it."""
        secure((self,))

    def hold(self, keeper: Keeper | None = None) -> None:
        """Hold it, too."""
        self.held += 1
        if keeper is not None:
            self.keepers += (keeper,)

    def excuse(self) -> None:
        """Have its owner told now: the stanza is where it stays, and can't be made any safer."""
        if not self.excused:
            self.excused = True
            told, self.told = self.told, None
            if told is not None:
                told()

    def let_go(self, *, safe: bool = False) -> None:
        """Hold it no longer; `safe` says that the stanza is in safe hands now."""
        if safe:
            self.safe = True
        self.held -= 1
        if not self.held and self.told is not None:
            self.told()


def secure(claims: Iterable[Claim]) -> None:
    """Have those who hold `claims` make their stanzas safe soon, each of them asked once."""
    keepers = [keeper for claim in claims for keeper in claim.keepers]
    asked: set[int] = set()
    for keeper in keepers:  # which grows by those who hold the parts of a claim
        if id(keeper) in asked:
            continue
        asked.add(id(keeper))
        if isinstance(keeper, Claim):
            keepers += keeper.keepers
        else:
            keeper.secure()


def settle(claims: Iterable[Claim | None]) -> None:
    """Let go of each of `claims`, as `Claim.let_go` does, of stanzas that are in safe hands now."""
    for claim in claims:
        if claim is None:
            continue
        # As nearly always: nobody is to be told, and no copy in the store will ask.
        if claim.held == 1 and claim.told is None and claim.kept is None:
            claim.held = 0
        else:
            claim.let_go(safe=True)
