"""Who comes, or becomes a contact, is told of last items (XEP-0163 §4.3.3, §4.3.4)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from twisted.internet.defer import Deferred

from components.pubsub.life import last_items
from components.pubsub.life.last_items import AT_ONCE
from components.pubsub.model.node import Address, Node
from components.pubsub.model.ranks import Affiliation
from components.pubsub.store.last_items import OCTETS, SQLLastItems
from tests.support.deferred import result
from tests.support.interests import MOOD, TUNE, node, told, want
from tests.support.people import item
from tests.support.pubsub import E, Globe, Person, befriend
from xmppd import ns
from xmppd.jid import JID

MINE = ""
"""To one's own account."""


@pytest.fixture
def juliet(globe: Globe) -> Person:
    return globe.person("juliet", "balcony")


@pytest.fixture
def romeo(globe: Globe, juliet: Person) -> Person:
    romeo = globe.person("romeo", "orchard")
    befriend(juliet, romeo)
    return romeo


def test_4_3_3_a_contact_that_comes_is_told_of_last_items(juliet, romeo):
    """Of those that his client wants, and from the account's bare JID (§4.3.1)."""
    juliet.publish(TUNE, id_="1", to=MINE)
    juliet.publish(MOOD, id_="2", to=MINE)
    juliet.publish("urn:example:other", id_="3", to=MINE)
    want(romeo, TUNE, MOOD)
    assert sorted(told(romeo)) == [("juliet", MOOD, "2"), ("juliet", TUNE, "1")]
    for message in romeo.messages:
        assert message.get("from") == "juliet@capulet.lit"
        assert message.get("to") == romeo.jid
        assert message.get("type") == "headline"
        assert message.find(f"{{{ns.DELAY}}}delay").get("stamp") == "2006-12-08T01:58:35Z"


def test_0060_13_17_they_tell_whom_replies_go_to(globe, juliet, romeo):
    node(globe, TUNE, itemreply="owner")
    node(globe, MOOD, itemreply="publisher")
    juliet.publish(TUNE, id_="1", to=MINE)
    juliet.publish(MOOD, id_="2", to=MINE)
    want(romeo, TUNE, MOOD)
    items = [each for event in romeo.events() for each in event.iter(f"{E}item")]
    said = {each.get("id"): each.get("publisher") for each in items}
    assert said == {"1": "juliet@capulet.lit", "2": juliet.jid}


def test_4_3_3_what_is_no_initial_presence_brings_nothing_again(juliet, romeo):
    juliet.publish(TUNE, id_="1", to=MINE)
    assert told(want(romeo, TUNE)) == [("juliet", TUNE, "1")]
    assert told(want(romeo, TUNE, show="away")) == []
    romeo.send("<presence><show>dnd</show></presence>")
    assert told(want(romeo, TUNE)) == []


def test_4_3_3_who_went_and_comes_again_is_told_again(juliet, romeo):
    juliet.publish(TUNE, id_="1", to=MINE)
    want(romeo, TUNE).send("<presence type='unavailable'/>")
    told(romeo)
    assert told(want(romeo, TUNE)) == [("juliet", TUNE, "1")]


def test_4_2_a_client_that_gains_an_interest_is_told_of_that_alone(juliet, romeo):
    juliet.publish(TUNE, id_="1", to=MINE)
    juliet.publish(MOOD, id_="2", to=MINE)
    told(want(romeo, TUNE))
    assert told(want(romeo, TUNE, MOOD)) == [("juliet", MOOD, "2")]


def test_4_an_accounts_own_clients_are_told_even_of_what_nobody_else_sees(globe, juliet):
    """§4.3.4: all newly-available resources, including those of the account owner."""
    node(globe, TUNE, access_model="whitelist")
    juliet.publish(TUNE, id_="1", to=MINE)
    chamber = globe.person("juliet", "chamber")
    assert told(want(chamber, TUNE)) == [("juliet", TUNE, "1")]
    assert told(juliet) == []


