"""Owners see and change who is subscribed (XEP-0060 §8.8)."""

from __future__ import annotations

import pytest

from tests.support.people import C
from tests.support.pubsub import OWNER, PUBSUB, Globe, befriend, error, subid, subscriptions
from tests.support.server import DOMAIN

JULIET, ROMEO, NURSE = (f"{name}@{DOMAIN}" for name in ("juliet", "romeo", "nurse"))


@pytest.fixture
def juliet(globe: Globe):
    juliet = globe.person("juliet")
    juliet.create("play")
    return juliet


@pytest.fixture
def romeo(globe: Globe, juliet):
    return globe.person("romeo")


def get(person, node="play", to=PUBSUB):
    return person.pubsub(f"<subscriptions node='{node}'/>", "get", to, owner=True)


def put(person, *entries, node="play", to=PUBSUB):
    """Change subscriptions: entries of JID, state, and SubID where one is named."""
    inner = ""
    for jid, state, *ids in entries:
        said = f" subscription='{state}'" if state else ""
        inner += f"<subscription jid='{jid}'{said}" + "".join(f" subid='{i}'" for i in ids) + "/>"
    listed = f"<subscriptions node='{node}'>{inner}</subscriptions>"
    return person.pubsub(listed, to=to, owner=True)


def test_8_8_1_2_the_list_is_without_who_waits(globe, juliet, romeo) -> None:
    first, second = (subid(romeo.subscribe("play", more=True)) for _ in range(2))
    globe.set_up("play", access_model="authorize")
    globe.person("nurse").subscribe("play")
    answer = get(juliet)
    listed = answer.find(f"{OWNER}pubsub/{OWNER}subscriptions")
    assert listed.get("node") == "play"
    assert subscriptions(answer) == [(ROMEO, "subscribed")] * 2
    assert {each.get("subid") for each in listed} == {first, second}


@pytest.mark.parametrize("rank", ["publisher", "publish-only", "member", "outcast", "none"])
def test_8_8_1_3_2_and_8_8_2_3_2_owners_only(globe, juliet, romeo, rank) -> None:
    juliet.subscribe("play")
    juliet.affiliate("play", romeo=rank)
    assert error(get(romeo)) == ("forbidden",)
    assert error(put(romeo, (JULIET, "none"))) == ("forbidden",)
    assert subscriptions(get(juliet)) == [(JULIET, "subscribed")]


def test_8_8_1_3_3_and_8_8_2_3_3_there_is_no_such_node(globe, juliet) -> None:
    assert error(get(juliet, "play2")) == ("item-not-found",)
    assert error(put(juliet, (ROMEO, "none"), node="play2")) == ("item-not-found",)


def test_8_8_2_2_an_owner_subscribes_somebody_who_is_told(globe, juliet, romeo) -> None:
    juliet.publish("play", id_="1")
    answer = put(juliet, (ROMEO, "subscribed"))
    assert answer.get("type") == "result"
    assert len(answer) == 0
    told, last = romeo.events()
    assert subscriptions(told) == [(ROMEO, "subscribed")]
    assert last[0][0].get("id") == "1"
    juliet.publish("play")
    assert len(romeo.events()) == 1


def test_8_8_3_and_8_8_4_who_is_removed_is_told_and_gone(globe, juliet, romeo) -> None:
    romeo.subscribe("play")
    romeo.subscribe("play", more=True)
    assert put(juliet, (ROMEO, "none")).get("type") == "result"
    assert [subscriptions(each) for each in romeo.events()] == [[(ROMEO, "none")]] * 2
    assert subscriptions(get(juliet)) == []
    juliet.publish("play")
    assert romeo.events() == []
    globe.again()
    assert subscriptions(get(juliet)) == []


def test_8_8_2_one_of_several_by_its_subid(globe, juliet, romeo) -> None:
    first, second = (subid(romeo.subscribe("play", more=True)) for _ in range(2))
    assert put(juliet, (ROMEO, "none", first)).get("type") == "result"
    assert subid(get(juliet)) == second


def test_8_8_2_who_waits_is_approved_or_refused(globe, juliet, romeo) -> None:
    globe.set_up("play", access_model="authorize")
    nurse = globe.person("nurse")
    for person in (romeo, nurse):
        person.subscribe("play")
    assert put(juliet, (ROMEO, "subscribed"), (NURSE, "none")).get("type") == "result"
    assert subscriptions(romeo.event()) == [(ROMEO, "subscribed")]
    assert subscriptions(nurse.event()) == [(NURSE, "none")]
    assert subscriptions(get(juliet)) == [(ROMEO, "subscribed")]


