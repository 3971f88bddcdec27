"""Who makes room for others."""

from __future__ import annotations

from xmppd.core.crowds import Crowds


def noted(*domains: str) -> Crowds[int]:
    crowds = Crowds[int]()
    for n, domain in enumerate(domains):
        crowds.note(n, domain)
    return crowds


def test_the_one_that_was_used_longest_ago() -> None:
    crowds = noted("a.lit", "b.lit", "c.lit", "d.lit")
    assert crowds.last(3) == 0
    crowds.note(0, "a.lit")
    assert crowds.last(0) == 1


def test_of_a_server_that_has_more_than_half_of_all_its_own() -> None:
    crowds = noted("a.lit", "b.lit", "m1.x.lit", "m2.x.lit", "x.lit")
    assert crowds.last(4) == 2
    crowds.drop(2)
    crowds.note(5, "b.lit")
    assert crowds.last(5) == 0


def test_for_whomever_room_is_made() -> None:
    crowds = noted("a.lit", "x.lit", "x.lit", "x.lit", "b.lit")
    assert crowds.last(4) == 1


def test_nothing_is_left_of_what_is_gone() -> None:
    crowds = noted("a.lit", "b.lit")
    crowds.drop(0)
    crowds.drop(0)
    crowds.drop(1)
    assert not crowds._all
    assert not crowds._crowds