def test_4_of_all_whose_presence_one_sees(globe, juliet, romeo):
    """In one query: of other contacts, but not of strangers."""
    nurse, paris = globe.person("nurse"), globe.person("paris")
    befriend(nurse, romeo)
    for each in (juliet, nurse, paris, romeo):
        each.publish(TUNE, id_="1", to=MINE)
    romeo.events()
    assert sorted(told(want(romeo, TUNE))) == [
        (name, TUNE, "1") for name in ("juliet", "nurse", "romeo")
    ]


@pytest.mark.parametrize(
    ("access", "affiliation", "is_told"),
    [
        ("presence", "none", True),
        ("open", "none", True),
        ("whitelist", "none", False),
        ("whitelist", "member", True),
        ("authorize", "none", False),
        ("authorize", "member", True),
        ("presence", "outcast", False),
        ("open", "outcast", False),
        ("open", "publish-only", False),
        ("roster", "none", False),
    ],
)
@pytest.mark.parametrize("is_open", [True, False], ids=["open", "closed"])
def test_4_by_access_model_and_affiliation(
    globe, juliet, romeo, access, affiliation, is_told, is_open
):
    """Whether or not the node is in memory."""
    where = node(globe, TUNE, access_model=access)
    ranks = {romeo.jid.bare: Affiliation(affiliation)}
    result(globe.service.store.affiliate(where.id, ranks))
    where.affiliations.update(ranks)
    juliet.publish(TUNE, id_="1", to=MINE)
    if not is_open:
        globe.service.nodes.clear()
    assert bool(told(want(romeo, TUNE))) is is_told


def test_4_the_groups_of_the_owners_roster_decide(globe, juliet, romeo):
    """XEP-0060 §4.5, "roster"."""
    node(globe, TUNE, access_model="roster", roster_groups_allowed=("Lovers",))
    juliet.publish(TUNE, id_="1", to=MINE)
    globe.service.nodes.clear()
    globe.service.rosters.forget(juliet.jid.bare)
    assert told(want(romeo, TUNE)) == []
    romeo.send("<presence type='unavailable'/>").came()
    juliet.ask(item("romeo@capulet.lit", groups=["Lovers"]), "set", to="")
    globe.service.rosters.forget(juliet.jid.bare)
    assert told(want(romeo, TUNE)) == [("juliet", TUNE, "1")]


def test_4_3_4_who_gets_to_see_an_account_is_told_of_its_items(globe, juliet):
    """All new subscribers."""
    romeo = want(globe.person("romeo", "orchard"), TUNE)
    juliet.publish(TUNE, id_="1", to=MINE)
    assert told(romeo) == []
    romeo.send("<presence type='subscribe' to='juliet@capulet.lit'/>")
    juliet.send("<presence type='subscribed' to='romeo@capulet.lit'/>")
    assert told(romeo) == [("juliet", TUNE, "1")]
    juliet.ask(item("romeo@capulet.lit", name="Sweet Montague"), "set", to="")
    assert told(romeo) == []


def test_7_1_who_gets_into_a_group_is_told_of_what_it_sees(globe, juliet, romeo):
    node(globe, TUNE, access_model="roster", roster_groups_allowed=("Lovers",))
    juliet.publish(TUNE, id_="1", to=MINE)
    juliet.publish(MOOD, id_="2", to=MINE)
    assert told(want(romeo, TUNE, MOOD)) == [("juliet", MOOD, "2")]
    juliet.ask(item("romeo@capulet.lit", groups=["Lovers"]), "set", to="")
    assert told(romeo) == [("juliet", TUNE, "1")]
    juliet.ask(item("romeo@capulet.lit", groups=["Lovers", "Montagues"]), "set", to="")
    assert told(romeo) == []


