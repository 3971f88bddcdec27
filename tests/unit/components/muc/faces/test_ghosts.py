"""Occupants who are no more (XEP-0045 §18.1.2, §11.1)."""

from __future__ import annotations

import pytest

from components.common.stanza import Stanza
from components.muc.model.entering import Entry
from components.muc.model.history import Wanted
from components.muc.model.ranks import Affiliation
from tests.support.conference import HALL, Conference, Person, codes, enter, item
from xmppd import ns
from xmppd.jid import JID

DELIVERY = [
    "gone",
    "item-not-found",
    "recipient-unavailable",
    "redirect",
    "remote-server-not-found",
    "remote-server-timeout",
]


def back(person: Person, condition: str, kind: str = "message", to: str = f"{HALL}/Juliet") -> None:
    """What was sent to somebody comes back from him."""
    error = f"<error type='cancel'><{condition} xmlns='{ns.STANZA_ERRORS}'/></error>"
    person.send(f"<{kind} to='{to}' type='error' id='x'>{error}</{kind}>")


def ghost(hall: Conference, address: str) -> None:
    """Somebody is in the room who is nowhere else."""
    room = hall.service.rooms.at_hand(JID.parse(HALL))
    session = JID.parse(address)
    nick = session.local.capitalize()
    hall.service.visits.enter(room, Entry(session.bare, session, nick, Affiliation.NONE), b"")
    hall.pump()


def nicks(hall: Conference) -> list[str]:
    return [each.nick for each in hall.service.rooms.at_hand(JID.parse(HALL)).occupants]


@pytest.mark.parametrize("condition", DELIVERY)
@pytest.mark.parametrize("kind", ["message", "presence"])
@pytest.mark.parametrize("to", [HALL, f"{HALL}/Juliet"])
def test_18_1_2_who_is_not_there_any_more_is_removed_and_all_are_told(
    hall, juliet, romeo, condition, kind, to
):
    back(romeo, condition, kind, to)
    told = juliet.one()
    assert (told.get("from"), told.get("type"), codes(told)) == (
        f"{HALL}/Romeo",
        "unavailable",
        [333],
    )
    own = romeo.one()
    assert (own.get("type"), codes(own), item(own)["role"]) == ("unavailable", [110, 333], "none")
    assert nicks(hall) == ["Juliet"]


@pytest.mark.parametrize(
    "condition", ["forbidden", "not-acceptable", "policy-violation", "feature-not-implemented"]
)
def test_18_1_2_other_errors_remove_nobody(hall, juliet, romeo, condition):
    for kind in ("message", "presence"):
        back(romeo, condition, kind)
    assert (juliet.came(), romeo.came()) == ([], [])
    assert nicks(hall) == ["Juliet", "Romeo"]


def test_18_1_2_an_error_of_another_resource_or_of_a_stranger_touches_nobody(hall, juliet, romeo):
    back(hall.person("romeo", "orchard"), "gone")
    back(hall.person("nurse"), "gone", to=f"{HALL}/Romeo")
    assert nicks(hall) == ["Juliet", "Romeo"]
    assert juliet.came() == []


def test_18_1_2_an_error_of_an_account_touches_nobody(hall, juliet, romeo):
    """A server that answers for a bare JID has not said which session is no more."""
    error = f"<error type='cancel'><gone xmlns='{ns.STANZA_ERRORS}'/></error>".encode()
    for sender in ("romeo@capulet.lit", "capulet.lit"):
        attrs = {"from": sender, "to": f"{HALL}/Juliet", "type": "error"}
        stanza = Stanza("message", attrs, [f"{ns.COMPONENT} error"], error)
        assert hall.component.received(stanza) is None
    assert nicks(hall) == ["Juliet", "Romeo"]


def test_18_1_2_one_of_several_sessions_goes_by_itself(hall, juliet, romeo):
    orchard = enter(hall, "romeo", juliet, romeo, resource="orchard")
    back(orchard, "gone")
    assert codes(orchard.one()) == [110, 333]
    assert nicks(hall) == ["Juliet", "Romeo"]
    assert all(each.get("type") is None for each in juliet.came())
    back(romeo, "gone")
    assert codes(juliet.one()) == [333]
    assert nicks(hall) == ["Juliet"]


def test_18_1_2_a_server_that_knows_the_session_no_more_is_asked(hall, juliet):
    """RFC 6121 §8.5.3.2.1: what it says of a message, here the subject, is service-unavailable."""
    ghost(hall, "tybalt@capulet.lit/grave")
    here, gone = juliet.came()
    assert (here.get("from"), here.get("type")) == (f"{HALL}/Tybalt", None)
    assert (gone.get("from"), codes(gone)) == (f"{HALL}/Tybalt", [333])
    assert nicks(hall) == ["Juliet"]


def test_18_1_2_of_many_the_ghosts_go(hall, juliet, romeo):
    """One stanza for all of them comes back from each that is not there (XEP-0033)."""
    others = [enter(hall, name, juliet, romeo) for name in ("mercutio", "benvolio", "paris")]
    room = hall.service.rooms.at_hand(JID.parse(HALL))
    session = JID.parse("tybalt@capulet.lit/grave")
    hall.service.visits.enter(
        room, Entry(session.bare, session, "Tybalt", Affiliation.NONE), b"", Wanted(stanzas=0)
    )
    juliet.say("O Romeo")
    for person in (juliet, romeo, *others):
        assert codes(person.came()[-1]) == [333]
    assert "Tybalt" not in nicks(hall)


def test_0191_who_only_wants_nothing_from_another_stays(hall, juliet, romeo):
    for _ in range(3):
        back(romeo, "service-unavailable")
    ping = romeo.one()
    assert (ping.get("from"), ping.get("type"), ping[0].tag) == (HALL, "get", f"{{{ns.PING}}}ping")
    romeo.send(f"<iq type='result' to='{HALL}' id='{ping.get('id')}'/>")
    assert nicks(hall) == ["Juliet", "Romeo"]
    back(romeo, "service-unavailable")
    assert romeo.one()[0].tag == f"{{{ns.PING}}}ping"


def test_who_does_not_answer_stays(hall, juliet, romeo):
    back(romeo, "service-unavailable")
    romeo.came()
    hall.pass_time(60)
    assert nicks(hall) == ["Juliet", "Romeo"]


def test_an_error_is_never_answered(hall, juliet, romeo):
    for kind in ("message", "presence"):
        for to in (HALL, f"{HALL}/Mab", f"vault@{HALL.partition('@')[2]}", "rooms.capulet.lit"):
            back(hall.person("nurse"), "gone", kind, to)
            back(romeo, "forbidden", kind, to)
    assert (romeo.came(), juliet.came()) == ([], [])


def test_7_14_the_room_goes_with_the_last_ghost(hall, juliet):
    back(juliet, "gone")
    assert hall.service.rooms.at_hand(JID.parse(HALL)) is None
