"""Contract of `store.SQLItems`, over every backend: what is published, and what goes."""

from __future__ import annotations

import pytest

from components.common.paging import Page
from components.pubsub.model.room import Room
from components.pubsub.model.settings import AT_DOMAIN, stored
from components.pubsub.store.nodes import SQLNodes
from components.pubsub.store.stored import ItemGone, NodeFull, NodeGone, NotTheirs, TooManyOctets
from tests.support.pubsub_items import BLOGBOT, HAMLET, HORATIO, entry
from xmppd.errors import StoreError

MANY = 100
ROOM = Room(10**6, 10**6)


@pytest.fixture
def ids(wait, items):
    """The ids of a node's items in order, checked against how many there are said to be."""

    def ids(node):
        found = wait(items.page(node, Page(MANY), ROOM))
        assert len(found.items) == found.count
        return [each.id for each in found.items]

    return ids


@pytest.fixture
def publish(wait, items):
    def publish(node, *ids, most=MANY, full=False, at=1603.0):
        some = [entry(id_, at=at) for id_ in ids]
        return wait(items.publish(node, some, most=most, full=full))

    return publish


def test_an_item_reads_back_as_it_was_published(wait, items, node):
    payload = "<entry xmlns='http://www.w3.org/2005/Atom'>Ô, that this too ☾</entry>".encode()
    item = entry("bnd81g37d61f49fgn581", at=1603.25, payload=payload)
    (published,) = wait(items.publish(node, [item], most=MANY)).items
    assert published == item._replace(position=1)
    assert wait(items.last(node, 1)) == [published]
    assert wait(items.named(node, [item.id], ROOM)).items == [published]
    assert wait(items.last(node, 1))[0].publisher.bare == HAMLET


def test_13_1_an_item_that_is_published_again_is_the_newest(publish, ids, node):
    publish(node, "1", "2", "3")
    assert publish(node, "1").items[0].position == 4
    assert ids(node) == ["2", "3", "1"]


def test_7_1_2_5_the_oldest_goes_for_the_newest(publish, ids, node):
    assert publish(node, "1", "2", "3", most=3).dropped == []
    assert publish(node, "4", most=3).dropped == ["1"]
    assert publish(node, "5", "6", most=3).dropped == ["2", "3"]
    assert publish(node, "5", most=3).dropped == []
    assert ids(node) == ["4", "6", "5"]


def test_7_1_2_5_and_as_many_as_have_to_go(publish, ids, node):
    publish(node, *"123456789")
    assert publish(node, "10", most=2).dropped == [*"12345678"]
    assert ids(node) == ["9", "10"]


def test_7_1_3_4_a_node_that_is_full_and_rejects_more_is_as_it_was(publish, ids, node):
    publish(node, "1", "2", most=2, full=True)
    with pytest.raises(NodeFull):
        publish(node, "3", most=2, full=True)
    with pytest.raises(NodeFull):
        publish(node, "2", "3", most=2, full=True)
    assert ids(node) == ["1", "2"]
    publish(node, "1", most=2, full=True)  # §7.1.3: publishing again never fails for that
    assert ids(node) == ["2", "1"]
    publish(node, "3", "4", most=4, full=True)
    assert publish(node, "2", most=2, full=True).dropped == []
    assert ids(node) == ["1", "3", "4", "2"]


def test_13_10_the_last_item_of_a_node_that_has_kept_none_is_kept(wait, ids, items, make, node):
    assert wait(items.keep(node, entry("1")))
    assert ids(node) == ["1"]
    with pytest.raises(NodeGone):
        wait(items.keep(make("short_lived") + 1, entry("1")))


def test_13_10_but_not_in_place_of_one_that_is_newer(wait, publish, ids, items, node):
    newer = publish(node, "1").items
    assert not wait(items.keep(node, entry("1", payload=b"<old/>")))
    assert wait(items.last(node, 2)) == newer
    publish(node, "2")
    assert ids(node) == ["1", "2"]


def test_items_of_nodes_that_are_gone_are_kept_nowhere(wait, publish, items, database, node):
    publish(node, "1")
    wait(SQLNodes(database).remove(node))
    with pytest.raises(NodeGone):
        publish(node, "2")
    assert wait(items.last(node, MANY)) == []


def test_one_node_knows_nothing_of_anothers_items(publish, ids, make, node):
    other = make("other_musings")
    publish(node, "1")
    publish(other, "1", "2")
    assert (ids(node), ids(other)) == (["1"], ["1", "2"])


def test_13_11_items_are_published_all_or_none(wait, publish, ids, items, node):
    twice = [entry("1"), entry("2"), entry("2")]
    with pytest.raises(StoreError):
        wait(items.publish(node, twice, most=MANY))
    assert ids(node) == []


# ---------------------------------------------------------------------- what goes


