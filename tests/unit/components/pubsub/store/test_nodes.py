"""Contract of `store.SQLNodes` and `store.SQLCollections`, over every backend."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from components.pubsub.model import settings as setting
from components.pubsub.model.item import Item
from components.pubsub.model.node import Address, Subscription
from components.pubsub.model.ranks import Affiliation, State
from components.pubsub.model.settings import AT_DOMAIN
from components.pubsub.store.collections import SQLCollections
from components.pubsub.store.items import SQLItems
from components.pubsub.store.nodes import SQLNodes
from components.pubsub.store.stored import (
    NO_LINKS,
    Cycle,
    Links,
    Moved,
    NodeExists,
    NodeGone,
    Parent,
    TooManyChildren,
    TooManyNodes,
)
from xmppd.jid import JID
from xmppd.storage.interfaces import Database

PUBSUB = JID.parse("pubsub.shakespeare.lit")
HAMLET, OPHELIA = map(JID.parse, ("hamlet@denmark.lit", "ophelia@denmark.lit"))
URI = "xmpp:hamlet@denmark.lit?;node=blog"


def at(name: str) -> Address:
    return Address(PUBSUB, name)


@pytest.fixture
def nodes(database: Database) -> SQLNodes:
    return SQLNodes(database)


@pytest.fixture
def links(database: Database) -> SQLCollections:
    return SQLCollections(database)


@pytest.fixture
def make(wait: Callable[..., Any], nodes: SQLNodes) -> Callable[..., int]:
    def make(name: str, links: Links = NO_LINKS, most: int = 0, creator: JID = HAMLET) -> int:
        creating = nodes.create(
            at(name),
            setting.stored(AT_DOMAIN),
            {creator: Affiliation.OWNER},
            creator=creator,
            now=1602.5,
            most=most,
            links=links,
        )
        id_: int = wait(creating)
        return id_

    return make


def joining(*ids: int, most: int = 9, collections: int = 9) -> Links:
    return Links([Parent(id_, most) for id_ in ids], collections=collections)


def test_a_node_reads_back_as_it_was_made(wait, nodes, make) -> None:
    id_ = make("princely_musings ☾")
    node = wait(nodes.load(at("princely_musings ☾")))
    assert (node.id, node.creator, node.created) == (id_, HAMLET, 1602.5)
    assert node.affiliations == {HAMLET: Affiliation.OWNER}
    assert setting.restored(node.settings) == AT_DOMAIN
    assert (node.subscriptions, node.collections) == ([], [])
    assert wait(nodes.load(at("other"))) is None


def test_there_is_one_node_of_a_name(wait, nodes, make) -> None:
    make("play")
    with pytest.raises(NodeExists):
        make("play")
    with pytest.raises(NodeExists):
        make("play", creator=OPHELIA)


def test_one_makes_so_many(wait, nodes, make) -> None:
    make("a", most=2)
    make("b", most=2)
    make("c", most=2, creator=OPHELIA)
    with pytest.raises(TooManyNodes):
        make("d", most=2)
    assert wait(nodes.load(at("d"))) is None


def test_settings_are_saved(wait, nodes, make) -> None:
    id_ = make("play")
    changed = AT_DOMAIN.change(
        title="Elsinore", access_model="whitelist", contact=("ophelia@denmark.lit",)
    )
    assert wait(nodes.save(id_, setting.stored(changed))) == []
    assert setting.restored(wait(nodes.load(at("play"))).settings) == changed
    wait(nodes.remove(id_))
    with pytest.raises(NodeGone):
        wait(nodes.save(id_, setting.stored(changed)))


def test_what_is_removed_leaves_nothing(wait, database, nodes, make) -> None:
    upper = make("upper")
    id_ = make("play", joining(upper))
    lower = make("lower", joining(id_))
    wait(nodes.subscribe(id_, [Subscription(OPHELIA, "s1", State.SUBSCRIBED)]))
    wait(SQLItems(database).publish(id_, [Item("1", HAMLET, 1602.0, b"<a/>")], most=9))
    assert wait(nodes.remove(id_)) == (True, ["lower"])
    assert wait(nodes.remove(id_)) == (False, [])

    async def rows(tx):
        tables = ("affiliations", "subscriptions", "items", "children")
        found = [(await tx.execute(f"SELECT * FROM pubsub_{t}")).rows for t in tables]
        return [len(each) for each in found]

    assert wait(database.read(rows)) == [2, 0, 0, 0]
    assert wait(nodes.load(at("lower"))).id == lower


def test_it_is_remembered_where_a_node_has_gone_until_there_is_another(wait, nodes, make) -> None:
    wait(nodes.remove(make("play"), Moved(URI, 1603.0, 5)))
    wait(nodes.remove(make("other")))
    assert wait(nodes.moved(at("play"))) == URI
    assert wait(nodes.moved(at("other"))) == ""
    make("play")
    assert wait(nodes.moved(at("play"))) == ""


def test_it_is_remembered_of_so_many_nodes(wait, nodes, make) -> None:
    for n in range(5):
        wait(nodes.remove(make(f"play{n}"), Moved(URI, 1603.0 + n, 3)))
    wait(nodes.remove(make("hers", creator=OPHELIA), Moved(URI, 1603.0, 3)))
    known = [n for n in range(5) if wait(nodes.moved(at(f"play{n}")))]
    assert known == [2, 3, 4]
    assert wait(nodes.moved(at("hers"))) == URI


def test_nodes_are_in_collections(wait, nodes, links, make) -> None:
    blogs, news = make("blogs"), make("news")
    id_ = make("play", joining(news, blogs))
    assert wait(links.collections(id_)) == ["blogs", "news"]
    assert wait(links.children(blogs)) == ["play"]
    assert wait(nodes.load(at("play"))).collections == ["blogs", "news"]
    settings = setting.stored(AT_DOMAIN)
    assert wait(nodes.save(id_, settings, Links(leaves=[blogs]))) == ["news"]
    wait(nodes.save(blogs, settings, Links(adopts=[id_], children=9, collections=9)))
    wait(nodes.save(news, settings, Links(drops=[id_])))
    assert wait(links.collections(id_)) == ["blogs"]


@pytest.mark.parametrize("length", [1, 2, 5])
def test_no_collection_is_in_itself(wait, nodes, links, make, length: int) -> None:
    ids = [make("c0")]
    for n in range(1, length):
        ids.append(make(f"c{n}", joining(ids[-1])))
    settings = setting.stored(AT_DOMAIN.change(title="never"))
    with pytest.raises(Cycle):
        wait(nodes.save(ids[0], settings, joining(ids[-1])))
    with pytest.raises(Cycle):
        wait(nodes.save(ids[-1], settings, Links(adopts=[ids[0]], children=9, collections=9)))
    assert wait(links.collections(ids[0])) == []
    assert setting.restored(wait(nodes.load(at("c0"))).settings).title == ""


def test_two_ways_to_one_node_are_no_cycle(wait, nodes, links, make) -> None:
    top = make("top")
    left, right = make("left", joining(top)), make("right", joining(top))
    bottom = make("bottom", joining(left, right))
    assert wait(links.collections(bottom)) == ["left", "right"]


def test_of_children_and_of_collections_there_are_so_many(wait, nodes, links, make) -> None:
    top = make("top")
    make("a", joining(top, most=1))
    with pytest.raises(TooManyChildren):
        make("b", joining(top, most=1))
    assert wait(nodes.load(at("b"))) is None
    b, other = make("b"), make("other")
    settings = setting.stored(AT_DOMAIN)
    with pytest.raises(TooManyChildren):
        wait(nodes.save(top, settings, Links(adopts=[b], children=1, collections=9)))
    with pytest.raises(TooManyChildren):
        wait(nodes.save(b, settings, joining(top, other, collections=1)))
    assert wait(links.collections(b)) == []


def test_what_is_gone_is_not_linked(wait, nodes, make) -> None:
    top, leaf = make("top"), make("leaf")
    wait(nodes.remove(top))
    with pytest.raises(NodeGone):
        wait(nodes.save(leaf, setting.stored(AT_DOMAIN), joining(top)))
    with pytest.raises(NodeGone):
        make("new", joining(top))
    assert wait(nodes.load(at("new"))) is None


def test_a_node_that_becomes_a_collection_has_no_items(wait, database, nodes, make) -> None:
    items, id_ = SQLItems(database), make("play")
    wait(items.publish(id_, [Item("1", HAMLET, 1602.0, b"<a/>")], most=9))
    wait(nodes.save(id_, setting.stored(AT_DOMAIN), purge=True))
    assert wait(items.last(id_, 9)) == []

    async def count(tx):
        return (await tx.execute("SELECT items FROM pubsub_nodes")).rows

    assert [tuple(row) for row in wait(database.read(count))] == [(0,)]
