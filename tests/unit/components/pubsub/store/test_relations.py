"""Contract of affiliations and subscriptions in the store, over every backend."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import json

from components.pubsub.model.node import Address, Subscription
from components.pubsub.model.options import DEFAULT, SHOW_VALUES, Options
from components.pubsub.model.ranks import Affiliation, State
from components.pubsub.model.settings import AT_DOMAIN, restored, stored
from components.pubsub.store.nodes import SCHEMA, SQLNodes
from components.pubsub.store.relations import At, SQLRelations
from components.pubsub.store.stored import NodeGone, TooManySubscriptions
from tests.support.stores import Backend
from xmppd.jid import JID

PUBSUB = JID.parse("pubsub.capulet.lit")
JULIET, ROMEO, NURSE = (JID.parse(f"{name}@capulet.lit") for name in ("juliet", "romeo", "nurse"))
STREET = JID.parse("romeo@capulet.lit/street")


class Kept:
    """The stores, over one database."""

    def __init__(self, backend: Backend) -> None:
        self.wait = backend.reactor.wait
        self.database = backend.open(SCHEMA)
        self.nodes = SQLNodes(self.database)
        self.relations = SQLRelations(self.database)

    def make(self, name: str, service: JID = PUBSUB, owner: JID = JULIET, **settings: Any) -> int:
        owners = {} if service.local else {owner: Affiliation.OWNER}
        address = Address(service, name)
        return self.wait(
            self.nodes.create(
                address, stored(AT_DOMAIN.change(**settings)), owners, creator=owner, now=1602.0
            )
        )

    def put(self, node: int, *subscriptions: Subscription, most: int = 0) -> None:
        self.wait(self.nodes.subscribe(node, subscriptions, most=most))

    def of(self, name: str, service: JID = PUBSUB) -> list[Subscription]:
        stored = self.wait(self.nodes.load(Address(service, name)))
        return sorted(stored.subscriptions)


@pytest.fixture
def kept(backend: Backend) -> Kept:
    return Kept(backend)


def subscription(
    jid: JID, subid: str = "1", state: State = State.SUBSCRIBED, options: Options = DEFAULT
) -> Subscription:
    return Subscription(jid, subid, state, options)


def test_a_subscription_reads_back_as_it_was_put(kept) -> None:
    node = kept.make("play")
    options = Options(
        deliver=False,
        show_values=frozenset({"chat", "dnd"}),
        subscription_type="nodes",
        subscription_depth="all",
        expire=1610.5,
    )
    all_ = sorted(
        [
            subscription(STREET, "a", State.PENDING, options),
            subscription(ROMEO, "b", options=Options(temporary=True)),
            subscription(JID.parse("rômeo@capulet.lit/bälcony ♥"), "c"),
            subscription(ROMEO, "d", options=Options(show_values=frozenset())),
        ]
    )
    kept.put(node, *all_)
    assert kept.of("play") == all_
    assert all_[0].options.show_values <= SHOW_VALUES


def test_one_of_the_same_subid_takes_its_place(kept) -> None:
    node = kept.make("play")
    kept.put(node, subscription(ROMEO, "1", State.PENDING), subscription(ROMEO, "2"))
    changed = subscription(ROMEO, "1", State.SUBSCRIBED, Options(deliver=False))
    kept.put(node, changed)
    assert kept.of("play") == [changed, subscription(ROMEO, "2")]
    kept.wait(kept.nodes.subscribe(node, [], [changed]))
    assert kept.of("play") == [subscription(ROMEO, "2")]


def test_one_too_many_is_not_kept_nor_what_came_with_it(kept) -> None:
    play, sonnets = kept.make("play"), kept.make("sonnets")
    kept.put(play, subscription(ROMEO, "1"), most=2)
    kept.put(sonnets, subscription(STREET, "2"), most=2)
    with pytest.raises(TooManySubscriptions):
        kept.put(sonnets, subscription(NURSE, "3"), subscription(ROMEO, "4"), most=2)
    assert [each.subid for each in kept.of("sonnets")] == ["2"]
    kept.put(sonnets, subscription(NURSE, "3"), most=2)


def test_what_is_gone_has_no_subscribers(kept) -> None:
    node = kept.make("play")
    kept.wait(kept.nodes.remove(node))
    with pytest.raises(NodeGone):
        kept.put(node, subscription(ROMEO))
    with pytest.raises(NodeGone):
        kept.wait(kept.nodes.affiliate(node, {ROMEO: Affiliation.MEMBER}))
    assert kept.wait(kept.relations.subscriptions(PUBSUB, ROMEO)) == []


def test_affiliations_and_the_subscriptions_that_depend_on_them_change_together(kept) -> None:
    node = kept.make("play")
    pending = subscription(NURSE, "2", State.PENDING)
    kept.put(node, subscription(ROMEO, "1"), pending)
    changes = {ROMEO: Affiliation.OUTCAST, NURSE: Affiliation.MEMBER}
    approved = pending._replace(state=State.SUBSCRIBED)
    kept.wait(kept.nodes.affiliate(node, changes, [approved], [subscription(ROMEO, "1")]))
    stored = kept.wait(kept.nodes.load(Address(PUBSUB, "play")))
    assert stored.affiliations == {JULIET: Affiliation.OWNER, **changes}
    assert list(stored.subscriptions) == [approved]
    kept.wait(kept.nodes.affiliate(node, {ROMEO: Affiliation.NONE}))
    stored = kept.wait(kept.nodes.load(Address(PUBSUB, "play")))
    assert ROMEO not in stored.affiliations


def test_those_of_an_account_at_one_service_with_all_its_resources(kept) -> None:
    play, sonnets = kept.make("play"), kept.make("a sonnet")
    tune = kept.make("tune", JULIET)
    kept.put(play, subscription(ROMEO, "1"), subscription(STREET, "2"), subscription(NURSE, "3"))
    kept.put(sonnets, subscription(STREET, "4", State.PENDING))
    kept.put(tune, subscription(ROMEO, "5"))
    found = kept.wait(kept.relations.subscriptions(PUBSUB, ROMEO))
    assert found == [
        ("a sonnet", subscription(STREET, "4", State.PENDING)),
        ("play", subscription(ROMEO, "1")),
        ("play", subscription(STREET, "2")),
    ]
    assert kept.wait(kept.relations.subscriptions(JULIET, ROMEO)) == [
        ("tune", subscription(ROMEO, "5"))
    ]


def test_affiliations_of_an_account(kept) -> None:
    play, sonnets = kept.make("play"), kept.make("a sonnet")
    kept.wait(kept.nodes.affiliate(play, {ROMEO: Affiliation.PUBLISHER}))
    kept.wait(kept.nodes.affiliate(sonnets, {ROMEO: Affiliation.OUTCAST}))
    found = kept.wait(kept.relations.affiliations(PUBSUB, ROMEO, 10))
    assert found == [("a sonnet", Affiliation.OUTCAST), ("play", Affiliation.PUBLISHER)]
    assert len(kept.wait(kept.relations.affiliations(PUBSUB, ROMEO, 1))) == 1
    assert kept.wait(kept.relations.affiliations(JULIET, ROMEO, 10)) == []


def test_what_is_over_is_found_page_by_page(kept) -> None:
    play, tune = kept.make("play"), kept.make("tune", JULIET)
    until = [Options(expire=float(n)) for n in (10, 20, 30)]
    kept.put(play, subscription(ROMEO, "1", options=until[1]), subscription(NURSE, "2"))
    kept.put(tune, subscription(ROMEO, "3", options=until[0]))
    kept.put(tune, subscription(NURSE, "4", options=until[2]))
    kept.put(tune, subscription(NURSE, "5", options=Options(temporary=True)))
    first, second = At(Address(JULIET, "tune"), "3"), At(Address(PUBSUB, "play"), "1")
    assert kept.wait(kept.relations.ended(20.0, 10)) == [first, second]
    assert kept.wait(kept.relations.ended(20.0, 1)) == [first]
    assert kept.wait(kept.relations.ended(20.0, 1, 1)) == [second]
    assert kept.wait(kept.relations.ended(9.0, 10)) == []


def test_temporary_ones(kept) -> None:
    play = kept.make("play")
    temporary = Options(temporary=True)
    kept.put(play, subscription(STREET, "1", options=temporary), subscription(ROMEO, "2"))
    kept.put(play, subscription(NURSE, "3"))
    assert kept.wait(kept.relations.temporary()) == {ROMEO}
    assert kept.wait(kept.relations.temporary_of(ROMEO)) == [At(Address(PUBSUB, "play"), "1")]
    assert kept.wait(kept.relations.temporary_of(NURSE)) == []
    kept.put(play, subscription(STREET, "1"))
    assert kept.wait(kept.relations.temporary()) == set()


def test_nodes_of_somebody_to_which_a_contact_is_subscribed(kept) -> None:
    play = kept.make("play", access_model="presence")
    theirs = kept.make("their play", owner=NURSE, access_model="presence")
    tune = kept.make("tune", JULIET, access_model="roster")
    anybodys = kept.make("anybody's")  # no roster matters there
    for node in (play, theirs, tune, anybodys):
        kept.put(node, subscription(ROMEO, "1"), subscription(STREET, "2"))
    found = kept.wait(kept.relations.of_contact(JULIET, ROMEO))
    assert sorted(found) == [Address(JULIET, "tune"), Address(PUBSUB, "play")]
    kept.wait(kept.nodes.affiliate(theirs, {JULIET: Affiliation.OWNER}))
    assert len(kept.wait(kept.relations.of_contact(JULIET, ROMEO))) == 2
    assert kept.wait(kept.relations.of_contact(JULIET, NURSE)) == []


def test_those_of_one_jid_at_one_service(kept) -> None:
    play, tune = kept.make("play"), kept.make("tune", JULIET)
    kept.put(play, subscription(ROMEO, "1"), subscription(STREET, "2"))
    kept.put(tune, subscription(STREET, "3"))
    at = kept.wait(kept.relations.of_subscriber(PUBSUB, STREET))
    assert at == [At(Address(PUBSUB, "play"), "2")]


def test_where_somebody_waits(kept) -> None:
    play, sonnets, theirs = (
        kept.make("play"),
        kept.make("a sonnet"),
        kept.make("their play", owner=NURSE),
    )
    for node in (play, sonnets, theirs):
        kept.put(
            node,
            subscription(ROMEO, "1", State.PENDING),
            subscription(STREET, "2", State.PENDING),
        )
    kept.make("calm")
    relations = kept.relations
    assert kept.wait(relations.pending(PUBSUB, JULIET, 10)) == ["a sonnet", "play"]
    assert kept.wait(relations.pending(PUBSUB, JULIET, 1)) == ["a sonnet"]
    assert kept.wait(relations.pending(PUBSUB, ROMEO, 10)) is None
    everybodys = kept.wait(relations.pending(PUBSUB, ROMEO, 10, all_=True))
    assert everybodys == ["a sonnet", "play", "their play"]
    kept.put(play, subscription(ROMEO, "1"), subscription(STREET, "2"))
    assert kept.wait(relations.pending(PUBSUB, JULIET, 10)) == ["a sonnet"]


def test_who_of_many_is_subscribed_to_anything(kept) -> None:
    kept.put(kept.make("play"), subscription(STREET))
    assert kept.wait(kept.relations.subscribed({JULIET, ROMEO, NURSE})) == {ROMEO}


def test_the_nodes_of_one_come_in_pages_each_once(kept) -> None:
    """But none that he waits for (§6.1.4)."""
    play, sonnets = kept.make("play"), kept.make("sonnets", JULIET)
    kept.put(play, subscription(STREET, "1"), subscription(ROMEO, "2"))
    kept.put(sonnets, subscription(ROMEO))
    kept.put(kept.make("tragedy"), subscription(ROMEO, state=State.PENDING))
    kept.put(kept.make("comedy"), subscription(NURSE))
    (first,) = kept.wait(kept.relations.nodes_of(ROMEO, 0, 1))
    (second,) = kept.wait(kept.relations.nodes_of(ROMEO, first.id, 2))
    assert (first.id, first.address, first.items) == (play, Address(PUBSUB, "play"), 0)
    assert (second.id, second.address) == (sonnets, Address(JULIET, "sonnets"))
    assert restored(json.decode(second.settings)) == AT_DOMAIN
    assert kept.wait(kept.relations.nodes_of(ROMEO, second.id, 2)) == []
