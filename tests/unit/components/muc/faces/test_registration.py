"""Registration with a room, and the admins who let people (XEP-0045 §7.10, §7.12, §9.9)."""

from __future__ import annotations

from xml.etree.ElementTree import Element, tostring

import pytest

from components.muc.model.ranks import Affiliation
from components.muc.model.settings import Settings
from tests.support.conference import HALL, MUC, Conference, Person, codes, company, item, room
from tests.support.forms import X, field, sent_back
from tests.support.people import C
from tests.support.server import condition
from xmppd import ns
from xmppd.jid import JID

R = f"{{{ns.REGISTER}}}"
FORM_TYPE = f"{MUC}#register"
ROMEO, PARIS = JID.parse("romeo@capulet.lit"), JID.parse("paris@capulet.lit")
A = Affiliation


@pytest.fixture
def hall() -> Conference:
    return Conference(defaults=Settings(registration="open")).start()


@pytest.fixture
def strict() -> Conference:
    """Where an admin has a say in it."""
    return Conference().start()


def person(hall: Conference, name: str) -> Person:
    """Somebody who is in no room, and reads what comes for him."""
    made = hall.person(name).send("<presence/>")
    made.came()
    return made


def form(nick: str, *fields: str, form_type: str = FORM_TYPE, type_: str = "submit") -> str:
    said = [field("FORM_TYPE", form_type), field("muc#register_roomnick", nick), *fields]
    return f"<x xmlns='{ns.DATA_FORM}' type='{type_}'>{''.join(said)}</x>"


def request(who: Person, inside: str, type_: str = "set", to: str = HALL) -> Element:
    return who.ask(f"<query xmlns='{ns.REGISTER}'>{inside}</query>", type_, to)


def register(who: Person, nick: str, *fields: str) -> str:
    """What came of it: the condition of the error, or ""."""
    answer = request(who, form(nick, *fields))
    return condition(answer) if answer.get("type") == "error" else ""


def test_who_registers_himself_is_not_told_the_password(hall):
    """§9.5 has an invitation with it for whom an admin has made a member."""
    company(hall)
    room(hall, members_only=True, password="rosemary")
    romeo = person(hall, "romeo")
    assert register(romeo, "Sun") == ""
    assert "rosemary" not in "".join(tostring(each, "unicode") for each in romeo.others)
    assert condition(romeo.join(nick="Sun").one()) == "not-authorized"


# --- §7.10: the form ---------------------------------------------------------------------------


def test_7_10_there_is_no_registration_with_a_room_that_is_not_there(hall):
    answer = request(hall.person("romeo"), "", "get", "tomb@rooms.capulet.lit")
    assert condition(answer) == "item-not-found"


def test_10_1_1_nobody_registers_with_a_room_that_is_not_open_yet(hall):
    hall.person("juliet").join()
    romeo = hall.person("romeo")
    assert condition(request(romeo, "", "get")) == "item-not-found"
    assert register(romeo, "Sun") == "item-not-found"
    assert room(hall).affiliation(ROMEO) is A.NONE


def test_7_10_who_asks_gets_a_form(hall, strict):
    for where, names in ((hall, ["roomnick"]), (strict, FIELDS)):
        company(where)
        query = request(where.person("romeo"), "", "get").find(f"{R}query")
        shown = query.find(f"{X}x")
        assert (shown.get("type"), query.find(f"{R}registered")) == ("form", None)
        assert [each.get("var") for each in shown.iterfind(f"{X}field")] == [
            "FORM_TYPE",
            *(f"muc#register_{name}" for name in names),
        ]
        assert shown.find(f"{X}field[@var='muc#register_roomnick']/{X}required") is not None


FIELDS = ["roomnick", "first", "last", "url", "email", "faqentry"]


def test_7_10_who_is_registered_is_told_so_and_his_nick(hall):
    _, romeo = company(hall, "romeo")
    assert register(romeo, "Sun") == ""
    query = request(romeo, "", "get").find(f"{R}query")
    assert [(each.tag, each.text) for each in query] == [
        (f"{R}registered", None),
        (f"{R}username", "Sun"),
    ]


def test_7_10_who_may_not_register_is_told_so(hall):
    _, romeo = company(hall, "romeo")
    room(hall, registration="off")
    assert condition(request(romeo, "", "get")) == "not-allowed"
    assert register(romeo, "Sun") == "service-unavailable"
    assert room(hall).affiliation(ROMEO) is A.NONE


