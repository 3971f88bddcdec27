"""Voice outlasts a visit to a moderated room (XEP-0045 §5.1)."""

from __future__ import annotations

import pytest
from msgspec import structs

from components.muc.model import voices
from components.muc.model.settings import DEFAULTS
from tests.support.conference import HALL, MUC, Conference, Person, item


@pytest.fixture
def hall() -> Conference:
    return Conference(defaults=structs.replace(DEFAULTS, moderated=True)).start()


def admin(person: Person, attrs: str) -> None:
    query = f"<query xmlns='{MUC}#admin'><item {attrs}/></query>"
    assert person.ask(query, "set").get("type") == "result"


def entered(person: Person) -> str:
    """The role that somebody enters with."""
    person.join()
    return next(
        item(each)["role"] for each in person.came() if each.get("from") == f"{HALL}/{person.nick}"
    )


def test_5_1_who_was_given_voice_has_it_when_he_comes_back(hall, juliet):
    romeo = hall.person("romeo")
    assert entered(romeo) == "visitor"
    admin(juliet, "nick='Romeo' role='participant'")
    romeo.leave().came()
    assert entered(romeo) == "participant"
    admin(juliet, "nick='Romeo' role='visitor'")
    romeo.leave().came()
    assert entered(romeo) == "visitor"
    assert entered(hall.person("paris")) == "visitor", "it is his alone"


def test_5_1_nobody_gets_voice_back_by_leaving(hall, juliet):
    admin(juliet, "jid='romeo@capulet.lit' affiliation='member'")
    romeo = hall.person("romeo")
    assert entered(romeo) == "participant"
    admin(juliet, "nick='Romeo' role='visitor'")
    romeo.leave().came()
    assert entered(romeo) == "visitor"
    romeo.leave().came()
    admin(juliet, "jid='romeo@capulet.lit' affiliation='none'")
    admin(juliet, "jid='romeo@capulet.lit' affiliation='admin'")
    assert entered(romeo) == "moderator", "he is something else by now"


def test_5_1_who_is_a_moderator_for_a_visit_keeps_voice_alone(hall, juliet):
    romeo = hall.person("romeo")
    entered(romeo)
    admin(juliet, "nick='Romeo' role='moderator'")
    romeo.leave().came()
    assert entered(romeo) == "participant"


def test_5_1_nothing_is_known_of_who_was_what_his_affiliation_makes_him(hall, juliet):
    for name in ("romeo", "paris"):
        person = hall.person(name)
        entered(person)
        person.leave()
    assert len(hall.service.rooms.at_hand(HALL).voices) == 0


def test_5_1_only_so_many_are_remembered(hall, juliet, monkeypatch):
    monkeypatch.setattr(voices, "MOST", 1)
    romeo, paris = hall.person("romeo"), hall.person("paris")
    for each in (romeo, paris):
        entered(each)
        admin(juliet, f"nick='{each.nick}' role='participant'")
        each.leave().came()
    assert (entered(romeo), entered(paris)) == ("visitor", "participant")


def test_5_1_2_a_room_that_is_set_up_otherwise_forgets_it(hall, juliet):
    romeo = hall.person("romeo")
    entered(romeo)
    admin(juliet, "nick='Romeo' role='participant'")
    romeo.leave().came()
    for moderated in "01":
        fields = "".join(
            f"<field var='{var}'><value>{value}</value></field>"
            for var, value in (
                ("FORM_TYPE", f"{MUC}#roomconfig"),
                ("muc#roomconfig_moderatedroom", moderated),
            )
        )
        form = f"<x xmlns='jabber:x:data' type='submit'>{fields}</x>"
        juliet.ask(f"<query xmlns='{MUC}#owner'>{form}</query>", "set")
    assert entered(romeo) == "visitor"
