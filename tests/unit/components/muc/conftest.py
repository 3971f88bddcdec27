from __future__ import annotations

from collections.abc import Callable

import pytest

from components.muc.model.history import Said
from components.muc.store.archive import Archive
from components.muc.store.journal import Journal
from components.muc.store.present import SQLPresent
from components.muc.store.rooms import SCHEMA, SQLRooms
from tests.support.conference import Conference, Person, enter
from tests.support.stores import Backend
from xmppd.jid import JID
from xmppd.storage.interfaces import Database


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


@pytest.fixture
def make(wait, rooms: SQLRooms) -> Callable[..., int]:
    """Makes a room, by its local part; gives its id."""

    def make(
        local: str, *affiliations, settings=None, name="", public=True, persistent=True, maker=""
    ):
        address = JID.of(local, "chat.shakespeare.lit")
        how = {"name": name, "public": public, "persistent": persistent}
        return wait(
            rooms.create(address, settings or {}, affiliations, **how, now=1606.0, maker=maker)
        )

    return make


@pytest.fixture
def cave(make) -> int:
    return make("darkcave")


@pytest.fixture
def say(backend: Backend, archive: Archive) -> Callable[..., None]:
    """Puts messages into a room's archive, one for each number."""

    def say(room: int, *numbers: int, nick="thirdwitch", author="hag66@shakespeare.lit"):
        who = JID.parse(author)
        messages = [Said(n, f"id-{n}", "", "", nick, who, "occ", b"<body/>") for n in numbers]
        outcomes = backend.reactor.wait_all([archive.add(room, each) for each in messages])
        assert outcomes == [None] * len(numbers)

    return say


@pytest.fixture
def hall() -> Conference:
    return Conference().start()


@pytest.fixture
def juliet(hall: Conference) -> Person:
    return hall.opened("juliet")


@pytest.fixture
def romeo(hall: Conference, juliet: Person) -> Person:
    return enter(hall, "romeo", juliet)
