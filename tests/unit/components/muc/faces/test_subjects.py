"""The subject of a room (XEP-0045 §8.1, §7.2.15)."""

from __future__ import annotations

import pytest

from tests.support.conference import HALL, Conference, enter, settings
from tests.support.deferred import result
from tests.support.people import C
from tests.support.server import condition
from xmppd import ns
from xmppd.jid import JID

SUBJECT = f"{C}subject"
DELAY = f"{{{ns.DELAY}}}delay"
LANG = f"{{{ns.XML}}}lang"
OCCUPANT_ID = "{urn:xmpp:occupant-id:0}occupant-id"


def newest(hall: Conference, name: str):
    """The last that a newcomer gets."""
    return hall.person(name).join().came()[-1]


def test_8_1_a_moderator_changes_it_and_everybody_is_told(hall, juliet):
    romeo = enter(hall, "romeo")
    juliet.came()
    juliet.message(HALL, "<subject>The balcony</subject>", "groupchat", "s1")
    for person in (juliet, romeo):
        told = person.one()
        assert (told.get("from"), told.get("id")) == (f"{HALL}/Juliet", "s1")
        assert told.findtext(SUBJECT) == "The balcony"
        assert told.find(f"{{{ns.STANZA_ID}}}stanza-id").get("by") == HALL
        assert len(told.findall(OCCUPANT_ID)) == 1


def test_8_1_participants_may_where_the_room_lets_them(hall, juliet):
    romeo = enter(hall, "romeo")
    juliet.came()
    romeo.message(HALL, "<subject>Swords</subject>", "groupchat")
    assert condition(romeo.one()) == "forbidden"
    assert juliet.came() == []
    settings(hall, change_subject=True)
    romeo.message(HALL, "<subject>Swords</subject>", "groupchat")
    assert romeo.one().findtext(SUBJECT) == "Swords"


@pytest.mark.parametrize("beside", ["<body>O</body>", "<thread>t1</thread>"])
def test_8_1_with_a_body_or_a_thread_it_is_a_message(hall, juliet, beside):
    romeo = enter(hall, "romeo")
    romeo.message(HALL, f"<subject>Swords</subject>{beside}", "groupchat")
    assert romeo.one().findtext(SUBJECT) == "Swords"
    assert newest(hall, "nurse").findtext(SUBJECT) in ("", None)


def test_7_2_15_newcomers_get_it_from_who_has_set_it_and_since_when(hall, juliet):
    juliet.message(HALL, "<subject>The balcony</subject><a xmlns='urn:a'/>", "groupchat")
    live = juliet.one()
    hall.pass_time(60)
    told = newest(hall, "romeo")
    assert told.get("from") == f"{HALL}/Juliet"
    assert told.findtext(SUBJECT) == "The balcony"
    assert told.find("{urn:a}a") is None
    assert told.find(DELAY).get("from") == HALL
    assert told.find(DELAY).get("stamp") == "2006-12-08T01:58:35Z"
    assert told.find(OCCUPANT_ID).get("id") == live.find(OCCUPANT_ID).get("id")


def test_8_1_an_empty_one_takes_it_away(hall, juliet):
    juliet.message(HALL, "<subject>The balcony</subject>", "groupchat")
    juliet.message(HALL, "<subject></subject>", "groupchat")
    assert juliet.came()[-1].findtext(SUBJECT) == ""
    told = newest(hall, "romeo")
    assert told.findtext(SUBJECT) == ""
    assert told.find(DELAY) is not None


def test_rfc_6121_5_2_4_each_language_stays_and_so_does_that_of_the_message(hall, juliet):
    inside = "<subject>The balcony</subject><subject xml:lang='it'>Il balcone</subject>"
    juliet.send(f"<message to='{HALL}' type='groupchat' xml:lang='en'>{inside}</message>")
    told = newest(hall, "romeo")
    assert [(each.get(LANG), each.text) for each in told.iterfind(SUBJECT)] == [
        ("en", "The balcony"),
        ("it", "Il balcone"),
    ]


def test_8_1_one_that_is_too_long_is_refused_and_the_old_one_stays(hall, juliet):
    juliet.message(HALL, "<subject>The balcony</subject>", "groupchat")
    juliet.came()
    long = "x" * hall.policy.subject
    juliet.message(HALL, f"<subject>{long}</subject>", "groupchat")
    assert condition(juliet.one()) == "not-acceptable"
    assert newest(hall, "romeo").findtext(SUBJECT) == "The balcony"


def test_8_1_it_outlives_the_room_in_memory(hall, juliet):
    settings(hall, persistent=True)
    juliet.message(HALL, "<subject>The balcony</subject>", "groupchat")
    room = hall.service.rooms.at_hand(JID.parse(HALL))
    juliet.leave()
    hall.service.rooms.close(room)
    told = newest(hall, "romeo")
    assert told.findtext(SUBJECT) == "The balcony"
    assert told.find(OCCUPANT_ID) is not None


def test_0313_6_1_2_a_change_is_archived_but_no_part_of_the_history(hall, juliet):
    """XEP-0045 §7.2.13; nor is it where the history comes from the archive."""
    settings(hall, persistent=True)
    juliet.say("O Romeo")
    juliet.message(HALL, "<subject>The balcony</subject>", "groupchat")
    [id_] = [m.find(f"{{{ns.STANZA_ID}}}stanza-id").get("id") for m in juliet.came()[-1:]]
    room = hall.service.rooms.at_hand(JID.parse(HALL))
    assert result(hall.service.archive.get(room.id, id_)).inner == b"<subject>The balcony</subject>"
    for _ in range(2):
        came = hall.person("romeo").join().came()
        messages = [each for each in came if each.tag == f"{C}message"]
        assert [m.findtext(f"{C}body") for m in messages] == ["O Romeo", None]
        juliet.leave()
        for person in list(room.sessions):
            hall.service.visits.leave(room, JID.parse(person))
        hall.service.rooms.close(room)
