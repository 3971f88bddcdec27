"""Messages that are taken back, by their authors and by moderators (XEP-0424, XEP-0425)."""

from __future__ import annotations

from xml.etree.ElementTree import Element, fromstring

import pytest

from components.muc.model.history import Said
from components.muc.model.ranks import Affiliation
from components.muc.model.standing import Standing
from tests.support.conference import HALL, Conference, Person, enter, settings
from tests.support.deferred import result
from tests.support.people import C
from tests.support.server import condition
from xmppd import ns
from xmppd.jid import JID

RETRACT = "urn:xmpp:message-retract:1"
MODERATE = "urn:xmpp:message-moderate:1"
OLD = "urn:xmpp:message-moderate:0"
FASTEN = "urn:xmpp:fasten:0"
OCCUPANT_ID = "{urn:xmpp:occupant-id:0}occupant-id"
STANZA_ID = f"{{{ns.STANZA_ID}}}stanza-id"
DISCO = f"<query xmlns='{ns.DISCO_INFO}'/>"


@pytest.fixture
def tybalt(hall: Conference, juliet: Person) -> Person:
    return enter(hall, "tybalt", juliet)


def said(person: Person, body: str = "What, drawn, and talk of peace!", id_: str = "t1") -> str:
    """The stanza id of what somebody says."""
    person.say(body, id_=id_)
    own = [each for each in person.came() if each.get("id") == id_]
    return own[0].find(STANZA_ID).get("id")


def moderation(id_: str, reason: str = "", old: bool = False) -> str:
    inside = f"<reason>{reason}</reason>" if reason else ""
    if old:
        retract = "<retract xmlns='urn:xmpp:message-retract:0'/>"
        moderate = f"<moderate xmlns='{OLD}'>{retract}{inside}</moderate>"
        return f"<apply-to xmlns='{FASTEN}' id='{id_}'>{moderate}</apply-to>"
    retract = f"<retract xmlns='{RETRACT}'/>"
    return f"<moderate xmlns='{MODERATE}' id='{id_}'>{retract}{inside}</moderate>"


def retraction(id_: str) -> str:
    return (
        f"<retract xmlns='{RETRACT}' id='{id_}'/><store xmlns='{ns.HINTS}'/>"
        f"<fallback xmlns='urn:xmpp:fallback:0' for='{RETRACT}'/>"
        "<body>/me retracted a previous message</body>"
    )


def archived(hall: Conference) -> list[Said]:
    room = hall.service.rooms.at_hand(JID.parse(HALL))
    return list(result(hall.service.archive.newest(room.id, 100)))


def content(kept: Said) -> Element:
    return fromstring(f"<message>{kept.inner.decode()}</message>")


def history(hall: Conference) -> list[Element]:
    """The messages that a newcomer gets, without the subject."""
    nurse = hall.person("nurse").join()
    messages = [each for each in nurse.came() if each.tag == f"{C}message"]
    nurse.leave()
    return messages[:-1]


# ---------------------------------------------------------------------- moderators


@pytest.mark.parametrize("old", [False, True])
def test_0425_3_1_everybody_is_told_whichever_way_it_was_asked_for(hall, juliet, tybalt, old):
    id_ = said(tybalt)
    juliet.came()
    answer = juliet.ask(moderation(id_, "No swords &amp; no quarrels", old), "set")
    assert answer.get("type") == "result"
    [own] = juliet.others
    own_id = own.find(OCCUPANT_ID)
    for told in (own, tybalt.one()):
        assert (told.get("from"), told.get("type")) == (HALL, "groupchat")
        retract = told.find(f"{{{RETRACT}}}retract")
        assert retract.get("id") == id_
        assert retract.findtext(f"{{{RETRACT}}}reason") == "No swords & no quarrels"
        moderated = retract.find(f"{{{MODERATE}}}moderated")
        assert moderated.get("by") == f"{HALL}/Juliet"
        room = hall.service.rooms.at_hand(JID.parse(HALL))
        assert moderated.find(OCCUPANT_ID).get("id") == room.by_nick("Juliet").id
        fastened = told.find(f"{{{FASTEN}}}apply-to")
        assert fastened.get("id") == id_
        moderated = fastened.find(f"{{{OLD}}}moderated")
        assert moderated.get("by") == f"{HALL}/Juliet"
        assert moderated.find("{urn:xmpp:message-retract:0}retract") is not None
        assert moderated.findtext(f"{{{OLD}}}reason") == "No swords & no quarrels"
        assert told.find(STANZA_ID).get("by") == HALL
    assert own_id is None


