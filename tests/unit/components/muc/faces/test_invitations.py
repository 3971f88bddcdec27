"""Invitations that a room sends on (XEP-0045 §7.8.2, §7.9)."""

from __future__ import annotations

import pytest

from components.muc.faces.invitations import A_MINUTE, AT_ONCE
from components.muc.model.ranks import Affiliation
from components.muc.model.standing import Standing
from tests.support.conference import HALL, ROOMS, Conference, Person, U, enter, settings
from tests.support.people import C
from tests.support.server import condition
from xmppd import ns
from xmppd.jid import JID

NURSE = "nurse@capulet.lit"
CONFERENCE = f"{{{ns.CONFERENCE}}}x"


def home(hall: Conference, name: str) -> Person:
    """Somebody whose server knows where to reach him."""
    person = hall.person(name).send("<presence/>")
    person.came()
    return person


def affiliate(hall: Conference, name: str, affiliation: Affiliation) -> None:
    room = hall.service.rooms.at_hand(JID.parse(HALL))
    room.standings.put(Standing(JID.parse(f"{name}@capulet.lit"), affiliation))


def invite(to: str = NURSE, inside: str = "", more: str = "") -> str:
    return f"<invite to='{to}' {more}>{inside}</invite>"


def send(person: Person, *content: str, type_: str = "", id_: str = "nzd143v8") -> None:
    x = f"<x xmlns='{ns.MUC_USER}'>{''.join(content)}</x>"
    person.message(HALL, x, type_, id_)


def test_7_8_2_the_room_invites_in_an_occupants_name(hall, juliet):
    nurse = home(hall, "nurse")
    send(juliet, invite(inside="<reason>Hey Nurse</reason>"))
    came = nurse.one()
    assert (came.get("from"), came.get("to"), came.get("type")) == (HALL, NURSE, None)
    [invited] = came.iterfind(f"{U}x/{U}invite")
    assert invited.attrib == {"from": f"{HALL}/Juliet"}
    assert invited.findtext(f"{U}reason") == "Hey Nurse"
    assert came.find(f"{U}x/{U}password") is None
    direct = came.find(CONFERENCE)
    assert (direct.get("jid"), direct.get("reason")) == (HALL, "Hey Nurse")
    assert juliet.came() == []


def test_7_8_2_who_invites_is_named_where_addresses_are_known(hall, juliet):
    settings(hall, whois="anyone")
    nurse = home(hall, "nurse")
    send(juliet, invite())
    assert nurse.one().find(f"{U}x/{U}invite").get("from") == "juliet@capulet.lit"


def test_7_8_2_the_password_comes_with_it(hall, juliet):
    settings(hall, password="cauldron & burn")
    nurse = home(hall, "nurse")
    send(juliet, invite())
    came = nurse.one()
    assert came.findtext(f"{U}x/{U}password") == "cauldron & burn"
    assert came.find(CONFERENCE).get("password") == "cauldron & burn"


def test_7_8_2_what_a_client_forges_is_not_in_it(hall, juliet):
    nurse = home(hall, "nurse")
    forged = "<password>x</password><status code='110'/><item affiliation='owner'/>"
    more = "<x xmlns='jabber:x:conference' jid='vault@elsewhere.lit'/>"
    more_invite = invite(inside="<a xmlns='urn:a'/>", more="from='friar@capulet.lit' b='c'")
    x = f"<x xmlns='{ns.MUC_USER}'>{more_invite}{forged}</x>"
    juliet.message(HALL, f"<body>Buy!</body>{x}{more}")
    came = nurse.one()
    assert [each.tag for each in came] == [f"{U}x", CONFERENCE]
    assert [each.tag for each in came.find(f"{U}x")] == [f"{U}invite"]
    assert came.find(f"{U}x/{U}invite").attrib == {"from": f"{HALL}/Juliet"}
    assert len(came.find(f"{U}x/{U}invite")) == 0
    assert came.find(CONFERENCE).get("jid") == HALL


