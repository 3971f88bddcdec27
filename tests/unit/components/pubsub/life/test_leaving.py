"""Items that go as their publishers go offline (XEP-0060 §17.4.4, `pubsub#purge_offline`)."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from twisted.internet.defer import Deferred, fail

from components.pubsub.life.presences import LATER
from components.pubsub.model.bookmark import NATIVE, OLD
from tests.support.components import Component, table
from tests.support.logs import logged
from tests.support.pubsub import GRANTS, PUBSUB, Globe, Person, befriend
from tests.support.pubsub_items import given, held, opened, told
from tests.support.server import DOMAIN
from xmppd.errors import StoreError
from xmppd.jid import JID

JULIET = f"juliet@{DOMAIN}"
MOON = "moon.capulet.lit"
DREAM = f"dream@{MOON}/sky"
GONE = "<presence type='unavailable'/>"


@pytest.fixture
def globe() -> Globe:
    return Globe(others={MOON: table()}).start()


@pytest.fixture
def play(juliet: Person, romeo: Person) -> str:
    """A node where everybody publishes; romeo is told of it."""
    opened(juliet, "play", publish_model="open", purge_offline=True)
    romeo.subscribe("play")
    return "play"


@pytest.fixture
def nurse(globe: Globe) -> Person:
    return globe.person("nurse")


@pytest.fixture
def moon(globe: Globe) -> Callable[[str], list[str]]:
    """Have somebody elsewhere say something; gives the ids of what he is answered."""
    line = Component(globe.server, MOON).open().prove()

    def say(stanza: str) -> list[str]:
        line.send(stanza)
        globe.pump()
        return [each.get("id", "") for each in line.elements()]

    return say


def test_17_4_4_items_go_as_their_publisher_goes_offline(juliet, romeo, nurse, play) -> None:
    """And those of others stay."""
    for number, person in enumerate((nurse, juliet, nurse)):
        person.publish(play, id_=str(number))
    romeo.events()
    nurse.send(GONE)
    assert told(romeo) == [("play", "retract 0", "retract 2")]
    assert juliet.ids(play) == ["1"]
    juliet.client.hang_up()
    assert told(romeo) == [("play", "retract 1")]
    assert romeo.ids(play) == []


def test_he_goes_with_his_last_resource_whichever_has_published(
    globe, juliet, romeo, nurse, play
) -> None:
    nurse.publish(play, id_="1")
    house = globe.person("nurse", "house")
    nurse.send(GONE)
    assert juliet.ids(play) == ["1"]
    house.send(GONE)
    assert juliet.ids(play) == []


def test_nobody_is_told_where_the_node_does_not_say_so(globe, juliet, romeo, nurse) -> None:
    opened(juliet, publish_model="open", purge_offline=True, notify_retract=False)
    romeo.subscribe("play")
    nurse.publish("play", id_="1")
    romeo.events()
    nurse.send(GONE)
    assert (told(romeo), juliet.ids("play")) == ([], [])


def test_a_node_that_is_set_up_as_most_has_them_stay(juliet, romeo, nurse) -> None:
    opened(juliet, publish_model="open")
    nurse.publish("play", id_="1")
    nurse.send(GONE)
    assert juliet.ids("play") == ["1"]


def test_at_an_account_its_own_go_and_what_others_have_published(
    globe, juliet, romeo, nurse
) -> None:
    befriend(juliet, romeo)
    made = juliet.publish("tune", id_="1", to="", purge_offline="1", max_items="9")
    assert made.get("type") == "result"
    juliet.affiliate("tune", JULIET, nurse="publisher")
    nurse.publish("tune", id_="2", to=JULIET)
    romeo.subscribe("tune", JULIET)
    romeo.events()
    juliet.send(GONE)
    assert told(romeo) == [("tune", "retract 1")]
    assert romeo.ids("tune", JULIET) == ["2"]
    nurse.send(GONE)
    assert told(romeo) == [("tune", "retract 2")]


def test_who_publishes_without_presence_has_it_stay_until_he_has_come_and_gone(
    globe, juliet, romeo, nurse, play
) -> None:
    nurse.send(GONE)
    nurse.publish(play, id_="1")
    globe.again().pass_time(LATER)
    assert juliet.ids(play) == ["1"], "nobody has seen her go"
    nurse.send("<presence/>")
    assert juliet.ids(play) == ["1"]
    nurse.send(GONE)
    assert juliet.ids(play) == []


def test_who_went_while_nobody_looked(globe, juliet, romeo, nurse, play) -> None:
    nurse.publish(play, id_="1")
    juliet.publish(play, id_="2")
    romeo.events()
    globe.kill()
    nurse.send(GONE)
    globe.begin()
    globe.start().pass_time(LATER - 10)
    assert juliet.ids(play) == ["1", "2"], "it is not known yet who is there"
    romeo.events()
    globe.pass_time(20)
    assert told(romeo) == [("play", "retract 1")]
    # Those go as well that another process has seen published.
    juliet.send(GONE)
    assert told(romeo) == [("play", "retract 2")]


def test_nobody_is_missed_while_the_server_goes_on_to_tell_who_is_there(
    globe, juliet, romeo, nurse, play
) -> None:
    """It had lost the connection meanwhile."""
    nurse.publish(play, id_="1")
    globe.kill()
    nurse.send(GONE)
    globe.begin()
    globe.start().pass_time(LATER - 10)
    globe.component.lost(resumable=True)
    globe.component.opened(resumed=True)
    globe.pass_time(LATER - 10)
    assert juliet.ids(play) == ["1"]
    globe.pass_time(20)
    assert juliet.ids(play) == []


def test_who_is_there_for_the_service_alone_is_so_for_one_that_comes_anew(
    globe, juliet, romeo, nurse, play
) -> None:
    """RFC 6121 §4.6.2: without presence that everybody sees."""
    nurse.send(GONE)
    nurse.send(f"<presence to='{PUBSUB}'/>")
    nurse.publish(play, id_="1")
    globe.again().pass_time(LATER)
    assert juliet.ids(play) == ["1"]
    nurse.send(f"<presence type='unavailable' to='{PUBSUB}'/>")
    assert juliet.ids(play) == []


def test_who_came_while_nobody_looked(globe, juliet, romeo, nurse, play) -> None:
    nurse.send(GONE)
    nurse.publish(play, id_="1")
    globe.kill()
    nurse.send("<presence/>")
    globe.begin()
    globe.start().pass_time(LATER)
    nurse.send(GONE)
    assert juliet.ids(play) == []


def test_nobody_is_taken_for_gone_while_the_server_tells_anew_who_is_there(
    globe, juliet, romeo, nurse, play
) -> None:
    """One of his resources may leave before the other is told of."""
    nurse.publish(play, id_="1")
    house = globe.person("nurse", "house")
    globe.service.presences._opened(False)
    nurse.send(GONE)
    assert juliet.ids(play) == ["1"]
    house.send("<presence type='unavailable'/>")
    assert juliet.ids(play) == []


def test_nobody_is_taken_for_gone_where_presence_is_not_shown(monkeypatch) -> None:
    globe = Globe().start()
    juliet = globe.person("juliet")
    opened(juliet, purge_offline=True)
    juliet.publish("play", id_="1")
    monkeypatch.setitem(GRANTS, "presence", "none")
    other = Globe(database=globe.database).start()
    other.pass_time(LATER)
    assert other.person("juliet").ids("play") == ["1"]


# ---------------------------------------------------------------------- elsewhere


def publish(id_: str) -> str:
    item = f"<item id='{id_}'><act xmlns='urn:example:play'/></item>"
    return (
        f"<iq type='set' id='{id_}' from='{DREAM}' to='{PUBSUB}'>"
        f"<pubsub xmlns='http://jabber.org/protocol/pubsub'><publish node='play'>{item}</publish>"
        "</pubsub></iq>"
    )


@pytest.mark.parametrize("shown", [True, False])
def test_of_who_is_elsewhere_what_the_service_sees_counts(
    globe, juliet, romeo, play, moon, shown
) -> None:
    """He may show himself to it alone."""
    if shown:
        moon(f"<presence from='{DREAM}' to='{PUBSUB}'/>")
    assert "1" in moon(publish("1"))
    globe.again().pass_time(LATER)
    assert juliet.ids(play) == ["1"]
    moon(f"<presence type='unavailable' from='{DREAM}' to='{PUBSUB}'/>")
    assert juliet.ids(play) == ([] if shown else ["1"])


@pytest.mark.parametrize("by", ["another", "block", "removal"])
def test_who_is_hidden_by_others_is_not_gone(
    globe, juliet, romeo, nurse, play, moon, monkeypatch, by
) -> None:
    """He has shown himself to an account that sees him no more, and not gone himself."""
    account = str(nurse.jid.bare)
    monkeypatch.setattr("xmppd.core.sharers.MOST_OF_ACCOUNT", 1)
    moon(f"<presence from='{DREAM}' to='{account}'/>")
    assert "1" in moon(publish("1"))
    if by == "another":
        moon(f"<presence from='other@{MOON}/sky' to='{account}'/>")
    elif by == "block":
        nurse.send(
            "<iq type='set' id='b'><block xmlns='urn:xmpp:blocking'>"
            f"<item jid='{MOON}'/></block></iq>"
        )
    else:
        globe.server.host.hooks.account_removed(nurse.jid.bare)
        globe.pump()
    assert not globe.service.presences.there(JID.parse(DREAM)), "nobody sees him"
    assert juliet.ids(play) == ["1"]
    moon(f"<presence from='{DREAM}' to='{JULIET}'/>")
    moon(f"<presence type='unavailable' from='{DREAM}' to='{JULIET}'/>")
    assert juliet.ids(play) == []


@pytest.mark.parametrize("type_", ["unsubscribe", "unavailable"])
def test_who_is_a_contact_no_more_is_not_gone(globe, juliet, romeo, nurse, play, moon, type_):
    """His server says so to who sees him no more (RFC 6121 §3.3.3)."""
    nurse.send(f"<presence type='subscribe' to='dream@{MOON}'/>")
    moon(f"<presence type='subscribed' from='dream@{MOON}' to='{nurse.jid.bare}'/>")
    moon(f"<presence from='{DREAM}' to='{nurse.jid.bare}'/>")
    assert globe.service.presences.there(JID.parse(DREAM))
    assert "1" in moon(publish("1"))
    if type_ == "unsubscribe":
        nurse.send(f"<presence type='unsubscribe' to='dream@{MOON}'/>")
    moon(f"<presence type='unavailable' from='{DREAM}' to='{nurse.jid.bare}'/>")
    assert not globe.service.presences.there(JID.parse(DREAM))
    assert juliet.ids(play) == (["1"] if type_ == "unsubscribe" else [])


# ---------------------------------------------------------------------- nodes that are set up anew


def test_a_node_that_comes_to_be_so_has_its_owners_items_go_and_new_ones(
    globe, juliet, romeo, nurse
) -> None:
    """Of who has published before nobody learns by that when he is online."""
    opened(juliet, publish_model="open")
    for number, person in enumerate((juliet, nurse, romeo)):
        person.publish("play", id_=str(number))
    juliet.configure("play", purge_offline="1")
    nurse.publish("play", id_="3")
    for person in (nurse, romeo, juliet):
        person.send(GONE)
    assert juliet.ids("play") == ["1", "2"]


def test_owners_who_are_offline_have_theirs_stay_until_they_have_come_and_gone(
    globe, juliet, romeo
) -> None:
    opened(juliet)
    juliet.publish("play", id_="1")
    juliet.send(GONE)
    juliet.configure("play", purge_offline="1")
    assert juliet.ids("play") == ["1"]
    juliet.send("<presence/>")
    juliet.send(GONE)
    assert juliet.ids("play") == []


@pytest.mark.parametrize("keeps", [True, False])
def test_nobody_is_made_an_owner_so_that_it_tells_of_him(
    globe, juliet, nurse, romeo, keeps
) -> None:
    opened(juliet, persist_items=keeps, publish_model="open")
    nurse.publish("play", id_="1")
    juliet.affiliate("play", nurse="owner")
    juliet.configure("play", purge_offline="1")
    nurse.send(GONE)
    assert given(juliet.items("play")) == ["1"]


@pytest.mark.parametrize("keeps", ["0", "1"])
def test_a_node_that_is_so_no_more_has_them_stay(globe, juliet, nurse, romeo, play, keeps) -> None:
    juliet.configure(play, persist_items=keeps)
    nurse.publish(play, id_="1")
    juliet.configure(play, purge_offline="0")
    juliet.configure(play, purge_offline="1")
    nurse.send(GONE)
    assert juliet.ids(play) == ["1"]


def test_13_10_the_last_item_that_is_not_kept_goes_as_well(
    globe, juliet, romeo, nurse, play
) -> None:
    juliet.configure(play, persist_items="0")
    nurse.publish(play, id_="1")
    juliet.publish(play, id_="2")
    romeo.events()
    nurse.send(GONE)
    assert given(juliet.items(play)) == ["2"]
    juliet.send(GONE)
    assert told(romeo) == [("play", "retract 2")]
    assert given(juliet.items(play)) == []
    juliet.publish(play, id_="3")
    juliet.send("<presence/>")
    assert given(juliet.items(play)) == ["3"]
    juliet.send(GONE)
    assert given(juliet.items(play)) == []


def test_13_10_and_one_that_was_kept(globe, juliet, romeo, nurse, play) -> None:
    nurse.publish(play, id_="1")
    juliet.configure(play, persist_items="0")
    assert given(juliet.items(play)) == ["1"]
    nurse.send(GONE)
    assert given(juliet.items(play)) == []


@pytest.mark.parametrize("again", [True, False])
def test_13_10_one_of_a_node_that_was_deleted_keeps_nothing_else(
    globe, juliet, nurse, romeo, again
) -> None:
    """Though there is another node of that name."""
    opened(juliet, "play", persist_items=False, publish_model="open", purge_offline=True)
    nurse.publish("play", id_="1")
    juliet.pubsub("<delete node='play'/>", owner=True)
    if again:
        opened(juliet, "play", publish_model="open", purge_offline=True)
        nurse.publish("play", id_="2")
    nurse.send(GONE)
    if again:
        assert given(romeo.items("play")) == []
    assert not globe.service.publishing.cache.any_of(nurse.jid.bare)


@pytest.mark.parametrize("publisher", ["nurse", "juliet"])
def test_13_10_and_one_that_is_kept_from_now_on(globe, juliet, nurse, romeo, publisher) -> None:
    """It goes as it would have gone; one of a node that comes to be so at once, if an owner's."""
    people = {"nurse": nurse, "juliet": juliet}
    for name, before in (("play", {"purge_offline": True}), ("act", {})):
        opened(juliet, name, persist_items=False, publish_model="open", **before)
        people[publisher].publish(name, id_="1")
        assert juliet.configure(name, persist_items="1", purge_offline="1").get("type") == "result"
        assert given(romeo.items(name)) == ["1"]
    people[publisher].send(GONE)
    assert given(romeo.items("play")) == []
    assert given(romeo.items("act")) == (["1"] if publisher == "nurse" else [])


