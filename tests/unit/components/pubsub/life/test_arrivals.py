"""Subscribers who come online are sent last items (XEP-0060 §6.1.7, XEP-0163 §4.3.4)."""

from __future__ import annotations

import pytest

from components.common.pauses import PAUSE
from components.pubsub.life import arrivals
from components.pubsub.life.arrivals import PATIENCE
from components.pubsub.store.relations import SQLRelations
from tests.support.interests import TUNE, node, want
from tests.support.pubsub import Globe, Person, befriend, form, subid
from tests.support.pubsub_items import Held, held
from tests.support.server import DOMAIN
from xmppd import ns

JULIET, ROMEO = f"juliet@{DOMAIN}", f"romeo@{DOMAIN}"
STREET, GARDEN = f"{ROMEO}/street", f"{ROMEO}/garden"


@pytest.fixture
def juliet(globe: Globe) -> Person:
    juliet = globe.person("juliet")
    juliet.create("play")
    juliet.publish("play", id_="1")
    return juliet


@pytest.fixture
def romeo(globe: Globe, juliet: Person) -> Person:
    return globe.person("romeo")


def leave(person: Person) -> None:
    person.send("<presence type='unavailable'/>")
    person.events()


def come(person: Person, inner: str = "") -> list[tuple[str, str]]:
    """Be there, and say at which addresses one is told of which items."""
    person.send(f"<presence>{inner}</presence>")
    return told(person)


def told(person: Person) -> list[tuple[str, str]]:
    found = [each.find(".//*[@id]").get("id", "") for each in person.events()]
    return [(each.get("to", ""), id_) for each, id_ in zip(person.messages, found, strict=True)]


def subscribe(person: Person, jid: str = ROMEO, to: str = "", **options: str | list[str]) -> str:
    """Subscribe with options; the SubID."""
    x = form("subscribe_options", **options)
    inner = f"<subscribe node='play' jid='{jid}'/><options>{x}</options>"
    answer = person.pubsub(inner, **({"to": to} if to else {}))
    person.events()
    return subid(answer)


def test_6_1_7_who_comes_is_sent_the_last_item(globe, juliet, romeo) -> None:
    romeo.subscribe("play")
    leave(romeo)
    juliet.publish("play", id_="2")
    assert come(romeo) == [(ROMEO, "2")]
    (message,) = romeo.messages
    assert message.get("type") == "headline"
    assert message.find(f"{{{ns.DELAY}}}delay") is not None


def test_6_1_7_once_and_not_with_each_presence_and_resource(globe, juliet, romeo) -> None:
    romeo.subscribe("play")
    leave(romeo)
    assert come(romeo) == [(ROMEO, "1")]
    assert come(romeo, "<show>away</show>") == []
    garden = globe.person("romeo", "garden")
    leave(garden)
    assert [come(garden), told(romeo)] == [[], []]


def test_6_1_7_a_full_jid_is_told_when_that_one_comes(globe, juliet, romeo) -> None:
    romeo.subscribe("play", jid=STREET)
    leave(romeo)
    garden = globe.person("romeo", "garden")
    leave(garden)
    assert come(garden) == []
    assert come(romeo) == [(STREET, "1")]
    assert told(garden) == []


def test_6_1_6_with_the_subids_of_several_subscriptions(globe, juliet, romeo) -> None:
    ids = {subscribe(romeo), subscribe(romeo)}
    silent = subscribe(romeo, deliver="0")
    leave(romeo)
    assert come(romeo) == [(ROMEO, "1")]
    (message,) = romeo.messages
    headers = {each.text for each in message.iter() if each.get("name") == "SubID"}
    assert headers == ids
    assert silent not in headers


@pytest.mark.parametrize(
    "settings",
    [
        {"send_last_published_item": "never"},
        {"send_last_published_item": "on_sub"},
        {"deliver_notifications": False},
        {"access_model": "whitelist"},
    ],
    ids=str,
)
@pytest.mark.parametrize("is_open", [True, False], ids=["open", "closed"])
def test_17_4_4_a_node_may_send_none(globe, juliet, romeo, settings, is_open) -> None:
    """§15.3: and none to who may not read it any more."""
    romeo.subscribe("play")
    leave(romeo)
    globe.set_up("play", **settings)
    if not is_open:
        globe.service.nodes.clear()
    assert come(romeo) == []


def test_6_3_who_wants_no_notifications_gets_none(globe, juliet, romeo) -> None:
    subscribe(romeo, deliver="0")
    leave(romeo)
    assert come(romeo) == []


def test_17_4_2_only_who_shows_what_he_has_said(globe, juliet, romeo) -> None:
    subscribe(romeo, **{"show-values": ["chat", "online"]})
    leave(romeo)
    assert come(romeo, "<show>dnd</show>") == []
    garden = globe.person("romeo", "garden")
    leave(garden)
    assert come(garden) == [(GARDEN, "1")]


def test_8_7_who_waits_for_approval_gets_none(globe, juliet, romeo) -> None:
    globe.set_up("play", access_model="authorize")
    romeo.subscribe("play")
    leave(romeo)
    assert come(romeo) == []


def test_13_10_of_a_node_that_keeps_none(globe, juliet, romeo) -> None:
    globe.set_up("play", persist_items=False)
    juliet.publish("play", id_="2")
    romeo.subscribe("play")
    leave(romeo)
    assert come(romeo) == [(ROMEO, "2")]


def test_a_node_without_items_is_not_opened(globe, juliet, romeo) -> None:
    juliet.create("sonnets")
    romeo.subscribe("sonnets")
    leave(romeo)
    globe.service.nodes.clear()
    assert come(romeo) == []
    assert globe.service.nodes.opened() == []


