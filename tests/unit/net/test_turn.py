"""Writing at the end of a turn: in order, joined, and each connection for itself."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from twisted.internet.task import Clock
from twisted.logger import LogEvent, formatEvent, globalLogPublisher

from tests.support.server import STRANGER
from tests.support.tcp import PING, UNLIMITED, Port, chat
from xmppd.net.turn import QUIET, Turn


@pytest.fixture
def log() -> Iterator[list[LogEvent]]:
    """What is logged as a failure."""
    events: list[LogEvent] = []

    def observer(event: LogEvent) -> None:
        if event.get("log_failure") is not None:
            events.append(event)

    globalLogPublisher.addObserver(observer)
    yield events
    globalLogPublisher.removeObserver(observer)


class Held:
    def __init__(self, fault: Exception | None = None) -> None:
        self.flushed = 0
        self.fault = fault

    def flush(self) -> None:
        self.flushed += 1
        if self.fault is not None:
            raise self.fault


def test_one_that_fails_keeps_nobody_else_from_sending(log: list[LogEvent]) -> None:
    clock = Clock()
    turn = Turn(clock)
    held = [Held(), Held(RuntimeError("broken")), Held()]
    for _ in range(2):
        for one in held:
            turn.add(one)
        clock.advance(0)
    assert [one.flushed for one in held] == [2, 2, 2]
    assert [formatEvent(event) for event in log] == [
        "the end of a turn failed for one connection"
    ] * 2
    assert [str(event["log_failure"].value) for event in log] == ["broken"] * 2


def test_what_is_added_while_flushing_is_not_forgotten() -> None:
    clock = Clock()
    turn = Turn(clock)
    late = Held()

    class First(Held):
        def flush(self) -> None:
            turn.add(late)

    turn.add(First())
    clock.advance(0)
    assert late.flushed == 1


# ---------------------------------------------------------------------- quiet and busy


def test_a_read_on_a_quiet_server_is_its_own_turn() -> None:
    """Without a timer: it would cost as much again as the message."""
    clock, held = Clock(), Held()
    turn = Turn(clock, clock.seconds)
    for flushes in range(1, 4):
        assert turn.begin()
        turn.add(held)
        assert clock.getDelayedCalls() == []
        turn.end()
        assert held.flushed == flushes
        clock.advance(2 * QUIET)


def test_reads_in_quick_succession_share_a_turn() -> None:
    clock, held = Clock(), Held()
    turn = Turn(clock, clock.seconds)
    assert turn.begin()
    turn.end()
    for _ in range(3):
        clock.pump([QUIET / 2])
        assert not turn.begin()
    turn.add(held)
    turn.add(Held())
    assert len(clock.getDelayedCalls()) == 1
    assert held.flushed == 0
    clock.advance(0)
    assert held.flushed == 1


def test_what_waits_already_is_not_overtaken_by_a_quiet_read() -> None:
    """It waits for the timer that is set; two ends of one turn would split what is joined."""
    clock = Clock()
    turn = Turn(clock, clock.seconds)
    turn.add(Held())
    clock.rightNow += 2 * QUIET  # and the timer is late
    assert not turn.begin()
    clock.advance(0)
    clock.rightNow += 2 * QUIET
    assert turn.begin()


def test_one_turn_serves_every_listener(port: Port) -> None:
    """A message from one port to a client of the other is sent without a timer, too."""
    juliet = port.connect(STRANGER, direct=True).start_tls().log_in("juliet")
    romeo = port.log_in("romeo")
    for sender, receiver, name in ((romeo, juliet, "juliet"), (juliet, romeo, "romeo")):
        port.clock.advance(2 * QUIET)
        before = len(receiver.socket.sent)
        data = chat(f"{name}@capulet.lit/balcony", 3).encode()
        if sender.tls is None:
            sender.socket.arrive(data)
        else:
            sender.tls.send(data)
            sender._out()
        assert port.clock.getDelayedCalls() == []
        assert len(receiver.socket.sent) > before


def test_what_is_written_in_one_turn_goes_out_at_once(port: Port) -> None:
    juliet, romeo = port.log_in("juliet"), port.log_in("romeo")
    sends: list[int] = []
    send = juliet.socket.writeSomeData
    juliet.socket.writeSomeData = lambda data: sends.append(len(data)) or send(data)  # type: ignore[method-assign,func-returns-value]
    romeo.send(chat("juliet@capulet.lit/balcony", 10) * 50)
    assert len(sends) == 1
    assert len(juliet.elements()) == 50


def test_the_order_of_stanzas_is_kept_for_who_reads_slowly(port: Port) -> None:
    """RFC 6120 §10.1: in the order in which they came."""
    juliet, romeo = port.log_in("juliet"), port.log_in("romeo")
    for number in range(200):
        juliet.socket.room = (number * 37) % 150
        romeo.send(f"<message to='juliet@capulet.lit/balcony' id='{number}'/>")
    juliet.socket.room = UNLIMITED
    juliet.socket.flush()
    assert [e.get("id") for e in juliet.elements()] == [str(n) for n in range(200)]


def test_last_words_come_behind_what_was_written_before(port: Port) -> None:
    peer = port.log_in("juliet").send(PING + "</stream:stream>")
    data = peer.take()
    assert data.index(b"type='result'") < data.index(b"</stream:stream>")
