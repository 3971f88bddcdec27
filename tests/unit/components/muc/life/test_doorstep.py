"""Who comes while a room is being set up (XEP-0045 §7.2.10, §10.1)."""

from __future__ import annotations

import pytest

from components.muc.life import doorstep
from tests.support.conference import HALL, INSTANT, Conference, codes, settings
from tests.support.server import condition

CANCEL = (
    "<query xmlns='http://jabber.org/protocol/muc#owner'>"
    "<x xmlns='jabber:x:data' type='cancel'/></query>"
)


def set_up(juliet) -> None:
    assert juliet.ask(INSTANT, "set").get("type") == "result"
    juliet.hall.pass_time(0.1)


def test_7_2_10_who_comes_in_the_moment_of_its_making_waits_and_enters(hall):
    juliet = hall.person("juliet").join()
    juliet.came()
    romeo = hall.person("romeo").join(id_="j1")
    hall.pass_time(1)
    assert romeo.came() == juliet.came() == []
    set_up(juliet)
    others, own, _subject = romeo.came()
    assert others.get("from") == f"{HALL}/Juliet"
    assert (own.get("from"), own.get("id"), codes(own)) == (f"{HALL}/Romeo", "j1", [110])
    assert [each.get("from") for each in juliet.came()] == [f"{HALL}/Romeo"]
    assert not len(hall.service.doorstep)


def test_7_2_10_who_has_waited_in_vain_is_told_that_it_is_not_there(hall):
    juliet = hall.person("juliet").join()
    romeo = hall.person("romeo").join(id_="j1")
    hall.pass_time(2.9)
    assert romeo.came() == []
    hall.pass_time(0.2)
    error = romeo.one()
    assert (condition(error), error.get("id")) == ("item-not-found", "j1")
    juliet.came()
    set_up(juliet)
    assert romeo.came() == [], "he is told once, and enters by himself if he still wants to"
    assert len(romeo.join().came()) == 3


def test_all_that_keeps_people_out_is_looked_at_when_it_is_open(hall):
    juliet = hall.person("juliet").join()
    romeo = hall.person("romeo").join(nick="Juliet")
    mercutio = hall.person("mercutio").join()
    set_up(juliet)
    assert condition(romeo.one()) == "conflict"
    assert len(mercutio.came()) == 3


def test_10_1_3_who_waits_for_a_room_that_is_given_up_is_told_at_once(hall):
    juliet = hall.person("juliet").join()
    romeo = hall.person("romeo").join()
    assert juliet.ask(CANCEL, "set").get("type") == "result"
    hall.pass_time(0.1)
    assert condition(romeo.one()) == "item-not-found"
    assert codes(romeo.join().came()[0]) == [110, 201], "the next one is his"


def test_who_goes_or_comes_anew_does_not_enter_twice(hall):
    juliet = hall.person("juliet").join()
    romeo = hall.person("romeo").join(id_="first")
    romeo.join(id_="second")
    mercutio = hall.person("mercutio").join().leave()
    assert len(hall.service.doorstep) == 1
    set_up(juliet)
    assert [each.get("id") for each in romeo.came() if 110 in codes(each)] == ["second"]
    assert mercutio.came() == []


def test_who_is_asked_something_is_asked_when_it_is_open(hall):
    """XEP-0158 comes after the wait: nobody solves a riddle of a room that is not there."""
    juliet = hall.person("juliet").join()
    romeo = hall.person("romeo").join()
    settings(hall, question="Who?", answer="me")
    set_up(juliet)
    assert romeo.one().find("{urn:xmpp:captcha}captcha") is not None


@pytest.mark.parametrize(("bound", "most"), [("OF_USER", 2), ("OF_ROOM", 2), ("WAITING", 2)])
def test_so_many_wait_and_one_too_many_is_told_at_once(hall, monkeypatch, bound, most):
    monkeypatch.setattr(doorstep, bound, most)
    hall.person("juliet").join()
    who = ["romeo"] * 3 if bound == "OF_USER" else ["romeo", "mercutio", "tybalt"]
    people = [hall.person(name, f"r{i}").join() for i, name in enumerate(who)]
    assert [len(each.came()) for each in people] == [0, 0, 1]
    assert len(hall.service.doorstep) == most


def test_large_presence_is_not_kept(hall, monkeypatch):
    monkeypatch.setattr(doorstep, "OCTETS", 100)
    hall.person("juliet").join()
    romeo = hall.person("romeo").join(inside=f"<status>{'a' * 100}</status>")
    assert condition(romeo.one()) == "item-not-found"


def test_where_nobody_is_to_wait_nobody_does():
    hall = Conference(lock_wait=0.0).start()
    hall.person("juliet").join()
    assert condition(hall.person("romeo").join().one()) == "item-not-found"


def test_who_waits_when_the_service_stops_is_told(hall):
    hall.person("juliet").join()
    romeo = hall.person("romeo").join()
    hall.stop()
    assert [condition(each) for each in romeo.came()] == ["item-not-found"]
