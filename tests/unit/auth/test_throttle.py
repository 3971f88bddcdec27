"""Delays after failed attempts: xmppd/auth/throttle.py."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.task import Clock

from xmppd.auth.throttle import ACCOUNT, NETWORK, PAIR, Schedule, Throttle

JULIET, ROMEO = "juliet@capulet.lit", "romeo@montague.lit"
HERE, THERE = "192.0.2.7", "198.51.100.9"


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def throttle(clock):
    return Throttle(clock.seconds)


def test_delays_grow_to_a_limit():
    delays = [ACCOUNT.seconds(n) for n in range(10)]
    assert delays == [0, 0, 0, 1, 2, 4, 8, 16, 30, 30]
    assert ACCOUNT.seconds(10**9) == 30


@given(st.integers(0, 200), st.integers(0, 50))
def test_delays_never_shrink_and_never_pass_the_limit(failures, free):
    schedule = Schedule(free)
    assert 0 <= schedule.seconds(failures) <= schedule.seconds(failures + 1) <= schedule.longest


def test_an_account_is_slowed_from_wherever_it_is_tried(throttle):
    for number in range(4):
        throttle.failed(JULIET, f"192.0.2.{number}")
    assert throttle.delay(JULIET, THERE) == 2
    assert throttle.delay(ROMEO, THERE) == 0


def test_a_network_is_slowed_whatever_account_it_tries(throttle):
    for number in range(NETWORK.free + 2):
        throttle.failed(f"user{number}@capulet.lit", HERE)
    assert throttle.delay(ROMEO, HERE) == 2
    assert throttle.delay(ROMEO, THERE) == 0


def test_an_attempt_without_a_name_counts_for_the_network_only(throttle):
    for _ in range(NETWORK.free + 1):
        throttle.failed("", HERE)
    assert throttle.delay(ROMEO, HERE) == 1
    assert throttle.delay("", THERE) == 0


def test_success_forgives_the_account_and_not_the_network(throttle):
    for _ in range(NETWORK.free + 1):
        throttle.failed(JULIET, HERE)
    throttle.succeeded(JULIET, HERE)
    assert throttle.delay(JULIET, THERE) == 0
    assert throttle.delay(JULIET, HERE) == 1


def test_time_forgives_one_failure_after_the_other(throttle, clock):
    for _ in range(4):
        throttle.failed(JULIET, HERE)
    clock.advance(ACCOUNT.forget - 1)
    assert throttle.delay(JULIET, HERE) == 2
    clock.advance(1)
    assert throttle.delay(JULIET, HERE) == 1
    clock.advance(100 * ACCOUNT.forget)
    assert throttle.delay(JULIET, HERE) == 0
    throttle.failed(JULIET, HERE)
    assert throttle.delay(JULIET, HERE) == 0


def test_the_times_booked_are_bounded_too(clock):
    throttle = Throttle(clock.seconds, capacity=5)
    for number in range(50):
        for _ in range(PAIR.free + 1):
            throttle.failed(f"user{number}@capulet.lit", HERE)
        assert throttle.book(f"user{number}@capulet.lit", HERE) == 1
    assert len(throttle._bookings._next) == 5


def test_an_attempt_books_its_time_behind_those_that_wait(throttle, clock):
    for _ in range(PAIR.free + 1):
        throttle.failed(JULIET, HERE)
    assert [throttle.book(JULIET, HERE) for _ in range(3)] == [1, 2, 3]
    assert throttle.book(JULIET, THERE) == throttle.book(ROMEO, HERE) == 0
    clock.advance(2)
    assert throttle.book(JULIET, HERE) == 2
    clock.advance(10)
    assert throttle.book(JULIET, HERE) == 1


def test_what_is_remembered_is_bounded_and_made_up_names_push_no_network_out(clock):
    throttle = Throttle(clock.seconds, capacity=50)
    for number in range(500):
        throttle.failed(f"user{number}@capulet.lit", HERE)
    assert len(throttle) == 51
    assert throttle.delay(ROMEO, HERE) == 30


def test_the_name_that_failed_longest_ago_makes_room(clock):
    throttle = Throttle(clock.seconds, capacity=2)
    for _ in range(4):
        throttle.failed(JULIET, HERE)
    throttle.failed(ROMEO, HERE)
    throttle.failed(JULIET, HERE)
    throttle.failed("paris@capulet.lit", HERE)
    assert throttle.delay(JULIET, THERE) == 4
    throttle.failed(ROMEO, HERE)
    throttle.failed("paris@capulet.lit", HERE)
    assert throttle.delay(JULIET, THERE) == 0
