"""What a change of the configuration brings about, and who is told (XEP-0045 §10.2, §10.2.1)."""

from __future__ import annotations

from xml.etree.ElementTree import Element

import pytest

from components.muc.faces import configuring
from tests.support.conference import HALL, Conference, Person, codes, item
from tests.support.configuring import asked, configure, configured, room_of
from tests.support.deferred import result
from tests.support.people import C
from tests.support.server import condition
from xmppd.jid import JID


def people(hall: Conference, *names: str) -> list[Person]:
    """Juliet, who has made the room, and others who are in it; nobody has anything to read."""
    inside = [hall.opened("juliet"), *(hall.person(name).join() for name in names)]
    for person in inside:
        person.came()
    return inside


def told(person: Person) -> list[tuple[str, ...]]:
    """What came, in short: codes of messages, and of presence its nick, what it is, the role."""
    return [_short(each) for each in person.came()]


def _short(stanza: Element) -> tuple[str, ...]:
    said = [str(code) for code in codes(stanza)]
    if stanza.tag == f"{C}message":
        assert stanza.get("from") == HALL
        assert stanza.get("type") == "groupchat"
        return ("message", *said)
    nick = stanza.get("from", "").rpartition("/")[2]
    return (nick, stanza.get("type", "available"), item(stanza)["role"], *said)


# ---------------------------------------------------------------------- notices


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"roomname": "The orchard"}, [104]),
        ({"enablelogging": "1"}, [170]),
        ({"whois": "anyone"}, [172]),
        ({"enablelogging": "1", "whois": "anyone", "roomname": "O"}, [104, 170, 172]),
        ({"maxhistoryfetch": "20", "roomname": ""}, []),
    ],
)
def test_10_2_1_one_message_tells_all_that_has_changed(hall, fields, expected):
    juliet, romeo = people(hall, "romeo")
    configured(juliet, **fields)
    for stanzas in (juliet.others, romeo.came()):
        messages = [each for each in stanzas if each.tag == f"{C}message"]
        assert [codes(each) for each in messages] == ([expected] if expected else [])


def test_10_2_1_logging_ends_and_the_room_is_semi_anonymous_again(hall):
    juliet, romeo = people(hall, "romeo")
    configured(juliet, enablelogging="1", whois="anyone")
    romeo.came()
    configured(juliet, enablelogging="0", whois="moderators")
    assert told(romeo) == [("message", "171", "173")]


def test_7_2_12_who_enters_later_is_told_of_it_as_he_enters(hall):
    (juliet,) = people(hall)
    configured(juliet, enablelogging="1", whois="anyone")
    assert codes(hall.person("romeo").join().came()[1]) == [100, 110, 170]


# ---------------------------------------------------------------------- who sees whom


def test_10_2_1_in_a_room_that_becomes_non_anonymous_everybody_is_told_who_the_others_are(hall):
    """First that it has become so, then who they are."""
    juliet, romeo, _nurse = people(hall, "romeo", "nurse")
    configured(juliet, whois="anyone")
    notice, *presence = romeo.came()
    assert codes(notice) == [172]
    assert {(each.get("from"), item(each).get("jid")) for each in presence} == {
        (f"{HALL}/Juliet", "juliet@capulet.lit/street"),
        (f"{HALL}/Nurse", "nurse@capulet.lit/street"),
    }


def test_10_2_1_in_a_large_room_they_are_told_as_people_come(hall, monkeypatch):
    monkeypatch.setattr(configuring, "REVEALED", 2)
    juliet, romeo, _nurse = people(hall, "romeo", "nurse")
    configured(juliet, whois="anyone")
    assert told(romeo) == [("message", "172")]


def test_10_2_1_in_a_room_that_becomes_semi_anonymous_addresses_are_hidden_from_then_on(hall):
    juliet, romeo = people(hall, "romeo")
    configured(juliet, whois="anyone")
    configured(juliet, whois="moderators")
    romeo.came()
    hall.person("nurse").join()
    assert "jid" not in item(romeo.one())


def test_7_2_2_roles_that_are_broadcast_no_more_vanish_and_come_back(hall):
    juliet, romeo, nurse = people(hall, "romeo", "nurse")
    configured(juliet, presencebroadcast=["moderator"])
    assert told(romeo) == [("message", "104"), ("Nurse", "unavailable", "none")]
    juliet.came()
    nurse.came()
    configured(juliet, presencebroadcast=["moderator", "participant", "visitor"])
    assert told(romeo) == [("message", "104"), ("Nurse", "available", "participant")]
    assert told(nurse) == [("message", "104"), ("Romeo", "available", "participant")]


# ---------------------------------------------------------------------- who may be there


def test_10_2_non_members_go_from_a_room_that_becomes_members_only(hall):
    juliet, romeo, nurse = people(hall, "romeo", "nurse")
    configured(juliet, membersonly="1", roomadmins=["nurse@capulet.lit"])
    assert told(romeo)[-1] == ("Romeo", "unavailable", "none", "110", "322")
    assert told(nurse) == [
        ("message", "104"),
        ("Nurse", "available", "moderator", "110"),
        # A moderator sees from now on who the others are.
        ("Juliet", "available", "moderator"),
        ("Romeo", "available", "participant"),
        ("Romeo", "unavailable", "none", "322"),
    ]
    assert condition(hall.person("tybalt").join().one()) == "registration-required"


