"""What every command of an operator has: whom it acts on, arguments, outcome, refusal."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import msgspec
from twisted.internet.defer import Deferred

from xmppd.core.host import Host
from xmppd.core.refusals import Refusal
from xmppd.reasons import REASONS

Outcome: TypeAlias = dict[str, Any]
"""What a command gives: an object of JSON."""


class CommandError(Exception):
    """A command could not be carried out, by no fault of the server: what and what to do."""

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(f"{problem}. {remedy}")
        self.problem = problem
        self.remedy = remedy


@dataclass(frozen=True)
class Operated:
    """What commands act on. Without a server there is nothing to reload, and no facts."""

    host: Host
    reload: Callable[[], Deferred[list[str]]] | None = None
    """Reads the configuration again; what has changed. Fails with ConfigError."""
    facts: Callable[[], Outcome] = field(default=dict)
    """What only the server process knows, for `status`."""


class Arguments(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Arguments of a command; by themselves, none."""


def refusal_told(refusal: Refusal) -> Outcome:
    """A refusal, with what its reason code means and what to do about it."""
    meaning, remedy = REASONS.get(refusal.reason, (refusal.meaning, refusal.remedy))
    return {**refusal._asdict(), "meaning": meaning, "remedy": remedy}
