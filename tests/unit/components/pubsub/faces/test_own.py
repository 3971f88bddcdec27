"""One's own subscriptions (XEP-0060 §5.6) and affiliations (§5.7)."""

from __future__ import annotations

import pytest

from tests.support.pubsub import Globe, P, error
from tests.support.server import DOMAIN

JULIET, ROMEO = f"juliet@{DOMAIN}", f"romeo@{DOMAIN}"
RSM = "http://jabber.org/protocol/rsm"


@pytest.fixture
def juliet(globe: Globe):
    juliet = globe.person("juliet")
    for node in ("play", "sonnets"):
        juliet.create(node)
    return juliet


@pytest.fixture
def romeo(globe: Globe, juliet):
    return globe.person("romeo")


def subscribed(person, node=None, to=None, more=""):
    attr = "" if node is None else f" node='{node}'"
    args = () if to is None else (to,)
    answer = person.pubsub(f"<subscriptions{attr}/>{more}", "get", *args)
    listed = answer.find(f"{P}pubsub/{P}subscriptions")
    assert listed is not None, error(answer)
    assert listed.get("node") == node
    return [
        (each.get("node"), each.get("jid"), each.get("subscription"), each.get("subid"))
        for each in listed
    ]


def affiliated(person, node=None, to=None):
    attr = "" if node is None else f" node='{node}'"
    args = () if to is None else (to,)
    answer = person.pubsub(f"<affiliations{attr}/>", "get", *args)
    listed = answer.find(f"{P}pubsub/{P}affiliations")
    assert listed is not None, error(answer)
    assert listed.get("node") == node
    return [(each.get("node"), each.get("affiliation")) for each in listed]


def test_5_6_who_has_none_gets_an_empty_list(globe, juliet, romeo) -> None:
    romeo.subscribe("play")
    assert subscribed(juliet) == []


def test_5_6_all_of_all_resources_in_whatever_state(globe, juliet, romeo) -> None:
    globe.set_up("sonnets", access_model="authorize")
    juliet.subscribe("play")
    romeo.subscribe("play")
    romeo.subscribe("play", jid=f"{ROMEO}/orchard")
    romeo.subscribe("sonnets")
    found = subscribed(romeo)
    assert sorted(each[:3] for each in found) == [
        ("play", ROMEO, "subscribed"),
        ("play", f"{ROMEO}/orchard", "subscribed"),
        ("sonnets", ROMEO, "pending"),
    ]
    assert all(each[3] for each in found)
    assert [each[0] for each in subscribed(romeo, "sonnets")] == ["sonnets"]
    assert sorted(each[1] for each in subscribed(romeo, "play")) == [ROMEO, f"{ROMEO}/orchard"]


def test_5_6_a_node_that_is_not_there_filters_all_out(globe, juliet, romeo) -> None:
    romeo.subscribe("play")
    assert subscribed(romeo, "play2") == []


def test_5_6_each_service_has_its_own(globe, juliet, romeo) -> None:
    juliet.publish("tune", to="")
    globe.set_up("tune", JULIET, access_model="open")
    romeo.subscribe("tune", JULIET)
    romeo.subscribe("play")
    assert [each[0] for each in subscribed(romeo)] == ["play"]
    assert [each[0] for each in subscribed(romeo, to=JULIET)] == ["tune"]


def test_5_6_many_come_in_pages(globe, juliet, romeo) -> None:
    for resource in range(5):
        romeo.subscribe("play", jid=f"{ROMEO}/{resource}")
    whole = subscribed(romeo)
    page = f"<set xmlns='{RSM}'><max>2</max></set>"
    assert subscribed(romeo, more=page) == whole[:2]
    after = f"<set xmlns='{RSM}'><max>2</max><after>{whole[1][3]}</after></set>"
    assert subscribed(romeo, more=after) == whole[2:4]
    last = f"<set xmlns='{RSM}'><max>2</max><before/></set>"
    assert subscribed(romeo, more=last) == whole[3:]
    before = f"<set xmlns='{RSM}'><max>2</max><before>{whole[3][3]}</before></set>"
    assert subscribed(romeo, more=before) == whole[1:3]
    answer = romeo.pubsub(f"<subscriptions/>{page}", "get")
    told = answer.find(f"{P}pubsub/{{{RSM}}}set")
    assert told.findtext(f"{{{RSM}}}count") == "5"
    assert told.find(f"{{{RSM}}}first").get("index") == "0"
    wrong = f"<set xmlns='{RSM}'><after>unheard-of</after></set>"
    assert error(romeo.pubsub(f"<subscriptions/>{wrong}", "get")) == ("item-not-found",)


def test_5_7_what_somebody_is_to_which_nodes(globe, juliet, romeo) -> None:
    assert affiliated(romeo) == []
    juliet.affiliate("play", romeo="publisher")
    juliet.affiliate("sonnets", romeo="outcast")
    assert affiliated(romeo) == [("play", "publisher"), ("sonnets", "outcast")]
    assert affiliated(juliet) == [("play", "owner"), ("sonnets", "owner")]
    assert affiliated(romeo, "play") == [("play", "publisher")]


def test_5_7_of_a_node_to_which_he_is_nothing_or_that_is_not_there(globe, juliet, romeo) -> None:
    assert affiliated(romeo, "play") == []
    assert affiliated(romeo, "play2") == []


def test_5_7_an_account_owns_its_nodes(globe, juliet, romeo) -> None:
    juliet.publish("tune", to="")
    assert affiliated(juliet, to=JULIET) == [("tune", "owner")]
    assert affiliated(juliet, "tune", to=JULIET) == [("tune", "owner")]
    assert affiliated(romeo, to=JULIET) == []


def test_xep_0059_2_3_a_page_before_one_near_the_start_has_what_is_before_it(
    globe, juliet, romeo
) -> None:
    for resource in range(4):
        romeo.subscribe("play", jid=f"{ROMEO}/{resource}")
    whole = subscribed(romeo)
    before = f"<set xmlns='{RSM}'><max>3</max><before>{whole[1][3]}</before></set>"
    assert subscribed(romeo, more=before) == whole[:1]
    first = f"<set xmlns='{RSM}'><max>3</max><before>{whole[0][3]}</before></set>"
    assert subscribed(romeo, more=first) == []
