"""Publishing, through the core (XEP-0060 §7.1)."""

from __future__ import annotations

from xml.etree.ElementTree import Element

import pytest

from components.pubsub.model.ranks import Affiliation
from tests.support.pubsub import ACT, NS, PUBSUB, Globe, P, Person, error
from tests.support.pubsub_items import done, opened, told
from xmppd import ns

SCENE = "<scene xmlns='urn:example:play'>A street</scene>"
BALLAD = "<ballad xmlns='urn:example:ballad'/>"


def publish(person: Person, *items: str, node: str = "play") -> Element:
    """Publish items as they are written."""
    return person.pubsub(f"<publish node='{node}'>{''.join(items)}</publish>")


def published(answer: Element) -> list[str | None]:
    """The ids that an answer names."""
    assert answer.get("type") == "result", error(answer)
    (inner,) = answer
    (what,) = inner
    assert (what.tag, what.get("node")) == (f"{P}publish", "play")
    return [each.get("id") for each in what]


def nothing_has_changed(globe: Globe, owner: Person, *others: Person) -> bool:
    """Whether the node has no item, and nobody was told of one."""
    return owner.ids("play") == [] and all(told(each) == [] for each in (owner, *others))


# ---------------------------------------------------------------------- §7.1.2


def test_7_1_2_the_publisher_is_told_the_id_that_he_gave(juliet: Person) -> None:
    opened(juliet)
    assert published(juliet.publish("play", id_="1")) == ["1"]
    assert juliet.ids("play") == ["1"]


def test_7_1_2_an_id_is_made_where_none_is_given(juliet: Person, romeo: Person) -> None:
    """§7.1.1: and is unique."""
    opened(juliet)
    romeo.subscribe("play")
    (first,) = published(juliet.publish("play"))
    (second,) = published(publish(juliet, f"<item id=''>{SCENE}</item>"))
    assert first and second and first != second
    assert told(romeo) == [("play", f"item {first} <act>"), ("play", f"item {second} <scene>")]


def test_7_1_2_what_has_the_same_id_is_overwritten_and_told_of(
    juliet: Person, romeo: Person
) -> None:
    opened(juliet)
    romeo.subscribe("play")
    for payload in (ACT, SCENE):
        assert published(juliet.publish("play", payload, "1")) == ["1"]
    assert told(romeo) == [("play", "item 1 <act>"), ("play", "item 1 <scene>")]
    items = romeo.items("play").findall(f".//{P}item")
    assert [each[0].tag for each in items] == ["{urn:example:play}scene"]


def test_7_1_2_1_the_payload_comes_as_it_was_published(juliet: Person, romeo: Person) -> None:
    """Whatever prefixes the stanza around it has, and whatever characters."""
    opened(juliet)
    romeo.subscribe("play")
    inner = "<p:act p:no='2' xml:lang='en'>O &lt;Romeo&gt;, <b>☾</b><p:b/></p:act>"
    juliet.pubsub(
        f"<publish node='play' xmlns:p='urn:example:play'><item id='1'>{inner}</item></publish>"
    )
    for act in (romeo.event()[0][0][0], romeo.items("play").find(f".//{P}item")[0]):
        assert act.tag == "{urn:example:play}act"
        assert act.attrib == {
            "{urn:example:play}no": "2",
            "{http://www.w3.org/XML/1998/namespace}lang": "en",
        }
        assert (act.text, act[0].text, act[0].tag) == ("O <Romeo>, ", "☾", f"{P}b")
        assert act[1].tag == "{urn:example:play}b"


def test_7_1_2_2_where_payloads_are_not_told_there_are_none(juliet: Person, romeo: Person) -> None:
    opened(juliet, deliver_payloads=False)
    romeo.subscribe("play")
    juliet.publish("play", id_="1")
    assert told(romeo) == [("play", "item 1")]
    (item,) = romeo.items("play").findall(f".//{P}item")
    assert len(item) == 1, "§6.5.6: it can be had all the same"


