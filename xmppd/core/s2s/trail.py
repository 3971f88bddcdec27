"""How an attempt to reach another domain went, step by step: what `xmppctl why DOMAIN` tells."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Literal, NamedTuple, TypeAlias

from xmppd.errors import StanzaError

STEPS = 200
"""The most steps that an attempt keeps: whose names have a hundred addresses is told as much."""

KEPT = 1_000
"""Of how many attempts all steps are kept."""

SAID = 300
"""Characters of a step: some of it may be a peer's own words."""

What: TypeAlias = Literal[
    "policy", "dns", "tcp", "tls", "certificate", "stream", "sasl", "dialback", "end"
]


class Step(NamedTuple):
    """One step: when (seconds since 1970), at what, what happened, and whether it went well."""

    at: float
    what: What
    said: str
    ok: bool


class Trail:
    """The steps of one attempt, in order. It holds names, addresses and reasons, never content."""

    __slots__ = ("_now", "error", "steps")

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self.steps: list[Step] = []
        self.error: StanzaError | None = None
        """What the attempt has come to nothing by, once it has."""

    def note(self, what: What, said: str, *, ok: bool = True) -> None:
        """Note a step."""
        if len(self.steps) < STEPS or what == "end":
            self.steps.append(Step(self._now(), what, said[:SAID], ok))

    def failed(self, error: StanzaError) -> None:
        """The attempt has come to nothing. What was on the stack is not kept."""
        error.__traceback__ = error.__context__ = error.__cause__ = None
        self.error = error

    def shorten(self) -> None:
        """Keep but the beginning and what it has come to so far."""
        del self.steps[1:-1]


class Trails:
    """The last attempts of all domains, with all their steps; older ones are shortened.

    Whoever has us look for a domain of his decides how many steps that takes.
    """

    __slots__ = ("_kept",)

    def __init__(self) -> None:
        self._kept: deque[Trail] = deque()

    def keep(self, trail: Trail) -> None:
        """Keep another one."""
        self._kept.append(trail)
        if len(self._kept) > KEPT:
            self._kept.popleft().shorten()