def test_7_9_several_are_invited_and_a_talk_goes_on(hall, juliet):
    nurse, romeo = home(hall, "nurse"), home(hall, "romeo")
    going_on = "<continue thread='e0ffe42b'/>"
    send(juliet, invite(str(romeo.jid), going_on), invite(NURSE, "<continue/>"))
    came = romeo.one()
    assert came.get("to") == romeo.jid
    assert came.find(f"{U}x/{U}invite/{U}continue").get("thread") == "e0ffe42b"
    direct = came.find(CONFERENCE)
    assert (direct.get("continue"), direct.get("thread")) == ("true", "e0ffe42b")
    assert nurse.one().find(f"{U}x/{U}invite/{U}continue").attrib == {}


def test_7_8_2_who_is_not_in_the_room_invites_nobody(hall, juliet):
    nurse = home(hall, "nurse")
    for stranger in (hall.person("romeo"), hall.person("juliet", "tomb")):
        send(stranger, invite())
        assert condition(stranger.one()) == "not-acceptable"
    assert nurse.came() == []


@pytest.mark.parametrize("type_", ["chat", "headline"])
def test_7_8_2_it_is_a_normal_message(hall, juliet, type_):
    send(juliet, invite(), type_=type_)
    assert condition(juliet.one()) == "bad-request"


def test_7_8_2_what_says_nothing_is_refused(hall, juliet):
    send(juliet)
    assert condition(juliet.one()) == "bad-request"


@pytest.mark.parametrize(
    ("to", "expected"),
    [
        ("", "jid-malformed"),
        ("@capulet.lit", "jid-malformed"),
        ("capulet.lit", "item-not-found"),
        (HALL, "item-not-found"),
        (f"{HALL}/Juliet", "item-not-found"),
    ],
)
def test_7_8_2_nobodys_address_is_refused_and_nobody_else_is_invited(hall, juliet, to, expected):
    nurse = home(hall, "nurse")
    send(juliet, invite(), invite(to))
    assert condition(juliet.one()) == expected
    assert nurse.came() == []


def test_7_8_2_an_address_that_there_is_not_is_told_of(hall, juliet):
    send(juliet, invite("yorick@capulet.lit"), id_="i1")
    told = juliet.one()
    assert (told.get("from"), told.get("id"), condition(told)) == (HALL, "i1", "item-not-found")


def test_7_8_2_an_error_that_was_not_asked_for_is_none(hall, juliet):
    nurse = home(hall, "nurse")
    send(juliet, invite())
    nurse.came()
    error = f"<error type='cancel'><gone xmlns='{ns.STANZA_ERRORS}'/></error>"
    nurse.send(f"<message to='{HALL}' type='error' id='nzd143v8'>{error}</message>")
    assert juliet.came() == []


def test_7_8_2_a_reason_is_no_long_story(hall, juliet):
    send(juliet, invite(inside=f"<reason>{'x' * 1_001}</reason>"))
    assert condition(juliet.one()) == "not-acceptable"


# ---------------------------------------------------------------------- members-only rooms


def test_7_8_2_who_is_invited_to_a_room_for_members_is_one_and_invited_once(hall, juliet):
    settings(hall, members_only=True)
    nurse = home(hall, "nurse")
    send(juliet, invite(f"{NURSE}/street", "<reason>Hey</reason>"), invite())
    first, second = nurse.came()
    assert first.find(f"{U}x/{U}invite") is not None
    assert second.find(f"{U}x/{U}invite") is not None
    room = hall.service.rooms.at_hand(JID.parse(HALL))
    assert room.standings.exactly(JID.parse(NURSE)).affiliation is Affiliation.MEMBER
    nurse.join()
    assert nurse.came()[-1].find(f"{C}subject") is not None


def test_7_8_2_an_invited_admin_stays_one(hall, juliet):
    settings(hall, members_only=True)
    affiliate(hall, "nurse", Affiliation.ADMIN)
    nurse = home(hall, "nurse")
    send(juliet, invite())
    assert len(nurse.came()) == 1
    room = hall.service.rooms.at_hand(JID.parse(HALL))
    assert room.affiliation(JID.parse(NURSE)) is Affiliation.ADMIN


@pytest.mark.parametrize(("lets", "expected"), [(True, True), (False, False)])
def test_7_8_2_members_may_invite_where_the_room_lets_them(hall, juliet, lets, expected):
    affiliate(hall, "romeo", Affiliation.MEMBER)
    romeo = enter(hall, "romeo", juliet)
    settings(hall, members_only=True, invites=lets)
    nurse = home(hall, "nurse")
    send(romeo, invite())
    assert bool(nurse.came()) is expected
    room = hall.service.rooms.at_hand(JID.parse(HALL))
    is_member = room.affiliation(JID.parse(NURSE)) is Affiliation.MEMBER
    assert is_member is expected
    if not expected:
        assert condition(romeo.one()) == "forbidden"