def test_13_10_an_owners_one_that_was_there_before(globe, juliet, romeo) -> None:
    opened(juliet, persist_items=False)
    juliet.publish("play", id_="1")
    juliet.configure("play", purge_offline="1")
    juliet.send(GONE)
    assert given(juliet.items("play")) == []


# ---------------------------------------------------------------------- at the same time


def test_who_leaves_while_it_is_being_published(
    globe, juliet, romeo, nurse, play, monkeypatch
) -> None:
    publishing = held(monkeypatch, globe.service.items, "publish")
    nurse.send(
        "<iq type='set' id='p' to='pubsub.capulet.lit'>"
        "<pubsub xmlns='http://jabber.org/protocol/pubsub'><publish node='play'>"
        "<item id='1'><act xmlns='urn:example:play'/></item></publish></pubsub></iq>"
    )
    nurse.send(GONE)
    publishing.let_go()
    globe.pump()
    assert told(romeo) == [("play", "item 1 <act>"), ("play", "retract 1")]
    assert juliet.ids(play) == []


def test_who_comes_while_it_is_being_published(
    globe, juliet, romeo, nurse, play, monkeypatch
) -> None:
    nurse.send(GONE)
    publishing = held(monkeypatch, globe.service.items, "publish")
    nurse.send(
        "<iq type='set' id='p' to='pubsub.capulet.lit'>"
        "<pubsub xmlns='http://jabber.org/protocol/pubsub'><publish node='play'>"
        "<item id='1'><act xmlns='urn:example:play'/></item></publish></pubsub></iq>"
    )
    nurse.send("<presence/>")
    publishing.let_go()
    globe.pump()
    assert juliet.ids(play) == ["1"]
    nurse.send(GONE)
    assert juliet.ids(play) == []


