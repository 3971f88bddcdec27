"""Rooms that ask newcomers something before they let them in (XEP-0158 §3.1, §7)."""

from __future__ import annotations

from typing import Any

import pytest

from components.muc.life import questions
from components.muc.model.ranks import Affiliation
from components.muc.model.settings import Settings
from components.muc.model.standing import Standing
from tests.support.conference import ENTER, HALL, MUC, Conference, Person, codes
from tests.support.configuring import configured, room_of
from tests.support.forms import X, field
from tests.support.people import C
from tests.support.server import condition
from xmppd import ns

K = "{urn:xmpp:captcha}"
QUESTION, ANSWER = "What's in a name?", "That which we call a rose"
ASKING = Settings(question=QUESTION, answer=ANSWER)


@pytest.fixture
def hall() -> Conference:
    hall = Conference(defaults=ASKING).start()
    hall.opened("juliet")
    return hall


def challenge(person: Person) -> dict[str, str]:
    """The one thing that has come: the question; the values of its hidden fields."""
    asked = person.one()
    assert (asked.tag, asked.get("from"), asked.get("type")) == (f"{C}message", HALL, None)
    (x,) = asked.iterfind(f"{K}captcha/{X}x")
    assert x.get("type") == "form"
    fields = {each.get("var", ""): each for each in x.iterfind(f"{X}field")}
    assert fields["qa"].get("label") == QUESTION
    assert fields["qa"].find(f"{X}required") is not None
    hidden = {var: each for var, each in fields.items() if var != "qa"}
    assert {each.get("type") for each in hidden.values()} == {"hidden"}
    told = {var: each.findtext(f"{X}value", "") for var, each in hidden.items()}
    assert told["challenge"] == asked.get("id")
    return told


def answer(person: Person, asked: dict[str, str], text: str = ANSWER) -> Any:
    fields = "".join(field(var, value) for var, value in {**asked, "qa": text}.items())
    x = f"<x xmlns='{ns.DATA_FORM}' type='submit'>{fields}</x>"
    return person.ask(f"<captcha xmlns='urn:xmpp:captcha'>{x}</captcha>", "set")


def wait(hall: Conference, seconds: float) -> None:
    """Let time pass in steps, so that the component can say meanwhile that it is there."""
    for _ in range(int(seconds / 30)):
        hall.pass_time(30)


def test_3_1_2_a_newcomer_is_asked_and_not_let_in_yet(hall):
    romeo = hall.person("romeo").join(id_="j1")
    assert challenge(romeo) == {
        "FORM_TYPE": "urn:xmpp:captcha",
        "from": f"{HALL}/Romeo",
        "challenge": next(iter(hall.service.questions._waiting.values())).id,
        "sid": "j1",
    }
    assert len(room_of(hall)) == 1


def test_3_1_2_the_question_can_be_read_without_the_form_in_the_language_asked_for(hall):
    romeo = hall.person("romeo")
    romeo.send(f"<presence to='{HALL}/Romeo' xml:lang='it'>{ENTER}</presence>")
    asked = romeo.one()
    assert QUESTION in asked.findtext(f"{C}body")
    assert asked.get(f"{{{ns.XML}}}lang") == "it"


def test_3_1_4_who_answers_enters_as_if_nothing_had_been(hall):
    romeo = hall.person("romeo")
    inside = f"{ENTER}<show>away</show>"
    asked = challenge(romeo.join(inside=inside, id_="j1"))
    got = answer(romeo, asked, "that which WE call  a rose ")
    assert got.get("type") == "result"
    other, own, subject = romeo.others
    assert other.get("from") == f"{HALL}/Juliet"
    assert (own.get("id"), codes(own), own.findtext(f"{C}show")) == ("j1", [110], "away")
    assert subject.find(f"{C}subject") is not None
    assert len(hall.service.questions) == 0


def test_3_1_4_the_result_comes_before_the_room(hall):
    romeo = hall.person("romeo")
    asked = challenge(romeo.join())
    fields = "".join(field(var, value) for var, value in {**asked, "qa": ANSWER}.items())
    romeo.send(
        f"<iq type='set' id='a1' to='{HALL}'><captcha xmlns='urn:xmpp:captcha'>"
        f"<x xmlns='{ns.DATA_FORM}' type='submit'>{fields}</x></captcha></iq>"
    )
    assert romeo.came()[0].get("id") == "a1"


