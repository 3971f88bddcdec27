"""How much a tunneled client may make of anything, and how it is slowed down."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from xml.sax.saxutils import escape

import pytest

from tests.support.gateway import GRANTED, Gateway, TunneledClient
from tests.support.managed import managed, resumed
from tests.support.offline import Slowed, bodies, chat, numbers
from tests.support.people import JULIET, ROMEO
from tests.support.server import STRANGER, Client, Verona, condition
from xmppd.core.sessions import Session
from xmppd.core.tunnel_intake import MOST_WAITING, PAUSE_OCTETS
from xmppd.core.tunnel_outlet import ASK_OCTETS, JOINED_OCTETS
from xmppd.errors import StreamError

BALCONY, ORCHARD = f"{JULIET}/balcony", f"{ROMEO}/orchard"
OTHER = "198.51.100.4"


def with_limits(**limits: Any) -> Gateway:
    return Gateway(Verona(components=GRANTED, limits=limits))


def session(client: Client) -> Session:
    found = client.server.host.directory.get(str(client.jid))
    assert found is not None
    return found


def long(to: str, id_: str, octets: int) -> str:
    return chat(to, id_, f"<x xmlns='urn:x'>{'x' * octets}</x>")


def reasons(server: Verona) -> list[str]:
    return [refusal.reason for refusal in server.host.refusals.recent]


# ------------------------------------------------------------------ sizes


def test_the_limit_of_a_stanza_is_that_of_clients_before_login_and_after(
    server: Verona, gateway: Gateway, romeo: Client
) -> None:
    limits = server.config.limits
    stranger = gateway.connect().open()
    stranger.take()
    stranger.send(long(ORCHARD, "1", limits.stanza_bytes_unauthenticated))
    assert condition(stranger.one()) == "policy-violation"
    juliet = gateway.log_in("juliet", "balcony")
    juliet.send(long(ORCHARD, "1", limits.stanza_bytes_unauthenticated))
    assert bodies(romeo) == ["1"]
    juliet.send(long(ORCHARD, "2", limits.stanza_bytes))
    assert condition(juliet.one()) == "policy-violation"
    assert not romeo.take()


def test_a_header_is_bounded_too(gateway: Gateway) -> None:
    client = gateway.connect().open(to="x" * 9_000)
    assert condition(client.one()) == "policy-violation"


# ------------------------------------------------------------------ strangers


def test_an_address_has_so_many_strangers() -> None:
    gateway = with_limits(unauthenticated_per_address=2)
    first = gateway.connect().open()
    gateway.connect().open()
    refused = gateway.connect()
    assert condition(refused.begin()) == "resource-constraint"
    assert reasons(gateway.server) == ["limit.unauthenticated"]
    assert gateway.connect(OTHER).begin().get("type") == "result"
    first.log_in("juliet")
    assert refused.begin().get("type") == "result"
    assert condition(gateway.connect().begin()) == "resource-constraint"


def test_a_stranger_who_leaves_leaves_his_place() -> None:
    gateway = with_limits(unauthenticated_per_address=1)
    first = gateway.connect().open()
    first.hang_up()
    assert gateway.connect().begin().get("type") == "result"


def test_an_address_has_so_many_sessions() -> None:
    gateway = with_limits(connections_per_address=2)
    juliet = gateway.log_in("juliet", "1")
    gateway.log_in("juliet", "2")
    assert condition(gateway.connect().begin()) == "resource-constraint"
    assert reasons(gateway.server) == ["limit.connections"]
    juliet.say("<t:close/>")
    assert gateway.connect().begin().get("type") == "result"


def test_where_strangers_are_too_many_the_oldest_makes_room() -> None:
    gateway = with_limits(unauthenticated=2)
    juliet = gateway.log_in("juliet", "balcony")
    first, second = (gateway.connect(f"192.0.2.{n}").open() for n in (1, 2))
    first.take()
    first.authenticate("juliet", "not yet answered")
    third = gateway.connect("192.0.2.3").open()
    assert first.take() == b"", "nothing more is sent"
    assert (first.events, second.events, third.events) == (["lost"], [], [])
    assert reasons(gateway.server)[-1] == "limit.unauthenticated"
    assert not juliet.take() and not juliet.events


def test_the_limits_of_strangers_may_change() -> None:
    gateway = with_limits(unauthenticated_per_address=1)
    gateway.connect().open()
    assert condition(gateway.connect().begin()) == "resource-constraint"
    gateway.server.reload(components=GRANTED, limits={"unauthenticated_per_address": 2})
    assert gateway.connect().begin().get("type") == "result"


# ------------------------------------------------------------------ reading


def test_while_a_client_is_held_the_gateway_is_told_to_stop_and_to_go_on(
    server: Verona, gateway: Gateway, juliet: TunneledClient, romeo: Client
) -> None:
    release = session(juliet).hold()
    juliet.send(chat(ORCHARD, "1"))
    assert not juliet.take() and not juliet.events, "that is not much"
    juliet.send(long(ORCHARD, "2", PAUSE_OCTETS)).send(chat(ORCHARD, "3"))
    assert not juliet.take() and juliet.events == ["pause"]
    assert not romeo.take()
    other = gateway.log_in("juliet", "garden")
    other.send(chat(ORCHARD, "0"))
    assert bodies(romeo) == ["0"], "others are not held"
    release()
    juliet.send(chat(ORCHARD, "4"))
    assert not romeo.take(), "it is not before those that have waited"
    assert not juliet.take() and juliet.events == ["pause", "resume"]
    assert bodies(romeo) == numbers(1, 4)
    release = session(juliet).hold()
    juliet.send(chat(ORCHARD, "5"))
    assert not juliet.take() and juliet.events == ["pause", "resume"], "it is not much again"
    release()
    server.clock.advance(0)
    assert bodies(romeo) == ["5"]


def test_what_has_waited_is_read_in_parts(
    server: Verona, juliet: TunneledClient, romeo: Client
) -> None:
    release = session(juliet).hold()
    for n in range(4):
        juliet.send(long(ORCHARD, str(n), 40_000))
    server.clock.advance(0)
    release()
    turns = []

    def look() -> None:
        turns.append(len(romeo.log))
        if len(turns) < 10:
            server.clock.callLater(0, look)

    look()
    server.clock.advance(0)
    assert len(set(turns)) > 2, "others have their turn in between"
    assert bodies(romeo) == numbers(0, 3)


def test_who_is_not_stopped_is_ended(server: Verona, juliet: TunneledClient) -> None:
    session(juliet).hold()
    octets = server.config.limits.stanza_bytes // 2
    for n in range(2 * MOST_WAITING - 1):
        juliet.send(long(ORCHARD, str(n), octets))
    assert not juliet.take() and juliet.events == ["pause"]
    juliet.send(long(ORCHARD, "x", octets)).send(long(ORCHARD, "x", octets))
    assert condition(juliet.one()) == "policy-violation"
    assert reasons(server) == ["limit.unread"]
    assert not server.host.connections


def test_who_is_gone_leaves_no_more_than_the_stream_keeps(
    server: Verona, gateway: Gateway, romeo: Client
) -> None:
    """The rest is lost with the connection, as on TCP; the session is not (XEP-0198)."""
    juliet, id_ = managed(gateway, "juliet", "balcony")
    release = session(juliet).hold()
    for n in range(3):
        juliet.send(long(ORCHARD, str(n), server.config.limits.stanza_bytes // 2 - 1_000))
    juliet.hang_up()
    release()
    assert bodies(romeo) == numbers(0, 1)
    _, h, _ = resumed(gateway, "juliet", id_)
    assert h == 2


def test_of_strangers_less_may_wait(server: Verona, gateway: Gateway) -> None:
    Slowed(server.host.authenticator, "answer")
    client = gateway.connect().open().authenticate("juliet")
    client.take()
    for _ in range(5):
        client.send(f"<x xmlns='urn:x'>{'x' * 15_000}</x>")
    assert condition(client.one()) == "policy-violation"
    assert reasons(server) == ["limit.unread"]


def test_a_client_is_held_to_its_rate() -> None:
    gateway = with_limits(read_rate=1_000, read_burst=4_096)
    server = gateway.server
    romeo, juliet = server.log_in("romeo", "orchard"), gateway.log_in("juliet", "balcony")
    server.clock.advance(10)
    juliet.send(long(ORCHARD, "1", 8_000)).send(chat(ORCHARD, "2"))
    assert bodies(romeo) == ["1"]
    server.clock.advance(3)
    assert not romeo.take()
    server.clock.advance(2)
    assert bodies(romeo) == ["2"]
    assert not juliet.events, "so little may wait"


def test_what_has_waited_has_to_be_whole_as_well() -> None:
    gateway = with_limits(read_rate=1_000, read_burst=4_096)
    server = gateway.server
    romeo, juliet = server.log_in("romeo", "orchard"), gateway.log_in("juliet", "balcony")
    server.clock.advance(10)
    juliet.send(long(ORCHARD, "1", 8_000))
    for text in (chat(ORCHARD, "2"), chat(ORCHARD, "3"), chat(ORCHARD, "4")[:-1]):
        juliet.say(f"<t:text end='true'>{escape(text)}</t:text>")
    assert bodies(romeo) == ["1"]
    server.clock.advance(6)
    assert bodies(romeo) == ["2", "3"]
    assert condition(juliet.elements()[-1]) == "not-well-formed"


def test_what_it_makes_others_be_sent_counts_as_sent() -> None:
    gateway = with_limits(read_rate=1_000, read_burst=4_096)
    server = gateway.server
    romeo, juliet = server.log_in("romeo", "orchard"), gateway.log_in("juliet", "balcony")
    server.clock.advance(10)
    for _ in range(3):
        session(juliet).charge(4_000)
    juliet.send(chat(ORCHARD, "1"))
    server.clock.advance(5)
    assert not romeo.take()
    server.clock.advance(3)
    assert bodies(romeo) == ["1"]


def cut_the_gateway(client: TunneledClient) -> None:
    client.gateway.leave()


def end_the_stream(client: TunneledClient) -> None:
    session(client).end(StreamError("policy-violation", reason="stream.element"))


@pytest.mark.parametrize("end", [TunneledClient.hang_up, cut_the_gateway, end_the_stream])
@pytest.mark.parametrize("asked", [True, False])
def test_a_session_that_ends_leaves_no_timer(
    end: Callable[[TunneledClient], None], asked: bool
) -> None:
    """Neither of its rate nor of a question, nor does it begin one when it has ended."""
    gateway = with_limits(read_rate=1_000, read_burst=4_096)
    clock = gateway.server.clock
    juliet = gateway.log_in("juliet", "balcony")
    charge, before = session(juliet).charge, len(clock.getDelayedCalls())
    juliet.send(long(BALCONY, "1", ASK_OCTETS))
    if asked:
        juliet.take()
        assert len(clock.getDelayedCalls()) == before + 2
    end(juliet)
    charge(1_000_000)
    juliet.take()
    assert juliet.questions == ["1"] * asked
    assert len(clock.getDelayedCalls()) == before


# ------------------------------------------------------------------ writing


def test_the_gateway_is_asked_what_its_client_has_taken(
    juliet: TunneledClient, romeo: Client
) -> None:
    romeo.send(chat(BALCONY, "1"))
    juliet.take()
    little = session(juliet).unsent()
    assert 0 < little < 2_000 and not juliet.questions
    romeo.send(long(BALCONY, "2", ASK_OCTETS))
    romeo.send(long(BALCONY, "3", 1_000))
    assert session(juliet).unsent() > little + ASK_OCTETS, "what is not sent yet counts"
    juliet.take()
    assert juliet.questions == ["1"]
    juliet.say("", taken="1")
    assert session(juliet).unsent() == 0
    juliet.say("", taken="1")
    romeo.send(chat(BALCONY, "4"))
    juliet.take()
    assert juliet.questions == ["1"], "it is little again"
    romeo.send(long(BALCONY, "5", ASK_OCTETS))
    juliet.take()
    assert juliet.questions == ["1", "2"]
    assert session(juliet).unsent() > ASK_OCTETS


def test_what_is_much_does_not_wait_for_the_end_of_the_turn(
    juliet: TunneledClient, romeo: Client
) -> None:
    romeo.send(long(BALCONY, "1", JOINED_OCTETS))
    juliet.gateway.hear()
    assert b"xxx" in juliet.log
    assert bodies(juliet) == ["1"]


def test_a_slow_reader_is_bounded_and_then_cut_off(
    server: Verona, juliet: TunneledClient, romeo: Client
) -> None:
    most = server.config.limits.write_buffer_bytes
    for n in range(5):
        romeo.send(long(BALCONY, str(n), most // 5))
        server.clock.advance(0)
    assert juliet.events == ["lost"]
    assert reasons(server) == ["limit.slow-reader"]
    assert server.host.directory.get(BALCONY) is None
    assert bodies(juliet) == numbers(0, 3)


def test_he_is_cut_off_once(server: Verona, juliet: TunneledClient, romeo: Client) -> None:
    for n in range(20):
        romeo.send(long(BALCONY, str(n), server.config.limits.write_buffer_bytes // 5))
    due = [c for c in server.clock.getDelayedCalls() if c.getTime() <= server.clock.seconds()]
    assert len(due) <= 2, "that, and the end of the turn"
    assert bodies(juliet) == numbers(0, 3), "no holes"
    assert juliet.events == ["lost"]


def test_one_large_stanza_makes_nobody_slow() -> None:
    gateway = with_limits(write_buffer_bytes=65_536)
    romeo, juliet = gateway.log_in("romeo", "orchard"), gateway.log_in("juliet", "balcony")
    romeo.send(long(BALCONY, "1", 100_000))
    assert bodies(juliet) == ["1"]
    assert not juliet.events


def test_who_answers_is_never_too_slow(
    server: Verona, juliet: TunneledClient, romeo: Client
) -> None:
    most = server.config.limits.write_buffer_bytes
    for n in range(10):
        romeo.send(long(BALCONY, str(n), most // 5))
        server.clock.advance(0)
        juliet.say("", taken=juliet.questions[-1])
    assert bodies(juliet) == numbers(0, 9)
    assert not juliet.events


def test_a_client_that_takes_nothing_is_cut_off(
    server: Verona, juliet: TunneledClient, romeo: Client
) -> None:
    romeo.send(long(BALCONY, "1", ASK_OCTETS))
    juliet.take()
    server.clock.advance(server.config.limits.dead_seconds / 2)
    assert juliet.events == ["lost"]
    assert reasons(server) == ["limit.stalled"]


def test_a_client_that_takes_something_is_not(
    server: Verona, juliet: TunneledClient, romeo: Client
) -> None:
    for _ in range(3):
        romeo.send(long(BALCONY, "1", ASK_OCTETS))
        juliet.take()
        server.clock.advance(server.config.limits.dead_seconds / 3)
        juliet.say("", taken=juliet.questions[-1])
    server.clock.advance(server.config.limits.dead_seconds)
    assert not juliet.events


def test_it_is_seen_to_that_the_next_question_is_answered_too(
    server: Verona, juliet: TunneledClient, romeo: Client
) -> None:
    patience = server.config.limits.dead_seconds / 2
    romeo.send(long(BALCONY, "1", ASK_OCTETS))
    juliet.take()
    server.clock.advance(patience / 2)
    juliet.say("", taken="1")
    romeo.send(long(BALCONY, "2", ASK_OCTETS))
    juliet.take()
    server.clock.advance(patience / 2)
    assert not juliet.events
    server.clock.advance(patience)
    assert juliet.events == ["lost"]


def test_who_is_cut_off_may_come_back(server: Verona, gateway: Gateway, romeo: Client) -> None:
    """XEP-0198: nothing is lost by it."""
    juliet, id_ = managed(gateway, "juliet", "balcony")
    romeo.send(long(BALCONY, "1", ASK_OCTETS))
    juliet.take()
    server.clock.advance(server.config.limits.dead_seconds / 2)
    assert juliet.closed
    _, _, again = resumed(gateway, "juliet", id_)
    assert [e.get("id") for e in again] == ["1"]


# ------------------------------------------------------------------ floods


def test_a_flood_of_one_client_is_its_own(gateway: Gateway, romeo: Client) -> None:
    """Of stanzas before it has logged in: the first ends its stream, the rest reaches nobody."""
    client = gateway.connect(STRANGER).open()
    client.take()
    other = gateway.log_in("juliet", "balcony")
    client.say(f"<f:forwarded>{chat(ORCHARD, 'x') * 1_000}</f:forwarded>" * 5)
    assert condition(client.one()) == "not-authorized"
    assert client.events == ["close"]
    assert not romeo.take() and not gateway.errors()
    other.send(chat(ORCHARD, "y"))
    assert bodies(romeo) == ["y"]
