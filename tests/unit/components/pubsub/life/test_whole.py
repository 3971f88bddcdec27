"""What is in the store is in force, and told of, though its sender was told that it takes too long.

The store takes its time here: it has what it was asked to write, and says so when the test lets it.
"""

from __future__ import annotations

from collections.abc import Callable
from xml.etree.ElementTree import Element

import pytest
from twisted.internet.defer import CancelledError, Deferred

from components.pubsub.life.removal import Removal
from components.pubsub.model.bookmark import NATIVE, OLD
from components.pubsub.model.node import Address, Node
from components.pubsub.model.ranks import Affiliation
from components.pubsub.store.removal import SQLRemoval
from tests.support import held as support
from tests.support.deferred import result
from tests.support.held import Held, answers
from tests.support.pubsub import PUBSUB, Globe, Person, error, form, subscriptions
from tests.support.pubsub_items import held, told
from tests.support.server import DOMAIN
from xmppd import ns
from xmppd.jid import JID

ROMEO = JID.parse(f"romeo@{DOMAIN}")


@pytest.fixture
def play(globe: Globe, juliet: Person, romeo: Person) -> Node:
    """Juliet's, to which Romeo is subscribed."""
    juliet.create("play", notify_retract="true", notify_delete="true", notify_sub="true")
    romeo.subscribe("play")
    juliet.publish("play", id_="1")
    for each in (juliet, romeo):
        each.events()
    return globe.node("play")


def given_up(person: Person, ask: Callable[[], Element], *stores: Held) -> None:
    """Have somebody be told that what he asks for takes too long, and it be done then."""
    globe = person.globe
    support.given_up(person, ask, globe)
    assert [len(store) for store in stores] == [1] * len(stores)
    for store in stores:
        store.let_go()
    globe.pump()
    found = person.came()
    person.others += found
    assert [each.get("type") for each in found if each.get("id", "").startswith("q")] == []
    assert len(globe.component.work) == 0


