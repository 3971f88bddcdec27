"""How much is held for all clients by BOSH together, and who has to go when it is too much."""

from __future__ import annotations

import pytest

from tests.support.boshing import MESSAGE, Asker, Bosh, Stream

LARGE = b"<message xmlns='jabber:client'>%b</message>" % (b"x" * 10_000)


def guests(bosh: Bosh, count: int) -> list[tuple[Asker, Stream]]:
    """Clients that are logged in, each with its stream."""
    found = []
    for _ in range(count):
        client = bosh.client()
        client.log_in()
        found.append((client, client.stream))
    return found


def test_what_waits_and_what_may_be_repeated_is_counted() -> None:
    bosh = Bosh()
    juliet = bosh.client()
    juliet.log_in()
    before = bosh.service.held
    juliet.stream.client.elements([LARGE])
    bosh.turn()
    assert bosh.service.held == before + len(LARGE), "it waits"
    answer = juliet.ask()
    assert len(answer.body) == 1
    assert bosh.service.held >= before + len(LARGE), "it may be asked for again"
    for _ in range(3):
        juliet.stream.client.elements([MESSAGE])
        juliet.ask("<presence/>")
        bosh.turn()
    assert bosh.service.held < len(LARGE), "the client has it"


def test_what_a_client_says_before_it_may_is_counted() -> None:
    bosh = Bosh()
    juliet = bosh.client()
    juliet.log_in()
    before = bosh.service.held
    juliet.stream.client.pause()
    content = f"<message>{'x' * 5_000}</message>"
    juliet.ask(content)
    assert bosh.service.held == before + len(content), "the server takes nothing"
    juliet.stream.client.resume()
    bosh.turn()
    assert bosh.service.held < len(content)
    juliet.ask(content, rid=juliet.rid + 2)
    assert bosh.service.held > len(content), "a request is missing before it"


@pytest.mark.parametrize("end", ["terminate", "shutdown", "silence"])
def test_nothing_is_held_for_who_is_gone(end: str) -> None:
    bosh = Bosh()
    juliet = bosh.client()
    juliet.log_in()
    juliet.stream.client.elements([LARGE])
    bosh.turn()
    assert bosh.service.held > len(LARGE)
    if end == "terminate":
        juliet.ask(type="terminate")
    elif end == "shutdown":
        bosh.service.close()
    bosh.clock.advance(600)
    assert (len(bosh.service), bosh.service.held) == (0, 0)


def test_who_holds_the_most_has_to_go_and_is_told_why_xep0124_17_2() -> None:
    bosh = Bosh(held_octets=40_000)
    clients = guests(bosh, 4)
    waiting = [client.ask() for client, _ in clients]
    greedy, stream = clients[2]
    for _ in range(3):
        stream.client.elements([LARGE])
        bosh.turn()
    assert len(bosh.service) == 4
    clients[0][1].client.elements([LARGE])
    bosh.turn()
    assert len(bosh.service) == 3 and stream.said[-1] == "lost"
    assert bosh.reasons == {"bosh.held": 1}
    assert bosh.service.held < 40_000
    assert len(waiting[0].body) == 1, "everybody else is served"
    assert greedy.ask().condition == "item-not-found"


def test_a_request_that_waits_is_told_that_resources_are_short_xep0124_17_2() -> None:
    bosh = Bosh(held_octets=12_000)
    juliet = bosh.client()
    juliet.log_in()
    content = f"<message>{'x' * 7_000}</message>"
    juliet.stream.client.pause()
    first = juliet.ask(content)
    assert first.is_held
    second = juliet.ask(content)
    assert bosh.reasons == {"bosh.held": 1}
    for answer in (first, second):
        assert answer.condition == "undefined-condition"
        assert answer.names == ["{urn:ietf:params:xml:ns:xmpp-stanzas}resource-constraint"]
    assert bosh.service.held == 0
