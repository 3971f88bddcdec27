"""Several instances of the service: a room is one's at a time, and nothing of it is lost."""

from __future__ import annotations

import pytest
from twisted.internet.defer import Deferred

from tests.support.conference import codes, item
from tests.support.houses import Houses
from tests.support.people import C
from tests.support.server import condition
from xmppd.jid import JID


@pytest.fixture
def houses() -> Houses:
    return Houses()


def last(person):
    found = person.came()[-1]
    return found.get("from"), found.get("type"), codes(found)


def test_each_has_its_own_rooms(houses):
    houses.two.start()
    for instance, other in (("one", "two"), ("two", "one")):
        room = houses.room(instance)
        houses.one.opened("juliet", instance, room)
        assert houses.at(instance, room)
        assert not houses.at(other, room)


def test_a_room_that_moves_is_closed_there_before_it_is_opened_here(houses):
    moving, staying = houses.room("two"), houses.room("one")
    juliet = houses.one.opened("juliet", room=moving)
    nurse = houses.one.opened("nurse", room=staying)
    juliet.say("O Romeo, Romeo!", moving).came()
    houses.two.start()
    assert last(juliet) == (f"{moving}/Juliet", "unavailable", [110, 332])
    assert nurse.came() == []
    assert not houses.at("one", moving)
    own, history, _ = juliet.join(moving).came()
    assert (codes(own), item(own)["affiliation"]) == ([110], "owner")
    assert history.findtext(f"{C}body") == "O Romeo, Romeo!"
    assert houses.at("two", moving)
    houses.two.pass_time(30)
    assert juliet.came() == [], "he who has come back is not told again"


def test_the_server_waits_until_what_was_begun_is_written(houses):
    moving = houses.room("two")
    juliet = houses.one.opened("juliet", room=moving)
    room = houses.one.service.rooms.at_hand(JID.parse(moving))
    writing = Deferred()
    room.lock.run(lambda: writing)
    houses.two.start()
    juliet.join(moving)
    assert juliet.came() == []
    assert not houses.at("two", moving)
    writing.callback(None)
    told = [(each.get("type"), codes(each)) for each in juliet.came() if "presence" in each.tag]
    assert told == [("unavailable", [110, 332]), (None, [110])]
    assert houses.at("two", moving)


def test_the_rooms_of_one_that_is_killed_are_the_others(houses):
    houses.two.start()
    room = houses.room("two")
    juliet = houses.one.opened("juliet", room=room)
    juliet.say("Ay me!", room).came()
    houses.two.kill()
    romeo = houses.one.person("romeo").join(room)
    assert last(juliet) == (f"{room}/Juliet", "unavailable", [110, 332])
    own, history, _ = romeo.came()
    assert item(own) == {
        "affiliation": "none",
        "jid": romeo.jid,
        "role": "participant",
    }, "and nobody else is there"
    assert history.findtext(f"{C}body") == "Ay me!"


def test_those_in_rooms_that_nobody_asks_for_are_told_all_the_same(houses):
    houses.two.start()
    houses.one.pass_time(20)
    room = houses.room("two")
    juliet = houses.one.opened("juliet", room=room)
    houses.two.kill()
    assert juliet.came() == []
    houses.one.pass_time(20)
    assert last(juliet) == (f"{room}/Juliet", "unavailable", [110, 332])


def test_one_that_was_cut_off_acts_no_more_for_what_others_have(houses):
    houses.two.start()
    room = houses.room("two")
    juliet = houses.one.opened("juliet", room=room)
    houses.two.cut()
    assert not houses.at("two", room)
    assert last(juliet.join(room))[1:] == ("groupchat", [])
    assert houses.at("one", room)
    houses.two.come_back()
    houses.one.pump()
    told = [(each.get("type"), codes(each)) for each in juliet.came() if "presence" in each.tag]
    assert told == [("unavailable", [110, 332])], "it has moved back"
    assert not houses.at("one", room)


def test_one_that_is_alone_keeps_its_rooms_over_a_cut(houses):
    room = houses.room("one")
    juliet = houses.one.opened("juliet", room=room)
    houses.one.cut()
    juliet.say("Ay me!", room)
    houses.one.come_back()
    assert juliet.one().findtext(f"{C}body") == "Ay me!"


def test_what_waits_for_one_that_comes_back_alone_is_handled_behind_the_new_epoch(houses):
    """It comes before it: nobody knows until then whose the room is."""
    room = houses.room("one")
    juliet = houses.one.opened("juliet", room=room)
    houses.one.kill()
    juliet.join(room)
    houses.one.again()
    told = [(each.get("type"), codes(each)) for each in juliet.came() if "presence" in each.tag]
    assert told == [("unavailable", [110, 332]), (None, [110])]


def test_what_is_for_another_instance_is_refused_and_makes_no_room(houses):
    """As it would come where a change has overtaken it."""
    houses.two.start()
    room = houses.room("two")
    juliet = houses.one.person("juliet")
    presence = (
        f"<presence from='{juliet.jid}' to='{room}/Juliet'>"
        "<x xmlns='http://jabber.org/protocol/muc'/></presence>"
    )
    houses.one.line.protocol.dataReceived(presence.encode())
    refused = juliet.one()
    assert condition(refused) == "resource-constraint"
    assert refused.find(f"{C}error").get("type") == "wait"
    assert not houses.at("one", room)
    assert codes(juliet.join(room).came()[0]) == [110, 201]


def test_a_room_that_is_being_opened_as_it_moves_is_closed_before_it_is_opened_there(houses):
    room = houses.room("two")
    juliet = houses.one.opened("juliet", room=room)
    juliet.leave(room).came()
    houses.one.pass_time(1500)
    assert not houses.at("one", room)
    opening = houses.one.slow_load()
    juliet.join(room)
    houses.two.start()
    romeo = houses.one.person("romeo").join(room)
    assert (juliet.came(), romeo.came()) == ([], [])
    opening.callback(None)
    assert last(juliet) == (f"{room}/Juliet", "unavailable", [110, 332])
    assert not houses.at("one", room)
    assert [codes(each) for each in romeo.came() if "presence" in each.tag] == [[110]]
    assert houses.at("two", room)