def test_7_1_2_3_the_publisher_is_told_where_the_node_says_so(
    juliet: Person, romeo: Person
) -> None:
    """And it is he, whatever the item says."""
    opened(juliet, itemreply="publisher")
    romeo.subscribe("play")
    publish(juliet, f"<item id='1' publisher='tybalt@capulet.lit'>{ACT}</item>")
    assert told(romeo) == [("play", f"item 1 {juliet.jid} <act>")]
    for answer in (romeo.items("play"), romeo.items("play", PUBSUB, "1")):
        (item,) = answer.findall(f".//{P}item")
        assert item.get("publisher") == str(juliet.jid)


def test_13_17_replies_may_go_to_the_owner(globe: Globe, juliet: Person, romeo: Person) -> None:
    """To who has made the node; once he is an owner no more, to the other one of the least name."""
    opened(juliet, itemreply="owner", publish_model="open")
    tybalt, owners = globe.person("tybalt"), ("tybalt", "nurse", "paris")
    romeo.subscribe("play")
    for expected in ("juliet@capulet.lit", "nurse@capulet.lit"):
        tybalt.publish("play", id_="1")
        assert told(romeo) == [("play", f"item 1 {expected} <act>")]
        (item,) = romeo.items("play").findall(f".//{P}item")
        assert item.get("publisher") == expected
        juliet.affiliate("play", **dict.fromkeys(owners, "owner"))
        juliet.affiliate("play", juliet="none")
        romeo.events()


def test_13_17_an_accounts_node_is_its_own(globe: Globe, juliet: Person, romeo: Person) -> None:
    account = "juliet@capulet.lit"
    node = opened(juliet, "play", account, access_model="open", itemreply="owner")
    node.affiliations[romeo.jid.bare] = Affiliation.OWNER
    romeo.subscribe("play", account)
    assert romeo.publish("play", id_="1", to=account).get("type") == "result"
    assert told(romeo) == [("play", f"item 1 {account} <act>")]
    (item,) = romeo.items("play", account).findall(f".//{P}item")
    assert item.get("publisher") == account


def test_7_1_2_3_and_not_where_it_does_not(juliet: Person, romeo: Person) -> None:
    opened(juliet)
    romeo.subscribe("play")
    publish(juliet, f"<item id='1' publisher='{juliet.jid}'>{ACT}</item>")
    assert told(romeo) == [("play", "item 1 <act>")]
    (item,) = romeo.items("play").findall(f".//{P}item")
    assert item.get("publisher") is None


def test_7_1_2_5_the_oldest_goes_for_the_newest(juliet: Person, romeo: Person) -> None:
    opened(juliet, max_items=2, publish_node_full="discard-oldest")
    romeo.subscribe("play")
    for id_ in "123":
        juliet.publish("play", id_=id_)
    assert juliet.ids("play") == ["2", "3"]
    assert told(romeo) == [("play", f"item {id_} <act>") for id_ in "123"]


def test_7_1_2_5_and_is_told_of_where_it_is_retracted(juliet: Person, romeo: Person) -> None:
    opened(juliet, max_items=1, publish_node_full="retract-oldest")
    romeo.subscribe("play")
    for id_ in "112":
        juliet.publish("play", id_=id_)
    items = [("play", f"item {id_} <act>") for id_ in "112"]
    assert told(romeo) == [*items, ("play", "retract 1")]


def test_7_1_2_5_max_is_as_many_as_the_service_lets_a_node_have() -> None:
    globe = Globe(items=3).start()
    juliet = globe.person("juliet")
    opened(juliet, max_items=-1)
    for id_ in "12345":
        juliet.publish("play", id_=id_)
    assert juliet.ids("play") == ["3", "4", "5"]


def test_17_4_4_nobody_is_told_where_nothing_is_delivered(juliet: Person, romeo: Person) -> None:
    opened(juliet, deliver_notifications=False)
    romeo.subscribe("play")
    juliet.publish("play", id_="1")
    juliet.retract("play", "1", notify="true")
    juliet.publish("play", id_="2")
    assert told(romeo) == []
    assert romeo.ids("play") == ["2"]


# ---------------------------------------------------------------------- §7.1.3


