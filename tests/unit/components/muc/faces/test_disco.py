"""What the service and its rooms say of themselves (XEP-0045 §6, §7.12, §18.1.1)."""

from __future__ import annotations

from typing import Any
from xml.etree.ElementTree import Element

import pytest
from twisted.internet.defer import Deferred

from components.muc.model.ranks import Affiliation
from components.muc.model.standing import Standing
from tests.support.conference import HALL, ROOMS, Conference, Person
from tests.support.deferred import result
from tests.support.forms import X
from tests.support.server import condition
from xmppd import ns
from xmppd.jid import JID

D, L = f"{{{ns.DISCO_INFO}}}", f"{{{ns.DISCO_ITEMS}}}"
INFO, ITEMS = f"<query xmlns='{ns.DISCO_INFO}'/>", f"<query xmlns='{ns.DISCO_ITEMS}'/>"


def set_up(hall: Conference, **settings: Any) -> None:
    room = hall.service.rooms.at_hand(JID.parse(HALL))
    assert room is not None
    saving = hall.service.rooms.save(room, room.settings.change(**settings))
    result(Deferred.fromCoroutine(saving))


def features(answer: Element) -> set[str]:
    return {each.get("var", "") for each in answer.iter(f"{D}feature")}


def form(answer: Element) -> dict[str, list[str]]:
    (x,) = answer.iter(f"{X}x")
    assert x.get("type") == "result"
    return {
        field.get("var", ""): [value.text or "" for value in field.iterfind(f"{X}value")]
        for field in x.iterfind(f"{X}field")
    }


def ask_node(person: Person, node: str, to: str = HALL) -> Element:
    return person.ask(f"<query xmlns='{ns.DISCO_INFO}' node='{node}'/>", to=to)


# ---------------------------------------------------------------------- the service


def test_6_2_the_service_tells_what_it_is_and_can_do(hall):
    answer = hall.person("romeo").ask(INFO, to=ROOMS)
    (identity,) = answer.iter(f"{D}identity")
    assert identity.attrib == {"category": "conference", "type": "text", "name": "Halls"}
    assert {
        "http://jabber.org/protocol/muc",
        "http://jabber.org/protocol/muc#stable_id",
        "http://jabber.org/protocol/rsm",
        "urn:xmpp:occupant-id:0",
        "vcard-temp",
        ns.DISCO_INFO,
        ns.DISCO_ITEMS,
    } <= features(answer)


def test_xep_0030_the_service_has_no_nodes_that_are_not_named_here(hall):
    assert condition(ask_node(hall.person("romeo"), "globe", ROOMS)) == "item-not-found"
    listed = hall.person("nurse").ask(f"<query xmlns='{ns.DISCO_ITEMS}' node='globe'/>", to=ROOMS)
    assert condition(listed) == "item-not-found"


# ---------------------------------------------------------------------- rooms


def test_6_4_a_room_tells_its_features_and_its_form(hall):
    juliet = hall.opened("juliet")
    juliet.message(HALL, "<subject>The\n balcony</subject>", "groupchat")
    set_up(
        hall,
        name="The orchard",
        description="Below her window",
        lang="it",
        history=7,
        change_subject=True,
        private_messages="participants",
        logs="http://verona.lit/hall",
        pubsub="xmpp:pubsub.verona.lit?;node=hall",
        whois="anyone",
    )
    answer = hall.person("romeo").ask(INFO)
    (identity,) = answer.iter(f"{D}identity")
    assert identity.attrib == {"category": "conference", "type": "text", "name": "The orchard"}
    assert {
        "http://jabber.org/protocol/muc",
        "http://jabber.org/protocol/muc#roomconfig",
        "http://jabber.org/protocol/muc#roominfo",
        "muc_unsecured",
        "muc_public",
        "muc_temporary",
        "muc_open",
        "muc_unmoderated",
        "muc_nonanonymous",
    } <= features(answer)
    assert form(answer) == {
        "FORM_TYPE": ["http://jabber.org/protocol/muc#roominfo"],
        "muc#roomconfig_roomname": ["The orchard"],
        "muc#roominfo_description": ["Below her window"],
        "muc#roominfo_lang": ["it"],
        "muc#roomconfig_changesubject": ["1"],
        "muc#roominfo_subjectmod": ["1"],
        "muc#roomconfig_allowinvites": ["0"],
        "muc#roomconfig_allowpm": ["participants"],
        "muc#maxhistoryfetch": ["7"],
        "muc#roominfo_occupants": ["1"],
        "muc#roominfo_subject": ["The balcony"],
        "muc#roominfo_contactjid": ["juliet@capulet.lit"],
        "muc#roominfo_logs": ["http://verona.lit/hall"],
        "muc#roomconfig_pubsub": ["xmpp:pubsub.verona.lit?;node=hall"],
    }


