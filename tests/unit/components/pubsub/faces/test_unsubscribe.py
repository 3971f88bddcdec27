"""Unsubscribing (XEP-0060 §6.2)."""

from __future__ import annotations

import pytest

from tests.support.people import C
from tests.support.pubsub import NS, PUBSUB, Globe, error, subid, subscriptions
from tests.support.server import DOMAIN

JULIET, ROMEO = f"juliet@{DOMAIN}", f"romeo@{DOMAIN}"


@pytest.fixture
def juliet(globe: Globe):
    juliet = globe.person("juliet")
    juliet.create("play")
    return juliet


@pytest.fixture
def romeo(globe: Globe):
    return globe.person("romeo")


def test_6_2_2_who_unsubscribes_is_told_no_more(globe, juliet, romeo) -> None:
    id_ = subid(romeo.subscribe("play"))
    answer = romeo.unsubscribe("play")
    assert subscriptions(answer) == [(ROMEO, "none")]
    assert subid(answer) == id_
    juliet.publish("play")
    assert romeo.events() == []
    globe.again()
    juliet.publish("play")
    assert romeo.events() == []


def test_6_2_2_he_is_answered_before_the_owners_are_told(globe, juliet, romeo, monkeypatch) -> None:
    """However long that takes."""
    globe.set_up("play", notify_sub=True)
    romeo.subscribe("play")
    juliet.events()
    with monkeypatch.context() as behind:
        behind.setattr(type(globe.component), "behind", True)
        assert subscriptions(romeo.unsubscribe("play")) == [(ROMEO, "none")]
        assert not globe.node("play").lock.locked
        assert juliet.events() == []
    globe.pass_time(1)
    assert subscriptions(juliet.event()) == [(ROMEO, "none")]
    juliet.subscribe("play")
    juliet.events()
    asked = f"<pubsub xmlns='{NS}'><unsubscribe node='play' jid='{JULIET}'/></pubsub>"
    juliet.client.send(f"<iq type='set' id='u' to='{PUBSUB}'>{asked}</iq>")
    assert [each.tag for each in juliet.came()] == [f"{C}iq", f"{C}message"]


def test_6_2_3_1_which_one_has_to_be_said(globe, juliet, romeo) -> None:
    first, second = (subid(romeo.subscribe("play", more=True)) for _ in range(2))
    assert error(romeo.unsubscribe("play")) == ("bad-request", "subid-required")
    assert subid(romeo.unsubscribe("play", subid=first)) == first
    assert subid(romeo.unsubscribe("play")) == second


def test_6_2_3_2_who_is_not_subscribed_can_not_unsubscribe(globe, juliet, romeo) -> None:
    romeo.subscribe("play")
    answer = romeo.unsubscribe("play", jid=str(romeo.jid))
    assert error(answer) == ("unexpected-request", "not-subscribed")
    assert answer.find(f"{C}error").get("type") == "cancel"
    assert len(list(globe.node("play").subscriptions())) == 1


@pytest.mark.parametrize("jid", [ROMEO, f"{ROMEO}/street"])
def test_6_2_3_3_nobody_unsubscribes_another_not_even_an_owner(globe, juliet, romeo, jid) -> None:
    romeo.subscribe("play", jid=jid)
    assert error(juliet.unsubscribe("play", jid=jid)) == ("forbidden",)
    assert len(list(globe.node("play").subscriptions())) == 1


def test_6_2_3_4_there_is_no_such_node(globe, juliet, romeo) -> None:
    assert error(romeo.unsubscribe("play2")) == ("item-not-found",)
    assert error(romeo.unsubscribe("")) == ("bad-request", "nodeid-required")


def test_6_2_3_5_a_subid_that_is_none_of_his(globe, juliet, romeo) -> None:
    theirs = subid(juliet.subscribe("play"))
    romeo.subscribe("play")
    for wrong in ("unheard-of", theirs):
        answer = romeo.unsubscribe("play", subid=wrong)
        assert error(answer) == ("not-acceptable", "invalid-subid")
    assert len(list(globe.node("play").subscriptions())) == 2


def test_6_2_a_jid_has_to_be_named(globe, juliet, romeo) -> None:
    answer = romeo.pubsub("<unsubscribe node='play'/>")
    assert error(answer) == ("bad-request", "jid-required")
    answer = romeo.pubsub("<unsubscribe node='play' jid='@'/>")
    assert error(answer) == ("bad-request", "invalid-jid")


def test_6_2_a_request_that_waits_is_taken_back(globe, juliet, romeo) -> None:
    globe.set_up("play", access_model="authorize", notify_sub=True)
    romeo.subscribe("play")
    juliet.came()
    assert subscriptions(romeo.unsubscribe("play")) == [(ROMEO, "none")]
    assert juliet.events() == []  # he never was one of the subscribers
    assert subscriptions(romeo.subscribe("play")) == [(ROMEO, "pending")]
