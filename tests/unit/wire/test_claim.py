"""Who is told that a stanza is in safe hands, and when (XEP-0198 §4: "handled")."""

from __future__ import annotations

import pytest

from xmppd.wire.claim import Claim, secure, settle


class Owner:
    """Counts how often it is told."""

    def __init__(self) -> None:
        self.told = 0
        self.claim = Claim(self.tell)

    def tell(self) -> None:
        self.told += 1


class Keeper:
    """Counts how often it is asked to hasten."""

    def __init__(self) -> None:
        self.asked = 0

    def secure(self) -> None:
        self.asked += 1


@pytest.fixture
def owner() -> Owner:
    return Owner()


@pytest.fixture
def claim(owner: Owner) -> Claim:
    return owner.claim


def test_the_last_to_let_go_has_the_owner_told(owner: Owner, claim: Claim) -> None:
    claim.hold()
    claim.hold()
    for _ in range(2):
        claim.let_go()
        assert (owner.told, claim.pending) == (0, True)
    claim.let_go()
    assert (owner.told, claim.pending) == (1, False)


def test_a_claim_that_nobody_held_is_as_good_as_new() -> None:
    claim = Claim(held=0)
    assert claim.unused
    claim.hold()
    assert not claim.unused


def test_one_that_was_held_is_not_even_when_nobody_holds_it_now() -> None:
    held, safe = Claim(held=0), Claim(held=0)
    held.hold(Keeper())
    held.let_go()
    safe.hold()
    safe.let_go(safe=True)
    assert (held.held, held.unused) == (0, False)
    assert (safe.held, safe.unused) == (0, False)


def test_claims_are_settled_together_and_whoever_else_holds_one_knows(owner: Owner) -> None:
    shared, alone = Claim(), Claim()
    shared.hold()
    settle([None, shared, alone, owner.claim])
    assert (shared.held, shared.taken) == (1, True)
    assert not alone.pending
    assert (owner.told, owner.claim.pending) == (1, False)


def test_it_is_safe_once_somebody_has_it_for_good(claim: Claim) -> None:
    claim.hold()
    claim.hold()
    claim.let_go()
    assert not claim.safe
    claim.let_go(safe=True)
    assert claim.safe
    claim.let_go()
    assert claim.safe


def test_it_is_taken_while_another_holds_it_or_once_it_is_safe(claim: Claim) -> None:
    assert not claim.taken
    claim.hold()
    assert claim.taken
    claim.let_go()
    assert not claim.taken
    claim.let_go(safe=True)
    assert claim.taken


def test_others_may_be_told_too_after_the_owner(owner: Owner, claim: Claim) -> None:
    seen: list[int] = []
    claim.then(lambda: seen.append(owner.told))
    claim.then(lambda: seen.append(-owner.told))
    claim.let_go()
    assert seen == [1, -1]


def test_somebody_may_be_told_where_there_is_no_owner() -> None:
    owner, claim = Owner(), Claim()
    claim.then(owner.tell)
    claim.let_go()
    assert owner.told == 1


def test_it_is_held_as_long_as_its_parts(owner: Owner, claim: Claim) -> None:
    one, other = claim.part(), claim.part()
    claim.let_go()
    one.let_go(safe=True)
    assert owner.told == 0
    other.let_go()
    assert owner.told == 1


def test_what_becomes_of_one_part_says_nothing_of_another(claim: Claim) -> None:
    one, other = claim.part(), claim.part()
    assert not one.taken
    one.let_go(safe=True)
    assert one.taken
    assert not other.taken
    assert not claim.safe


def test_whoever_keeps_it_can_be_asked_to_hasten(claim: Claim) -> None:
    keepers = [Keeper(), Keeper()]
    for keeper in keepers:
        claim.hold(keeper)
    claim.hold()
    claim.secure()
    assert [keeper.asked for keeper in keepers] == [1, 1]


def test_so_can_those_who_keep_its_parts(claim: Claim) -> None:
    keeper = Keeper()
    claim.part().part().hold(keeper)
    claim.secure()
    assert keeper.asked == 1


def test_each_is_asked_once_however_many_claims_it_has() -> None:
    keeper, other = Keeper(), Keeper()
    claims = [Claim(), Claim(), Claim()]
    for claim in claims:
        claim.hold(keeper)
        claim.part().hold(keeper)
    claims[0].part().hold(other)
    secure(claims)
    assert (keeper.asked, other.asked) == (1, 1)


def test_nobody_waits_for_one_that_is_excused(owner: Owner, claim: Claim) -> None:
    """It is held, and its owner told, once."""
    claim.hold()
    claim.excuse()
    assert (owner.told, claim.pending, claim.held) == (1, False, 2)
    claim.excuse()
    claim.let_go()
    claim.let_go()
    assert owner.told == 1


def test_of_a_part_that_is_excused_the_rest_is_waited_for(owner: Owner, claim: Claim) -> None:
    one, other = claim.part(), claim.part()
    claim.let_go()
    one.excuse()
    assert owner.told == 0
    one.let_go()
    other.let_go()
    assert owner.told == 1