@pytest.mark.parametrize(
    ("before", "now", "is_told"),
    [
        ({"access_model": "whitelist"}, {"access_model": "presence"}, True),
        ({"access_model": "authorize"}, {"access_model": "open"}, True),
        ({"access_model": "roster"}, {"roster_groups_allowed": "Lovers"}, True),
        ({"access_model": "presence"}, {"access_model": "open"}, False),
        ({"access_model": "presence"}, {"title": "What I hear"}, False),
        ({"access_model": "whitelist"}, {"access_model": "authorize"}, False),
        ({"access_model": "open"}, {"access_model": "whitelist"}, False),
    ],
    ids=str,
)
def test_0060_13_2_who_is_let_in_by_a_node_is_told_of_its_last_item(
    globe, juliet, romeo, before, now, is_told
):
    """Who was in already is told nothing, and once more of nothing else."""
    juliet.ask(item("romeo@capulet.lit", groups=["Lovers"]), "set", to="")
    node(globe, TUNE, **before)
    juliet.publish(TUNE, id_="1", to=MINE)
    juliet.publish(MOOD, id_="2", to=MINE)
    told(want(romeo, TUNE, MOOD))
    assert juliet.configure(TUNE, to=MINE, **now).get("type") == "result"
    assert told(romeo) == ([("juliet", TUNE, "1")] if is_told else [])


def test_0060_13_2_who_has_waited_for_approval_is_told_once(globe, juliet, romeo):
    """By his subscription, which nobody has to approve any more."""
    node(globe, TUNE, access_model="authorize")
    juliet.publish(TUNE, id_="1", to=MINE)
    romeo.subscribe(TUNE, to=juliet.jid.bare)
    assert told(want(romeo, TUNE)) == []
    juliet.configure(TUNE, to=MINE, access_model="presence")
    assert told(romeo) == [("juliet", TUNE, "1")]


@pytest.mark.parametrize(
    "settings",
    [
        {"send_last_published_item": "never"},
        {"send_last_published_item": "on_sub"},
        {"deliver_notifications": False},
    ],
    ids=str,
)
def test_5_a_node_may_send_none(globe, juliet, romeo, settings):
    """`send_last_published_item`, as bookmarks have it (XEP-0402 §3.3)."""
    node(globe, TUNE, **settings)
    juliet.publish(TUNE, id_="1", to=MINE)
    assert told(want(romeo, TUNE)) == []


def test_4_3_3_who_is_blocked_is_told_nothing(juliet, romeo):
    """XEP-0191."""
    juliet.publish(TUNE, id_="1", to=MINE)
    juliet.ask(f"<block xmlns='{ns.BLOCKING}'><item jid='romeo@capulet.lit'/></block>", "set", "")
    assert told(want(romeo, TUNE)) == []
    juliet.publish(TUNE, id_="2", to=MINE)
    assert told(romeo) == []


def test_the_last_item_of_a_node_that_keeps_none(globe, juliet, romeo):
    """XEP-0060 §13.10."""
    node(globe, TUNE, persist_items=False)
    juliet.publish(TUNE, id_="1", to=MINE)
    globe.service.nodes.clear()
    assert [each[:2] for each in told(want(romeo, TUNE))] == [("juliet", TUNE)]


class Slow:
    """What the store finds of last items is given only when it is to go on."""

    def __init__(self, globe: Globe, monkeypatch: pytest.MonkeyPatch) -> None:
        self._waiting: list[tuple[Deferred[Any], Any]] = []
        find = SQLLastItems.find

        def slowly(*args: Any) -> Deferred[Any]:
            later: Deferred[Any] = Deferred()
            self._waiting.append((later, result(find(*args))))
            return later

        monkeypatch.setattr(SQLLastItems, "find", slowly)
        self._globe = globe

    def go_on(self) -> None:
        assert self._waiting, "nothing was looked for"
        for later, found in self._waiting:
            later.callback(found)
        self._globe.pump()


@pytest.fixture
def slow(globe: Globe, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Slow]:
    return lambda: Slow(globe, monkeypatch)


