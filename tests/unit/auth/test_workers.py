"""Threads for PBKDF2: their own, and bounded."""

from threading import Event, get_ident
from typing import Any

import pytest
from twisted.internet.defer import Deferred

from tests.support.stores import PumpedReactor
from xmppd.auth.workers import Workers
from xmppd.errors import StoreBusy


@pytest.fixture
def reactor() -> PumpedReactor:
    return PumpedReactor()


@pytest.fixture
def workers(reactor: PumpedReactor) -> Any:
    workers = Workers(reactor, most=2)  # type: ignore[arg-type]
    workers.start()
    yield workers
    workers.stop()


def test_work_is_done_in_another_thread(reactor: PumpedReactor, workers: Workers) -> None:
    assert reactor.wait(workers(get_ident)) != get_ident()


def test_what_fails_there_fails_here(reactor: PumpedReactor, workers: Workers) -> None:
    with pytest.raises(ValueError, match="invalid literal"):
        reactor.wait(workers(int, "thirteen"))


def test_no_more_than_so_much_may_wait_and_then_there_is_room_again(
    reactor: PumpedReactor, workers: Workers
) -> None:
    go_on = Event()
    held: list[Deferred[Any]] = [workers(go_on.wait), workers(go_on.wait)]
    with pytest.raises(StoreBusy):
        reactor.wait(workers(get_ident))
    go_on.set()
    for work in held:
        assert reactor.wait(work) is True
    assert reactor.wait(workers(get_ident)) != get_ident()
