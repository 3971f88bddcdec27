"""What takes too long is answered in time, and all the same brought to its end."""

from __future__ import annotations

import pytest
from twisted.internet.defer import CancelledError, Deferred

from components.common import work
from components.common.component import STOPPING, Component, Passed
from components.common.stanza import Stanza
from components.common.whole import Lock, wholly
from tests.support.deferred import result
from tests.support.kit import ASK, Server, iq, message, sm
from tests.support.logs import logged
from xmppd import ns
from xmppd.errors import StanzaError, StoreError

PING = f"<ping xmlns='{ns.PING}'/>"
NAME = f"{ns.PING} ping"
TOO_LONG = work.SECONDS + 10
SLOW = b"remote-server-timeout"


class Shelf:
    """Something that is changed in the store, and then in memory, by whoever has the lock."""

    def __init__(self, component: Component) -> None:
        self.lock = Lock()
        self.writes: list[Deferred[None]] = []
        """Those that are under way."""
        self.memory: list[str] = []
        component.iq("set", NAME, self.put)
        component.on_message(self.put)

    async def put(self, stanza: Stanza) -> None:
        await self.lock.run(self._put, stanza.id)
        self.memory.append(f"behind {stanza.id}")

    async def _put(self, id_: str) -> None:
        write: Deferred[None] = Deferred()
        self.writes.append(write)
        await write
        self.memory.append(id_)


@pytest.fixture
def shelf(component: Component) -> Shelf:
    return Shelf(component)


def test_what_is_written_gets_into_memory_though_it_takes_too_long(
    server: Server, component: Component, shelf: Shelf
) -> None:
    server.send(iq("set", PING))
    server.pass_time(TOO_LONG)
    assert server.take().count(SLOW) == 1
    assert (shelf.memory, shelf.lock.locked, len(component.work)) == ([], True, 1)
    server.pass_time(TOO_LONG)
    shelf.writes[0].callback(None)
    assert (shelf.memory, shelf.lock.locked, len(component.work)) == (["q1"], False, 0)
    server.pass_time(TOO_LONG)
    assert server.take().count(b"<iq") == 0, "he has his answer"


def test_who_waits_for_his_turn_leaves_the_queue(server: Server, shelf: Shelf) -> None:
    for id_ in ("q1", "q2"):
        server.send(iq("set", PING, id_=id_))
    server.pass_time(TOO_LONG)
    assert server.take().count(SLOW) == 2
    server.send(iq("set", PING, id_="q3"))
    shelf.writes[0].callback(None)
    shelf.writes[1].callback(None)
    assert shelf.memory == ["q1", "q3", "behind q3"]
    assert server.take().count(b"type='result'") == 1


@pytest.mark.parametrize(
    "error, level, lines",
    [
        (StoreError("the disk is full"), "error", 1),
        (ZeroDivisionError(), "critical", 1),
        (StanzaError("item-not-found", reason="stanza.node"), "error", 0),
    ],
)
def test_what_it_comes_to_is_logged_where_nobody_waits(
    server: Server, component: Component, shelf: Shelf, error: Exception, level: str, lines: int
) -> None:
    server.send(iq("set", PING))
    server.pass_time(TOO_LONG)
    with logged(level) as said:
        shelf.writes[0].errback(error)
        server.pass_time(TOO_LONG)
    assert len(said) == lines
    assert (shelf.memory, shelf.lock.locked, len(component.work)) == ([], False, 0)
    assert server.take().count(b"type='error'") == 1


def test_it_counts_among_what_is_at_work(
    server: Server, component: Component, shelf: Shelf
) -> None:
    component.work._most = 1
    server.send(iq("set", PING))
    server.pass_time(TOO_LONG)
    server.take()
    server.send(iq("set", PING))
    assert b"<resource-constraint" in server.take()


