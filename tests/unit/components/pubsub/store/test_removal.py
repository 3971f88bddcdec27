"""Contract of `store.SQLRemoval`, over every backend."""

from __future__ import annotations

import pytest

from components.pubsub.model.node import Address, Subscription
from components.pubsub.model.ranks import Affiliation, State
from components.pubsub.model.settings import AT_DOMAIN, stored
from components.pubsub.store.nodes import SQLNodes
from components.pubsub.store.removal import Concerned, SQLRemoval
from components.pubsub.store.stored import Moved
from xmppd.jid import JID
from xmppd.storage.interfaces import Database

PUBSUB = JID.parse("pubsub.shakespeare.lit")
HAMLET, OPHELIA = map(JID.parse, ("hamlet@denmark.lit", "ophelia@denmark.lit"))
OWNER, MEMBER = Affiliation.OWNER, Affiliation.MEMBER


@pytest.fixture
def nodes(database: Database) -> SQLNodes:
    return SQLNodes(database)


@pytest.fixture
def removal(database: Database) -> SQLRemoval:
    return SQLRemoval(database)


@pytest.fixture
def node(wait, nodes):
    def node(name: str, service: JID = PUBSUB, settings=AT_DOMAIN, **ranks: Affiliation) -> int:
        affiliations = {JID.parse(f"{who}@denmark.lit"): rank for who, rank in ranks.items()}
        creating = nodes.create(
            Address(service, name), stored(settings), affiliations, creator=HAMLET, now=1602.0
        )
        return wait(creating)

    return node


def test_nodes_are_found_with_which_an_account_has_to_do(wait, nodes, removal, node) -> None:
    his = node("his", hamlet=OWNER)
    ours = node("ours", hamlet=OWNER, ophelia=OWNER)
    member = node("member", hamlet=MEMBER, ophelia=OWNER)
    read = node("read", ophelia=OWNER)
    node("hers", ophelia=OWNER)
    friend = node("friend", service=OPHELIA, hamlet=OWNER)
    full = HAMLET.with_resource("elsinore")
    wait(nodes.subscribe(read, [Subscription(full, "s", State.PENDING)]))
    wait(nodes.subscribe(his, [Subscription(HAMLET, "s", State.SUBSCRIBED)]))
    at = Address
    expected = [
        Concerned(his, at(PUBSUB, "his"), True),
        Concerned(ours, at(PUBSUB, "ours"), False),
        Concerned(member, at(PUBSUB, "member"), False),
        Concerned(read, at(PUBSUB, "read"), False),
        Concerned(friend, at(OPHELIA, "friend"), False),
    ]
    assert wait(removal.concerned(HAMLET, 9)) == expected
    assert wait(removal.concerned(HAMLET, 2)) == expected[:2]
    wait(removal.forget(HAMLET, [each.id for each in expected[:4]]))
    assert wait(removal.concerned(HAMLET, 9)) == expected[4:]
    kept = wait(nodes.load(at(PUBSUB, "ours")))
    assert kept.affiliations == {OPHELIA: OWNER}
    assert wait(nodes.load(at(PUBSUB, "read"))).subscriptions == []


def test_settings_are_found_that_name_an_account(wait, removal, node) -> None:
    odd = JID.of(r"o\5c_%!", "denmark.lit")
    first = node("first", settings=AT_DOMAIN.change(contact=(str(odd), "a@b.lit")))
    second = node("second", settings=AT_DOMAIN.change(contact=("a@b.lit",)))
    found = wait(removal.named(odd, 0, 9))
    assert found == [(first, Address(PUBSUB, "first"))]
    a = JID.parse("a@b.lit")
    assert [id_ for id_, _ in wait(removal.named(a, 0, 9))] == [first, second]
    assert [id_ for id_, _ in wait(removal.named(a, 0, 1))] == [first]
    assert [id_ for id_, _ in wait(removal.named(a, first, 9))] == [second]
    assert wait(removal.named(JID.parse("b.lit"), 0, 9)) == []


def test_what_an_account_has_made_is_the_services_and_where_it_has_gone_is_forgotten(
    wait, nodes, removal, node
) -> None:
    node("ours", hamlet=OWNER, ophelia=OWNER)
    id_ = wait(removal.concerned(HAMLET, 1))[0].id
    wait(nodes.remove(node("gone", hamlet=OWNER), Moved("xmpp:denmark.lit", 1603.0, 9)))
    wait(removal.forget(HAMLET, [id_]))
    wait(removal.disown(HAMLET))
    assert wait(nodes.load(Address(PUBSUB, "ours"))).creator == PUBSUB
    assert wait(nodes.moved(Address(PUBSUB, "gone"))) == ""
