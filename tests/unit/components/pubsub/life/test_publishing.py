"""What happens to items behind the requests: order, last items, nodes that are set up otherwise."""

from __future__ import annotations

from xml.etree.ElementTree import tostring

import pytest
from twisted.internet.defer import Deferred, fail

from components.common import datetimes
from components.pubsub import events
from components.pubsub.life import publishing
from components.pubsub.model.node import Node
from components.pubsub.store.stored import NodeFull
from tests.support.deferred import result
from tests.support.pubsub import ACT, NS, PUBSUB, E, Globe, Person, error, form
from tests.support.pubsub_items import done, entry, given, held, opened, told
from xmppd import ns
from xmppd.errors import StanzaError, StoreError
from xmppd.jid import JID

DELAY = f"{{{ns.DELAY}}}delay"


def send_last(owner: Person, node: Node, *to: Person, subids: tuple[str, ...] = ()) -> None:
    """Have people be sent the last item."""
    jids = [each.jid for each in to]
    done(owner, owner.globe.service.publishing.send_last(node, jids, subids))


# ---------------------------------------------------------------------- the last item


def test_6_1_7_the_last_item_comes_with_when_it_was_published(
    globe: Globe, juliet: Person, romeo: Person
) -> None:
    node = opened(juliet)
    juliet.publish("play", id_="1")
    juliet.publish("play", id_="2")
    published = globe.server.clock.seconds()
    globe.pass_time(60)
    send_last(juliet, node, romeo, subids=("123-abc", "004-yyy"))
    assert told(romeo) == [("play", "item 2 <act>")]
    (message,) = romeo.messages
    assert message.get("type") == "headline"
    _, delay, headers = message
    assert (delay.tag, delay.get("stamp")) == (DELAY, datetimes.written(published))
    assert [each.text for each in headers] == ["123-abc", "004-yyy"], "§7.1.2.4: the last child"


def test_6_1_7_as_the_node_tells_of_items(juliet: Person, romeo: Person) -> None:
    node = opened(juliet, deliver_payloads=False, itemreply="publisher", notification_type="normal")
    juliet.publish("play", id_="1")
    send_last(juliet, node, romeo)
    assert told(romeo) == [("play", f"item 1 {juliet.jid}")]
    assert romeo.messages[0].get("type") is None
    node.settings = node.settings.change(itemreply="owner")
    send_last(juliet, node, romeo)
    assert told(romeo) == [("play", f"item 1 {juliet.jid.bare}")]
    silent = opened(juliet, "silence", deliver_notifications=False)
    juliet.publish("silence", id_="1")
    send_last(juliet, silent, romeo)
    assert told(romeo) == []


def test_6_1_7_there_may_be_none(juliet: Person, romeo: Person) -> None:
    for name, settings in (
        ("play", {}),
        ("tune", {"persist_items": False}),
        ("plays", {"node_type": "collection"}),
    ):
        node = opened(juliet, name, **settings)
        send_last(juliet, node, romeo)
        assert done(juliet, juliet.globe.service.publishing.last(node)) is None
    assert told(romeo) == []


def test_13_10_the_last_one_is_known_though_it_is_not_kept(juliet: Person, romeo: Person) -> None:
    node = opened(juliet, persist_items=False)
    juliet.publish("play", id_="1")
    juliet.publish("play", id_="2")
    send_last(juliet, node, romeo)
    assert told(romeo) == [("play", "item 2 <act>")]


def test_17_4_4_what_is_too_old_is_not_the_last_one(
    globe: Globe, juliet: Person, romeo: Person
) -> None:
    for name, keeps in (("play", True), ("tune", False)):
        node = opened(juliet, name, item_expire=60, persist_items=keeps)
        juliet.publish(name, id_="1")
        globe.pass_time(59)
        send_last(juliet, node, romeo)
        assert told(romeo) == [(name, "item 1 <act>")]
        globe.pass_time(1)
        send_last(juliet, node, romeo)
        assert told(romeo) == []