def test_8_8_2_who_is_subscribed_may_have_to_wait_again(globe, juliet, romeo) -> None:
    romeo.subscribe("play")
    assert put(juliet, (ROMEO, "pending")).get("type") == "result"
    assert subscriptions(romeo.event()) == [(ROMEO, "pending")]
    juliet.publish("play")
    assert romeo.events() == []


def test_8_8_2_1_without_a_state_it_stays(globe, juliet, romeo) -> None:
    romeo.subscribe("play")
    assert put(juliet, (ROMEO, "")).get("type") == "result"
    assert put(juliet, (ROMEO, "subscribed")).get("type") == "result"
    assert subscriptions(get(juliet)) == [(ROMEO, "subscribed")]
    assert romeo.events() == []


def test_8_8_2_4_what_can_not_be_comes_back_as_it_is_and_the_rest_is_done(
    globe, juliet, romeo
) -> None:
    id_ = subid(romeo.subscribe("play"))
    answer = put(
        juliet,
        (ROMEO, "unconfigured"),
        (NURSE, "subscribed"),
        ("@", "subscribed"),
        (f"tybalt@{DOMAIN}", "pending"),
    )
    assert error(answer) == ("not-acceptable",)
    assert answer.find(f"{C}error").get("type") == "modify"
    assert [each.tag for each in answer] == [f"{OWNER}pubsub", f"{C}error"]
    assert subscriptions(answer) == [
        (ROMEO, "subscribed"),
        ("@", "none"),
        (f"tybalt@{DOMAIN}", "none"),
    ]
    assert answer[0][0][0].get("subid") == id_
    assert subscriptions(get(juliet)).count((NURSE, "subscribed")) == 1


def test_8_8_2_4_an_unknown_subid_or_one_twice_comes_back(globe, juliet, romeo) -> None:
    id_ = subid(romeo.subscribe("play"))
    answer = put(juliet, (ROMEO, "none", "unheard-of"))
    assert subscriptions(answer) == [(ROMEO, "subscribed")]
    answer = put(juliet, (ROMEO, "subscribed", id_), (ROMEO, "none", id_))
    assert subscriptions(answer) == [(ROMEO, "subscribed")]
    assert subscriptions(get(juliet)) == [(ROMEO, "subscribed")]


def test_15_3_nobody_is_subscribed_who_may_not_read(globe, juliet, romeo) -> None:
    """An owner who wants it all the same gives him an affiliation."""
    juliet.affiliate("play", nurse="outcast", tybalt="publish-only")
    tybalt = f"tybalt@{DOMAIN}"
    answer = put(juliet, (NURSE, "subscribed"), (tybalt, "subscribed"))
    assert subscriptions(answer) == [(NURSE, "none"), (tybalt, "none")]
    for model in ("whitelist", "presence", "roster"):
        globe.set_up("play", access_model=model)
        assert error(put(juliet, (ROMEO, "subscribed"))) == ("not-acceptable",)
    globe.set_up("play", access_model="presence")
    befriend(juliet, romeo)
    assert put(juliet, (ROMEO, "subscribed")).get("type") == "result"


def test_there_are_no_more_than_there_may_be() -> None:
    globe = Globe(subscriptions=1).start()
    juliet = globe.person("juliet")
    juliet.create("play")
    answer = put(juliet, (ROMEO, "subscribed"), (NURSE, "subscribed"))
    assert subscriptions(answer) == [(NURSE, "none")]
    assert subscriptions(get(juliet)) == [(ROMEO, "subscribed")]


def test_at_an_account_the_account_manages(globe, juliet, romeo) -> None:
    juliet.publish("tune", to="")
    befriend(juliet, romeo)
    romeo.subscribe("tune", JULIET)
    romeo.events()
    assert error(get(romeo, "tune", JULIET)) == ("forbidden",)
    assert subscriptions(get(juliet, "tune", JULIET)) == [(ROMEO, "subscribed")]
    assert put(juliet, (ROMEO, "none"), node="tune", to=JULIET).get("type") == "result"
    told = romeo.event()
    assert subscriptions(told) == [(ROMEO, "none")]
    assert romeo.messages[0].get("from") == JULIET
