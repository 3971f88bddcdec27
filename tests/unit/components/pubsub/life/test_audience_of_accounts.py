"""Who is told of what an account publishes (XEP-0163 §4)."""

from __future__ import annotations

import pytest
from twisted.internet.defer import Deferred

from components.pubsub.model.node import Address
from components.pubsub.store.nodes import SQLNodes
from tests.support.interests import MOOD, TUNE, node, told, want
from tests.support.people import item
from tests.support.pubsub import E, Globe, Person, befriend, form
from xmppd import ns

MINE = ""
RACE = (
    "<iq type='set' id='{0}'><pubsub xmlns='http://jabber.org/protocol/pubsub'>"
    "<publish node='urn:example:race'><item id='{0}'><a xmlns='urn:example:a'/></item></publish>"
    f"<publish-options>{form('publish-options', max_items='max')}</publish-options></pubsub></iq>"
)
JULIET = "juliet@capulet.lit"


@pytest.fixture
def juliet(globe: Globe) -> Person:
    return globe.person("juliet", "balcony")


@pytest.fixture
def romeo(globe: Globe, juliet: Person) -> Person:
    romeo = globe.person("romeo", "orchard")
    befriend(juliet, romeo)
    return romeo


def test_4_2_only_who_wants_it_is_told(globe, juliet, romeo):
    nurse, paris = globe.person("nurse"), globe.person("paris")
    befriend(juliet, nurse)
    for each, wanted in ((romeo, TUNE), (nurse, MOOD), (paris, TUNE)):
        want(each, wanted)
    juliet.publish(TUNE, id_="1", to=MINE)
    assert [told(each) for each in (romeo, nurse, paris)] == [[("juliet", TUNE, "1")], [], []]


def test_4_3_1_from_the_bare_jid_to_full_jids(globe, juliet, romeo):
    want(romeo, TUNE)
    juliet.publish(TUNE, id_="1", to=MINE)
    told(romeo)
    (message,) = romeo.messages
    assert message.get("from") == JULIET
    assert message.get("to") == romeo.jid
    assert message.get("type") == "headline"


def test_4_3_2_each_resource_that_wants_it_once(globe, juliet, romeo):
    want(romeo, TUNE)
    street, silent = want(globe.person("romeo", "street"), TUNE), globe.person("romeo", "silent")
    juliet.publish(TUNE, id_="1", to=MINE)
    assert [len(told(each)) for each in (romeo, street, silent)] == [1, 1, 0]


def test_4_the_accounts_own_resources_are_told_the_publishing_one_too(globe, juliet):
    """Subject to what they want."""
    chamber = want(globe.person("juliet", "chamber"), TUNE)
    want(juliet, TUNE)
    silent = globe.person("juliet", "silent")
    juliet.publish(TUNE, id_="1", to=MINE)
    assert [len(told(each)) for each in (juliet, chamber, silent)] == [1, 1, 0]


def test_who_has_subscribed_as_well_is_told_once(globe, juliet, romeo):
    """XEP-0060 §7.1.2."""
    want(romeo, TUNE)
    node(globe, TUNE)
    romeo.subscribe(TUNE, to=JULIET)
    romeo.events()
    juliet.publish(TUNE, id_="1", to=MINE)
    assert told(romeo) == [("juliet", TUNE, "1")]


def test_4_of_those_who_see_nobody_but_are_let_in_nobody_is_told(globe, juliet):
    """An open node tells strangers nothing that have not subscribed."""
    paris = want(globe.person("paris"), TUNE)
    node(globe, TUNE, access_model="open")
    juliet.publish(TUNE, id_="1", to=MINE)
    assert told(paris) == []


def test_4_an_open_node_tells_who_has_subscribed(globe, juliet):
    paris = want(globe.person("paris"), TUNE)
    node(globe, TUNE, access_model="open")
    paris.subscribe(TUNE, to=JULIET)
    juliet.publish(TUNE, id_="1", to=MINE)
    assert told(paris) == [("juliet", TUNE, "1")]


@pytest.mark.parametrize(
    ("access", "expected"),
    [("open", 1), ("presence", 1), ("whitelist", 0), ("authorize", 0), ("roster", 0)],
)
def test_5_access_models_are_in_force_at_once(globe, juliet, romeo, access, expected):
    """XEP-0060 §8.2: with the next event."""
    want(romeo, TUNE)
    node(globe, TUNE, access_model="whitelist" if expected else "presence")
    juliet.publish(TUNE, id_="1", to=MINE)
    assert len(told(romeo)) == 1 - expected
    assert juliet.configure(TUNE, JULIET, access_model=access).get("type") == "result"
    told(romeo)
    juliet.publish(TUNE, id_="2", to=MINE)
    assert len(told(romeo)) == expected


