"""Contract of `archive.Archive`, over every backend: what is kept, replaced, and deleted."""

from itertools import chain, repeat

import pytest
from twisted.internet.defer import Deferred, fail

from components.common.paging import Page
from components.muc.model.history import Said
from components.muc.store.archive import SLICE, Archive, End, Query
from components.muc.store.journal import Journal
from components.muc.store.rooms import SCHEMA, RoomGone
from tests.support.stores import PERSISTENT
from xmppd.errors import StoreError
from xmppd.jid import JID

HAG = JID.parse("hag66@shakespeare.lit")
PDA = HAG.with_resource("pda")
ALL = Page(10_000)


@pytest.fixture
def numbers(wait, archive):
    def numbers(room, query=Query(), page=ALL):  # noqa: B008 - it is a value
        return [each.number for each in wait(archive.find(room, query, page)).items]

    return numbers


def stored(wait, database):
    async def work(tx):
        tables = ("room_archives", "room_messages")
        return [(await tx.execute(f"SELECT count(*) FROM {t}")).rows[0][0] for t in tables]

    return wait(database.read(work))


def test_a_message_reads_back_as_it_was_put(wait, archive, cave):
    """XEP-0313 §3: time, sender, id, and the message itself."""
    body = "<body>Thrice the brinded cat hath mew'd. 🐈</body>".encode()
    message = Said(1606_000_000_000_001, "x-1", "o-1", "en", "first witch ☾", PDA, "b2d7", body)
    wait(archive.add(cave, message))
    assert wait(archive.get(cave, "x-1")) == message
    assert wait(archive.newest(cave, 5)) == [message]
    assert type(wait(archive.get(cave, "x-1")).session) is JID
    assert wait(archive.get(cave, "x-2")) is None


def test_what_is_on_its_way_is_found(wait, archive, cave):
    """XEP-0313 §3.5: who has been sent a message may ask for what came behind it at once."""
    for number in (1, 2):
        archive.add(cave, Said(number, f"x-{number}", "", "", "hag", PDA, "b2d7", b""))
    found = wait(archive.find(cave, Query(after_id="x-1"), ALL))
    assert [each.id for each in found.items] == ["x-2"]
    archive.add(cave, Said(3, "x-3", "", "", "hag", PDA, "b2d7", b""))
    assert wait(archive.get(cave, "x-3")) is not None
    archive.add(cave, Said(4, "x-4", "", "", "hag", PDA, "b2d7", b""))
    assert wait(archive.ends(cave)) == (End("x-1", 1), End("x-4", 4))


def test_however_many_look_for_somebodys_messages_while_the_store_fails(
    wait, archive, cave, say, monkeypatch
):
    """One after the other; and whoever does so later finds them."""
    say(cave, 1)
    query, first, failed = Query(with_nick="hag"), Deferred(), []
    with monkeypatch.context() as patched:
        answers = chain([first], repeat(None))
        patched.setattr(archive, "_read", lambda _: next(answers) or fail(StoreError("away")))
        for _ in range(300):
            archive.find(cave, query, ALL).addErrback(failed.append)
        assert not failed
        first.errback(StoreError("away"))
    assert {each.type for each in failed} == {StoreError} and len(failed) == 300
    wait(archive.find(cave, query, ALL))


def test_what_comes_too_late_for_a_room_is_lost_with_it(wait, archive, rooms, cave):
    wait(rooms.remove(cave))
    message = Said(1, "x-1", "", "", "hag", PDA, "b2d7", b"")
    wait(archive.keep(cave, message))
    with pytest.raises(RoomGone):
        wait(archive.add(cave, message))


def test_rooms_have_archives_of_their_own(wait, archive, cave, make, say, numbers):
    heath = make("heath")
    say(cave, 1, 2)
    say(heath, 2, 3)
    assert (numbers(cave), numbers(heath)) == ([1, 2], [2, 3])
    assert wait(archive.get(heath, "id-1")) is None
    assert wait(archive.find(heath, Query(), ALL)).count == 2


def test_messages_keep_their_order_whatever_batches_they_came_in(say, cave, numbers):
    """XEP-0313 §3.1."""
    say(cave, *range(1, 131))
    say(cave, 131)
    say(cave, *range(132, 140))
    assert numbers(cave) == list(range(1, 140))


def test_history_is_the_newest_messages(wait, archive, cave, say):
    """XEP-0045 §7.2.13."""
    assert wait(archive.newest(cave, 20)) == []
    say(cave, *range(1, 31))
    assert [each.number for each in wait(archive.newest(cave, 20))] == list(range(11, 31))
    assert wait(archive.newest(cave, 0)) == []
    assert len(wait(archive.newest(cave, 99))) == 30


