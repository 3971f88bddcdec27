from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from components.muc.archive import Archive
from components.muc.journal import Journal
from components.muc.present import SQLPresent
from components.muc.store import SCHEMA, SQLRooms
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
def journal(database: Database) -> Journal:
    return Journal(database)


@pytest.fixture
def rooms(database: Database) -> SQLRooms:
    return SQLRooms(database)


@pytest.fixture
def archive(database: Database, journal: Journal) -> Archive:
    return Archive(database, journal)


@pytest.fixture
def present(database: Database, journal: Journal) -> SQLPresent:
    return SQLPresent(database, journal)