def test_who_leaves_while_it_is_noted_that_he_has_come(
    globe, juliet, romeo, nurse, play, monkeypatch
) -> None:
    nurse.send(GONE)
    nurse.publish(play, id_="1")
    store, busy = globe.service.leaving.store, Deferred()
    seen = store.seen
    monkeypatch.setattr(store, "seen", lambda bare: busy.addCallback(lambda _: seen(bare)))
    nurse.send("<presence/>")
    nurse.send(GONE)
    busy.callback(None)
    globe.pump()
    assert juliet.ids(play) == []


def test_who_leaves_while_the_store_fails_is_seen_to_later(
    globe, juliet, romeo, play, moon, monkeypatch
) -> None:
    moon(f"<presence from='{DREAM}' to='{PUBSUB}'/>")
    moon(publish("1"))
    with monkeypatch.context() as patched, logged("critical") as lines:
        patched.setattr(
            globe.service.leaving.store, "nodes_of", lambda *_: fail(StoreError("it is away"))
        )
        moon(f"<presence type='unavailable' from='{DREAM}' to='{PUBSUB}'/>")
    assert (len(lines), juliet.ids(play)) == (1, ["1"])
    globe.pass_time(LATER)
    assert juliet.ids(play) == []


def test_many_go_in_slices_and_stay_where_he_comes_back(
    globe, juliet, romeo, nurse, play, monkeypatch
) -> None:
    monkeypatch.setattr("components.pubsub.life.leaving.SLICE", 2)
    for number in range(5):
        nurse.publish(play, id_=str(number))
    romeo.events()
    taking = held(monkeypatch, globe.service.leaving.store, "take")
    nurse.send(GONE)
    taking.let_go()
    nurse.send("<presence/>")
    taking.let_go()
    globe.pump()
    assert juliet.ids(play) == ["4"]
    assert told(romeo) == [("play", f"retract {n}", f"retract {n + 1}") for n in (0, 2)]
    nurse.send(GONE)
    taking.let_go()
    globe.pump()
    assert juliet.ids(play) == []


