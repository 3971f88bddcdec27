"""Offline messages and clients that acknowledge what they get (XEP-0160 §2, XEP-0198)."""

from __future__ import annotations

import pytest

from tests.support.offline import (
    Slowed,
    bodies,
    chat,
    come,
    messages,
    numbered,
    numbers,
    slow,
    waiting,
)
from tests.support.people import JULIET
from tests.support.server import Client, Verona
from xmppd import ns
from xmppd.modules.offline import LONGEST_PAUSE, PAGE, ROOM

AVAILABLE = "<presence/>"
ENABLE = f"<enable xmlns='{ns.STREAM_MANAGEMENT}' resume='true'/>"


def managed(server: Verona, resource: str = "balcony") -> tuple[Client, str]:
    """Juliet's client, with stream management, and the id to resume it by."""
    client = server.log_in("juliet", resource)
    return client, client.send(ENABLE).one().get("id", "")


def test_what_is_not_acknowledged_is_not_forgotten(server: Verona, romeo: Client) -> None:
    romeo.send(numbered(1, 3))
    juliet, _ = managed(server)
    assert bodies(juliet.send(AVAILABLE)) == numbers(1, 3)
    # its own presence, and two messages
    juliet.send(f"<a xmlns='{ns.STREAM_MANAGEMENT}' h='3'/>")
    assert len(waiting(server, JULIET)) == 1
    assert bodies(come(Verona(after=server))) == ["3"]


def test_what_a_client_may_yet_acknowledge_is_given_to_no_other(
    server: Verona, romeo: Client
) -> None:
    romeo.send(numbered(1, PAGE))
    juliet, _ = managed(server)
    assert bodies(juliet.send(AVAILABLE)) == numbers(1, PAGE)
    other = come(server, "chamber")
    assert bodies(other) == []
    romeo.send(chat(JULIET, "new"))
    assert bodies(juliet) == bodies(other) == ["new"]


def test_what_a_client_did_not_acknowledge_goes_to_the_next(server: Verona, romeo: Client) -> None:
    romeo.send(numbered(1, 3))
    juliet, _ = managed(server)
    juliet.send(AVAILABLE).send("</stream:stream>")
    assert len(waiting(server, JULIET)) == 3
    other = come(server, "chamber")
    got = messages(other)
    assert [message.get("id") for message in got] == numbers(1, 3)
    assert [len(message.findall(f"{{{ns.DELAY}}}delay")) for message in got] == [1, 1, 1]
    assert waiting(server, JULIET) == []


def test_what_comes_back_from_another_client_meanwhile_is_given_too(
    server: Verona, romeo: Client
) -> None:
    romeo.send(numbered(1, 2))
    juliet, _ = managed(server)
    juliet.send(AVAILABLE)
    pages = Slowed(server.host.stores.offline, "page")
    other = come(server, "chamber")
    pages.go_on()
    juliet.send("</stream:stream>")
    pages.as_before()
    got = messages(other)
    assert [message.get("id") for message in got] == numbers(1, 2)
    assert [len(message.findall(f"{{{ns.DELAY}}}delay")) for message in got] == [1, 1]
    assert waiting(server, JULIET) == []


def test_what_is_kept_for_a_client_that_was_there_before_the_module_is_counted() -> None:
    server = Verona(modules={"off": ["offline"]})
    romeo = server.log_in("romeo")
    juliet, _ = managed(server)
    server.reload()
    juliet.send(AVAILABLE).hang_up()
    romeo.send(numbered(1, 1))
    assert len(waiting(server, JULIET)) == 1


@pytest.fixture
def given(server: Verona, romeo: Client) -> int:
    """Three messages wait, of which a client is given two before it is full; as many as that."""
    filling = f"<x xmlns='urn:example:x'>{'x' * (ROOM // 2)}</x>"
    for number in (1, 2, 3):
        romeo.send(chat(JULIET, str(number), filling))
    return 2


def test_while_a_client_is_away_the_rest_is_for_who_is_there(
    server: Verona, romeo: Client, given: int
) -> None:
    juliet, _ = managed(server)
    assert bodies(juliet.send(AVAILABLE)) == numbers(1, given)
    juliet.hang_up()
    server.clock.advance(LONGEST_PAUSE)
    assert len(waiting(server, JULIET)) == 3
    other = come(server, "chamber")
    server.clock.advance(LONGEST_PAUSE)
    assert bodies(other) == ["3"]
    romeo.send(chat(JULIET, "new"))
    assert bodies(other) == ["new"]


def test_a_client_that_comes_back_goes_on_where_it_was(
    server: Verona, romeo: Client, given: int
) -> None:
    juliet, id_ = managed(server)
    juliet.send(AVAILABLE).hang_up()
    romeo.send(chat(JULIET, "new"))
    server.clock.advance(LONGEST_PAUSE)
    back = server.connect().open().authenticate("juliet").open()
    back.take()
    back.send(f"<resume xmlns='{ns.STREAM_MANAGEMENT}' previd='{id_}' h='{1 + given}'/>")
    server.clock.advance(LONGEST_PAUSE)
    assert bodies(back) == ["3", "new"]


