"""Publishing options, through the core (XEP-0060 §7.1.5)."""

from __future__ import annotations

import pytest

from components.pubsub.model.node import Address
from components.pubsub.model.settings import Settings
from tests.support.pubsub import ACT, NS, PUBSUB, Globe, Person, error, form
from tests.support.pubsub_items import done, held, opened, told
from xmppd import ns

NOT_MET = ("conflict", "precondition-not-met")


def with_options(person: Person, options: str, to: str = PUBSUB) -> tuple[str, ...]:
    """Publish with what is written; the conditions of the error, none where there is none."""
    answer = person.pubsub(
        f"<publish node='play'><item id='1'>{ACT}</item></publish>"
        f"<publish-options>{options}</publish-options>",
        to=to,
    )
    return () if answer.get("type") == "result" else error(answer)


def test_7_1_5_what_is_met_is_published(juliet: Person, romeo: Person) -> None:
    opened(
        juliet,
        access_model="open",
        max_items=3,
        roster_groups_allowed=("Friends", "House"),
        title="A play",
    )
    romeo.subscribe("play")
    met = form(
        "publish-options",
        access_model="open",
        persist_items="true",
        max_items="3",
        roster_groups_allowed=["House", "Friends"],
        title="A play",
        itemreply="none",
    )
    assert with_options(juliet, met) == ()
    assert told(romeo) == [("play", "item 1 <act>")]


@pytest.mark.parametrize(
    "option",
    [
        {"access_model": "whitelist"},
        {"persist_items": "0"},
        {"max_items": "4"},
        {"max_items": "max"},
        {"roster_groups_allowed": ["House"]},
        {"item_expire": "60"},
        {"send_last_published_item": "never"},
        {"itemreply": "publisher"},
        {"title": ""},
    ],
)
def test_7_1_5_what_is_not_met_is_not(juliet: Person, option: dict[str, str | list[str]]) -> None:
    """And the node stays as it is: options are no configuration."""
    node = opened(juliet, max_items=3, title="A play")
    settings = node.settings
    wanted = form("publish-options", deliver_payloads="1", **option)
    assert with_options(juliet, wanted) == NOT_MET
    assert juliet.ids("play") == []
    assert node.settings is settings


@pytest.mark.parametrize(
    "option", [{"roster_groups_allowed": "Friends"}, {"collection": "secrets"}]
)
def test_7_1_5_nobody_but_owners_finds_out_by_options_what_is_not_his_business(
    juliet: Person, romeo: Person, option: dict[str, str | list[str]]
) -> None:
    """§8.2.5.3: what subscribers are not told of."""
    juliet.create("secrets", node_type="collection", access_model="whitelist")
    juliet.create(
        "play",
        publish_model="open",
        access_model="roster",
        roster_groups_allowed="Friends",
        collection="secrets",
    )
    wanted = form("publish-options", **option)
    assert with_options(romeo, wanted) == NOT_MET
    assert with_options(romeo, form("publish-options", publish_model="open")) == ()
    assert with_options(juliet, wanted) == ()


def test_7_1_5_max_is_the_number_that_it_means() -> None:
    juliet = Globe(items=100, expire=60).start().person("juliet")
    opened(juliet, max_items=100, item_expire=60)
    wanted = form("publish-options", max_items="max", item_expire="max")
    assert with_options(juliet, wanted) == ()
    wanted = form("publish-options", max_items="100", item_expire="60")
    assert with_options(juliet, wanted) == ()


def test_7_1_5_fields_that_nobody_knows_are_refused(juliet: Person) -> None:
    """MUST: whether the node is there or not."""
    unknown = form("publish-options", unheard_of="1")
    own = unknown.replace("pubsub#unheard_of", "access_model")
    for options in (unknown, own):
        assert with_options(juliet, options)[0] == "not-acceptable"
        assert with_options(juliet, options, "")[0] == "not-acceptable"
        assert error(juliet.items("play", "")) == ("item-not-found",)
    opened(juliet)
    for options in (unknown, own):
        assert with_options(juliet, options)[0] == "not-acceptable"
    assert juliet.ids("play") == []


