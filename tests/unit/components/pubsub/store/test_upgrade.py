"""What an older release has kept in `pubsub.db`, a newer one finds."""

from __future__ import annotations

import shutil

import pytest

from components.pubsub.model.node import Address
from components.pubsub.model.settings import AT_DOMAIN, stored
from components.pubsub.store.fleeting import SQLFleeting
from components.pubsub.store.items import SQLItems
from components.pubsub.store.nodes import SCHEMA, SQLNodes
from tests.support.pubsub_items import HAMLET, SERVICE
from tests.support.stores import PERSISTENT

NODE = (
    "INSERT INTO pubsub_nodes (service, name, creator, created, written, items, octets, access,"
    " settings) VALUES (?, 'play', ?, 1602.0, 3, 3, 12, 'open', '{}') RETURNING id"
)
ITEM = (
    "INSERT INTO pubsub_items (node, position, id, publisher, at, payload)"
    " VALUES (?, ?, ?, ?, 1603.5, ?)"
)
PUBLISHERS = ("hamlet@denmark.lit", "hamlet@denmark.lit/elsinore/é@x/", "denmark.lit/ghost")


@pytest.fixture
def older(backend, tmp_path):
    """A database as a release of before `purge_offline` has left it, with a node of three items."""
    directory = tmp_path / SCHEMA.name
    directory.mkdir()
    shutil.copy(SCHEMA / "0001_nodes.sql", directory)
    database = backend.open(directory)

    async def work(tx):
        [[node]] = (await tx.execute(NODE, (SERVICE, HAMLET))).rows
        for position, publisher in enumerate(PUBLISHERS, 1):
            await tx.execute(ITEM, (node, position, f"{position}", publisher, b"<x/>"))

    backend.reactor.wait(database.write(work))
    backend.reactor.wait(database.close())
    return backend


@pytest.mark.parametrize("backend", PERSISTENT, indirect=True)
def test_items_and_who_has_published_them_are_as_they_were(older):
    database, wait = older.open(SCHEMA), older.reactor.wait
    nodes, items = SQLNodes(database), SQLItems(database)
    node = wait(nodes.load(Address(SERVICE, "play")))
    assert [tuple(map(str, each[:4])) for each in wait(items.last(node.id, 10))] == [
        (f"{number}", publisher, "1603.5", "b'<x/>'")
        for number, publisher in enumerate(PUBLISHERS, 1)
    ]
    wait(items.retract(node.id, ["1", "2"], HAMLET))
    # It may be set up as it could not be before.
    wait(nodes.save(node.id, stored(AT_DOMAIN.change(purge_offline=True))))
    assert wait(SQLFleeting(database).publishers()) == {}