def test_7_10_a_banned_user_does_not_register(hall):
    juliet, romeo = company(hall, "romeo")
    ban(juliet, "romeo@capulet.lit")
    assert condition(request(romeo, "", "get")) == "not-allowed"
    assert register(romeo, "Sun") == "not-allowed"
    assert room(hall).affiliation(ROMEO) is A.OUTCAST


def ban(who: Person, jid: str) -> None:
    payload = f"<query xmlns='{MUC}#admin'><item jid='{jid}' affiliation='outcast'/></query>"
    assert who.ask(payload, "set").get("type") == "result"


# --- §7.10: the submission ---------------------------------------------------------------------


def test_7_10_who_registers_is_a_member_from_then_on_and_everybody_told(hall):
    juliet, romeo = company(hall, "romeo")
    assert register(romeo, "Sun") == ""
    for told in (romeo.others[0], juliet.one()):
        assert item(told)["affiliation"] == "member"
    assert room(hall).standings.exactly(ROMEO).nick == "Sun"
    room(hall, members_only=True)
    assert romeo.leave().join().came()[-1].tag == f"{C}message"


def test_7_10_a_nick_that_somebody_else_has_is_a_conflict(hall):
    _, romeo, paris = company(hall, "romeo", "paris")
    assert register(romeo, "Sun") == ""
    assert register(paris, "sun") == "conflict"
    assert register(paris, "Juliet") == "conflict"  # she is there by it
    assert room(hall).affiliation(PARIS) is A.NONE
    # §7.12: nor does he come in by it.
    assert condition(paris.leave().join(nick="Sun").came()[-1]) == "conflict"


def test_7_10_a_member_may_register_another_nick(hall):
    _, romeo, paris = company(hall, "romeo", "paris")
    assert register(romeo, "Sun") == ""
    assert register(romeo, "Moon") == ""
    assert register(paris, "Sun") == ""


@pytest.mark.parametrize(
    "inside",
    [
        "",
        "<username>Sun</username>",
        f"<x xmlns='{ns.DATA_FORM}' type='form'/>",
        f"<x xmlns='{ns.DATA_FORM}' type='submit'/>",
        form(""),
        form("   "),
        form("\u202e"),
        form("x" * 129),
        form("Sun", form_type=f"{MUC}#roomconfig"),
        form("Sun", field("muc#register_roomnick", "Moon")),
        f"<remove/>{form('Sun')}",
    ],
)
def test_7_10_what_is_no_valid_form_is_a_bad_request(hall, inside):
    _, romeo = company(hall, "romeo")
    assert condition(request(romeo, inside)) == "bad-request"
    assert len(room(hall).standings) == 1


def test_7_10_a_form_that_was_canceled_changes_nothing(hall):
    _, romeo = company(hall, "romeo")
    assert request(romeo, form("Sun", type_="cancel")).get("type") == "result"
    assert len(room(hall).standings) == 1


def test_7_10_nobody_registers_too_often(hall):
    _, romeo = company(hall, "romeo")
    for _ in range(5):
        assert register(romeo, "Sun") == ""
    assert register(romeo, "Moon") == "resource-constraint"
    hall.pass_time(60)
    assert register(romeo, "Moon") == ""


# --- XEP-0077 §3.2: no more --------------------------------------------------------------------


def test_0077_who_unregisters_is_no_member_and_his_nick_is_free(hall):
    juliet, romeo, paris = company(hall, "romeo", "paris")
    register(romeo, "Sun")
    assert request(romeo, "<remove/>").get("type") == "result"
    assert item(juliet.came()[-1])["affiliation"] == "none"
    assert register(paris, "Sun") == ""
    assert condition(request(romeo, "<remove/>")) == "registration-required"


def test_0077_who_unregisters_from_a_members_only_room_leaves_it(hall):
    _, romeo = company(hall, "romeo")
    register(romeo, "Sun")
    room(hall, members_only=True)
    request(romeo, "<remove/>")
    assert codes(romeo.others[0]) == [110, 321]


def test_0077_an_owner_who_unregisters_stays_one(hall):
    (juliet,) = company(hall)
    register(juliet, "Moon")
    assert request(juliet, "<remove/>").get("type") == "result"
    standing = room(hall).standings.exactly(juliet.jid.bare)
    assert (standing.affiliation, standing.nick) == (A.OWNER, "")


