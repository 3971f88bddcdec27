"""Purging nodes, through the core (XEP-0060 §8.5)."""

from __future__ import annotations

from xml.etree.ElementTree import Element

import pytest

from components.pubsub.model.ranks import Affiliation
from tests.support.pubsub import NS, Globe, Person, error
from tests.support.pubsub_items import opened, told


def purge(person: Person, node: str = "play") -> Element:
    name = f" node='{node}'" if node else ""
    return person.pubsub(f"<purge{name}/>", owner=True)


def test_8_5_2_all_items_go_and_subscribers_are_told_once(
    globe: Globe, juliet: Person, romeo: Person
) -> None:
    opened(juliet)
    for id_ in "123":
        juliet.publish("play", id_=id_)
    romeo.subscribe("play")
    romeo.subscribe("play")
    told(romeo)
    answer = purge(juliet)
    assert (answer.get("type"), len(answer)) == ("result", 0)
    assert told(romeo) == [("play", "purge")]
    assert [len(message) for message in romeo.messages] == [1], "§13.16: without SubIDs"
    assert juliet.ids("play") == []
    nurse = globe.person("nurse")
    nurse.subscribe("play")
    assert told(nurse) == [], "there is no last item"


def test_8_5_2_nobody_is_told_where_nothing_is_told_of_deletions(
    juliet: Person, romeo: Person
) -> None:
    opened(juliet, notify_retract=False)
    juliet.publish("play", id_="1")
    romeo.subscribe("play")
    told(romeo)
    assert purge(juliet).get("type") == "result"
    assert told(romeo) == []


MAY = (Affiliation.OWNER, Affiliation.PUBLISHER)


@pytest.mark.parametrize("rank", Affiliation)
def test_8_5_3_2_who_may_purge(juliet: Person, romeo: Person, rank: Affiliation) -> None:
    """§4.1."""
    node = opened(juliet, persist_items=True)
    juliet.publish("play", id_="1")
    node.affiliations[romeo.jid.bare] = rank
    answer = purge(romeo)
    if rank in MAY:
        assert answer.get("type") == "result"
    else:
        assert error(answer) == ("forbidden",)
    assert juliet.ids("play") == ([] if rank in MAY else ["1"])


@pytest.mark.parametrize(
    "settings", [{"persist_items": False}, {"node_type": "collection"}], ids=str
)
def test_8_5_3_3_where_items_are_not_kept_there_are_none(
    juliet: Person, romeo: Person, settings: dict[str, object]
) -> None:
    opened(juliet, **settings)
    answer = purge(juliet)
    assert error(answer) == ("feature-not-implemented", "unsupported")
    assert answer.find(f".//{{{NS}#errors}}unsupported").get("feature") == "persistent-items"
    assert error(purge(romeo)) == ("forbidden",), "of which he learns nothing"


def test_8_5_3_4_there_is_no_such_node(juliet: Person) -> None:
    assert error(purge(juliet)) == ("item-not-found",)
    assert error(purge(juliet, "")) == ("bad-request", "nodeid-required")
