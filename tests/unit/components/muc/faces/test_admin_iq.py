"""Lists, and changes of them, on request (XEP-0045 §8.2 to §8.5, §9.1 to §9.8, §10.3 to §10.8)."""

from __future__ import annotations

import re
from xml.etree.ElementTree import Element

import pytest

from components.muc.faces import admin_iq
from components.muc.model.ranks import Affiliation
from components.muc.model.standing import Standing
from tests.support.conference import HALL, MUC, Conference, Person, U, codes, company, item, room
from tests.support.people import C
from tests.support.server import condition
from xmppd.jid import JID

A = Affiliation
ADMIN = f"{{{MUC}#admin}}"
ROMEO, PARIS = "romeo@capulet.lit", "paris@capulet.lit"


def change(person: Person, *items: str) -> Element:
    """The answer to a set of items."""
    return person.ask(f"<query xmlns='{MUC}#admin'>{''.join(items)}</query>", "set")


def affiliate(person: Person, jid: str, affiliation: str, inside: str = "", more: str = "") -> str:
    """What came of a change of affiliation: the condition of the error, or ""."""
    answer = change(person, f"<item jid='{jid}' affiliation='{affiliation}' {more}>{inside}</item>")
    return condition(answer) if answer.get("type") == "error" else ""


def listed(person: Person, attrs: str) -> list[Element]:
    answer = person.ask(f"<query xmlns='{MUC}#admin'><item {attrs}/></query>")
    assert answer.get("type") == "result", condition(answer)
    return answer.findall(f"{ADMIN}query/{ADMIN}item")


def refused(person: Person, attrs: str) -> str | None:
    """The condition of the error that answers who asks for a list."""
    answer = person.ask(f"<query xmlns='{MUC}#admin'><item {attrs}/></query>")
    return condition(answer)


# --- lists -------------------------------------------------------------------------------------


def test_8_5_the_voice_list_has_all_four_attributes(hall):
    juliet, _ = company(hall, "romeo")
    (romeo,) = listed(juliet, "role='participant'")
    assert romeo.attrib == {
        "affiliation": "none",
        "jid": f"{ROMEO}/street",
        "nick": "Romeo",
        "role": "participant",
    }


def test_9_8_the_moderator_list(hall):
    juliet, _ = company(hall, "romeo")
    assert [each.get("nick") for each in listed(juliet, "role='moderator'")] == ["Juliet"]


def test_9_2_the_ban_list_has_reasons_and_neither_nicks_nor_roles(hall):
    (juliet,) = company(hall)
    assert affiliate(juliet, ROMEO, "outcast", "<reason>Tybalt</reason>") == ""
    (romeo,) = listed(juliet, "affiliation='outcast'")
    assert romeo.attrib == {"affiliation": "outcast", "jid": ROMEO}
    assert romeo.findtext(f"{ADMIN}reason") == "Tybalt"


def test_a_list_is_never_so_long_that_the_server_would_end_the_stream_for_it(hall):
    """Reasons are left out first, and then who is too many, with how many there are."""
    (juliet,) = company(hall)
    standings = hall.service.rooms.at_hand(JID.parse(HALL)).standings
    for n in range(2_000):
        jid = JID.of(f"tybalt{n}", "montague.lit")
        standings.put(Standing(jid, Affiliation.OUTCAST, "", "&" * 500))
    found = listed(juliet, "affiliation='outcast'")
    assert len(found) == 2_000
    assert not any(len(each) for each in found)
    for n in range(10_000):
        jid = JID.of(f"{n}{'x' * 1_000}", "montague.lit")
        standings.put(Standing(jid, Affiliation.OUTCAST))
    answer = juliet.ask(f"<query xmlns='{MUC}#admin'><item affiliation='outcast'/></query>")
    (query,) = answer
    assert len(query) < 12_000
    assert query.findtext("{http://jabber.org/protocol/rsm}set/*") == "12000"
    assert hall.component.connected


def test_17_4_a_list_of_affiliations_has_registered_nicks_and_no_roles(hall):
    juliet, _ = company(hall, "romeo")
    assert affiliate(juliet, ROMEO, "member", more="nick='Sun'") == ""
    assert affiliate(juliet, PARIS, "member") == ""
    sun, paris = listed(juliet, "affiliation='member'")
    assert sun.attrib == {"affiliation": "member", "jid": ROMEO, "nick": "Sun"}
    assert paris.attrib == {"affiliation": "member", "jid": PARIS}


