"""What ties a process to the one that has started it."""

import pytest
from twisted.internet.testing import MemoryReactorClock

from tests.support.logs import logged
from xmppd.process.lifeline import GRACE, TIED_VARIABLE, tie


@pytest.fixture
def alone(monkeypatch):
    """Keeps the test's own process as it is; what was asked of the system."""
    asked = []
    monkeypatch.setattr("os.setpgid", lambda *arguments: asked.append(arguments))
    monkeypatch.setattr("signal.alarm", asked.append)
    return asked


@pytest.mark.parametrize("environment", [{}, {TIED_VARIABLE: "0"}])
def test_nobody_is_tied_who_was_not_asked_to_be(alone, environment):
    reactor = MemoryReactorClock()
    assert tie(reactor, lambda: None, environment) is None
    assert (reactor.getReaders(), alone) == ([], [])


def test_the_end_of_the_pipe_is_the_end(alone, monkeypatch):
    reactor, gone = MemoryReactorClock(), []
    lifeline = tie(reactor, lambda: gone.append(True), {TIED_VARIABLE: "1"})
    assert reactor.getReaders() == [lifeline]
    assert (lifeline.fileno(), lifeline.logPrefix()) == (0, "lifeline")
    assert alone == [(0, 0)]
    data = [b"nobody writes this", b""]
    monkeypatch.setattr("xmppd.process.lifeline.os.read", lambda fd, size: data.pop(0))
    assert lifeline.doRead() is None
    reason = lifeline.doRead()
    assert reason is not None
    with logged("warn") as warnings:
        lifeline.connectionLost(reason)
    assert gone == [True]
    assert warnings == ["whoever has started this process is gone: it ends"]
    assert alone == [(0, 0), GRACE]
    assert reactor.getReaders() == []


def test_a_process_that_ends_of_itself_watches_no_more(alone):
    reactor = MemoryReactorClock()
    tie(reactor, lambda: None, {TIED_VARIABLE: "1"}).release()
    assert reactor.getReaders() == []
    assert reactor.getReaders() == []
