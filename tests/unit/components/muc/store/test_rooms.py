"""Contract of `store.SQLRooms`, over every backend."""

import pytest

from components.common.paging import Page
from components.muc.store.rooms import (
    SCHEMA,
    Affiliated,
    Forgotten,
    Listed,
    RoomExists,
    RoomGone,
    Subject,
)
from xmppd.jid import JID

CAVE = JID.parse("darkcave@chat.shakespeare.lit")
CRONE, HAG, WITCH = map(
    JID.parse, ("crone1@shakespeare.lit", "hag66@shakespeare.lit", "wiccarocks@shakespeare.lit")
)
OWNER = Affiliated(CRONE, "owner")
SUBJECT = Subject(
    "<subject>Fire Burn and Cauldron Bubble! 🔥</subject>".encode(), "secondwitch", 1606.5
)


def rows(wait, database):
    async def work(tx):
        parts = ("subjects", "affiliations", "applications", "sessions")
        tables = ("rooms", *(f"room_{part}" for part in parts))
        return [(await tx.execute(f"SELECT count(*) FROM {t}")).rows[0][0] for t in tables]

    return wait(database.read(work))


def test_a_room_reads_back_as_it_was_made(wait, rooms, make):
    settings = {
        "title": "A Dark Cave ☾",
        "max": 30,
        "roles": ["moderator"],
        "log": True,
        "no": None,
    }
    those = [OWNER, Affiliated(HAG, "member", "thirdwitch", "A worthy witch indeed!")]
    id_ = make("darkcave", *those, settings=settings, name="A Dark Cave")
    room = wait(rooms.load(CAVE))
    assert (room.id, room.address, room.settings, room.subject, room.created) == (
        id_, CAVE, settings, None, 1606.0
    )  # fmt: skip
    assert sorted(room.affiliations) == those
    assert all(type(each.jid) is JID for each in room.affiliations)
    assert wait(rooms.load(JID.parse("heath@chat.shakespeare.lit"))) is None


def test_one_address_has_one_room(wait, rooms, make):
    make("darkcave", OWNER)
    with pytest.raises(RoomExists):
        make("darkcave", Affiliated(HAG, "owner"))
    assert wait(rooms.load(CAVE)).affiliations == [OWNER]
    assert wait(rooms.count()) == 1


def test_a_room_is_set_up_anew(wait, rooms, make):
    id_ = make("darkcave", OWNER, settings={"a": 1}, public=True, persistent=False)
    wait(rooms.save(id_, {"b": 2}, name="Cave", public=False, persistent=True))
    room = wait(rooms.load(CAVE))
    assert (room.settings, room.affiliations) == ({"b": 2}, [OWNER])
    assert wait(rooms.listed(Page(10))).count == 0
    assert wait(rooms.temporary("", 10)) == []


def test_a_subject_is_kept_and_replaced(wait, rooms, cave):
    """§8.1."""
    wait(rooms.set_subject(cave, SUBJECT))
    assert wait(rooms.load(CAVE)).subject == SUBJECT
    wait(rooms.set_subject(cave, Subject(b"<subject/>", "", 1607.0)))
    assert wait(rooms.load(CAVE)).subject == (b"<subject/>", "", 1607.0)


def test_a_room_goes_with_everything_of_it(wait, rooms, make, present, database):
    """§10.9."""
    heath = make("heath", OWNER)
    before = rows(wait, database)
    id_ = make("darkcave", OWNER, Affiliated(HAG, "none", "thirdwitch"))
    wait(rooms.set_subject(id_, SUBJECT))
    wait(rooms.apply(id_, WITCH, "w", {}, at=1.0, most=1))
    wait(present.entered(id_, JID.parse("hag66@shakespeare.lit/pda"), "thirdwitch"))
    assert rows(wait, database) == [2, 1, 3, 1, 1]
    assert wait(rooms.remove(id_))
    assert rows(wait, database) == before
    assert wait(rooms.load(CAVE)) is None
    assert not wait(rooms.remove(id_))
    assert wait(rooms.load(JID.parse("heath@chat.shakespeare.lit"))).id == heath


def test_a_room_made_anew_inherits_nothing(wait, rooms, make):
    old = make("darkcave", OWNER, name="Old", settings={"a": 1})
    wait(rooms.set_subject(old, SUBJECT))
    wait(rooms.remove(old))
    new = make("darkcave")
    assert new > old
    room = wait(rooms.load(CAVE))
    assert (room.id, room.settings, room.affiliations, room.subject) == (new, {}, [], None)


def test_whoever_is_late_for_a_room_is_told(wait, rooms, cave):
    wait(rooms.remove(cave))
    late = [
        rooms.save(cave, {}, name="", public=True, persistent=True),
        rooms.set_subject(cave, SUBJECT),
        rooms.set_affiliations(cave, [OWNER]),
        rooms.apply(cave, HAG, "", {}, at=1.0, most=9),
    ]
    for each in late:
        with pytest.raises(RoomGone):
            wait(each)


def addresses(found):
    return [each.address.local for each in found.items]


