"""Notifications that come back (XEP-0060 §13.4)."""

from __future__ import annotations

import pytest

from components.pubsub.life import notices
from tests.support.pubsub import PUBSUB, Globe
from tests.support.server import DOMAIN
from xmppd import ns

ROMEO = f"romeo@{DOMAIN}"


@pytest.fixture
def juliet(globe: Globe):
    juliet = globe.person("juliet")
    for node in ("play", "sonnets"):
        juliet.create(node)
    return juliet


def notice(juliet, *people):
    """The id of the message by which people are told of the first act."""
    for each in people:
        each.events()
    juliet.publish("play")
    for each in people:
        each.events()
    (id_,) = {message.get("id") for each in people for message in each.messages}
    return id_


def bounce(person, id_, condition, type_="cancel", kind="message"):
    error = f"<error type='{type_}'><{condition} xmlns='{ns.STANZA_ERRORS}'/></error>"
    person.send(f"<{kind} type='error' id='{id_}' to='{PUBSUB}'>{error}</{kind}>")


def subscribed(globe, node="play"):
    return sorted(str(each.jid) for each in globe.node(node).subscriptions())


@pytest.mark.parametrize("condition", ["gone", "item-not-found"])
def test_13_4_who_is_no_more_is_subscribed_no_more(globe, juliet, condition) -> None:
    romeo = globe.person("romeo")
    for node in ("play", "sonnets"):
        romeo.subscribe(node, jid=str(romeo.jid))
        juliet.subscribe(node)
    id_ = notice(juliet, romeo)
    for node in ("play", "sonnets"):
        romeo.subscribe(node)
    bounce(romeo, id_, condition)
    for node in ("play", "sonnets"):
        assert subscribed(globe, node) == [f"juliet@{DOMAIN}", ROMEO]
    globe.again()
    juliet.publish("play")
    assert subscribed(globe) == [f"juliet@{DOMAIN}", ROMEO]


@pytest.mark.parametrize(
    ("condition", "type_"),
    [
        ("service-unavailable", "cancel"),
        ("remote-server-not-found", "cancel"),
        ("remote-server-timeout", "wait"),
        ("not-acceptable", "modify"),
        ("forbidden", "auth"),
    ],
)
def test_13_4_who_is_away_or_does_not_want_it_now_stays(globe, juliet, condition, type_) -> None:
    romeo = globe.person("romeo")
    romeo.subscribe("play", jid=str(romeo.jid))
    bounce(romeo, notice(juliet, romeo), condition, type_)
    assert subscribed(globe) == [str(romeo.jid)]


def test_13_4_of_presence_nothing_follows(globe, juliet) -> None:
    romeo = globe.person("romeo")
    romeo.subscribe("play", jid=str(romeo.jid))
    bounce(romeo, notice(juliet, romeo), "item-not-found", kind="presence")
    assert subscribed(globe) == [str(romeo.jid)]


def test_13_4_owners_may_want_to_know(globe, juliet) -> None:
    romeo = globe.person("romeo")
    romeo.subscribe("play", jid=str(romeo.jid))
    id_ = notice(juliet, romeo)
    globe.set_up("play", notify_sub=True)
    bounce(romeo, id_, "gone")
    assert juliet.event()[0].get("subscription") == "none"


def test_13_4_an_error_is_of_a_message_that_was_sent_to_who_sends_it(globe, juliet) -> None:
    """Or it is not believed: there are others that an entity may answer so."""
    romeo, nurse = globe.person("romeo"), globe.person("nurse")
    romeo.subscribe("play", jid=str(romeo.jid))
    id_ = notice(juliet, romeo)
    nurse.subscribe("play", jid=str(nurse.jid))
    nurse.events()
    for person, said in ((romeo, ""), (romeo, "invitation"), (romeo, f"{id_}0"), (nurse, id_)):
        bounce(person, said, "gone")
    assert subscribed(globe) == [str(nurse.jid), str(romeo.jid)]
    bounce(romeo, id_, "gone")
    assert subscribed(globe) == [str(nurse.jid)]


@pytest.mark.parametrize("most", ["SENT", "SENT_TO"])
def test_13_4_only_the_last_messages_are_remembered(globe, juliet, most, monkeypatch) -> None:
    monkeypatch.setattr(notices, most, 2)
    romeo = globe.person("romeo")
    romeo.subscribe("play", jid=str(romeo.jid))
    old, *_ = [notice(juliet, romeo) for _ in range(3)]
    bounce(romeo, old, "gone")
    assert subscribed(globe) == [str(romeo.jid)]
    bounce(romeo, notice(juliet, romeo), "gone")
    assert subscribed(globe) == []


def test_13_4_one_message_to_many_comes_back_from_each(globe, juliet) -> None:
    people = [globe.person(name) for name in ("romeo", "nurse", "tybalt", "paris", "friar")]
    for each in people:
        each.subscribe("play", jid=str(each.jid))
    id_ = notice(juliet, *people)
    for each in people[1:]:
        bounce(each, id_, "item-not-found")
    assert subscribed(globe) == [str(people[0].jid)]
