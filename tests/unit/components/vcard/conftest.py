from __future__ import annotations

import pytest

from components.vcard.service import VCards
from components.vcard.store import SCHEMA, SQLVCards
from tests.support.stores import Backend
from xmppd.storage.interfaces import Database


@pytest.fixture
def database(backend: Backend) -> Database:
    return backend.open(SCHEMA)


@pytest.fixture
def store(database: Database) -> SQLVCards:
    return SQLVCards(database)


@pytest.fixture
def vcards(store: SQLVCards) -> VCards:
    return VCards(store, lambda: 1595.0)