@pytest.mark.parametrize(
    "attrs",
    [
        *(f"affiliation='{each}'" for each in ("owner", "admin", "member", "outcast")),
        *(f"role='{each}'" for each in ("moderator", "participant", "visitor")),
    ],
)
@pytest.mark.parametrize("whois", ["anyone", "moderators"])
def test_a_stranger_gets_no_list(hall, attrs, whois):
    """CVE-2021-37601: whoever was not in a room could read its lists, and so who its people are."""
    company(hall)
    room(hall, whois=whois)
    romeo = hall.person("romeo")
    assert refused(romeo, attrs) == "forbidden"
    assert refused(romeo.join(), attrs) == "forbidden"  # nor does who is there and nobody's


def test_9_5_a_member_gets_the_member_list_where_addresses_are_no_secret(hall):
    (juliet,) = company(hall)
    romeo = hall.person("romeo")
    assert affiliate(juliet, ROMEO, "member") == ""
    assert refused(romeo, "affiliation='member'") == "forbidden"
    room(hall, whois="anyone")
    assert [each.get("jid") for each in listed(romeo, "affiliation='member'")] == [ROMEO]
    assert refused(romeo, "affiliation='outcast'") == "forbidden"
    room(hall, member_list=frozenset({"moderator"}))
    assert refused(romeo, "affiliation='member'") == "forbidden"


@pytest.mark.parametrize(
    "items",
    [
        "",
        "<item/>",
        "<item affiliation='none'/>",
        "<item role='none'/>",
        "<item role='king'/>",
        "<item affiliation='king'/>",
        "<item affiliation='member' role='visitor'/>",
        "<item affiliation='member'/><item affiliation='owner'/>",
        "<item xmlns='urn:verona' affiliation='member'/>",
    ],
)
def test_a_list_that_there_is_not_is_a_bad_request(hall, items):
    (juliet,) = company(hall)
    answer = juliet.ask(f"<query xmlns='{MUC}#admin'>{items}</query>")
    assert condition(answer) == "bad-request"


# --- roles -------------------------------------------------------------------------------------


def test_8_2_the_kicked_one_is_told_first_then_who_has_asked_then_the_others(hall):
    juliet, romeo, paris, _ = company(hall, "romeo", "paris", "nurse")
    written = b""
    send = hall.wire.send

    def record(data: bytes) -> None:
        nonlocal written
        written += data
        send(data)

    hall.wire.send = record
    kick = "<item nick='{}' role='none'><reason>Avaunt!</reason></item>"
    answer = change(juliet, kick.format("Romeo"), kick.format("Paris"))
    assert answer.get("type") == "result"
    to = [each.decode() for each in re.findall(rb"<(?:presence|iq) [^>]*to='([^']*)'", written)]
    assert to[:3] == [romeo.jid, paris.jid, juliet.jid]
    assert written.index(b"<iq ") < written.index(b"/Romeo", written.index(b"<iq "))
    for each in (romeo, paris):
        (gone,) = [each for each in each.came() if codes(each) == [110, 307]]
        assert gone.findtext(f"{U}x/{U}item/{U}reason") == "Avaunt!"
    assert [codes(each) for each in juliet.others] == [[307], [307]]


def test_8_2_somebody_may_kick_himself(hall):
    juliet, _ = company(hall, "romeo")
    assert change(juliet, "<item nick='Juliet' role='none'/>").get("type") == "result"
    assert room(hall).by_nick("Juliet") is None


def test_8_5_a_list_is_changed_as_a_whole_or_not_at_all(hall):
    juliet, romeo, paris = company(hall, "romeo", "paris")
    answer = change(
        juliet, "<item nick='Romeo' role='visitor'/>", "<item nick='Juliet' role='visitor'/>"
    )
    assert condition(answer) == "not-allowed"
    [offending] = answer.iterfind(f"{{{MUC}#admin}}query/{{{MUC}#admin}}item")
    assert offending.attrib == {"nick": "Juliet", "role": "visitor"}, "§8.4: which one it is"
    assert romeo.came() == paris.came() == juliet.others == []
    answer = change(
        juliet, "<item nick='Romeo' role='visitor'/>", "<item nick='Paris' role='moderator'/>"
    )
    assert answer.get("type") == "result"
    assert [item(each)["role"] for each in juliet.others] == ["visitor", "moderator"]


