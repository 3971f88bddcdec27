"""Collections (XEP-0248): nodes come into them, and go, and who is told of it."""

from __future__ import annotations

from itertools import pairwise
from xml.etree.ElementTree import Element

import pytest
from twisted.internet.defer import Deferred

from components.pubsub.model.node import Address
from components.pubsub.model.options import Options
from components.pubsub.model.ranks import Affiliation, State
from tests.support.deferred import result
from tests.support.forms import X
from tests.support.pubsub import PUBSUB, E, Globe, Person, error
from tests.support.pubsub_items import opens
from xmppd.jid import JID

CYCLE = ("not-allowed", "invalid-options")
FULL = ("not-allowed", "max-nodes-exceeded")
HEADER = "{http://jabber.org/protocol/shim}header"


def collection(person: Person, node: str, **config: str) -> Element:
    return person.create(node, node_type="collection", **config)


def links(person: Person, node: str) -> tuple[list[str], list[str] | None]:
    """The collections that a node is in, and the nodes in it; None where it has no such field."""
    answer = person.pubsub(f"<configure node='{node}'/>", "get", owner=True)
    said = {
        each.get("var", ""): [value.text or "" for value in each.iterfind(f"{X}value")]
        for each in answer.iter(f"{X}field")
    }
    return said["pubsub#collection"], said.get("pubsub#children")


def associate(person: Person, node: str, child: str, verb: str = "associate") -> Element:
    inner = f"<collection node='{node}'><{verb} node='{child}'/></collection>"
    return person.pubsub(inner, owner=True)


def subscribe(globe: Globe, person: Person, name: str, **options: str) -> None:
    """Have somebody subscribed with options."""
    node = globe.service.nodes.at_hand(Address(JID.parse(PUBSUB), name))
    assert node is not None
    subscribing = globe.service.subscribing.subscribe(
        node, person.jid.bare, State.SUBSCRIBED, Options(**options)
    )
    result(Deferred.fromCoroutine(subscribing))


def told(person: Person) -> list[tuple[str, str, list[str]]]:
    """Events that have come: what, of which node, by which collections."""
    events = person.events()
    return [
        (
            event[0].tag.removeprefix(E),
            event[0].get("node", ""),
            [h.text or "" for h in message.iter(HEADER) if h.get("name") == "Collection"],
        )
        for event, message in zip(events, person.messages, strict=True)
    ]


@pytest.fixture
def blogs(juliet: Person) -> str:
    collection(juliet, "blogs")
    return "blogs"


def test_7_1_a_collection_is_created_and_has_no_items(juliet: Person) -> None:
    assert collection(juliet, "blogs").get("type") == "result"
    assert links(juliet, "blogs") == ([], [])


def test_7_1_nodes_are_created_in_collections(juliet: Person, blogs: str) -> None:
    assert juliet.create("musings", collection=blogs).get("type") == "result"
    assert links(juliet, "musings") == ([blogs], None)
    assert links(juliet, blogs) == ([], ["musings"])


def test_7_1_collections_are_created_with_nodes(juliet: Person) -> None:
    juliet.create("musings")
    assert collection(juliet, "blogs", children="musings").get("type") == "result"
    assert links(juliet, "musings") == (["blogs"], None)


def test_7_2_by_either_end_and_8_3_both_show_it(globe: Globe, juliet: Person, blogs: str) -> None:
    for name in ("a", "b", "c"):
        juliet.create(name)
    assert juliet.configure("a", collection=blogs).get("type") == "result"
    assert juliet.configure(blogs, children=["a", "b"]).get("type") == "result"  # type: ignore[arg-type]
    assert links(juliet, blogs) == ([], ["a", "b"])
    assert links(juliet, "b") == ([blogs], None)
    juliet.configure("a", collection="")
    assert links(juliet, blogs) == ([], ["b"])
    juliet.configure(blogs, children="c")
    assert [links(juliet, each)[0] for each in ("a", "b", "c")] == [[], [], [blogs]]
    globe.again()
    assert [links(juliet, each)[0] for each in ("a", "b", "c")] == [[], [], [blogs]]


def test_7_2_what_is_left_out_stays(juliet: Person, blogs: str) -> None:
    juliet.create("musings", collection=blogs)
    juliet.configure("musings", title="Princely")
    juliet.configure(blogs, title="Weblogs")
    assert links(juliet, blogs) == ([], ["musings"])