@pytest.mark.parametrize(
    "options",
    [
        "",
        f"<x xmlns='{ns.DATA_FORM}' type='submit'/>",
        form("node_config", access_model="open"),
        form("publish-options", access_model="open").replace("submit", "cancel"),
        form("publish-options", access_model=["open", "open"]),
    ],
)
def test_7_1_5_what_is_no_such_form_is_refused(juliet: Person, options: str) -> None:
    opened(juliet)
    assert with_options(juliet, options) == ("bad-request",)
    assert with_options(juliet, options, "") == ("bad-request",)
    assert juliet.ids("play") == []


def test_7_1_5_values_that_there_can_not_be_are_refused(juliet: Person) -> None:
    opened(juliet)
    for option in ({"max_items": "many"}, {"persist_items": "perhaps"}, {"access_model": "secret"}):
        assert with_options(juliet, form("publish-options", **option))[0] == "not-acceptable"
    assert juliet.ids("play") == []


def test_7_1_5_a_node_that_is_made_is_as_is_wanted(juliet: Person, romeo: Person) -> None:
    """§7.1.4: and as in most otherwise."""
    answer = juliet.publish(
        "urn:xmpp:bookmarks:1",
        id_="theplay@conference.shakespeare.lit",
        to="",
        persist_items="true",
        max_items="max",
        send_last_published_item="never",
        access_model="whitelist",
    )
    assert answer.get("type") == "result"
    wanted = romeo.items("urn:xmpp:bookmarks:1", "juliet@capulet.lit")
    assert error(wanted) == ("not-allowed", "closed-node")
    for id_ in ("1", "2"):
        juliet.publish("urn:xmpp:bookmarks:1", id_=id_, to="")
    assert len(juliet.ids("urn:xmpp:bookmarks:1", "")) == 3
    settings = done(juliet, _settings(juliet, "urn:xmpp:bookmarks:1"))
    assert (settings.send_last_published_item, settings.max_items) == ("never", -1)
    assert settings.presence_based_delivery, "as in all of an account"


async def _settings(person: Person, name: str) -> Settings:
    node = await person.globe.service.nodes.open(Address(person.jid.bare, name))
    assert node is not None
    return node.settings


def test_7_1_5_no_node_is_made_for_what_can_not_be_published(juliet: Person) -> None:
    big = f"<x xmlns='urn:example:play'>{'o' * 100}</x>"
    refused = juliet.publish("play", big, to="", max_payload_size="100")
    assert error(refused) == ("not-acceptable", "payload-too-big")
    refused = juliet.publish("play", to="", type="urn:example:ballad")
    assert error(refused) == ("bad-request", "invalid-payload")
    refused = juliet.publish("play", to="", persist_items="0", deliver_payloads="0")
    assert error(refused) == ("bad-request", "item-forbidden")
    assert error(juliet.items("play", "")) == ("item-not-found",)


def test_7_1_5_collections_are_not_made_by_publishing(juliet: Person) -> None:
    """XEP-0248: nothing can be published to them."""
    refused = juliet.publish("play", to="", node_type="collection")
    assert refused.get("type") == "error"
    assert error(juliet.items("play", "")) == ("item-not-found",)


def test_7_1_5_nobody_else_makes_a_node(juliet: Person, romeo: Person) -> None:
    refused = romeo.publish("play", to="juliet@capulet.lit", access_model="open")
    assert error(refused) == ("item-not-found",)
    refused = juliet.publish("play", to=PUBSUB, access_model="open")
    assert error(refused) == ("item-not-found",), "nor at the domain (§7.1.4)"


def test_7_1_4_some_who_make_a_node_at_once(
    globe: Globe, juliet: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All publish; what the others want of it is held against what the first has made."""
    garden = globe.person("juliet", "garden")
    options = "<publish-options>{}</publish-options>"
    looking = held(monkeypatch, globe.service.store, "load")
    wishes = ((juliet, "1", "open"), (garden, "2", "open"), (garden, "3", "roster"))
    for person, id_, model in wishes:
        wanted = options.format(form("publish-options", access_model=model, max_items="5"))
        person.client.send(
            f"<iq type='set' id='{id_}'><pubsub xmlns='{NS}'>"
            f"<publish node='play'><item id='{id_}'>{ACT}</item></publish>{wanted}</pubsub></iq>"
        )
    globe.pump()
    looking.let_go()
    answers = {each.get("id"): each for person in (juliet, garden) for each in person.came()}
    assert [answers[id_].get("type") for id_ in "123"] == ["result", "result", "error"]
    assert error(answers["3"]) == NOT_MET
    assert juliet.ids("play", "") == ["1", "2"]