def test_7_1_3_1_who_may_not_publish_is_forbidden(
    globe: Globe, juliet: Person, romeo: Person
) -> None:
    """Whatever else would be wrong with it: he learns nothing of the node."""
    opened(juliet, max_payload_size=1)
    assert error(romeo.publish("play")) == ("forbidden",)
    assert error(publish(romeo)) == ("forbidden",)
    assert error(romeo.publish("play", access_model="whitelist")) == ("forbidden",)
    assert nothing_has_changed(globe, juliet)


def test_7_1_3_2_nothing_is_published_to_collections(juliet: Person) -> None:
    opened(juliet, node_type="collection")
    answer = juliet.publish("play")
    assert error(answer) == ("feature-not-implemented", "unsupported")
    assert answer.find(f".//{{{NS}#errors}}unsupported").get("feature") == "publish"


def test_7_1_3_3_there_is_no_such_node(juliet: Person) -> None:
    assert error(juliet.publish("play")) == ("item-not-found",)
    assert error(juliet.items("play")) == ("item-not-found",), "it was not made"


def test_7_1_3_3_nor_at_somebody_elses(juliet: Person, romeo: Person) -> None:
    assert error(romeo.publish("play", to=str(juliet.jid.bare))) == ("item-not-found",)
    assert error(juliet.items("play", to="")) == ("item-not-found",)


def test_a_node_has_to_be_named(juliet: Person) -> None:
    answer = juliet.pubsub(f"<publish><item>{ACT}</item></publish>")
    assert error(answer) == ("bad-request", "nodeid-required")


def test_7_1_3_4_a_full_node_takes_no_more(juliet: Person, romeo: Person) -> None:
    """But publishing an item again is modifying it, and never fails for that (§7.1.3)."""
    opened(juliet, max_items=1, publish_node_full="reject")
    juliet.publish("play", id_="1")
    romeo.subscribe("play")
    told(romeo)
    assert error(juliet.publish("play", id_="2")) == ("conflict", "node-full")
    assert juliet.ids("play") == ["1"]
    assert told(romeo) == []
    assert published(juliet.publish("play", SCENE, "1")) == ["1"]


def big(octets: int) -> str:
    """A payload of exactly so many octets."""
    around = "<x xmlns='urn:example:play'></x>"
    return f"<x xmlns='urn:example:play'>{'o' * (octets - len(around))}</x>"


def test_7_1_3_5_a_payload_may_be_too_big(globe: Globe, juliet: Person, romeo: Person) -> None:
    opened(juliet, max_payload_size=1_000)
    romeo.subscribe("play")
    assert error(juliet.publish("play", big(1_001))) == ("not-acceptable", "payload-too-big")
    assert nothing_has_changed(globe, juliet, romeo)
    assert juliet.publish("play", big(1_000)).get("type") == "result"


@pytest.mark.parametrize("size", [0, 100_000])
def test_7_1_3_5_for_the_service_too(size: int) -> None:
    juliet = Globe(item_octets=2_000).start().person("juliet")
    opened(juliet, max_payload_size=size)
    assert error(juliet.publish("play", big(2_001))) == ("not-acceptable", "payload-too-big")
    assert juliet.publish("play", big(2_000)).get("type") == "result"


def prefixed(person: Person, items: int, times: int) -> Element:
    """Publish items that use a long namespace as often."""
    namespace = "urn:example:" + "o" * 480
    payload = "<x>" + "<y p:a='1'/>" * times + "</x>"
    item = f"<item>{payload}</item>"
    return person.pubsub(f"<publish node='play' xmlns:p='{namespace}'>{item * items}</publish>")


def test_7_1_3_5_as_it_is_written_out(juliet: Person) -> None:
    """A prefix is short where it is used, and stands for much."""
    opened(juliet)
    answer = prefixed(juliet, 1, 400)
    assert error(answer) == ("not-acceptable", "payload-too-big")


def many(each: str, count: int) -> str:
    """A payload with so many of an element in it."""
    return f"<x xmlns='urn:example:play'>{each * count}</x>"


