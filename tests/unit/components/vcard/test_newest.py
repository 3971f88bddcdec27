"""One piece of work after the other, and of what waits the newest (components/vcard/newest.py)."""

import pytest
from twisted.internet.defer import Deferred

from components.vcard.newest import Newest


@pytest.fixture
def begun():
    """What has been begun: key, value, and what ends it."""
    return []


@pytest.fixture
def newest(begun):
    async def act(key, value):
        done = Deferred()
        begun.append((key, value, done))
        await done

    return Newest(act)


def add(newest, key, value):
    return Deferred.fromCoroutine(newest.add(key, value))


def test_it_is_done_at_once_and_for_each_key(newest, begun):
    outcomes = [add(newest, key, 1) for key in "ab"]
    assert [each[:2] for each in begun] == [("a", 1), ("b", 1)]
    assert "a" in newest and "c" not in newest
    begun[0][2].callback(None)
    assert outcomes[0].called and not outcomes[1].called
    assert "a" not in newest


def test_of_what_waits_only_the_newest_is_done(newest, begun):
    first = add(newest, "a", 1)
    assert add(newest, "a", 2).called and add(newest, "a", 3).called
    begun[0][2].callback(None)
    assert [each[1] for each in begun] == [1, 3]
    assert not first.called
    begun[1][2].callback(None)
    assert first.called and "a" not in newest


def test_what_fails_is_raised_and_leaves_nothing_behind(newest, begun):
    outcome = add(newest, "a", 1)
    begun[0][2].errback(RuntimeError("no"))
    caught = []
    outcome.addErrback(lambda failure: caught.append(failure.type))
    assert caught == [RuntimeError] and "a" not in newest
    add(newest, "a", 2)
    assert begun[-1][:2] == ("a", 2)


def test_what_waits_may_be_joined(begun):
    async def act(key, value):
        done = Deferred()
        begun.append((key, value, done))
        await done

    newest = Newest(act, lambda waiting, newer: waiting + newer)
    for value in ([1], [2], [3]):
        add(newest, "a", value)
    begun[0][2].callback(None)
    assert [each[1] for each in begun] == [[1], [2, 3]]


def test_it_is_told_when_nothing_is_under_way_any_more(newest, begun):
    assert newest.ended("a").called
    add(newest, "a", 1)
    add(newest, "a", 2)
    ended, other = newest.ended("a"), newest.ended("b")
    begun[0][2].callback(None)
    assert other.called and not ended.called
    add(newest, "a", 3)
    begun[1][2].callback(None)
    assert not ended.called
    begun[2][2].errback(RuntimeError("no"))
    assert ended.called