def test_8_3_voice_is_given_and_the_reason_told(hall):
    juliet, romeo = company(hall, "romeo")
    change(juliet, "<item nick='Romeo' role='visitor'/>")
    assert item(romeo.one())["role"] == "visitor"
    change(juliet, "<item nick='Romeo' role='participant'><reason>Worthy</reason></item>")
    told = romeo.one()
    assert item(told)["role"] == "participant"
    assert told.findtext(f"{U}x/{U}item/{U}reason") == "Worthy"
    assert told.find(f"{U}x/{U}item/{U}actor").get("nick") == "Juliet"


def test_5_1_a_role_is_also_of_a_session_or_of_all_of_a_user(hall):
    juliet, romeo = company(hall, "romeo")
    assert change(juliet, f"<item jid='{romeo.jid}' role='visitor'/>").get("type") == "result"
    assert change(juliet, f"<item jid='{ROMEO}' role='moderator'/>").get("type") == "result"
    assert [item(each)["role"] for each in romeo.came()[:2]] == ["visitor", "moderator"]


def test_8_another_session_of_a_moderator_may_as_well(hall):
    company(hall, "romeo")
    other = hall.person("juliet", "balcony")
    assert change(other, "<item nick='Romeo' role='none'/>").get("type") == "result"


@pytest.mark.parametrize(
    ("items", "expected"),
    [
        ("", "bad-request"),
        ("<item nick='Romeo'/>", "bad-request"),
        ("<item role='visitor'/>", "bad-request"),
        ("<item nick='' role='visitor'/>", "bad-request"),
        ("<item nick='Romeo' role='king'/>", "bad-request"),
        ("<item nick='Romeo' affiliation='king'/>", "bad-request"),
        ("<item affiliation='member'/>", "bad-request"),
        # §17.4: not both of the same item.
        ("<item nick='Romeo' role='visitor' affiliation='member'/>", "bad-request"),
        ("<item nick='Romeo' role='visitor'/><item nick='Romeo' role='none'/>", "bad-request"),
        (
            f"<item nick='Romeo' role='visitor'/><item jid='{PARIS}' affiliation='member'/>",
            "bad-request",
        ),
        (
            f"<item jid='{PARIS}' affiliation='member'/><item jid='{PARIS}/x' affiliation='none'/>",
            "bad-request",
        ),
        ("<item nick='Tybalt' role='visitor'/>", "item-not-found"),
        ("<item nick='Tybalt' affiliation='member'/>", "item-not-found"),
        ("<item jid='@' affiliation='member'/>", "jid-malformed"),
        ("<item jid='hall@rooms.capulet.lit' affiliation='member'/>", "bad-request"),
        ("<item jid='hall@rooms.capulet.lit/Tybalt' affiliation='member'/>", "item-not-found"),
        (f"<item jid='{ROMEO}' affiliation='member' nick='&#x202e;'/>", "jid-malformed"),
        (f"<item jid='{ROMEO}' affiliation='member' nick='{'x' * 129}'/>", "not-acceptable"),
        (f"<item jid='{ROMEO}' affiliation='member' nick='juliet'/>", "conflict"),
        ("<item jid='montague.lit' affiliation='admin'/>", "not-acceptable"),
        ("<item jid='montague.lit' affiliation='member' nick='Sun'/>", "not-acceptable"),
        (
            f"<item nick='Romeo' role='none'><reason>{'x' * 501}</reason></item>",
            "not-acceptable",
        ),
        ("<item nick='Romeo' role='none'/>" * 101, "policy-violation"),
    ],
)
def test_what_makes_no_sense_is_refused_and_changes_nothing(hall, items, expected):
    juliet, romeo = company(hall, "romeo")
    answer = change(juliet, items)
    assert (answer.get("type"), condition(answer)) == ("error", expected)
    assert romeo.came() == juliet.others == []
    assert len(room(hall).standings) == 1


# --- affiliations ------------------------------------------------------------------------------


def test_9_1_a_ban_is_of_the_bare_jid_takes_the_nick_away_and_lasts(hall):
    juliet, romeo = company(hall, "romeo")
    affiliate(juliet, ROMEO, "member", more="nick='Sun'")
    romeo.came()
    assert affiliate(juliet, f"{ROMEO}/street", "outcast") == ""
    gone = romeo.one()
    assert codes(gone) == [110, 301]
    assert room(hall).standings.holder("Sun") is None
    assert condition(romeo.join().one()) == "forbidden"
    assert affiliate(juliet, ROMEO, "none") == ""
    assert romeo.join().came()[-1].tag == f"{C}message"


