"""Visitors ask for voice, and moderators give it (XEP-0045 §7.13, §8.6)."""

from __future__ import annotations

from xml.etree.ElementTree import Element

import pytest

from components.muc.model.ranks import Role
from components.muc.model.settings import Settings
from tests.support.conference import HALL, MUC, Conference, Person, company, item, room
from tests.support.forms import X, field
from tests.support.people import C
from tests.support.server import condition
from xmppd import ns

FORM_TYPE = f"{MUC}#request"


@pytest.fixture
def hall() -> Conference:
    return Conference(defaults=Settings(moderated=True)).start()


def send(who: Person, *fields: str) -> Person:
    said = field("FORM_TYPE", FORM_TYPE) + "".join(fields)
    return who.message(HALL, f"<x xmlns='{ns.DATA_FORM}' type='submit'>{said}</x>")


def ask(who: Person, role: str = "participant") -> Person:
    return send(who, field("muc#role", role))


def allow(who: Person, jid: str, nick: str, yes: str = "true") -> Person:
    return send(
        who,
        field("muc#role", "participant"),
        *([field("muc#jid", jid)] if jid else []),
        field("muc#roomnick", nick),
        field("muc#request_allow", yes),
    )


def shown(message: Element) -> dict[str, str | None]:
    x = message.find(f"{X}x")
    assert (message.tag, message.get("from"), x.get("type")) == (f"{C}message", HALL, "form")
    return {each.get("var"): each.findtext(f"{X}value") for each in x.iterfind(f"{X}field")}


def test_8_6_moderators_are_asked_and_one_gives_voice(hall):
    juliet, romeo, paris = company(hall, "romeo", "paris")
    ask(romeo)
    assert shown(juliet.one()) == {
        "FORM_TYPE": FORM_TYPE,
        "muc#role": "participant",
        "muc#jid": romeo.jid,
        "muc#roomnick": "Romeo",
        "muc#request_allow": "0",
    }
    assert paris.came() == romeo.came() == []
    allow(juliet, romeo.jid, "Romeo")
    assert item(juliet.one())["role"] == "participant"
    assert item(romeo.one())["role"] == item(paris.one())["role"] == "participant"


def test_8_6_a_moderator_who_says_no_gives_none_and_it_may_be_asked_again(hall):
    juliet, romeo = company(hall, "romeo")
    ask(romeo)
    allow(juliet, romeo.jid, "Romeo", "false")
    assert romeo.came() == []
    assert room(hall).by_nick("Romeo").role is Role.VISITOR
    juliet.came()
    ask(romeo)
    assert shown(juliet.one())["muc#roomnick"] == "Romeo"


def test_7_13_nobody_asks_twice_before_he_is_answered_or_a_while_has_gone(hall, monkeypatch):
    monkeypatch.setattr("components.muc.faces.voice.OPEN", 30.0)
    juliet, romeo = company(hall, "romeo")
    ask(romeo)
    assert condition(ask(romeo).one()) == "conflict"
    assert len(juliet.came()) == 1
    hall.pass_time(30)
    assert ask(romeo).came() == []
    assert len(juliet.came()) == 1


def test_7_13_nor_more_often_than_the_bound_by_going_and_coming(hall):
    juliet, romeo = company(hall, "romeo")
    for _ in range(3):
        assert ask(romeo).came() == []
        romeo.leave().join().came()
    assert condition(ask(romeo).one()) == "resource-constraint"
    forms = [each for each in juliet.came() if each.find(f"{X}x") is not None]
    assert len(forms) == 3


def test_7_13_a_room_may_want_no_requests(hall):
    juliet, romeo = company(hall, "romeo")
    room(hall, voice_requests=False)
    assert condition(ask(romeo).one()) == "forbidden"
    assert juliet.came() == []


def test_7_13_who_has_voice_or_is_not_there_does_not_ask(hall):
    juliet, romeo = company(hall, "romeo")
    assert condition(ask(juliet).one()) == "not-allowed"
    assert condition(ask(hall.person("paris")).one()) == "forbidden"
    assert romeo.came() == juliet.came() == []


def test_7_13_there_has_to_be_a_moderator(hall):
    juliet, romeo = company(hall, "romeo")
    juliet.leave()
    assert condition(ask(romeo).came()[-1]) == "recipient-unavailable"


@pytest.mark.parametrize("role", ["moderator", "none", ""])
def test_7_13_only_voice_is_asked_for(hall, role):
    juliet, romeo = company(hall, "romeo")
    assert condition(ask(romeo, role).one()) == "not-acceptable"
    assert juliet.came() == []


def test_8_6_only_moderators_give_voice(hall):
    juliet, romeo = company(hall, "romeo")
    assert condition(allow(romeo, romeo.jid, "Romeo").one()) == "forbidden"
    assert condition(allow(hall.person("paris"), romeo.jid, "Romeo").one()) == "forbidden"
    assert room(hall).by_nick("Romeo").role is Role.VISITOR
    assert juliet.came() == []


def test_8_6_a_nick_that_somebody_else_has_by_now_gets_him_no_voice(hall):
    juliet, romeo = company(hall, "romeo")
    ask(romeo).leave()
    tybalt = hall.person("tybalt").join(nick="Romeo")
    juliet.came()
    assert condition(allow(juliet, romeo.jid, "Romeo").one()) == "item-not-found"
    assert room(hall).by_session(tybalt.jid).role is Role.VISITOR
    allow(juliet, "", "Romeo")  # that names nobody but who has it
    assert room(hall).by_session(tybalt.jid).role is Role.PARTICIPANT


def test_8_6_a_late_yes_takes_nothing_from_who_has_more(hall):
    juliet, romeo = company(hall, "romeo")
    ask(romeo)
    set_role = f"<query xmlns='{MUC}#admin'><item nick='Romeo' role='moderator'/></query>"
    assert juliet.ask(set_role, "set").get("type") == "result"
    allow(juliet, romeo.jid, "Romeo")
    assert room(hall).by_nick("Romeo").role is Role.MODERATOR


def test_a_form_that_nobody_waits_for_is_a_bad_request(hall):
    (juliet,) = company(hall)
    form = f"<x xmlns='{ns.DATA_FORM}' type='submit'>{field('FORM_TYPE', 'urn:verona')}</x>"
    assert condition(juliet.message(HALL, form).one()) == "bad-request"
