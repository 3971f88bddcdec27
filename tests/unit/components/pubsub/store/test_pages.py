"""What is read of items, over every backend (XEP-0060 §6.5, XEP-0059)."""

from __future__ import annotations

import pytest

from components.common.paging import Found, Page
from components.pubsub.model.room import Room
from components.pubsub.store import pages
from tests.support.pubsub_items import entry
from xmppd.errors import StanzaError

MUCH = 10**6
ROOM = Room(MUCH, MUCH)
TEN = [str(number) for number in range(10)]


@pytest.fixture
def ten(wait, items, node):
    """A node of ten items, "0" the oldest."""
    wait(items.publish(node, [entry(id_, at=1600.0 + int(id_)) for id_ in TEN], most=100))
    return node


@pytest.fixture
def page(wait, items):
    def page(node, octets=MUCH, elements=MUCH, since=0.0, **asked):
        room = Room(octets, elements)
        found = wait(items.page(node, Page(**asked), room, since))
        return [each.id for each in found.items], found.index, found.count

    return page


def test_6_5_7_the_newest_are_read_the_oldest_of_them_first(wait, items, ten):
    assert [each.id for each in wait(items.last(ten, 3))] == ["7", "8", "9"]


def test_xep_0059_2_3_from_page_to_page(page, ten):
    assert page(ten, most=4) == (["0", "1", "2", "3"], 0, 10)
    assert page(ten, most=4, after="3") == (["4", "5", "6", "7"], 4, 10)
    assert page(ten, most=4, after="7") == (["8", "9"], 8, 10)
    assert page(ten, most=4, after="9") == ([], None, 10)


def test_xep_0059_2_4_and_back(page, ten):
    assert page(ten, most=4, before="6") == (["2", "3", "4", "5"], 2, 10)
    assert page(ten, most=4, before="2") == (["0", "1"], 0, 10)
    assert page(ten, most=4, before="0") == ([], None, 10)


def test_xep_0059_2_5_the_last_page(page, ten):
    assert page(ten, most=4, before="") == (["6", "7", "8", "9"], 6, 10)
    assert page(ten, most=40, before="") == (TEN, 0, 10)


@pytest.mark.parametrize("index", range(12))
def test_xep_0059_2_6_a_page_by_its_index(page, ten, index):
    expected = TEN[index : index + 3]
    found = page(ten, most=3, index=index)
    assert found == (expected, index if expected else None, 10)


def test_xep_0059_2_7_the_number_alone(page, ten):
    assert page(ten, most=0) == ([], None, 10)


def test_xep_0059_an_item_that_is_not_there(page, ten):
    for asked in ({"after": "11"}, {"before": "11"}):
        with pytest.raises(StanzaError) as refused:
            page(ten, most=3, **asked)
        assert refused.value.condition == "item-not-found"


def test_a_page_where_items_are_missing(wait, items, page, ten):
    wait(items.retract(ten, ["1", "4", "5"]))
    assert page(ten, most=3) == (["0", "2", "3"], 0, 7)
    assert page(ten, most=3, after="2") == (["3", "6", "7"], 2, 7)
    assert page(ten, most=2, index=5) == (["8", "9"], 5, 7)


def test_xep_0059_2_2_among_many_the_index_is_reckoned(wait, items, page, node, monkeypatch):
    """As it is, where no item was deleted."""
    monkeypatch.setattr(pages, "_COUNTED", 5)
    some = [entry(str(number)) for number in range(40)]
    wait(items.publish(node, some, most=100))
    assert page(node, most=2, after="19") == (["20", "21"], 20, 40)
    assert page(node, most=2, before="20") == (["18", "19"], 18, 40)
    wait(items.retract(node, [str(number) for number in range(1, 40, 2)]))
    found, index, count = page(node, most=2, after="18")
    assert (found, count) == (["20", "22"], 20)
    assert abs(index - 10) <= 1
    assert page(node, most=9, after="34") == (["36", "38"], 18, 20)


def test_a_node_without_items(page, node, make):
    assert page(node, most=3) == page(node, most=3, before="") == ([], None, 0)
    assert page(node + 1, most=3) == ([], None, 0)


def test_no_more_is_read_than_there_is_room_for(wait, items, page, node):
    """But one item always, however large it is."""
    some = [entry(id_, payload=b"<x>" + b"o" * 1_000 + b"</x>") for id_ in TEN]
    wait(items.publish(node, some, most=100))
    assert page(node, octets=3_900, most=9) == (["0", "1", "2"], 0, 10)
    assert page(node, octets=3_900, most=9, before="") == (["7", "8", "9"], 7, 10)
    assert page(node, octets=3_900, most=9, before="5") == (["2", "3", "4"], 2, 10)
    assert page(node, octets=10, most=9, after="4") == (["5"], 5, 10)
    assert page(node, octets=10, most=9, before="") == (["9"], 9, 10)


def test_nor_more_elements_than_there_is_room_for(wait, items, page, node):
    """However few octets they take: a hundred each, with those of `<item/>`."""
    payload = b"<x>%b</x>" % (b"<y z=''/>" * 48)
    wait(items.publish(node, [entry(id_, payload=payload) for id_ in TEN], most=100))
    assert page(node, elements=300, most=9) == (["0", "1", "2"], 0, 10)
    assert page(node, elements=299, most=9) == (["0", "1"], 0, 10)
    assert page(node, elements=300, most=9, index=4) == (["4", "5", "6"], 4, 10)
    assert page(node, elements=300, most=9, before="") == (["7", "8", "9"], 7, 10)
    assert page(node, elements=300, most=9, before="5") == (["2", "3", "4"], 2, 10)
    assert page(node, elements=10, most=9, after="4") == (["5"], 5, 10)
    assert page(node, elements=10, most=9, before="") == (["9"], 9, 10)
    found = wait(items.named(node, ["7", "2", "3"], Room(MUCH, 200)))
    assert ([each.id for each in found.items], found.count) == (["7", "2"], 3)


def test_of_payloads_alone_there_are_more(wait, items, page, node):
    """Where they do not go into a stanza, but are read."""
    wait(items.publish(node, [entry(id_, payload=b"<x>oooooo</x>") for id_ in TEN], most=100))
    for room in (Room(13 * 9, MUCH), Room(MUCH, 9)):
        found = wait(items.page(node, Page(10), room._replace(payloads=True)))
        assert [each.id for each in found.items] == TEN[:9]
        assert len(wait(items.page(node, Page(10), room)).items) < 9


def test_6_5_6_items_are_read_by_their_ids_in_the_order_of_asking(wait, items, ten):
    found = wait(items.named(ten, ["7", "11", "2"], ROOM))
    assert ([each.id for each in found.items], found.count) == (["7", "2"], None)
    assert wait(items.named(ten, ["11"], ROOM)) == Found([])


def test_6_5_4_of_many_ids_those_that_there_is_room_for(wait, items, ten):
    found = wait(items.named(ten, ["7", "2", "3"], Room(10, MUCH)))
    assert ([each.id for each in found.items], found.count) == (["7"], 3)


def test_17_4_4_what_is_too_old_is_not_read(wait, items, page, ten):
    assert page(ten, most=3, since=1606.0) == (["7", "8", "9"], 0, 10)
    assert page(ten, most=9, before="", since=1607.0)[0] == ["8", "9"]
    assert [each.id for each in wait(items.last(ten, 9, since=1607.0))] == ["8", "9"]
    assert [each.id for each in wait(items.named(ten, ["7", "8"], ROOM, 1607.0)).items] == ["8"]