@pytest.mark.parametrize(("each", "most"), [("<y/>", 499), ("<y z=''/>", 249)])
def test_7_1_3_5_a_payload_may_have_so_many_elements_and_attributes(each: str, most: int) -> None:
    """However few octets they take: whoever reads it has the server look at each."""
    globe = Globe(item_elements=500).start()
    juliet, romeo = globe.person("juliet"), globe.person("romeo")
    opened(juliet)
    romeo.subscribe("play")
    answer = juliet.publish("play", many(each, most + 1))
    assert error(answer) == ("not-acceptable", "payload-too-big")
    assert (
        answer.findtext(f".//{{{ns.STANZA_ERRORS}}}text")
        == "a payload may have 500 elements and attributes"
    )
    assert globe.component.counts["pubsub.payload-elements"] == 1
    assert nothing_has_changed(globe, juliet, romeo)
    assert juliet.publish("play", many(each, most)).get("type") == "result"


@pytest.mark.parametrize("settings", [{}, {"persist_items": False}, {"deliver_payloads": False}])
def test_7_1_3_6_an_item_has_one_payload(
    globe: Globe, juliet: Person, settings: dict[str, bool]
) -> None:
    opened(juliet, **settings)
    answer = publish(juliet, f"<item>{ACT}{SCENE}</item>")
    assert error(answer) == ("bad-request", "invalid-payload")
    assert nothing_has_changed(globe, juliet)


def test_7_1_3_6_of_the_namespace_that_the_node_is_for(globe: Globe, juliet: Person) -> None:
    opened(juliet, type="urn:example:play")
    for payload in (BALLAD, "<act/>", "<act xmlns=''/>"):
        assert error(juliet.publish("play", payload)) == ("bad-request", "invalid-payload")
    assert nothing_has_changed(globe, juliet)
    assert juliet.publish("play", SCENE).get("type") == "result"


# ---------------------------------------------------------------------- §4.3, §7.1.3.7

ITEM, EMPTY = f"<item id='1'>{ACT}</item>", "<item id='1'/>"
BAD = "bad-request"


@pytest.mark.parametrize(
    ("persist", "payloads", "items", "outcome"),
    [
        (True, True, "", (BAD, "item-required")),
        (True, True, EMPTY, (BAD, "payload-required")),
        (True, True, ITEM, "item 1 <act>"),
        (True, False, "", (BAD, "item-required")),
        (True, False, EMPTY, "item 1"),
        (True, False, ITEM, "item 1"),
        (False, True, "", (BAD, "item-required")),
        (False, True, EMPTY, (BAD, "payload-required")),
        (False, True, ITEM, "item 1 <act>"),
        (False, False, "", ""),
        (False, False, EMPTY, (BAD, "item-forbidden")),
        (False, False, ITEM, (BAD, "item-forbidden")),
    ],
)
def test_4_3_what_is_published_goes_with_the_nodes_event_type(
    juliet: Person,
    romeo: Person,
    persist: bool,
    payloads: bool,
    items: str,
    outcome: str | tuple[str, ...],
) -> None:
    opened(juliet, persist_items=persist, deliver_payloads=payloads)
    romeo.subscribe("play")
    answer = publish(juliet, items)
    if isinstance(outcome, tuple):
        assert error(answer) == outcome
        assert told(romeo) == []
    else:
        assert published(answer) == (["1"] if items else [])
        assert told(romeo) == [("play", *filter(None, [outcome]))]


def test_13_21_a_singleton_may_have_nothing_in_it(juliet: Person, romeo: Person) -> None:
    opened(juliet, "doorbell", deliver_payloads=False)
    romeo.subscribe("doorbell")
    for _ in range(2):
        assert publish(juliet, "<item id='current'/>", node="doorbell").get("type") == "result"
    assert told(romeo) == [("doorbell", "item current")] * 2
    assert juliet.ids("doorbell") == ["current"]


# ---------------------------------------------------------------------- §13.11


def test_13_11_a_batch_is_published_and_told_of_at_once(juliet: Person, romeo: Person) -> None:
    opened(juliet)
    romeo.subscribe("play")
    items = [f"<item id='{id_}'>{ACT}</item>" for id_ in "12"]
    assert published(publish(juliet, *items)) == ["1", "2"]
    assert told(romeo) == [("play", "item 1 <act>", "item 2 <act>")]
    assert juliet.ids("play") == ["1", "2"]