def test_public_rooms_are_listed_by_address(wait, rooms, make):
    """§6.3, XEP-0059 §2.1 to §2.3, §2.5 to §2.7."""
    for local in ("heath", "coven", "forres", "darkcave", "inverness"):
        make(local, name=local.upper())
    make("secret", public=False)
    first = wait(rooms.listed(Page(2)))
    assert list(first.items) == [
        Listed(JID.parse("coven@chat.shakespeare.lit"), "COVEN"), Listed(CAVE, "DARKCAVE")
    ]  # fmt: skip
    assert (first.index, first.count) == (0, 5)
    second = wait(rooms.listed(Page(2, after=first.items[-1].address)))
    assert (addresses(second), second.index) == (["forres", "heath"], 2)
    back = wait(rooms.listed(Page(2, before=second.items[-1].address)))
    assert (addresses(back), back.index) == (["darkcave", "forres"], 1)
    last = wait(rooms.listed(Page(2, before="")))
    assert (addresses(last), last.index) == (["heath", "inverness"], 3)
    assert addresses(wait(rooms.listed(Page(9, index=4)))) == ["inverness"]
    assert (addresses(none := wait(rooms.listed(Page(0)))), none.count) == ([], 5)
    # §2.4: one that is gone still has its place in the order.
    assert addresses(wait(rooms.listed(Page(1, after="d")))) == ["darkcave"]


def test_rooms_are_counted_listed_or_not(wait, rooms, make):
    assert (wait(rooms.count()), wait(rooms.listed(Page(5)))) == (0, wait(rooms.listed(Page(0))))
    make("darkcave")
    make("secret", public=False)
    assert wait(rooms.count()) == 2


def test_who_has_made_how_many(wait, rooms, make):
    made = make("darkcave", OWNER, maker=CRONE)
    make("heath", OWNER, Affiliated(HAG, "owner"), maker=CRONE)
    make("forres", Affiliated(CRONE, "admin"), maker=HAG)
    wait(rooms.set_affiliations(made, [Affiliated(CRONE, "none"), Affiliated(HAG, "owner")]))
    assert [wait(rooms.made(jid)) for jid in (CRONE, HAG, WITCH)] == [2, 1, 0]
    wait(rooms.forget(CRONE))
    assert [wait(rooms.made(jid)) for jid in (CRONE, HAG, WITCH)] == [0, 1, 0]


def test_rooms_that_are_not_persistent_are_found(wait, rooms, make):
    for local in ("c", "a", "d", "b"):
        make(local, persistent=local == "b")
    first = wait(rooms.temporary("", 2))
    assert [each.local for each in first] == ["a", "c"]
    assert [each.local for each in wait(rooms.temporary(first[-1], 2))] == ["d"]


def test_a_removed_account_is_forgotten(wait, rooms, make):
    alone = make("alone", OWNER, Affiliated(HAG, "admin", "hag"))
    shared = make("shared", OWNER, Affiliated(HAG, "owner"))
    banned = make("banned", Affiliated(CRONE, "outcast"), Affiliated(HAG, "owner"))
    make("other", Affiliated(HAG, "owner"))
    wait(rooms.apply(shared, CRONE, "c", {}, at=1.0, most=9))
    forgotten = wait(rooms.forget(CRONE))
    address = "{}@chat.shakespeare.lit".format
    assert forgotten == [
        Forgotten(alone, JID.parse(address("alone")), True),
        Forgotten(shared, JID.parse(address("shared")), False),
        Forgotten(banned, JID.parse(address("banned")), False),
    ]
    for local in ("alone", "shared", "banned"):
        assert [e.jid for e in wait(rooms.load(JID.parse(address(local)))).affiliations] == [HAG]
    assert wait(rooms.applications(shared)) == []
    assert wait(rooms.forget(CRONE)) == []


def test_the_longest_addresses_are_kept(wait, rooms):
    domain = ".".join(["x" * 60] * 4)
    address, person = JID.of("é" * 511, domain), JID.of("ü" * 511, domain)
    those = [Affiliated(person, "owner", "ö" * 511), Affiliated(JID.parse(domain), "outcast")]
    how = {"name": "n" * 10_000, "public": True, "persistent": False, "now": 1.0}
    id_ = wait(rooms.create(address, {"a": "b" * 100_000}, those, maker=person, **how))
    wait(rooms.apply(id_, person, "ö" * 511, {"f": "g" * 10_000}, at=1.0, most=1))
    assert sorted(wait(rooms.load(address)).affiliations) == sorted(those)
    assert wait(rooms.listed(Page(1))).items[0].address == address
    assert wait(rooms.temporary("", 1)) == [address]
    assert wait(rooms.made(person)) == 1


def test_the_schema_is_brought_forward_once(wait, database):
    async def version(tx):
        sql = "SELECT max(version) FROM schema_migrations WHERE schema_set = 'muc'"
        return (await tx.execute(sql)).rows[0][0]

    assert wait(database.read(version)) == len(list((SCHEMA).glob("*.sql")))
