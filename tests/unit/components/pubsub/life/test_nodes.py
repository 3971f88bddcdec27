"""Which nodes are in memory: no more than there is room for, whatever becomes of them."""

from __future__ import annotations

import pytest
from twisted.internet.defer import Deferred

from components.pubsub.life.nodes import Nodes
from components.pubsub.model.node import Address, Node, Subscription
from components.pubsub.model.ranks import State
from components.pubsub.model.settings import AT_DOMAIN
from tests.support.deferred import result
from tests.support.pubsub import PUBSUB, Globe, Person
from tests.support.pubsub_items import done, held, opened
from xmppd.jid import JID


def nodes(globe: Globe, most: int) -> Nodes:
    """The nodes of the service, with so much room from now on."""
    globe.service.nodes._most = most
    return globe.service.nodes


def fill(juliet: Person, node: Node, count: int) -> None:
    """Have so many subscribers."""
    put = [
        Subscription(JID.parse(f"r{n}@montague.lit"), f"s{n}", State.SUBSCRIBED)
        for n in range(count)
    ]
    done(juliet, juliet.globe.service.subscribing.change(node, put))


def names(globe: Globe) -> list[str]:
    return [each.address.name for each in globe.service.nodes.opened()]


def test_those_that_were_asked_for_the_longest_ago_go(globe: Globe, juliet: Person) -> None:
    one = opened(juliet, "n0")
    nodes(globe, 3 * one.weight)
    for n in range(1, 5):
        opened(juliet, f"n{n}")
        globe.service.nodes.at_hand(one.address)
    assert names(globe) == ["n3", "n4", "n0"]


def test_nodes_that_grow_take_the_room_of_others(globe: Globe, juliet: Person) -> None:
    """Where nobody opens another one."""
    some = [opened(juliet, f"n{n}") for n in range(4)]
    nodes(globe, 5 * some[0].weight)
    fill(juliet, some[3], 18)
    globe.service.nodes.at_hand(some[3].address)
    assert names(globe) == ["n3"]


def test_what_is_deleted_takes_no_room(globe: Globe, juliet: Person) -> None:
    one = opened(juliet, "stays")
    other = opened(juliet, "goes")
    fill(juliet, other, 20)
    globe.service.nodes.at_hand(other.address)
    nodes(globe, other.weight + 2 * one.weight)
    done(juliet, globe.service.nodes.delete(other))
    for n in range(4):
        opened(juliet, f"n{n}")
    assert names(globe) == ["stays", "n0", "n1", "n2", "n3"]


def test_what_is_opened_just_as_it_is_made_is_one_node(
    globe: Globe, juliet: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever is faster than the one who makes it."""
    service, address = globe.service.nodes, Address(JID.parse(PUBSUB), "play")
    making = held(monkeypatch, globe.service.store, "create")
    made = Deferred.fromCoroutine(service.create(address, AT_DOMAIN, juliet.jid))
    globe.pump()
    faster = done(juliet, service.open(address))
    making.let_go()
    assert result(made) is faster is service.at_hand(address)
    service.let_go(faster)
    assert service._weight == 0


def test_what_is_let_go_is_counted_as_it_was_counted(globe: Globe, juliet: Person) -> None:
    """Or there would be room that is not there."""
    one, other = opened(juliet, "n0"), opened(juliet, "n1")
    before = globe.service.nodes._weight
    fill(juliet, other, 10)
    globe.service.nodes.let_go(other)
    assert globe.service.nodes._weight == before - one.weight
    globe.service.nodes.clear()
    assert globe.service.nodes._weight == 0


def test_what_is_being_changed_or_published_to_stays(globe: Globe, juliet: Person) -> None:
    one, other, third = (opened(juliet, f"n{n}") for n in range(3))
    one.publishing += 1
    held = other.lock.acquire()
    assert held.called
    nodes(globe, 1)
    opened(juliet, "n3")
    assert names(globe) == ["n0", "n1", "n3"]
    assert third.address.name == "n2"
