"""Sessions are resumed (XEP-0198 §5)."""

from __future__ import annotations

from xml.etree.ElementTree import tostring

import pytest

from tests.support.managed import (
    REQUEST,
    SM,
    S,
    ack,
    come_back,
    handled,
    managed,
    resumed,
    unbound,
)
from tests.support.offline import bodies, chat, numbered, numbers, waiting
from tests.support.people import JULIET, ROMEO, friends, told
from tests.support.server import DOMAIN, Client, Verona, condition
from xmppd import ns
from xmppd.core import delay
from xmppd.modules import stream_management

BALCONY = f"{JULIET}/balcony"
STANZA_ERROR = f"{{{ns.STANZA_ERRORS}}}"


def refusal(client: Client) -> tuple[str, dict[str, str]]:
    """The condition and the attributes of the one answer: that there is nothing to go on with."""
    failed = client.one()
    assert failed.tag == f"{S}failed"
    (reason,) = failed
    assert reason.tag.startswith(STANZA_ERROR)
    return reason.tag.removeprefix(STANZA_ERROR), dict(failed.attrib)


def hibernate(server: Verona) -> float:
    """For how many seconds sessions wait."""
    return server.config.stream_management.hibernate_seconds


# ---------------------------------------------------------------- there and back


def test_5_what_was_not_handled_is_sent_again_and_the_counters_go_on(
    server: Verona, romeo: Client
) -> None:
    juliet, id_ = managed(server, "juliet", "balcony")
    romeo.send(numbered(1, 3, BALCONY))
    juliet.send(chat(ROMEO + "/orchard", "a") + chat(ROMEO + "/orchard", "b"))
    juliet.hang_up()
    romeo.take()
    romeo.send(numbered(4, 5, BALCONY))
    back, h, again = resumed(server, "juliet", id_, h=1)
    assert h == 2
    assert [each.get("id") for each in again] == numbers(2, 5)
    back.send(chat(ROMEO + "/orchard", "c"))
    assert bodies(romeo) == ["c"]
    assert handled(back) == 3
    assert ack(back, 5).take() == b""
    assert ack(back, 6).closed  # there were five


def test_5_it_is_sent_again_as_it_was(server: Verona, romeo: Client) -> None:
    juliet, id_ = managed(server, "juliet", "balcony")
    romeo.send(
        f"<iq type='get' id='1' to='{BALCONY}'><query xmlns='urn:example:x' a='&lt;'/></iq>"
        f"<presence to='{BALCONY}'><status>here &amp; there</status></presence>"
    )
    before = juliet.take()
    juliet.hang_up()
    assert before in come_back(server, "juliet", id_).take()


def test_5_a_message_says_when_it_came_first(server: Verona, romeo: Client) -> None:
    """XEP-0203; of two that come late one sees which was when."""
    juliet, id_ = managed(server, "juliet", "balcony")
    stamps = []
    for number in (1, 2):
        stamps.append(delay.written(server.clock.seconds()))
        romeo.send(
            f"<message to='{BALCONY}' id='{number}' type='headline'><body>x</body></message>"
        )
        server.clock.advance(5)
    juliet.hang_up()
    back, _, again = resumed(server, "juliet", id_)
    for message, stamp in zip(again, stamps, strict=True):
        assert [(e.get("from"), e.get("stamp")) for e in message.iter(f"{{{ns.DELAY}}}delay")] == [
            (DOMAIN, stamp)
        ]
    server.clock.advance(5)
    back.hang_up()
    _, _, once_more = resumed(server, "juliet", id_)
    assert [tostring(each) for each in once_more] == [tostring(each) for each in again]


def test_5_nobody_sees_that_it_was_away(server: Verona) -> None:
    friends(server, JULIET, ROMEO)
    juliet, id_ = managed(server, "juliet", "balcony")
    had = len(juliet.send("<presence><show>dnd</show></presence>").elements())
    romeo = server.log_in("romeo", "orchard")
    assert ("available", BALCONY) in told(romeo.send("<presence/>"))
    juliet.hang_up()
    server.clock.advance(hibernate(server) - 1)
    _, _, again = resumed(server, "juliet", id_, had)
    assert romeo.elements() == []
    assert [each.get("from") for each in again] == [f"{ROMEO}/orchard"]  # she knows that he came