def node_of(globe: Globe) -> Node:
    found = globe.service.nodes.at_hand(Address(JID.parse("juliet@capulet.lit"), TUNE))
    assert found is not None
    return found


def test_nobody_is_told_of_an_older_item_behind_a_newer(globe, juliet, romeo, slow):
    """What was found before the new one was published is not sent."""
    juliet.publish(TUNE, id_="old", to=MINE)
    slowly = slow()
    want(romeo, TUNE)
    juliet.publish(TUNE, id_="new", to=MINE)
    slowly.go_on()
    found = [id_ for _, _, id_ in told(romeo)]
    assert set(found) == {"new"}


def test_what_is_retracted_meanwhile_is_not_sent(globe, juliet, romeo, slow):
    node(globe, TUNE, max_items=5)
    juliet.publish(TUNE, id_="1", to=MINE)
    juliet.publish(TUNE, id_="2", to=MINE)
    slowly = slow()
    want(romeo, TUNE)
    retracting = globe.service.publishing.retract(node_of(globe), ["2"], notify=True)
    result(Deferred.fromCoroutine(retracting))
    slowly.go_on()
    assert told(romeo)[-1] == ("juliet", TUNE, "1")


@pytest.mark.parametrize("purged", [True, False])
def test_what_goes_meanwhile_is_not_sent_where_nobody_is_told_of_it(
    globe, juliet, romeo, slow, purged
):
    node(globe, TUNE, max_items=5, notify_retract=False)
    for id_ in "12":
        juliet.publish(TUNE, id_=id_, to=MINE)
    slowly = slow()
    want(romeo, TUNE)
    if purged:
        juliet.pubsub(f"<purge node='{TUNE}'/>", to=MINE, owner=True)
    else:
        juliet.retract(TUNE, "2", MINE)
    slowly.go_on()
    assert told(romeo) == ([] if purged else [("juliet", TUNE, "1")])


def test_what_is_too_old_is_not_sent_though_it_is_there_still(globe, juliet, romeo):
    node(globe, TUNE, item_expire=5)
    juliet.publish(TUNE, id_="1", to=MINE)
    globe.pass_time(10)
    assert globe.service.items.last(node_of(globe).id, 1).result, "it has yet to be deleted"
    want(romeo, TUNE)
    assert told(romeo) == []


def test_who_has_gone_meanwhile_is_sent_nothing(globe, juliet, romeo, slow):
    juliet.publish(TUNE, id_="1", to=MINE)
    slowly = slow()
    want(romeo, TUNE)
    romeo.send("<presence type='unavailable'/>")
    slowly.go_on()
    assert told(romeo) == []


def test_a_node_that_was_closed_meanwhile_tells_nothing(globe, juliet, romeo, slow):
    juliet.publish(TUNE, id_="1", to=MINE)
    slowly = slow()
    want(romeo, TUNE)
    where = node_of(globe)
    where.settings = where.settings.change(access_model="whitelist")
    slowly.go_on()
    assert told(romeo) == []


def test_4_3_3_of_a_large_one_too(globe, juliet, romeo):
    """It is read by itself."""
    large = f"<act xmlns='urn:example:play'>{'x' * 2 * OCTETS}</act>"
    juliet.publish(TUNE, large, id_="1", to=MINE)
    globe.service.nodes.clear()
    want(romeo, TUNE)
    assert told(romeo) == [("juliet", TUNE, "1")]


def test_so_many_wait_and_no_more(globe, juliet, monkeypatch):
    """As when the server takes nothing, and people come and go."""
    juliet.publish(TUNE, id_="1", to=MINE)
    monkeypatch.setattr(last_items, "MOST_WAITING", 3)
    with monkeypatch.context() as patched:
        patched.setattr(type(globe.component), "behind", True)
        clients = [want(globe.person("juliet", f"r{n}"), TUNE) for n in range(AT_ONCE + 5)]
    globe.pass_time(1)
    some = [bool(told(each)) for each in clients]
    assert some == [True] * AT_ONCE + [False] * 2 + [True] * 3
