"""What holds at the end decides who may, whatever it was like when he asked (XEP-0060 §4.5, §15.3).

Rosters, and the store, take their time: meanwhile a node may be set up otherwise.
"""

from __future__ import annotations

from collections.abc import Callable
from xml.etree.ElementTree import Element

import pytest
from twisted.internet.defer import Deferred

from components.pubsub.model.ranks import Affiliation
from tests.support.interests import TUNE, node, want
from tests.support.people import C, item
from tests.support.pubsub import ACT, NS, PUBSUB, Globe, Person, befriend, error, form
from tests.support.pubsub_items import Held, held, opened, told
from tests.support.server import DOMAIN
from xmppd import ns
from xmppd.jid import JID

JULIET, ROMEO = (JID.parse(f"{name}@{DOMAIN}") for name in ("juliet", "romeo"))
ITEMS = f"<pubsub xmlns='{NS}'><items node='play'/></pubsub>"
DEFAULT = f"<pubsub xmlns='{NS}'><default node='play'/></pubsub>"
INFO, LISTED = (f"<query xmlns='{each}' node='play'/>" for each in (ns.DISCO_INFO, ns.DISCO_ITEMS))


@pytest.fixture
def rosters(globe: Globe, juliet: Person, romeo: Person, monkeypatch: pytest.MonkeyPatch) -> Held:
    """A node for those who see Juliet's presence, as Romeo does; her roster takes its time."""
    opened(juliet, access_model="presence")
    juliet.publish("play", id_="1")
    befriend(juliet, romeo)
    globe.service.rosters.forget(JULIET)
    privilege = globe.service.privilege
    read = privilege.roster
    held = Held(lambda account: Deferred.fromCoroutine(read(account)))
    monkeypatch.setattr(privilege, "roster", held)
    return held


def whitelisted(globe: Globe) -> None:
    globe.set_up("play", access_model="whitelist")


def cast_out(globe: Globe) -> None:
    globe.node("play").affiliations[ROMEO] = Affiliation.OUTCAST


def approved_of(globe: Globe) -> None:
    globe.set_up("play", access_model="authorize")


def grouped(globe: Globe) -> None:
    globe.set_up("play", access_model="roster")


def opened_up(globe: Globe) -> None:
    globe.set_up("play", access_model="open")


def disowned(globe: Globe) -> None:
    node = globe.node("play")
    node.affiliations = {JID.parse(f"nurse@{DOMAIN}"): Affiliation.OWNER}


CHANGES: dict[Callable[[Globe], None], tuple[str, ...]] = {
    whitelisted: ("not-allowed", "closed-node"),
    cast_out: ("forbidden",),
    approved_of: ("not-authorized", "not-subscribed"),
    grouped: ("not-authorized", "not-in-roster-group"),
    disowned: ("not-authorized", "presence-subscription-required"),
}


def ask(person: Person, payload: str) -> Callable[[], Element]:
    """Ask for something; gives what gives the answer."""
    person.send(f"<iq type='get' id='a' to='{PUBSUB}'>{payload}</iq>")

    def answer() -> Element:
        (found,) = (each for each in person.came() if each.tag == f"{C}iq")
        return found

    return answer


@pytest.mark.parametrize("change", CHANGES)
def test_6_5_9_who_may_read_no_more_when_the_roster_is_there(
    globe: Globe, romeo: Person, rosters: Held, change: Callable[[Globe], None]
) -> None:
    answer = ask(romeo, ITEMS)
    change(globe)
    rosters.let_go()
    assert error(answer()) == CHANGES[change]


@pytest.mark.parametrize("payload", [INFO, LISTED, DEFAULT])
def test_5_3_who_may_see_it_no_more_when_the_roster_is_there(
    globe: Globe, romeo: Person, rosters: Held, payload: str
) -> None:
    answer = ask(romeo, payload)
    whitelisted(globe)
    rosters.let_go()
    assert answer().get("type") == "error"


def test_6_5_who_may_read_by_then(globe: Globe, rosters: Held) -> None:
    answer = ask(globe.person("nurse"), ITEMS)
    opened_up(globe)
    rosters.let_go()
    assert answer().get("type") == "result"


@pytest.mark.parametrize(("payload", "read"), [(ITEMS, "page"), (LISTED, "ids")])
def test_6_5_9_who_may_read_no_more_when_the_items_are_there(
    globe: Globe,
    juliet: Person,
    romeo: Person,
    monkeypatch: pytest.MonkeyPatch,
    payload: str,
    read: str,
) -> None:
    """One of them may have been published since."""
    opened(juliet)
    juliet.publish("play", id_="1")
    reading = Held(getattr(globe.service.items, read))
    monkeypatch.setattr(globe.service.items, read, reading)
    answer = ask(romeo, payload)
    whitelisted(globe)
    reading.let_go()
    assert error(answer()) == CHANGES[whitelisted]


# ---------------------------------------------------------------------- notifications