def test_3_1_4_who_is_wrong_is_told_and_does_not_enter(hall):
    romeo = hall.person("romeo")
    asked = challenge(romeo.join(id_="j1"))
    got = answer(romeo, asked, "A thorn")
    assert condition(got) == "not-acceptable"
    assert got.find(f"{C}error").get("type") == "cancel"
    (refused,) = romeo.others
    assert (refused.get("id"), condition(refused)) == ("j1", "not-authorized")
    # It was his answer to this question.
    assert condition(answer(romeo, asked)) == "service-unavailable"
    assert romeo.others == []


def test_3_1_4_an_answer_that_comes_too_late_is_none(hall):
    romeo = hall.person("romeo")
    asked = challenge(romeo.join(id_="j1"))
    wait(hall, questions.SECONDS)
    refused = romeo.one()
    assert (refused.get("id"), condition(refused)) == ("j1", "not-authorized")
    assert condition(answer(romeo, asked)) == "service-unavailable"


def test_3_1_4_nobody_answers_for_another(hall):
    romeo, tybalt = hall.person("romeo"), hall.person("tybalt")
    asked = challenge(romeo.join())
    assert condition(answer(tybalt, asked)) == "service-unavailable"
    assert condition(answer(tybalt, {**asked, "challenge": ""})) == "service-unavailable"
    assert answer(romeo, asked).get("type") == "result"


def test_3_1_3_who_declines_does_not_enter(hall):
    romeo = hall.person("romeo")
    asked = challenge(romeo.join(id_="j1"))
    error = f"<error type='modify'><not-acceptable xmlns='{ns.STANZA_ERRORS}'/></error>"
    romeo.message(HALL, error, "error", asked["challenge"])
    refused = romeo.one()
    assert (refused.get("id"), condition(refused)) == ("j1", "not-authorized")
    assert len(hall.service.questions) == 0


def test_who_goes_away_is_waited_for_no_more(hall):
    romeo = hall.person("romeo")
    asked = challenge(romeo.join())
    romeo.leave()
    assert romeo.came() == []
    assert condition(answer(romeo, asked)) == "service-unavailable"
    assert len(room_of(hall)) == 1


def test_who_enters_once_more_is_asked_anew(hall):
    romeo = hall.person("romeo")
    first = challenge(romeo.join(id_="j1"))
    second = challenge(romeo.join(nick="Montague", id_="j2"))
    assert condition(answer(romeo, first)) == "service-unavailable"
    assert answer(romeo, second).get("type") == "result"
    assert romeo.others[1].get("from") == f"{HALL}/Montague"


def test_who_enters_once_more_is_asked_instead_and_not_besides(hall, monkeypatch):
    monkeypatch.setattr(questions, "OF_USER", 1)
    romeo = hall.person("romeo")
    challenge(romeo.join())
    challenge(romeo.join(nick="Montague"))
    assert len(hall.service.questions) == 1


def test_what_is_answered_leaves_no_timer_behind(hall):
    romeo = hall.person("romeo")
    asked = challenge(romeo.join())
    answer(romeo, asked)
    timers = hall.server.clock.getDelayedCalls()
    assert [each for each in timers if asked["challenge"] in map(_id, each.args)] == []


def _id(argument: object) -> str:
    return argument.id if isinstance(argument, questions.Question) else ""


def test_7_clients_that_know_no_form_answer_by_a_message(hall):
    romeo = hall.person("romeo")
    asked = challenge(romeo.join(id_="j1"))
    romeo.message(HALL, f"<body>{ANSWER} {asked['challenge']}</body>", "chat")
    said, _other, own, _subject = romeo.came()
    assert (said.tag, said.get("from"), said.get("type")) == (f"{C}message", HALL, "chat")
    assert said.find(f"{C}body") is not None
    assert (own.get("id"), codes(own)) == ("j1", [110])


def test_7_and_are_told_where_they_are_wrong(hall):
    romeo = hall.person("romeo")
    challenge(romeo.join(id_="j1"))
    romeo.message(HALL, "<body>A thorn</body>", "chat", "m1")
    refused, error = romeo.came()
    assert (refused.get("id"), condition(refused)) == ("j1", "not-authorized")
    assert (error.get("id"), condition(error)) == ("m1", "not-acceptable")
    # XEP-0045 §17.2: now it is no answer to anything.
    assert condition(romeo.message(HALL, "<body>A rose</body>", "chat").one()) == "bad-request"


def test_who_may_not_enter_anyway_is_not_asked(hall):
    room = room_of(hall)
    romeo, tybalt = hall.person("romeo"), hall.person("tybalt")
    room.standings.put(Standing(tybalt.jid.bare, Affiliation.OUTCAST))
    assert condition(tybalt.join().one()) == "forbidden"
    assert condition(romeo.join(nick="Juliet").one()) == "conflict"
    assert len(hall.service.questions) == 0


