"""Who may not be subscribed any more is not, and is told so (XEP-0060 §13.14, §15.3)."""

from __future__ import annotations

import pytest
from twisted.internet.defer import Deferred

from tests.support.deferred import result
from tests.support.people import item
from tests.support.pubsub import NS, PUBSUB, E, Globe, Person, befriend, form, subscriptions
from tests.support.server import DOMAIN

JULIET, ROMEO = f"juliet@{DOMAIN}", f"romeo@{DOMAIN}"


@pytest.fixture
def juliet(globe: Globe):
    juliet = globe.person("juliet")
    juliet.create("play")
    return juliet


@pytest.fixture
def romeo(globe: Globe, juliet):
    return globe.person("romeo")


def opened(globe, juliet, to, **changes):
    """A node at the domain or at an account, set up."""
    if to == PUBSUB:
        globe.set_up("play", **changes)
        return "play"
    juliet.publish("tune", to="")
    globe.set_up("tune", JULIET, **changes)
    return "tune"


def changed(globe, node, service=PUBSUB, **changes):
    """Change how a node is set up, as its owner does."""
    there = globe.node(node, service)
    before = there.settings
    globe.set_up(node, service, **changes)
    reviewed = Deferred.fromCoroutine(globe.service.reviews.configured(there, before))
    globe.pump()
    result(reviewed)


@pytest.mark.parametrize("to", [PUBSUB, JULIET])
def test_13_14_who_sees_the_owner_no_more_is_subscribed_no_more(globe, juliet, romeo, to) -> None:
    node = opened(globe, juliet, to, access_model="presence")
    befriend(juliet, romeo)
    romeo.subscribe(node, to)
    romeo.events()
    juliet.send(f"<presence type='unsubscribed' to='{ROMEO}'/>")
    assert subscriptions(romeo.event()) == [(ROMEO, "none")]
    assert list(globe.node(node, to).subscriptions()) == []


@pytest.mark.parametrize("to", [PUBSUB, JULIET])
def test_13_14_who_leaves_the_group_is_subscribed_no_more(globe, juliet, romeo, to) -> None:
    node = opened(globe, juliet, to, access_model="roster", roster_groups_allowed=("Lovers",))
    befriend(juliet, romeo)
    juliet.ask(item(ROMEO, groups=["Lovers", "Friends"]), "set", to="")
    romeo.subscribe(node, to)
    romeo.events()
    juliet.ask(item(ROMEO, groups=["Lovers"]), "set", to="")
    assert romeo.events() == []
    juliet.ask(item(ROMEO, groups=["Friends"]), "set", to="")
    assert subscriptions(romeo.event()) == [(ROMEO, "none")]


def test_13_14_who_has_an_affiliation_stays(globe, juliet, romeo) -> None:
    opened(globe, juliet, PUBSUB, access_model="presence")
    befriend(juliet, romeo)
    juliet.affiliate("play", romeo="member")
    romeo.subscribe("play")
    romeo.came()
    juliet.send(f"<presence type='unsubscribed' to='{ROMEO}'/>")
    assert romeo.events() == []
    juliet.publish("play")
    assert len(romeo.events()) == 1


def test_13_14_elsewhere_contacts_do_not_matter(globe, juliet, romeo) -> None:
    befriend(juliet, romeo)
    romeo.subscribe("play")
    juliet.send(f"<presence type='unsubscribed' to='{ROMEO}'/>")
    assert len(list(globe.node("play").subscriptions())) == 1


def test_15_3_what_was_missed_is_not_told(globe, juliet, romeo) -> None:
    """Rosters are asked for each event where they decide, whatever became of subscriptions."""
    opened(globe, juliet, PUBSUB, access_model="presence")
    befriend(juliet, romeo)
    romeo.subscribe("play")
    globe.kill()
    juliet.send(f"<presence type='unsubscribed' to='{ROMEO}'/>")
    globe.begin()
    globe.start().pass_time(5)
    juliet.publish("play")
    assert romeo.events() == []


@pytest.mark.parametrize("model", ["whitelist", "presence", "roster"])
def test_8_2_another_access_model_may_shut_people_out(globe, juliet, romeo, model) -> None:
    romeo.subscribe("play")
    juliet.subscribe("play")
    changed(globe, "play", access_model=model)
    assert subscriptions(romeo.event()) == [(ROMEO, "none")]
    assert [each.jid for each in globe.node("play").subscriptions()] == [JULIET]
    juliet.publish("play")
    assert romeo.events() == []


def test_8_2_who_is_subscribed_was_approved_of(globe, juliet, romeo) -> None:
    romeo.subscribe("play")
    changed(globe, "play", access_model="authorize")
    assert romeo.events() == []
    juliet.publish("play")
    assert len(romeo.events()) == 1


