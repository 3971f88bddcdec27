"""Messages that several managed sessions have, or the store besides: once, and counted once."""

from __future__ import annotations

import pytest

from tests.support.managed import REQUEST, ack, come_back, expire, handled, managed, resumed
from tests.support.offline import Slowed, backlog, bodies, chat, numbered, numbers, waiting
from tests.support.people import JULIET, ROMEO
from tests.support.privacy import put_list, rule
from tests.support.server import Client, Verona, condition
from xmppd.core.managed import Managed
from xmppd.errors import StoreError
from xmppd.modules import offline
from xmppd.modules.stream_management import PATIENCE, SOON

BALCONY, CHAMBER = f"{JULIET}/balcony", f"{JULIET}/chamber"


def two(server: Verona, seconds: int = 600) -> tuple[tuple[Client, str], tuple[Client, str]]:
    """Two managed sessions of juliet's that both get what is for her account.

    The first is waited for so many seconds. Both have acknowledged their two presences.
    """
    attrs = f"resume='true' max='{seconds}'"
    found = managed(server, "juliet", "balcony", attrs), managed(server, "juliet", "chamber")
    for client, _ in found:
        client.send("<presence/>")
    for client, _ in found:
        ack(client, 2).take()
    return found


def counted(server: Verona) -> int:
    """How many messages are counted for juliet; as many as the store has."""
    found: offline.Backlog = server.resident(JULIET).data[offline._BACKLOG]
    assert found == backlog(server, JULIET)
    return found.messages


def next_login(server: Verona) -> list[str | None]:
    """What the next of juliet's clients gets, if it were to come now."""
    client = server.log_in("juliet", "hall").send("<presence/>")
    got = bodies(client)
    client.send("</stream:stream>")
    return got


# ---------------------------------------------------------------- one away, the other there


def test_what_the_other_has_acknowledged_does_not_come_again(server: Verona, romeo: Client) -> None:
    (one, _), (other, _) = two(server)
    one.hang_up()
    romeo.send(numbered(1, 2))
    assert bodies(other) == ["1", "2"]
    assert counted(server) == 2
    ack(other, 4)
    assert counted(server) == 2  # the one may yet come back for them
    expire(server, one)
    assert (bodies(other), counted(server), next_login(server)) == ([], 0, [])


def test_what_the_other_has_and_may_yet_acknowledge_does_not_either(
    server: Verona, romeo: Client
) -> None:
    (one, _), (other, _) = two(server, seconds=1)
    one.hang_up()
    romeo.send(numbered(1, 1))
    assert (bodies(other), counted(server)) == (["1"], 1)
    server.clock.advance(1)
    assert (bodies(other), counted(server)) == ([], 0)
    expire(server, other)
    assert (next_login(server), counted(server)) == (["1"], 0)


def test_what_one_has_acknowledged_is_not_kept_for_the_other_who_leaves_then(
    server: Verona, romeo: Client
) -> None:
    (one, id_), (other, _) = two(server)
    one.hang_up()
    romeo.send(numbered(1, 1))
    one, _, again = resumed(server, "juliet", id_, 2)
    assert [each.get("id") for each in again] == ["1"]
    ack(one, 3)
    assert counted(server) == 0
    expire(server, one)
    other.hang_up()
    romeo.send(numbered(2, 2))
    assert counted(server) == 1
    expire(server, other)
    assert (next_login(server), counted(server)) == (["2"], 0)


def test_a_message_to_oneself_is_settled_once(server: Verona, romeo: Client) -> None:
    """Its sender's own resumption waits for it, and acknowledges it at once."""
    juliet, id_ = managed(server, "juliet", "balcony")
    puts = Slowed(server.host.stores.offline, "put")
    juliet.send(chat(BALCONY, "1"))
    romeo.send(chat(BALCONY, "2"))
    juliet.hang_up()
    back = come_back(server, "juliet", id_, h=1)
    puts.as_before()
    answer, again, *_ = back.elements()
    assert (answer.get("h"), again.get("id")) == ("1", "2")
    assert counted(server) == 1
    ack(back, 2)
    assert counted(server) == 0


# ---------------------------------------------------------------- one refuses