@pytest.mark.parametrize(
    ("becomes", "got"),
    [
        (f"<a xmlns='{ns.STREAM_MANAGEMENT}' h='4'/>", ["2", "3"]),
        ("</stream:stream>", ["2", "3", "1"]),
    ],
    ids=["acknowledged", "not"],
)
def test_what_another_acknowledges_while_a_client_is_slow_does_not_come_again(
    server: Verona, romeo: Client, becomes: str, got: list[str]
) -> None:
    romeo.send(numbered(1, 1))
    first, _ = managed(server)
    assert bodies(first.send(AVAILABLE)) == ["1"]
    first.send("<presence><priority>-1</priority></presence>")
    romeo.send(numbered(2, 3))
    other = slow(server, "chamber")
    pages = Slowed(server.host.stores.offline, "page")
    other.send(AVAILABLE)
    pages.go_on()
    assert bodies(other) == []
    first.send(becomes)
    server.clock.advance(0)
    other.behind = 0
    pages.as_before()
    server.clock.advance(LONGEST_PAUSE)
    assert bodies(other) == got
    assert waiting(server, JULIET) == []


def test_what_two_managed_sessions_get_is_kept_for_them_once(server: Verona, romeo: Client) -> None:
    first, _ = managed(server)
    second, _ = managed(server, "chamber")
    for client in (first, second):
        client.send(AVAILABLE).take()
        client.hang_up()
    romeo.send(numbered(1, 1))
    assert len(waiting(server, JULIET)) == 1
    assert bodies(come(Verona(after=server))) == ["1"]


CARBONS = f"<iq type='set' id='c'><enable xmlns='{ns.CARBONS}'/></iq>"


@pytest.mark.parametrize("away", [False, True])
def test_what_is_kept_is_not_kept_again_for_who_had_a_copy(
    server: Verona, romeo: Client, away: bool
) -> None:
    """Nobody is reachable: the message is stored, and a client that asks for it has a copy."""
    juliet, _ = managed(server)
    juliet.send("<presence><priority>-1</priority></presence>" + CARBONS).take()
    if away:
        juliet.hang_up()
    romeo.send(numbered(1, 2))
    assert len(waiting(server, JULIET)) == 2
    if not away:
        assert len(messages(juliet)) == 2
        juliet.hang_up()
    assert len(waiting(server, JULIET)) == 2
    server.clock.advance(server.config.stream_management.hibernate_seconds)
    assert server.host.directory.get(f"{JULIET}/balcony") is None
    assert bodies(come(server, "chamber")) == ["1", "2"]
    assert waiting(server, JULIET) == []


@pytest.mark.parametrize("acknowledged", [False, True])
def test_who_is_away_comes_back_to_the_copy_of_what_another_has(
    server: Verona, romeo: Client, acknowledged: bool
) -> None:
    """The message waits in the store until one of them has acknowledged it."""
    first, _ = managed(server)
    second, id_ = managed(server, "chamber")
    second.send("<presence><priority>-1</priority></presence>" + CARBONS).take()
    first.send(AVAILABLE).take()
    second.hang_up()
    romeo.send(numbered(1, 1))
    assert bodies(first) == ["1"]
    assert len(waiting(server, JULIET)) == 1
    if acknowledged:
        first.send(f"<a xmlns='{ns.STREAM_MANAGEMENT}' h='2'/>")
    back = server.connect().open().authenticate("juliet").open()
    back.take()
    back.send(f"<resume xmlns='{ns.STREAM_MANAGEMENT}' previd='{id_}' h='3'/>")
    (copy,) = messages(back)
    assert copy.find(f"{{{ns.CARBONS}}}received") is not None
    back.send(f"<a xmlns='{ns.STREAM_MANAGEMENT}' h='4'/>")
    assert waiting(server, JULIET) == []
    first.hang_up()
    server.clock.advance(server.config.stream_management.hibernate_seconds)
    assert waiting(server, JULIET) == []


def test_what_lines_up_for_one_comes_once_though_another_was_to_have_a_copy(
    server: Verona, romeo: Client
) -> None:
    romeo.send(numbered(1, 2))
    away, _ = managed(server)
    away.send("<presence><priority>-1</priority></presence>" + CARBONS).hang_up()
    pages = Slowed(server.host.stores.offline, "page")
    other, _ = managed(server, "chamber")
    other.send(AVAILABLE)
    romeo.send(numbered(3, 3))
    pages.as_before()
    assert bodies(other) == ["1", "2", "3"]
    # two presences, and the messages
    other.send(f"<a xmlns='{ns.STREAM_MANAGEMENT}' h='5'/>")
    server.clock.advance(server.config.stream_management.hibernate_seconds)
    assert bodies(other) == []
    assert waiting(server, JULIET) == []


def test_a_message_in_safe_hands_elsewhere_is_not_kept(server: Verona, romeo: Client) -> None:
    away, _ = managed(server)
    away.send(AVAILABLE).take()
    away.hang_up()
    other = come(server, "chamber")
    romeo.send(numbered(1, 1))
    assert bodies(other) == ["1"]
    assert waiting(server, JULIET) == []
    assert romeo.elements() == []
