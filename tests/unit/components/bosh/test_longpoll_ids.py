"""Requests out of order, and again; their keys (XEP-0124 §14, §15, §17.3)."""

from __future__ import annotations

import hashlib

import pytest

from components.bosh.longpoll.window import MOST_REPEATS
from tests.support.boshing import MESSAGE, Asker, Bosh
from xmppd import ns

EMPTY = "<body xmlns='http://jabber.org/protocol/httpbind'/>"
RECOVERABLE = "<body xmlns='http://jabber.org/protocol/httpbind' type='error'/>"


def test_requests_out_of_order_are_acted_on_in_order_xep0124_14_2(
    bosh: Bosh, juliet: Asker
) -> None:
    first, second = juliet.data("<a/>"), juliet.data("<b/>")
    late = juliet.send(second)
    assert late.is_held and not juliet.stream.texts
    early = juliet.send(first)
    assert juliet.stream.texts == ["<a/>", "<b/>"]
    assert early.text == EMPTY and late.is_held
    juliet.stream.client.elements([MESSAGE])
    bosh.turn()
    assert late.names == [f"{{{ns.CLIENT}}}message"]


@pytest.mark.parametrize("ahead", [3, 1_000, 2**52])
def test_an_id_too_far_ahead_ends_the_session_xep0124_14_2(
    bosh: Bosh, juliet: Asker, ahead: int
) -> None:
    held = juliet.ask()
    assert juliet.ask(rid=juliet.rid + ahead).condition == "item-not-found"
    assert held.condition == "other-request"
    assert bosh.reasons == {"bosh.unknown-rid": 1}
    assert len(bosh.service) == 0 and juliet.stream.said[-1] == "lost"


def test_a_terminate_may_be_one_further_ahead_xep0124_11(juliet: Asker) -> None:
    assert juliet.ask(rid=juliet.rid + 3, type="terminate").is_held


def test_an_answer_is_given_again_xep0124_14_3(bosh: Bosh, juliet: Asker) -> None:
    data = juliet.data("<message/>")
    first = juliet.send(data)
    juliet.stream.client.elements([MESSAGE])
    bosh.turn()
    again = juliet.send(data)
    assert again.text == first.text and again.names
    assert juliet.stream.texts == ["<message/>"], "it was said once"


def test_one_that_waits_gives_way_to_its_repetition_xep0124_14_3(bosh: Bosh, juliet: Asker) -> None:
    data = juliet.data()
    first, again = juliet.send(data), juliet.send(data)
    assert first.text == RECOVERABLE and again.is_held
    juliet.stream.client.elements([MESSAGE])
    bosh.turn()
    assert again.names


def test_one_too_early_gives_way_to_its_repetition_xep0124_14_3(juliet: Asker) -> None:
    missing, data = juliet.data("<a/>"), juliet.data("<b/>")
    first, again = juliet.send(data), juliet.send(data)
    assert first.text == RECOVERABLE and again.is_held
    juliet.send(missing)
    assert juliet.stream.texts == ["<a/>", "<b/>"]


def test_what_can_not_be_told_is_told_when_asked_again_xep0124_14_3(
    bosh: Bosh, juliet: Asker
) -> None:
    data = juliet.data()
    juliet.send(data).break_off()
    juliet.stream.client.elements([MESSAGE])
    bosh.turn()
    assert juliet.send(data).names


def test_or_when_something_else_is_asked(bosh: Bosh, juliet: Asker) -> None:
    data = juliet.data()
    juliet.send(data).break_off()
    juliet.stream.client.elements([MESSAGE])
    bosh.turn()
    assert juliet.ask("<message/>").names
    assert juliet.send(data).text == EMPTY


def test_another_body_under_the_same_id_is_refused_xep0124_14_3(bosh: Bosh, juliet: Asker) -> None:
    first = juliet.ask("<a/>")
    assert juliet.ask("<b/>", rid=juliet.rid).condition == "item-not-found"
    assert first.condition == "other-request"
    assert bosh.reasons == {"bosh.other-body": 1}
    assert juliet.stream.texts == ["<a/>"]


def test_another_body_for_an_answer_that_was_given(bosh: Bosh, juliet: Asker) -> None:
    juliet.ask("<a/>")
    juliet.ask("<b/>")
    assert juliet.ask("<c/>", rid=juliet.rid - 1).condition == "item-not-found"
    assert bosh.reasons == {"bosh.other-body": 1}


def test_an_answer_that_the_client_must_have_is_forgotten_xep0124_14_3(
    bosh: Bosh, juliet: Asker
) -> None:
    old = juliet.data("<a/>")
    juliet.send(old)
    for _ in range(2):
        juliet.ask("<b/>")
    assert juliet.send(old).condition == "item-not-found"
    assert bosh.reasons == {"bosh.unknown-rid": 1}


