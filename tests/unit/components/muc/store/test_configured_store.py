"""How rooms are set up, written with who has which affiliation, over every backend (§10.2)."""

from __future__ import annotations

import pytest

from components.muc.store.rooms import Affiliated, NickTaken, RoomGone
from xmppd.jid import JID

HALL = JID.parse("hall@rooms.capulet.lit")
JULIET, ROMEO = JID.parse("juliet@capulet.lit"), JID.parse("romeo@capulet.lit")
OWNER = Affiliated(JULIET, "owner", "Juliet")
SET_UP = {"name": "The orchard", "public": True, "persistent": True}


@pytest.fixture
def hall(rooms, wait):
    creating = rooms.create(
        HALL, {"history": 1}, [OWNER], name="", public=False, persistent=False, now=1.0
    )
    return wait(creating)


def test_both_are_written(rooms, wait, hall):
    admin = Affiliated(ROMEO, "admin")
    wait(rooms.save(hall, {"history": 2}, [admin], **SET_UP))
    found = wait(rooms.load(HALL))
    assert (found.settings, list(found.affiliations)) == ({"history": 2}, [OWNER, admin])


def test_neither_is_where_one_can_not_be(rooms, wait, hall):
    with pytest.raises(NickTaken):
        wait(rooms.save(hall, {"history": 2}, [Affiliated(ROMEO, "member", "Juliet")], **SET_UP))
    found = wait(rooms.load(HALL))
    assert (found.settings, list(found.affiliations)) == ({"history": 1}, [OWNER])


def test_nothing_is_written_of_a_room_that_is_gone(rooms, wait, hall):
    wait(rooms.remove(hall))
    with pytest.raises(RoomGone):
        wait(rooms.save(hall, {"history": 2}, [OWNER], **SET_UP))
    assert wait(rooms.load(HALL)) is None