# --- §7.10: nicks are locked down --------------------------------------------------------------


def test_7_10_who_registers_another_nick_than_he_has_is_renamed_with_210(hall):
    juliet, romeo = company(hall, "romeo")
    room(hall, reserved_nicks=True)
    assert register(romeo, "Sun") == ""
    _member, gone, new = juliet.came()
    assert (codes(gone), item(gone)["nick"]) == ([303], "Sun")
    assert (new.get("from"), codes(new)) == (f"{HALL}/Sun", [210])
    assert codes(romeo.others[-1]) == [110, 210]
    # And he comes in by no other.
    romeo.presence(f"{HALL}/Sun", type_="unavailable").came()
    own = romeo.join(nick="Moon").came()[1]
    assert (own.get("from"), codes(own)) == (f"{HALL}/Sun", [110, 210])


def test_7_6_nicks_that_are_locked_down_do_not_change(hall):
    """Who enters again, though inside, is let in under his own (§7.2.2, §17.3)."""
    _juliet, romeo = company(hall, "romeo")
    room(hall, reserved_nicks=True)
    register(romeo, "Sun")
    romeo.came()
    refused = romeo.presence(f"{HALL}/Montague").one()
    assert condition(refused) == "not-acceptable"
    assert refused.find(f"{C}error").get("type") == "cancel"
    found = romeo.join(nick="Montague").came()
    assert [each.get("from") for each in found] == [f"{HALL}/Juliet", f"{HALL}/Sun", HALL]
    assert codes(found[1]) == [110, 210]


def test_7_10_all_his_sessions_come_under_the_one_nick(hall):
    juliet, romeo = company(hall, "romeo")
    other = hall.person("romeo", "tomb").join(nick="Montague")
    third = hall.person("romeo", "orchard").join(nick="Montague")
    room(hall, reserved_nicks=True)
    assert register(romeo, "montague") == ""
    (occupant,) = room(hall).of(ROMEO)
    assert occupant.nick == "montague"
    assert set(occupant.sessions) == {romeo.jid, other.jid, third.jid}
    juliet.came()
    romeo.say("Here's to my love!")
    assert juliet.one().get("from") == f"{HALL}/montague"
    assert other.came()[-1].get("from") == third.came()[-1].get("from") == f"{HALL}/montague"


def test_7_10_without_the_lock_down_nobody_is_renamed(hall):
    juliet, romeo = company(hall, "romeo")
    assert register(romeo, "Sun") == ""
    juliet.one()
    assert room(hall).by_session(romeo.jid).nick == "Romeo"


# --- §9.9: admins decide -----------------------------------------------------------------------


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


def test_9_9_admins_in_the_room_are_asked_and_who_is_approved_is_a_member(strict):
    juliet, nurse = company(strict, "nurse")
    romeo = person(strict, "romeo")
    assert register(romeo, "Sun", field("muc#register_first", "Romeo")) == ""
    assert room(strict).affiliation(ROMEO) is A.NONE
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
    assert room(strict).standings.exactly(ROMEO) == (ROMEO, A.MEMBER, "Sun", "")
    assert codes(romeo.one()) == [101]


def test_9_9_who_is_not_approved_is_told_and_is_no_member(strict):
    juliet, _ = company(strict, "nurse")
    romeo = person(strict, "romeo")
    register(romeo, "Sun")
    message = juliet.one()
    assert decide(juliet, message, allow="0") == []
    said = romeo.one().findtext(f"{C}body")
    assert said == f"Your registration with {HALL} was not approved."
    assert room(strict).affiliation(ROMEO) is A.NONE
    # Another admin would come too late.
    (late,) = decide(juliet, message, allow="1")
    assert condition(late) == "item-not-found"
    assert room(strict).affiliation(ROMEO) is A.NONE


def test_9_9_who_has_canceled_the_form_may_answer_later(strict):
    (juliet,) = company(strict)
    register(person(strict, "romeo"), "Sun")
    message = juliet.one()
    juliet.message(HALL, f"<x xmlns='{ns.DATA_FORM}' type='cancel'/>")
    assert juliet.came() == []
    decide(juliet, message, allow="1")
    assert room(strict).affiliation(ROMEO) is A.MEMBER