def test_9_1_who_has_asked_is_answered_before_the_others_are_told(hall):
    juliet, _ = company(hall, "romeo")
    payload = f"<query xmlns='{MUC}#admin'><item jid='{ROMEO}' affiliation='outcast'/></query>"
    juliet.send(f"<iq type='set' id='ban1' to='{HALL}'>{payload}</iq>")
    assert [each.tag for each in juliet.came()] == [f"{C}iq", f"{C}presence"]


def test_9_1_nobody_bans_himself(hall):
    juliet, romeo = company(hall, "romeo")
    affiliate(juliet, ROMEO, "owner")
    assert affiliate(juliet, "juliet@capulet.lit", "outcast") == "conflict"
    assert affiliate(romeo, f"{ROMEO}/street", "outcast") == "conflict"


def test_9_2_one_ban_that_is_not_allowed_and_none_is(hall):
    juliet, romeo = company(hall, "romeo")
    affiliate(juliet, ROMEO, "admin")
    romeo.came()
    bans = [f"<item jid='{each}' affiliation='outcast'/>" for each in (PARIS, "juliet@capulet.lit")]
    assert condition(change(romeo, *bans)) == "not-allowed"
    assert room(hall).affiliation(JID.parse(PARIS)) is A.NONE
    assert juliet.came()[1:] == []


def test_9_2_a_domain_is_banned_and_its_people_do_not_come_in(hall):
    juliet, romeo = company(hall, "romeo")
    assert affiliate(juliet, "capulet.lit", "outcast", "<reason>A plague!</reason>") == ""
    assert codes(romeo.one()) == [110, 301]
    assert condition(romeo.join().one()) == "forbidden"
    assert item(juliet.others[0])["affiliation"] == "outcast"  # she herself has her own
    assert affiliate(juliet, ROMEO, "member") == ""  # <user@domain> comes before <domain>
    assert romeo.join().came()[-1].tag == f"{C}message"


def test_9_2_nobody_bans_the_services_admins(hall):
    hall = Conference(admins=["friar@capulet.lit"]).start()
    (juliet,) = company(hall)
    assert affiliate(juliet, "friar@capulet.lit", "outcast") == "not-allowed"
    friar = hall.person("friar")
    assert affiliate(friar, ROMEO, "owner") == ""  # who owns every room


def test_9_3_a_nick_becomes_the_members_and_9_5_an_empty_one_is_taken_away(hall):
    (juliet,) = company(hall)
    assert affiliate(juliet, ROMEO, "member", more="nick='Sun'") == ""
    assert affiliate(juliet, PARIS, "member", more="nick='sun'") == "conflict"
    assert condition(hall.person("paris").join(nick="Sun").one()) == "conflict"
    assert affiliate(juliet, ROMEO, "admin") == ""  # nothing is said of the nick
    assert room(hall).standings.holder("Sun") == ROMEO
    assert affiliate(juliet, ROMEO, "member", more="nick=''") == ""
    assert room(hall).standings.holder("Sun") is None


def test_9_4_membership_goes_and_with_it_the_nick(hall):
    juliet, romeo = company(hall, "romeo")
    affiliate(juliet, ROMEO, "member", more="nick='Sun'")
    romeo.came()
    # Clients send the nick back that they were told (§9.5).
    assert affiliate(juliet, ROMEO, "none", more="nick='Sun'") == ""
    assert item(romeo.one()) == {
        "affiliation": "none",
        "jid": f"{ROMEO}/street",
        "role": "participant",
    }
    assert len(room(hall).standings) == 1


def test_9_5_a_member_who_goes_from_a_members_only_room_is_told_of_once(hall):
    juliet, romeo = company(hall, "romeo")
    affiliate(juliet, ROMEO, "member")
    romeo.came()
    room(hall, members_only=True)
    assert affiliate(juliet, ROMEO, "none") == ""
    (seen,) = juliet.others
    assert (seen.get("type"), codes(seen)) == ("unavailable", [321])
    assert codes(romeo.one()) == [110, 321]
    assert condition(romeo.join().one()) == "registration-required"


