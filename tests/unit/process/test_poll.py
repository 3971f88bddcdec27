"""The short iteration does what Twisted's does; on a reactor of the test's own, never waiting."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any

import pytest
from twisted.internet.abstract import FileDescriptor
from twisted.internet.epollreactor import EPollReactor
from twisted.internet.selectreactor import SelectReactor
from twisted.logger import globalLogPublisher
from twisted.python.failure import Failure

from xmppd.process.poll import shorten


class End(FileDescriptor):
    """One end of a pair of sockets, watched for reading."""

    def __init__(self, reactor: Any, sock: socket.socket) -> None:
        super().__init__(reactor)
        self.sock = sock
        self.connected = 1
        self.heard: list[bytes] = []
        self.said = 0
        self.lost: list[Failure] = []
        self.fileno = sock.fileno  # type: ignore[method-assign]
        self.startReading()

    def doRead(self) -> None:
        data = self.sock.recv(100)
        if data == b"fail":
            raise RuntimeError("broken")
        self.heard.append(data)

    def doWrite(self) -> None:
        self.said += 1
        self.stopWriting()

    def connectionLost(self, reason: Failure) -> None:
        super().connectionLost(reason)
        self.lost.append(reason)
        if self.heard == [b"die badly"]:
            raise ValueError("worse")


@pytest.fixture
def reactor() -> Iterator[EPollReactor]:
    made = EPollReactor()
    assert shorten(made)
    yield made
    made.removeAll()
    for fd in (made.waker.i, made.waker.o):
        fd.close() if hasattr(fd, "close") else socket.close(fd)
    made._poller.close()


@pytest.fixture
def ends(reactor: EPollReactor) -> Iterator[list[tuple[End, socket.socket]]]:
    pairs = [socket.socketpair() for _ in range(3)]
    made = [(End(reactor, ours), theirs) for ours, theirs in pairs]
    yield made
    for end, theirs in made:
        end.stopReading()
        end.stopWriting()
        end.sock.close()
        theirs.close()


@pytest.fixture
def faults() -> Iterator[list[BaseException]]:
    found: list[BaseException] = []

    def observer(event: dict[str, Any]) -> None:
        failure = event.get("log_failure") or event.get("failure")
        if failure is not None:
            found.append(failure.value)

    globalLogPublisher.addObserver(observer)
    yield found
    globalLogPublisher.removeObserver(observer)


def test_who_is_ready_is_read_and_written(
    reactor: EPollReactor, ends: list[tuple[End, socket.socket]]
) -> None:
    (first, theirs), (second, _), _ = ends
    theirs.send(b"hello")
    second.startWriting()
    reactor.doIteration(0)
    assert (first.heard, first.said) == ([b"hello"], 0)
    assert (second.heard, second.said) == ([], 1)
    reactor.doIteration(0)
    assert (first.heard, second.said) == ([b"hello"], 1)


def test_what_fails_is_logged_and_everybody_else_goes_on(
    reactor: EPollReactor,
    ends: list[tuple[End, socket.socket]],
    faults: list[BaseException],
) -> None:
    (first, one), (second, two), (third, three) = ends
    one.send(b"fail")
    second.heard = [b"die badly"]
    two.send(b"fail")
    three.send(b"hello")
    reactor.doIteration(0)
    assert third.heard == [b"hello"]
    assert [len(end.lost) for end in (first, second, third)] == [1, 1, 0]
    assert [str(fault) for fault in faults] == ["broken", "broken", "worse"]


def test_who_was_ended_by_another_is_not_acted_on(
    reactor: EPollReactor, ends: list[tuple[End, socket.socket]]
) -> None:
    for end, theirs in ends:
        theirs.send(b"hello")
        end.doRead = lambda: [other.stopReading() for other, _ in ends]  # type: ignore[method-assign,assignment,return-value]
    for end, _ in ends[1:]:
        end.doRead = ends[0][0].doRead  # type: ignore[method-assign]
    reactor.doIteration(0)
    assert reactor.getReaders() == [reactor.waker]


def test_a_keyboard_interrupt_gets_through(
    reactor: EPollReactor, ends: list[tuple[End, socket.socket]]
) -> None:
    (_, theirs), *_ = ends
    theirs.send(b"hello")

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    reactor._doReadOrWrite = interrupted
    shorten(reactor)
    with pytest.raises(KeyboardInterrupt):
        reactor.doIteration(0)


def test_a_reactor_that_is_made_otherwise_is_left_as_it_is(reactor: EPollReactor) -> None:
    del reactor.__dict__["doIteration"]
    selectables = reactor.__dict__.pop("_selectables")
    assert not shorten(reactor)
    assert "doIteration" not in reactor.__dict__
    reactor._selectables = selectables


def test_any_other_reactor_is_left_as_it_is() -> None:
    for other in (object(), SelectReactor.__new__(SelectReactor)):
        assert not shorten(other)
        assert "doIteration" not in getattr(other, "__dict__", {})