@pytest.mark.parametrize(
    ("settings", "feature"),
    [
        ({"password": "nightingale"}, "muc_passwordprotected"),
        ({"public": False}, "muc_hidden"),
        ({"persistent": True}, "muc_persistent"),
        ({"members_only": True}, "muc_membersonly"),
        ({"moderated": True}, "muc_moderated"),
        ({}, "muc_semianonymous"),
    ],
)
def test_16_3_features_follow_the_configuration(hall, settings, feature):
    juliet = hall.opened("juliet")
    set_up(hall, **settings)
    assert feature in features(juliet.ask(INFO))


@pytest.mark.parametrize(
    "settings",
    [
        {"public": False},
        {"members_only": True},
        {"password": "nightingale"},
        {"question": "Wherefore?"},
    ],
)
def test_6_4_strangers_are_not_told_what_goes_on_in_a_room_that_is_not_for_all(hall, settings):
    juliet = hall.opened("juliet")
    juliet.message(HALL, "<subject>The balcony</subject>", "groupchat")
    set_up(hall, description="Below her window", logs="http://verona.lit/", **settings)
    told = form(hall.person("romeo").ask(INFO))
    assert told["muc#roominfo_description"] == ["Below her window"]
    hidden = {"muc#roominfo_subject", "muc#roominfo_occupants", "muc#roominfo_logs"}
    assert not hidden & told.keys()
    assert hidden <= form(juliet.ask(INFO)).keys()


def test_6_4_who_is_banned_is_not_told_what_goes_on(hall):
    juliet = hall.opened("juliet")
    room = hall.service.rooms.at_hand(JID.parse(HALL))
    room.standings.put(Standing(JID.parse("tybalt@capulet.lit"), Affiliation.OUTCAST))
    told = form(hall.person("tybalt").ask(INFO))
    assert "muc#roominfo_occupants" not in told
    assert form(juliet.ask(INFO))["muc#roominfo_occupants"] == ["1"]


def test_10_5_owners_are_named_in_non_anonymous_rooms_alone(hall):
    juliet = hall.opened("juliet")
    assert "muc#roominfo_contactjid" not in form(juliet.ask(INFO))


def test_7_2_10_a_locked_room_is_not_there_but_for_its_owner(hall):
    juliet = hall.person("juliet").join()
    romeo = hall.person("romeo")
    assert condition(romeo.ask(INFO)) == "item-not-found"
    assert condition(romeo.ask(ITEMS)) == "item-not-found"
    assert juliet.ask(INFO).get("type") == "result"


def test_xep_0030_a_room_that_does_not_exist_is_not_found(hall):
    romeo = hall.person("romeo")
    assert condition(romeo.ask(INFO)) == "item-not-found"
    assert condition(romeo.ask(ITEMS)) == "item-not-found"


def test_xep_0030_nodes_that_a_room_does_not_have(hall):
    juliet = hall.opened("juliet")
    assert condition(ask_node(juliet, "globe")) == "item-not-found"
    rooms = "http://jabber.org/protocol/muc#rooms"  # §6.7: that one is for users' clients
    assert condition(ask_node(juliet, rooms)) == "item-not-found"
    listed = juliet.ask(f"<query xmlns='{ns.DISCO_ITEMS}' node='globe'/>")
    assert condition(listed) == "item-not-found"


def test_7_12_a_registered_nick_can_be_asked_for(hall):
    hall.opened("juliet")
    romeo = hall.person("romeo")
    query = ask_node(romeo, "x-roomuser-item").find(f"{D}query")
    assert (query.get("node"), len(query)) == ("x-roomuser-item", 0)
    room = hall.service.rooms.at_hand(JID.parse(HALL))
    room.standings.put(Standing(romeo.jid.bare, Affiliation.MEMBER, "Montague"))
    (identity,) = ask_node(romeo, "x-roomuser-item").iter(f"{D}identity")
    assert identity.attrib == {"category": "conference", "type": "text", "name": "Montague"}


@pytest.mark.parametrize("to", [HALL, ROOMS])
def test_18_1_1_no_namespace_is_discarded(hall, to):
    juliet = hall.opened("juliet")
    answer = ask_node(juliet, "http://jabber.org/protocol/muc#traffic", to)
    assert condition(answer) == "service-unavailable"


# ---------------------------------------------------------------------- lists


def listed(answer: Element) -> list[str]:
    return [each.get("jid", "") for each in answer.iter(f"{L}item")]