def test_17_4_an_occupant_whose_address_is_hidden_is_meant_by_his_nick(hall):
    juliet, romeo = company(hall, "romeo")
    change(juliet, "<item nick='Romeo' affiliation='member'/>")
    assert item(romeo.one())["affiliation"] == "member"
    assert affiliate(juliet, f"{HALL}/Romeo", "admin") == ""
    assert item(romeo.came()[0])["affiliation"] == "admin"
    assert room(hall).standings.holder("Romeo") is None  # it was to find him by


def test_10_4_the_last_owner_stays_one(hall):
    (juliet,) = company(hall)
    own = "juliet@capulet.lit"
    assert affiliate(juliet, own, "member") == "conflict"
    assert affiliate(juliet, ROMEO, "owner") == ""
    assert affiliate(juliet, own, "member") == ""
    assert affiliate(juliet, PARIS, "member") == "forbidden"


def test_10_4_an_owner_may_go_who_names_another_at_the_same_time(hall):
    (juliet,) = company(hall)
    answer = change(
        juliet,
        "<item jid='juliet@capulet.lit' affiliation='none'/>",
        f"<item jid='{ROMEO}' affiliation='owner'/>",
    )
    assert answer.get("type") == "result"


def test_10_3_what_was_changed_is_there_when_the_room_is_opened_again(hall):
    juliet = hall.opened("juliet")
    room(hall, persistent=True)
    affiliate(juliet, ROMEO, "outcast", "<reason>Tybalt</reason>")
    affiliate(juliet, PARIS, "member", more="nick='Count'")
    juliet.leave()
    hall.service.rooms.close(room(hall))
    juliet.join().came()
    assert [each.get("nick") for each in listed(juliet, "affiliation='member'")] == ["Count"]
    assert condition(hall.person("romeo").join().one()) == "forbidden"


# --- who has done it ---------------------------------------------------------------------------


def test_8_2_who_has_done_it_is_not_told_by_address_where_addresses_are_hidden(hall):
    hall = Conference(admins=["friar@capulet.lit"]).start()
    juliet, romeo = company(hall, "romeo")
    friar = hall.person("friar")
    spoofed = "<actor jid='paris@capulet.lit'/>"
    affiliate(friar, ROMEO, "member", spoofed)
    for each in (juliet, romeo):
        assert each.one().find(f"{U}x/{U}item/{U}actor") is None
    room(hall, whois="anyone")
    affiliate(friar, ROMEO, "none", spoofed)
    for each in (juliet, romeo):
        acted = each.one().find(f"{U}x/{U}item/{U}actor")
        assert acted.attrib == {"jid": "friar@capulet.lit"}


def test_17_4_only_what_is_for_the_room_is_the_rooms(hall):
    """What is for an occupant is his, and a room that there is not has no lists."""
    juliet, _ = company(hall, "romeo")
    ask = f"<query xmlns='{MUC}#admin'><item affiliation='owner'/></query>"
    juliet.send(f"<iq type='get' id='a' to='{HALL}/Romeo'>{ask}</iq>")
    assert juliet.came() == []  # Romeo's client has not answered yet
    assert condition(juliet.ask(ask, to="tomb@rooms.capulet.lit")) == "item-not-found"


# --- how often ---------------------------------------------------------------------------------


def test_of_an_admin_who_changes_whatever_he_can_nobody_has_to_hear_all(hall):
    """Each change is told to all in the room: a request is small, and what comes of it is not."""
    juliet, romeo = company(hall, "romeo")
    room(hall, whois="anyone")
    told, refusals = 0, []
    for turn in range(12):
        affiliation = ("outcast", "none")[turn % 2]
        many = [f"<item jid='t{n}@verona.lit' affiliation='{affiliation}'/>" for n in range(100)]
        answer = change(juliet, *many)
        if answer.get("type") == "error":
            refusals.append(condition(answer))
        told += len(romeo.came())
    assert refusals == ["resource-constraint"] * 2
    assert told == 100
    hall.pass_time(60)
    assert affiliate(juliet, PARIS, "member") == ""
    assert len(romeo.came()) == 1


def test_a_moderator_does_not_change_roles_without_end(monkeypatch):
    monkeypatch.setattr(admin_iq, "OFTEN", 4)
    hall = Conference().start()
    juliet, _ = company(hall, "romeo")
    came = []
    for turn in range(6):
        role = ("moderator", "participant")[turn % 2]
        came.append(change(juliet, f"<item nick='Romeo' role='{role}'/>").get("type"))
    assert came == ["result"] * 4 + ["error"] * 2
