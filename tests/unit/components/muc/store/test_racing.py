"""Two processes of the service at one PostgreSQL: what they do at the same time."""

import pytest

from components.common.paging import Page
from components.muc.model.history import Said
from components.muc.store.archive import SLICE, Archive, Query
from components.muc.store.journal import Journal
from components.muc.store.keys import SQLKeys
from components.muc.store.rooms import (
    SCHEMA,
    Affiliated,
    NickTaken,
    RoomExists,
    SQLRooms,
    TooManyApplications,
)
from xmppd.jid import JID

CAVE = JID.parse("darkcave@chat.shakespeare.lit")
CRONE, HAG = map(JID.parse, ("crone1@shakespeare.lit", "hag66@shakespeare.lit"))
ROUNDS = 10

pytestmark = pytest.mark.parametrize("backend", ["postgresql"], indirect=True)


@pytest.fixture
def databases(backend):
    return [backend.open(SCHEMA) for _ in range(2)]


@pytest.fixture
def services(databases):
    return [SQLRooms(each) for each in databases]


def kinds(backend, *asked):
    """Of what kind the outcomes are of what is asked at once: results or exceptions."""
    return {type(each) for each in backend.reactor.wait_all(asked)}


def create(rooms, local, *affiliations):
    how = {"name": "", "public": True, "persistent": True, "now": 1.0}
    return rooms.create(JID.of(local, "chat.shakespeare.lit"), {}, affiliations, **how)


def test_one_of_two_makes_a_room(backend, services):
    for n in range(ROUNDS):
        asked = [create(each, f"cave{n}") for each in services]
        assert kinds(backend, *asked) == {int, RoomExists}
    assert backend.reactor.wait(services[0].count()) == ROUNDS


def test_one_of_two_gets_a_nickname(backend, services):
    wait, (first, second) = backend.reactor.wait, services
    for n in range(ROUNDS):
        room = wait(create(first, f"cave{n}"))
        asked = [
            first.set_affiliations(room, [Affiliated(HAG, "member", "witch")]),
            second.set_affiliations(room, [Affiliated(CRONE, "member", "witch")]),
        ]
        assert kinds(backend, *asked) == {type(None), NickTaken}


def test_of_two_owners_who_go_the_last_leaves_a_room_without(backend, services):
    wait, (first, second) = backend.reactor.wait, services
    for n in range(ROUNDS):
        owners = Affiliated(CRONE, "owner"), Affiliated(HAG, "owner")
        wait(create(first, f"cave{n}", *owners))
        outcomes = backend.reactor.wait_all([first.forget(CRONE), second.forget(HAG)])
        assert sorted(each.ownerless for (each,) in outcomes) == [False, True]


def test_applications_are_bounded_whoever_takes_them(backend, services):
    wait, (first, second) = backend.reactor.wait, services
    for n in range(ROUNDS):
        room = wait(create(first, f"cave{n}"))
        asked = [
            first.apply(room, HAG, "", {}, at=1.0, most=1),
            second.apply(room, CRONE, "", {}, at=1.0, most=1),
        ]
        assert kinds(backend, *asked) == {type(None), TooManyApplications}


def test_one_of_two_decides(backend, services):
    wait, first = backend.reactor.wait, services[0]
    room = wait(create(first, "cave"))
    for _ in range(ROUNDS):
        wait(first.apply(room, HAG, "", {}, at=1.0, most=1))
        outcomes = backend.reactor.wait_all([each.decide(room, HAG) for each in services])
        assert outcomes.count(None) == 1


def test_positions_have_no_gap_whoever_writes(backend, databases, services):
    """Also in rooms that two processes take for theirs, as may be for a moment."""
    rooms = [backend.reactor.wait(create(services[0], f"cave{n}")) for n in range(3)]
    archives = [Archive(each, Journal(each)) for each in databases]
    added = [
        archive.add(room, Said(n * 2 + k, f"id-{k}-{n}", "", "", "w", HAG, "", b""))
        for n in range(200)
        for k, archive in enumerate(archives)
        for room in (rooms if k else reversed(rooms))
    ]
    assert backend.reactor.wait_all(added) == [None] * 1200
    for room in rooms:
        found = backend.reactor.wait(archives[0].find(room, Query(), Page(1000)))
        assert (found.count, len(found.items), len({e.id for e in found.items})) == (400,) * 3
    positions = backend.execute("SELECT max(position), count(DISTINCT position) FROM room_messages")
    assert positions == [(400, 400)]


def test_two_sweep_at_once(backend, databases, services):
    room = backend.reactor.wait(create(services[0], "cave"))
    archives = [Archive(each, Journal(each)) for each in databases]
    messages = [Said(n, f"id-{n}", "", "", "w", HAG, "", b"") for n in range(2 * SLICE + 9)]
    backend.reactor.wait_all([archives[0].add(room, each) for each in messages])
    backend.reactor.wait(services[1].remove(room))
    gone = backend.reactor.wait_all([each.sweep() for each in archives])
    assert sum(gone) == 2 * SLICE + 9
    assert backend.execute("SELECT count(*) FROM room_archives") == [(0,)]
    assert backend.execute("SELECT count(*) FROM room_messages") == [(0,)]


def test_both_have_one_secret(backend, databases):
    for n in range(ROUNDS):
        asked = [SQLKeys(each).key(f"key{n}") for each in databases]
        first, second = backend.reactor.wait_all(asked)
        assert first == second
        assert len(first) == 32
