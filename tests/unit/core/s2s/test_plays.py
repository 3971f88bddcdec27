"""Nothing is lost, doubled, or believed of the wrong, whatever breaks between three servers.

A play that goes wrong is shown line by line, as short as Hypothesis can make it.
"""

from __future__ import annotations

import gc

import pytest
from hypothesis import given, note, settings
from hypothesis import strategies as st

from tests.support.federated_play import Rules, Stage, perform
from tests.support.steps import Step


@pytest.fixture(autouse=True, scope="module")
def clean_stage() -> None:
    """What others have left behind, unhandled errors among it, is no part of a play."""
    gc.collect()


def mixed(*some: tuple[int, st.SearchStrategy[Step]]) -> st.SearchStrategy[Step]:
    """One of some, each so often."""
    return st.sampled_from([each for often, each in some for _ in range(often)]).flatmap(
        lambda found: found
    )


def doing(verb: str, *what: st.SearchStrategy[object]) -> st.SearchStrategy[Step]:
    return st.builds(Step, st.just(""), st.just(verb), *what)


few = st.integers(0, 5)
towns = st.integers(0, 2)
octets = st.sampled_from([0, 0, 30, 200, 1_000, 1 << 30])
notices = st.sampled_from([0.0, 0.0, 0.2, 1.0, 20.0, 90.0])
kinds = st.sampled_from(["message", "message", "iq", "presence"])

talking = mixed(
    (6, doing("say", few, few, kinds, st.integers(1, 3), st.just(3))),
    (1, doing("say", few, few, st.just("message"), st.integers(1, 20), st.just(700))),
)
passing = mixed(
    (3, doing("carry", st.integers(0, 9), st.integers(1, 25))),
    (3, doing("settle")),
    (3, doing("wait", st.sampled_from([0.0, 0.3, 2.0, 11.0, 45.0, 70.0, 130.0]))),
)
cutting = doing("cut", few, octets, octets, notices, notices)
seconds = st.sampled_from([0.0, 0.0, 0.5, 12.0, None, "fails"])
breaking = mixed(
    (6, cutting),
    (2, doing("close", few, st.integers(0, 1))),
    (2, doing("die", towns, notices)),
    (1, doing("stop", towns)),
    (2, doing("dns", few, seconds)),
    (2, doing("road", towns, seconds)),
    (2, doing("hear", towns, st.booleans())),
    (2, doing("keep", towns, st.booleans())),
    (1, doing("deny", towns, few)),
    (1, doing("wait", st.just(650.0))),
    (1, doing("lie", few)),
    (1, doing("force", st.integers(0, 3), few, few)),
)
plays = st.lists(st.lists(mixed((6, talking), (5, passing), (4, breaking)), min_size=3), min_size=1)

rules = st.builds(
    Rules,
    bidirectional=st.booleans(),
    manageable=st.sampled_from([True, True, False]),
    require=st.sampled_from(["certificate", "dialback", "none"]),
    shows=st.sampled_from([2, 2, 1, 0]),
    resume_seconds=st.sampled_from([120, 120, 0, 30]),
)
usual = st.just((Rules(), Rules(), Rules()))
servers = st.sampled_from([usual, st.tuples(rules, rules, rules)]).flatmap(lambda found: found)
rogues = st.sampled_from(["", "montague.lit", "halls.montague.lit"])


@settings(max_examples=90)
@given(servers, rogues, plays)
def test_everything_comes_to_something_once(
    rules: tuple[Rules, Rules, Rules], rogue: str, scenes: list[list[Step]]
) -> None:
    perform(Stage(rules, note, rogue=rogue), [step for scene in scenes for step in scene])


steady = st.builds(
    Rules,
    bidirectional=st.just(False),
    manageable=st.just(True),
    require=st.sampled_from(["certificate", "dialback", "none"]),
    shows=st.just(2),
    resume_seconds=st.just(120),
)
links = st.lists(st.lists(mixed((6, talking), (5, passing), (4, cutting)), min_size=3), min_size=1)


@settings(max_examples=40)
@given(st.tuples(steady, steady, steady), links)
def test_xep_0198_links_that_break_lose_nothing_and_double_nothing(
    rules: tuple[Rules, Rules, Rules], scenes: list[list[Step]]
) -> None:
    perform(Stage(rules, note, strict=True), [step for scene in scenes for step in scene])
