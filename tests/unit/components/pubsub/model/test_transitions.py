"""How affiliations may change (XEP-0060 §4.1, the second table; §8.9.2.4)."""

from __future__ import annotations

from components.pubsub.model.node import Address, Node
from components.pubsub.model.ranks import Affiliation
from components.pubsub.model.settings import AT_DOMAIN
from components.pubsub.model.transitions import refused
from xmppd.jid import JID

JULIET, ROMEO, NURSE = (JID.parse(f"{name}@capulet.lit") for name in ("juliet", "romeo", "nurse"))
NONE, OWNER = Affiliation.NONE, Affiliation.OWNER
MEMBER, PUBLISHER = Affiliation.MEMBER, Affiliation.PUBLISHER


def node(service: str = "pubsub.capulet.lit", **ranks: Affiliation) -> Node:
    made = Node(1, Address(JID.parse(service), "play"), AT_DOMAIN, JULIET, 0.0)
    made.affiliations = {JID.parse(f"{name}@capulet.lit"): rank for name, rank in ranks.items()}
    return made


def test_8_9_2_4_the_last_owner_stays() -> None:
    assert refused(node(juliet=OWNER), {JULIET: NONE, ROMEO: MEMBER}) == {JULIET}


def test_8_9_2_4_of_all_owners_none_goes_where_all_would() -> None:
    both = node(juliet=OWNER, romeo=OWNER)
    assert refused(both, {JULIET: NONE, ROMEO: NONE}) == {JULIET, ROMEO}
    assert refused(both, {JULIET: NONE}) == set()


def test_8_9_2_4_whom_another_follows_may_go_whatever_the_order() -> None:
    one = node(juliet=OWNER)
    assert refused(one, {JULIET: NONE, ROMEO: OWNER}) == set()
    assert refused(one, {ROMEO: OWNER, JULIET: NONE}) == set()


def test_8_9_2_4_who_can_not_become_one_does_not_follow() -> None:
    two = node(juliet=OWNER, romeo=OWNER)
    # An owner is made no member: so he stays one, and the other may go.
    assert refused(two, {JULIET: NONE, ROMEO: MEMBER}) == {ROMEO}


def test_4_1_a_step_that_is_not_in_the_table() -> None:
    assert refused(node(juliet=OWNER, romeo=PUBLISHER), {ROMEO: MEMBER}) == {ROMEO}
    assert refused(node(juliet=OWNER, romeo=MEMBER), {ROMEO: PUBLISHER}) == set()


def test_xep_0163_3_an_account_stays_the_owner_of_its_own() -> None:
    own = node("juliet@capulet.lit", romeo=OWNER)
    assert refused(own, {JULIET: NONE}) == {JULIET}
    assert refused(own, {JULIET: OWNER, ROMEO: NONE}) == set()


def test_a_node_without_any_owner_may_be_given_one_or_none() -> None:
    """Who runs the service owns it all the same."""
    assert refused(node(), {NURSE: MEMBER}) == set()
    assert refused(node(), {NURSE: OWNER}) == set()
