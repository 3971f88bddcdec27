from __future__ import annotations

import pytest

from components.vcard.service import VCards
from components.vcard.store import SCHEMA, SQLVCards
from tests.support.faces import Faces
from tests.support.server import Client
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


@pytest.fixture
def romeo(faces: Faces) -> Client:
    """A friend of juliet's who is there before her, where a file has `faces`."""
    return faces.log_in("romeo", "orchard", "<presence/>")


@pytest.fixture
def juliet(faces: Faces, romeo: Client) -> Client:
    juliet = faces.log_in("juliet", "balcony", "<presence/>")
    romeo.take()
    return juliet
