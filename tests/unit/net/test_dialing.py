from __future__ import annotations

from typing import Any

import pytest
from twisted.internet import error
from twisted.internet.defer import CancelledError
from twisted.internet.protocol import Protocol
from twisted.python.failure import Failure

from tests.support.deferred import result
from tests.support.finding import Network
from xmppd.core.s2s.trail import Trail
from xmppd.net import dialing
from xmppd.net.dialing import (
    DELAY,
    RESOLUTION_DELAY,
    Dial,
    NoAddress,
    NotHere,
    Unreachable,
    is_own,
)

FOUR, SIX = ("192.0.2.1", "192.0.2.2", "192.0.2.3"), ("2001:db8::1", "2001:db8::2")


class Dialling:
    """A place being connected to, within ten seconds."""

    def __init__(self, *, this_host: bool = False) -> None:
        self.network = Network()
        self.built: list[Protocol] = []
        self.trail = Trail(self.network.seconds)
        self.dial = Dial(
            self.network, 5269, self._build, self.trail, seconds=10, this_host=this_host
        )

    def _build(self) -> Protocol:
        self.built.append(Protocol())
        return self.built[-1]

    def all(self, *addresses: str) -> Dialling:
        self.dial.answered("AAAA", [each for each in addresses if ":" in each])
        self.dial.answered("A", [each for each in addresses if ":" not in each])
        return self

    def wait(self, seconds: float) -> None:
        self.network.advance(seconds)

    @property
    def tried(self) -> list[str]:
        return self.network.tried

    @property
    def stopped(self) -> list[bool]:
        return [each.stopped for each in self.network.connections]

    @property
    def told(self) -> list[str]:
        return [step.said for step in self.trail.steps]

    def fails(self, kind: type[Exception]) -> None:
        with pytest.raises(kind):
            result(self.dial.done)
        assert self.network.getDelayedCalls() == []
        assert self.built == []

    def connects(self, number: int) -> Any:
        """Connect an attempt: its transport, once whoever waits has the protocol."""
        transport = self.network.connections[number].take()
        self.wait(0)
        assert result(self.dial.done) is self.built[0]
        assert self.built[0].transport is transport
        assert self.network.getDelayedCalls() == []
        return transport


def test_kinds_take_turns_a_quarter_of_a_second_apart_rfc8305_5() -> None:
    dialling = Dialling().all(*FOUR, *SIX)
    assert dialling.tried == [SIX[0]]
    dialling.wait(DELAY - 0.01)
    assert dialling.tried == [SIX[0]]
    dialling.wait(0.01)
    assert dialling.tried == [SIX[0], FOUR[0]]
    for _ in range(5):
        dialling.wait(DELAY)
    assert dialling.tried == [SIX[0], FOUR[0], SIX[1], FOUR[1], FOUR[2]]


def test_the_first_that_connects_is_taken_and_the_others_are_stopped() -> None:
    dialling = Dialling().all(*FOUR, *SIX)
    dialling.wait(DELAY)
    dialling.wait(DELAY)
    dialling.connects(1)
    assert dialling.stopped == [True, False, True]
    assert dialling.network.connections[0].take() is None
    assert len(dialling.built) == 1
    assert dialling.told == ["192.0.2.1:5269: connected"]


def test_nobody_waits_behind_a_failure() -> None:
    dialling = Dialling().all(*FOUR)
    dialling.network.connections[0].refuse()
    assert dialling.tried == ["192.0.2.1", "192.0.2.2"]
    dialling.wait(DELAY)
    dialling.network.connections[1].refuse()
    dialling.network.connections[2].refuse(error.NoRouteError())
    dialling.fails(Unreachable)
    assert dialling.told == [
        "192.0.2.1:5269: refused",
        "192.0.2.2:5269: refused",
        "192.0.2.3:5269: unreachable",
    ]


def test_what_the_system_says_is_told_where_there_is_no_word_for_it() -> None:
    dialling = Dialling().all(FOUR[0])
    problem = error.ConnectError(113, "No route to host")
    dialling.network.connections[0].refuse(problem)
    assert dialling.told[0].endswith(": No route to host")
    dialling.fails(Unreachable)


def test_all_addresses_together_have_so_many_seconds() -> None:
    dialling = Dialling().all(*FOUR[:2])
    dialling.wait(DELAY)
    dialling.network.connections[0].refuse(error.TimeoutError())
    dialling.wait(9.7)
    assert not dialling.dial.done.called
    dialling.wait(0.1)
    dialling.fails(Unreachable)
    assert dialling.stopped == [False, True]
    assert dialling.told == ["192.0.2.1:5269: timed out", "192.0.2.2:5269: timed out after 10 s"]