def test_7_2_the_one_before_is_the_last_where_the_last_is_deleted(
    juliet: Person, romeo: Person
) -> None:
    node = opened(juliet)
    juliet.publish("play", id_="1")
    juliet.publish("play", id_="2")
    juliet.retract("play", "2")
    send_last(juliet, node, romeo)
    assert told(romeo) == [("play", "item 1 <act>")]


@pytest.mark.parametrize("change", ["publish", "retract", "purge"])
def test_who_is_told_of_something_newer_is_not_told_of_what_was_before(
    globe: Globe, juliet: Person, romeo: Person, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    """An item that was being looked up when others came, or it went."""
    node = opened(juliet)
    juliet.publish("play", id_="1")
    romeo.subscribe("play")
    told(romeo)
    looking = held(monkeypatch, globe.service.items, "last")
    sending = globe.service.publishing.send_last(node, [romeo.jid])
    deferred = Deferred.fromCoroutine(sending)
    {
        "publish": lambda: juliet.publish("play", id_="2"),
        "retract": lambda: juliet.retract("play", "1"),
        "purge": lambda: juliet.pubsub("<purge node='play'/>", owner=True),
    }[change]()
    for _ in range(5):
        looking.let_go()
    assert deferred.called
    live = {"publish": "item 2 <act>", "retract": "retract 1", "purge": "purge"}[change]
    assert told(romeo) == [("play", live)]


def test_6_1_7_who_has_just_subscribed_is_told_once_of_what_is_being_published(
    globe: Globe, juliet: Person, romeo: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The store may have an item already of which nobody was told."""
    opened(juliet)
    storing = held(monkeypatch, globe.service.items, "publish")
    juliet.send(
        f"<iq type='set' id='p' to='{PUBSUB}'><pubsub xmlns='{NS}'>"
        f"<publish node='play'><item id='1'>{ACT}</item></publish></pubsub></iq>"
    )
    romeo.subscribe("play")
    assert told(romeo) == []
    storing.let_go()
    assert told(romeo) == [("play", "item 1 <act>")]
    assert romeo.messages[0].find(DELAY) is None


def test_6_1_7_the_last_one_is_sent_where_what_is_being_published_is_not_taken(
    globe: Globe, juliet: Person, romeo: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened(juliet)
    juliet.publish("play", id_="1")
    failing: Deferred[object] = Deferred()
    with monkeypatch.context() as patched:
        patched.setattr(globe.service.items, "publish", lambda *_, **__: failing)
        juliet.send(
            f"<iq type='set' id='p' to='{PUBSUB}'><pubsub xmlns='{NS}'>"
            f"<publish node='play'><item id='2'>{ACT}</item></publish></pubsub></iq>"
        )
    romeo.subscribe("play")
    assert told(romeo) == []
    failing.errback(StoreError("the disk is full"))
    assert told(romeo) == [("play", "item 1 <act>")]


# ---------------------------------------------------------------------- set up otherwise


def test_8_2_4_with_fewer_items_the_oldest_go(juliet: Person, romeo: Person) -> None:
    opened(juliet, max_items=5)
    for id_ in "12345":
        juliet.publish("play", id_=id_)
    romeo.subscribe("play")
    told(romeo)
    assert juliet.configure("play", max_items="2").get("type") == "result"
    assert juliet.ids("play") == ["4", "5"]
    assert told(romeo) == []
    juliet.configure("play", max_items="5", title="A play")
    assert juliet.ids("play") == ["4", "5"]


def test_8_2_4_and_are_told_of_where_they_are_retracted(juliet: Person, romeo: Person) -> None:
    opened(juliet, max_items=5, publish_node_full="retract-oldest")
    for id_ in "123":
        juliet.publish("play", id_=id_)
    romeo.subscribe("play")
    told(romeo)
    juliet.configure("play", max_items="1")
    assert told(romeo) == [("play", "retract 1", "retract 2")]


def test_8_2_4_a_node_that_keeps_none_any_more_has_none(juliet: Person, romeo: Person) -> None:
    """But the last one is known (§13.10), until another one is published."""
    node = opened(juliet)
    juliet.publish("play", id_="1")
    juliet.publish("play", id_="2")
    juliet.configure("play", persist_items="0")
    assert given(romeo.items("play")) == ["2"]
    send_last(juliet, node, romeo)
    assert told(romeo) == [("play", "item 2 <act>")]
    juliet.publish("play", id_="3")
    send_last(juliet, node, romeo)
    assert told(romeo) == [("play", "item 3 <act>")]
    assert given(romeo.items("play")) == ["3"]


def test_8_2_4_a_node_that_keeps_some_from_now_on_has_the_last_one(
    juliet: Person, romeo: Person
) -> None:
    """As it had (§13.10), but it lasts."""
    node = opened(juliet, persist_items=False)
    juliet.publish("play", id_="1")
    juliet.publish("play", id_="2")
    juliet.configure("play", persist_items="1")
    assert given(romeo.items("play")) == ["2"]
    juliet.publish("play", id_="3")
    assert given(romeo.items("play")) == ["2", "3"]
    juliet.pubsub("<retract node='play'><item id='3'/></retract>")
    send_last(juliet, node, romeo)
    assert told(romeo) == [("play", "item 2 <act>")]


def test_8_2_4_but_not_where_its_creator_has_as_much_as_he_may() -> None:
    globe = Globe(kept_octets=10).start()
    juliet, romeo = globe.person("juliet"), globe.person("romeo")
    opened(juliet, persist_items=False)
    juliet.publish("play", id_="1")
    assert juliet.configure("play", persist_items="1").get("type") == "result"
    romeo.subscribe("play")
    assert told(romeo) == []
    assert given(romeo.items("play")) == []


def test_8_2_4_nor_where_it_is_a_collection_by_now(globe: Globe, juliet: Person) -> None:
    """Which has no items: nobody could have it, or delete it."""
    node = opened(juliet, persist_items=False)
    juliet.publish("play", id_="1")
    answer = juliet.configure("play", node_type="collection", persist_items="1")
    assert answer.get("type") == "result"
    assert result(globe.service.items.last(node.id, 1)) == []


def test_8_2_4_who_changes_his_mind_at_once_loses_no_last_item(
    globe: Globe, juliet: Person, romeo: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened(juliet, persist_items=False)
    juliet.publish("play", id_="1")
    with monkeypatch.context() as patched:
        keeping = held(patched, globe.service.items, "keep")
        for keeps in ("1", "0"):
            changes = form("node_config", persist_items=keeps)
            configure = f"<configure node='play'>{changes}</configure>"
            asked = f"<pubsub xmlns='{NS}#owner'>{configure}</pubsub>"
            juliet.send(f"<iq type='set' id='c{keeps}' to='{PUBSUB}'>{asked}</iq>")
        juliet.publish("play", id_="2")
        keeping.let_go()
        globe.pump()
    assert given(romeo.items("play")) == ["2"]


def test_8_5_2_of_a_node_that_is_purged_no_last_one_is_known(juliet: Person, romeo: Person) -> None:
    """Not even one from before it kept any."""
    node = opened(juliet, persist_items=False)
    juliet.publish("play", id_="1")
    juliet.configure("play", persist_items="1")
    juliet.pubsub("<purge node='play'/>", owner=True)
    send_last(juliet, node, romeo)
    assert told(romeo) == []


@pytest.mark.parametrize(
    "closed", [{"access_model": "whitelist"}, {"access_model": "roster"}], ids=str
)
def test_6_1_7_who_may_read_a_node_no_more_as_he_is_welcomed_is_sent_nothing(
    globe: Globe,
    juliet: Person,
    romeo: Person,
    monkeypatch: pytest.MonkeyPatch,
    closed: dict[str, str],
) -> None:
    """Though he has yet to be unsubscribed."""
    opened(juliet)
    juliet.publish("play", id_="1")
    with monkeypatch.context() as patched:
        looking = held(patched, globe.service.items, "last")
        romeo.subscribe("play")
        globe.set_up("play", **closed)
        looking.let_go()
        globe.pump()
    assert told(romeo) == []


def test_6_1_7_it_comes_however_often_somebody_publishes_in_vain(
    globe: Globe, juliet: Person, romeo: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Always beginning again before he is told that the node is full."""
    node = opened(juliet)
    juliet.publish("play", id_="1")
    asked: list[Deferred[object]] = []

    def ask(*_: object, **__: object) -> Deferred[object]:
        asked.append(Deferred())
        return asked[-1]

    def publish() -> None:
        publishing = globe.service.publishing.publish(node, [entry("2")], juliet.jid)
        later = Deferred.fromCoroutine(publishing)
        later.addErrback(lambda failure: failure.trap(StanzaError) and None)

    monkeypatch.setattr(globe.service.items, "publish", ask)
    publish()
    sending = Deferred.fromCoroutine(globe.service.publishing.send_last(node, [romeo.jid]))
    for _ in range(20):
        publish()
        asked.pop(0).errback(NodeFull(node.id))
        globe.pump()
    assert sending.called and node.publishing
    assert told(romeo) == [("play", "item 1 <act>")]


# ---------------------------------------------------------------------- order, and what lasts


def test_items_are_told_of_in_the_order_of_publishing(
    globe: Globe, juliet: Person, romeo: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the node has to be read first."""
    opened(juliet)
    romeo.subscribe("play")
    globe.again()
    looking = held(monkeypatch, globe.service.store, "load")
    for id_ in "123":
        juliet.client.send(
            f"<iq type='set' id='{id_}' to='{PUBSUB}'><pubsub xmlns='{NS}'>"
            f"<publish node='play'><item id='{id_}'>{ACT}</item></publish></pubsub></iq>"
        )
    globe.pump()
    looking.let_go()
    assert told(romeo) == [("play", f"item {id_} <act>") for id_ in "123"]
    assert juliet.ids("play") == [*"123"]


def test_what_was_published_is_there_after_a_restart(
    globe: Globe, juliet: Person, romeo: Person
) -> None:
    opened(juliet)
    juliet.publish("play", id_="1")
    juliet.publish("play", id_="2")
    juliet.retract("play", "1")
    globe.again()
    assert juliet.ids("play") == ["2"]
    romeo.subscribe("play")
    told(romeo)
    juliet.publish("play", id_="3")
    assert told(romeo) == [("play", "item 3 <act>")]


def test_what_is_not_kept_is_told_to_nobody(
    globe: Globe, juliet: Person, romeo: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The store is full, or gone: the publisher is told so, and nobody else anything."""
    opened(juliet)
    romeo.subscribe("play")
    full = StoreError("the disk is full")
    monkeypatch.setattr(globe.service.items, "publish", lambda *_, **__: fail(full))
    assert juliet.publish("play", id_="1").get("type") == "error"
    assert told(romeo) == []


def test_what_others_may_have_published_since_is_not_known() -> None:
    """A node that keeps nothing goes to another instance, and comes back."""
    one = Globe(instances=2, instance="one").start()
    juliet = one.person("juliet")
    opened(juliet, persist_items=False)
    juliet.publish("play", id_="1")
    assert given(juliet.items("play")) == ["1"]
    two = Globe(instances=2, instance="two", beside=one).start()
    juliet.publish("play", id_="2")
    owner, other = (one, two) if one.service.instances.own(JID.parse(PUBSUB)) else (two, one)
    owner.cut()
    other.pump()
    juliet.publish("play", id_="3")
    owner.come_back()
    one.pump()
    assert owner.service.instances.own(JID.parse(PUBSUB))
    assert given(juliet.items("play")) == []


def test_bookmarks_are_items_with_addresses_for_ids(juliet: Person) -> None:
    room = "theplay@conference.shakespeare.lit"
    assert juliet.publish("play", id_=room, to="").get("type") == "result"
    assert juliet.ids("play", "") == [room]
    assert error(juliet.retract("play", "other@conference.shakespeare.lit", "")) == (
        "item-not-found",
    )


# ---------------------------------------------------------------------- what is told of many


def test_13_11_of_a_large_batch_is_told_in_events_that_go_into_a_stanza(
    globe: Globe, juliet: Person, romeo: Person
) -> None:
    opened(juliet)
    romeo.subscribe("play")
    told(romeo)
    payload = f"<act xmlns='urn:example:play'>{'x' * 60_000}</act>"
    items = "".join(f"<item id='{n}'>{payload}</item>" for n in range(4))
    answer = juliet.pubsub(f"<publish node='play'>{items}</publish>")
    assert answer.get("type") == "result", error(answer)
    found = romeo.events()
    ids = [each.get("id") for event in found for each in event.iter(f"{E}item")]
    assert ids == [*"0123"]
    assert len(found) == 2, "all of them would be too much"


def test_8_2_4_of_many_that_go_is_told_in_events_that_go_into_a_stanza(
    globe: Globe, juliet: Person, romeo: Person
) -> None:
    node = opened(juliet, publish_node_full="retract-oldest")
    romeo.subscribe("play")
    ids = [f"{n:03}{'i' * 2_000}" for n in range(250)]
    some = [entry(id_) for id_ in ids]
    done(juliet, deferred(globe.service.items.publish(node.id, some, most=1_000)))
    told(romeo)
    assert juliet.configure("play", max_items="1").get("type") == "result"
    found = romeo.events()
    assert all(len(tostring(each)) < events.OCTETS + 2_000 for each in found)
    gone = [each.get("id") for event in found for each in event.iter(f"{E}retract")]
    assert gone == ids[:-1]


def test_13_10_what_is_published_while_a_node_ceases_to_keep_items_is_the_last_one(
    globe: Globe, juliet: Person, romeo: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened(juliet)
    juliet.publish("play", id_="1")
    with monkeypatch.context() as patched:
        looking = held(patched, globe.service.items, "last")
        changes = form("node_config", persist_items="0")
        asked = f"<pubsub xmlns='{NS}#owner'><configure node='play'>{changes}</configure></pubsub>"
        juliet.send(f"<iq type='set' id='c' to='{PUBSUB}'>{asked}</iq>")
        juliet.publish("play", id_="2")
        looking.let_go()
        globe.pump()
    romeo.subscribe("play")
    assert told(romeo) == [("play", "item 2 <act>")]


def test_8_2_4_they_go_in_slices_while_the_server_keeps_up(
    globe: Globe, juliet: Person, romeo: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    node = opened(juliet, publish_node_full="retract-oldest")
    romeo.subscribe("play")
    for n in range(5):
        juliet.publish("play", id_=str(n))
    told(romeo)
    monkeypatch.setattr(publishing, "SLICE", 2)
    monkeypatch.setattr(type(globe.component), "behind", True)
    before = node.settings
    node.settings = before.change(max_items=1)
    trimming = Deferred.fromCoroutine(globe.service.publishing.trim(node, before))
    globe.pass_time(5)
    assert (told(romeo), trimming.called) == ([], False)
    monkeypatch.setattr(type(globe.component), "behind", False)
    globe.pass_time(1)
    assert told(romeo) == [("play", "retract 0", "retract 1"), ("play", "retract 2", "retract 3")]
    assert trimming.called


def test_8_2_4_meanwhile_requests_are_answered(
    globe: Globe, juliet: Person, romeo: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What one node tells does not take up all that the server takes."""
    node = opened(juliet)
    for n in range(5):
        juliet.publish("play", id_=str(n))
    opened(romeo, "tomb")
    before = node.settings
    node.settings = before.change(max_items=1)
    monkeypatch.setattr(publishing, "SLICE", 1)
    outbox = globe.component.link.session.outbox
    outbox.octets += globe.component.link.pace.octets // 2
    trimming = Deferred.fromCoroutine(globe.service.publishing.trim(node, before))
    assert romeo.publish("tomb", id_="1").get("type") == "result"
    assert not trimming.called
    outbox.octets = 0
    globe.pass_time(1)
    assert trimming.called


async def deferred(waiting: Deferred[object]) -> object:
    return await waiting
