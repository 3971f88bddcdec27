"""Contract of `present.SQLPresent`, over every backend."""

import pytest

from components.muc.store.present import Present
from xmppd.jid import JID

PDA, CELL = JID.parse("hag66@shakespeare.lit/pda"), JID.parse("hag66@shakespeare.lit/cell")
LAPTOP = JID.parse("wiccarocks@shakespeare.lit/laptop")


@pytest.fixture
def there(wait, present):
    return lambda room: {each.jid: each.nick for each in wait(present.of(room))}


def test_who_enters_is_there_until_he_leaves(wait, present, cave, make, there):
    heath = make("heath")
    wait(present.entered(cave, PDA, "thirdwitch"))
    wait(present.entered(cave, CELL, "thirdwitch"))
    wait(present.entered(heath, LAPTOP, "secondwitch ☾"))
    assert there(cave) == {PDA: "thirdwitch", CELL: "thirdwitch"}
    assert wait(present.of(heath)) == [Present(heath, LAPTOP, "secondwitch ☾")]
    wait(present.left(cave, PDA))
    wait(present.left(cave, LAPTOP))
    assert (there(cave), there(heath)) == ({CELL: "thirdwitch"}, {LAPTOP: "secondwitch ☾"})


def test_another_nickname_takes_the_place_of_the_first(wait, present, cave, there):
    """§7.6."""
    wait(present.entered(cave, PDA, "thirdwitch"))
    wait(present.entered(cave, PDA, "oldhag"))
    assert there(cave) == {PDA: "oldhag"}


def test_what_happens_at_once_happens_in_order(backend, present, cave, make, there):
    heath = make("heath")
    backend.reactor.wait_all(
        [
            present.entered(heath, PDA, "first"),  # so that all others come in one batch
            present.entered(cave, PDA, "a"),
            present.left(cave, PDA),
            present.entered(cave, PDA, "b"),
            present.entered(cave, LAPTOP, "c"),
            present.left(cave, LAPTOP),
            present.entered(heath, CELL, "d"),
            present.left(heath, PDA),
        ]
    )
    assert (there(cave), there(heath)) == ({PDA: "b"}, {CELL: "d"})


def test_a_room_is_cleared_of_those_before_and_not_of_those_behind(
    backend, present, cave, make, there
):
    heath = make("heath")
    backend.reactor.wait(present.entered(cave, CELL, "d"))
    backend.reactor.wait_all(
        [
            present.entered(heath, LAPTOP, "c"),
            present.entered(cave, PDA, "a"),
            present.clear(cave),
            present.entered(cave, LAPTOP, "b"),
        ]
    )
    assert (there(cave), there(heath)) == ({LAPTOP: "b"}, {LAPTOP: "c"})
    backend.reactor.wait(present.clear(cave))
    assert there(cave) == {}


def test_all_are_given_page_by_page(backend, present, make):
    rooms = [make(local) for local in "abc"]
    people = [JID.parse(f"witch@shakespeare.lit/{n}") for n in range(50)]
    entered = [present.entered(room, jid, "w") for room in rooms for jid in people]
    backend.reactor.wait_all(entered)
    found, after = [], None
    while page := backend.reactor.wait(present.all(after, 40)):
        found += page
        after = page[-1]
    assert len(found) == 150
    assert {(each.room, each.jid) for each in found} == {(r, jid) for r in rooms for jid in people}
    assert [each.room for each in found] == sorted(each.room for each in found)
    backend.reactor.wait_all([present.left(room, jid) for room in rooms for jid in people[1:]])
    assert [each.jid for each in backend.reactor.wait(present.all(None, 999))] == people[:1] * 3


def test_nobody_is_in_a_room_that_is_gone(wait, rooms, present, cave):
    wait(rooms.remove(cave))
    wait(present.entered(cave, PDA, "thirdwitch"))
    assert wait(present.all(None, 10)) == []


def test_the_longest_address_is_there(wait, present, cave, there):
    jid = JID.of("é" * 511, ".".join(["x" * 60] * 4), "ö" * 511)
    wait(present.entered(cave, jid, "ö" * 511))
    assert there(cave) == {jid: "ö" * 511}
    wait(present.left(cave, jid))
    assert there(cave) == {}
