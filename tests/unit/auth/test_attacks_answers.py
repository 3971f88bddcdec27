"""Guessing passwords: who hangs up instead of waiting for the answer gains nothing."""

import pytest
from twisted.internet.defer import CancelledError
from twisted.internet.task import Clock
from twisted.python.failure import Failure

from tests.support.deferred import refusal, result
from xmppd.auth.answers import Answers
from xmppd.auth.throttle import LONGEST_WAIT, PAIR, Throttle
from xmppd.errors import SASLFailure
from xmppd.stream.events import Authorize, Reject
from xmppd.stream.sasl import CheckPassword, FetchKeys, FetchPassword, Success

DOMAIN = "capulet.lit"
HERE, THERE = "192.0.2.7", "198.51.100.9"
WRONG = SASLFailure("not-authorized", reason="auth.credentials")


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def answers(backend, clock):
    return Answers(backend, Throttle(clock.seconds), clock, dict)


def guess(answers, address=HERE, name="juliet"):
    """A password is looked at, found wrong, and nobody waits to be told so."""
    attempt = answers.answer(CheckPassword(name, "wrong"), DOMAIN, address)
    if attempt.called and not isinstance(attempt.result, Failure):
        answers.answer(Reject(name, WRONG), DOMAIN, address).addErrback(lambda _: None).cancel()
    return attempt


def test_a_password_check_that_is_abandoned_is_an_attempt(answers, threads):
    """Else it would be free to have the server compute and hang up."""
    threads.hold = True
    for _ in range(PAIR.free + 1):
        answers.answer(CheckPassword("juliet", "x"), DOMAIN, HERE).addErrback(hung_up).cancel()
    before = len(threads.ran)
    late = answers.answer(CheckPassword("juliet", "x"), DOMAIN, HERE)
    assert len(threads.ran) == before
    late.addErrback(hung_up).cancel()
    assert answers.throttle.delay(f"juliet@{DOMAIN}", THERE) == 2


def hung_up(failure):
    failure.trap(CancelledError)


def test_a_guesser_who_hangs_up_has_few_guesses(answers, accounts):
    for _ in range(100):
        guess(answers).addErrback(lambda _: None).cancel()
    assert len(accounts.reads) == PAIR.free + 1


@pytest.mark.parametrize(
    "question",
    [CheckPassword("juliet", "r0m30"), FetchKeys("juliet", "SHA-1"), FetchKeys("JULIET", "SHA-1")],
)
def test_the_next_attempt_waits_whatever_mechanism_it_is_of(answers, clock, question):
    for _ in range(PAIR.free + 1):
        guess(answers)
    attempt = answers.answer(question, DOMAIN, HERE)
    assert not attempt.called
    clock.advance(PAIR.longest)
    assert result(attempt)


def test_a_digest_waits_too(answers, clock, accounts):
    for _ in range(PAIR.free + 1):
        guess(answers)
    before = len(accounts.reads)
    attempt = answers.answer(FetchPassword("juliet"), DOMAIN, HERE)
    attempt.addErrback(lambda _: None)
    assert len(accounts.reads) == before
    clock.advance(PAIR.longest)
    assert len(accounts.reads) == before + 1


def test_attempts_at_once_are_looked_at_one_after_the_other(answers, clock, accounts):
    """Else each of a hundred connections would have its guess when the first has."""
    for _ in range(PAIR.free + 1):
        guess(answers)
    looked_at = len(accounts.reads)
    waiting = [guess(answers) for _ in range(5)]
    for number in range(5):
        assert len(accounts.reads) == looked_at + number
        clock.advance(PAIR.first)
    assert all(attempt.called for attempt in waiting)


def test_who_would_wait_too_long_is_told_so_and_it_is_not_held_against_him(answers, clock):
    for _ in range(PAIR.free + 10):
        answers.throttle.failed(f"juliet@{DOMAIN}", HERE)
    waiting = [guess(answers) for _ in range(int(LONGEST_WAIT / PAIR.longest))]
    assert not any(attempt.called for attempt in waiting)
    expected = ("temporary-auth-failure", "auth.throttled")
    for _ in range(50):
        assert refusal(answers.answer(CheckPassword("juliet", "x"), DOMAIN, HERE)) == expected
    clock.advance(PAIR.longest)
    assert not guess(answers).called, "there is room for one more"


def test_times_that_were_booked_are_free_again_once_a_password_was_right(answers, clock):
    for _ in range(PAIR.free + 1):
        guess(answers)
    for _ in range(5):
        guess(answers).addErrback(lambda _: None).cancel()
    answers.throttle.succeeded(f"juliet@{DOMAIN}", HERE)
    assert guess(answers).called


def test_nobody_else_waits(answers):
    """Neither the same account from elsewhere, nor the guesser's neighbors."""
    for _ in range(50):
        guess(answers)
    assert guess(answers, THERE).called
    assert guess(answers, HERE, "romeo").called


def test_who_knows_the_password_waits_no_more(answers, clock):
    for _ in range(PAIR.free + 1):
        guess(answers)
    attempt = answers.answer(CheckPassword("juliet", "r0m30"), DOMAIN, HERE)
    clock.advance(PAIR.longest)
    assert result(attempt)
    result(answers.answer(Authorize(Success("juliet")), DOMAIN, HERE))
    assert guess(answers).called


def test_the_wait_fits_into_the_time_for_logging_in():
    assert PAIR.seconds(10**6) <= 10