def test_8_2_where_nobody_has_to_be_approved_of_nobody_waits(globe, juliet, romeo) -> None:
    globe.set_up("play", access_model="authorize")
    nurse = globe.person("nurse")
    for person in (romeo, nurse):
        person.subscribe("play")
    befriend(juliet, romeo)
    changed(globe, "play", access_model="presence")
    assert subscriptions(romeo.event()) == [(ROMEO, "subscribed")]
    assert subscriptions(nurse.event()) == [(f"nurse@{DOMAIN}", "none")]


def test_8_8_2_who_waits_because_an_owner_says_so_waits_whatever_becomes_of_rosters(
    globe, juliet, romeo
) -> None:
    opened(globe, juliet, PUBSUB, access_model="roster", roster_groups_allowed=("Lovers",))
    befriend(juliet, romeo)
    juliet.ask(item(ROMEO, groups=["Lovers"]), "set", to="")
    romeo.subscribe("play")
    juliet.pubsub(
        f"<subscriptions node='play'><subscription jid='{ROMEO}' subscription='pending'/>"
        "</subscriptions>",
        owner=True,
    )
    assert subscriptions(romeo.event()) == [(ROMEO, "pending")]
    juliet.ask(item(ROMEO, groups=["Lovers", "Friends"]), "set", to="")
    changed(globe, "play", roster_groups_allowed=("Lovers", "House"))
    assert romeo.events() == []
    changed(globe, "play", access_model="open")
    assert subscriptions(romeo.event()) == [(ROMEO, "subscribed")]


def test_8_2_who_is_shut_out_is_not_told_which_items_went_with_him(globe, juliet, romeo) -> None:
    """Nor of anything else that is published before his subscription has ended."""
    globe.set_up("play", publish_node_full="retract-oldest", max_items=2)
    for person in (romeo, juliet):
        person.subscribe("play")
    juliet.publish("play", id_="1")
    juliet.publish("play", id_="2")
    for person in (romeo, juliet):
        person.events()
    juliet.configure("play", access_model="whitelist", max_items="1")
    assert subscriptions(romeo.event()) == [(ROMEO, "none")]
    assert juliet.event().find(f"{E}items/{E}retract") is not None


def test_13_14_it_is_told_to_all_resources_and_later_to_who_is_away(globe, juliet, romeo) -> None:
    garden = globe.person("romeo", "garden")
    romeo.subscribe("play")
    changed(globe, "play", access_model="whitelist")
    for person in (romeo, garden):
        assert subscriptions(person.event()) == [(ROMEO, "none")]
        assert person.messages[0].get("to") == str(person.jid)
    globe.set_up("play", access_model="open")
    romeo.subscribe("play")
    for person in (romeo, garden):
        person.client.hang_up()
    globe.pump()
    changed(globe, "play", access_model="whitelist")
    # Logging in is not to swallow what waits.
    back = Person(globe, globe.server.log_in("romeo", "street"))
    back.send("<presence/>")
    assert subscriptions(back.event()) == [(ROMEO, "none")]


def test_13_14_who_may_see_it_no_more_waits_for_nothing_else(
    globe, juliet, romeo, monkeypatch
) -> None:
    """Items that have to go at the same time go behind that, as the server takes it."""
    juliet.configure("play", max_items="9")
    for n in range(5):
        juliet.publish("play", id_=str(n))
    romeo.subscribe("play")
    romeo.events()
    monkeypatch.setattr(type(globe.component), "behind", True)
    changes = form("node_config", access_model="whitelist", max_items="1")
    asked = f"<pubsub xmlns='{NS}#owner'><configure node='play'>{changes}</configure></pubsub>"
    juliet.send(f"<iq type='set' id='c' to='{PUBSUB}'>{asked}</iq>")
    assert subscriptions(romeo.event()) == [(ROMEO, "none")]


def test_who_is_approved_of_with_many_is_welcomed_as_the_server_keeps_up(
    globe, juliet, romeo, monkeypatch
) -> None:
    """Each of them is sent the last item, however large it is."""
    juliet.publish("play", id_="1")
    globe.set_up("play", access_model="authorize", notify_sub=True)
    romeo.subscribe("play")
    romeo.events()
    juliet.events()
    monkeypatch.setattr(type(globe.component), "behind", True)
    globe.set_up("play", access_model="open")
    there = globe.node("play")
    reviewed: list[object] = []
    approving = there.lock.run(globe.service.reviews.node, there, approve=True)
    approving.addCallback(reviewed.append)
    globe.pass_time(3)
    assert subscriptions(romeo.event()) == [(ROMEO, "subscribed")]
    assert (juliet.events(), reviewed) == ([], [])
    monkeypatch.setattr(type(globe.component), "behind", False)
    globe.pass_time(1)
    assert reviewed == [None]
    assert subscriptions(juliet.event()) == [(ROMEO, "subscribed")]
    assert romeo.event().find(f"{E}items") is not None
