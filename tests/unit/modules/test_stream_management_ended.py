"""What becomes of what a client did not handle, when its session ends for good (XEP-0198 §4)."""

from __future__ import annotations

import pytest

from tests.support.managed import ack, expire, handled, managed, resumed
from tests.support.offline import bodies, chat, messages, numbered, numbers, waiting
from tests.support.people import JULIET, ROMEO, friends, told
from tests.support.server import Client, Verona, condition
from xmppd import ns
from xmppd.core import delay

BALCONY = f"{JULIET}/balcony"
ORCHARD = f"{ROMEO}/orchard"
GROUPCHAT = f"<message to='{BALCONY}' type='groupchat' id='1'><body>all</body></message>"


def stamps(client: Client) -> list[list[str | None]]:
    """When the messages came that the client is given, as each of them says."""
    delays = [message.findall(f"{{{ns.DELAY}}}delay") for message in messages(client)]
    return [[each.get("stamp") for each in found] for found in delays]


# ---------------------------------------------------------------- each kind of stanza


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(
    ("stanza", "reason"),
    [
        (f"<iq to='{BALCONY}' type='get' id='1'><query xmlns='urn:x'/></iq>", True),
        (f"<iq to='{BALCONY}' type='set' id='1'><query xmlns='urn:x'/></iq>", True),
        (f"<iq to='{BALCONY}' type='result' id='1'/>", False),
        (f"<iq to='{BALCONY}' type='error' id='1'/>", False),
        (GROUPCHAT, True),
        (f"<message to='{BALCONY}' type='headline' id='1'><body>news</body></message>", False),
        (f"<message to='{BALCONY}' type='error' id='1'/>", False),
        (f"<presence to='{BALCONY}' id='1'/>", False),
        (f"<presence to='{BALCONY}' type='unavailable' id='1'/>", False),
    ],
)
def test_4_who_waits_for_an_answer_gets_an_error(
    server: Verona, romeo: Client, stanza: str, reason: bool, when: str
) -> None:
    """As from a resource that is not there (RFC 6121 §8.5.3.2); nothing of it is kept."""
    juliet, _ = managed(server, "juliet", "balcony")
    if when == "after":
        juliet.hang_up()
    romeo.send(stanza)
    assert romeo.elements() == []
    expire(server, juliet)
    got = romeo.elements()
    # Of the presence that went to her, she is gone when she is gone (RFC 6121 §4.6.3).
    errors = [each for each in got if each.get("type") == "error"]
    assert [condition(each) for each in errors] == ["recipient-unavailable"] * reason
    assert [each.get("id") for each in errors] == ["1"] * reason
    assert waiting(server, JULIET) == []


@pytest.mark.parametrize("type_", ["chat", "normal", "strange"])
def test_4_a_message_waits_for_who_comes_next(server: Verona, romeo: Client, type_: str) -> None:
    juliet, _ = managed(server, "juliet", "balcony")
    romeo.send(chat(BALCONY, "1", type_=type_))
    expire(server, juliet)
    assert romeo.elements() == []
    other = server.log_in("juliet", "chamber").send("<presence/>")
    assert bodies(other) == ["1"]


@pytest.mark.parametrize(
    "inner",
    [
        f"<no-store xmlns='{ns.HINTS}'/><body>psst</body>",
        f"<active xmlns='{ns.CHAT_STATES}'/>",
    ],
)
def test_4_what_is_not_to_be_kept_is_not(server: Verona, romeo: Client, inner: str) -> None:
    juliet, _ = managed(server, "juliet", "balcony")
    romeo.send(f"<message to='{BALCONY}' type='chat'>{inner}</message>")
    expire(server, juliet)
    errors = [condition(each) for each in romeo.elements()]
    assert errors == ["service-unavailable"] * ("body" in inner)
    assert waiting(server, JULIET) == []


# ---------------------------------------------------------------- where it goes


@pytest.mark.parametrize("how", ["expired", "closed"])
def test_4_it_goes_to_another_resource_once_and_in_order(
    server: Verona, romeo: Client, how: str
) -> None:
    juliet, _ = managed(server, "juliet", "balcony")
    other = server.log_in("juliet", "chamber").send("<presence/>")
    romeo.send(numbered(1, 3, BALCONY))
    ack(juliet, 1)
    other.take()
    if how == "closed":
        juliet.send("</stream:stream>")
    else:
        expire(server, juliet)
    assert bodies(other) == ["2", "3"]
    assert waiting(server, JULIET) == []
    assert romeo.elements() == []


def test_4_what_was_acknowledged_goes_nowhere(server: Verona, romeo: Client) -> None:
    juliet, _ = managed(server, "juliet", "balcony")
    romeo.send(numbered(1, 3, BALCONY))
    ack(juliet, 3)
    expire(server, juliet)
    other = server.log_in("juliet", "chamber").send("<presence/>")
    assert bodies(other) == []


def test_4_nor_does_what_another_has_got(server: Verona, romeo: Client) -> None:
    """It was for both of them (RFC 6121 §8.5.2.1.1)."""
    juliet, _ = managed(server, "juliet", "balcony")
    juliet.send("<presence/>")
    other = server.log_in("juliet", "chamber").send("<presence/>")
    other.take()
    romeo.send(numbered(1, 2))
    assert bodies(other) == ["1", "2"]
    expire(server, juliet)
    assert bodies(other) == []
    assert waiting(server, JULIET) == []


