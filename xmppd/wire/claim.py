"""Who is to be told that a stanza is in safe hands (XEP-0198 §4: "handled").

A stanza that came over a managed stream, or out of a store, carries a `Claim`. Whoever keeps such
a stanza for later takes the claim from it when he gets it, holds it, and lets go when the stanza is
with the recipient's client, in the store, or answered with an error. The last to let go has its
owner told.
"""

from __future__ import annotations

from collections.abc import Callable


class Claim:
    """A stanza's claim to be in safe hands.

    Its maker is its first holder. `safe` is set once somebody has taken the stanza for good.
    `told` is called when nobody holds it any more. `hasten` are what those who hold it, and can
    make it safe sooner than they would, want to be called for that; `kept` is the claim of the
    copy in the store, where somebody has put one.
    """

    __slots__ = ("_holders", "hasten", "kept", "safe", "told")

    def __init__(self, told: Callable[[], None] | None = None) -> None:
        self._holders = 1
        self.safe = False
        self.told = told
        self.kept: Claim | None = None
        self.hasten: tuple[Callable[[], None], ...] = ()

    @property
    def unused(self) -> bool:
        """Whether nobody but its maker has ever held it: then it is as good as new."""
        return self._holders == 1 and not self.hasten and not self.safe

    @property
    def taken(self) -> bool:
        """Whether the stanza is in safe hands, or will be in somebody else's who holds it."""
        return self.safe or self._holders > 1

    @property
    def held(self) -> int:
        """How many hold it."""
        return self._holders

    def hold(self, hasten: Callable[[], None] | None = None) -> None:
        """Hold it, too."""
        self._holders += 1
        if hasten is not None:
            self.hasten = (*self.hasten, hasten)

    def let_go(self, *, safe: bool = False) -> None:
        """Hold it no longer; `safe` says that the stanza is in safe hands now."""
        if safe:
            self.safe = True
        self._holders -= 1
        if not self._holders and self.told is not None:
            self.told()
