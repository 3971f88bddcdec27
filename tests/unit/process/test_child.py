"""A child process: when it is started again, and what is told of its ends."""

import pytest
from twisted.internet.task import Clock

from tests.support.children import Children
from tests.support.logs import logged
from xmppd.process.child import GRACE, HOPELESS, LONGEST, STEADY, Child


class Reactor(Children, Clock):
    """As much of a reactor as a child needs."""


class Watched:
    """A child, and how often it was told that it fails."""

    def __init__(self):
        self.reactor = Reactor()
        self.told = []
        self.child = Child("ariel", ["spirit"], {"ISLE": "1"}, self.reactor, self.told.append)

    @property
    def process(self):
        return self.reactor.processes[-1]

    @property
    def count(self):
        return len(self.reactor.processes)


@pytest.fixture
def watched():
    made = Watched()
    made.child.start()
    return made


def test_it_is_started_with_its_command_and_environment(watched):
    assert watched.process.command == ["spirit"]
    assert watched.process.environment == {"ISLE": "1"}
    assert watched.child.pid == 100
    watched.child.start()
    assert watched.count == 1


def test_it_is_started_again_later_each_time(watched):
    waits = []
    for _ in range(12):
        with logged("warn") as warnings:
            watched.process.end(1)
        [line] = warnings
        waits.append(float(line.rpartition(" in ")[2].removesuffix(" s")))
        assert line.startswith("ariel ended with status 1. It is started again")
        watched.reactor.advance(waits[-1] - 0.5)
        assert watched.child.pid is None
        watched.reactor.advance(0.5)
        assert watched.child.pid is not None
    assert waits == [1, 2, 4, 8, 16, 32, 64, 128, 256, LONGEST, LONGEST, LONGEST]


def test_one_that_ran_for_long_is_started_again_soon(watched):
    for seconds in (1, 2):
        watched.process.end(1)
        watched.reactor.advance(seconds)
    assert watched.child.failures == 2
    watched.reactor.advance(STEADY)
    assert watched.child.failures == 0
    watched.process.end(signal=9)
    assert watched.child.failures == 1
    watched.reactor.advance(1)
    assert watched.count == 4


def test_one_that_ends_again_and_again_is_told_of_once_with_its_last_words(watched):
    with logged("error") as errors:
        for _ in range(HOPELESS + 3):
            watched.process.protocol.errReceived(b"xmppd-ariel: no such isle\n")
            watched.process.end(1)
            watched.child.hurry()
    assert errors == ["ariel ends again and again, the last time with: xmppd-ariel: no such isle"]
    assert watched.told == ["xmppd-ariel: no such isle"]
    assert watched.child.last_words == "xmppd-ariel: no such isle"


def test_signal_that_ended_it_is_named(watched):
    with logged("warn") as warnings:
        watched.process.end(signal=11)
    assert warnings == ["ariel ended by SIGSEGV. It is started again in 1 s"]
    assert watched.child.last_words == "ended by SIGSEGV"


def test_system_that_starts_no_process_is_asked_again_later(watched):
    watched.process.end(1)
    watched.reactor.spawns_fail = True
    with logged("warn") as warnings:
        watched.reactor.advance(1)
    assert warnings == [
        "ariel could not be started: Resource temporarily unavailable. It is started again in 2 s"
    ]
    watched.reactor.spawns_fail = False
    watched.reactor.advance(2)
    assert watched.child.pid is not None


# ---------------------------------------------------------------------- stop and restart


def test_it_is_asked_to_stop_and_waited_for(watched):
    ended = []
    watched.child.stop().addCallback(ended.append)
    watched.child.stop().addCallback(ended.append)
    assert watched.process.signals == ["TERM"]
    with logged() as told:
        watched.process.end()
    assert ended == [None, None]
    assert told == ["ariel ended with status 0"]
    assert watched.reactor.getDelayedCalls() == []


def test_it_is_killed_when_it_takes_too_long(watched):
    watched.child.stop()
    with logged("warn") as warnings:
        watched.reactor.advance(GRACE)
    assert watched.process.signals == ["TERM", "KILL"]
    assert warnings == ["ariel takes too long to end: it is killed"]
    watched.process.end(signal=9)
    assert watched.count == 1


def test_one_that_is_not_running_stops_at_once(watched):
    watched.process.end(1)
    ended = []
    watched.child.stop().addCallback(ended.append)
    assert ended == [None]
    watched.reactor.advance(LONGEST)
    assert watched.count == 1
    assert watched.reactor.getDelayedCalls() == []


def test_one_that_has_ended_without_a_word_to_us_yet_stops(watched):
    watched.process.pid = None
    ended = []
    watched.child.stop().addCallback(ended.append)
    watched.process.end()
    assert ended == [None]


def test_restart_ends_it_and_starts_it_at_once(watched):
    first = watched.process
    watched.child.restart()
    watched.child.restart()
    assert first.signals == ["TERM"]
    first.end()
    assert watched.count == 2
    assert watched.child.failures == 0
    assert watched.reactor.getDelayedCalls() == []


def test_restart_of_one_that_is_waited_for_starts_it_at_once(watched):
    watched.process.end(1)
    watched.child.restart()
    assert watched.count == 2
    watched.process.end(1)
    watched.child.hurry()
    assert watched.count == 3
    watched.child.hurry()
    assert watched.count == 3
    assert watched.reactor.getDelayedCalls() == []


def test_one_that_is_wanted_again_while_it_ends_is_started_when_it_has(watched):
    ended = []
    watched.child.stop().addCallback(ended.append)
    watched.child.start()
    watched.reactor.advance(GRACE)
    watched.process.end(signal=9)
    assert ended == [None]
    assert watched.count == 2
    assert watched.child.failures == 0
