"""Registration with a room (XEP-0045 §7.10, §7.12)."""

from __future__ import annotations

from xml.etree.ElementTree import tostring

import pytest

from components.muc.model.ranks import Affiliation
from components.muc.model.settings import Settings
from tests.support.conference import HALL, MUC, Conference, codes, company, item, room
from tests.support.forms import X, field
from tests.support.people import C
from tests.support.registering import ban, form, person, register, request
from tests.support.server import condition
from xmppd import ns
from xmppd.jid import JID

R = f"{{{ns.REGISTER}}}"
ROMEO, PARIS = JID.parse("romeo@capulet.lit"), JID.parse("paris@capulet.lit")
A = Affiliation


@pytest.fixture
def hall() -> Conference:
    return Conference(defaults=Settings(registration="open")).start()


@pytest.fixture
def strict() -> Conference:
    """Where an admin has a say in it."""
    return Conference().start()


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