def test_5_1_a_node_is_in_several_collections(juliet: Person, blogs: str) -> None:
    collection(juliet, "news")
    juliet.create("musings", collection=["news", blogs])  # type: ignore[arg-type]
    assert links(juliet, "musings") == (["blogs", "news"], None)


def test_7_2_3_1_a_leaf_has_no_children(juliet: Person) -> None:
    juliet.create("leaf")
    juliet.create("other")
    assert error(juliet.configure("leaf", children="other")) == CYCLE
    assert error(juliet.configure("other", collection="leaf")) == CYCLE
    assert error(juliet.create("third", collection="leaf")) == CYCLE
    assert error(juliet.create("third", children="other")) == CYCLE
    assert error(associate(juliet, "leaf", "other")) == CYCLE
    assert error(juliet.publish("third")) == ("item-not-found",)
    assert links(juliet, "other") == ([], None)


def test_7_2_3_2_only_a_collections_owners_add_to_it_unless_it_lets_others(
    juliet: Person, romeo: Person, blogs: str
) -> None:
    romeo.create("his")
    forbidden = ("forbidden",)
    assert error(romeo.configure("his", collection=blogs)) == forbidden
    assert error(romeo.create("another", collection=blogs)) == forbidden
    assert error(associate(romeo, blogs, "his")) == forbidden
    # Nor does the collection's owner take what is not his.
    assert error(juliet.configure(blogs, children="his")) == forbidden
    assert error(associate(juliet, blogs, "his")) == forbidden
    juliet.configure(
        blogs,
        children_association_policy="whitelist",
        children_association_whitelist="mercutio@capulet.lit",
    )
    assert error(associate(romeo, blogs, "his")) == forbidden
    juliet.configure(blogs, children_association_whitelist="romeo@capulet.lit")
    assert associate(romeo, blogs, "his").get("type") == "result"
    associate(romeo, blogs, "his", "dissociate")
    juliet.configure(blogs, children_association_policy="all")
    assert romeo.configure("his", collection=blogs).get("type") == "result"
    assert links(juliet, blogs) == ([], ["his"])


def test_7_2_1_all_are_not_those_whom_the_collection_has_cast_out(
    globe: Globe, juliet: Person, romeo: Person, blogs: str
) -> None:
    juliet.configure(blogs, children_association_policy="all")
    node = globe.service.nodes.at_hand(Address(JID.parse(PUBSUB), blogs))
    assert node is not None
    node.affiliations[romeo.jid.bare] = Affiliation.OUTCAST
    assert error(romeo.create("his", collection=blogs)) == ("forbidden",)


def test_7_2_3_3_a_collection_may_have_so_many_nodes(juliet: Person) -> None:
    collection(juliet, "blogs", children_max="2")
    for name in ("a", "b"):
        juliet.create(name, collection="blogs")
    juliet.create("c")
    assert error(juliet.create("d", collection="blogs")) == FULL
    assert error(juliet.configure("c", collection="blogs")) == FULL
    assert error(juliet.configure("blogs", children=["a", "b", "c"])) == FULL  # type: ignore[arg-type]
    assert error(associate(juliet, "blogs", "c")) == FULL
    assert links(juliet, "blogs") == ([], ["a", "b"])
    assert error(juliet.publish("d")) == ("item-not-found",)
    assert juliet.configure("blogs", children=["a", "c"]).get("type") == "result"  # type: ignore[arg-type]


def test_a_node_may_be_in_so_many_collections() -> None:
    globe = Globe(collections=1).start()
    juliet = globe.person("juliet")
    for name in ("a", "b"):
        collection(juliet, name)
    juliet.create("c", collection="a")
    assert error(associate(juliet, "b", "c")) == FULL
    assert error(juliet.configure("b", children="c")) == FULL
    assert links(juliet, "c") == (["a"], None)


def test_7_2_3_4_a_collection_does_not_become_a_leaf(juliet: Person, blogs: str) -> None:
    assert error(juliet.configure(blogs, node_type="leaf")) == CYCLE


def test_7_2_4_a_leaf_becomes_a_collection_without_its_items(globe: Globe, juliet: Person) -> None:
    juliet.create("play")
    juliet.publish("play", id_="1")
    assert juliet.configure("play", node_type="collection").get("type") == "result"
    assert links(juliet, "play") == ([], [])
    node = globe.service.nodes.at_hand(Address(JID.parse(PUBSUB), "play"))
    assert node is not None
    assert result(globe.service.items.last(node.id, 9)) == []


