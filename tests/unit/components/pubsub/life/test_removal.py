"""Removed accounts are forgotten (docs/writing-a-component.md, accounts)."""

from __future__ import annotations

import pytest
from twisted.internet.defer import Deferred

from components.pubsub.life import removal
from components.pubsub.model.node import Address, Node
from components.pubsub.model.ranks import Affiliation
from tests.support.deferred import result
from tests.support.pubsub import PUBSUB, E, Globe, Person, befriend, error
from tests.support.server import DOMAIN
from xmppd.jid import JID

ROMEO, JULIET = JID.parse(f"romeo@{DOMAIN}"), JID.parse(f"juliet@{DOMAIN}")


def remove(globe: Globe, account: JID) -> None:
    globe.server.done(globe.server.host.administrator.remove(account))
    globe.pump()


def opened(globe: Globe, name: str, service: str = PUBSUB) -> Node | None:
    return result(
        Deferred.fromCoroutine(globe.service.nodes.open(Address(JID.parse(service), name)))
    )


def affiliate(globe: Globe, name: str, jid: JID, rank: Affiliation) -> None:
    node = opened(globe, name)
    assert node is not None
    result(globe.service.store.affiliate(node.id, {jid: rank}))
    node.affiliations[jid] = rank


def test_its_own_nodes_are_gone_and_who_has_the_account_next_inherits_nothing(
    globe: Globe, juliet: Person, romeo: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(removal, "SLICE", 2)
    befriend(juliet, romeo)
    for n in range(5):
        romeo.publish(f"n{n}", to="")
    remove(globe, ROMEO)
    globe.server.account("romeo")
    again = globe.person("romeo")
    for n in range(5):
        assert error(again.items(f"n{n}", to="")) == ("item-not-found",)
    globe.again()
    assert opened(globe, "n0", ROMEO) is None


def test_a_node_that_nobody_else_owns_goes_and_its_subscribers_are_told(
    globe: Globe, juliet: Person, romeo: Person
) -> None:
    romeo.create("sonnets")
    juliet.subscribe("sonnets")
    remove(globe, ROMEO)
    (told,) = juliet.event()
    assert (told.tag, told.get("node")) == (f"{E}delete", "sonnets")
    assert error(juliet.items("sonnets")) == ("item-not-found",)


def test_a_node_that_somebody_else_owns_too_stays_his(
    globe: Globe, juliet: Person, romeo: Person
) -> None:
    romeo.create("sonnets")
    affiliate(globe, "sonnets", JULIET, Affiliation.OWNER)
    remove(globe, ROMEO)
    globe.server.account("romeo")
    again = globe.person("romeo")
    assert juliet.publish("sonnets", id_="1").get("type") == "result"
    assert error(again.publish("sonnets")) == ("forbidden",)
    globe.again()
    node = opened(globe, "sonnets")
    assert node is not None
    assert node.creator == JID.parse(PUBSUB), "whom nobody has asked has not made it"
    assert node.owners == [JULIET]


def test_subscriptions_and_affiliations_are_gone(
    globe: Globe, juliet: Person, romeo: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(removal, "SLICE", 2)
    for n in range(5):
        juliet.create(f"play{n}", access_model="whitelist")
        affiliate(globe, f"play{n}", ROMEO, Affiliation.MEMBER)
        assert romeo.subscribe(f"play{n}", jid=str(romeo.jid)).get("type") == "result"
    remove(globe, ROMEO)
    for _ in range(2):
        for n in range(5):
            node = opened(globe, f"play{n}")
            assert node is not None
            assert list(node.subscriptions()) == []
            assert node.affiliation(ROMEO) is Affiliation.NONE
        globe.again()


def test_no_settings_name_it(globe: Globe, juliet: Person, romeo: Person) -> None:
    people = ["romeo@capulet.lit", "nurse@capulet.lit"]
    juliet.create(
        "blogs",
        node_type="collection",
        children_association_policy="whitelist",
        children_association_whitelist=people,  # type: ignore[arg-type]
        contact=people,  # type: ignore[arg-type]
        title="romeo@capulet.lit",
    )
    remove(globe, ROMEO)
    for _ in range(2):
        node = opened(globe, "blogs")
        assert node is not None
        assert node.settings.contact == ("nurse@capulet.lit",)
        assert node.settings.children_association_whitelist == ("nurse@capulet.lit",)
        assert node.settings.title == "romeo@capulet.lit"
        globe.again()


def test_who_made_as_many_nodes_as_he_might_leaves_none_of_them_to_an_heir() -> None:
    globe = Globe(nodes=1).start()
    romeo = globe.person("romeo")
    romeo.create("sonnets")
    affiliate(globe, "sonnets", JULIET, Affiliation.OWNER)
    remove(globe, ROMEO)
    globe.server.account("romeo")
    again = globe.person("romeo")
    assert again.create("letters").get("type") == "result"
