"""The vCards of rooms on the disk, over every backend (XEP-0486)."""

from __future__ import annotations

import pytest
from twisted.internet.defer import Deferred

from components.muc.model.avatar import Card
from components.muc.model.room import Room
from components.muc.model.settings import DEFAULTS
from components.muc.store.avatars import Avatars
from components.muc.store.rooms import RoomGone
from xmppd.jid import JID

HALL = JID.parse("hall@rooms.capulet.lit")
ROSE = Card(b"<vCard xmlns='vcard-temp'><FN>A rose \xc3\xa9</FN></vCard>", ("a1", "b2"))
LARK = Card(b"<vCard xmlns='vcard-temp'><FN>A lark</FN></vCard>", ())


@pytest.fixture
def hall(rooms, wait) -> Room:
    making = rooms.create(HALL, {}, (), name="", public=False, persistent=False, now=1.0)
    return Room(HALL, wait(making), DEFAULTS)


@pytest.fixture
def avatars(database) -> Avatars:
    return Avatars(database)


@pytest.fixture
def do(wait):
    return lambda coroutine: wait(Deferred.fromCoroutine(coroutine))


def test_what_was_put_is_there_for_the_next_process(hall, avatars, database, wait, do):
    do(avatars.set(hall, ROSE))
    for each in (avatars, Avatars(database)):
        assert (wait(each.get(hall)), do(each.hashes(hall))) == ROSE


def test_another_takes_its_place_and_an_empty_one_is_none(hall, avatars, database, wait, do):
    do(avatars.set(hall, ROSE))
    do(avatars.set(hall, LARK))
    assert (wait(avatars.get(hall)), do(avatars.hashes(hall))) == LARK
    do(avatars.set(hall, Card(b"", ())))
    for each in (avatars, Avatars(database)):
        assert (wait(each.get(hall)), do(each.hashes(hall))) == (None, ())


def test_it_goes_with_its_room(hall, avatars, rooms, wait, do):
    do(avatars.set(hall, ROSE))
    wait(rooms.remove(hall.id))
    assert wait(avatars.get(hall)) is None
    with pytest.raises(RoomGone):
        do(avatars.set(hall, LARK))
