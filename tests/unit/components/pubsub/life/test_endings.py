"""Subscriptions that end by themselves: leases (XEP-0060 §13.19), temporary ones (§13.5)."""

from __future__ import annotations

import pytest
from twisted.internet.defer import fail

from components.common import datetimes
from components.pubsub.life.endings import EVERY
from tests.support.pubsub import Globe, error, form, subid, subscriptions
from tests.support.server import DOMAIN
from xmppd.errors import StoreError

JULIET, ROMEO = f"juliet@{DOMAIN}", f"romeo@{DOMAIN}"


@pytest.fixture
def juliet(globe: Globe):
    juliet = globe.person("juliet")
    juliet.create("play")
    return juliet


@pytest.fixture
def romeo(globe: Globe, juliet):
    return globe.person("romeo")


def lease(person, until, node="play", jid=ROMEO):
    """Subscribe until a moment."""
    options = f"<options>{form('subscribe_options', expire=until)}</options>"
    return person.pubsub(f"<subscribe node='{node}' jid='{jid}'/>{options}")


def moment(globe, seconds):
    return datetimes.written(globe.server.clock.seconds() + seconds)


def count(globe, node="play"):
    return len(list(globe.node(node).subscriptions()))


def test_13_19_a_lease_ends_and_its_holder_is_told(globe, juliet, romeo) -> None:
    assert lease(romeo, moment(globe, 300)).get("type") == "result"
    globe.pass_time(240)
    juliet.publish("play")
    assert len(romeo.events()) == 1
    globe.pass_time(120)
    assert subscriptions(romeo.event()) == [(ROMEO, "none")]
    assert count(globe) == 0
    globe.again()
    juliet.publish("play")
    assert romeo.events() == []


def test_13_19_a_lease_is_renewed(globe, juliet, romeo) -> None:
    lease(romeo, moment(globe, 120))
    x = form("subscribe_options", expire=moment(globe, 600))
    romeo.pubsub(f"<options node='play' jid='{ROMEO}'>{x}</options>")
    globe.pass_time(400)
    assert romeo.events() == []
    assert count(globe) == 1
    x = form("subscribe_options", expire="")
    romeo.pubsub(f"<options node='play' jid='{ROMEO}'>{x}</options>")
    globe.pass_time(1200)
    assert (romeo.events(), count(globe)) == ([], 1)


def test_13_19_a_lease_ends_that_nobody_watched_and_whose_node_is_not_open(
    globe, juliet, romeo
) -> None:
    lease(romeo, moment(globe, 60))
    globe.kill()
    globe.server.clock.advance(3600)
    globe.begin()
    globe.start().pass_time(120)
    assert subscriptions(romeo.event()) == [(ROMEO, "none")]


def test_13_19_who_subscribes_again_when_it_is_over_does_not_get_it_back(
    globe, juliet, romeo
) -> None:
    """Though nobody has looked for it yet (§6.1.6)."""
    globe.pass_time(EVERY - 30)
    first = subid(lease(romeo, moment(globe, 10)))
    assert subid(romeo.subscribe("play")) == first
    globe.pass_time(20)
    second = subid(romeo.subscribe("play"))
    assert second != first
    globe.pass_time(EVERY)
    assert [each.subid for each in globe.node("play").subscriptions()] == [second]


def test_13_19_what_holds_on_is_left_alone(globe, juliet, romeo) -> None:
    lease(romeo, moment(globe, 60))
    romeo.subscribe("play", more=True)
    lease(juliet, moment(globe, 6000), jid=JULIET)
    globe.pass_time(180)
    assert subscriptions(romeo.event()) == [(ROMEO, "none")]
    assert sorted(each.jid for each in globe.node("play").subscriptions()) == [JULIET, ROMEO]


def test_13_19_many_end_at_once(globe, juliet, monkeypatch) -> None:
    monkeypatch.setattr("components.pubsub.life.endings.BATCH", 2)
    for name in ("romeo", "nurse", "tybalt", "benvolio", "paris"):
        person = globe.person(name)
        assert lease(person, moment(globe, 60), jid=f"{name}@{DOMAIN}").get("type") == "result"
    assert count(globe) == 5
    globe.pass_time(130)
    assert count(globe) == 0


# ---------------------------------------------------------------------- §13.5


def test_13_5_it_ends_when_the_subscriber_goes_offline(globe, juliet, romeo) -> None:
    garden = globe.person("romeo", "garden")
    assert lease(romeo, "presence").get("type") == "result"
    romeo.send("<presence type='unavailable'/>")
    assert count(globe) == 1  # another resource is there
    garden.send("<presence type='unavailable'/>")
    assert count(globe) == 0


def test_13_5_of_a_resource_it_ends_with_it(globe, juliet, romeo) -> None:
    garden = globe.person("romeo", "garden")
    for person in (romeo, garden):
        lease(person, "presence", jid=str(person.jid))
    romeo.send("<presence type='unavailable'/>")
    assert [each.jid for each in globe.node("play").subscriptions()] == [garden.jid]
    assert romeo.client.closed is False
    garden.client.hang_up()
    globe.pump()
    assert count(globe) == 0