@pytest.mark.parametrize("length", [1, 2, 3])
def test_7_2_3_5_nothing_is_in_itself(juliet: Person, length: int) -> None:
    names = [f"c{n}" for n in range(length)]
    for name in names:
        collection(juliet, name)
    for upper, lower in pairwise(names):
        assert associate(juliet, upper, lower).get("type") == "result"
    first, last = names[0], names[-1]
    before = [links(juliet, name) for name in names]
    assert error(associate(juliet, last, first)) == CYCLE
    assert error(juliet.configure(first, collection=last)) == CYCLE
    assert error(juliet.configure(last, children=first)) == CYCLE
    assert [links(juliet, name) for name in names] == before


def test_there_have_to_be_the_nodes(juliet: Person, blogs: str) -> None:
    juliet.create("musings")
    missing = ("item-not-found",)
    assert error(juliet.configure("musings", collection="none")) == missing
    assert error(juliet.configure(blogs, children="none")) == missing
    assert error(juliet.create("new", collection="none")) == missing
    assert error(associate(juliet, blogs, "none")) == missing
    assert error(associate(juliet, "none", "musings")) == missing


@pytest.mark.parametrize(
    ("inner", "expected"),
    [
        ("<collection node='blogs'/>", ("bad-request",)),
        ("<collection node='blogs'><adopt node='a'/></collection>", ("bad-request",)),
        (
            "<collection node='blogs'><associate node='a'/><associate node='b'/></collection>",
            ("bad-request",),
        ),
        ("<collection node='blogs'><associate/></collection>", ("bad-request", "nodeid-required")),
        ("<collection><associate node='a'/></collection>", ("bad-request", "nodeid-required")),
    ],
)
def test_7_5_requests_that_are_none(
    juliet: Person, blogs: str, inner: str, expected: tuple[str, ...]
) -> None:
    juliet.create("a")
    assert error(juliet.pubsub(inner, owner=True)) == expected


def test_7_6_either_owner_dissociates(juliet: Person, romeo: Person) -> None:
    collection(juliet, "blogs", children_association_policy="all")
    romeo.create("his", collection="blogs")
    nurse = juliet.globe.person("nurse")
    assert error(associate(nurse, "blogs", "his", "dissociate")) == ("forbidden",)
    assert associate(juliet, "blogs", "his", "dissociate").get("type") == "result"
    assert links(romeo, "his") == ([], None)
    associate(romeo, "blogs", "his")
    assert associate(romeo, "blogs", "his", "dissociate").get("type") == "result"
    assert links(juliet, "blogs") == ([], [])


def test_7_6_3_1_what_is_not_in_it_can_not_be_dissociated(juliet: Person, blogs: str) -> None:
    juliet.create("musings")
    assert error(associate(juliet, blogs, "musings", "dissociate")) == ("bad-request",)


def test_8_2_nodes_outlive_their_collection(juliet: Person, blogs: str) -> None:
    collection(juliet, "news")
    juliet.create("musings", collection=[blogs, "news"])  # type: ignore[arg-type]
    assert juliet.pubsub("<delete node='blogs'/>", owner=True).get("type") == "result"
    assert links(juliet, "musings") == (["news"], None)
    assert juliet.publish("musings").get("type") == "result"


# ---------------------------------------------------------------------- who is told


def test_5_3_1_1_items_are_told_of_through_collections(
    globe: Globe, juliet: Person, romeo: Person, blogs: str
) -> None:
    juliet.create("musings", collection=blogs)
    subscribe(globe, romeo, blogs, subscription_type="items")
    juliet.publish("musings", id_="1")
    juliet.configure("musings", notify_config="1")
    assert told(romeo) == [("items", "musings", ["blogs"])]


def test_5_3_1_2_so_are_nodes(globe: Globe, juliet: Person, romeo: Person, blogs: str) -> None:
    subscribe(globe, romeo, blogs)
    juliet.create("musings", collection=blogs)
    juliet.publish("musings")
    juliet.configure("musings", notify_config="1")
    juliet.pubsub("<delete node='musings'/>", owner=True)
    assert told(romeo) == [
        ("create", "musings", ["blogs"]),
        ("configuration", "musings", ["blogs"]),
        ("delete", "musings", ["blogs"]),
    ]


def test_6_1_all_are_both(globe: Globe, juliet: Person, romeo: Person, blogs: str) -> None:
    subscribe(globe, romeo, blogs, subscription_type="all")
    juliet.create("musings", collection=blogs)
    juliet.publish("musings")
    assert [what for what, *_ in told(romeo)] == ["create", "items"]


