"""What is done from time to time: rooms out of memory, archives kept to their size."""

from __future__ import annotations

import pytest
from twisted.internet.defer import Deferred

from components.common.paging import Page
from components.muc.model.settings import DEFAULTS
from components.muc.store.archive import Query
from tests.support.conference import HALL, Conference, codes
from tests.support.deferred import result
from tests.support.people import C
from xmppd.jid import JID

LASTING = DEFAULTS.change(persistent=True)
DAY = 86_400


def hall_of(**policy) -> Conference:
    return Conference(defaults=LASTING, **policy).start()


def archived(hall: Conference, room: int) -> list[bytes]:
    found = result(hall.service.archive.find(room, Query(), Page(most=100)))
    return [each.inner for each in found.items]


def number(hall: Conference) -> int:
    return hall.service.rooms.at_hand(JID.parse(HALL)).id


def test_a_room_in_which_nobody_is_leaves_memory_and_is_as_it_was():
    hall = hall_of()
    juliet = hall.opened("juliet")
    juliet.message(HALL, "<subject>The balcony</subject>", "groupchat")
    juliet.say("Ay me!").leave()
    hall.pass_time(500)
    assert len(hall.service.rooms) == 1
    hall.pass_time(300)
    assert len(hall.service.rooms) == 0
    juliet.came()
    own, history, subject = juliet.join().came()
    assert codes(own) == [110]
    assert history.findtext(f"{C}body") == "Ay me!"
    assert subject.findtext(f"{C}subject") == "The balcony"


def test_a_room_in_which_somebody_is_stays():
    hall = hall_of()
    hall.opened("juliet")
    hall.pass_time(2_000)
    assert len(hall.service.rooms) == 1


def test_archives_keep_the_newest_messages():
    hall = hall_of(archive_messages=3)
    juliet = hall.opened("juliet")
    for each in range(5):
        juliet.say(f"word {each}")
    assert len(archived(hall, number(hall))) == 5
    hall.pass_time(70)
    assert archived(hall, number(hall)) == [f"<body>word {n}</body>".encode() for n in (2, 3, 4)]


def test_archives_keep_what_is_not_too_old():
    hall = hall_of(archive_days=1)
    juliet = hall.opened("juliet").say("Ay me!")
    hall.server.clock.advance(DAY - 100)
    juliet.say("Good night!")
    hall.pass_time(20)
    assert len(archived(hall, number(hall))) == 2
    hall.pass_time(200)
    assert archived(hall, number(hall)) == [b"<body>Good night!</body>"]


def test_0_is_for_ever():
    hall = hall_of(archive_days=0, archive_messages=0)
    hall.opened("juliet").say("Ay me!")
    hall.server.clock.advance(1_000 * DAY)
    hall.pass_time(100)
    assert len(archived(hall, number(hall))) == 1


def test_the_archive_of_a_room_that_is_gone_goes_too():
    hall = Conference().start()
    juliet = hall.opened("juliet").say("Ay me!")
    room = number(hall)
    juliet.leave()
    assert len(archived(hall, room)) == 1
    hall.pass_time(70)
    assert archived(hall, room) == []


def test_what_fails_is_done_the_next_time(monkeypatch):
    hall = hall_of()
    hall.opened("juliet").leave()
    retire, failures = hall.service.lives.retire, []

    async def failing(room):
        if not failures:
            failures.append(room)
            raise RuntimeError("the store is away")
        await retire(room)

    monkeypatch.setattr(hall.service.lives, "retire", failing)
    hall.pass_time(800)
    assert len(failures) == 1
    assert len(hall.service.rooms) == 0


def test_nothing_is_done_behind_the_end():
    hall = hall_of()
    hall.opened("juliet")
    hall.stop()
    assert hall.life.getDelayedCalls() == []


@pytest.mark.parametrize("waits", [True, False])
def test_a_room_that_somebody_enters_in_the_last_moment_stays(waits):
    """Whoever is about to change it has its lock."""
    hall = Conference().start()
    juliet = hall.opened("juliet")
    room = hall.service.rooms.at_hand(JID.parse(HALL))
    changing = Deferred()
    if waits:
        room.lock.run(lambda: changing)
    juliet.leave()
    romeo = hall.person("romeo").join()
    changing.callback(None)
    hall.pump()
    assert codes(romeo.came()[0]) == ([110] if waits else [110, 201])
    assert len(hall.service.rooms) == 1
