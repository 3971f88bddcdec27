"""How sessions end, and what is told of it (XEP-0124 §13, §17; XEP-0206 §6)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.support.boshing import MESSAGE, Asker, Bosh
from xmppd import ns

EMPTY = "<body xmlns='http://jabber.org/protocol/httpbind'/>"


def test_the_oldest_request_learns_of_the_clients_end_the_others_nothing_xep0124_13(
    bosh: Bosh,
) -> None:
    client = bosh.client()
    client.log_in(hold=2)
    first = client.ask()
    bosh.clock.advance(6)
    second = client.ask()
    third = client.ask(type="terminate")
    assert [first.condition, second.text, third.text] == ["", EMPTY, EMPTY]


def test_what_waited_comes_with_it(bosh: Bosh, juliet: Asker) -> None:
    juliet.stream.client.elements([MESSAGE])
    asked = juliet.ask(type="terminate")
    assert asked.condition == "" and len(asked.names) == 1


def test_a_terminate_that_comes_again_is_answered_again_xep0124_14_3(
    bosh: Bosh, juliet: Asker
) -> None:
    data = juliet.data(type="terminate")
    juliet.send(data)
    bosh.clock.advance(5)
    assert juliet.send(data).condition == ""
    assert juliet.stream.said.count("close") == 1
    bosh.clock.advance(11)
    assert juliet.send(data).condition == "item-not-found"
    bosh.clock.advance(60)
    assert len(bosh.service) == 0 and not bosh.clock.getDelayedCalls()


@pytest.mark.parametrize(
    ("end", "condition"),
    [
        (lambda client: client.lost(), "remote-connection-failed"),
        (lambda client: client.closed(), ""),
    ],
)
def test_who_is_not_there_learns_of_the_end_by_his_next_request(
    bosh: Bosh, juliet: Asker, end: Callable[..., None], condition: str
) -> None:
    juliet.stream.client.elements([MESSAGE])
    end(juliet.stream.client)
    bosh.turn()
    bosh.clock.advance(59)
    asked = juliet.ask("<message/>")
    assert asked.condition == condition and len(asked.names) == 1
    assert juliet.stream.texts == []
    assert juliet.ask().condition == "item-not-found"


def test_after_a_while_nobody_knows(bosh: Bosh, juliet: Asker) -> None:
    juliet.stream.client.lost()
    bosh.turn()
    bosh.clock.advance(61)
    assert len(bosh.service) == 0 and not bosh.clock.getDelayedCalls()
    assert juliet.ask().condition == "item-not-found"


def test_all_requests_that_wait_learn_of_the_end_xep0124_17_2(bosh: Bosh) -> None:
    client = bosh.client()
    client.log_in(hold=2)
    first = client.ask()
    bosh.clock.advance(6)
    second = client.ask()
    client.stream.client.lost()
    bosh.turn()
    assert first.condition == second.condition == "remote-connection-failed"


def test_the_gateway_stops_xep0124_17_2(bosh: Bosh, juliet: Asker) -> None:
    romeo = bosh.client()
    romeo.log_in()
    held = juliet.ask()
    bosh.service.close()
    assert held.condition == "system-shutdown"
    assert [stream.said[-1] for stream in bosh.streams] == ["lost", "lost"]
    assert romeo.ask().condition == "system-shutdown"
    assert bosh.client().begin().condition == "system-shutdown"
    assert bosh.client().ask(sid="x").condition == "system-shutdown"


def test_nothing_ends_twice(bosh: Bosh, juliet: Asker) -> None:
    juliet.stream.client.lost()
    juliet.stream.client.closed()
    juliet.stream.client.elements([MESSAGE])
    juliet.stream.client.features(b"")
    juliet.stream.client.asked(3)
    juliet.stream.client.resume()
    bosh.service.close()
    assert juliet.ask().condition == "remote-connection-failed"


@pytest.mark.parametrize(
    ("wrong", "status"),
    [
        ({"rid": 1}, 404),
        ({"rid": 2**53 - 1}, 404),
        ({"rid": "x"}, 400),
        ({"pause": 1_000}, 403),
        ({"ack": "x", "key": "y", "newkey": "z"}, 400),
    ],
)
def test_legacy_clients_are_told_by_status_xep0124_17_1(
    bosh: Bosh, wrong: dict[str, str], status: int
) -> None:
    for ver, answer in (("1.6", 200), (None, status)):
        client = bosh.client()
        client.log_in(ver=ver)
        held = client.ask()
        asked = client.ask(**wrong)
        assert asked.status == answer
        assert (held.status, held.condition) == (200, "other-request")


def test_legacy_clients_whose_end_is_no_old_status_xep0124_17_1(bosh: Bosh) -> None:
    client = bosh.client()
    client.log_in(ver=None)
    held = client.ask()
    client.stream.client.lost()
    bosh.turn()
    assert (held.status, held.condition) == (200, "remote-connection-failed")


def test_legacy_clients_that_the_server_refuses_xep0124_17_1(bosh: Bosh) -> None:
    client = bosh.client()
    asked = client.begin(ver=None)
    client.stream.client.refused("resource-constraint", "")
    bosh.turn()
    assert asked.status == 403


def test_characters_that_are_no_xml_are_a_bad_request(bosh: Bosh, juliet: Asker) -> None:
    assert juliet.ask("<a>\ufffe</a>").condition == "bad-request"


def test_an_error_in_a_stream_tells_its_prefix_xep0206_2(bosh: Bosh, juliet: Asker) -> None:
    held = juliet.ask()
    juliet.stream.client.failed(b"<policy-violation xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>")
    juliet.stream.client.closed()
    bosh.turn()
    assert f"xmlns:stream='{ns.STREAM}'" in held.text
    assert "<stream:error>" in held.text


def test_a_fault_of_ours_is_told_and_ends_the_session_xep0124_17_2(
    bosh: Bosh, juliet: Asker, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.support.logs import logged

    def fault(data: str) -> None:
        raise RuntimeError("a fault")

    monkeypatch.setattr(juliet.stream, "say", fault)
    with logged("critical") as lines:
        assert juliet.ask("<a/>").condition == "internal-server-error"
    assert len(lines) == 1
    assert len(bosh.service) == 0
    assert bosh.reasons == {"bosh.internal": 1}
