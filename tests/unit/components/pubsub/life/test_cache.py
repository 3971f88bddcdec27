"""Last items in memory (XEP-0060 §13.10)."""

from __future__ import annotations

from components.pubsub.life.cache import Cache
from components.pubsub.model.node import Address, Node
from components.pubsub.model.settings import AT_DOMAIN
from tests.support.pubsub_items import HAMLET, HORATIO, SERVICE, entry

ONE, OTHER, THIRD = (
    Node(number, Address(SERVICE, str(number)), AT_DOMAIN, HAMLET, 1602.0) for number in range(3)
)


def test_13_10_the_last_one_of_each_is_known() -> None:
    cache = Cache()
    assert cache.get(ONE) is None
    for node, id_ in ((ONE, "1"), (OTHER, "2"), (ONE, "3")):
        cache.put(node, entry(id_))
    assert [each and each.id for each in map(cache.get, (ONE, OTHER, THIRD))] == ["3", "2", None]
    cache.drop(ONE)
    cache.drop(THIRD)
    assert [each and each.id for each in map(cache.get, (ONE, OTHER))] == [None, "2"]
    cache.clear()
    assert cache.get(OTHER) is None


def test_17_4_4_what_goes_with_its_publisher_is_found_by_him() -> None:
    cache = Cache()
    cache.put(ONE, entry("1")._replace(fleeting=0))
    cache.put(OTHER, entry("2")._replace(fleeting=1))
    cache.put(THIRD, entry("3"))
    assert cache.with_(HAMLET) == [(OTHER.id, OTHER.address)]
    cache.seen(HAMLET)
    assert cache.with_(HAMLET) == [(each.id, each.address) for each in (ONE, OTHER)]
    cache.put(OTHER, entry("4", HORATIO)._replace(fleeting=1))
    assert cache.with_(HAMLET) == [(ONE.id, ONE.address)]
    cache.drop(ONE)
    assert not cache.any_of(HAMLET)
    cache.clear()
    assert not cache.any_of(HORATIO.bare)


def test_there_is_room_for_so_much_and_the_oldest_goes() -> None:
    cache = Cache(octets=3_500)
    item = entry("1", payload=b"<x>" + b"o" * 1_000 + b"</x>")
    for node in (ONE, OTHER, ONE, THIRD):
        cache.put(node, item)
    assert [cache.get(node) for node in (ONE, OTHER, THIRD)] == [item, None, item]
    for _ in range(10):
        cache.put(ONE, item)
    assert cache.get(THIRD) is item
    cache.put(OTHER, entry("2", payload=b"o" * 4_000))
    assert [cache.get(node) for node in (ONE, OTHER, THIRD)] == [None, None, None]


def test_ids_take_room_as_well() -> None:
    cache = Cache(octets=3_500)
    for node in (ONE, OTHER):
        cache.put(node, entry("i" * 2_000))
    assert cache.get(ONE) is None
    assert cache.get(OTHER) is not None