def test_7_1_who_sees_an_account_no_more_is_told_nothing(globe, juliet, romeo):
    want(romeo, TUNE)
    juliet.send("<presence type='unsubscribed' to='romeo@capulet.lit'/>")
    juliet.publish(TUNE, id_="1", to=MINE)
    assert told(romeo) == []


def test_7_1_who_leaves_a_group_is_told_nothing(globe, juliet, romeo):
    want(romeo, TUNE)
    node(globe, TUNE, access_model="roster", roster_groups_allowed=("Lovers", "Friends"))
    juliet.ask(item("romeo@capulet.lit", groups=["Lovers"]), "set", to="")
    juliet.publish(TUNE, id_="1", to=MINE)
    juliet.ask(item("romeo@capulet.lit", groups=["Foes"]), "set", to="")
    juliet.publish(TUNE, id_="2", to=MINE)
    assert told(romeo) == [("juliet", TUNE, "1")]


def test_4_3_3_blocked_contacts_are_told_nothing_and_others_are(globe, juliet, romeo):
    """Also where one message goes to many (XEP-0191, XEP-0016)."""
    people = [globe.person(name) for name in ("nurse", "mercutio", "benvolio", "paris")]
    befriend(juliet, *people)
    for each in (romeo, *people):
        want(each, TUNE)
    block = f"<block xmlns='{ns.BLOCKING}'><item jid='romeo@capulet.lit'/></block>"
    juliet.ask(block, "set", to="")
    romeo.events()
    juliet.publish(TUNE, id_="1", to=MINE)
    assert told(romeo) == []
    assert [len(told(each)) for each in people] == [1] * 4


def test_4_many_contacts_are_told_by_one_stanza(globe, juliet, romeo):
    """XEP-0356 around XEP-0033."""
    people = [romeo, *(globe.person(n) for n in ("nurse", "mercutio", "benvolio", "paris"))]
    befriend(juliet, *people[1:])
    for each in people:
        want(each, TUNE)
    juliet.publish(TUNE, id_="1", to=MINE)
    assert [len(told(each)) for each in people] == [1] * 5
    for each in people:
        (message,) = each.messages
        assert not [a for a in message.iter(f"{{{ns.ADDRESS}}}address") if a.get("type") == "bcc"]
        assert message.get("from") == JULIET


def test_3_nothing_is_tied_to_the_presence_of_who_publishes(globe, juliet, romeo):
    want(romeo, TUNE)
    juliet.send("<presence type='unavailable'/>")
    told(romeo)
    juliet.publish(TUNE, id_="1", to=MINE)
    assert told(romeo) == [("juliet", TUNE, "1")]


def test_3_a_node_is_made_once_though_two_publish_at_once(globe, juliet, monkeypatch):
    """Auto-create: both have found none, and neither is refused."""
    chamber = globe.person("juliet", "chamber")
    reading: list[Deferred[None]] = []

    def slowly(store: SQLNodes, address: Address) -> Deferred[None]:
        reading.append(Deferred())
        return reading[-1]

    with monkeypatch.context() as patched:
        patched.setattr(SQLNodes, "load", slowly)
        for each in (juliet, chamber):
            each.send(RACE.format(each.jid.resource))
        assert reading
    for each in reading:
        each.callback(None)
    for each in (juliet, chamber):
        answers = [one.get("type") for one in each.came() if one.get("id") == each.jid.resource]
        assert answers == ["result"]
    assert sorted(juliet.ids("urn:example:race", MINE)) == ["balcony", "chamber"]


def test_2_2_nobody_else_publishes_or_creates_at_an_account(globe, juliet, romeo):
    assert romeo.publish(TUNE, to=JULIET).get("type") == "error"
    assert romeo.create(TUNE, to=JULIET).get("type") == "error"
    assert juliet.items(TUNE, MINE).get("type") == "error"


def test_4_3_1_no_stranger_is_told_the_publishing_resource(globe, juliet, romeo):
    """No "replyto" for who has merely subscribed (MUST NOT)."""
    node(globe, TUNE, access_model="open")
    paris = globe.person("paris")
    paris.subscribe(TUNE, to=JULIET)
    want(paris, TUNE)
    juliet.publish(TUNE, id_="1", to=MINE)
    event = paris.event()
    assert event.find(f"{E}items") is not None
    assert paris.messages[0].find(f"{{{ns.ADDRESS}}}addresses") is None
