"""A room in memory: who is found how, and what is made of them once."""

from __future__ import annotations

import pytest

from components.muc.model.occupant import Occupant, likeness
from components.muc.model.ranks import Affiliation, Role
from components.muc.model.room import Room
from components.muc.model.settings import Settings
from components.muc.model.standing import Standing, Standings
from xmppd.jid import JID

CAVE = JID.parse("cave@chat.shakespeare.lit")
HAG = JID.parse("hag66@shakespeare.lit/pda")
DESK = HAG.with_resource("desk")
CRONE = JID.parse("crone1@shakespeare.lit/desktop")


@pytest.fixture
def room() -> Room:
    return Room(CAVE, 1, Settings())


def occupant(nick: str, session: JID = HAG) -> Occupant:
    address = CAVE.with_resource(nick)
    return Occupant(address, session.bare, "id", Role.PARTICIPANT, Affiliation.NONE)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Third Witch", "third witch"),
        ("witch", "\uff37\uff29\uff34\uff23\uff28"),
        ("weiß", "WEISS"),
        (" a  b ", "a b"),
        ("ﬁre", "fire"),
        ("witch\u3164", "witch"),
        ("witch \u2800\uffa0", "witch"),
    ],
)
def test_7_2_8_nicks_that_look_alike_are_alike(one, other):
    assert likeness(one) == likeness(other)
    assert likeness(one) != likeness(f"{other}2")


def test_an_occupant_is_found_by_nick_likeness_and_session(room):
    witch = occupant("Witch")
    room.enter(witch, HAG, b"")
    room.enter(witch, DESK, b"")
    assert room.by_nick("Witch") is room.alike("WITCH") is room.by_session(str(DESK)) is witch
    assert room.by_nick("witch") is None
    assert list(room.everybody.jids) == [HAG, DESK]
    assert room.leave(HAG) is witch and room.by_session(HAG) is None
    assert list(room.everybody.jids) == [DESK] and len(room) == 1
    room.leave(DESK)
    assert len(room) == 0 and room.by_nick("Witch") is room.alike("witch") is None


def test_recipients_are_made_once_for_the_same_people(room):
    room.enter(occupant("Witch"), HAG, b"")
    before = room.everybody
    room.enter(room.by_nick("Witch"), HAG, b"<show>away</show>")
    assert room.everybody is before
    room.enter(occupant("Crone", CRONE), CRONE, b"")
    assert room.everybody is not before


def test_the_latest_presence_is_what_others_see(room):
    witch = occupant("Witch")
    room.enter(witch, HAG, b"<show>away</show>")
    room.enter(witch, DESK, b"<show>dnd</show>")
    assert witch.session == DESK and b"dnd" in witch.shown(real=False)
    room.enter(witch, HAG, b"<show>xa</show>")
    assert witch.session == HAG and b"xa" in witch.shown(real=False)
    room.leave(HAG)
    assert b"dnd" in witch.shown(real=True) and DESK.attr in witch.shown(real=True)
    assert DESK.attr not in witch.shown(real=False)


def test_what_changes_is_shown_anew(room):
    witch = occupant("Witch")
    room.enter(witch, HAG, b"")
    assert b"participant" in witch.shown(real=False)
    witch.rank(Role.MODERATOR, Affiliation.ADMIN)
    assert b"affiliation='admin' role='moderator'" in witch.shown(real=False)
    room.rename(witch, CAVE.with_resource("Crone"))
    assert room.by_nick("Crone") is room.alike("crone") is witch and room.by_nick("Witch") is None


def test_numbers_grow_whatever_the_clock_does(room):
    assert room.stamp(5.0) == 5_000_000
    assert room.stamp(5.0) == 5_000_001
    assert room.stamp(1.0) == 5_000_002


def test_9_1_a_domain_stands_for_its_users_but_for_those_with_an_affiliation_of_their_own():
    shakespeare = JID.parse("shakespeare.lit")
    standings = Standings(
        [
            Standing(shakespeare, Affiliation.OUTCAST),
            Standing(CRONE.bare, Affiliation.MEMBER),
            Standing(HAG.bare, Affiliation.NONE, "Witch"),
        ]
    )
    assert standings.of(CRONE.bare).affiliation is Affiliation.MEMBER
    assert standings.of(HAG.bare) == (HAG.bare, Affiliation.OUTCAST, "Witch", "")
    assert standings.of(JID.parse("x@example.org")).affiliation is Affiliation.NONE


def test_7_10_a_registered_nick_is_its_holders_until_he_gives_it_up():
    standings = Standings([Standing(HAG.bare, Affiliation.MEMBER, "Witch")])
    assert standings.holder("WITCH") == HAG.bare
    standings.put(Standing(HAG.bare, Affiliation.MEMBER, "Crone"))
    assert standings.holder("witch") is None and standings.holder("crone") == HAG.bare
    standings.put(Standing(HAG.bare, Affiliation.NONE))
    assert standings.holder("crone") is None and len(standings) == 0
