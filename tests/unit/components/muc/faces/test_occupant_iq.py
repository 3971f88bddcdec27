"""IQs from one occupant to another (XEP-0045 §17.4, §6.6, XEP-0410)."""

from __future__ import annotations

from xml.etree.ElementTree import Element

import pytest

from components.muc.faces.occupant_iq import MOST
from tests.support.conference import HALL, MUC, ROOMS, Person, enter
from tests.support.people import C
from tests.support.server import condition
from xmppd import ns
from xmppd.jid import JID

PING = f"<ping xmlns='{ns.PING}'/>"
TIME = f"<time xmlns='{ns.TIME}'/>"
DISCO = f"<query xmlns='{ns.DISCO_INFO}'/>"
JULIET = f"{HALL}/Juliet"


def request(person: Person, payload: str, to: str = JULIET, type_: str = "get") -> None:
    person.send(f"<iq type='{type_}' id='i1' to='{to}'>{payload}</iq>")


def answer(person: Person, asked: Element, payload: str, type_: str = "result") -> None:
    id_, to = asked.get("id"), asked.get("from")
    person.send(f"<iq type='{type_}' id='{id_}' to='{to}'>{payload}</iq>")


@pytest.mark.parametrize("type_", ["get", "set"])
def test_17_4_it_goes_to_the_real_jid_and_back_and_neither_is_seen(hall, juliet, romeo, type_):
    request(romeo, "<time xmlns='urn:xmpp:time'><a xmlns='urn:a'/></time>", type_=type_)
    asked = juliet.one()
    assert (asked.get("from"), asked.get("to"), asked.get("type")) == (
        f"{HALL}/Romeo",
        juliet.jid,
        type_,
    )
    assert asked[0][0].tag == "{urn:a}a"
    answer(juliet, asked, "<time xmlns='urn:xmpp:time'><tzo>+01:00</tzo></time>")
    came = romeo.one()
    assert (came.get("from"), came.get("id"), came.get("type")) == (JULIET, "i1", "result")
    assert came.findtext(f"{{{ns.TIME}}}time/{{{ns.TIME}}}tzo") == "+01:00"


def test_17_4_an_error_comes_back_without_what_names_the_other(hall, juliet, romeo):
    request(romeo, TIME)
    asked = juliet.one()
    error = (
        f"<error type='wait' by='{juliet.jid}'><item-not-found xmlns='{ns.STANZA_ERRORS}'/>"
        f"<text xmlns='{ns.STANZA_ERRORS}'>{juliet.jid}</text><late xmlns='urn:late'/></error>"
    )
    answer(juliet, asked, error, "error")
    came = romeo.one()
    assert (came.get("from"), came.get("id"), condition(came)) == (JULIET, "i1", "item-not-found")
    told = came.find(f"{C}error")
    assert (told.get("type"), told.get("by")) == ("wait", HALL)
    assert [each.tag for each in told][1:] == ["{urn:late}late"]
    assert hall.service.rooms.at_hand(JID.parse(HALL)).by_nick("Juliet") is not None


def test_17_4_only_who_was_asked_answers(hall, juliet, romeo):
    nurse = enter(hall, "nurse", juliet, romeo)
    request(romeo, TIME)
    asked = juliet.one()
    answer(nurse, asked, "<time xmlns='urn:xmpp:time'/>")
    assert romeo.came() == []


def test_17_4_nobody_has_that_nick(hall, juliet, romeo):
    assert condition(romeo.ask(TIME, to=f"{HALL}/Mab")) == "item-not-found"
    assert condition(romeo.ask(TIME, to=f"vault@{ROOMS}/Mab")) == "not-acceptable", (
        "nor is he inside"
    )


def test_6_6_an_occupant_may_look_at_anothers_client(hall, juliet, romeo):
    request(romeo, DISCO)
    assert juliet.one()[0].tag == f"{{{ns.DISCO_INFO}}}query"


@pytest.mark.parametrize("kind", [ns.DISCO_INFO, ns.DISCO_ITEMS])
def test_6_6_who_is_not_inside_may_not(hall, juliet, kind):
    nurse = hall.person("nurse")
    for nick in ("Juliet", "Mab"):
        refused = nurse.ask(f"<query xmlns='{kind}'/>", to=f"{HALL}/{nick}")
        assert condition(refused) == "bad-request"
    assert juliet.came() == []


def test_0410_5_who_is_not_inside_learns_nothing_of_occupants(hall, juliet, romeo):
    orchard = hall.person("romeo", "orchard")
    for stranger in (orchard, hall.person("nurse")):
        for payload in (PING, TIME):
            for nick in ("Juliet", "Romeo", "Mab"):
                refused = stranger.ask(payload, to=f"{HALL}/{nick}")
                assert condition(refused) == "not-acceptable"
                assert refused.find(f"{C}error").get("type") == "cancel"
                assert refused.find(f"{C}error").get("by") == HALL
    assert (juliet.came(), romeo.came()) == ([], [])