def test_13_5_a_node_may_have_none_but_temporary_ones(globe, juliet, romeo) -> None:
    globe.set_up("play", tempsub=True)
    romeo.subscribe("play")
    x = form("subscribe_options", expire=moment(globe, 600))
    romeo.pubsub(f"<options node='play' jid='{ROMEO}'>{x}</options>")
    romeo.send("<presence type='unavailable'/>")
    assert count(globe) == 0


def test_13_5_nobody_has_one_who_is_not_seen_to_be_there(globe, juliet, romeo) -> None:
    romeo.send("<presence type='unavailable'/>")
    wanted = ("not-authorized", "presence-subscription-required")
    assert error(lease(romeo, "presence")) == wanted
    globe.set_up("play", tempsub=True)
    assert error(romeo.subscribe("play")) == wanted
    globe.set_up("play", tempsub=False)
    romeo.subscribe("play")
    x = form("subscribe_options", expire="presence")
    assert error(romeo.pubsub(f"<options node='play' jid='{ROMEO}'>{x}</options>")) == wanted
    assert count(globe) == 1


def test_13_5_who_went_while_nobody_looked(globe, juliet, romeo) -> None:
    nurse = globe.person("nurse")
    lease(romeo, "presence")
    lease(nurse, "presence", jid=f"nurse@{DOMAIN}")
    globe.kill()
    romeo.send("<presence type='unavailable'/>")
    globe.begin()
    globe.start().pass_time(130)
    juliet.publish("play")
    assert [each.jid for each in globe.node("play").subscriptions()] == [f"nurse@{DOMAIN}"]
    # What another process has made ends all the same.
    nurse.send("<presence type='unavailable'/>")
    assert count(globe) == 0


def test_13_5_none_is_temporary_that_its_subscriber_has_not_made_so(globe, juliet, romeo) -> None:
    """Its end would tell the owner, whom he does not know, that he has gone offline."""
    juliet.configure("play", notify_sub="1")
    nurse = globe.person("nurse")
    nurse.subscribe("play")
    made = f"<subscription jid='{ROMEO}' subscription='subscribed'/>"
    juliet.pubsub(f"<subscriptions node='play'>{made}</subscriptions>", owner=True)
    juliet.events()
    nurse.send("<presence type='unavailable'/>")
    juliet.configure("play", tempsub="1", presence_based_delivery="1")
    x = form("subscribe_options", deliver="0")
    romeo.pubsub(f"<options node='play' jid='{ROMEO}'>{x}</options>")
    tybalt = f"tybalt@{DOMAIN}"
    globe.person("tybalt").send("<presence type='unavailable'/>")
    juliet.pubsub(
        f"<subscriptions node='play'>{made.replace(ROMEO, tybalt)}</subscriptions>", owner=True
    )
    romeo.send("<presence type='unavailable'/>")
    globe.again()
    globe.pass_time(130)
    listed = juliet.pubsub("<subscriptions node='play'/>", "get", owner=True)
    assert sorted(subscriptions(listed)) == [
        (jid, "subscribed") for jid in (f"nurse@{DOMAIN}", ROMEO, tybalt)
    ]
    assert {state for event in juliet.events() for _, state in subscriptions(event)} <= {
        "subscribed"
    }


@pytest.mark.parametrize("most", [1, 100])
def test_13_5_however_many_there_are(globe, juliet, romeo, monkeypatch, most) -> None:
    """With more of them than are remembered, whoever goes is looked up."""
    monkeypatch.setattr("components.pubsub.life.departures.MOST", most)
    people = [globe.person(name) for name in ("nurse", "tybalt", "benvolio")]
    for person in people:
        lease(person, "presence", jid=str(person.jid.bare))
    globe.again()
    people[0].send("<presence type='unavailable'/>")
    globe.pass_time(60)
    assert count(globe) == 2  # behind a start those are found who went meanwhile
    for person in people[1:]:
        person.send("<presence type='unavailable'/>")
    assert count(globe) == 0


def test_13_5_one_who_can_not_be_looked_up_does_not_keep_others(
    globe, juliet, romeo, monkeypatch
) -> None:
    nurse = globe.person("nurse")
    for person in (romeo, nurse):
        lease(person, "presence", jid=str(person.jid.bare))
    relations = globe.service.relations
    asked = relations.temporary_of

    def fails(bare):
        return fail(StoreError("busy")) if bare == ROMEO else asked(bare)

    monkeypatch.setattr(relations, "temporary_of", fails)
    for person in (romeo, nurse):
        person.send("<presence type='unavailable'/>")
    assert [each.jid for each in globe.node("play").subscriptions()] == [ROMEO]
    globe.again().pass_time(60)
    juliet.publish("play")
    assert count(globe) == 0