def test_who_refuses_a_message_is_nobody_who_has_it(server: Verona, romeo: Client) -> None:
    """When it comes to nobody else, its sender is told."""
    juliet, _ = managed(server, "juliet", "balcony")
    other = server.log_in("juliet", "chamber")
    put_list(other, "nobody", rule(1, jid=ROMEO), apply="active")
    for client in (juliet, other):
        client.send("<presence/>")
    juliet.take()
    romeo.send(numbered(1, 1))
    assert (bodies(juliet), bodies(other)) == (["1"], [])
    expire(server, juliet)
    error = romeo.one()
    assert (error.get("id"), condition(error)) == ("1", "service-unavailable")
    assert waiting(server, JULIET) == []


# ---------------------------------------------------------------- the store fails


def test_what_can_not_be_stored_is_answered_with_an_error_when_nobody_has_it(
    server: Verona,
) -> None:
    romeo, _ = managed(server, "romeo", "orchard")
    juliet, _ = managed(server, "juliet", "balcony")
    juliet.hang_up()
    puts = Slowed(server.host.stores.offline, "put")
    romeo.send(chat(BALCONY, "1") + REQUEST)
    assert romeo.one().get("h") == "0"
    puts.fail(StoreError("the disk is full"))
    assert romeo.elements() == []  # its client may yet come back for it
    expire(server, juliet)
    ack(romeo, 0)
    error, *_ = romeo.elements()
    assert (error.get("id"), error.get("type")) == ("1", "error")
    assert handled(romeo) == 1


def test_so_it_is_when_the_session_ends_before_the_store_fails(server: Verona) -> None:
    romeo, _ = managed(server, "romeo", "orchard")
    juliet, _ = managed(server, "juliet", "balcony")
    juliet.hang_up()
    puts = Slowed(server.host.stores.offline, "put")
    romeo.send(chat(BALCONY, "1"))
    expire(server, juliet)
    romeo.take()
    puts.fail(StoreError("the disk is full"))
    error = romeo.elements()[0]
    assert (error.get("id"), condition(error)) == ("1", "internal-server-error")
    assert handled(romeo) == 1


# ---------------------------------------------------------------- nobody is kept waiting for long


@pytest.mark.parametrize("progress", [0, 1])
def test_4_who_answers_that_it_has_not_handled_a_message_keeps_nobody_waiting(
    server: Verona, progress: int
) -> None:
    """Or handles one now and then: each message is stored when it has waited for so long."""
    juliet, _ = managed(server, "juliet", "balcony")
    romeo, _ = managed(server, "romeo", "orchard")
    romeo.send(numbered(1, 100, BALCONY))
    assert handled(romeo) == 0
    for turn in range(2 + int(PATIENCE / SOON)):
        server.clock.advance(SOON)
        ack(juliet, progress * turn)
    assert not juliet.closed
    assert handled(romeo) == 100
    ack(juliet, 100)
    assert waiting(server, JULIET) == []
    romeo.send(chat(BALCONY, "101"))
    assert handled(romeo) == 100  # it has caught up, and is trusted again
    ack(juliet, 101)
    assert handled(romeo) == 101


def test_5_to_resume_is_no_more_work_for_many_messages_than_for_one(
    server: Verona, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each session that has some of them makes them safe in one go."""
    managed(server, "juliet", "balcony")
    romeo, id_ = managed(server, "romeo", "orchard")
    romeo.send(numbered(1, 50, BALCONY))
    secured: list[Managed] = []
    secure = Managed.secure

    def counting(managed: Managed) -> None:
        secured.append(managed)
        secure(managed)

    monkeypatch.setattr(Managed, "secure", counting)
    romeo.hang_up()
    secured.clear()
    _, h, _ = resumed(server, "romeo", id_)
    assert h == 50
    assert len(secured) == 1
    assert len(waiting(server, JULIET)) == 50


def test_5_who_comes_too_late_learns_only_of_what_is_in_safe_hands(server: Verona) -> None:
    juliet, _ = managed(server, "juliet", "balcony")
    romeo, id_ = managed(server, "romeo", "orchard", "resume='true' max='1'")
    romeo.send(numbered(1, 2, BALCONY))
    ack(juliet, 1)
    romeo.hang_up()
    server.clock.advance(1)
    assert come_back(server, "romeo", id_).one().get("h") == "1"
    ack(juliet, 2)
    assert come_back(server, "romeo", id_).one().get("h") == "2"
    assert numbers(1, 2) == bodies(juliet)