@pytest.mark.parametrize("change", CHANGES)
def test_15_3_who_may_read_no_more_is_not_told(
    globe: Globe, juliet: Person, romeo: Person, rosters: Held, change: Callable[[Globe], None]
) -> None:
    romeo.send(
        f"<iq type='set' id='s' to='{PUBSUB}'><pubsub xmlns='{NS}'>"
        f"<subscribe node='play' jid='{ROMEO}'/></pubsub></iq>"
    )
    rosters.let_go()
    told(romeo)
    assert len(list(globe.node("play").subscriptions())) == 1
    globe.service.rosters.forget(JULIET)
    juliet.send(
        f"<iq type='set' id='p' to='{PUBSUB}'><pubsub xmlns='{NS}'>"
        f"<publish node='play'><item id='2'>{ACT}</item></publish></pubsub></iq>"
    )
    change(globe)
    globe.node("play").revision += 1
    rosters.let_go()
    # Whoever was approved of as a contact is so for an owner, too.
    expected = [("play", "item 2 <act>")] if change is approved_of else []
    assert told(romeo) == expected


def test_15_3_who_is_not_on_a_whitelist_is_not_told_though_he_is_subscribed_still(
    globe: Globe, juliet: Person, romeo: Person
) -> None:
    opened(juliet)
    romeo.subscribe("play")
    juliet.publish("play", id_="1")
    assert told(romeo) == [("play", "item 1 <act>")]
    whitelisted(globe)
    juliet.publish("play", id_="2")
    assert told(romeo) == []
    juliet.affiliate("play", romeo="member")
    juliet.publish("play", id_="3")
    assert told(romeo) == [("play", "item 3 <act>")]


def test_6_1_7_who_is_subscribed_no_more_is_not_sent_the_last_item(
    globe: Globe, juliet: Person, romeo: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened(juliet)
    juliet.publish("play", id_="1")
    reading = held(monkeypatch, globe.service.items, "last")
    romeo.subscribe("play")
    juliet.affiliate("play", romeo="outcast")
    reading.let_go()
    assert [event for event in told(romeo) if "item 1 <act>" in event] == []


@pytest.mark.parametrize("model", ["whitelist", "roster"])
def test_0163_4_3_3_who_may_read_no_more_is_not_sent_last_items(
    globe: Globe, juliet: Person, romeo: Person, monkeypatch: pytest.MonkeyPatch, model: str
) -> None:
    node(globe, TUNE, access_model="roster", roster_groups_allowed=("Lovers",))
    juliet.publish(TUNE, id_="1", to="")
    befriend(juliet, romeo)
    juliet.ask(item(str(ROMEO), groups=["Lovers"]), "set", to="")
    told(romeo)
    globe.service.rosters.forget(JULIET)
    read = globe.service.privilege.roster
    rosters = Held(lambda account: Deferred.fromCoroutine(read(account)))
    monkeypatch.setattr(globe.service.privilege, "roster", rosters)
    asked = globe.service.rosters.of(ROMEO)
    later = Deferred.fromCoroutine(asked)
    globe.pump()
    rosters.let_go()
    assert later.called
    want(romeo, TUNE)
    globe.set_up(TUNE, str(JULIET), access_model=model, roster_groups_allowed=("Foes",))
    rosters.let_go()
    globe.pump()
    assert told(romeo) == []


def collected(globe: Globe, juliet: Person, romeo: Person) -> None:
    """A play that everybody may read, in a collection for those who see Juliet's presence."""
    juliet.create("plays", node_type="collection", access_model="presence")
    juliet.create("play", collection="plays")
    befriend(juliet, romeo)
    options = form("subscribe_options", subscription_type="all")
    subscribe = f"<subscribe node='plays' jid='{ROMEO}'/><options>{options}</options>"
    assert romeo.pubsub(subscribe).get("type") == "result"
    juliet.publish("play", id_="1")
    assert told(romeo) == [("play", "item 1 <act>")]


def test_15_3_who_may_see_a_collection_no_more_is_not_told_of_what_is_in_it(
    globe: Globe, juliet: Person, romeo: Person
) -> None:
    collected(globe, juliet, romeo)
    globe.kill()
    juliet.send(f"<presence type='unsubscribed' to='{ROMEO}'/>")
    globe.begin()
    globe.start().pass_time(5)
    juliet.publish("play", id_="2")
    juliet.configure("play", title="Mantua", notify_config="1")
    assert told(romeo) == []


def test_15_3_nor_who_is_not_on_its_whitelist(globe: Globe, juliet: Person, romeo: Person) -> None:
    collected(globe, juliet, romeo)
    globe.set_up("plays", access_model="whitelist")
    juliet.publish("play", id_="2")
    assert told(romeo) == []


def test_6_1_7_who_has_changed_his_options_meanwhile_is_sent_it(
    globe: Globe, juliet: Person, romeo: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened(juliet)
    juliet.publish("play", id_="1")
    reading = held(monkeypatch, globe.service.items, "last")
    romeo.subscribe("play")
    x = form("subscribe_options", **{"show-values": "online"})
    options = f"<options node='play' jid='{ROMEO}'>{x}</options>"
    assert romeo.pubsub(options).get("type") == "result"
    reading.let_go()
    assert told(romeo) == [("play", "item 1 <act>")]


def test_6_1_7_who_subscribes_while_a_roster_is_asked_who_is_told_is_told_once(
    globe: Globe, juliet: Person, romeo: Person, rosters: Held
) -> None:
    juliet.affiliate("play", romeo="member")
    juliet.send(
        f"<iq type='set' id='p' to='{PUBSUB}'><pubsub xmlns='{NS}'>"
        f"<publish node='play'><item id='2'>{ACT}</item></publish></pubsub></iq>"
    )
    assert romeo.subscribe("play").get("type") == "result"
    globe.pump()
    rosters.let_go()
    globe.pump()
    assert told(romeo) == [("play", "item 2 <act>")]
