"""Deleting items, through the core (XEP-0060 §7.2)."""

from __future__ import annotations

from xml.etree.ElementTree import Element

import pytest

from components.pubsub.model.ranks import Affiliation
from tests.support.pubsub import NS, Globe, Person, error
from tests.support.pubsub_items import opened, told


def retract(person: Person, *ids: str, notify: str = "", node: str = "play") -> Element:
    attr = f" notify='{notify}'" if notify else ""
    items = "".join(f"<item id='{id_}'/>" for id_ in ids)
    return person.pubsub(f"<retract node='{node}'{attr}>{items}</retract>")


def play(owner: Person, *ids: str, **settings: object) -> None:
    """A node with items."""
    opened(owner, **settings)
    for id_ in ids:
        owner.publish("play", id_=id_)


def test_7_2_2_an_item_is_deleted(juliet: Person, romeo: Person) -> None:
    play(juliet, "1", "2")
    answer = retract(juliet, "1")
    assert (answer.get("type"), len(answer)) == ("result", 0)
    assert romeo.ids("play") == ["2"]


@pytest.mark.parametrize("notify", ["true", "1"])
def test_7_2_2_1_subscribers_are_told_where_they_are_to_be(
    juliet: Person, romeo: Person, notify: str
) -> None:
    """Though the node would not tell them."""
    play(juliet, "1", "2", notify_retract=False)
    romeo.subscribe("play")
    told(romeo)
    retract(juliet, "1", notify=notify)
    assert told(romeo) == [("play", "retract 1")]


@pytest.mark.parametrize("notify", ["", "false", "0"])
def test_7_2_2_1_and_otherwise_as_the_node_says(juliet: Person, romeo: Person, notify: str) -> None:
    opened(juliet, notify_retract=False)
    opened(juliet, "ballad", notify_retract=True)
    for node in ("play", "ballad"):
        juliet.publish(node, id_="1")
        romeo.subscribe(node)
        told(romeo)
        assert retract(juliet, "1", notify=notify, node=node).get("type") == "result"
    assert told(romeo) == [("ballad", "retract 1")]


def test_7_2_2_1_what_is_no_boolean_is_refused(juliet: Person) -> None:
    play(juliet, "1")
    assert error(retract(juliet, "1", notify="perhaps")) == ("bad-request",)
    assert juliet.ids("play") == ["1"]


def test_7_2_2_2_who_has_several_subscriptions_is_told_which(juliet: Person, romeo: Person) -> None:
    play(juliet, "1")
    subids = {romeo.subscribe("play", more=True)[0][0].get("subid") for _ in range(2)}
    told(romeo)
    retract(juliet, "1")
    assert told(romeo) == [("play", "retract 1")]
    (message,) = romeo.messages
    shim = "{http://jabber.org/protocol/shim}"
    assert message[-1].tag == f"{shim}headers", "§7.2.2.2: the last child"
    assert {each.text for each in message[-1]} == subids
    assert {each.get("name") for each in message[-1]} == {"SubID"}


# ---------------------------------------------------------------------- §7.2.3


def test_7_2_3_1_who_may_not_delete_is_forbidden(juliet: Person, romeo: Person) -> None:
    play(juliet, "1")
    for ids in (["1"], ["2"], []):
        assert error(retract(romeo, *ids)) == ("forbidden",)
    assert juliet.ids("play") == ["1"]


MAY = {
    Affiliation.OWNER: "12",
    Affiliation.PUBLISHER: "12",
    Affiliation.PUBLISH_ONLY: "2",
    Affiliation.MEMBER: "",
    Affiliation.NONE: "",
    Affiliation.OUTCAST: "",
}
"""Whose items each may delete: "1" is somebody else's, "2" his own."""


@pytest.mark.parametrize("rank", Affiliation)
def test_4_1_who_may_delete_what(juliet: Person, romeo: Person, rank: Affiliation) -> None:
    """Of those who may only publish, each his own items: it says so from which resource ever."""
    node = opened(juliet)
    node.affiliations[romeo.jid.bare] = Affiliation.PUBLISHER
    garden = juliet.globe.person("romeo", "garden")
    juliet.publish("play", id_="1")
    garden.publish("play", id_="2")
    node.affiliations[romeo.jid.bare] = rank
    for id_ in "12":
        answer = retract(romeo, id_)
        if id_ in MAY[rank]:
            assert answer.get("type") == "result"
        else:
            assert error(answer) == ("forbidden",)
    assert juliet.ids("play") == sorted({"1", "2"} - set(MAY[rank]))


def test_7_2_3_2_there_is_no_such_node_or_item(juliet: Person) -> None:
    assert error(retract(juliet, "1")) == ("item-not-found",)
    play(juliet, "1")
    assert error(retract(juliet, "2")) == ("item-not-found",)
    retract(juliet, "1")
    assert error(retract(juliet, "1")) == ("item-not-found",)


def test_7_2_3_3_a_node_has_to_be_named(juliet: Person) -> None:
    answer = juliet.pubsub("<retract><item id='1'/></retract>")
    assert error(answer) == ("bad-request", "nodeid-required")


def test_7_2_3_4_so_has_an_item(juliet: Person) -> None:
    play(juliet, "1")
    for items in ("", "<item/>", "<item id=''/>", "<item id='1'/><item/>"):
        answer = juliet.pubsub(f"<retract node='play'>{items}</retract>")
        assert error(answer) == ("bad-request", "item-required")
    assert juliet.ids("play") == ["1"]


@pytest.mark.parametrize(
    "settings", [{"persist_items": False}, {"node_type": "collection"}], ids=str
)
def test_7_2_3_5_where_items_are_not_kept_none_are_deleted(
    juliet: Person, settings: dict[str, object]
) -> None:
    opened(juliet, **settings)
    juliet.publish("play", id_="1")
    answer = retract(juliet, "1")
    assert error(answer) == ("feature-not-implemented", "unsupported")
    assert answer.find(f".//{{{NS}#errors}}unsupported").get("feature") == "persistent-items"


# ---------------------------------------------------------------------- §13.11


def test_13_11_several_are_deleted_and_told_of_at_once(juliet: Person, romeo: Person) -> None:
    play(juliet, "1", "2", "3")
    romeo.subscribe("play")
    told(romeo)
    assert retract(juliet, "1", "3", "1").get("type") == "result"
    assert told(romeo) == [("play", "retract 1", "retract 3")]
    assert juliet.ids("play") == ["2"]


def test_13_11_all_or_none(juliet: Person, romeo: Person) -> None:
    play(juliet, "1", "2")
    romeo.subscribe("play")
    told(romeo)
    assert error(retract(juliet, "1", "3")) == ("item-not-found",)
    assert juliet.ids("play") == ["1", "2"]
    assert told(romeo) == []


def test_13_11_no_more_than_one_may() -> None:
    juliet = Globe(batch=2).start().person("juliet")
    play(juliet, *"123")
    assert error(retract(juliet, *"123")) == ("not-allowed", "max-items-exceeded")
    assert retract(juliet, *"12").get("type") == "result"
    assert juliet.ids("play") == ["3"]
