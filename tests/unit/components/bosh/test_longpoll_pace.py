"""How slow and how fast a client may be (XEP-0124 §10, §11, §12)."""

from __future__ import annotations

import pytest

from tests.support.boshing import MESSAGE, Asker, Bosh, Exchange


@pytest.fixture
def bosh() -> Bosh:
    return Bosh()


@pytest.fixture
def juliet(bosh: Bosh) -> Asker:
    client = bosh.client()
    client.log_in()
    return client


def test_who_is_silent_for_too_long_is_gone_xep0124_10(bosh: Bosh, juliet: Asker) -> None:
    bosh.clock.advance(119)
    assert len(bosh.service) == 1
    bosh.clock.advance(2)
    assert len(bosh.service) == 0 and juliet.stream.said[-1] == "lost"
    assert bosh.reasons == {"bosh.inactive": 1}
    assert juliet.ask().condition == "item-not-found"


def test_who_waits_for_an_answer_is_there_xep0124_10(bosh: Bosh, juliet: Asker) -> None:
    for _ in range(10):
        asked = juliet.ask()
        bosh.clock.advance(60)
        assert not asked.is_held
        bosh.clock.advance(100)
    assert len(bosh.service) == 1


def test_a_broken_connection_counts_from_when_it_broke_xep0124_10(
    bosh: Bosh, juliet: Asker
) -> None:
    asked = juliet.ask()
    bosh.clock.advance(30)
    asked.break_off()
    bosh.clock.advance(119)
    assert len(bosh.service) == 1
    bosh.clock.advance(2)
    assert len(bosh.service) == 0


def test_a_request_behind_one_that_is_lost_does_not_wait_for_ever(
    bosh: Bosh, juliet: Asker
) -> None:
    early = juliet.ask(rid=juliet.rid + 2)
    bosh.clock.advance(121)
    assert not early.is_held and len(bosh.service) == 0


def test_a_pause_answers_all_and_lets_the_client_be_away_xep0124_10(
    bosh: Bosh, juliet: Asker
) -> None:
    held = juliet.ask()
    asked = juliet.ask(pause=200)
    assert held.names == [] and asked.names == []
    bosh.clock.advance(199)
    assert len(bosh.service) == 1
    juliet.ask()
    bosh.clock.advance(60)
    bosh.clock.advance(119)
    assert len(bosh.service) == 1
    bosh.clock.advance(2)
    assert len(bosh.service) == 0, "it is as it was"


def test_the_answer_to_a_pause_has_nothing_inside_xep0124_10(bosh: Bosh, juliet: Asker) -> None:
    juliet.stream.client.elements([MESSAGE])
    bosh.turn()
    assert juliet.ask(pause=60).names == []
    assert len(juliet.ask().names) == 1


def test_a_pause_may_be_shorter_than_inactivity_xep0124_10(bosh: Bosh, juliet: Asker) -> None:
    juliet.ask(pause=10)
    bosh.clock.advance(11)
    assert len(bosh.service) == 0


def test_a_pause_is_one_request_more_xep0124_11(juliet: Asker) -> None:
    juliet.stream.client.pause()
    first, second = juliet.ask("<a/>"), juliet.ask("<b/>")
    assert first.is_held and second.is_held
    assert juliet.ask(pause=60).condition is None
    assert first.names == second.names == []


@pytest.mark.parametrize(
    ("pause", "condition"), [("301", "policy-violation"), ("x", "bad-request")]
)
def test_a_pause_that_is_too_long_or_none(juliet: Asker, pause: str, condition: str) -> None:
    assert juliet.ask(pause=pause).condition == condition
    assert juliet.stream.said[-1] == "lost"


def test_without_maxpause_there_are_no_pauses_xep0124_10() -> None:
    bosh = Bosh(maxpause=0)
    client = bosh.client()
    assert "maxpause" not in client.log_in().attrs
    assert client.ask(pause=10).condition == "policy-violation"