def test_nodes_are_read_a_few_at_a_time(globe, juliet, romeo, monkeypatch) -> None:
    monkeypatch.setattr("components.pubsub.life.leaving.NODES", 2)
    names = [f"act{number}" for number in range(5)]
    for name in names:
        opened(juliet, name, purge_offline=True)
        juliet.publish(name, id_="1")
    juliet.send(GONE)
    assert [juliet.ids(name) for name in names] == [[]] * 5


def test_each_instance_sees_to_its_own_nodes() -> None:
    one = Globe(instances=2, instance="one").start()
    Globe(instances=2, instance="two", beside=one).start()
    romeo = one.person("romeo")
    people = [one.person(name) for name in ("juliet", "nurse", "tybalt", "paris", "friar")]
    befriend(romeo, *people)
    for person in people:
        person.publish("tune", id_="1", to="", purge_offline="1")
        romeo.subscribe("tune", str(person.jid.bare))
    assert len({one.service.instances.own(person.jid) for person in people}) == 2
    romeo.events()
    for person in people:
        person.send(GONE)
    assert told(romeo) == [("tune", "retract 1")] * 5


def test_what_keeps_items_in_step_hears_of_it(globe, juliet) -> None:
    """XEP-0402 §4: what goes of one node of bookmarks goes of the other."""
    room = "theplay@conference.shakespeare.lit"
    conference = "<conference xmlns='urn:xmpp:bookmarks:1'/>"
    for name, id_, payload in (
        (OLD, "current", "<storage xmlns='storage:bookmarks'/>"),
        (NATIVE, room, conference),
    ):
        made = juliet.publish(
            name, payload, id_, "", access_model="whitelist", max_items="9", persist_items="true"
        )
        assert made.get("type") == "result"
    juliet.configure(NATIVE, "", purge_offline="1")
    globe.pump()
    assert room in str(stored(juliet))
    house = globe.person("juliet", "house")
    house.send(GONE)
    juliet.send(GONE)
    assert juliet.ids(NATIVE, "") == []
    assert room not in str(stored(juliet))


def stored(person: Person) -> list[str | None]:
    """The rooms that the node of XEP-0048 has."""
    return [each.get("jid") for each in person.items(OLD, "").iter("{storage:bookmarks}conference")]


def test_what_is_known_of_them_has_a_bound(globe, juliet, romeo, nurse, play, monkeypatch) -> None:
    """Who is not remembered is looked up."""
    monkeypatch.setattr("components.pubsub.life.departures.MOST", 0)
    nurse.publish(play, id_="1")
    nurse.send(GONE)
    assert juliet.ids(play) == []


def test_nobody_is_remembered_who_has_nothing_to_go(globe, juliet, romeo, nurse, play) -> None:
    nurse.publish(play, id_="1")
    watch = globe.service.leaving.publishers
    assert JID.parse(nurse.jid.bare) in watch
    nurse.retract(play, "1")
    nurse.send(GONE)
    assert nurse.jid.bare not in watch