def test_0425_4_a_tombstone_stands_in_its_place(hall, juliet, tybalt):
    id_ = said(tybalt)
    hall.pass_time(61)
    juliet.ask(moderation(id_, "No swords"), "set")
    [told] = [each for each in juliet.others if each.find(f"{{{RETRACT}}}retract") is not None]
    kept, retraction = archived(hall)
    assert (kept.id, kept.nick, kept.origin) == (id_, "Tybalt", "t1")
    tombstone, old = content(kept)
    assert tombstone.tag == f"{{{RETRACT}}}retracted"
    assert tombstone.get("stamp") == "2006-12-08T01:59:36Z"
    assert tombstone.get("id") == told.get("id") == retraction.origin
    moderated, reason = tombstone
    assert (moderated.tag, reason.text) == (f"{{{MODERATE}}}moderated", "No swords")
    assert moderated.find(OCCUPANT_ID) is not None
    assert (old.tag, old.get("by")) == (f"{{{OLD}}}moderated", f"{HALL}/Juliet")
    assert old.find("{urn:xmpp:message-retract:0}retracted") is not None
    [again] = history(hall)
    assert again.find(f"{C}body") is None
    assert again.find(f"{{{RETRACT}}}retracted") is not None
    assert (again.get("from"), again.get("id")) == (f"{HALL}/Tybalt", "t1")


def test_0425_3_2_it_is_for_moderators(hall, juliet, tybalt):
    id_ = said(juliet)
    for person in (tybalt, hall.person("nurse")):
        assert condition(person.ask(moderation(id_), "set")) == "forbidden"
    assert [each.inner for each in archived(hall)] == [
        b"<body>What, drawn, and talk of peace!</body>"
    ]
    assert juliet.came() == []


def test_0425_4_who_is_not_in_the_room_is_not_named(hall, juliet, tybalt):
    room = hall.service.rooms.at_hand(JID.parse(HALL))
    room.standings.put(Standing(JID.parse("nurse@capulet.lit"), Affiliation.ADMIN))
    id_ = said(tybalt)
    assert hall.person("nurse").ask(moderation(id_), "set").get("type") == "result"
    moderated = tybalt.one().find(f"{{{RETRACT}}}retract/{{{MODERATE}}}moderated")
    assert moderated.get("by") is None
    assert moderated.find(OCCUPANT_ID) is not None


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        (moderation("unknown"), "item-not-found"),
        (moderation(""), "bad-request"),
        (f"<moderate xmlns='{MODERATE}' id='1'/>", "feature-not-implemented"),
        (f"<apply-to xmlns='{FASTEN}' id='1'/>", "feature-not-implemented"),
        (moderation("unknown", "x" * 1_001), "not-acceptable"),
    ],
)
def test_0425_3_2_what_can_not_be(hall, juliet, tybalt, payload, expected):
    assert condition(juliet.ask(payload, "set")) == expected
    assert juliet.others == []
    assert tybalt.came() == []


def test_0425_what_is_gone_is_gone_and_the_rooms_word_stands(hall, juliet, tybalt):
    id_ = said(tybalt)
    juliet.ask(moderation(id_), "set")
    tybalt.came()
    assert juliet.ask(moderation(id_), "set").get("type") == "result"
    assert (juliet.others, tybalt.came()) == ([], [])
    last = archived(hall)[-1].id
    assert condition(juliet.ask(moderation(last), "set")) == "not-acceptable"