def test_nobody_repeats_for_ever_xep0124_14_3(bosh: Bosh, juliet: Asker) -> None:
    data = juliet.data()
    for _ in range(MOST_REPEATS + 1):
        assert juliet.send(data)
    assert juliet.send(data).condition == "policy-violation"
    assert bosh.reasons == {"bosh.repeats": 1}


def test_a_client_is_told_that_something_is_missing_xep0124_17_3(bosh: Bosh, juliet: Asker) -> None:
    missing, data = juliet.data("<a/>"), juliet.data("<b/>")
    late = juliet.send(data)
    bosh.clock.advance(61)
    assert late.text == RECOVERABLE
    again = juliet.send(data)
    first = juliet.send(missing)
    assert juliet.stream.texts == ["<a/>", "<b/>"]
    assert first.text == EMPTY and again.is_held


def test_large_requests_behind_a_missing_one_have_to_come_again_xep0124_17_3(bosh: Bosh) -> None:
    # They cost a stranger little, and would be kept for as long as the session lasts.
    juliet = bosh.client()
    juliet.log_in(hold=2)
    large = f"<message>{'x' * 40_000}</message>"
    missing, kept, other = juliet.data("<a/>"), juliet.data(large), juliet.data(large)
    assert juliet.send(kept).is_held
    assert juliet.send(other).text == RECOVERABLE
    juliet.send(missing)
    assert juliet.stream.texts == ["<a/>", large]
    assert juliet.send(other).is_held
    assert juliet.stream.texts == ["<a/>", large, large]
    assert not bosh.reasons


def test_a_request_needs_an_id_xep0124_6(juliet: Asker) -> None:
    data = juliet.data().replace(b"rid=", b"no=")
    assert juliet.send(data).condition == "bad-request"


# ------------------------------------------------------------------ keys


def keys(seed: str, count: int) -> list[str]:
    """A key sequence; the last to be used first (§15.3)."""
    made = []
    for _ in range(count):
        seed = hashlib.sha1(seed.encode()).hexdigest()
        made.append(seed)
    return made


def test_keys_in_their_sequence_xep0124_15_4(bosh: Bosh) -> None:
    sequence = keys("seed", 4)
    client = bosh.client()
    client.log_in(newkey=sequence.pop().upper())
    for text in ("<a/>", "<b/>", "<c/>"):
        client.ask(text, key=sequence.pop())
    assert client.stream.texts == ["<a/>", "<b/>", "<c/>"] and not bosh.reasons


@pytest.mark.parametrize("key", [None, "", "0" * 40, "\u20ac"])
def test_a_wrong_key_ends_the_session_unheard_xep0124_15_4(bosh: Bosh, key: str | None) -> None:
    client = bosh.client()
    client.log_in(newkey=keys("seed", 4)[-1])
    assert client.ask("<a/>", key=key).condition == "item-not-found"
    assert client.stream.said[-1] == "lost" and not client.stream.texts
    assert bosh.reasons == {"bosh.key": 1}


def test_a_new_sequence_of_keys_xep0124_15_5(bosh: Bosh) -> None:
    old, new = keys("seed", 2), keys("another", 3)
    client = bosh.client()
    client.log_in(newkey=old.pop())
    client.ask("<a/>", key=old.pop(), newkey=new.pop())
    client.ask("<b/>", key=new.pop())
    assert client.stream.texts == ["<a/>", "<b/>"]
    assert client.ask("<c/>", key="0" * 40).condition == "item-not-found"


def test_a_new_key_is_a_hash(bosh: Bosh) -> None:
    for key in ("", "abc", "g" * 40):
        assert bosh.client().begin(newkey=key).condition == "bad-request"
    assert bosh.reasons == {"bosh.new-key": 3}


def test_keys_of_requests_out_of_order(bosh: Bosh) -> None:
    sequence = keys("seed", 3)
    client = bosh.client()
    client.log_in(newkey=sequence.pop())
    first = client.data("<a/>", key=sequence.pop())
    second = client.data("<b/>", key=sequence.pop())
    client.send(second)
    client.send(first)
    assert client.stream.texts == ["<a/>", "<b/>"]


def test_who_is_ahead_with_a_wrong_key_ends_the_session(bosh: Bosh) -> None:
    sequence = keys("seed", 3)
    client = bosh.client()
    client.log_in(newkey=sequence.pop())
    first = client.data("<a/>", key=sequence.pop())
    ahead = client.ask("<b/>", key="0" * 40)
    held = client.send(first)
    assert ahead.condition == "item-not-found"
    assert not held.is_held and client.stream.texts == ["<a/>"]
