"""The beginning and the end of a lane: xmppd/storage/lane.py."""

from collections.abc import Sequence
from typing import Any

import pytest

from tests.support.stores import PumpedReactor
from xmppd.errors import StoreError
from xmppd.storage.interfaces import Transaction, Work
from xmppd.storage.lane import Lane, Runner
from xmppd.storage.work_queue import Limits


class Disconnected(Exception):
    """There is no connection to be had."""


def unreachable() -> Runner:
    raise Disconnected


async def nothing(tx: Transaction) -> None:
    raise AssertionError("done")


@pytest.fixture
def reactor() -> PumpedReactor:
    return PumpedReactor()


@pytest.fixture
def lane(reactor: PumpedReactor) -> Lane:
    return Lane("test", unreachable, reactor, Limits())


def test_a_lane_that_was_never_opened_closes_at_once(reactor: PumpedReactor, lane: Lane) -> None:
    waiting = lane.submit(nothing)
    assert lane.close().called
    with pytest.raises(StoreError, match="did not open"):
        reactor.wait(waiting)
    assert reactor.getDelayedCalls() == []


def test_a_lane_that_failed_to_open_closes(reactor: PumpedReactor, lane: Lane) -> None:
    waiting = lane.submit(nothing)
    with pytest.raises(Disconnected):
        reactor.wait(lane.open())
    assert lane.close().called
    assert lane.close().called
    with pytest.raises(StoreError, match="did not open"):
        reactor.wait(waiting)
    with pytest.raises(StoreError, match="closed"):
        reactor.wait(lane.submit(nothing))
    assert reactor.getDelayedCalls() == []


def test_closed_while_it_opens_it_still_closes(reactor: PumpedReactor, lane: Lane) -> None:
    opening, closing = lane.open(), lane.close()
    opening.addErrback(lambda failure: failure.trap(Disconnected))
    reactor.wait(closing)


class Idle:
    """A connection that is given nothing to do."""

    closed = False

    def run(self, works: Sequence[Work[Any]]) -> Sequence[Any]:
        raise AssertionError(works)

    def close(self) -> None:
        self.closed = True


def test_an_open_lane_closes_when_its_connection_has(reactor: PumpedReactor) -> None:
    idle = Idle()
    lane = Lane("test", lambda: idle, reactor, Limits())
    reactor.wait(lane.open())
    closing = lane.close()
    reactor.wait(closing)
    assert idle.closed
