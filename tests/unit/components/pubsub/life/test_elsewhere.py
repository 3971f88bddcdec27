"""Contacts at other servers are told of events as those of the own one (XEP-0163 §4)."""

from __future__ import annotations

import pytest

from components.pubsub.life.bookmarks import Bookmarks
from components.pubsub.model.bookmark import NATIVE
from tests.support.capabilities import Kind
from tests.support.components import table
from tests.support.interests import MOOD, TUNE, node
from tests.support.logs import logged
from tests.support.people import JULIET, NURSE, item, put
from tests.support.pubsub import Globe, Person
from tests.support.pubsub_elsewhere import BOTH, DREAM, MINE, MOON, SKY, Moon
from xmppd import ns
from xmppd.jid import JID
from xmppd.subscription import FROM, LISTED


@pytest.fixture
def globe() -> Globe:
    globe = Globe(others={MOON: table()}).start()
    for account in (JULIET, NURSE):
        put(globe.server, account, DREAM)
    return globe


@pytest.fixture
def juliet(globe: Globe) -> Person:
    return globe.person("juliet", "balcony")


@pytest.fixture
def moon(globe: Globe) -> Moon:
    return Moon(globe)


def test_4_3_3_a_contact_elsewhere_that_comes_is_told_of_last_items(globe, juliet, moon):
    juliet.publish(TUNE, id_="1", to=MINE)
    juliet.publish(MOOD, id_="2", to=MINE)
    moon.show(JULIET)
    assert moon.told() == [("juliet", SKY, TUNE, "1")]


def test_of_each_account_that_he_shows_himself_to(globe, juliet, moon):
    """§4.3.4: his server sends his presence to each of them."""
    nurse = globe.person("nurse")
    for each in (juliet, nurse):
        each.publish(TUNE, id_="1", to=MINE)
    moon.show(JULIET)
    assert moon.told() == [("juliet", SKY, TUNE, "1")]
    moon.show(JULIET, NURSE)
    assert moon.told() == [("nurse", SKY, TUNE, "1")]
    moon.show(JULIET, NURSE, inner="<show>away</show>")
    assert moon.told() == []


def test_0411_4_nobodys_bookmarks_elsewhere_are_looked_for(globe, juliet, moon, monkeypatch):
    """Though most clients want to be told of their own ones."""
    monkeypatch.setattr(Bookmarks, "private", None)
    with logged("warn") as warned, logged("critical") as failed:
        moon.show(JULIET, kind=Kind(ns.DISCO_INFO, f"{NATIVE}+notify"))
    assert globe.service.presences.interests_of(JID.parse(SKY)) == {NATIVE}
    assert (warned, failed) == ([], [])


def test_at_once_where_his_kind_is_not_known_yet(globe, juliet, moon):
    nurse = globe.person("nurse")
    for each in (juliet, nurse):
        each.publish(TUNE, id_="1", to=MINE)
    moon.show(JULIET, NURSE)
    assert moon.told() == [("juliet", SKY, TUNE, "1"), ("nurse", SKY, TUNE, "1")]


def test_nobody_has_to_be_there_and_the_service_may_be_new(globe, juliet, moon):
    juliet.publish(TUNE, id_="1", to=MINE)
    juliet.send("<presence type='unavailable'/>")
    globe.again()
    moon.show(JULIET)
    assert moon.told() == [("juliet", SKY, TUNE, "1")]


def test_4_3_3_who_comes_again_is_told_again(globe, juliet, moon):
    juliet.publish(TUNE, id_="1", to=MINE)
    moon.show(JULIET)
    moon.leave(JULIET)
    moon.told()
    moon.show(JULIET)
    assert moon.told() == [("juliet", SKY, TUNE, "1")]


def test_4_3_3_he_is_told_at_his_full_jid_what_is_published(globe, juliet, moon):
    """§4.3.1."""
    moon.show(JULIET)
    juliet.publish(TUNE, id_="1", to=MINE)
    juliet.publish(MOOD, id_="2", to=MINE)
    assert moon.told() == [("juliet", SKY, TUNE, "1")]
    moon.leave(JULIET)
    juliet.publish(TUNE, id_="3", to=MINE)
    assert moon.told() == []


def test_a_client_that_wants_more_is_told_of_that(globe, juliet, moon):
    juliet.publish(TUNE, id_="1", to=MINE)
    juliet.publish(MOOD, id_="2", to=MINE)
    moon.show(JULIET)
    moon.told()
    moon.show(JULIET, kind=BOTH)
    assert moon.told() == [("juliet", SKY, MOOD, "2")]


def test_4_by_the_access_model_and_the_owners_groups(globe, juliet, moon):
    node(globe, TUNE, access_model="roster", roster_groups_allowed=("Dreams",))
    juliet.publish(TUNE, id_="1", to=MINE)
    moon.show(JULIET)
    assert moon.told() == []
    juliet.ask(item(DREAM, groups=["Dreams"]), "set", to="")
    assert moon.told() == [("juliet", SKY, TUNE, "1")]


def test_7_1_who_does_not_see_an_account_any_more_is_told_nothing(globe, juliet, moon):
    moon.show(JULIET)
    juliet.send(f"<presence type='unsubscribed' to='{DREAM}'/>")
    juliet.publish(TUNE, id_="1", to=MINE)
    assert moon.told() == []


def test_0060_9_1_2_who_is_not_seen_is_told_once_he_shows_himself(globe, moon):
    """He sees the account's presence: what contacts may see is for him."""
    paris = globe.server.account("paris2")
    put(globe.server, paris, DREAM, FROM | LISTED)
    author = Person(globe, globe.server.log_in("paris2", "x"))
    author.publish(TUNE, id_="1", to=MINE)
    assert moon.told() == []
    moon.show(paris)
    assert moon.told() == [("paris2", SKY, TUNE, "1")]
    moon.leave(paris)
    author.publish(TUNE, id_="2", to=MINE)
    assert moon.told() == []
