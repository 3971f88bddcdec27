"""Admins who let people register with a room, or not (XEP-0045 §9.9)."""

from __future__ import annotations

from xml.etree.ElementTree import Element, tostring

import pytest

from components.muc.model.ranks import Affiliation
from tests.support.conference import HALL, MUC, Person, codes, company, item, room
from tests.support.forms import X, field, sent_back
from tests.support.people import C
from tests.support.registering import FORM_TYPE, ban, form, person, register, request
from tests.support.server import condition
from xmppd import ns
from xmppd.jid import JID

R = f"{{{ns.REGISTER}}}"
ROMEO, PARIS = JID.parse("romeo@capulet.lit"), JID.parse("paris@capulet.lit")
A = Affiliation


def asked(message: Element) -> dict[str, list[str]]:
    """What an admin is shown of an application."""
    x = message.find(f"{X}x")
    assert (message.tag, message.get("from"), x.get("type")) == (f"{C}message", HALL, "form")
    return {
        each.get("var"): [value.text or "" for value in each.iterfind(f"{X}value")]
        for each in x.iterfind(f"{X}field")
    }


def decide(who: Person, message: Element, **changes: str) -> list[Element]:
    """Send a form back that came, with some of it changed; what the room says to that."""
    shown = message.find(f"{X}x")
    said = {f"muc#register_{name}": [text] for name, text in changes.items()}
    back = sent_back(Ready(shown), said)
    who.message(HALL, tostring(back).decode())
    return who.came()


class Ready:
    """A form as it came, for `sent_back`."""

    def __init__(self, x: Element) -> None:
        self._x = x

    def render(self) -> bytes:
        return tostring(self._x)


def test_9_9_admins_in_the_room_are_asked_and_who_is_approved_is_a_member(hall):
    juliet, nurse = company(hall, "nurse")
    romeo = person(hall, "romeo")
    assert register(romeo, "Sun", field("muc#register_first", "Romeo")) == ""
    assert room(hall).affiliation(ROMEO) is A.NONE
    assert nurse.came() == []
    message = juliet.one()
    shown = asked(message)
    assert shown["FORM_TYPE"] == [FORM_TYPE]
    assert shown["muc#register_roomnick"] == ["Sun"]
    assert shown["muc#register_first"] == ["Romeo"]
    assert shown["x-muc#register_jid"] == [ROMEO]
    assert shown["muc#register_allow"] == ["0"]
    told = decide(juliet, message, allow="1")
    assert [item(each)["affiliation"] for each in told] == ["member"]  # §10: who is not there
    assert room(hall).standings.exactly(ROMEO) == (ROMEO, A.MEMBER, "Sun", "")
    assert codes(romeo.one()) == [101]


def test_9_9_who_is_not_approved_is_told_and_is_no_member(hall):
    juliet, _ = company(hall, "nurse")
    romeo = person(hall, "romeo")
    register(romeo, "Sun")
    message = juliet.one()
    assert decide(juliet, message, allow="0") == []
    said = romeo.one().findtext(f"{C}body")
    assert said == f"Your registration with {HALL} was not approved."
    assert room(hall).affiliation(ROMEO) is A.NONE
    # Another admin would come too late.
    (late,) = decide(juliet, message, allow="1")
    assert condition(late) == "item-not-found"
    assert room(hall).affiliation(ROMEO) is A.NONE


def test_9_9_who_has_canceled_the_form_may_answer_later(hall):
    (juliet,) = company(hall)
    register(person(hall, "romeo"), "Sun")
    message = juliet.one()
    juliet.message(HALL, f"<x xmlns='{ns.DATA_FORM}' type='cancel'/>")
    assert juliet.came() == []
    decide(juliet, message, allow="1")
    assert room(hall).affiliation(ROMEO) is A.MEMBER


def test_9_9_only_admins_decide(hall):
    juliet, romeo = company(hall, "romeo")
    register(romeo, "Sun")
    message = juliet.one()
    (refused,) = decide(romeo, message, allow="1")
    assert condition(refused) == "forbidden"
    (refused,) = decide(person(hall, "paris"), message, allow="1")
    assert condition(refused) == "forbidden"
    assert room(hall).affiliation(ROMEO) is A.NONE