def test_a_retracted_message_keeps_its_place(wait, archive, cave, say, numbers):
    """XEP-0313 §3.2."""
    say(cave, 1, 2, 3)
    before = wait(archive.get(cave, "id-2"))
    assert wait(archive.replace(cave, "id-2", b"<retracted/>"))
    assert wait(archive.get(cave, "id-2")) == before._replace(inner=b"<retracted/>")
    assert numbers(cave) == [1, 2, 3]
    assert not wait(archive.replace(cave, "id-4", b"<retracted/>"))


def test_what_is_on_its_way_is_replaced(backend, archive, cave):
    added = [
        archive.add(cave, Said(n, f"id-{n}", "", "", "w", HAG, "", b"<body/>")) for n in range(1, 5)
    ]
    replaced = archive.replace(cave, "id-4", b"<retracted/>")
    assert backend.reactor.wait_all([*added, replaced]) == [None] * 4 + [True]
    assert backend.reactor.wait(archive.get(cave, "id-4")).inner == b"<retracted/>"


def test_an_archive_has_two_ends(wait, archive, cave, say):
    """XEP-0313 §5."""
    assert wait(archive.ends(cave)) is None
    say(cave, 5)
    assert wait(archive.ends(cave)) == (End("id-5", 5), End("id-5", 5))
    say(cave, 7, 9)
    assert wait(archive.ends(cave)) == (End("id-5", 5), End("id-9", 9))


def test_the_newest_are_kept(wait, archive, cave, make, say, numbers):
    """XEP-0313 §3.2: it is the oldest that go."""
    say(heath := make("heath"), 1, 2, 3)
    say(cave, *range(1, 11))
    assert [wait(archive.trim(cave, keep)) for keep in (10, 4, 4)] == [0, 6, 0]
    assert numbers(cave) == [7, 8, 9, 10]
    found = wait(archive.find(cave, Query(), Page(2, before="")))
    assert (found.index, found.count) == (2, 4)
    say(cave, 11)
    assert wait(archive.trim(cave, 2)) == 3
    assert wait(archive.trim(cave, 0)) == 2
    assert wait(archive.ends(cave)) is None
    assert numbers(heath) == [1, 2, 3]
    say(cave, 12)
    assert (numbers(cave), wait(archive.trim(99, 1))) == ([12], 0)


def test_more_than_a_slice_goes(wait, archive, cave, say):
    say(cave, *range(1, 2 * SLICE + 11))
    assert wait(archive.trim(cave, 7)) == 2 * SLICE + 3
    assert wait(archive.find(cave, Query(), Page(0))).count == 7


def test_what_is_old_goes_from_all_rooms(wait, archive, make, say, numbers):
    caves = [make(local) for local in "abc"]
    say(caves[0], *range(1, 9))
    say(caves[1], *range(5, 12))
    say(caves[2], 20, 21)
    assert wait(archive.expire(7, 100)) == 6 + 2
    assert [numbers(each) for each in caves] == [[7, 8], [7, 8, 9, 10, 11], [20, 21]]
    assert wait(archive.expire(7, 100)) == 0


def test_no_more_goes_at_once_than_is_said(wait, archive, cave, make, say, numbers):
    say(cave, 1, 2, 3)
    say(heath := make("heath"), 1, 2, 3)
    assert [wait(archive.expire(3, 3)) for _ in range(3)] == [3, 1, 0]
    assert (numbers(cave), numbers(heath)) == ([3], [3])


def test_the_archive_of_a_removed_room_goes(wait, rooms, archive, cave, make, say, database):
    heath = make("heath")
    say(heath, 1, 2)
    say(cave, *range(1, SLICE + 100))
    assert wait(archive.sweep()) == 0
    wait(rooms.remove(cave))
    assert wait(archive.sweep()) == SLICE + 99
    assert stored(wait, database) == [1, 2]
    assert wait(archive.sweep()) == 0


def test_nothing_is_kept_of_a_room_that_is_gone(backend, rooms, archive, cave, make, say, database):
    """Of one batch, what others said is kept."""
    heath = make("heath")
    say(cave, 1)
    backend.reactor.wait(rooms.remove(cave))
    messages = [Said(n, f"id-{n}", "", "", "w", HAG, "", b"") for n in range(2, 8)]
    outcomes = backend.reactor.wait_all(
        [archive.add((cave, heath)[each.number % 2], each) for each in messages]
    )
    assert [type(each) for each in outcomes] == [RoomGone, type(None)] * 3
    assert stored(backend.reactor.wait, database) == [2, 4]
    backend.reactor.wait(archive.sweep())
    assert stored(backend.reactor.wait, database) == [1, 3]


@pytest.mark.parametrize("backend", PERSISTENT, indirect=True)
def test_what_was_acknowledged_is_there_for_the_next_process(backend, cave, say):
    say(cave, *range(1, 100))
    again = backend.open(SCHEMA)
    archive = Archive(again, Journal(again))
    assert backend.reactor.wait(archive.find(cave, Query(), Page(0))).count == 99