def test_9_9_only_admins_decide(strict):
    juliet, romeo = company(strict, "romeo")
    register(romeo, "Sun")
    message = juliet.one()
    (refused,) = decide(romeo, message, allow="1")
    assert condition(refused) == "forbidden"
    (refused,) = decide(person(strict, "paris"), message, allow="1")
    assert condition(refused) == "forbidden"
    assert room(strict).affiliation(ROMEO) is A.NONE


def test_9_9_an_admin_who_comes_in_is_told_who_waits(strict):
    (juliet,) = company(strict)
    room(strict, persistent=True)
    juliet.leave().came()
    register(person(strict, "romeo"), "Sun")
    strict.pass_time(1)
    register(person(strict, "paris"), "Count")
    assert juliet.came() == []
    forms = [asked(each) for each in juliet.join().came() if each.find(f"{X}x") is not None]
    assert [each["muc#register_roomnick"] for each in forms] == [["Sun"], ["Count"]]
    message = next(each for each in juliet.leave().join().came() if each.find(f"{X}x") is not None)
    decide(juliet, message, allow="1")
    assert room(strict).affiliation(ROMEO) is A.MEMBER


def test_9_9_the_store_is_not_asked_again_where_nobody_waits(strict):
    (juliet,) = company(strict)
    store, often = strict.service.store, 0
    read = store.applications

    def count(room_: int) -> object:
        nonlocal often
        often += 1
        return read(room_)

    store.applications = count
    room(strict, persistent=True)
    for _ in range(3):
        juliet.leave().join()
    assert often == 0


def test_9_9_an_admin_gives_another_nick_where_the_one_is_taken_meanwhile(strict):
    juliet, _ = company(strict, "nurse")
    romeo = person(strict, "romeo")
    register(romeo, "Sun")
    message = juliet.one()
    paris = hall_nick(juliet, "paris@capulet.lit", "Sun")
    assert paris == "result"
    (refused,) = decide(juliet, message, allow="1")
    assert condition(refused) == "conflict"
    decide(juliet, message, allow="1", roomnick="Moon")
    assert room(strict).standings.exactly(ROMEO).nick == "Moon"


def hall_nick(who: Person, jid: str, nick: str) -> str | None:
    attrs = f"jid='{jid}' affiliation='member' nick='{nick}'"
    return who.ask(f"<query xmlns='{MUC}#admin'><item {attrs}/></query>", "set").get("type")


def test_9_9_a_client_that_sends_the_registered_fields_alone_means_the_nick(strict):
    (juliet,) = company(strict)
    register(person(strict, "romeo"), "Sun")
    juliet.came()
    juliet.message(HALL, form("Sun", field("muc#register_allow", "true")))
    assert room(strict).affiliation(ROMEO) is A.MEMBER


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
def test_9_9_an_answer_that_makes_no_sense_decides_nothing(strict, inside, expected):
    (juliet,) = company(strict)
    register(person(strict, "romeo"), "Sun")
    juliet.came()
    assert condition(juliet.message(HALL, inside).one()) == expected
    assert room(strict).affiliation(ROMEO) is A.NONE


def test_9_9_who_takes_his_application_back_is_forgotten(strict):
    (juliet,) = company(strict)
    romeo = person(strict, "romeo")
    register(romeo, "Sun")
    message = juliet.one()
    assert request(romeo, "<remove/>").get("type") == "result"
    (late,) = decide(juliet, message, allow="1")
    assert condition(late) == "item-not-found"


def test_9_9_an_admin_registers_himself_at_once(strict):
    (juliet,) = company(strict)
    assert register(juliet, "Moon") == ""
    assert juliet.others == []
    assert room(strict).standings.holder("Moon") == juliet.jid.bare


def test_9_9_no_more_wait_than_may(strict, monkeypatch):
    monkeypatch.setattr("components.muc.faces.registration.APPLICATIONS", 1)
    company(strict)
    romeo = person(strict, "romeo")
    assert register(romeo, "Sun") == ""
    assert register(romeo, "Moon") == ""  # in place of the first
    assert register(person(strict, "paris"), "Count") == "resource-constraint"


def test_9_9_a_banned_user_who_waits_is_not_unbanned_by_mistake(strict):
    juliet, _ = company(strict, "nurse")
    romeo = person(strict, "romeo")
    register(romeo, "Sun")
    message = juliet.one()
    ban(juliet, ROMEO)
    (refused,) = decide(juliet, message, allow="1")
    assert condition(refused) == "not-allowed"
    assert room(strict).affiliation(ROMEO) is A.OUTCAST
