"""Attempts to reach other servers: how many of them begin in a turn of the reactor."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import CancelledError

from xmppd.core.s2s.attempts import AT_ONCE, Attempts

JULIET = "juliet@capulet.lit"


class Reactor:
    """Turns of a reactor. (A `Clock` calls in one go what is put off again and again.)"""

    def __init__(self) -> None:
        self.calls: list[Callable[[], object]] = []

    def callLater(self, delay: float, call: Callable[[], object]) -> None:
        assert delay == 0
        self.calls.append(call)

    def turn(self) -> None:
        calls, self.calls = self.calls, []
        for call in calls:
            call()


def of(reactor: Any, most: int = 1000) -> Attempts:
    return Attempts(lambda: most, reactor)


def begin(attempts: Attempts, count: int) -> list[int]:
    """Have so many wait for their turn; those that have had it, in order, also later."""
    order: list[int] = []
    for number in range(count):
        attempts.begin(JULIET).addCallback(lambda _, number=number: order.append(number))
    return order


def test_a_few_begin_at_once_and_as_many_in_each_turn_that_follows() -> None:
    reactor = Reactor()
    order = begin(of(reactor), 3 * AT_ONCE + 1)
    for turn in range(1, 4):
        assert order == list(range(turn * AT_ONCE))
        reactor.turn()
    assert order == list(range(3 * AT_ONCE + 1))


def test_in_a_later_turn_they_begin_at_once_again() -> None:
    reactor = Reactor()
    attempts = of(reactor)
    begin(attempts, AT_ONCE)
    reactor.turn()
    assert len(begin(attempts, AT_ONCE)) == AT_ONCE


def test_one_that_ends_in_a_turn_makes_no_more_begin_in_it() -> None:
    reactor = Reactor()
    attempts = of(reactor, 2 * AT_ONCE)
    order = begin(attempts, AT_ONCE + 1)
    attempts.end(JULIET)
    assert len(order) == AT_ONCE
    reactor.turn()
    assert len(order) == AT_ONCE + 1


def test_one_that_is_given_up_takes_nobody_s_turn() -> None:
    reactor = Reactor()
    attempts = of(reactor)
    begin(attempts, AT_ONCE)
    given_up = attempts.begin(JULIET)
    given_up.addErrback(lambda failure: failure.trap(CancelledError))
    order = begin(attempts, AT_ONCE)
    given_up.cancel()
    reactor.turn()
    assert len(order) == AT_ONCE


def test_when_all_have_begun_nothing_is_left_to_be_done() -> None:
    reactor = Reactor()
    begin(of(reactor), 2 * AT_ONCE)
    for _ in range(3):
        reactor.turn()
    assert not reactor.calls
