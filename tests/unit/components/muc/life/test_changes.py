"""Affiliations and roles change: in force, and told of (XEP-0045 §8, §9, §10)."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from components.muc.life.changes import NOBODY, Actor
from components.muc.model.occupant import Occupant
from components.muc.model.ranks import Affiliation, Role
from components.muc.model.settings import Settings
from components.muc.model.standing import Standing
from tests.support.conference import HALL, Conference, U, codes, company, item, room
from tests.support.deferred import result
from tests.support.people import C
from xmppd.errors import StanzaError
from xmppd.jid import JID

ROMEO = JID.parse("romeo@capulet.lit")
PARIS = JID.parse("paris@capulet.lit")


def affiliate(
    hall: Conference, standings: Iterable[Standing], by: Actor = NOBODY, **settings: object
) -> None:
    where = room(hall, **settings)
    work = where.lock.run(hall.service.changes.affiliate, where, list(standings), by)
    result(work)


def occupant(hall: Conference, nick: str) -> Occupant:
    found = room(hall).by_nick(nick)
    assert found is not None
    return found


def test_9_1_a_banned_occupant_is_removed_with_301_and_why(hall):
    juliet, romeo = company(hall, "romeo")
    affiliate(hall, [Standing(ROMEO, Affiliation.OUTCAST, reason="Tybalt")], Actor("Juliet"))
    own, seen = romeo.one(), juliet.one()
    assert (own.get("type"), codes(own)) == ("unavailable", [110, 301])
    assert item(own)["affiliation"] == "outcast"
    assert item(seen) == {
        "affiliation": "outcast",
        "jid": "romeo@capulet.lit/street",
        "role": "none",
    }
    assert codes(seen) == [301]
    for each in (own, seen):
        assert each.findtext(f"{U}x/{U}item/{U}reason") == "Tybalt"
        assert each.find(f"{U}x/{U}item/{U}actor").attrib == {"nick": "Juliet"}


def test_9_3_who_becomes_a_member_of_a_moderated_room_has_voice(hall):
    hall = Conference(defaults=Settings(moderated=True)).start()
    juliet, romeo = company(hall, "romeo")
    assert occupant(hall, "Romeo").role is Role.VISITOR
    affiliate(hall, [Standing(ROMEO, Affiliation.MEMBER)])
    for each in (juliet, romeo):
        told = item(each.one())
        assert (told["affiliation"], told["role"]) == ("member", "participant")


def test_9_4_who_is_no_member_any_more_is_removed_with_321_and_told_of_once(hall):
    juliet, romeo = company(hall, "romeo")
    affiliate(hall, [Standing(ROMEO, Affiliation.MEMBER)])
    juliet.came(), romeo.came()
    affiliate(hall, [Standing(ROMEO, Affiliation.NONE)], members_only=True)
    assert codes(romeo.one()) == [110, 321]
    assert codes(juliet.one()) == [321]


def test_9_2_a_banned_domain_removes_whoever_has_no_affiliation_of_his_own(hall):
    juliet, romeo, paris = company(hall, "romeo", "paris")
    affiliate(hall, [Standing(PARIS, Affiliation.MEMBER)])
    for each in (juliet, romeo, paris):
        each.came()
    affiliate(hall, [Standing(JID.parse("capulet.lit"), Affiliation.OUTCAST)])
    assert codes(romeo.one()) == [110, 301]
    assert [codes(each) for each in paris.came()] == [[301]]
    told = juliet.came()
    assert [codes(each) for each in told if each.tag == f"{C}presence"] == [[301]]


def test_10_4_a_room_has_an_owner(hall):
    company(hall)
    juliet = JID.parse("juliet@capulet.lit")
    with pytest.raises(StanzaError) as refused:
        affiliate(hall, [Standing(juliet, Affiliation.ADMIN)])
    assert refused.value.condition == "conflict"
    assert room(hall).affiliation(juliet) is Affiliation.OWNER
    affiliate(hall, [Standing(juliet, Affiliation.ADMIN), Standing(ROMEO, Affiliation.OWNER)])
    assert room(hall).affiliation(juliet) is Affiliation.ADMIN


def test_two_may_change_their_nicks_with_each_other(hall):
    company(hall)
    affiliate(hall, [Standing(ROMEO, Affiliation.MEMBER, "Sun")])
    affiliate(hall, [Standing(PARIS, Affiliation.MEMBER, "Moon")])
    swapped = [
        Standing(ROMEO, Affiliation.MEMBER, "Moon"),
        Standing(PARIS, Affiliation.MEMBER, "sun"),
    ]
    affiliate(hall, swapped)
    standings = room(hall).standings
    assert (standings.holder("moon"), standings.holder("sun")) == (ROMEO, PARIS)
    with pytest.raises(StanzaError) as refused:
        affiliate(hall, [Standing(PARIS, Affiliation.MEMBER, "MOON")])
    assert refused.value.condition == "conflict"
    assert standings.exactly(PARIS).nick == "sun"


def test_a_room_remembers_no_more_people_than_it_may(hall):
    hall = Conference(affiliations=2).start()
    company(hall)
    affiliate(hall, [Standing(ROMEO, Affiliation.OUTCAST)])
    with pytest.raises(StanzaError) as refused:
        affiliate(hall, [Standing(PARIS, Affiliation.OUTCAST)])
    assert refused.value.condition == "resource-constraint"
    affiliate(hall, [Standing(PARIS, Affiliation.OUTCAST), Standing(ROMEO, Affiliation.NONE)])
    assert room(hall).affiliation(PARIS) is Affiliation.OUTCAST


def test_8_2_a_kicked_occupant_is_removed_with_307(hall):
    juliet, romeo = company(hall, "romeo")
    by = Actor("Juliet")
    hall.service.changes.give_role(room(hall), occupant(hall, "Romeo"), Role.NONE, by, "Avaunt!")
    own, seen = romeo.one(), juliet.one()
    assert (codes(own), codes(seen)) == ([110, 307], [307])
    assert seen.findtext(f"{U}x/{U}item/{U}reason") == "Avaunt!"
    assert romeo.join().came()[-1].tag == f"{C}message"  # he may come again


def test_9_6_a_new_moderator_is_told_who_the_others_are(hall):
    _, romeo, paris = company(hall, "romeo", "paris")
    hall.service.changes.give_role(room(hall), occupant(hall, "Romeo"), Role.MODERATOR)
    own, *others = romeo.came()
    assert item(own)["role"] == "moderator"
    assert {item(each).get("jid") for each in others} == {
        "juliet@capulet.lit/street",
        "paris@capulet.lit/street",
    }
    assert "jid" not in item(paris.one())


def test_7_2_2_who_gets_a_role_whose_presence_is_not_broadcast_leaves_the_sight_of_others(hall):
    juliet, romeo = company(hall, "romeo")
    where = room(hall, presence_broadcast=frozenset({"moderator", "participant"}))
    hall.service.changes.give_role(where, occupant(hall, "Romeo"), Role.VISITOR)
    assert juliet.one().get("type") == "unavailable"
    assert item(romeo.one())["role"] == "visitor"
    hall.service.changes.give_role(where, occupant(hall, "Romeo"), Role.PARTICIPANT)
    assert juliet.one().get("type") is None


def test_10_2_who_is_no_member_is_removed_with_322_as_a_room_becomes_members_only(hall):
    juliet, romeo, paris = company(hall, "romeo", "paris")
    affiliate(hall, [Standing(PARIS, Affiliation.MEMBER)])
    for each in (juliet, romeo, paris):
        each.came()
    hall.service.changes.members_only(room(hall, members_only=True))
    assert codes(romeo.one()) == [110, 322]
    assert [codes(each.one()) for each in (juliet, paris)] == [[322], [322]]


def test_5_1_2_roles_follow_affiliations_as_a_room_becomes_moderated(hall):
    company(hall, "romeo", "paris")
    affiliate(hall, [Standing(PARIS, Affiliation.MEMBER)])
    hall.service.changes.refresh(room(hall, moderated=True))
    roles = [occupant(hall, nick).role for nick in ("Juliet", "Romeo", "Paris")]
    assert roles == [Role.MODERATOR, Role.VISITOR, Role.PARTICIPANT]
    hall.service.changes.refresh(room(hall, moderated=False))
    assert occupant(hall, "Romeo").role is Role.PARTICIPANT


def test_18_1_who_is_not_in_the_room_gets_a_message_and_those_in_it_too(hall):
    juliet, benvolio = company(hall, "benvolio")
    romeo = hall.person("romeo").send("<presence/>")
    romeo.came()
    affiliate(hall, [Standing(ROMEO, Affiliation.ADMIN)])
    told = romeo.one()
    assert (told.tag, told.get("from"), codes(told)) == (f"{C}message", HALL, [101])
    assert told.findtext(f"{C}body") == f"You are an admin of {HALL} now."
    # §10.6: and those in the room who may see who it is.
    assert item(juliet.one()) == {
        "affiliation": "admin",
        "jid": "romeo@capulet.lit",
        "role": "none",
    }
    assert benvolio.came() == []


def test_9_5_a_new_member_of_a_members_only_room_is_invited(hall):
    company(hall)
    romeo = hall.person("romeo").send("<presence/>")
    romeo.came()
    by = Actor("Juliet")
    affiliate(
        hall, [Standing(ROMEO, Affiliation.MEMBER)], by, members_only=True, password="rosemary"
    )
    invited = romeo.one().find(f"{U}x")
    assert invited.find(f"{U}invite").get("from") == f"{HALL}/Juliet"
    assert invited.findtext(f"{U}password") == "rosemary"


def test_nobody_out_of_the_room_is_told_more_often_than_the_bound(hall):
    company(hall)
    romeo = hall.person("romeo").send("<presence/>")
    romeo.came()
    by = Actor("Juliet", JID.parse("juliet@capulet.lit"))
    for _ in range(20):
        affiliate(hall, [Standing(ROMEO, Affiliation.MEMBER)], by)
        affiliate(hall, [Standing(ROMEO, Affiliation.NONE)], by)
    assert len(romeo.came()) == 30
    hall.pass_time(60)
    affiliate(hall, [Standing(ROMEO, Affiliation.MEMBER)], by)
    assert len(romeo.came()) == 1