def test_8_9_2_who_is_banned_is_banned(
    globe: Globe, juliet: Person, romeo: Person, play: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    writing = held(monkeypatch, globe.service.store, "affiliate")
    given_up(juliet, lambda: juliet.affiliate("play", romeo="outcast"), writing)
    assert play.affiliation(ROMEO) is Affiliation.OUTCAST
    assert list(play.subscriptions()) == []
    assert error(romeo.items("play")) == ("forbidden",)
    assert [each for event in romeo.events() for each in subscriptions(event)] == [(ROMEO, "none")]


def test_6_1_2_who_is_subscribed_gets_the_last_item_and_owners_hear_of_him(
    globe: Globe, juliet: Person, play: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    nurse = globe.person("nurse")
    writing = held(monkeypatch, globe.service.store, "subscribe")
    given_up(nurse, lambda: nurse.subscribe("play"), writing)
    assert told(nurse) == [("play", "item 1 <act>")]
    (event,) = juliet.events()
    assert subscriptions(event) == [(f"nurse@{DOMAIN}", "subscribed")]


def test_6_2_who_is_not_subscribed_any_more_is_told_of_nothing(
    globe: Globe, juliet: Person, romeo: Person, play: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    writing = held(monkeypatch, globe.service.store, "subscribe")
    given_up(romeo, lambda: romeo.unsubscribe("play"), writing)
    monkeypatch.undo()
    juliet.publish("play", id_="2")
    assert told(romeo) == []


def test_8_2_4_a_node_is_set_up_as_the_store_has_it_with_all_that_follows(
    globe: Globe, juliet: Person, romeo: Person, play: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    writing = held(monkeypatch, globe.service.store, "save")
    given_up(
        juliet,
        lambda: juliet.configure("play", access_model="whitelist", notify_config="true"),
        writing,
    )
    assert play.settings.access_model == "whitelist"
    assert list(play.subscriptions()) == [], "who is on no list is cancelled (§13.14)"
    assert not play.lock.locked


def test_8_1_and_xep_0248_what_comes_into_a_collection_is_told_of(
    globe: Globe, juliet: Person, romeo: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    juliet.create("plays", node_type="collection")
    inner = form("subscribe_options", subscription_type="nodes", subscription_depth="all")
    options = f"<options>{inner}</options>"
    romeo.pubsub(f"<subscribe node='plays' jid='{ROMEO}'/>{options}")
    writing = held(monkeypatch, globe.service.store, "create")
    given_up(juliet, lambda: juliet.create("act", collection="plays"), writing)
    assert globe.node("act").settings.collection == ("plays",)
    assert told(romeo) == [("act", "create")]
    inner = "<collection node='plays'><dissociate node='act'/></collection>"
    writing = held(monkeypatch, globe.service.store, "save")
    given_up(juliet, lambda: juliet.pubsub(inner, owner=True), writing)
    assert globe.node("act").settings.collection == ()
    assert len(romeo.events()) == 1


def test_8_4_a_node_that_is_gone_is_gone_and_that_is_told(
    globe: Globe, juliet: Person, romeo: Person, play: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    writing = held(monkeypatch, globe.service.store, "remove")
    given_up(juliet, lambda: juliet.pubsub("<delete node='play'/>", owner=True), writing)
    assert play.gone
    assert told(romeo) == [("play", "delete")]


@pytest.mark.parametrize(
    "name, ask, event",
    [
        ("publish", lambda who: who.publish("play", id_="2"), "item 2 <act>"),
        ("retract", lambda who: who.retract("play", "1"), "retract 1"),
        ("purge", lambda who: who.pubsub("<purge node='play'/>", owner=True), "purge"),
    ],
)
def test_7_and_8_5_whatever_becomes_of_items_is_told_of(
    globe: Globe,
    juliet: Person,
    romeo: Person,
    play: Node,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    ask: Callable[[Person], Element],
    event: str,
) -> None:
    changes = play.changes
    writing = held(monkeypatch, globe.service.items, name)
    given_up(juliet, lambda: ask(juliet), writing)
    assert told(romeo) == [("play", event)]
    assert (play.changes, play.publishing) == (changes + 1, 0)


def test_nobody_is_sent_the_last_item_while_a_newer_one_is_on_its_way(
    globe: Globe, juliet: Person, play: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However long: it would come behind the newer one."""
    writing = held(monkeypatch, globe.service.items, "publish")
    support.given_up(juliet, lambda: juliet.publish("play", id_="2"), globe)
    nurse = globe.person("nurse")
    nurse.subscribe("play")
    assert told(nurse) == []
    writing.let_go()
    globe.pump()
    assert told(nurse) == [("play", "item 2 <act>")]


def test_a_node_is_nobody_elses_until_the_write_has_ended(
    globe: Globe, juliet: Person, romeo: Person, play: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who asks for something meanwhile is answered in time as well, and nothing comes of it."""
    writing = held(monkeypatch, globe.service.store, "subscribe")
    nurse = globe.person("nurse")
    support.given_up(nurse, lambda: nurse.subscribe("play"), globe)
    support.given_up(romeo, lambda: romeo.unsubscribe("play"), globe)
    assert len(writing) == 1
    writing.let_go()
    globe.pump()
    assert sorted(each.jid for each in play.subscriptions()) == [f"nurse@{DOMAIN}", ROMEO]
    assert answers(romeo) == answers(nurse) == []


def test_several_nodes_are_waited_for_and_let_go_of(
    globe: Globe, juliet: Person, play: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    """XEP-0248 §7.1: whoever is given up on has none of them any more."""
    juliet.create("other")
    nurse = globe.person("nurse")
    writing = held(monkeypatch, globe.service.store, "subscribe")
    support.given_up(nurse, lambda: nurse.subscribe("other"), globe)
    inner = {"node_type": "collection", "children": ["play", "other"]}
    support.given_up(juliet, lambda: juliet.create("plays", **inner), globe)  # type: ignore[arg-type]
    assert not play.lock.locked
    writing.let_go()
    globe.pump()
    assert not globe.node("other").lock.locked
    assert globe.service.nodes.at_hand(Address(JID.parse(PUBSUB), "plays")) is None


def test_who_is_forgotten_is_forgotten_in_memory_too(
    globe: Globe, romeo: Person, play: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server asks again, but may take its time: whoever makes the account anew is there."""
    assert globe.database is not None
    service, store = globe.service, SQLRemoval(globe.database)
    removal = Removal(service.nodes, service.store, store, service.configuring, service.rosters)
    writing = held(monkeypatch, store, "forget")
    forgetting = Deferred.fromCoroutine(removal.forget(ROMEO))
    forgetting.cancel()
    assert forgetting.paused
    writing.let_go()
    assert list(play.subscriptions()) == []
    with pytest.raises(CancelledError):
        result(forgetting)


def test_xep_0402_5_3_old_and_new_clients_have_the_same_bookmarks(
    globe: Globe, juliet: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = "cell@conference.capulet.lit"
    storage = f"<storage xmlns='{OLD}'><conference jid='{room}'/></storage>"
    writing = held(monkeypatch, globe.service.items, "publish")
    query = f"<query xmlns='{ns.PRIVATE}'>{storage}</query>"
    # The server, which has delegated it, waits for less than a minute.
    support.given_up(juliet, lambda: juliet.ask(query, "set", ""), globe, "service-unavailable")
    for _ in range(3):
        writing.let_go()
        globe.pump()
    monkeypatch.undo()
    assert juliet.ids(NATIVE, "") == [room]
    assert juliet.ids(OLD, "") == ["current"]
