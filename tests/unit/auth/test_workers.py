"""Threads for PBKDF2: their own, and bounded."""

from threading import Event, get_ident
from typing import Any

import pytest
from twisted.internet.defer import CancelledError, Deferred

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


@pytest.fixture
def one_thread(reactor: PumpedReactor) -> Any:
    workers = Workers(reactor, most=6, most_of_a_network=2, threads=1)  # type: ignore[arg-type]
    workers.start()
    yield workers
    workers.stop()


def hung_up(work: Deferred[Any]) -> None:
    work.addErrback(lambda failure: failure.trap(CancelledError))
    work.cancel()


def test_work_that_nobody_waits_for_is_left_undone(
    reactor: PumpedReactor, one_thread: Workers
) -> None:
    go_on = Event()
    done: list[str] = []
    holding = one_thread(go_on.wait)
    hung_up(one_thread(done.append, "hung up"))
    last = one_thread(done.append, "waited")
    go_on.set()
    reactor.wait_all([holding, last])
    assert done == ["waited"]


def test_hanging_up_makes_no_room_before_a_thread_has_seen_it(
    reactor: PumpedReactor, one_thread: Workers
) -> None:
    """Else a client that connects, asks and hangs up could queue work without bound."""
    go_on = Event()
    holding = one_thread(go_on.wait)
    for _ in range(5):
        hung_up(one_thread(get_ident))
    with pytest.raises(StoreBusy):
        reactor.wait(one_thread(get_ident))
    go_on.set()
    reactor.wait(holding)
    assert reactor.wait(one_thread(get_ident)) != get_ident()


def test_what_was_begun_for_somebody_who_hung_up_is_told_nobody(
    reactor: PumpedReactor, one_thread: Workers
) -> None:
    go_on, begun = Event(), Event()

    def work() -> None:
        begun.set()
        go_on.wait()
        raise ValueError("nobody is there to be told")

    working = one_thread(work)
    begun.wait()
    hung_up(working)
    go_on.set()
    assert reactor.wait(one_thread(get_ident)) != get_ident()


def test_a_network_takes_no_more_than_its_share(
    reactor: PumpedReactor, one_thread: Workers
) -> None:
    go_on = Event()
    held = [one_thread(go_on.wait, address=a) for a in ("192.0.2.7", "::ffff:192.0.2.7")]
    with pytest.raises(StoreBusy):
        reactor.wait(one_thread(get_ident, address="192.0.2.7"))
    held += [one_thread(go_on.wait, address=a) for a in ("2001:db8::1", "2001:db8::2")]
    with pytest.raises(StoreBusy):
        reactor.wait(one_thread(get_ident, address="2001:db8::3"))
    held.append(one_thread(go_on.wait, address="198.51.100.9"))
    go_on.set()
    assert reactor.wait_all(held) == [True] * 5
    assert reactor.wait(one_thread(get_ident, address="192.0.2.7")) != get_ident()


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", ""])
def test_this_machine_has_no_share_but_all(
    reactor: PumpedReactor, one_thread: Workers, address: str
) -> None:
    """Many users may come through a proxy on it."""
    go_on = Event()
    held = [one_thread(go_on.wait, address=address) for _ in range(6)]
    go_on.set()
    assert reactor.wait_all(held) == [True] * 6
