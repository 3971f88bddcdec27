from __future__ import annotations

import pytest

from components.pubsub.store.nodes import SCHEMA
from tests.support.pubsub import Globe, Person
from tests.support.stores import Backend
from xmppd.storage.interfaces import Database


@pytest.fixture
def database(backend: Backend) -> Database:
    return backend.open(SCHEMA)


@pytest.fixture
def globe() -> Globe:
    return Globe().start()


@pytest.fixture
def juliet(globe: Globe) -> Person:
    return globe.person("juliet")


@pytest.fixture
def romeo(globe: Globe) -> Person:
    return globe.person("romeo")
