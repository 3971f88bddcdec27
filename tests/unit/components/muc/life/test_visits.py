"""Coming, going, and what happens in between (XEP-0045 §7.2, §7.14)."""

from __future__ import annotations

from tests.support.conference import HALL, codes, item
from tests.support.people import C
from tests.support.server import condition


def test_7_1_a_newcomer_gets_others_himself_history_and_the_subject_in_that_order(hall):
    juliet = hall.opened("juliet")
    juliet.say("O Romeo, Romeo!")
    juliet.message(HALL, "<subject>The balcony</subject>", "groupchat")
    romeo = hall.person("romeo").join(id_="j1")
    others, own, history, subject = romeo.came()
    assert others.get("from") == f"{HALL}/Juliet"
    assert item(others) == {"affiliation": "owner", "role": "moderator"}
    assert (own.get("from"), own.get("id")) == (f"{HALL}/Romeo", "j1")
    assert codes(own) == [110]
    assert history.findtext(f"{C}body") == "O Romeo, Romeo!"
    assert history.find("{urn:xmpp:delay}delay").get("from") == HALL
    assert subject.findtext(f"{C}subject") == "The balcony"
    assert juliet.came()[-1].get("from") == f"{HALL}/Romeo"


def test_10_1_1_a_new_room_is_locked_until_its_owner_has_configured_it(hall):
    juliet = hall.person("juliet").join()
    own, _subject = juliet.came()
    assert codes(own) == [110, 201]
    romeo = hall.person("romeo").join()
    hall.pass_time(hall.policy.lock_wait)
    assert condition(romeo.one()) == "item-not-found"


def test_7_14_a_room_that_is_not_persistent_goes_with_the_last_occupant(hall):
    juliet = hall.opened("juliet").leave()
    gone = juliet.one()
    assert (gone.get("type"), item(gone)["role"], codes(gone)) == ("unavailable", "none", [110])
    romeo = hall.person("romeo").join()
    assert codes(romeo.came()[0]) == [110, 201]
