"""Attempts to reach other servers: how many of them begin in a turn of the reactor."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from twisted.internet.defer import CancelledError

from xmppd.core.s2s import attempts as attempts_module
from xmppd.core.s2s.attempts import AT_ONCE, Attempts, stranger
from xmppd.errors import StanzaError

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


def test_where_many_wait_each_has_less_room(monkeypatch: pytest.MonkeyPatch) -> None:
    """Some users that reach for a thousand domains each would have all places there are."""
    monkeypatch.setattr(attempts_module, "CROWD", 30)
    monkeypatch.setattr(attempts_module, "WAITING_IN_A_CROWD", 5)
    attempts = of(Reactor(), 1)
    attempts.begin("nurse@capulet.lit")
    waiting = [attempts.begin(f"{who}@capulet.lit") for who in "abcd" for _ in range(20)]
    for each in waiting:
        each.addErrback(lambda failure: failure.trap(StanzaError))
    assert attempts.waiting == 20 + 10 + 5 + 5


# ---------------------------------------------------------------------- strangers


def crowd(attempts: Attempts, reactor: Reactor, *who: str) -> list[str]:
    """Who of these has had a turn, in order."""
    order: list[str] = []
    for each in who:
        attempts.begin(each).addCallback(lambda _, each=each: order.append(each))
    for _ in range(20):
        reactor.turn()
    return order


def test_strangers_have_half_of_all_together_and_each_of_them_half_of_that() -> None:
    reactor = Reactor()
    attempts = of(reactor, 16)
    one, two, three = map(stranger, ("192.0.2.1", "192.0.2.2", "iago.lit"))
    assert crowd(attempts, reactor, *[one] * 20) == [one] * 4
    assert crowd(attempts, reactor, two) == [two]
    assert crowd(attempts, reactor, *[two] * 20, *[three] * 20) == [two] * 3
    assert crowd(attempts, reactor, *[JULIET] * 20) == [JULIET] * 8
    for each in (one, one, two):
        attempts.end(each)
    for _ in range(20):
        reactor.turn()
    assert attempts.count == 16
    assert attempts._of_strangers == 8


def test_what_waits_of_them_has_its_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempts_module, "WAITING_OF_STRANGER", 3)
    monkeypatch.setattr(attempts_module, "WAITING_OF_STRANGERS", 5)
    attempts = of(Reactor(), 1)
    attempts.begin(JULIET)
    waiting = [attempts.begin(stranger(who)) for who in "aaaabbb"]
    for refused in (waiting[3], waiting[6]):
        refused.addErrback(lambda failure: failure.trap(StanzaError))
    assert attempts.waiting == 5
    waiting[0].addErrback(lambda failure: failure.trap(CancelledError))
    waiting[0].cancel()
    attempts.begin(stranger("b"))
    assert attempts.waiting == attempts._waiting_strangers == 5
    attempts.begin(JULIET)
    assert attempts.waiting == 6