def test_9_9_an_admin_who_comes_in_is_told_who_waits(hall):
    (juliet,) = company(hall)
    room(hall, persistent=True)
    juliet.leave().came()
    register(person(hall, "romeo"), "Sun")
    hall.pass_time(1)
    register(person(hall, "paris"), "Count")
    assert juliet.came() == []
    forms = [asked(each) for each in juliet.join().came() if each.find(f"{X}x") is not None]
    assert [each["muc#register_roomnick"] for each in forms] == [["Sun"], ["Count"]]
    message = next(each for each in juliet.leave().join().came() if each.find(f"{X}x") is not None)
    decide(juliet, message, allow="1")
    assert room(hall).affiliation(ROMEO) is A.MEMBER


def test_9_9_the_store_is_not_asked_again_where_nobody_waits(hall):
    (juliet,) = company(hall)
    store, often = hall.service.store, 0
    read = store.applications

    def count(room_: int) -> object:
        nonlocal often
        often += 1
        return read(room_)

    store.applications = count
    room(hall, persistent=True)
    for _ in range(3):
        juliet.leave().join()
    assert often == 0


def test_9_9_an_admin_gives_another_nick_where_the_one_is_taken_meanwhile(hall):
    juliet, _ = company(hall, "nurse")
    romeo = person(hall, "romeo")
    register(romeo, "Sun")
    message = juliet.one()
    paris = hall_nick(juliet, "paris@capulet.lit", "Sun")
    assert paris == "result"
    (refused,) = decide(juliet, message, allow="1")
    assert condition(refused) == "conflict"
    decide(juliet, message, allow="1", roomnick="Moon")
    assert room(hall).standings.exactly(ROMEO).nick == "Moon"


def hall_nick(who: Person, jid: str, nick: str) -> str | None:
    attrs = f"jid='{jid}' affiliation='member' nick='{nick}'"
    return who.ask(f"<query xmlns='{MUC}#admin'><item {attrs}/></query>", "set").get("type")


def test_9_9_a_client_that_sends_the_registered_fields_alone_means_the_nick(hall):
    (juliet,) = company(hall)
    register(person(hall, "romeo"), "Sun")
    juliet.came()
    juliet.message(HALL, form("Sun", field("muc#register_allow", "true")))
    assert room(hall).affiliation(ROMEO) is A.MEMBER


@pytest.mark.parametrize(
    ("inside", "expected"),
    [
        (form("Sun"), "bad-request"),
        (form("", field("muc#register_allow", "1")), "bad-request"),
        (form("Sun", field("muc#register_allow", "perhaps")), "not-acceptable"),
        (form("Moon", field("muc#register_allow", "1")), "item-not-found"),
        (form("Sun", form_type="urn:verona"), "bad-request"),
    ],
)
def test_9_9_an_answer_that_makes_no_sense_decides_nothing(hall, inside, expected):
    (juliet,) = company(hall)
    register(person(hall, "romeo"), "Sun")
    juliet.came()
    assert condition(juliet.message(HALL, inside).one()) == expected
    assert room(hall).affiliation(ROMEO) is A.NONE


def test_9_9_who_takes_his_application_back_is_forgotten(hall):
    (juliet,) = company(hall)
    romeo = person(hall, "romeo")
    register(romeo, "Sun")
    message = juliet.one()
    assert request(romeo, "<remove/>").get("type") == "result"
    (late,) = decide(juliet, message, allow="1")
    assert condition(late) == "item-not-found"


def test_9_9_an_admin_registers_himself_at_once(hall):
    (juliet,) = company(hall)
    assert register(juliet, "Moon") == ""
    assert juliet.others == []
    assert room(hall).standings.holder("Moon") == juliet.jid.bare


def test_9_9_no_more_wait_than_may(hall, monkeypatch):
    monkeypatch.setattr("components.muc.faces.registration.APPLICATIONS", 1)
    company(hall)
    romeo = person(hall, "romeo")
    assert register(romeo, "Sun") == ""
    assert register(romeo, "Moon") == ""  # in place of the first
    assert register(person(hall, "paris"), "Count") == "resource-constraint"


def test_9_9_a_banned_user_who_waits_is_not_unbanned_by_mistake(hall):
    juliet, _ = company(hall, "nurse")
    romeo = person(hall, "romeo")
    register(romeo, "Sun")
    message = juliet.one()
    ban(juliet, ROMEO)
    (refused,) = decide(juliet, message, allow="1")
    assert condition(refused) == "not-allowed"
    assert room(hall).affiliation(ROMEO) is A.OUTCAST
