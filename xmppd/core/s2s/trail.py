"""How an attempt to reach another domain went, step by step: what `xmppctl why DOMAIN` tells."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple, TypeAlias

from xmppd.errors import StanzaError

STEPS = 200
"""The most steps that an attempt keeps: whose names have a hundred addresses is told as much."""

FEW = 10
"""How many are kept, the last ones, when others were tried behind it."""

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
        if len(self.steps) < STEPS:
            self.steps.append(Step(self._now(), what, said[:SAID], ok))

    def shorten(self) -> None:
        """Keep the last steps alone."""
        del self.steps[:-FEW]

    def failed(self, error: StanzaError) -> None:
        """The attempt has come to nothing. What was on the stack is not kept."""
        error.__traceback__ = error.__context__ = error.__cause__ = None
        self.error = error