def test_5_it_may_be_cut_as_often_as_it_comes_back(server: Verona, romeo: Client) -> None:
    client, id_ = managed(server, "juliet", "balcony")
    for number in range(1, 6):
        client.hang_up()
        server.clock.advance(hibernate(server) - 1)
        romeo.send(chat(BALCONY, str(number)))
        client, _, again = resumed(server, "juliet", id_, h=number - 1)
        assert [each.get("id") for each in again] == [str(number)]


def test_5_the_connection_that_it_has_still_gives_way(server: Verona, romeo: Client) -> None:
    old, id_ = managed(server, "juliet", "balcony")
    romeo.send(numbered(1, 1, BALCONY))
    old.take()
    new, _, again = resumed(server, "juliet", id_)
    assert condition(old.elements()[-1]) == "conflict"
    assert old.closed
    assert [each.get("id") for each in again] == ["1"]
    romeo.send(numbered(2, 2, BALCONY))
    assert bodies(new) == ["2"]
    old.connection.lost()  # as when the peer has closed, too
    server.clock.advance(hibernate(server))
    romeo.send(numbered(3, 3, BALCONY))
    assert bodies(new) == ["3"]


def test_5_the_address_is_kept_for_who_is_away(server: Verona, romeo: Client) -> None:
    """Who binds it anew ends the session, as he would end one that is there."""
    juliet, id_ = managed(server, "juliet", "balcony")
    juliet.send("<presence/>").hang_up()
    romeo.send(numbered(1, 1, BALCONY))
    other = server.log_in("juliet", "balcony")
    assert refusal(come_back(server, "juliet", id_))[0] == "item-not-found"
    other.send("<presence/>")
    assert bodies(other) == ["1"]
    assert waiting(server, JULIET) == []


def test_who_is_away_makes_room_for_who_comes() -> None:
    """An account has so many resources; who has a connection is not sent away for another."""
    server = Verona(limits={"resources": 3})
    first, id_1 = managed(server, "juliet", "one")
    second, id_2 = managed(server, "juliet", "two")
    managed(server, "juliet", "three")
    for client in (second, first):
        client.hang_up()
    server.log_in("juliet", "four")
    assert refusal(come_back(server, "juliet", id_1))[0] == "item-not-found"  # it was the oldest
    resumed(server, "juliet", id_2)
    answer = unbound(server, "juliet").bind("five")
    assert condition(answer) == "resource-constraint"


# ---------------------------------------------------------------- refused


def test_5_a_session_of_another_account_is_no_session(server: Verona, romeo: Client) -> None:
    juliet, id_ = managed(server, "juliet", "balcony")
    juliet.hang_up()
    thief = come_back(server, "romeo", id_)
    assert refusal(thief) == refusal(come_back(server, "romeo", "never-was"))
    assert refusal(come_back(server, "romeo", id_)) == ("item-not-found", {})
    thief.bind("cell")
    romeo.send(numbered(1, 1, BALCONY))
    assert [each.get("id") for each in resumed(server, "juliet", id_)[2]] == ["1"]


def test_5_nor_is_one_that_another_has_still_a_connection_to(server: Verona) -> None:
    juliet, id_ = managed(server, "juliet", "balcony")
    assert refusal(come_back(server, "romeo", id_)) == ("item-not-found", {})
    assert not juliet.closed
    assert handled(juliet) == 0


@pytest.mark.parametrize("attrs", ["previd='' h='0'", "h='0'", "previd='never-was' h='0'"])
def test_5_an_unknown_session_is_none_and_a_resource_may_be_bound(
    server: Verona, attrs: str
) -> None:
    client = unbound(server, "juliet").send(f"<resume {SM} {attrs}/>")
    assert refusal(client) == ("item-not-found", {})
    assert client.bind("balcony").get("type") == "result"
    assert client.send(f"<enable {SM} resume='true'/>").one().tag == f"{S}enabled"