def test_4_of_two_who_had_it_the_last_leaves_it_for_later(server: Verona, romeo: Client) -> None:
    clients = [managed(server, "juliet", resource)[0] for resource in ("balcony", "chamber")]
    for client in clients:
        client.send("<presence/>")
    romeo.send(numbered(1, 2))
    for client in clients:
        expire(server, client)
    assert bodies(server.log_in("juliet", "hall").send("<presence/>")) == ["1", "2"]
    assert waiting(server, JULIET) == []


def test_4_it_says_when_it_came_first(server: Verona, romeo: Client) -> None:
    """And once (XEP-0203): in the store, and given to another at once."""
    for other_is_there in (False, True):
        juliet, _ = managed(server, "juliet", "balcony")
        came = delay.written(server.clock.seconds())
        romeo.send(numbered(1, 1, BALCONY))
        server.clock.advance(5)
        juliet.hang_up()
        other = server.log_in("juliet", "chamber")
        if other_is_there:
            other.send("<presence/>")
        expire(server, juliet)
        if not other_is_there:
            other.send("<presence/>")
        assert stamps(other) == [[came]]
        other.send("</stream:stream>")


def test_4_it_outlives_the_server(server: Verona, romeo: Client) -> None:
    """Who was away when that was killed finds his messages, in order."""
    juliet, _ = managed(server, "juliet", "balcony")
    romeo.send(numbered(1, 2, BALCONY))
    juliet.hang_up()
    romeo.send(numbered(3, 3, BALCONY))
    assert len(waiting(server, JULIET)) == 3
    after = Verona(after=server)
    assert bodies(after.log_in("juliet", "balcony").send("<presence/>")) == numbers(1, 3)


def test_4_the_sender_has_it_handled_when_it_is_safe(server: Verona) -> None:
    juliet, id_ = managed(server, "juliet", "balcony")
    romeo, _ = managed(server, "romeo", "orchard")
    romeo.send(numbered(1, 2, BALCONY))
    ack(juliet, 1)
    assert handled(romeo) == 1
    juliet.hang_up()
    assert handled(romeo) == 2
    romeo.take()
    _, _, again = resumed(server, "juliet", id_, h=1)
    assert [each.get("id") for each in again] == ["2"]


def test_4_what_the_store_has_no_room_for_comes_back_or_its_sender_has_an_error() -> None:
    """It waits in memory meanwhile, and nobody for it (XEP-0160 §2, step 3)."""
    server = Verona(offline={"messages": 1})
    juliet, id_ = managed(server, "juliet", "balcony")
    romeo, _ = managed(server, "romeo", "orchard")
    juliet.hang_up()
    romeo.send(numbered(1, 3, BALCONY))
    assert len(waiting(server, JULIET)) == 1
    assert handled(romeo) == 3
    juliet, _, again = resumed(server, "juliet", id_)
    assert [each.get("id") for each in again] == ["1", "2", "3"]
    ack(juliet, 2)
    romeo.take()
    expire(server, juliet)
    assert romeo.elements() == []
    assert bodies(server.log_in("juliet", "chamber").send("<presence/>")) == ["3"]


def test_4_who_waits_for_the_store_in_vain_is_told_when_the_session_ends() -> None:
    server = Verona(offline={"messages": 1})
    juliet, _ = managed(server, "juliet", "balcony")
    romeo = server.log_in("romeo", "orchard")
    juliet.hang_up()
    romeo.send(numbered(1, 2, BALCONY))
    assert romeo.elements() == []
    expire(server, juliet)
    error = romeo.one()
    assert (error.get("id"), condition(error)) == ("2", "service-unavailable")
    assert bodies(server.log_in("juliet", "chamber").send("<presence/>")) == ["1"]


# ---------------------------------------------------------------- who is told


def test_7_contacts_see_it_leave_when_it_does(server: Verona) -> None:
    friends(server, JULIET, ROMEO)
    romeo = server.log_in("romeo", "orchard").send("<presence/>")
    juliet, _ = managed(server, "juliet", "balcony")
    juliet.send("<presence/>")
    romeo.take()
    juliet.hang_up()
    assert romeo.elements() == []
    server.clock.advance(server.config.stream_management.hibernate_seconds)
    assert told(romeo) == [("unavailable", BALCONY)]


def test_7_who_was_sent_directed_presence_too(server: Verona, romeo: Client) -> None:
    juliet, _ = managed(server, "juliet", "balcony")
    juliet.send(f"<presence to='{ORCHARD}'/>")
    assert told(romeo) == [("available", BALCONY)]
    expire(server, juliet)
    assert told(romeo) == [("unavailable", BALCONY)]


def test_the_refusals_tell_of_it(server: Verona) -> None:
    juliet, _ = managed(server, "juliet", "balcony")
    expire(server, juliet)
    reasons = [each.reason for each in server.host.refusals.about(BALCONY)]
    assert reasons == ["session.expired"]


def test_an_account_that_is_removed_takes_what_waits_with_it(server: Verona, romeo: Client) -> None:
    juliet, _ = managed(server, "juliet", "balcony")
    romeo.send(numbered(1, 1, BALCONY))
    juliet.hang_up()
    other = server.log_in("juliet", "chamber")
    answer = other.ask(f"<query xmlns='{ns.REGISTER}'><remove/></query>", "set")
    assert answer.get("type") == "result"
    server.clock.advance(0)
    assert server.host.directory.get(BALCONY) is None
    server.account("juliet")
    again = server.log_in("juliet", "balcony").send("<presence/>")
    assert bodies(again) == []
