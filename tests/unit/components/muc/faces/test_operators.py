"""What the service's administrators have done (XEP-0133 §4.23 and like it)."""

from __future__ import annotations

import pytest

from components.muc.model.settings import DEFAULTS
from tests.support.conference import HALL, ROOMS, Conference, Person
from tests.support.deferred import result
from tests.support.forms import X, field
from tests.support.houses import Houses
from tests.support.people import C
from tests.support.server import condition
from xmppd import ns
from xmppd.jid import JID

K = f"{{{ns.COMMANDS}}}"
ANNOUNCE = "http://jabber.org/protocol/admin#announce"
FRIAR = "friar@capulet.lit"
CELL = f"cell@{ROOMS}"


@pytest.fixture
def hall() -> Conference:
    return Conference(admins=[FRIAR]).start()


def do(person: Person, node: str, **fields: str):
    """Have a command done, with its form filled in."""
    said = "".join(field(var, text) for var, text in fields.items())
    form = f"<x xmlns='{ns.DATA_FORM}' type='submit'>{said}</x>"
    payload = f"<command xmlns='{ns.COMMANDS}' node='{node}'>{form}</command>"
    return person.ask(payload, "set", ROOMS)


def bodies(person: Person) -> list[tuple[str | None, str | None]]:
    return [(each.get("from"), each.findtext(f"{C}body")) for each in person.came()]


def listed(answer) -> list[dict[str | None, str | None]]:
    items = answer.iterfind(f".//{X}item")
    return [{each.get("var"): each.findtext(f"{X}value") for each in item} for item in items]


def test_4_23_everybody_in_every_room_is_told(hall):
    juliet, romeo = hall.opened("juliet"), hall.opened("romeo", room=CELL)
    nurse = hall.person("nurse").join()
    juliet.came(), nurse.came()
    friar = hall.person("friar")
    done = do(friar, ANNOUNCE, announcement="The plague!")
    assert done.find(f"{K}command").get("status") == "completed"
    assert bodies(juliet) == bodies(nurse) == [(HALL, "The plague!")]
    assert bodies(romeo) == [(CELL, "The plague!")]
    paris = hall.person("paris").join()
    assert "The plague!" not in [body for _, body in bodies(paris)], "it is no part of history"


def test_4_23_nothing_is_announced_by_others_and_no_nothing_by_anybody(hall):
    juliet = hall.opened("juliet")
    assert condition(do(juliet, ANNOUNCE, announcement="The plague!")) == "forbidden"
    friar = hall.person("friar")
    assert condition(do(friar, ANNOUNCE, announcement=" ")) == "not-acceptable"
    assert juliet.came() == []


def test_all_rooms_are_listed_whether_public_or_not(hall):
    hall.opened("juliet")
    hall.person("nurse").join()
    hall.person("romeo").join(CELL)
    friar = hall.person("friar")
    assert listed(do(friar, "list-rooms")) == [
        {"jid": CELL, "name": "", "public": "0", "persistent": "0", "clients": "1"},
        {"jid": HALL, "name": "", "public": "1", "persistent": "0", "clients": "2"},
    ]
    (behind,) = listed(do(friar, "list-rooms", after=CELL))
    assert behind["jid"] == HALL


def test_a_room_is_destroyed_and_those_in_it_are_told(hall):
    juliet = hall.opened("juliet")
    friar = hall.person("friar")
    done = do(friar, "destroy-room", jid=HALL, reason="The plague!", alternate=CELL)
    assert done.find(f"{K}command").get("status") == "completed"
    gone = juliet.one()
    destroyed = gone.find(".//{*}destroy")
    assert (destroyed.get("jid"), destroyed.findtext("{*}reason")) == (CELL, "The plague!")
    assert result(hall.service.store.count()) == 0


@pytest.mark.parametrize("address", [f"nowhere@{ROOMS}", ROOMS, "hall@elsewhere.lit"])
def test_a_room_that_there_is_not(hall, address):
    friar = hall.person("friar")
    assert condition(do(friar, "destroy-room", jid=address)) == "item-not-found"


def test_no_room_is_destroyed_by_others(hall):
    juliet = hall.opened("juliet")
    assert condition(do(juliet, "destroy-room", jid=HALL)) == "forbidden"
    sly = "<destroy xmlns='urn:xmppd:muc:destroy' reason=''/>"
    assert condition(juliet.ask(sly, "set", HALL)) == "forbidden"
    assert result(hall.service.store.count()) == 1


def test_rooms_of_other_instances_are_reached_all_the_same():
    houses = Houses(admins=[FRIAR])
    houses.two.start()
    rooms = [houses.room("one"), houses.room("two")]
    juliet = houses.one.opened("juliet", room=rooms[0])
    romeo = houses.one.opened("romeo", room=rooms[1])
    friar = houses.one.person("friar")
    do(friar, ANNOUNCE, announcement="The plague!")
    assert bodies(juliet) == [(rooms[0], "The plague!")]
    assert bodies(romeo) == [(rooms[1], "The plague!")]
    assert {each["jid"] for each in listed(do(friar, "list-rooms"))} == set(rooms)
    for room in rooms:
        done = do(friar, "destroy-room", jid=room)
        assert done.get("type") == "result", condition(done)
    assert juliet.one().find(".//{*}destroy") is not None
    assert romeo.one().find(".//{*}destroy") is not None
    assert not houses.at("two", rooms[1])


def test_the_names_are_those_of_the_settings():
    hall = Conference(admins=[FRIAR], defaults=DEFAULTS.change(name="The hall")).start()
    hall.opened("juliet")
    (found,) = listed(do(hall.person("friar"), "list-rooms"))
    assert (found["jid"], found["name"]) == (JID.parse(HALL), "The hall")


def test_4_23_an_announcement_waits_while_the_server_is_behind(hall, monkeypatch):
    """Of each room: or requests of others would be refused meanwhile."""
    juliet, romeo = hall.opened("juliet"), hall.opened("romeo", room=CELL)
    friar = hall.person("friar")
    sent = []
    send = hall.service.broadcast.message
    monkeypatch.setattr(
        hall.service.broadcast, "message", lambda *what: (sent.append(what), send(*what))
    )
    monkeypatch.setattr(type(hall.component), "behind", property(lambda _: len(sent) % 2 == 1))
    do(friar, ANNOUNCE, announcement="The plague!")
    hall.pass_time(10)
    assert len(bodies(juliet) + bodies(romeo)) == 1
    sent.append("taken")
    hall.pass_time(1)
    assert len(bodies(juliet) + bodies(romeo)) == 1
