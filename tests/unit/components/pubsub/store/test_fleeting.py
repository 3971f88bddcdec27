"""Items that go with their publishers, as every database has them (XEP-0060 §17.4.4)."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from components.common.paging import Page
from components.pubsub.model.node import Address
from components.pubsub.model.ranks import Affiliation
from components.pubsub.model.settings import AT_DOMAIN, stored
from components.pubsub.store.fleeting import SQLFleeting
from components.pubsub.store.items import SQLItems
from components.pubsub.store.nodes import SQLNodes
from tests.support.pubsub_items import BLOGBOT, HAMLET, HORATIO, SERVICE, entry
from xmppd.jid import JID
from xmppd.storage.interfaces import Database

MANY = 10**6
LONG = JID.parse(f"{'h' * 1023}@{'.'.join(['d' * 60] * 4)}/{'r' * 1000}")
"""Whose bare JID is about as long as one may be."""


@pytest.fixture
def fleeting(database: Database) -> SQLFleeting:
    return SQLFleeting(database)


@pytest.fixture
def put(wait, items: SQLItems):
    def put(node: int, *ids: str, by: JID = BLOGBOT, seen: bool = True, at: float = 1603.0) -> None:
        some = [entry(id_, by, at) for id_ in ids]
        wait(items.publish(node, some, most=MANY, seen=seen))

    return put


@pytest.fixture
def ids(wait, items: SQLItems):
    def ids(node: int) -> Sequence[str]:
        found = wait(items.ids(node, Page(100)))
        assert found.count == len(found.items)
        return found.items

    return ids


def save(wait, database: Database, node: int, **changes: object) -> None:
    wait(SQLNodes(database).save(node, stored(AT_DOMAIN.change(**changes))))


def test_those_of_one_are_found_and_taken_the_oldest_first(wait, fleeting, make, put, ids) -> None:
    first, second, other = (
        make(name, purge_offline=name != "other") for name in ("first", "second", "other")
    )
    put(second, "1")
    for node in (first, other):
        put(node, "3", "1", "2")
        put(node, "4", by=HAMLET)
        put(node, "5", by=HORATIO)
    assert wait(fleeting.publishers()) == {HAMLET: True, HORATIO.bare: True}
    found = [(first, Address(SERVICE, "first")), (second, Address(SERVICE, "second"))]
    assert wait(fleeting.nodes_of(HAMLET, 0, 9)) == found
    assert wait(fleeting.nodes_of(HAMLET, first, 9)) == found[1:]
    assert wait(fleeting.nodes_of(HAMLET, 0, 1)) == found[:1]
    assert wait(fleeting.take(first, HAMLET, 1700.0, 2)) == ["3", "1"]
    assert ids(first) == ["2", "4", "5"]
    assert wait(fleeting.take(first, HAMLET, 1700.0, 9)) == ["2", "4"]
    assert wait(fleeting.take(first, HAMLET, 1700.0, 9)) == []
    assert wait(fleeting.take(other, HAMLET, 1700.0, 9)) == []
    assert (ids(first), ids(second)) == (["5"], ["1"])


def test_what_they_take_is_counted_no_more(wait, items, fleeting, make, put) -> None:
    node = make("play", purge_offline=True)
    put(node, "1", "2")
    wait(fleeting.take(node, HAMLET, 1700.0, 9))
    size = len(entry("1").payload)
    wait(items.publish(node, [entry("3"), entry("4")], most=MANY, octets=2 * size))


def test_none_goes_that_was_published_later(wait, fleeting, make, put, ids) -> None:
    node = make("play", purge_offline=True)
    for number in (1, 2, 3):
        put(node, str(number), at=1600.0 + number)
    assert wait(fleeting.take(node, HAMLET, 1602.0, 9)) == ["1", "2"]


def test_none_goes_before_its_publisher_was_seen(wait, fleeting, make, put, ids) -> None:
    node = make("play", purge_offline=True)
    put(node, "1", seen=False)
    put(node, "2", by=HORATIO, seen=False)
    assert wait(fleeting.any_of(HAMLET))
    assert wait(fleeting.nodes_of(HAMLET, 0, 9)) == []
    assert wait(fleeting.take(node, HAMLET, 1700.0, 9)) == []
    wait(fleeting.seen(HAMLET))
    assert wait(fleeting.take(node, HAMLET, 1700.0, 9)) == ["1"]
    assert wait(fleeting.take(node, HORATIO.bare, 1700.0, 9)) == []
    assert not wait(fleeting.any_of(HAMLET))


def test_a_node_that_comes_to_be_so_has_its_owners_go(
    wait, database, fleeting, make, put, ids
) -> None:
    node, other = make("play"), make("other")
    wait(SQLNodes(database).affiliate(node, {HAMLET: Affiliation.OWNER}))
    for each in (node, other):
        put(each, "1")
        put(each, "2", by=HORATIO)
        put(each, "3", by=SERVICE)
    assert wait(fleeting.publishers()) == {}
    save(wait, database, node, purge_offline=True)
    assert wait(fleeting.publishers()) == {HAMLET: False, SERVICE: False}
    assert wait(fleeting.nodes_of(HAMLET, 0, 9)) == []
    wait(fleeting.seen(HAMLET))
    put(node, "4", by=HORATIO)
    save(wait, database, node, purge_offline=True, title="still")
    assert wait(fleeting.take(node, HORATIO.bare, 1700.0, 9)) == ["4"]
    save(wait, database, node)
    assert wait(fleeting.publishers()) == {}
    assert wait(fleeting.take(node, HAMLET, 1700.0, 9)) == []


def test_publishers_may_have_long_names(wait, items, fleeting, make, put) -> None:
    node = make("play", purge_offline=True)
    put(node, "1", by=LONG)
    assert [each.publisher for each in wait(items.last(node, 1))] == [LONG]
    assert wait(fleeting.take(node, LONG.bare, 1700.0, 9)) == ["1"]