def test_too_many_requests_at_a_time_xep0124_11(bosh: Bosh, juliet: Asker) -> None:
    juliet.stream.client.pause()
    others = [juliet.ask("<a/>"), juliet.ask("<b/>")]
    assert juliet.ask("<c/>").condition == "policy-violation"
    assert [each.condition for each in others] == ["other-request"] * 2
    assert bosh.reasons == {"bosh.requests": 1}
    assert juliet.stream.said[-1] == "lost"


def test_empty_requests_too_soon_behind_each_other_xep0124_11(bosh: Bosh, juliet: Asker) -> None:
    held = juliet.ask()
    bosh.clock.advance(4)
    assert juliet.ask().condition == "policy-violation"
    assert held.condition == "other-request"
    assert bosh.reasons == {"bosh.frequent": 1}


def test_empty_requests_late_enough_or_not_empty_xep0124_11(bosh: Bosh, juliet: Asker) -> None:
    juliet.ask()
    bosh.clock.advance(5)
    juliet.ask()
    juliet.ask("<message/>")
    juliet.ask("<message/>")
    assert not bosh.reasons


def test_who_was_cut_off_may_ask_at_once(bosh: Bosh, juliet: Asker) -> None:
    """A page that is loaded again goes on with the next id."""
    juliet.ask().break_off()
    bosh.clock.advance(1)
    asked = juliet.ask()
    assert asked.is_held
    juliet.stream.client.elements([MESSAGE])
    bosh.turn()
    assert asked.names


def test_who_polls_too_often_xep0124_12(bosh: Bosh) -> None:
    romeo = bosh.client()
    told = romeo.begin(hold=0)
    assert (told.attrs["hold"], told.attrs["requests"]) == ("0", "1")
    assert told.attrs["inactivity"] == "131", "more than for others, by more than a poll takes"
    assert not romeo.ask().is_held
    bosh.clock.advance(5)
    assert romeo.ask().condition is None
    bosh.clock.advance(3)
    assert romeo.ask().condition == "policy-violation"


def test_who_has_something_to_say_or_has_heard_something_may_poll_again_xep0124_12(
    bosh: Bosh,
) -> None:
    romeo = bosh.client()
    romeo.begin(wait=0)
    romeo.stream.welcome()
    assert len(romeo.ask().names) == 1
    assert romeo.ask().condition is None
    assert romeo.ask("<message/>").condition is None
    assert romeo.ask().condition is None


def test_a_client_that_is_to_wait_has_no_answer_so_soon(bosh: Bosh, juliet: Asker) -> None:
    juliet.stream.client.pause()
    first, second = juliet.ask("<a/>"), juliet.ask("<b/>")
    assert first.is_held and second.is_held
    assert "<a/>" not in juliet.stream.said
    juliet.stream.client.resume()
    bosh.turn()
    assert juliet.stream.said[-2:] == ["<a/>", "<b/>"]
    assert not first.is_held and second.is_held


def test_what_a_client_says_all_the_same_is_bounded() -> None:
    bosh = Bosh(unsaid_octets=100)
    client = bosh.client()
    client.log_in()
    client.stream.client.pause()
    assert client.ask(f"<a>{'x' * 100}</a>").condition == "policy-violation"


def test_an_idle_session_costs_a_wake_up_a_minute(bosh: Bosh, juliet: Asker) -> None:
    held: list[Exchange] = []
    calls = 0
    for _ in range(20):
        held.append(juliet.ask())
        for _ in range(60):
            before = {id(each) for each in bosh.clock.getDelayedCalls()}
            bosh.clock.advance(1)
            calls += len({id(each) for each in bosh.clock.getDelayedCalls()} - before)
    assert all(not each.is_held for each in held)
    assert calls <= 41


def test_requests_behind_a_missing_one_count_xep0124_11(bosh: Bosh) -> None:
    client = bosh.client()
    client.log_in(hold=2)
    client.ask("<a/>")
    client.ask("<b/>")
    assert client.ask("<d/>", rid=client.rid + 2).is_held
    assert client.ask("<e/>", rid=client.rid + 3).condition == "policy-violation"
    assert bosh.reasons == {"bosh.requests": 1}
