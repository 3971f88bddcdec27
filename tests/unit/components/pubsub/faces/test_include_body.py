"""Where bodies are offered: include_body and body_xslt (XEP-0060 §13.8, §17.4.2, §17.4.4)."""

from __future__ import annotations

from xml.etree.ElementTree import Element

import pytest

from components.pubsub.model.options import DEFAULT, restored, stored
from tests.support.forms import X
from tests.support.pubsub import Globe, Person, error, form
from tests.support.pubsub_bodies import ATOM
from tests.support.pubsub_items import opened
from tests.support.server import DOMAIN

ROMEO = f"romeo@{DOMAIN}"
URL, OTHER = "http://example.org/body.xslt", "urn:example:other"
INCLUDE, XSLT = "pubsub#include_body", "pubsub#body_xslt"


def fields(answer: Element) -> dict[str, list[str]]:
    """The fields of the form in an answer, and their values."""
    return {
        each.get("var", ""): [value.text or "" for value in each.findall(f"{X}value")]
        for each in answer.iter(f"{X}field")
    }


def text(answer: Element) -> str:
    found = [each.text or "" for each in answer.iter() if each.tag.endswith("}text")]
    return "".join(found)


@pytest.fixture
def juliet(globe: Globe) -> Person:
    juliet = globe.person("juliet")
    opened(juliet, "news", type=ATOM)
    opened(juliet, "play")
    return juliet


@pytest.fixture
def romeo(globe: Globe, juliet: Person) -> Person:
    romeo = globe.person("romeo")
    for node in ("news", "play"):
        romeo.subscribe(node)
    return romeo


def get(person: Person, node: str) -> dict[str, list[str]]:
    return fields(person.pubsub(f"<options node='{node}' jid='{ROMEO}'/>", "get"))


def put(person: Person, node: str, **options: str) -> Element:
    x = form("subscribe_options", **options)
    return person.pubsub(f"<options node='{node}' jid='{ROMEO}'>{x}</options>")


def test_17_4_2_it_is_an_option_where_there_is_a_way_to_make_bodies(romeo) -> None:
    assert get(romeo, "news")[INCLUDE] == ["0"]
    assert put(romeo, "news", include_body="true").get("type") == "result"
    assert get(romeo, "news")[INCLUDE] == ["1"]
    put(romeo, "news", deliver="1")
    assert get(romeo, "news")[INCLUDE] == ["1"]


def test_13_8_it_is_none_where_there_is_not(romeo) -> None:
    assert INCLUDE not in get(romeo, "play")
    assert error(put(romeo, "play", include_body="1")) == ("bad-request", "invalid-options")
    assert put(romeo, "play", include_body="0").get("type") == "result"


def test_6_3_7_with_the_subscription(romeo) -> None:
    chosen = form("subscribe_options", include_body="1")

    def subscribe(node: str) -> Element:
        subscribe = f"<subscribe node='{node}' jid='{ROMEO}/garden'/>"
        return romeo.pubsub(f"{subscribe}<options>{chosen}</options>")

    assert fields(subscribe("news"))[INCLUDE] == ["1"]
    assert error(subscribe("play")) == ("bad-request", "invalid-options")


def test_6_4_in_the_defaults_of_a_node(romeo) -> None:
    assert fields(romeo.pubsub("<default node='news'/>", "get"))[INCLUDE] == ["0"]
    for default in ("<default node='play'/>", "<default/>"):
        assert INCLUDE not in fields(romeo.pubsub(default, "get"))


def test_a_collection_has_no_payloads_to_make_them_of(globe, juliet, romeo) -> None:
    opened(juliet, "plays", node_type="collection", type=ATOM)
    romeo.subscribe("plays")
    assert INCLUDE not in get(romeo, "plays")
    assert error(put(romeo, "plays", include_body="1")) == ("bad-request", "invalid-options")


def test_a_wish_outlives_what_a_node_is_set_up_as_meanwhile(globe, juliet, romeo) -> None:
    put(romeo, "news", include_body="1")
    juliet.configure("news", type="")
    put(romeo, "news", deliver="1")
    assert INCLUDE not in get(romeo, "news")
    juliet.configure("news", type=ATOM)
    assert get(romeo, "news")[INCLUDE] == ["1"]


def test_options_that_were_kept_before_there_was_this_one() -> None:
    assert restored({"deliver": False}) == DEFAULT.change(deliver=False)
    wanting = DEFAULT.change(include_body=True)
    assert stored(wanting) == {"include_body": True}
    assert restored(stored(wanting)) == wanting


# ---------------------------------------------------------------------- body_xslt


@pytest.fixture
def owner() -> Person:
    """Who owns a node where the operator has put transformations in place."""
    globe = Globe(bodies={URL: bytes.decode, OTHER: repr}).start()
    juliet = globe.person("juliet")
    opened(juliet, "play")
    return juliet


def config(person: Person, node: str = "play") -> Element:
    return person.pubsub(f"<configure node='{node}'/>", "get", owner=True)


def test_17_4_4_a_node_may_have_one_of_the_operators(owner) -> None:
    assert fields(config(owner))[XSLT] == []
    options = [each.findtext(f"{X}value") for each in config(owner).iter(f"{X}option")]
    assert {URL, OTHER} <= set(options)
    assert owner.configure("play", body_xslt=URL).get("type") == "result"
    assert fields(config(owner))[XSLT] == [URL]
    owner.globe.again()
    assert fields(config(owner))[XSLT] == [URL]
    romeo = owner.globe.person("romeo")
    romeo.subscribe("play")
    assert put(romeo, "play", include_body="1").get("type") == "result"
    assert owner.configure("play", body_xslt="").get("type") == "result"
    assert fields(config(owner))[XSLT] == []
    assert INCLUDE not in get(romeo, "play")


def test_8_2_5_2_and_no_other(owner) -> None:
    answer = owner.configure("play", body_xslt="http://127.0.0.1/mine.xslt", title="x")
    assert error(answer) == ("not-acceptable",)
    assert text(answer) == f"{XSLT}: one of the options is wanted"
    assert fields(config(owner))["pubsub#title"] == [""]
    assert error(owner.create("new", body_xslt="file:///etc/passwd")) == ("not-acceptable",)


def test_7_1_5_it_may_be_wanted_to_be_one_of_them(owner) -> None:
    owner.configure("play", body_xslt=URL)
    assert owner.publish("play", body_xslt=URL).get("type") == "result"
    assert error(owner.publish("play", body_xslt=OTHER)) == ("conflict", "precondition-not-met")


def test_one_that_is_no_more_is_none(owner) -> None:
    """The operator has taken it away: the form can be sent back all the same."""
    owner.globe.set_up("play", body_xslt="http://example.org/gone.xslt")
    said = fields(config(owner))
    assert said[XSLT] == []
    assert owner.configure("play", body_xslt="", title="x").get("type") == "result"


def test_where_there_are_none_there_is_no_such_field(juliet) -> None:
    """What is not offered is as unknown as any other: left out, or, if it has to be, refused."""
    for asked in ("<configure node='play'/>", "<default/>"):
        assert XSLT not in fields(juliet.pubsub(asked, "get", owner=True))
    assert juliet.configure("play", body_xslt=URL, title="x").get("type") == "result"
    assert juliet.globe.node("play").settings.body_xslt == ""
    unknown = juliet.publish("play", body_xslt=URL)
    assert error(unknown) == ("not-acceptable",)
