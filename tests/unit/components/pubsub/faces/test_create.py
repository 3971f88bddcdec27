"""Creating nodes (XEP-0060 §8.1, XEP-0248 §7.1)."""

from __future__ import annotations

import pytest

from tests.support.pubsub import Globe, P, Person, error, form
from tests.support.server import DOMAIN


def test_8_1_1_a_node_is_created_and_is_its_creators(juliet: Person, romeo: Person) -> None:
    answer = juliet.create("princely_musings")
    assert answer.get("type") == "result"
    assert answer.find(f".//{P}create").get("node") == "princely_musings"
    assert juliet.publish("princely_musings").get("type") == "result"
    assert error(romeo.configure("princely_musings", title="Romeo's")) == ("forbidden",)


def test_8_1_1_who_may_not_create_nodes_is_forbidden_whether_there_is_one_or_not() -> None:
    globe = Globe(create="admins", admins=["nurse@capulet.lit"]).start()
    nurse, juliet = globe.person("nurse"), globe.person("juliet")
    assert nurse.create("play").get("type") == "result"
    assert error(juliet.create("play")) == error(juliet.create("other")) == ("forbidden",)


def test_8_1_1_nobody_creates_nodes_at_anothers_account(juliet: Person, romeo: Person) -> None:
    assert error(romeo.create("tune", to=f"juliet@{DOMAIN}")) == ("forbidden",)
    assert juliet.create("tune", to="").get("type") == "result"


def test_8_1_1_a_node_that_is_there_is_a_conflict(juliet: Person, romeo: Person) -> None:
    juliet.create("play")
    assert error(romeo.create("play")) == ("conflict",)
    assert error(juliet.create("play")) == ("conflict",)
    assert juliet.publish("play").get("type") == "result"


def test_8_1_1_an_instant_node_has_a_name_of_its_own(juliet: Person) -> None:
    names = set()
    for _ in range(2):
        answer = juliet.pubsub("<create/>")
        names.add(answer.find(f".//{P}create").get("node"))
    assert len(names) == 2
    for name in names:
        assert juliet.publish(name or "").get("type") == "result"


@pytest.mark.parametrize(
    "name",
    [
        "O" * 1_023,
        "http://jabber.org/protocol/tune",
        "Größe ist nicht alles",
        "🎭 & <the> 'globe'",
        "two  spaces",
        " ",
        "a/b/c",
        "Ünïcode ☾ 劇場",
    ],
)
def test_4_6_any_text_is_a_nodeid(juliet: Person, name: str) -> None:
    assert juliet.create(name).get("type") == "result"
    assert juliet.publish(name, id_="1").get("type") == "result"
    assert juliet.ids(name) == ["1"]


@pytest.mark.parametrize(
    "name",
    [
        "O" * 1_024,
        "ö" * 512,
        "Ⅳ",
        "soft\u00adhyphen",
        "no\u00a0break",
        "bell\u0085",
        "\u202eright to left",
    ],
)
def test_4_6_2_what_resourceprep_would_change_is_no_nodeid(juliet: Person, name: str) -> None:
    for to in ("", "pubsub.capulet.lit"):
        assert error(juliet.create(name, to=to)) == ("not-acceptable",)


def test_a_user_may_have_so_many_nodes() -> None:
    globe = Globe(nodes=2).start()
    juliet = globe.person("juliet")
    juliet.create("one")
    juliet.create("two")
    assert error(juliet.create("three")) == ("resource-constraint",)
    juliet.pubsub("<delete node='one'/>", owner=True)
    assert juliet.create("three").get("type") == "result"


def test_8_1_3_it_is_set_up_as_is_wished(juliet: Person, romeo: Person) -> None:
    assert juliet.create("secret", access_model="whitelist").get("type") == "result"
    assert error(romeo.subscribe("secret")) == ("not-allowed", "closed-node")


def test_8_1_3_an_empty_configure_is_the_default(juliet: Person, romeo: Person) -> None:
    assert juliet.pubsub("<create node='play'/><configure/>").get("type") == "result"
    assert romeo.subscribe("play").get("type") == "result"


def test_8_1_2_an_access_model_that_there_is_not_creates_nothing(juliet: Person) -> None:
    expected = ("not-acceptable", "unsupported-access-model")
    assert error(juliet.create("play", access_model="locked")) == expected
    assert error(juliet.publish("play")) == ("item-not-found",)


def test_8_1_3_configure_stands_behind_create_and_names_no_node(juliet: Person) -> None:
    said = form("node_config", title="A play")
    for wrong in (
        f"<configure>{said}</configure><create node='play'/>",
        f"<create node='play'/><configure node='play'>{said}</configure>",
        "<create node='play'/><configure node='play'/>",
        "<create node='play'/><configure><x xmlns='jabber:x:data' type='cancel'/></configure>",
        "<create node='play'/><configure><y/></configure>",
    ):
        assert error(juliet.pubsub(wrong)) == ("bad-request",)
    assert error(juliet.publish("play")) == ("item-not-found",)


def test_nodes_are_there_when_the_process_is_another_one(globe: Globe, juliet: Person) -> None:
    juliet.create("play", title="Verona", max_items="3", access_model="authorize")
    before = juliet.pubsub("<configure node='play'/>", "get", owner=True)
    globe.again()
    after = juliet.pubsub("<configure node='play'/>", "get", owner=True)
    fields = [[v.text for v in each] for each in before.iter("{jabber:x:data}field")]
    assert [[v.text for v in each] for each in after.iter("{jabber:x:data}field")] == fields