def test_5_1_2_who_has_no_affiliation_has_no_voice_in_a_room_that_becomes_moderated(hall):
    """And has it again where the room is so no more: nobody had taken it from him."""
    juliet, romeo = people(hall, "romeo")
    configured(juliet, moderatedroom="1")
    assert told(romeo) == [("message", "104"), ("Romeo", "available", "visitor", "110")]
    assert condition(romeo.say("But, soft!").one()) == "forbidden"
    configured(juliet, moderatedroom="0")
    assert told(romeo) == [("message", "104"), ("Romeo", "available", "participant", "110")]


def test_5_1_2_visitors_that_nobody_is_to_see_vanish_as_the_room_becomes_moderated(hall):
    juliet, romeo, nurse = people(hall, "romeo", "nurse")
    configured(juliet, moderatedroom="1", presencebroadcast=["moderator", "participant"])
    seen = told(nurse)
    assert seen[0] == ("message", "104")
    assert ("Romeo", "unavailable", "none") in seen
    assert ("Romeo", "available", "visitor") not in seen
    configured(juliet, presencebroadcast=["visitor"])
    assert ("Romeo", "available", "visitor") in told(nurse)
    assert ("Nurse", "available", "visitor") in told(romeo)


def test_7_2_5_a_password_is_asked_of_newcomers_alone(hall):
    juliet, romeo = people(hall, "romeo")
    configured(juliet, roomsecret="lark")
    assert told(romeo) == [("message", "104")]
    assert condition(hall.person("nurse").join().one()) == "not-authorized"


def test_7_2_9_a_lower_limit_keeps_others_out_and_removes_nobody(hall):
    juliet, *_others = people(hall, "romeo", "nurse")
    more = [hall.person(name).join() for name in ("mercutio", "tybalt", "benvolio", "paris")]
    for person in (juliet, *more):
        person.came()
    configured(juliet, maxusers="5")
    assert len(room_of(hall)) == 7
    assert condition(hall.person("friar").join().one()) == "service-unavailable"


# ---------------------------------------------------------------------- owners and admins


def test_10_2_who_gains_and_loses_admin_status_by_the_form(hall):
    juliet, _romeo, nurse = people(hall, "romeo", "nurse")
    configured(juliet, roomadmins=["romeo@capulet.lit"])
    assert ("Romeo", "available", "moderator") in told(nurse)
    configured(juliet, roomadmins=[])
    (lost,) = nurse.came()
    assert item(lost) == {"affiliation": "member", "role": "participant"}
    assert room_of(hall).settings.name == ""


def test_10_2_who_gains_and_loses_owner_status_by_the_form(hall):
    juliet, romeo, nurse = people(hall, "romeo", "nurse")
    configured(juliet, roomowners=["juliet@capulet.lit", "romeo@capulet.lit"])
    assert item(nurse.one()) == {"affiliation": "owner", "role": "moderator"}
    romeo.came()
    # He may take it from himself, for there is another owner.
    configured(romeo, roomowners=["juliet@capulet.lit"])
    assert item(nurse.one()) == {"affiliation": "admin", "role": "moderator"}
    assert condition(configure(romeo)) == "forbidden"


def test_10_2_the_last_owner_stays(hall):
    juliet, romeo = people(hall, "romeo")
    assert condition(configure(juliet, roomowners=[])) == "conflict"
    assert romeo.came() == []
    assert asked(juliet)["muc#roomconfig_roomowners"] == ["juliet@capulet.lit"]


def test_10_5_a_full_address_in_a_list_stands_for_its_account(hall):
    juliet, romeo = people(hall, "romeo")
    configured(juliet, roomadmins=[f"{romeo.jid}"])
    assert asked(juliet)["muc#roomconfig_roomadmins"] == ["romeo@capulet.lit"]


# ---------------------------------------------------------------------- what is kept


def test_7_2_13_the_history_is_no_longer_than_it_may_be(hall):
    juliet, _romeo = people(hall, "romeo")
    for line in "abcd":
        juliet.say(line)
    juliet.came()
    configured(juliet, maxhistoryfetch="2")
    said = [each.findtext(f"{C}body") for each in hall.person("nurse").join().came()]
    assert [body for body in said if body] == ["c", "d"]


def test_7_14_a_persistent_room_is_there_when_all_have_left(hall):
    (juliet,) = people(hall)
    configured(juliet, persistentroom="1", roomname="The orchard")
    juliet.leave()
    romeo = hall.person("romeo").join()
    assert codes(romeo.came()[0]) == [110]
    assert result(hall.service.store.load(JID.parse(HALL))).settings["name"] == "The orchard"


def test_7_14_an_empty_room_that_is_persistent_no_more_is_gone(hall):
    (juliet,) = people(hall)
    configured(juliet, persistentroom="1")
    juliet.leave().came()
    configured(juliet, persistentroom="0")
    assert result(hall.service.store.load(JID.parse(HALL))) is None
    assert codes(hall.person("romeo").join().came()[0]) == [110, 201]


def test_10_2_what_was_set_up_is_so_when_the_room_is_opened_again(hall):
    (juliet,) = people(hall)
    configured(
        juliet,
        persistentroom="1",
        presencebroadcast=["moderator"],
        whois="anyone",
        roomsecret="lark",
        maxusers="10",
    )
    before = room_of(hall).settings
    juliet.leave()
    hall.service.rooms.close(room_of(hall))
    again = result(hall.service.rooms.open(JID.parse(HALL)))
    assert again.settings == before