def test_13_11_what_is_wrong_with_one_is_wrong_with_all(
    globe: Globe, juliet: Person, romeo: Person
) -> None:
    opened(juliet)
    romeo.subscribe("play")
    for bad in ("<item id='2'/>", f"<item id='1'>{SCENE}</item>", f"<item>{ACT}{ACT}</item>"):
        assert error(publish(juliet, f"<item id='1'>{ACT}</item>", bad))[0] == "bad-request"
    assert nothing_has_changed(globe, juliet, romeo)


@pytest.mark.parametrize(("batch", "most"), [(50, 2), (2, 50)])
def test_13_11_more_than_the_node_may_have_or_one_may_send(batch: int, most: int) -> None:
    globe = Globe(batch=batch).start()
    juliet = globe.person("juliet")
    opened(juliet, max_items=most)
    items = [f"<item>{ACT}</item>"] * 3
    assert error(publish(juliet, *items)) == ("not-allowed", "max-items-exceeded")
    assert nothing_has_changed(globe, juliet)
    assert publish(juliet, *items[1:]).get("type") == "result"


def test_what_is_large_together_is_too_big(globe: Globe, juliet: Person) -> None:
    """Though each of the items is not."""
    opened(juliet)
    answer = prefixed(juliet, 6, 200)
    assert error(answer) == ("not-acceptable", "payload-too-big")
    assert nothing_has_changed(globe, juliet)


def test_so_is_what_has_many_elements_together() -> None:
    globe = Globe(item_elements=500, elements=1_000).start()
    juliet = globe.person("juliet")
    opened(juliet)
    halves = [f"<item>{many('<y/>', 499)}</item>"] * 2
    answer = publish(juliet, *halves, f"<item>{ACT}</item>")
    assert error(answer) == ("not-acceptable", "payload-too-big")
    assert nothing_has_changed(globe, juliet)
    assert publish(juliet, *halves).get("type") == "result"


def test_what_one_payload_may_have_it_may_have_whatever_they_may_have_together() -> None:
    juliet = Globe(item_elements=1_000, elements=500).start().person("juliet")
    opened(juliet)
    assert juliet.publish("play", many("<y/>", 999)).get("type") == "result"


def test_an_id_may_be_too_long(globe: Globe, juliet: Person) -> None:
    """As long as a room's address is none (XEP-0402 §3)."""
    opened(juliet)
    assert error(juliet.publish("play", id_="ô" * 1_024)) == ("not-acceptable",)
    assert nothing_has_changed(globe, juliet)
    assert juliet.publish("play", id_="ô" * 1_023).get("type") == "result"


# ---------------------------------------------------------------------- nodes that go meanwhile


def test_8_4_nothing_is_published_to_a_node_that_goes_meanwhile(
    globe: Globe, juliet: Person, romeo: Person
) -> None:
    """Nor to one that another process has deleted."""
    node = opened(juliet)
    romeo.subscribe("play")
    done(juliet, _removed(globe, node.id))
    assert error(juliet.publish("play")) == ("item-not-found",)
    assert told(romeo) == []


async def _removed(globe: Globe, node: int) -> None:
    await globe.service.store.remove(node, None)


def test_what_is_kept_of_one_creator_is_bounded_in_all_his_nodes() -> None:
    globe = Globe(kept_octets=3_000).start()
    juliet, romeo = globe.person("juliet"), globe.person("romeo")
    large = f"<act xmlns='urn:example:play'>{'x' * 2_000}</act>"
    opened(juliet, publish_model="open")
    assert juliet.publish("play", large, id_="1").get("type") == "result"
    assert error(romeo.publish("play", large, id_="2")) == ("resource-constraint",)
    assert error(juliet.publish("tune", large, id_="3", to="")) == ("resource-constraint",)
    assert juliet.ids("play") == ["1"]
    assert romeo.publish("tune", large, to="").get("type") == "result", "others have their own"
    juliet.retract("play", "1")
    assert romeo.publish("play", large, id_="2").get("type") == "result"