def test_9_1_invitations_into_an_open_room_do_not_tell_who_is_banned(hall, juliet):
    affiliate(hall, "nurse", Affiliation.OUTCAST)
    nurse = home(hall, "nurse")
    send(juliet, invite())
    assert juliet.came() == [] and nurse.one().get("from") == HALL
    assert condition(nurse.join().one()) == "forbidden"


def test_9_1_who_is_banned_is_not_made_a_member_by_an_invitation(hall, juliet):
    settings(hall, members_only=True)
    affiliate(hall, "nurse", Affiliation.OUTCAST)
    nurse = home(hall, "nurse")
    send(juliet, invite())
    assert condition(juliet.one()) == "forbidden"
    assert nurse.came() == []
    room = hall.service.rooms.at_hand(JID.parse(HALL))
    assert room.affiliation(JID.parse(NURSE)) is Affiliation.OUTCAST


# ---------------------------------------------------------------------- how many


def test_only_so_many_at_once(hall, juliet):
    many = [invite(f"u{number}@verona.lit") for number in range(AT_ONCE + 1)]
    send(juliet, *many)
    assert condition(juliet.one()) == "policy-violation"


def test_only_so_many_in_a_minute(hall, juliet):
    nurse = home(hall, "nurse")
    for _ in range(A_MINUTE):
        send(juliet, invite())
    assert len(nurse.came()) == A_MINUTE
    send(juliet, invite())
    assert condition(juliet.one()) == "resource-constraint"
    hall.pass_time(61)
    juliet.came()
    send(juliet, invite())
    assert len(nurse.came()) == 1


# ---------------------------------------------------------------------- to decline


def decline(to: str, inside: str = "") -> str:
    return f"<decline to='{to}' from='forged@capulet.lit'>{inside}</decline>"


def test_7_8_2_who_declines_is_heard(hall, juliet):
    nurse = home(hall, "nurse")
    send(juliet, invite())
    nurse.came()
    send(nurse, decline(f"{HALL}/Juliet", "<reason>Too busy</reason>"), id_="jk2vs61v")
    told = juliet.one()
    assert (told.get("from"), told.get("to"), told.get("id")) == (HALL, juliet.jid, "jk2vs61v")
    [declined] = told.iterfind(f"{U}x/{U}decline")
    assert declined.attrib == {"from": NURSE}
    assert declined.findtext(f"{U}reason") == "Too busy"


def test_7_8_2_a_real_address_is_answered_by_any_resource_of_it(hall, juliet):
    settings(hall, whois="anyone")
    nurse = home(hall, "nurse")
    send(juliet, invite())
    send(nurse, decline("juliet@capulet.lit/tomb"))
    assert juliet.one().find(f"{U}x/{U}decline") is not None


def test_7_8_2_an_inviter_who_has_left_hears_of_it_all_the_same(hall, juliet):
    enter(hall, "romeo", juliet)
    nurse = home(hall, "nurse")
    send(juliet, invite())
    juliet.leave().send("<presence/>")
    juliet.came()
    send(nurse, decline(f"{HALL}/Juliet"))
    assert juliet.one().get("to") == "juliet@capulet.lit"


def test_7_8_2_nobody_writes_to_others_by_declining_what_there_was_not(hall, juliet):
    nurse, romeo = home(hall, "nurse"), home(hall, "romeo")
    send(juliet, invite())
    nurse.came()
    for person, to in (
        (romeo, f"{HALL}/Juliet"),
        (nurse, "romeo@capulet.lit"),
        (nurse, f"vault@{ROOMS}/Juliet"),
    ):
        send(person, decline(to, "<reason>Buy!</reason>"))
        assert condition(person.one()) == "item-not-found"
    send(nurse, decline(f"{HALL}/Juliet"))
    send(nurse, decline(f"{HALL}/Juliet"))
    assert condition(nurse.one()) == "item-not-found"
    assert len(juliet.came()) == 1
