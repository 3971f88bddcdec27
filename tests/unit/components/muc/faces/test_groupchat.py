"""Messages to everybody in a room (XEP-0045 §7.4, §17.2)."""

from __future__ import annotations

from tests.support.conference import HALL, ROOMS, enter, settings
from tests.support.people import C
from tests.support.server import condition
from xmppd import ns

ACTIVE = f"<active xmlns='{ns.CHAT_STATES}'/>"
NO_STORE = f"<no-store xmlns='{ns.HINTS}'/>"
STANZA_ID = f"{{{ns.STANZA_ID}}}stanza-id"
OCCUPANT_ID = "{urn:xmpp:occupant-id:0}occupant-id"


def test_7_4_everybody_gets_it_from_the_occupant_jid_with_the_id_of_the_client(hall, juliet):
    romeo = enter(hall, "romeo")
    juliet.came()
    romeo.say("But, soft!", id_="hysf1v37")
    for person in (romeo, juliet):
        said = person.one()
        assert (said.get("from"), said.get("id")) == (f"{HALL}/Romeo", "hysf1v37")
        assert (said.get("type"), said.findtext(f"{C}body")) == ("groupchat", "But, soft!")


def test_7_4_a_message_without_an_id_has_the_same_one_for_all_and_for_ever(hall, juliet):
    romeo = enter(hall, "romeo")
    juliet.came()
    romeo.send(f"<message to='{HALL}' type='groupchat'><body>She speaks</body></message>")
    ids = {person.one().get("id") for person in (romeo, juliet)}
    nurse = hall.person("nurse").join()
    ids.add(nurse.came()[-2].get("id"))
    assert len(ids) == 1 and ids != {None}


def test_7_4_the_language_of_a_message_stays(hall, juliet):
    juliet.send(
        f"<message to='{HALL}' type='groupchat' id='m1' xml:lang='it'><body>Ahime</body></message>"
    )
    assert juliet.one().get(f"{{{ns.XML}}}lang") == "it"
    nurse = hall.person("nurse").join()
    assert nurse.came()[-2].get(f"{{{ns.XML}}}lang") == "it"


def test_7_4_a_visitor_has_no_voice(hall, juliet):
    settings(hall, moderated=True)
    romeo = enter(hall, "romeo")
    juliet.came()
    assert condition(romeo.say("But, soft!").one()) == "forbidden"
    assert juliet.came() == []


def test_7_4_who_is_not_in_the_room_may_not_speak_nor_by_another_resource(hall, juliet):
    enter(hall, "romeo")
    juliet.came()
    elsewhere = hall.person("romeo", "orchard")
    for stranger in (elsewhere, hall.person("nurse")):
        assert condition(stranger.say("But, soft!").one()) == "not-acceptable"
    assert juliet.came() == []


def test_7_4_a_message_that_is_too_long_is_refused(hall, juliet):
    most = hall.policy.message
    juliet.say("O" * (most - len("<body></body>")))
    assert juliet.one().get("type") == "groupchat"
    assert condition(juliet.say("O" * most).one()) == "policy-violation"


def test_17_2_what_is_no_groupchat_is_not_for_all(hall, juliet):
    for type_ in ("", "normal", "chat"):
        answer = juliet.message(HALL, "<body>O Romeo</body>", type_).one()
        assert (answer.get("type"), condition(answer)) == ("error", "bad-request")


def test_17_2_there_is_no_such_room_or_it_is_not_open_yet(hall):
    nurse = hall.person("nurse")
    assert condition(nurse.say("Peter!", f"vault@{ROOMS}").one()) == "item-not-found"
    juliet = hall.person("juliet").join()
    juliet.came()
    assert condition(juliet.say("O Romeo").one()) == "item-not-found"
    assert condition(nurse.say("Peter!").one()) == "item-not-found"


def test_17_2_other_extensions_pass_as_they_are(hall, juliet):
    inside = "<body>*O*</body><html xmlns='http://jabber.org/protocol/xhtml-im'><b>O</b></html>"
    juliet.message(HALL, inside + ACTIVE, "groupchat")
    said = juliet.one()
    assert said.find("{http://jabber.org/protocol/xhtml-im}html")[0].text == "O"
    assert said.find(f"{{{ns.CHAT_STATES}}}active") is not None


def test_0359_3_and_0421_4_each_message_is_known_by_ids_of_the_room(hall, juliet):
    romeo = enter(hall, "romeo")
    juliet.came()
    romeo.say("But, soft!")
    [live] = juliet.came()
    again = next(m for m in hall.person("nurse").join().came() if m.find(f"{C}body") is not None)
    for said in (live, again):
        [id_] = said.iterfind(STANZA_ID)
        [occupant] = said.iterfind(OCCUPANT_ID)
        assert id_.get("by") == HALL
        assert id_.get("id") == live.find(STANZA_ID).get("id")
        assert occupant.get("id") == live.find(OCCUPANT_ID).get("id")


def test_0313_3_5_what_the_archive_has_not_has_no_id_of_the_archive(hall, juliet):
    """Clients would ask for what came behind it."""
    for inside in (ACTIVE, f"<body>Hush</body>{NO_STORE}"):
        juliet.message(HALL, inside, "groupchat")
        said = juliet.one()
        assert said.find(STANZA_ID) is None
        assert said.find(OCCUPANT_ID) is not None
    settings(hall, archive=False)
    juliet.message(HALL, f"<body>Hush</body>{NO_STORE}", "groupchat")
    assert juliet.one().find(STANZA_ID) is not None


def test_7_9_a_talk_of_two_keeps_its_times(hall, juliet):
    delay = f"<delay xmlns='{ns.DELAY}' from='{juliet.jid}' stamp='2004-09-29T01:54:37Z'/>"
    juliet.message(HALL, f"<body>O Romeo</body>{delay}", "groupchat")
    [kept] = juliet.one().iterfind(f"{{{ns.DELAY}}}delay")
    assert kept.get("stamp") == "2004-09-29T01:54:37Z"