def test_7_2_items_are_retracted_all_or_none(wait, publish, ids, items, node):
    publish(node, "1", "2", "3")
    with pytest.raises(ItemGone):
        wait(items.retract(node, ["1", "4"]))
    assert ids(node) == ["1", "2", "3"]
    wait(items.retract(node, ["1", "3"]))
    assert ids(node) == ["2"]


def test_4_1_of_somebody_only_what_he_has_published_is_retracted(wait, publish, ids, items, node):
    publish(node, "1")
    wait(items.publish(node, [entry("2", publisher=HORATIO)], most=MANY))
    with pytest.raises(NotTheirs):
        wait(items.retract(node, ["1", "2"], BLOGBOT.bare))
    assert ids(node) == ["1", "2"]
    wait(items.retract(node, ["1"], BLOGBOT.bare))
    assert ids(node) == ["2"]


def test_8_5_a_node_is_purged(wait, publish, ids, items, make, node):
    other = make("other_musings")
    publish(node, "1", "2")
    publish(other, "1")
    wait(items.purge(node))
    assert (ids(node), ids(other)) == ([], ["1"])
    assert publish(node, "3").items[0].position == 3, "what was read before is older"


def test_a_node_is_trimmed(wait, publish, ids, items, node):
    publish(node, *"12345")
    assert wait(items.trim(node, 5)) == []
    assert wait(items.trim(node, 2)) == ["1", "2", "3"]
    assert ids(node) == ["4", "5"]
    assert wait(items.trim(node, 0)) == ["4", "5"]
    assert wait(items.trim(node + 1, 0)) == []


def test_a_node_is_trimmed_in_slices(wait, publish, ids, items, node):
    publish(node, *"12345")
    assert wait(items.trim(node, 2, 2)) == ["1", "2"]
    assert wait(items.trim(node, 2, 2)) == ["3"]
    assert wait(items.trim(node, 2, 2)) == []
    assert ids(node) == ["4", "5"]


# ---------------------------------------------------------------------- what is too old


def test_17_4_4_the_oldest_expire_in_slices(wait, publish, ids, items, node):
    publish(node, "1", "2", at=1600.0)
    publish(node, "3", at=1601.0)
    publish(node, "4", at=1602.0)
    assert wait(items.expire(node, 1601.0, 2)) == 2
    assert wait(items.expire(node, 1601.0, 2)) == 1
    assert wait(items.expire(node, 1601.0, 2)) == 0
    assert ids(node) == ["4"]


def test_17_4_4_nodes_whose_items_expire_are_found(wait, publish, items, make):
    for_ever, week = make("for_ever"), make("week", item_expire=604_800)
    longest, empty = make("longest", item_expire=-1), make("empty", item_expire=1)
    for node in (for_ever, week, longest):
        publish(node, "1", at=1600.0)
        publish(node, "2", at=1601.0)
    assert wait(items.aging(0, 10, every=False)) == [(week, 604_800, 1600.0), (empty, 1, None)]
    every = [(for_ever, 0, 1600.0), (week, 604_800, 1600.0)]
    assert wait(items.aging(0, 2, every=True)) == every
    assert [each.node for each in wait(items.aging(week, 10, every=True))] == [longest, empty]


def test_17_4_4_a_node_that_is_set_up_otherwise_keeps_items_otherwise(wait, items, database, make):
    week = make("week", item_expire=604_800)
    wait(SQLNodes(database).save(week, stored(AT_DOMAIN.change(item_expire=60))))
    assert wait(items.aging(0, 10, every=False)) == [(week, 60, None)]
    wait(SQLNodes(database).save(week, stored(AT_DOMAIN)))
    assert wait(items.aging(0, 10, every=False)) == []


# ---------------------------------------------------------------------- how much there is


def test_so_many_octets_are_in_all_nodes_of_one_creator(wait, items, make, node):
    other = make("other_musings")
    half = b"<x>" + b"x" * 500 + b"</x>"

    def put(where, id_, payload=half, **more):
        return wait(items.publish(where, [entry(id_, payload=payload)], octets=1_100, **more))

    put(node, "1", most=10)
    put(other, "1", most=10)
    with pytest.raises(TooManyOctets):
        put(other, "2", most=10)
    assert [each.id for each in wait(items.last(other, 10))] == ["1"]
    put(other, "2", most=1)  # for the other one
    put(other, "2", most=1)  # in place of itself
    with pytest.raises(TooManyOctets):
        put(node, "2", most=10)
    for make_room in (
        lambda: items.retract(node, ["1"]),
        lambda: items.purge(node),
        lambda: items.trim(node, 0),
        lambda: items.expire(node, 1e12, 10),
    ):
        wait(make_room())
        put(node, "1", most=10)
        with pytest.raises(TooManyOctets):
            put(node, "2", most=10)