@pytest.mark.parametrize(("depth", "reached"), [("0", 0), ("1", 1), ("2", 2), ("all", 3)])
def test_6_1_depth_is_how_far_below_the_collection(
    globe: Globe, juliet: Person, romeo: Person, depth: str, reached: int
) -> None:
    above = ""
    for name in ("c0", "c1", "c2"):
        collection(juliet, name, collection=above)
        above = name
    for n in range(3):
        juliet.create(f"leaf{n}", collection=f"c{n}")
    subscribe(globe, romeo, "c0", subscription_type="items", subscription_depth=depth)
    for n in range(3):
        juliet.publish(f"leaf{n}")
    assert told(romeo) == [("items", f"leaf{n}", ["c0"]) for n in range(reached)]


def test_5_3_2_what_comes_and_goes_is_told(
    globe: Globe, juliet: Person, romeo: Person, blogs: str
) -> None:
    juliet.create("a")
    juliet.create("b")
    subscribe(globe, romeo, blogs)
    associate(juliet, blogs, "a")
    associate(juliet, blogs, "a")
    juliet.configure("a", collection="")
    juliet.configure(blogs, children="b")
    juliet.configure(blogs, children="")
    found = [
        (event[0].get("node"), event[0][0].tag, event[0][0].get("node")) for event in romeo.events()
    ]
    assert found == [
        (blogs, f"{E}associate", "a"),
        (blogs, f"{E}dissociate", "a"),
        (blogs, f"{E}associate", "b"),
        (blogs, f"{E}dissociate", "b"),
    ]


def test_one_event_comes_once_by_whatever_ways(
    globe: Globe, juliet: Person, romeo: Person, blogs: str
) -> None:
    nurse = globe.person("nurse")
    collection(juliet, "news")
    juliet.create("musings", collection=[blogs, "news"])  # type: ignore[arg-type]
    for name in (blogs, "news"):
        subscribe(globe, romeo, name, subscription_type="items")
        subscribe(globe, nurse, name, subscription_type="items")
    subscribe(globe, nurse, "musings")
    juliet.publish("musings")
    assert told(romeo) == [("items", "musings", ["blogs", "news"])]
    assert told(nurse) == [("items", "musings", [])]


def test_whom_the_node_has_cast_out_is_not_told_through_a_collection(
    globe: Globe, juliet: Person, romeo: Person, blogs: str
) -> None:
    juliet.create("musings", collection=blogs)
    subscribe(globe, romeo, blogs, subscription_type="items")
    node = globe.service.nodes.at_hand(Address(JID.parse(PUBSUB), "musings"))
    assert node is not None
    node.affiliations[romeo.jid.bare] = Affiliation.OUTCAST
    juliet.publish("musings")
    assert told(romeo) == []


def test_who_has_several_subscriptions_to_a_collection_is_told_which(
    globe: Globe, juliet: Person, romeo: Person, blogs: str
) -> None:
    juliet.create("musings", collection=blogs)
    subscribe(globe, romeo, blogs, subscription_type="items")
    subscribe(globe, romeo, blogs, subscription_type="all")
    juliet.publish("musings")
    romeo.event()
    names = [header.get("name") for header in romeo.messages[0].iter(HEADER)]
    assert names == ["Collection", "SubID", "SubID"]


def test_collections_are_there_when_the_process_is_another_one(
    globe: Globe, juliet: Person, romeo: Person, blogs: str
) -> None:
    juliet.create("musings", collection=blogs)
    subscribe(globe, romeo, blogs, subscription_type="items")
    globe.again()
    juliet.publish("musings")
    assert told(romeo) == [("items", "musings", ["blogs"])]


@pytest.mark.parametrize("field", ["collection", "children"])
def test_7_2_no_more_nodes_are_opened_than_need_be(
    globe: Globe, juliet: Person, romeo: Person, monkeypatch: pytest.MonkeyPatch, field: str
) -> None:
    """A form may name a thousand, which are others'."""
    names = [f"n{n}" for n in range(30)]
    for name in names:
        collection(juliet, name)
    collection(romeo, "his")
    opened = opens(globe, monkeypatch)
    expected = FULL if field == "collection" else ("forbidden",)
    assert error(romeo.configure("his", **{field: names})) == expected
    assert len(opened) < 5
    assert error(romeo.configure("his", **{field: names[:10]})) == ("forbidden",)
    assert len(opened) < 10