@pytest.mark.parametrize("attrs", ["previd='{id}'", "previd='{id}' h='x'", "previd='{id}' h='-1'"])
def test_5_who_does_not_say_how_much_it_has_is_sent_away(server: Verona, attrs: str) -> None:
    juliet, id_ = managed(server, "juliet", "balcony")
    juliet.hang_up()
    client = unbound(server, "juliet").send(f"<resume {SM} {attrs.format(id=id_)}/>")
    assert condition(client.one()) == "policy-violation"
    resumed(server, "juliet", id_)


def test_6_who_says_that_it_has_more_than_it_was_sent_may_come_again(
    server: Verona, romeo: Client
) -> None:
    juliet, id_ = managed(server, "juliet", "balcony")
    romeo.send(numbered(1, 2, BALCONY))
    juliet.hang_up()
    client = come_back(server, "juliet", id_, h=3)
    error = client.one()
    assert condition(error) == "undefined-condition"
    too_high = error.find(f"{S}handled-count-too-high")
    assert too_high is not None
    assert too_high.attrib == {"h": "3", "send-count": "2"}
    assert client.closed
    assert [each.get("id") for each in resumed(server, "juliet", id_, h=1)[2]] == ["2"]


def test_5_who_has_a_session_can_not_have_another(server: Verona) -> None:
    away, id_ = managed(server, "juliet", "balcony")
    away.hang_up()
    here, _ = managed(server, "juliet", "chamber")
    here.send(f"<resume {SM} previd='{id_}' h='0'/>")
    assert refusal(here) == ("unexpected-request", {})
    assert handled(here) == 0
    resumed(server, "juliet", id_)


# ---------------------------------------------------------------- too late


def test_5_who_comes_too_late_learns_how_much_was_handled(server: Verona) -> None:
    juliet, id_ = managed(server, "juliet", "balcony")
    juliet.send("<presence/>" * 3).hang_up()
    server.clock.advance(hibernate(server))
    late = come_back(server, "juliet", id_)
    assert refusal(late) == ("item-not-found", {"h": "3"})
    assert late.bind("balcony").get("type") == "result"


def test_5_nobody_else_learns_of_it(server: Verona) -> None:
    juliet, id_ = managed(server, "juliet", "balcony")
    juliet.send("<presence/>").hang_up()
    server.clock.advance(hibernate(server))
    assert refusal(come_back(server, "romeo", id_)) == ("item-not-found", {})


def test_5_it_is_remembered_of_so_many(server: Verona, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream_management, "REMEMBERED", 2)
    ids = []
    for _ in range(4):
        juliet, id_ = managed(server, "juliet", "balcony")
        juliet.send("</stream:stream>")
        ids.append(id_)
    told_of = [refusal(come_back(server, "juliet", id_))[1] for id_ in ids]
    assert told_of == [{}, {}, {"h": "0"}, {"h": "0"}]


def test_7_a_stream_that_was_closed_is_over(server: Verona) -> None:
    friends(server, JULIET, ROMEO)
    romeo = server.log_in("romeo", "orchard").send("<presence/>")
    juliet, id_ = managed(server, "juliet", "balcony")
    juliet.send("<presence/>")
    romeo.take()
    juliet.send("</stream:stream>")
    assert told(romeo) == [("unavailable", BALCONY)]
    assert refusal(come_back(server, "juliet", id_)) == ("item-not-found", {"h": "1"})


@pytest.mark.parametrize("data", ["<message><unclosed></message>", "<message>\x01</message>"])
def test_7_so_is_one_that_ended_by_an_error(server: Verona, data: str) -> None:
    juliet, id_ = managed(server, "juliet", "balcony")
    juliet.send(data)
    assert juliet.closed
    assert refusal(come_back(server, "juliet", id_))[0] == "item-not-found"


def test_5_a_client_that_has_no_connection_any_more_is_written_nothing(
    server: Verona, romeo: Client
) -> None:
    juliet, _ = managed(server, "juliet", "balcony")
    juliet.hang_up()
    romeo.send(numbered(1, 20, BALCONY))
    server.clock.advance(60)
    assert juliet.take() == b""
    assert REQUEST.encode() not in juliet.log
