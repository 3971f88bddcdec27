"""Lines of the plays in which a component is held against a model."""

from __future__ import annotations

from typing import Any


class Step:
    """One line of a play: who does what."""

    def __init__(self, who: str, does: str, *what: Any, **how: Any) -> None:
        self.who, self.does, self.what, self.how = who, does, what, how

    def __repr__(self) -> str:
        how = [f"{key}={value!r}" for key, value in self.how.items()]
        return f"{self.who} {self.does}: {', '.join([*map(repr, self.what), *how])}".rstrip(": ")