def test_nobody_is_told_of_an_older_item_behind_a_newer(globe, juliet, romeo, monkeypatch) -> None:
    """What is published while the last item is looked for is told of alone."""
    romeo.subscribe("play")
    leave(romeo)
    last = held(monkeypatch, globe.service.items, "last")
    assert come(romeo) == []
    juliet.publish("play", id_="2")
    last.let_go()
    assert told(romeo) == [(ROMEO, "2")]


def test_who_has_gone_meanwhile_is_sent_nothing(globe, juliet, romeo, monkeypatch) -> None:
    romeo.subscribe("play", jid=STREET)
    leave(romeo)
    slow = held(monkeypatch, globe.service.relations, "nodes_of")
    come(romeo)
    leave(romeo)
    monkeypatch.undo()
    slow.let_go()
    assert told(romeo) == []


def test_15_3_who_may_read_it_no_more_when_it_is_found_is_sent_nothing(
    globe, juliet, romeo, monkeypatch
) -> None:
    romeo.subscribe("play")
    leave(romeo)
    last = held(monkeypatch, globe.service.items, "last")
    assert come(romeo) == []
    globe.set_up("play", access_model="whitelist")
    last.let_go()
    assert told(romeo) == []


def test_of_many_nodes_each_once_page_by_page(globe, juliet, romeo, monkeypatch) -> None:
    monkeypatch.setattr(arrivals, "PAGE", 2)
    for number in range(5):
        juliet.create(f"play{number}")
        juliet.publish(f"play{number}", id_=str(number))
        romeo.subscribe(f"play{number}", jid=ROMEO if number % 2 else STREET)
    leave(romeo)
    assert [id_ for _, id_ in come(romeo)] == ["0", "1", "2", "3", "4"]


def test_only_so_many_wait(globe, juliet, romeo, monkeypatch) -> None:
    """Who comes on top of them is told of what is published."""
    romeo.subscribe("play")
    leave(romeo)
    monkeypatch.setattr(arrivals, "MOST", 0)
    assert come(romeo) == []
    juliet.publish("play", id_="2")
    assert told(romeo) == [(ROMEO, "2")]


def test_while_the_server_is_behind_nobody_is_told(globe, juliet, romeo, monkeypatch) -> None:
    romeo.subscribe("play")
    leave(romeo)
    with monkeypatch.context() as behind:
        behind.setattr(type(globe.component), "behind", True)
        assert come(romeo) == []
    globe.pass_time(PAUSE)
    assert told(romeo) == [(ROMEO, "1")]


def test_who_has_no_subscriptions_costs_his_part_of_one_query(globe, juliet, monkeypatch) -> None:
    asked: list[set[str]] = []
    subscribed = Held(globe.service.relations.subscribed)

    def counted(bares):
        asked.append({str(each) for each in bares})
        return subscribed(bares)

    monkeypatch.setattr(globe.service.relations, "subscribed", counted)
    monkeypatch.setattr(SQLRelations, "nodes_of", None)
    for name in ("romeo", "nurse", "tybalt", "paris", "friar", "benvolio", "mercutio"):
        globe.person(name)
    subscribed.let_go()
    globe.pump()
    assert asked[-1] == {f"{name}@{DOMAIN}" for name in ("friar", "benvolio", "mercutio")}
    assert len(asked) == 5


# ---------------------------------------------------------------------- accounts


@pytest.fixture
def tune(globe: Globe, juliet: Person) -> None:
    """An account's node that everybody may read."""
    node(globe, TUNE, access_model="open")
    juliet.publish(TUNE, id_="1", to="")


def test_0163_4_3_4_who_has_subscribed_at_an_account(globe, juliet, romeo, tune) -> None:
    """Each resource, at its full JID (§4.3.1)."""
    romeo.subscribe(TUNE, to=JULIET)
    leave(romeo)
    assert told(want(romeo, "urn:example:other")) == [(STREET, "1")]
    garden = globe.person("romeo", "garden")
    leave(garden)
    assert told(want(garden, "urn:example:other")) == [(GARDEN, "1")]
    assert told(romeo) == []


def test_0163_4_3_4_no_contact_but_his_client_wants_it(globe, juliet, romeo, tune) -> None:
    romeo.subscribe(TUNE, to=JULIET)
    leave(romeo)
    assert told(want(romeo, TUNE)) == [(STREET, "1")]
    globe.pass_time(PATIENCE)
    assert told(romeo) == []


def test_0163_4_3_2_a_contact_who_has_subscribed_as_well_is_told_once(
    globe, juliet, romeo, tune
) -> None:
    befriend(juliet, romeo)
    romeo.subscribe(TUNE, to=JULIET)
    for _ in range(2):
        leave(romeo)
        assert told(want(romeo, TUNE)) == [(STREET, "1")]
        globe.pass_time(PATIENCE)
        assert told(romeo) == []


def test_0163_4_3_4_who_never_says_what_he_wants(globe, juliet, romeo, tune) -> None:
    befriend(juliet, romeo)
    romeo.subscribe(TUNE, to=JULIET)
    romeo.subscribe("play")
    leave(romeo)
    assert come(romeo) == [(ROMEO, "1")]  # of the play
    globe.pass_time(PATIENCE)
    assert told(romeo) == [(STREET, "1")]


def test_of_another_account_that_is_no_contact_any_more(globe, juliet, romeo) -> None:
    """§15.3."""
    where = node(globe, TUNE)
    befriend(juliet, romeo)
    romeo.subscribe(TUNE, to=JULIET)
    juliet.publish(TUNE, id_="1", to="")
    leave(romeo)
    where.settings = where.settings.change(access_model="whitelist")
    assert told(want(romeo, "urn:example:other")) == []