def test_ipv6_does_not_wait_for_ipv4() -> None:
    dialling = Dialling()
    dialling.dial.answered("AAAA", SIX[:1])
    assert dialling.tried == [SIX[0]]
    dialling.dial.answered("A", FOUR[:1])
    assert dialling.tried == [SIX[0]], "it has its turn after the delay"
    dialling.wait(DELAY)
    assert dialling.tried == [SIX[0], FOUR[0]]


def test_ipv4_waits_for_ipv6_for_a_moment_rfc8305_3() -> None:
    dialling = Dialling()
    dialling.dial.answered("A", FOUR[:1])
    dialling.wait(RESOLUTION_DELAY - 0.01)
    assert dialling.tried == []
    dialling.dial.answered("AAAA", SIX[:1])
    assert dialling.tried == [SIX[0]]
    late = Dialling()
    late.dial.answered("A", FOUR[:1])
    late.wait(RESOLUTION_DELAY)
    assert late.tried == [FOUR[0]]
    late.dial.answered("AAAA", SIX[:1])
    late.wait(DELAY)
    assert late.tried == [FOUR[0], SIX[0]]
    late.connects(1)


def test_what_comes_when_all_others_have_failed_is_tried_at_once() -> None:
    dialling = Dialling()
    dialling.dial.answered("AAAA", SIX[:1])
    dialling.network.connections[0].refuse()
    assert not dialling.dial.done.called
    dialling.dial.answered("A", FOUR[:1])
    assert dialling.tried == [SIX[0], FOUR[0]]


def test_what_comes_when_the_others_have_had_their_delay_is_tried_at_once() -> None:
    dialling = Dialling()
    dialling.dial.answered("AAAA", SIX[:1])
    dialling.wait(2 * DELAY)
    dialling.dial.answered("A", FOUR[:1])
    assert dialling.tried == [SIX[0], FOUR[0]]


def test_no_address_at_all() -> None:
    dialling = Dialling()
    dialling.dial.answered("A", ())
    assert not dialling.dial.done.called
    dialling.dial.answered("AAAA", ())
    dialling.fails(NoAddress)


def test_addresses_that_lead_to_this_host_are_not_tried() -> None:
    dialling = Dialling().all("::1", "127.0.0.1")
    assert dialling.tried == []
    dialling.fails(NotHere)
    assert dialling.told == [
        "::1: leads to this host; not tried",
        "127.0.0.1: leads to this host; not tried",
    ]
    others = Dialling().all("::ffff:127.0.0.1", "169.254.169.254", FOUR[0])
    assert others.tried == [FOUR[0]]
    others.network.connections[0].refuse()
    others.fails(Unreachable)


def test_nor_are_its_other_addresses_where_a_firewall_would_not_be_in_the_way(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(dialing, "is_own", {FOUR[0], SIX[0]}.__contains__)
    dialling = Dialling().all(FOUR[0], SIX[0])
    assert dialling.tried == []
    dialling.fails(NotHere)
    assert Dialling(this_host=True).all(FOUR[0]).tried == [FOUR[0]]


def test_an_address_is_this_host_s_own_where_it_is_its_own_way_there() -> None:
    assert is_own("127.0.0.1")
    assert not is_own("203.0.113.77")


def test_where_it_is_allowed_they_are() -> None:
    dialling = Dialling(this_host=True).all("::1", "127.0.0.1")
    dialling.wait(DELAY)
    assert dialling.tried == ["::1", "127.0.0.1"]


def test_ten_of_a_kind_are_enough() -> None:
    dialling = Dialling().all(*(f"192.0.2.{n}" for n in range(50)))
    for _ in range(20):
        dialling.wait(DELAY)
    assert len(dialling.tried) == 10


def test_whoever_gives_up_leaves_nothing_open() -> None:
    dialling = Dialling().all(*FOUR)
    dialling.wait(DELAY)
    dialling.dial.done.cancel()
    dialling.fails(CancelledError)
    assert dialling.stopped == [True, True]
    assert dialling.network.connections[0].take() is None
    dialling.dial.answered("AAAA", SIX)
    assert len(dialling.tried) == 2


def test_whoever_gives_up_as_it_connects_has_the_connection_cut() -> None:
    dialling = Dialling().all(FOUR[0])
    transport = dialling.network.connections[0].take()
    dialling.dial.done.cancel()
    with pytest.raises(CancelledError):
        result(dialling.dial.done)
    assert transport.aborting
    assert dialling.network.getDelayedCalls() == []


def test_a_bug_is_told() -> None:
    dialling = Dialling().all(FOUR[0])
    dialling.dial.fail(Failure(ZeroDivisionError()))
    dialling.fails(ZeroDivisionError)
    dialling.dial.fail(Failure(ZeroDivisionError()))
    assert dialling.stopped == [True]
