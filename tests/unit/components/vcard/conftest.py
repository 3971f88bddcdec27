from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from components.vcard.service import VCards
from components.vcard.store import SCHEMA, SQLVCards
from tests.support.stores import BACKENDS, Backend
from xmppd.storage.interfaces import Database


@pytest.fixture(params=sorted(BACKENDS))
def backend(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Backend]:
    made = BACKENDS[request.param](tmp_path)
    yield made
    made.close()


@pytest.fixture
def wait(backend: Backend):
    return backend.reactor.wait


@pytest.fixture
def database(backend: Backend) -> Database:
    return backend.open(SCHEMA)


@pytest.fixture
def store(database: Database) -> SQLVCards:
    return SQLVCards(database)


@pytest.fixture
def vcards(store: SQLVCards) -> VCards:
    return VCards(store, lambda: 1595.0)
