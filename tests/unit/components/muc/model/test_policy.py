"""How much there may be of everything, and who may make it (XEP-0045 §10.1.1)."""

from __future__ import annotations

from components.muc.model.settings import DEFAULTS
from tests.support.conference import ROOMS, Conference, codes
from tests.support.deferred import result
from tests.support.server import condition


def rooms(hall: Conference) -> int:
    return result(hall.service.store.count())


def room(number: int) -> str:
    return f"room{number}@{ROOMS}"


def test_one_user_who_enters_a_thousand_rooms_is_told_to_wait_and_leaves_nothing_behind():
    hall = Conference(entered=200, owned=0).start()
    romeo = hall.person("romeo")
    for number in range(1_000):
        romeo.join(room(number))
        if number % 100 == 99:
            hall.pass_time(10)
    answers = [each for each in romeo.came() if each.tag.endswith("presence")]
    let_in = [each for each in answers if each.get("type") is None]
    refused = [each for each in answers if each.get("type") == "error"]
    assert (len(let_in), len(refused)) == (200, 800)
    assert {condition(each) for each in refused} == {"resource-constraint"}
    assert rooms(hall) == len(hall.service.rooms) == len(hall.service.visits) == 200
    romeo.leave(room(7)).came()
    assert codes(romeo.join(room(999)).came()[0]) == [110, 201]


def test_one_user_who_makes_a_thousand_rooms_at_once_has_those_that_he_may():
    hall = Conference(owned=50).start()
    romeo = hall.person("romeo")
    romeo.send(
        "".join(
            f"<presence to='{room(number)}/Romeo'><x xmlns='http://jabber.org/protocol/muc'/></presence>"
            for number in range(1_000)
        )
    )
    refused = [each for each in romeo.came() if each.get("type") == "error"]
    assert len(refused) == 950
    assert {condition(each) for each in refused} == {"resource-constraint"}
    assert rooms(hall) == 50


def test_rooms_that_somebody_has_given_away_are_his_to_answer_for():
    """Nobody makes more by giving them to others, nor has others make none by giving them his."""
    hall = Conference(owned=1).start()
    juliet = hall.opened("juliet", room=room(1))
    for jid, affiliation in (("romeo", "owner"), ("juliet", "none")):
        change = f"<item jid='{jid}@capulet.lit' affiliation='{affiliation}'/>"
        asked = f"<query xmlns='http://jabber.org/protocol/muc#admin'>{change}</query>"
        assert juliet.ask(asked, "set", room(1)).get("type") == "result"
    assert condition(juliet.join(room(2)).one()) == "resource-constraint"
    romeo = hall.person("romeo")
    assert codes(romeo.join(room(3)).came()[0]) == [110, 201]


def test_there_are_no_more_rooms_than_there_may_be():
    hall = Conference(rooms=2).start()
    romeo = hall.person("romeo").join(room(1)).join(room(2)).join(room(3))
    assert condition(romeo.came()[-1]) == "resource-constraint"
    assert rooms(hall) == 2
    romeo.leave(room(1)).came()
    assert codes(romeo.join(room(3)).came()[0]) == [110, 201], "there is space again, at once"


def test_10_1_1_who_may_not_make_rooms_is_told_so_and_may_enter_those_there_are():
    hall = Conference(create="admins", admins=["juliet@capulet.lit"]).start()
    romeo = hall.person("romeo").join()
    assert condition(romeo.one()) == "not-allowed"
    assert rooms(hall) == 0
    hall.opened("juliet")
    assert codes(romeo.join().came()[-2]) == [110]


def test_one_nick_has_no_more_clients_than_it_may():
    hall = Conference(clients=2).start()
    hall.opened("juliet")
    first, second, third = (hall.person("romeo", where).join() for where in "abc")
    first.came(), second.came()
    assert condition(third.one()) == "resource-constraint"
    first.leave().came()
    assert codes(third.join().came()[-2]) == [110]


def test_there_are_no_more_people_in_all_rooms_than_there_may_be():
    hall = Conference(sessions=2).start()
    juliet = hall.opened("juliet")
    hall.person("romeo").join(room(1))
    nurse = hall.person("nurse").join()
    assert condition(nurse.one()) == "resource-constraint"
    juliet.leave()
    hall.pass_time(1)
    assert codes(nurse.join().came()[0]) == [110, 201]


def test_7_2_9_a_full_room_lets_its_owner_in_who_has_a_spare_place():
    hall = Conference(occupants=2, spare=1, defaults=DEFAULTS.change(persistent=True)).start()
    juliet = hall.opened("juliet").leave()
    for name in ("romeo", "nurse"):
        assert codes(hall.person(name).join().came()[-2]) == [110]
    tybalt = hall.person("tybalt").join()
    assert condition(tybalt.one()) == "service-unavailable"
    juliet.came()
    assert codes(juliet.join().came()[-2]) == [110]
