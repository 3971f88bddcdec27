"""Holding back: an account's stanzas until a store has answered, and a client's."""

from __future__ import annotations

import pytest

from tests.support.people import JULIET, ROMEO, told
from tests.support.server import Client, Verona, condition
from xmppd.core.router import HELD_OF_ONE
from xmppd.jid import JID
from xmppd.wire.claim import Claim


@pytest.fixture
def server() -> Verona:
    return Verona()


@pytest.fixture
def juliet(server: Verona) -> Client:
    return available(server, "juliet", "balcony")


@pytest.fixture
def romeo(server: Verona) -> Client:
    return available(server, "romeo", "orchard")


def available(server: Verona, name: str, resource: str) -> Client:
    client = server.log_in(name, resource).send("<presence/>")
    client.take()
    return client


def say(to: str, id_: str = "") -> str:
    return f"<message to='{to}' id='{id_}' type='chat'><body>x</body></message>"


def ids(client: Client) -> list[str | None]:
    return [element.get("id") for element in client.elements()]


def test_what_comes_for_a_held_account_goes_on_in_order_when_it_is_let_go(
    server: Verona, juliet: Client, romeo: Client
) -> None:
    release = server.host.router.hold(JID.parse(JULIET))
    romeo.send(
        say(JULIET, "1") + say(f"{JULIET}/balcony", "2") + say(ROMEO, "0") + say(JULIET, "3")
    )
    assert ids(romeo) == ["0"], "others are not held"
    assert ids(juliet) == []
    release()
    assert ids(juliet) == ["1", "2", "3"]
    release()
    romeo.send(say(JULIET, "4"))
    assert ids(juliet) == ["4"], "to let go twice is to let go"


def test_an_account_is_held_until_all_who_hold_it_let_go(
    server: Verona, juliet: Client, romeo: Client
) -> None:
    first, second = (server.host.router.hold(JID.parse(JULIET)) for _ in range(2))
    romeo.send(say(JULIET, "1"))
    first()
    assert ids(juliet) == []
    second()
    assert ids(juliet) == ["1"]


def test_a_stanza_that_has_the_account_held_again_is_not_overtaken(
    server: Verona, juliet: Client, romeo: Client
) -> None:
    holds = [server.host.router.hold(JID.parse(JULIET))]
    romeo.send(say(JULIET, "1") + say(JULIET, "2") + say(JULIET, "3"))

    def hold_at_2(stanza):  # type: ignore[no-untyped-def]
        if stanza.id == "2":
            holds.append(server.host.router.hold(JID.parse(JULIET)))
        return stanza

    server.host.hooks.account_message.add(0, hold_at_2)  # type: ignore[arg-type]
    holds.pop(0)()
    assert ids(juliet) == ["1", "2"]
    holds.pop()()
    assert ids(juliet) == ["3"]


def test_what_is_held_is_bounded_and_the_sender_told(
    server: Verona, juliet: Client, romeo: Client
) -> None:
    release = server.host.router.hold(JID.parse(JULIET))
    romeo.send(say(JULIET) * HELD_OF_ONE)
    assert romeo.elements() == []
    romeo.send(say(JULIET, "more"))
    assert condition(romeo.one()) == "resource-constraint"
    release()
    assert len(juliet.elements()) == HELD_OF_ONE


def test_one_server_elsewhere_leaves_room_for_what_comes_from_others(
    server: Verona, juliet: Client, romeo: Client
) -> None:
    """It has the account held by asking for subscriptions, and sends what fills the room."""
    from tests.support.sessions import read

    router = server.host.router
    release = router.hold(JID.parse(JULIET))
    for number in range(HELD_OF_ONE + 10):
        stanza = read(say(JULIET, "x"))
        stanza.sender, stanza.to = JID.parse(f"a@m{number}.iago.lit"), JID.parse(JULIET)
        router.route(stanza)
    romeo.send(say(JULIET, "more"))
    assert romeo.elements() == []
    release()
    assert ids(juliet)[-1] == "more"


def test_a_claim_is_held_as_long_as_its_stanza(server: Verona, juliet: Client) -> None:
    from tests.support.sessions import read

    stanza = read(say(JULIET, "1"))
    stanza.sender, stanza.to = JID.parse(ROMEO), JID.parse(JULIET)
    done: list[bool] = []
    claim = stanza.claim = Claim(lambda: done.append(True))
    release = server.host.router.hold(JID.parse(JULIET))
    server.host.router.route(stanza)
    stanza.claim = None
    claim.let_go()
    assert done == []
    release()
    assert done == [True]
    assert ids(juliet) == ["1"]


# ---------------------------------------------------------------- of a client


def session(client: Client):  # type: ignore[no-untyped-def]
    found = client.connection.session
    assert found is not None
    return found


def test_a_held_client_is_not_read_from_and_nothing_is_lost_or_reordered(
    juliet: Client, romeo: Client
) -> None:
    release = session(romeo).hold()
    assert romeo.paused
    romeo.connection.receive(say(JULIET, "1").encode())
    romeo.connection.receive(say(JULIET, "2").encode())
    assert ids(juliet) == []
    release()
    assert ids(juliet) == ["1", "2"]
    assert not romeo.paused


def test_a_client_held_by_its_own_stanza_waits_with_the_rest_of_the_read(
    server: Verona, juliet: Client, romeo: Client
) -> None:
    holds = []

    def hold_at_1(stanza, session):  # type: ignore[no-untyped-def]
        if stanza.id == "1":
            holds.append(session.hold())
        return stanza

    server.host.hooks.client_message.add(0, hold_at_1)  # type: ignore[arg-type]
    romeo.send(
        say(JULIET, "1") + say(JULIET, "2") + "<presence type='unavailable'/></stream:stream>"
    )
    assert ids(juliet) == ["1"]
    assert not romeo.closed
    holds.pop()()
    assert told(juliet)[0] == ("message", "chat", f"{ROMEO}/orchard")
    assert romeo.closed


def test_what_a_held_client_sent_before_it_hung_up_is_acted_on(
    server: Verona, juliet: Client, romeo: Client
) -> None:
    release = session(romeo).hold()
    romeo.connection.receive(say(JULIET, "last").encode())
    romeo.hang_up()
    assert server.host.directory.get(f"{ROMEO}/orchard") is not None
    release()
    assert ids(juliet) == ["last"]
    assert server.host.directory.get(f"{ROMEO}/orchard") is None


def test_a_held_client_that_sends_too_much_ends(romeo: Client) -> None:
    session(romeo).hold()
    most = romeo.server.config.limits.stanza_bytes
    for _ in range(most // 10_000 + 2):
        if not romeo.closed:
            romeo.connection.receive(b" " * 10_000)
    assert romeo.closed
    assert b"policy-violation" in romeo.log


def test_a_held_client_may_be_ended_by_the_server(server: Verona, romeo: Client) -> None:
    release = session(romeo).hold()
    server.host.shut_down()
    assert romeo.closed
    release()
    assert server.host.connections == set()
