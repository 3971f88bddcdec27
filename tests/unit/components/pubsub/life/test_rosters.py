"""Rosters as the server shows them, and what they bound."""

from __future__ import annotations

from xml.etree.ElementTree import Element

import pytest
from twisted.internet.defer import CancelledError, Deferred

from components.common.privilege import Push
from components.common.requests import RequestFailed
from components.pubsub.life.rosters import CONTACT_OCTETS, ROSTER_OCTETS, Change, Contact, Rosters
from tests.support.deferred import result
from tests.support.people import item
from tests.support.pubsub import NS, Globe, Person, befriend
from tests.support.pubsub_items import told
from xmppd.jid import JID

JULIET, ROMEO = JID.parse("juliet@capulet.lit"), JID.parse("romeo@capulet.lit")


@pytest.fixture
def juliet(globe: Globe) -> Person:
    juliet = globe.person("juliet")
    befriend(juliet, globe.person("romeo"))
    globe.service.rosters.forget(JULIET)
    return juliet


def ask(globe: Globe, account: JID = JULIET) -> Deferred:
    return Deferred.fromCoroutine(globe.service.rosters.of(account))


def of(globe: Globe, account: JID = JULIET):
    asking = ask(globe, account)
    globe.pump()
    return result(asking)


def test_a_roster_is_read_once_and_follows_pushes(globe, juliet):
    roster = of(globe)
    assert roster.contact(ROMEO) == Contact("both", frozenset())
    juliet.ask(item(ROMEO, groups=["Lovers"]), "set", to="")
    assert of(globe) is roster
    assert roster.contact(ROMEO) == Contact("both", frozenset({"Lovers"}))
    assert (list(roster.subscribers), list(roster.shown)) == ([ROMEO], [ROMEO])
    juliet.ask(item(ROMEO, subscription="remove"), "set", to="")
    assert (list(roster.subscribers), list(roster.shown)) == ([], [])


def test_all_who_want_it_at_once_have_it_by_one_request(globe, juliet):
    before = globe.component.requests
    asked = [ask(globe) for _ in range(5)]
    assert len(before._pending) == 1
    globe.pump()
    assert len({id(result(each)) for each in asked}) == 1


def test_all_of_them_go_on_in_the_order_in_which_they_have_asked(globe, juliet):
    order: list[int] = []
    for n in range(4):
        ask(globe).addCallback(lambda _, n=n: order.append(n))
    globe.pump()
    assert order == [0, 1, 2, 3]


def test_7_1_2_what_is_published_while_it_is_read_is_told_in_order(globe, juliet):
    juliet.publish("tune", id_="1", to="")
    globe.service.rosters.forget(JULIET)
    want = juliet.subscribe("tune", to="")
    assert want.get("type") == "result"
    juliet.events()
    for n in "23":
        item_ = f"<item id='{n}'><act xmlns='urn:example:play'/></item>"
        asked = f"<pubsub xmlns='{NS}'><publish node='tune'>{item_}</publish></pubsub>"
        juliet.client.send(f"<iq type='set' id='p{n}'>{asked}</iq>")
    assert [each[1:] for each in told(juliet)] == [("item 2 <act>",), ("item 3 <act>",)]


def test_who_gives_up_takes_nobody_with_him_who_wants_the_same_one(globe, juliet):
    first, *others = [ask(globe) for _ in range(3)]
    first.cancel()
    assert first.result.check(CancelledError)
    first.addErrback(lambda failure: None)
    globe.pump()
    for each in others:
        assert result(each).contact(ROMEO) == Contact("both", frozenset())


def test_who_waits_for_one_that_is_not_given_is_told_so(globe):
    asked = [ask(globe, JID.parse("nobody@capulet.lit")) for _ in range(2)]
    globe.pump()
    for each in asked:
        assert each.result.check(RequestFailed)
        each.addErrback(lambda failure: None)


def test_a_roster_that_changes_while_it_is_read_is_read_anew(globe, juliet):
    asking = ask(globe)
    globe.service.rosters._push(Push(JULIET, Element("item", jid=ROMEO, subscription="none")))
    globe.pump()
    assert result(asking).contact(ROMEO).subscription == "both", "as the server has it"


def test_changes_are_told_with_what_was_before_where_it_is_known(globe, juliet):
    changes: list[Change] = []
    globe.service.rosters.on_change(changes.append)
    juliet.ask(item(ROMEO, groups=["Lovers"]), "set", to="")
    of(globe)
    juliet.ask(item(ROMEO, name="Romeo", groups=["Lovers"]), "set", to="")
    juliet.ask(item(ROMEO), "set", to="")
    lover, friend = Contact("both", frozenset({"Lovers"})), Contact("both", frozenset())
    assert changes == [
        Change(JULIET, ROMEO, None, lover),
        Change(JULIET, ROMEO, lover, friend),
    ]


def test_those_that_were_not_asked_for_go_when_there_are_many(globe, juliet):
    most = 2 * ROSTER_OCTETS + 3 * CONTACT_OCTETS
    rosters = Rosters(globe.component, globe.service.privilege, most=most)
    for name in ("juliet", "romeo", "nurse"):
        asking = Deferred.fromCoroutine(rosters.of(JID.of(name, "capulet.lit")))
        globe.pump()
        result(asking)
    assert list(rosters._known) == [ROMEO, JID.parse("nurse@capulet.lit")]


def test_a_new_stream_forgets_them(globe, juliet):
    of(globe)
    globe.service.rosters._opened(True)
    assert globe.service.rosters.at_hand(JULIET) is not None
    globe.service.rosters._opened(False)
    assert globe.service.rosters.at_hand(JULIET) is None


def test_a_contact_counts_with_all_its_groups(globe, juliet):
    """A push may bring as much as a roster."""
    rosters = Rosters(globe.component, globe.service.privilege, most=20_000)
    for name in ("romeo", "juliet"):
        asking = Deferred.fromCoroutine(rosters.of(JID.of(name, "capulet.lit")))
        globe.pump()
        result(asking)
    before = rosters._weight
    juliet.ask(item(ROMEO, groups=[f"{n}{'g' * 900}" for n in range(20)]), "set", to="")
    globe.pump()
    assert list(rosters._known) == [JULIET], "there is no room for the other one"
    juliet.ask(item(ROMEO), "set", to="")
    globe.pump()
    rosters.forget(JULIET)
    assert rosters._weight == 0 < before
