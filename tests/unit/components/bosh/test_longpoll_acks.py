"""What has arrived (XEP-0124 §9), and what the server is told of it."""

from __future__ import annotations

import pytest

from tests.support.boshing import MESSAGE, Asker, Bosh


@pytest.fixture
def juliet(bosh: Bosh) -> Asker:
    client = bosh.client()
    client.log_in(ack=1)
    return client


def taken(client: Asker) -> list[int]:
    return [each[1] for each in client.stream.said if each[0] == "taken"]


def test_a_later_request_is_acknowledged_xep0124_9_1(juliet: Asker) -> None:
    first = juliet.ask()
    juliet.ask("<message/>")
    assert first.attrs["ack"] == str(juliet.rid)


def test_a_request_itself_is_not_xep0124_9_1(bosh: Bosh, juliet: Asker) -> None:
    first = juliet.ask()
    bosh.clock.advance(60)
    assert "ack" not in first.attrs


def test_who_does_not_acknowledge_has_no_acks_xep0124_9_1(bosh: Bosh) -> None:
    client = bosh.client()
    assert "ack" not in client.log_in().attrs
    first = client.ask()
    client.ask("<message/>")
    assert "ack" not in first.attrs


def test_an_answer_that_was_acknowledged_is_forgotten_xep0124_9_2(juliet: Asker) -> None:
    data = juliet.data("<a/>")
    juliet.send(data)
    juliet.stream.client.elements([MESSAGE])
    juliet.bosh.turn()
    juliet.ask("<b/>")
    assert juliet.send(data).condition == "item-not-found"


def test_an_answer_that_was_not_is_kept_xep0124_9_2(juliet: Asker) -> None:
    data = juliet.data("<a/>")
    first = juliet.send(data)
    juliet.stream.client.elements([MESSAGE])
    juliet.bosh.turn()
    juliet.ask("<b/>", ack=juliet.rid - 1)
    assert juliet.send(data).text == first.text


def test_an_answer_that_is_missing_is_reported_xep0124_9_2(bosh: Bosh, juliet: Asker) -> None:
    juliet.ask("<a/>")
    juliet.stream.client.elements([MESSAGE])
    bosh.turn()
    bosh.clock.advance(1.5)
    missing = juliet.rid
    asked = juliet.ask("<b/>", ack=missing - 1)
    assert (asked.attrs["report"], asked.attrs["time"]) == (str(missing), "1500")


def test_an_answer_that_may_be_under_way_is_not_xep0124_9_2(bosh: Bosh, juliet: Asker) -> None:
    juliet.ask("<a/>")
    juliet.stream.client.elements([MESSAGE])
    bosh.turn()
    bosh.clock.advance(0.5)
    assert juliet.ask("<b/>", ack=juliet.rid - 1).is_held


def test_acks_of_what_there_is_not(juliet: Asker) -> None:
    assert juliet.ask("<a/>", ack=2**53 - 1).is_held
    juliet.ask("<b/>")
    assert juliet.ask("<c/>", ack="x").condition == "bad-request"


def test_who_acknowledges_nothing_has_no_more_kept_than_others(juliet: Asker) -> None:
    old = juliet.data("<a/>", ack=1)
    juliet.send(old)
    for _ in range(3):
        juliet.ask("<b/>", ack=1)
    assert juliet.send(old).condition == "item-not-found"


def test_the_server_learns_when_it_was_taken(bosh: Bosh, juliet: Asker) -> None:
    juliet.stream.client.asked(1)
    assert taken(juliet) == [], "the greeting may be on its way"
    juliet.ask()
    assert taken(juliet) == [1]
    juliet.stream.client.elements([MESSAGE])
    juliet.stream.client.asked(2)
    bosh.turn()
    assert taken(juliet) == [1]
    juliet.ask()
    assert taken(juliet) == [1, 2]


def test_not_before_it_was_acknowledged(bosh: Bosh, juliet: Asker) -> None:
    juliet.ask()
    juliet.stream.client.elements([MESSAGE])
    juliet.stream.client.asked(7)
    bosh.turn()
    juliet.ask("<a/>", ack=juliet.rid - 1)
    assert taken(juliet) == []
    juliet.ask("<b/>")
    assert taken(juliet) == [7]


def test_at_once_where_nothing_was_told(bosh: Bosh, juliet: Asker) -> None:
    juliet.ask()
    juliet.stream.client.asked(1)
    assert taken(juliet) == [1]


def test_by_the_next_request_where_there_are_no_acks(bosh: Bosh) -> None:
    client = bosh.client()
    client.log_in()
    client.ask()
    client.stream.client.elements([MESSAGE])
    client.stream.client.asked(1)
    bosh.turn()
    assert taken(client) == []
    client.ask()
    assert taken(client) == [1]


def test_what_waits_for_a_client_is_bounded() -> None:
    bosh = Bosh(queue_octets=1_000)
    client = bosh.client()
    client.log_in()
    for _ in range(20):
        client.stream.client.elements([MESSAGE])
    assert len(bosh.service) == 1, "nothing ends from within what a stream tells"
    bosh.turn()
    assert len(bosh.service) == 0 and client.stream.said[-1] == "lost"
    assert bosh.reasons == {"bosh.queue": 1}


def test_an_answer_is_only_so_large(bosh: Bosh, juliet: Asker) -> None:
    large = b"<message xmlns='jabber:client'>%b</message>" % (b"x" * 60_000)
    for _ in range(5):
        juliet.stream.client.elements([large])
    bosh.turn()
    assert [len(juliet.ask().names) for _ in range(3)] == [2, 2, 1]
