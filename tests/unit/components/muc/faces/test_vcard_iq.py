"""Rooms' avatars (XEP-0486), by vCards (XEP-0054)."""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha1
from xml.etree.ElementTree import fromstring

import pytest

from components.muc.faces.vcard_iq import OFTEN
from components.muc.model.avatar import OCTETS, card
from tests.support.conference import HALL, ROOMS, codes
from tests.support.configuring import configured, room_of
from tests.support.forms import X
from tests.support.people import C
from tests.support.server import condition
from xmppd import ns

V = "{vcard-temp}"
GET = EMPTY = "<vCard xmlns='vcard-temp'/>"
ROSE = b"\x89PNG\r\n\x1a\nby any other name"
LARK = b"\xff\xd8\xffthe herald of the morn"


def photo(data: bytes, type_: str = "<TYPE>image/png</TYPE>") -> str:
    return f"<PHOTO>{type_}<BINVAL>{b64encode(data).decode()}</BINVAL></PHOTO>"


def vcard(inside: str) -> str:
    return f"<vCard xmlns='vcard-temp'>{inside}</vCard>"


def hashes(person, room: str = HALL) -> list[str]:
    answer = person.ask(f"<query xmlns='{ns.DISCO_INFO}'/>", to=room)
    assert "vcard-temp" in {each.get("var") for each in answer.iter(f"{{{ns.DISCO_INFO}}}feature")}
    fields = {each.get("var"): each for each in answer.iter(f"{X}field")}
    field = fields.get("muc#roominfo_avatarhash")
    return [] if field is None else [each.text for each in field.iterfind(f"{X}value")]


def test_3_2_an_owner_sets_it_and_everybody_is_told(hall):
    juliet = hall.opened("juliet")
    romeo = hall.person("romeo").join()
    romeo.came()
    juliet.came()
    assert juliet.ask(vcard(photo(ROSE)), "set").get("type") == "result"
    for told in (juliet.others[0], romeo.one()):
        assert (told.tag, told.get("from"), codes(told)) == (f"{C}message", HALL, [104])
        assert told.get("type") == "groupchat"


def test_3_3_its_hash_stands_in_the_rooms_form_and_3_4_the_vcard_can_be_had(hall):
    juliet = hall.opened("juliet")
    nurse = hall.person("nurse")
    assert hashes(nurse) == []
    assert condition(nurse.ask(GET)) == "item-not-found"
    juliet.ask(vcard("<FN>The orchard</FN>" + photo(ROSE)), "set")
    assert hashes(nurse) == [sha1(ROSE).hexdigest()]
    found = nurse.ask(GET).find(f"{V}vCard")
    assert found.findtext(f"{V}FN") == "The orchard"
    assert found.findtext(f"{V}PHOTO/{V}BINVAL") == b64encode(ROSE).decode()


def test_5_1_every_image_of_it_has_its_hash(hall):
    juliet = hall.opened("juliet")
    juliet.ask(vcard(photo(ROSE) + photo(LARK)), "set")
    assert hashes(juliet) == [sha1(ROSE).hexdigest(), sha1(LARK).hexdigest()]


def test_3_2_an_empty_vcard_takes_it_away(hall):
    juliet = hall.opened("juliet")
    juliet.ask(vcard(photo(ROSE)), "set")
    assert juliet.ask(EMPTY, "set").get("type") == "result"
    assert [codes(each) for each in juliet.others] == [[104]]
    assert hashes(juliet) == []
    assert condition(juliet.ask(GET)) == "item-not-found"


def test_3_2_what_changes_nothing_is_told_to_nobody(hall):
    juliet = hall.opened("juliet")
    assert juliet.ask(EMPTY, "set").get("type") == "result"
    assert juliet.others == []
    juliet.ask(vcard(photo(ROSE)), "set")
    assert juliet.ask(vcard(photo(ROSE)), "set").get("type") == "result"
    assert juliet.others == []


def test_3_2_all_others_are_forbidden_to(hall):
    juliet = hall.opened("juliet")
    romeo = hall.person("romeo").join()
    juliet.came()
    assert condition(romeo.ask(vcard(photo(ROSE)), "set")) == "forbidden"
    assert condition(hall.person("nurse").ask(EMPTY, "set")) == "forbidden"
    assert (hashes(juliet), juliet.others) == ([], [])


def test_it_goes_with_the_room(hall):
    juliet = hall.opened("juliet")
    juliet.ask(vcard(photo(ROSE)), "set")
    juliet.leave()
    romeo = hall.opened("romeo")
    assert hashes(romeo) == []


def test_it_is_there_when_the_room_is_opened_again(hall):
    juliet = hall.opened("juliet")
    configured(juliet, persistentroom="1")
    juliet.ask(vcard(photo(ROSE)), "set")
    juliet.leave()
    hall.service.rooms.close(room_of(hall))
    assert hashes(juliet) == [sha1(ROSE).hexdigest()]


def test_a_locked_room_has_none_for_others(hall):
    hall.person("juliet").join()
    assert condition(hall.person("romeo").ask(GET)) == "item-not-found"


def test_the_service_has_a_vcard_of_its_own(hall):
    """XEP-0054: it is nobody's to set."""
    nurse = hall.person("nurse")
    assert nurse.ask(GET, to=ROOMS).findtext(f"{V}vCard/{V}FN") == "Halls"
    assert condition(nurse.ask(vcard(photo(ROSE)), "set", ROOMS)) == "service-unavailable"


@pytest.mark.parametrize(
    ("inside", "expected"),
    [
        (photo(b"<svg xmlns='http://www.w3.org/2000/svg'/>"), "not-acceptable"),
        (photo(b"GIF"), "not-acceptable"),
        ("<PHOTO><BINVAL>no, not base64!</BINVAL></PHOTO>", "bad-request"),
        (photo(ROSE + b"\0" * OCTETS), "policy-violation"),
        (f"<DESC>{'O' * OCTETS}</DESC>", "policy-violation"),
        (f"<N>{'<x/>' * 1_999}</N>", "policy-violation"),
        ("<N>" + "<x y=''/>" * 1_000 + "</N>", "policy-violation"),
    ],
)
def test_what_is_not_taken_changes_nothing(hall, inside, expected):
    juliet = hall.opened("juliet")
    juliet.ask(vcard(photo(LARK)), "set")
    assert condition(juliet.ask(vcard(inside), "set")) == expected
    assert (juliet.others, hashes(juliet)) == ([], [sha1(LARK).hexdigest()])


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (ROSE, "image/png"),
        (LARK, "image/jpeg"),
        (b"GIF89a", "image/gif"),
        (b"RIFF\0\0\0\0WEBP", "image/webp"),
    ],
)
def test_xep_0153_5_an_image_has_the_type_that_it_is_of(data, kind):
    for named in ("", "<TYPE>text/html</TYPE>"):
        made = fromstring(card(fromstring(vcard(photo(data, named)))).encoded)
        assert made.findtext(f"{V}PHOTO/{V}TYPE") == kind


def test_there_is_an_end_to_how_often_in_a_minute(hall):
    juliet = hall.opened("juliet")
    for number in range(OFTEN):
        juliet.ask(vcard(photo(ROSE + bytes([number]))), "set")
    assert condition(juliet.ask(EMPTY, "set")) == "resource-constraint"
    hall.pass_time(60)
    assert juliet.ask(EMPTY, "set").get("type") == "result"
