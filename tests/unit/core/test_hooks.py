"""The order of hooks, and what one hook's failure means to the others."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xmppd.core.hooks import Event, Filter, Hooks, Point
from xmppd.errors import StanzaError
from xmppd.phases import Phase


def mark(trace: list[str], name: str) -> Any:
    def handler(stanza: Any, *context: Any) -> Any:
        trace.append(name)
        return stanza

    return handler


@given(st.lists(st.sampled_from(list(Phase)), max_size=12))
def test_hooks_run_by_phase_and_within_one_by_loading(phases: list[Phase]) -> None:
    point, trace = Filter("play"), []
    for number, phase in enumerate(phases):
        point.add(phase, mark(trace, f"{phase:d} {number:02}"))
    point("stanza")
    assert trace == sorted(trace)
    assert len(trace) == len(phases)


def test_the_phases_are_those_of_the_design() -> None:
    names = ["GUARD", "REWRITE", "ARCHIVE", "COPY", "DELIVER", "FALLBACK"]
    assert [phase.name for phase in sorted(Phase)] == names


def test_taking_hooks_out_in_any_order_leaves_the_order_of_the_rest() -> None:
    point, trace = Filter("play"), []
    removals = {n: point.add(Phase.COPY, mark(trace, n)) for n in "abcdef"}
    gone = random.Random(1597).sample("abcdef", 3)
    for name in gone:
        removals[name]()
    point("stanza")
    assert trace == [n for n in "abcdef" if n not in gone]


def test_the_same_handler_may_be_hooked_twice_and_taken_out_once() -> None:
    point, trace = Filter("play"), []
    handler = mark(trace, "x")
    remove = point.add(Phase.GUARD, handler)
    point.add(Phase.GUARD, handler)
    remove()
    point("stanza")
    assert trace == ["x"]


def test_a_point_is_true_only_while_hooked() -> None:
    point = Filter("play")
    assert not point
    remove = point.add(Phase.GUARD, lambda stanza: stanza)
    assert point
    remove()
    assert not point


def test_a_filter_hands_on_what_the_one_before_returned() -> None:
    point, seen = Filter("play"), []
    point.add(Phase.REWRITE, lambda stanza: stanza + "!")
    point.add(Phase.COPY, lambda stanza: seen.append(stanza) or stanza)  # type: ignore[func-returns-value]
    assert point("love") == "love!"
    assert seen == ["love!"]


def test_a_filter_that_takes_the_stanza_is_the_last_to_see_it() -> None:
    point, trace = Filter("play"), []
    point.add(Phase.GUARD, lambda stanza: None)
    point.add(Phase.ARCHIVE, mark(trace, "late"))
    assert point("stanza") is None
    assert trace == []


def test_a_filter_that_refuses_keeps_it_from_the_rest() -> None:
    point, trace = Filter("play"), []

    def refuse(stanza: Any) -> None:
        raise StanzaError("forbidden", reason="stanza.forbidden")

    point.add(Phase.GUARD, refuse)
    point.add(Phase.ARCHIVE, mark(trace, "late"))
    with pytest.raises(StanzaError):
        point("stanza")
    assert trace == []


def test_an_event_reaches_the_others_when_one_listener_fails() -> None:
    point, trace = Event("play"), []

    def bug(event: Any) -> None:
        raise RuntimeError("a plague")

    point.add(Phase.GUARD, mark(trace, "first"))
    point.add(Phase.COPY, bug)
    point.add(Phase.FALLBACK, mark(trace, "last"))
    point("event")
    assert trace == ["first", "last"]


def test_a_hook_that_takes_itself_out_does_not_disturb_the_round() -> None:
    point, trace = Event("play"), []
    remove = point.add(Phase.GUARD, lambda event: remove())
    point.add(Phase.COPY, mark(trace, "after"))
    point("event")
    point("event")
    assert trace == ["after", "after"]


def test_every_point_knows_its_name() -> None:
    points = Hooks().points
    assert len(points) > 8
    for name, point in points.items():
        assert isinstance(point, Point)
        assert point.name == name