def test_0425_5_only_the_room_tells_of_moderators(hall, juliet, tybalt):
    for forged in (
        f"<retract xmlns='{RETRACT}' id='1'><moderated xmlns='{MODERATE}' by='{HALL}'/></retract>",
        f"<apply-to xmlns='{FASTEN}' id='1'><moderated xmlns='{OLD}' by='{HALL}'/></apply-to>",
    ):
        tybalt.message(HALL, forged, "groupchat")
        assert condition(tybalt.one()) == "forbidden"
    assert juliet.came() == []


def test_0425_where_nothing_is_archived_the_history_forgets(hall, juliet, tybalt):
    settings(hall, archive=False)
    id_ = said(tybalt)
    assert juliet.ask(moderation(id_), "set").get("type") == "result"
    [again] = history(hall)
    assert again.find(f"{{{RETRACT}}}retracted") is not None
    assert archived(hall) == []


def test_2_rooms_say_that_they_can(hall, juliet):
    features = {each.get("var") for each in juliet.ask(DISCO)[0]}
    assert {MODERATE, OLD, RETRACT, f"{RETRACT}#tombstone"} <= features


# ---------------------------------------------------------------------- authors


def test_0424_3_an_author_takes_back_his_own(hall, juliet, tybalt):
    id_ = said(tybalt)
    juliet.came()
    tybalt.message(HALL, retraction(id_), "groupchat", "r1")
    told = juliet.one()
    assert (told.get("from"), told.find(f"{{{RETRACT}}}retract").get("id")) == (
        f"{HALL}/Tybalt",
        id_,
    )
    kept, taken_back = archived(hall)
    [tombstone] = content(kept)
    assert (tombstone.tag, tombstone.get("id")) == (f"{{{RETRACT}}}retracted", "r1")
    assert tombstone.get("stamp") == "2006-12-08T01:58:35Z"
    assert content(taken_back).find(f"{{{RETRACT}}}retract") is not None
    first, second = history(hall)
    assert first.find(f"{{{RETRACT}}}retracted") is not None
    assert second.findtext(f"{C}body") == "/me retracted a previous message"


def test_0424_5_by_another_nick_he_is_still_the_author(hall, juliet, tybalt):
    id_ = said(tybalt)
    tybalt.presence(f"{HALL}/Prince of Cats")
    tybalt.message(HALL, retraction(id_), "groupchat", "r1")
    assert content(archived(hall)[0])[0].tag == f"{{{RETRACT}}}retracted"


def test_0424_5_nobody_takes_back_what_is_anothers(hall, juliet, tybalt):
    id_ = said(juliet)
    tybalt.message(HALL, retraction(id_), "groupchat", "r1")
    assert archived(hall)[0].inner == b"<body>What, drawn, and talk of peace!</body>"
    assert history(hall)[0].find(f"{C}body") is not None


def test_0424_what_nobody_has_said_is_taken_back_all_the_same(hall, juliet, tybalt):
    tybalt.message(HALL, retraction("unknown"), "groupchat", "r1")
    assert juliet.one().find(f"{{{RETRACT}}}retract") is not None
    assert len(archived(hall)) == 1


def test_0424_4_a_tombstone_is_the_rooms_to_make(hall, juliet, tybalt):
    id_ = said(tybalt)
    juliet.ask(moderation(id_, "No swords"), "set")
    tybalt.message(HALL, retraction(id_), "groupchat", "r1")
    assert content(archived(hall)[0])[0].find(f"{{{MODERATE}}}moderated") is not None


# ---------------------------------------------------------------------- reactions


def test_0444_reactions_pass_and_are_archived(hall, juliet, tybalt):
    id_ = said(tybalt)
    juliet.came()
    reactions = (
        f"<reactions xmlns='urn:xmpp:reactions:0' id='{id_}'><reaction>👋</reaction></reactions>"
    )
    juliet.message(HALL, reactions, "groupchat")
    told = tybalt.one()
    assert told.find("{urn:xmpp:reactions:0}reactions")[0].text == "👋"
    assert told.find(STANZA_ID).get("id") == archived(hall)[-1].id
    assert len(history(hall)) == 1