def test_6_3_public_rooms_are_listed(hall):
    for name in ("heath", "forres", "cave"):
        hall.opened("juliet", name, f"{name}@{ROOMS}")
    hall.person("juliet", "locked").join(f"inverness@{ROOMS}")
    hidden = hall.service.rooms.at_hand(JID.parse(f"cave@{ROOMS}"))
    hiding = hall.service.rooms.save(hidden, hidden.settings.change(public=False))
    result(Deferred.fromCoroutine(hiding))
    answer = hall.person("romeo").ask(ITEMS, to=ROOMS)
    assert listed(answer) == [f"forres@{ROOMS}", f"heath@{ROOMS}"]
    assert answer.find(f"{L}query/{{{RSM}}}set") is None


RSM = "http://jabber.org/protocol/rsm"


def page(person: Person, asked: str, to: str = ROOMS) -> tuple[list[str], dict[str, str]]:
    query = f"<query xmlns='{ns.DISCO_ITEMS}'><set xmlns='{RSM}'>{asked}</set></query>"
    answer = person.ask(query, to=to)
    told = answer.find(f"{L}query/{{{RSM}}}set")
    said = {} if told is None else {each.tag.partition("}")[2]: each.text for each in told}
    if "first" in said:
        said["index"] = told.find(f"{{{RSM}}}first").get("index")
    return listed(answer), said


def test_6_3_rooms_are_given_in_pages(hall):
    """XEP-0059 §2.2 to §2.6."""
    names = ["cave", "forres", "hall", "heath", "palace"]
    rooms = [f"{name}@{ROOMS}" for name in names]
    for room in rooms:
        hall.opened("juliet", room.partition("@")[0], room)
    romeo = hall.person("romeo")
    assert page(romeo, "<max>2</max>") == (
        rooms[:2],
        {"first": rooms[0], "last": rooms[1], "count": "5", "index": "0"},
    )
    assert page(romeo, f"<max>2</max><after>{rooms[1]}</after>")[0] == rooms[2:4]
    assert page(romeo, f"<max>2</max><before>{rooms[2]}</before>")[0] == rooms[:2]
    last, said = page(romeo, "<max>2</max><before/>")
    assert (last, said["index"]) == (rooms[3:], "3")
    assert page(romeo, "<max>0</max>") == ([], {"count": "5"})


def test_6_3_where_there_is_no_room_the_list_is_empty(hall):
    """XEP-0059 §2.4: an empty query, without a page."""
    assert page(hall.person("romeo"), "<max>2</max>") == ([], {})


def test_6_3_a_list_is_cut_to_what_goes_into_a_stanza(hall):
    rooms = [f"{letter * 40}@{ROOMS}" for letter in "abcd"]
    for room in rooms:
        hall.opened("juliet", room[0], room)
        opened = hall.service.rooms.at_hand(JID.parse(room))
        named = hall.service.rooms.save(opened, opened.settings.change(name="&" * 6_000))
        result(Deferred.fromCoroutine(named))
    romeo = hall.person("romeo")
    first, said = page(romeo, "<max>4</max>")
    assert (first, said["count"]) == (rooms[:2], "4")
    last, said = page(romeo, "<max>4</max><before/>")
    assert (last, said["index"]) == (rooms[2:], "2")
    unasked = romeo.ask(ITEMS, to=ROOMS)
    assert listed(unasked) == rooms[:2]
    assert unasked.find(f"{L}query/{{{RSM}}}set") is not None


def test_6_5_who_is_in_a_room_is_private_unless_its_owners_say_otherwise(hall):
    hall.opened("juliet")
    hall.person("nurse").join()
    romeo = hall.person("romeo")
    assert listed(romeo.ask(ITEMS)) == []
    set_up(hall, public_list=True)
    assert listed(romeo.ask(ITEMS)) == [f"{HALL}/Juliet", f"{HALL}/Nurse"]
    set_up(hall, presence_broadcast=frozenset({"moderator"}))
    assert listed(romeo.ask(ITEMS)) == [f"{HALL}/Juliet"]


def test_6_5_occupants_are_given_in_pages(hall):
    hall.opened("juliet")
    for name in ("nurse", "mercutio", "tybalt"):
        hall.person(name).join()
    set_up(hall, public_list=True)
    romeo = hall.person("romeo")
    all_of_them = [f"{HALL}/{nick}" for nick in ("Juliet", "Mercutio", "Nurse", "Tybalt")]
    assert page(romeo, f"<max>2</max><after>{all_of_them[0]}</after>", HALL) == (
        all_of_them[1:3],
        {"first": all_of_them[1], "last": all_of_them[2], "count": "4", "index": "1"},
    )
    assert page(romeo, "<max>3</max><before/>", HALL)[0] == all_of_them[1:]
    assert page(romeo, "<max>3</max><index>3</index>", HALL)[0] == all_of_them[3:]
