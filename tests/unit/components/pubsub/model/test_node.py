"""A node's subscriptions in memory."""

from __future__ import annotations

from components.pubsub.model.node import Address, Node, Subscription
from components.pubsub.model.options import Options
from components.pubsub.model.ranks import Affiliation, State
from components.pubsub.model.settings import AT_DOMAIN
from xmppd.jid import JID

ROMEO = JID.parse("romeo@capulet.lit")
STREET = JID.parse("romeo@capulet.lit/street")
JULIET = JID.parse("juliet@capulet.lit")
NURSE = JID.parse("nurse@capulet.lit")


def node() -> Node:
    return Node(1, Address(JID.parse("pubsub.capulet.lit"), "play"), AT_DOMAIN, NURSE, 0.0)


def subscription(jid: JID, subid: str, **options: object) -> Subscription:
    return Subscription(jid, subid, State.SUBSCRIBED, Options(**options))  # type: ignore[arg-type]


def test_subscriptions_are_found_by_jid_and_by_account() -> None:
    play = node()
    first, second, third = (
        subscription(jid, str(n)) for n, jid in enumerate((ROMEO, STREET, NURSE))
    )
    for each in (first, second, third):
        play.put(each)
    assert play.of_jid(ROMEO) == [first]
    assert play.of_jid(STREET) == [second]
    assert play.of_account(ROMEO) == [first, second]
    assert sorted(play.subscriptions()) == sorted([first, second, third])
    assert sorted(map(len, play.by_account())) == [1, 2]


def test_they_are_counted_and_each_change_is_another_revision() -> None:
    play = node()
    one = subscription(ROMEO, "1")
    play.put(one)
    revision = play.revision
    play.put(one._replace(options=Options(deliver=False)))
    assert (play.subscribed, len(play.of_jid(ROMEO))) == (1, 1)
    assert play.revision > revision
    play.drop(one)
    play.drop(one)
    assert (play.subscribed, play.of_account(ROMEO), list(play.by_account())) == (0, [], [])
    assert play.weight == node().weight


def test_it_weighs_what_it_has() -> None:
    weights = [node().weight]
    play = node()
    play.put(subscription(ROMEO, "1"))
    play.put(subscription(ROMEO, "1", deliver=False))
    weights.append(play.weight)
    play.put(subscription(JID.parse(f"romeo@capulet.lit/{'x' * 1_000}"), "2"))
    weights.append(play.weight)
    play.affiliations[JID.parse(f"{'n' * 1_000}@capulet.lit")] = Affiliation.MEMBER
    weights.append(play.weight)
    play.settings = play.settings.change(description="x" * 1_000)
    weights.append(play.weight)
    least = [0, 600, 3_000, 3_000, 1_000]
    gained = [after - before for before, after in zip([0, *weights], weights, strict=False)]
    assert all(one >= other for one, other in zip(gained, least, strict=True))


def test_13_17_one_owner_stands_for_them_all() -> None:
    """Who has made it, then the least of them, in whatever order they have become owners."""
    play = node()
    assert play.owner is None
    for ranks, expected in (
        ((STREET.bare,), ROMEO),
        ((ROMEO, JULIET), JULIET),
        ((JULIET, ROMEO), JULIET),
        ((JULIET, NURSE), NURSE),
    ):
        play.affiliations = dict.fromkeys(ranks, Affiliation.OWNER)
        assert play.owner == expected
    account = Node(1, Address(ROMEO, "play"), AT_DOMAIN, ROMEO, 0.0)
    account.affiliations[JULIET] = Affiliation.OWNER
    assert account.owner == ROMEO
