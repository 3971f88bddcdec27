"""Several instances of the service: each node is in the memory of one."""

from __future__ import annotations

import pytest
from twisted.internet.defer import Deferred

from components.pubsub.model.node import Address
from tests.support.pubsub import PUBSUB, Globe
from xmppd.jid import JID


def test_a_node_is_in_the_memory_of_whose_it_is_and_never_of_two() -> None:
    one = Globe(instances=2, instance="one").start()
    people = [one.person(name) for name in ("juliet", "romeo", "nurse", "paris", "friar")]
    for person in people:
        assert person.publish("tune", id_="1", to="").get("type") == "result"
    assert people[0].create("play").get("type") == "result"
    two = Globe(instances=2, instance="two", beside=one).start()
    owned = [{node.address.service for node in each.service.nodes.opened()} for each in (one, two)]
    assert not owned[0] & owned[1]
    # The other one reads what this one has written.
    for person in people:
        assert person.ids("tune", "") == ["1"]
        assert person.configure("tune", "", access_model="open").get("type") == "result"
    services = [*(person.jid.bare for person in people), JID.parse(PUBSUB)]
    for globe, other in ((one, two), (two, one)):
        for node in globe.service.nodes.opened():
            assert globe.service.instances.own(node.address.service)
            assert other.service.nodes.at_hand(node.address) is None
    assert {globe.service.instances.own(each) for each in services for globe in (one,)} == {
        True,
        False,
    }


def test_what_was_changed_elsewhere_while_the_connection_was_lost_is_read_anew() -> None:
    one = Globe(instances=2, instance="one").start()
    two = Globe(instances=2, instance="two", beside=one).start()
    juliet = one.person("juliet")
    juliet.create("play")
    (owner,) = (g for g in (one, two) if g.service.instances.own(JID.parse(PUBSUB)))
    other = two if owner is one else one
    owner.cut()
    other.pump()
    assert juliet.configure("play", title="Verona").get("type") == "result"
    owner.come_back()
    one.pump()
    assert owner.service.instances.own(JID.parse(PUBSUB))
    node = owner.service.nodes.at_hand(Address(JID.parse(PUBSUB), "play"))
    assert node is None or node.settings.title == "Verona"
    answer = juliet.pubsub("<configure node='play'/>", "get", owner=True)
    assert any(each.text == "Verona" for each in answer.iter())


def test_who_waits_for_room_with_a_node_in_hand_holds_up_no_other_instance(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The server ends the stream of one that takes long to let go."""
    one = Globe(instances=2, instance="one").start()
    juliet, romeo = one.person("juliet"), one.person("romeo")
    juliet.create("play", notify_sub="1")
    romeo.subscribe("play")
    node = one.node("play")
    one.set_up("play", access_model="whitelist")
    monkeypatch.setattr(type(one.component), "behind", True)
    node.lock.run(one.service.reviews.node, node)
    one.pump()
    assert node.lock.locked
    two = Globe(instances=2, instance="two", beside=one).start()
    assert not node.lock.locked
    assert len(one.service.instances.epoch.names) == 2
    for globe in (one, two):
        opened = globe.service.nodes.opened()
        assert all(globe.service.instances.own(each.address.service) for each in opened)
    assert juliet.pubsub("<configure node='play'/>", "get", owner=True).get("type") == "result"


def test_who_was_kept_from_letting_go_lets_go_of_all_the_next_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    globe = Globe().start()
    juliet = globe.person("juliet")
    juliet.create("play")
    node = globe.node("play")
    instances = globe.service.instances
    node.lock.acquire()
    (changed, *_) = instances._changes
    monkeypatch.setattr(instances, "own", lambda *_: False)
    cut_short = Deferred.fromCoroutine(changed(instances.epoch))
    cut_short.cancel()
    cut_short.addErrback(lambda failure: None)
    monkeypatch.undo()
    node.lock.release()
    Deferred.fromCoroutine(changed(instances.epoch))
    assert globe.service.nodes.opened() == []
