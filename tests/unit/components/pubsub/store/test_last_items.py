"""`store.last_items.SQLLastItems`, over every backend."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from components.pubsub.model import settings as setting
from components.pubsub.model.item import Item
from components.pubsub.model.node import Address
from components.pubsub.model.ranks import Affiliation
from components.pubsub.model.settings import PERSONAL
from components.pubsub.store.items import SQLItems
from components.pubsub.store.last_items import FOUND, OCTETS, SERVICES, SQLLastItems, slices
from components.pubsub.store.nodes import SCHEMA, SQLNodes
from tests.support.stores import Backend
from xmppd.jid import JID
from xmppd.storage.interfaces import Database

JULIET, ROMEO, NURSE = (JID.parse(f"{name}@capulet.lit") for name in ("juliet", "romeo", "nurse"))


@pytest.fixture
def database(backend: Backend) -> Database:
    return backend.open(SCHEMA)


@pytest.fixture
def last(database: Database) -> SQLLastItems:
    return SQLLastItems(database)


@pytest.fixture
def make(wait: Any, database: Database) -> Callable[..., None]:
    """Makes a node with items of these ids."""

    def make(owner: JID, name: str, *ids: str, **ranks: str) -> None:
        affiliations = {JID.of(who, "capulet.lit"): Affiliation(r) for who, r in ranks.items()}
        kept = setting.stored(PERSONAL)
        address = Address(owner, name)
        id_ = wait(
            SQLNodes(database).create(address, kept, affiliations, creator=owner, now=1597.0)
        )
        items = [Item(each, owner, 1597.0, b"<act xmlns='urn:example:play'/>") for each in ids]
        if items:
            wait(SQLItems(database).publish(id_, items, most=10))

    return make


def found(items: Any) -> list[tuple[str, str, str | None]]:
    """What was found, in short."""
    return sorted(
        (each.address.service.local, each.address.name, each.item and each.item.id)
        for each in items
    )


def test_the_last_items_of_some_nodes_of_some_accounts(wait, last, make):
    make(JULIET, "tune", "1", "2")
    make(JULIET, "mood", "3")
    make(JULIET, "other", "4")
    make(NURSE, "tune", "5")
    make(ROMEO, "tune", "6")
    items = wait(last.find([JULIET, NURSE], ["tune", "mood", "geoloc"], ROMEO))
    assert found(items) == [
        ("juliet", "mood", "3"),
        ("juliet", "tune", "2"),
        ("nurse", "tune", "5"),
    ]


def test_a_node_without_items_is_found_as_well(wait, last, make):
    make(JULIET, "tune")
    assert found(wait(last.find([JULIET], ["tune"], ROMEO))) == [("juliet", "tune", None)]


def test_an_item_that_is_published_again_is_the_last(wait, last, make, database):
    make(JULIET, "tune", "1", "2")
    node = wait(SQLNodes(database).load(Address(JULIET, "tune")))
    again = Item("1", JULIET, 1598.0, b"<again xmlns='urn:example:play'/>")
    wait(SQLItems(database).publish(node.id, [again], most=10))
    (item,) = wait(last.find([JULIET], ["tune"], ROMEO))
    assert item.item == again._replace(position=3)


def test_with_how_the_node_is_set_up_and_what_somebody_is_to_it(wait, last, make):
    make(JULIET, "tune", "1", romeo="outcast", nurse="member")
    for who, rank in ((ROMEO, "outcast"), (NURSE, "member"), (JULIET, "none")):
        (item,) = wait(last.find([JULIET], ["tune"], who))
        assert item.affiliation is Affiliation(rank)
        assert setting.restored(json.loads(item.settings)) == PERSONAL


def test_as_many_accounts_as_one_query_takes(wait, last, make):
    many = [JID.of(f"n{number}", "capulet.lit") for number in range(SERVICES)]
    make(many[-1], "tune", "1")
    assert len(found(wait(last.find(many, ["tune"] * 128, ROMEO)))) == 1


def test_what_is_large_is_not_read_with_others(wait, last, make, database):
    make(JULIET, "tune", "1")
    make(JULIET, "mood", "2")
    node = wait(SQLNodes(database).load(Address(JULIET, "tune")))
    large = Item("3", JULIET, 1598.0, b"<act>" + b"x" * OCTETS + b"</act>")
    wait(SQLItems(database).publish(node.id, [large], most=10))
    items = wait(last.find([JULIET], ["tune", "mood"], ROMEO))
    assert found(items) == [("juliet", "mood", "2"), ("juliet", "tune", None)]
    assert sorted((each.address.name, each.large) for each in items) == [
        ("mood", False),
        ("tune", True),
    ]


def test_who_wants_many_nodes_is_told_by_fewer_accounts_at_once():
    many = [JID.of(f"n{number}", "capulet.lit") for number in range(SERVICES)]
    parts = list(slices(many, 128))
    assert [each for part in parts for each in part] == many
    assert max(len(part) for part in parts) * 128 <= FOUND
    assert len(list(slices(many[:3], 10 * FOUND))) == 3


@pytest.mark.parametrize("count", [0, 1, SERVICES, SERVICES + 1, 3 * SERVICES])
def test_slices_have_all_of_them_in_order(count):
    many = [JID.of(f"n{number}", "capulet.lit") for number in range(count)]
    parts = list(slices(many))
    assert [each for part in parts for each in part] == many
    assert all(0 < len(part) <= SERVICES for part in parts)