def test_what_has_come_up_meanwhile_keeps_him_out_all_the_same(hall):
    romeo = hall.person("romeo")
    asked = challenge(romeo.join(id_="j1"))
    room_of(hall).standings.put(Standing(romeo.jid.bare, Affiliation.OUTCAST))
    assert answer(romeo, asked).get("type") == "result"
    (refused,) = romeo.others
    assert (refused.get("id"), condition(refused)) == ("j1", "forbidden")


def test_members_are_not_asked_nor_who_is_in_the_room_already(hall):
    room_of(hall).standings.put(Standing(hall.person("nurse").jid.bare, Affiliation.MEMBER))
    assert codes(hall.person("nurse", "house").join().came()[1]) == [110]
    romeo = hall.person("romeo")
    answer(romeo, challenge(romeo.join()))
    wait(hall, questions.KNOWN_SECONDS)
    assert codes(hall.person("romeo", "garden").join().came()[-2]) == [110]


def test_who_has_answered_is_not_asked_again_for_a_while(hall):
    romeo = hall.person("romeo")
    answer(romeo, challenge(romeo.join()))
    romeo.leave().came()
    assert codes(romeo.join().came()[1]) == [110]
    romeo.leave().came()
    wait(hall, questions.KNOWN_SECONDS)
    romeo.came()
    challenge(romeo.join())


def test_a_room_that_asks_nothing_any_more_lets_in_who_was_asked(hall):
    romeo = hall.person("romeo")
    asked = challenge(romeo.join())
    juliet = hall.person("juliet", "balcony")
    configured(juliet, roomname="The orchard")
    x = field("{urn:xmppd:muc:0}question", "")
    juliet.ask(
        f"<query xmlns='http://jabber.org/protocol/muc#owner'>"
        f"<x xmlns='{ns.DATA_FORM}' type='submit'>{x}</x></query>",
        "set",
    )
    assert codes(hall.person("nurse").join().came()[1]) == [110]
    assert answer(romeo, asked).get("type") == "result"


def test_10_nobody_tries_answers_at_his_leisure(hall):
    romeo = hall.person("romeo")
    for _ in range(questions.OFTEN):
        answer(romeo, challenge(romeo.join()), "A thorn")
    assert condition(romeo.join().one()) == "not-acceptable"
    hall.pass_time(60)
    assert answer(romeo, challenge(romeo.join())).get("type") == "result"


@pytest.mark.parametrize("bound", ["WAITING", "OF_ROOM", "OF_USER"])
def test_no_more_wait_for_an_answer_than_may(hall, monkeypatch, bound):
    monkeypatch.setattr(questions, bound, 1)
    challenge(hall.person("romeo").join())
    name = "romeo" if bound == "OF_USER" else "nurse"
    other = hall.person(name, "garden")
    assert condition(other.join().one()) == "resource-constraint"
    assert len(hall.service.questions) == 1


def test_it_is_known_of_no_more_than_may_be_that_they_have_answered(hall, monkeypatch):
    monkeypatch.setattr(questions, "KNOWN", 1)
    for name in ("romeo", "nurse"):
        person = hall.person(name)
        answer(person, challenge(person.join()))
        person.leave().came()
    challenge(hall.person("romeo").join())


@pytest.mark.parametrize(
    "inside",
    [
        "",
        f"<x xmlns='{ns.DATA_FORM}' type='cancel'/>",
        f"<x xmlns='{ns.DATA_FORM}' type='submit'>{field('FORM_TYPE', 'jabber:iq:register')}</x>",
    ],
)
def test_what_is_no_answer_is_a_bad_request(hall, inside):
    romeo = hall.person("romeo")
    asked = challenge(romeo.join())
    got = romeo.ask(f"<captcha xmlns='urn:xmpp:captcha'>{inside}</captcha>", "set")
    assert condition(got) == "bad-request"
    assert answer(romeo, asked).get("type") == "result"


def test_whoever_waits_for_an_answer_takes_little_room(hall):
    """What a room itself takes out of presence, such as a long password, is kept with it."""
    long = f"<x xmlns='{MUC}'><password>{'x' * 20_000}</password></x>"
    romeo = hall.person("romeo").join(inside=long)
    assert condition(romeo.one()) == "policy-violation"
    challenge(romeo.join())
    (question,) = hall.service.questions._waiting.values()
    assert question.presence._element is None
