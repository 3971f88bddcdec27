"""Where subscribers are told (XEP-0060 §13.3, §13.6, §17.4.2; XEP-0163 §4.3.2)."""

from __future__ import annotations

import pytest

from tests.support.pubsub import Globe, befriend, form
from tests.support.server import DOMAIN

JULIET, ROMEO = f"juliet@{DOMAIN}", f"romeo@{DOMAIN}"
STREET, GARDEN = f"{ROMEO}/street", f"{ROMEO}/garden"


@pytest.fixture
def juliet(globe: Globe):
    juliet = globe.person("juliet")
    juliet.create("play")
    return juliet


@pytest.fixture
def romeo(globe: Globe, juliet):
    romeo = globe.person("romeo")
    befriend(juliet, romeo)
    return romeo


def shows(person, *values, jid=ROMEO, node="play"):
    """Subscribe for while one shows these."""
    x = form("subscribe_options", **{"show-values": list(values)})
    answer = person.pubsub(f"<subscribe node='{node}' jid='{jid}'/><options>{x}</options>")
    assert answer.get("type") == "result"


def told(globe, juliet, *people, node="play", to=""):
    """To which addresses each is told of an item."""
    juliet.publish(node, **({"to": to} if to else {}))
    found = []
    for person in people:
        person.events()
        found.append([each.get("to") for each in person.messages])
    return found


def test_13_3_it_goes_to_the_subscribed_jid(globe, juliet, romeo) -> None:
    garden = globe.person("romeo", "garden")
    romeo.subscribe("play")
    assert told(globe, juliet, romeo, garden) == [[ROMEO], [ROMEO]]
    romeo.unsubscribe("play")
    romeo.subscribe("play", jid=GARDEN)
    garden.events()  # the last item
    assert told(globe, juliet, romeo, garden) == [[], [GARDEN]]


def test_13_6_where_presence_decides_who_is_away_is_not_told(globe, juliet, romeo) -> None:
    globe.set_up("play", presence_based_delivery=True)
    nurse = globe.person("nurse")
    romeo.subscribe("play")
    nurse.subscribe("play", jid=f"nurse@{DOMAIN}/attic")
    assert told(globe, juliet, romeo, nurse) == [[ROMEO], []]
    romeo.send("<presence type='unavailable'/>")
    assert told(globe, juliet, romeo) == [[]]
    romeo.send("<presence><show>dnd</show></presence>")
    romeo.events()
    assert told(globe, juliet, romeo) == [[ROMEO]]


def test_17_4_2_only_while_one_shows_what_one_has_said(globe, juliet, romeo) -> None:
    shows(romeo, "chat", "online")
    assert told(globe, juliet, romeo) == [[ROMEO]]
    romeo.send("<presence><show>away</show></presence>")
    assert told(globe, juliet, romeo) == [[]]
    romeo.send("<presence><show>chat</show></presence>")
    assert told(globe, juliet, romeo) == [[ROMEO]]


def test_17_4_2_of_several_resources_those_that_may_be_told(globe, juliet, romeo) -> None:
    garden = globe.person("romeo", "garden")
    garden.send("<presence><show>dnd</show></presence>")
    shows(romeo, "chat", "online", "away")
    assert told(globe, juliet, romeo, garden) == [[STREET], []]


def test_17_4_2_of_a_resource_its_own_presence_counts(globe, juliet, romeo) -> None:
    garden = globe.person("romeo", "garden")
    garden.send("<presence><show>xa</show></presence>")
    shows(romeo, "xa", jid=STREET)
    shows(romeo, "xa", jid=GARDEN)
    assert told(globe, juliet, romeo, garden) == [[], [GARDEN]]


def test_6_1_6_one_of_two_subscriptions_is_for_then_and_one_for_always(
    globe, juliet, romeo
) -> None:
    shows(romeo, "xa")
    romeo.subscribe("play", more=True)
    assert told(globe, juliet, romeo) == [[ROMEO]]
    romeo.send("<presence><show>xa</show></presence>")
    assert told(globe, juliet, romeo) == [[ROMEO]]
    shim = "{http://jabber.org/protocol/shim}header"
    assert len(list(romeo.messages[0].iter(shim))) == 2


def test_what_is_remembered_of_the_last_event_does_not_outlast_a_change(
    globe, juliet, romeo
) -> None:
    nurse = globe.person("nurse")
    romeo.subscribe("play")
    assert told(globe, juliet, romeo) == [[ROMEO]]
    nurse.subscribe("play")
    nurse.events()
    assert told(globe, juliet, romeo, nurse) == [[ROMEO], [f"nurse@{DOMAIN}"]]
    juliet.affiliate("play", romeo="outcast")
    romeo.events()
    assert told(globe, juliet, romeo, nurse) == [[], [f"nurse@{DOMAIN}"]]
    globe.set_up("play", presence_based_delivery=True)
    nurse.send("<presence type='unavailable'/>")
    assert told(globe, juliet, nurse) == [[]]