@pytest.mark.parametrize("ends", [True, False])
def test_a_component_that_stops_waits_for_it_but_not_for_ever(
    server: Server, component: Component, shelf: Shelf, ends: bool
) -> None:
    server.send(iq("set", PING))
    server.pass_time(TOO_LONG)
    stopping = Deferred.fromCoroutine(component.stop())
    server.pass_time(STOPPING - 1)
    assert server.line.up and b"</stream:stream>" not in server.take()
    if ends:
        shelf.writes[0].callback(None)
        server.clock.advance(0)
    else:
        server.pass_time(2)
    assert b"</stream:stream>" in server.take()
    server.line.cut()
    assert result(stopping) is None


def test_its_stanza_is_handled_when_it_was_given_up_on() -> None:
    """Or one that never ends would keep all behind it from being acknowledged."""
    server = Server()
    shelf = Shelf(server.component())
    server.let_in(managed=True)
    server.send(message("but soft"))
    for _ in range(7):
        server.pass_time(10)
        server.send(sm("a", h=0))
    server.take()
    server.send(ASK.decode())
    assert sm("a", h=1).encode() in server.take()
    assert len(shelf.writes) == 1


def test_who_answers_before_he_is_done_is_not_heard_behind_an_error(
    server: Server, component: Component
) -> None:
    write: Deferred[None] = Deferred()

    async def put(stanza: Stanza) -> Passed:
        await wholly(done(stanza))
        return Passed.ON

    async def done(stanza: Stanza) -> None:
        await write
        component.answer(stanza)

    component.iq("set", NAME, put)
    server.send(iq("set", PING))
    server.pass_time(TOO_LONG)
    assert server.take().count(SLOW) == 1
    write.callback(None)
    assert server.take() == b""


def test_who_has_answered_is_not_refused_behind_that(server: Server, component: Component) -> None:
    def put(stanza: Stanza) -> Passed:
        component.answer(stanza)
        raise ZeroDivisionError

    component.iq("set", NAME, put)
    with logged("critical") as lines:
        server.send(iq("set", PING))
    assert server.take().count(b"<iq") == 1
    assert len(lines) == 1


def test_what_is_done_is_done_at_once() -> None:
    done: Deferred[str] = Deferred()
    done.callback("done")
    assert wholly(done) is done


def test_whoever_is_cancelled_learns_it_at_the_end() -> None:
    write: Deferred[str] = Deferred()
    waiting = wholly(write)
    waiting.cancel()
    assert not waiting.called
    write.callback("done")
    with pytest.raises(CancelledError):
        result(waiting)


def test_a_lock_is_free_behind_what_fails() -> None:
    lock = Lock()
    with pytest.raises(ZeroDivisionError):
        result(lock.run(lambda: 1 // 0))
    assert not lock.locked
    assert result(lock.run(lambda: "done")) == "done"


@pytest.mark.parametrize("way", ["run", "acquire"])
def test_a_lock_goes_through_all_who_are_done_at_once(way: str) -> None:
    """However many they are, and the lock is free behind them."""
    lock = Lock()
    first: Deferred[None] = Deferred()
    done: list[int] = []

    async def put(number: int) -> None:
        if way == "run":
            await lock.run(done.append, number)
            return
        await lock.acquire()
        try:
            done.append(number)
        finally:
            lock.release()

    lock.run(lambda: first)
    for number in range(1_000):
        Deferred.fromCoroutine(put(number))
    first.callback(None)
    assert (done, lock.locked) == (list(range(1_000)), False)


def test_nobody_takes_the_turn_of_who_waits() -> None:
    lock = Lock()
    first: Deferred[None] = Deferred()
    done: list[str] = []

    async def twice() -> None:
        await lock.run(done.append, "once")
        assert lock.locked
        await lock.run(done.append, "twice")

    lock.run(lambda: first)
    Deferred.fromCoroutine(twice())
    lock.run(done.append, "meanwhile")
    first.callback(None)
    assert (done, lock.locked) == (["once", "meanwhile", "twice"], False)
