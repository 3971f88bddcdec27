"""A store that takes its time, and people who are told that it takes too long."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from xml.etree.ElementTree import Element

import pytest
from twisted.internet.defer import Deferred

from components.common import work
from tests.support.people import C
from tests.support.server import condition


class Held:
    """A store that is asked, and whose answers come only when they are let go."""

    def __init__(self, ask: Callable[..., Deferred[Any]]) -> None:
        self._ask = ask
        self._held: list[tuple[Deferred[Any], Any]] = []

    def __call__(self, *args: Any, **kwargs: Any) -> Deferred[Any]:
        waiting: Deferred[Any] = Deferred()
        self._ask(*args, **kwargs).addCallback(lambda found: self._held.append((waiting, found)))
        return waiting

    def __len__(self) -> int:
        """How many answers are held."""
        return len(self._held)

    def let_go(self) -> None:
        """Have all answers come that are there, in the order of asking."""
        held, self._held = self._held, []
        for waiting, found in held:
            waiting.callback(found)


def held(monkeypatch: pytest.MonkeyPatch, store: object, name: str) -> Held:
    """What a store is asked by this name, held from now on."""
    asked = Held(getattr(store, name))
    monkeypatch.setattr(store, name, asked)
    return asked


def given_up(
    person: Any,
    ask: Callable[[], Element],
    meeting: Any,
    told: str = "remote-server-timeout",
) -> None:
    """Have somebody ask for something that takes so long that he is told so."""
    came = person.came

    def later() -> list[Element]:
        meeting.pass_time(work.SECONDS + 10)
        found: list[Element] = came()
        return found

    person.came = later
    try:
        answer = ask()
    finally:
        person.came = came
    assert condition(answer) == told


def answers(person: Any) -> list[Element]:
    """The answers among what has come to somebody since the last look."""
    return [each for each in person.came() if each.tag == f"{C}iq" and each.get("type") != "set"]
