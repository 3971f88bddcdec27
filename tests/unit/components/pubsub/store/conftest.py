from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from components.pubsub.model.node import Address
from components.pubsub.model.settings import AT_DOMAIN, stored
from components.pubsub.store.items import SQLItems
from components.pubsub.store.nodes import SQLNodes
from tests.support.pubsub_items import HAMLET, SERVICE
from xmppd.storage.interfaces import Database

Make = Callable[..., int]


@pytest.fixture
def items(database: Database) -> SQLItems:
    return SQLItems(database)


@pytest.fixture
def make(wait: Callable[..., Any], database: Database) -> Make:
    """Make a node of a name, with settings; gives its id."""
    nodes = SQLNodes(database)

    def made(name: str, **settings: Any) -> int:
        address = Address(SERVICE, name)
        kept = stored(AT_DOMAIN.change(**settings))
        return wait(nodes.create(address, kept, {}, creator=HAMLET, now=1602.0))

    return made


@pytest.fixture
def node(make: Make) -> int:
    return make("princely_musings")