def test_0410_3_3_who_pings_himself_is_in_the_room(hall, juliet, romeo):
    orchard = enter(hall, "romeo", juliet, romeo, resource="orchard")
    for person in (romeo, orchard):
        assert person.ask(PING, to=f"{HALL}/Romeo").get("type") == "result"
    assert (romeo.came(), orchard.came()) == ([], [])
    romeo.leave()
    romeo.came()
    assert condition(romeo.ask(PING, to=f"{HALL}/Romeo")) == "not-acceptable"
    assert orchard.ask(PING, to=f"{HALL}/Romeo").get("type") == "result"


def test_0410_3_3_nobody_is_in_a_room_that_is_no_more(hall, juliet, romeo):
    """XEP-0410 §3.2: `item-not-found` would say that he is inside, under another nick.

    So he would not enter again, and make the room anew.
    """
    juliet.ask(f"<query xmlns='{MUC}#owner'><destroy/></query>", "set")
    romeo.came()
    assert condition(romeo.ask(PING, to=f"{HALL}/Romeo")) == "not-acceptable"
    assert condition(romeo.ask(TIME, to=f"{HALL}/Romeo")) == "not-acceptable"
    assert condition(romeo.ask(DISCO, to=JULIET)) == "bad-request", "XEP-0045 §6.6"
    assert condition(romeo.ask(PING, to=HALL)) == "item-not-found", "the room itself is not there"


def test_0410_3_2_anothers_ping_is_answered_by_him(hall, juliet, romeo):
    request(romeo, PING)
    asked = juliet.one()
    assert (asked[0].tag, romeo.came()) == (f"{{{ns.PING}}}ping", [])
    answer(juliet, asked, "")
    assert romeo.one().get("type") == "result"


def test_0410_3_2_an_old_nick_is_nobodys(hall, juliet, romeo):
    romeo.presence(f"{HALL}/Montague")
    romeo.came()
    assert condition(romeo.ask(PING, to=f"{HALL}/Romeo")) == "item-not-found"
    assert romeo.ask(PING, to=f"{HALL}/Montague").get("type") == "result"


def test_0410_3_3_rooms_say_that_they_answer_so(hall, juliet):
    features = {each.get("var") for each in juliet.ask(DISCO)[0]}
    assert "http://jabber.org/protocol/muc#self-ping-optimization" in features


def test_0199_a_room_answers_pings(hall, juliet):
    nurse = hall.person("nurse")
    assert nurse.ask(PING, to=HALL).get("type") == "result"
    assert condition(nurse.ask(PING, to=f"vault@{ROOMS}")) == "item-not-found"


def test_17_4_of_several_sessions_the_latest_is_asked(hall, juliet, romeo):
    balcony = enter(hall, "juliet", juliet, romeo, resource="balcony")
    request(romeo, TIME)
    assert (len(balcony.came()), len(juliet.came())) == (1, 0)


def test_0054_the_card_is_the_accounts(hall, juliet, romeo):
    """§3.3: who wants another's card asks his bare JID; avatars of occupants are in it."""
    card = f"<vCard xmlns='{ns.VCARD}'/>"
    asked: list[tuple[str, str, str]] = []
    ask = hall.component.ask

    def noted(to: JID, type_: str, payload: bytes, *, sender: JID):
        asked.append((to, type_, sender))
        return ask(to, type_, payload, sender=sender)

    hall.component.ask = noted
    request(romeo, card)
    assert juliet.came() == []
    assert romeo.one().get("from") == JULIET
    assert asked == [(juliet.jid.bare, "get", f"{HALL}/Romeo")]
    request(romeo, card, type_="set")
    assert juliet.one()[0].tag == f"{{{ns.VCARD}}}vCard"


def test_no_answer_is_one_in_the_end(hall, juliet, romeo):
    request(romeo, TIME)
    juliet.came()
    hall.pass_time(31)
    came = romeo.one()
    assert (came.get("from"), condition(came)) == (JULIET, "remote-server-timeout")


def test_of_one_user_only_so_many_wait_for_an_answer(hall, juliet, romeo):
    orchard = enter(hall, "romeo", juliet, romeo, resource="orchard")
    for number in range(MOST):
        request(romeo if number % 2 else orchard, TIME)
    assert (romeo.came(), orchard.came()) == ([], [])
    assert condition(romeo.ask(TIME, to=JULIET)) == "resource-constraint"
    asked = juliet.came()
    assert len(asked) == MOST
    answer(juliet, asked[0], "")
    request(romeo, TIME)
    assert len(juliet.came()) == 1


def test_0198_4_who_does_not_answer_holds_up_nobody_else(hall, juliet, romeo):
    """What was read of the stream is acknowledged, whatever the client that was asked does."""
    request(romeo, TIME)
    juliet.came()
    assert len(hall.component.work) == 0


def test_a_request_that_is_too_long_is_refused(hall, juliet, romeo):
    long = f"<time xmlns='{ns.TIME}'>{'x' * hall.policy.message}</time>"
    assert condition(romeo.ask(long, to=JULIET)) == "policy-violation"
    assert juliet.came() == []
