"""Several processes of the service: each has the accounts that are its own (XEP-0163)."""

from __future__ import annotations

import pytest

from tests.support.interests import TUNE, told, want
from tests.support.pubsub import Globe, Person, befriend
from xmppd.jid import JID

MINE = ""
NAMES = ("juliet", "romeo", "mercutio", "tybalt", "nurse", "benvolio")


@pytest.fixture
def both() -> tuple[Globe, Globe]:
    one = Globe(instances=2, instance="one").start()
    other = Globe(beside=one, instance="other").start()
    one.pump()
    return one, other


def people(globe: Globe) -> list[Person]:
    found = [globe.person(name) for name in NAMES]
    for number, each in enumerate(found):
        befriend(each, *found[number + 1 :])
    return found


def test_accounts_are_shared_and_each_is_served_once(both):
    one, other = both
    for name in NAMES:
        jid = JID.of(name, "capulet.lit")
        assert one.service.instances.own(jid) is not other.service.instances.own(jid)
    owned = [one.service.instances.own(JID.of(name, "capulet.lit")) for name in NAMES]
    assert len(set(owned)) == 2, "both have something to do"


def test_4_3_4_who_comes_is_told_once_by_each_account(both):
    persons = people(both[0])
    for each in persons:
        each.publish(TUNE, id_="1", to=MINE)
    juliet = want(persons[0], TUNE)
    assert sorted(told(juliet)) == sorted((name, TUNE, "1") for name in NAMES)


def test_4_what_is_published_is_told_once(both):
    persons = people(both[0])
    for each in persons:
        want(each, TUNE)
    for each in persons:
        each.publish(TUNE, id_="1", to=MINE)
    for each in persons:
        assert sorted(told(each)) == sorted((name, TUNE, "1") for name in NAMES)


def test_4_3_4_a_new_contact_is_told_once(both):
    juliet, romeo = both[0].person("juliet"), want(both[0].person("romeo"), TUNE)
    juliet.publish(TUNE, id_="1", to=MINE)
    befriend_quietly(juliet, romeo)
    assert told(romeo) == [("juliet", TUNE, "1")]


def test_0060_6_1_7_who_has_subscribed_and_comes_is_told_once_by_each_account(both):
    persons = people(both[0])
    juliet = persons[0]
    for each in persons[1:]:
        each.create(TUNE, MINE, access_model="open")
        each.publish(TUNE, id_="1", to=MINE)
        juliet.subscribe(TUNE, to=each.jid.bare)
    juliet.send("<presence type='unavailable'/>").came()
    juliet.others.clear()
    juliet = want(juliet, "urn:example:other")
    assert sorted(told(juliet)) == sorted((name, TUNE, "1") for name in NAMES[1:])


def befriend_quietly(one: Person, other: Person) -> None:
    """Without looking away from what comes."""
    other.send(f"<presence type='subscribe' to='{one.jid.bare}'/>")
    one.send(f"<presence type='subscribed' to='{other.jid.bare}'/>")
