"""Private messages (XEP-0045 §7.5)."""

from __future__ import annotations

import pytest

from tests.support.conference import HALL, U, enter, settings
from tests.support.people import C
from tests.support.server import condition
from xmppd import ns

WIND = "<body>I'll give thee a wind.</body>"
OCCUPANT_ID = "{urn:xmpp:occupant-id:0}occupant-id"
NOT_HERE = f"<error type='cancel'><service-unavailable xmlns='{ns.STANZA_ERRORS}'/></error>"


def test_7_5_it_comes_from_the_occupant_jid_and_says_that_it_is_private(hall, juliet, romeo):
    nurse = enter(hall, "nurse", juliet, romeo)
    romeo.message(f"{HALL}/Juliet", WIND, "chat", "hgn27af1")
    said = juliet.one()
    assert (said.get("from"), said.get("id"), said.get("type")) == (
        f"{HALL}/Romeo",
        "hgn27af1",
        "chat",
    )
    assert said.findtext(f"{C}body") == "I'll give thee a wind."
    assert len(said.findall(f"{U}x")) == 1
    assert len(said.findall(OCCUPANT_ID)) == 1
    assert said.find(f"{{{ns.STANZA_ID}}}stanza-id") is None
    assert (nurse.came(), romeo.came()) == ([], [])


def test_7_5_what_a_client_says_in_the_rooms_name_is_taken_away(hall, juliet, romeo):
    forged = f"<x xmlns='{ns.MUC_USER}'><item affiliation='owner'/><status code='301'/></x>"
    romeo.message(f"{HALL}/Juliet", WIND + forged, "chat")
    [x] = juliet.one().iterfind(f"{U}x")
    assert len(x) == 0


def test_7_5_all_sessions_of_an_occupant_get_it(hall, juliet, romeo):
    inside = enter(hall, "juliet", juliet, romeo, resource="balcony")
    outside = hall.person("juliet", "tomb")
    romeo.message(f"{HALL}/Juliet", WIND, "chat")
    for person in (juliet, inside):
        assert person.one().findtext(f"{C}body")
    assert outside.came() == []


def test_0280_no_other_resource_gets_a_copy(hall, juliet, romeo):
    tomb = hall.person("juliet", "tomb")
    assert tomb.ask(f"<enable xmlns='{ns.CARBONS}'/>", "set", "juliet@capulet.lit").get("type") == (
        "result"
    )
    romeo.message(f"{HALL}/Juliet", WIND, "chat")
    assert juliet.one().findtext(f"{C}body")
    assert tomb.came() == []


def test_0249_a_direct_invitation_passes(hall, juliet, romeo):
    invitation = f"<x xmlns='{ns.CONFERENCE}' jid='vault@rooms.capulet.lit'/>"
    romeo.message(f"{HALL}/Juliet", invitation)
    assert juliet.one().find(f"{{{ns.CONFERENCE}}}x").get("jid") == "vault@rooms.capulet.lit"


def test_7_5_it_is_no_groupchat(hall, juliet, romeo):
    refused = romeo.message(f"{HALL}/Juliet", WIND, "groupchat").one()
    assert (condition(refused), refused.get("from")) == ("bad-request", f"{HALL}/Juliet")
    assert refused.find(f"{C}error").get("by") == HALL
    assert juliet.came() == []


def test_7_5_nobody_has_that_nick(hall, juliet, romeo):
    assert condition(romeo.message(f"{HALL}/Mab", WIND, "chat").one()) == "item-not-found"


def test_7_5_who_is_not_inside_reaches_nobody(hall, juliet, romeo):
    for stranger in (hall.person("nurse"), hall.person("romeo", "orchard")):
        refused = stranger.message(f"{HALL}/Juliet", WIND, "chat").one()
        assert condition(refused) == "not-acceptable"
    assert juliet.came() == []


@pytest.mark.parametrize(
    ("allowed", "expected"), [("none", False), ("moderators", False), ("participants", True)]
)
def test_7_5_the_room_says_who_may(hall, juliet, romeo, allowed, expected):
    settings(hall, private_messages=allowed)
    romeo.message(f"{HALL}/Juliet", WIND, "chat")
    assert bool(juliet.came()) is expected
    if not expected:
        assert condition(romeo.one()) == "forbidden"


def test_who_sent_what_came_back_is_told_and_by_no_real_address(hall, juliet, romeo):
    other = enter(hall, "romeo", juliet, romeo, resource="orchard")
    romeo.message(f"{HALL}/Juliet", WIND, "chat", "p1")
    juliet.came()
    juliet.send(
        f"<message to='{HALL}/Romeo' id='p1' type='error'>{WIND}<error type='modify'"
        f" by='{juliet.jid}'><not-acceptable xmlns='{ns.STANZA_ERRORS}'/>"
        f"<text xmlns='{ns.STANZA_ERRORS}'>{juliet.jid} says no</text>"
        "<too-windy xmlns='urn:wind'/></error></message>"
    )
    told = romeo.one()
    assert (told.get("from"), told.get("id"), condition(told)) == (
        f"{HALL}/Juliet",
        "p1",
        "not-acceptable",
    )
    error = told.find(f"{C}error")
    assert (error.get("type"), error.get("by")) == ("modify", HALL)
    assert [each.tag for each in error] == [
        f"{{{ns.STANZA_ERRORS}}}not-acceptable",
        "{urn:wind}too-windy",
    ]
    assert other.came() == []


def test_what_was_not_sent_can_not_come_back(hall, juliet, romeo):
    nurse = enter(hall, "nurse", juliet, romeo)
    romeo.message(f"{HALL}/Juliet", WIND, "chat", "p1")
    juliet.came()
    for forger, id_ in ((nurse, "p1"), (juliet, "p2")):
        forger.send(f"<message to='{HALL}/Romeo' id='{id_}' type='error'>{NOT_HERE}</message>")
    assert romeo.came() == []
    for _ in range(2):
        juliet.send(f"<message to='{HALL}/Romeo' id='p1' type='error'>{NOT_HERE}</message>")
    assert len(romeo.came()) == 1


def test_it_has_not_come_back_as_long_as_one_session_may_have_got_it(hall, juliet, romeo):
    inside = enter(hall, "juliet", juliet, romeo, resource="balcony")
    romeo.message(f"{HALL}/Juliet", WIND, "chat", "p1")
    back = f"<message to='{HALL}/Romeo' id='p1' type='error'>{NOT_HERE}</message>"
    juliet.send(back)
    assert romeo.came() == []
    inside.send(back)
    assert condition(romeo.one()) == "service-unavailable"
