"""Back-pressure, the shaper and keep-alive of client connections."""

from __future__ import annotations

from typing import Any

import pytest
from twisted.internet.defer import Deferred

from tests.support.tcp import PING, Port, chat
from xmppd.core.host import Authenticator
from xmppd.net.idle import SLOTS
from xmppd.stream.events import Question

# ---------------------------------------------------------------------- back-pressure


def test_a_slow_reader_is_bounded_and_then_cut_off(port: Port) -> None:
    limit = port.server.config.limits.write_buffer_bytes
    juliet, romeo = port.log_in("juliet"), port.log_in("romeo")
    juliet.socket.room = 0
    most = 0
    for _ in range(3 * limit // 10_000):
        romeo.send(chat("juliet@capulet.lit/balcony", 10_000))
        if juliet.socket.connected:
            most = max(most, juliet.socket.buffered)
        port.clock.advance(0)
    assert limit / 2 < most < limit + 100_000
    assert not juliet.socket.connected
    assert port.host.refusals.counts["limit.slow-reader"] == 1
    assert port.host.directory.get("juliet@capulet.lit/balcony") is None
    assert romeo.socket.connected
    kept = port.server.done(port.host.stores.offline.page(1, 0, 10))
    assert kept, "what came too late for her waits for her"


def test_a_client_that_asks_much_and_reads_nothing_is_cut_off_alone(port: Port) -> None:
    """The limit strikes while its own stanzas are acted on."""
    other, peer = port.log_in("romeo"), port.log_in("juliet")
    peer.socket.room = 0
    for _ in range(200):
        if peer.socket.connected:
            peer.send(PING * 300)
            port.clock.advance(0)
    assert not peer.socket.connected
    assert port.host.refusals.counts == {"limit.slow-reader": 1}
    assert b"result" in other.send(PING).take()


def test_a_client_that_catches_up_is_kept(port: Port) -> None:
    limit = port.server.config.limits.write_buffer_bytes
    juliet, romeo = port.log_in("juliet"), port.log_in("romeo")
    for _ in range(5):  # five times the limit in all, but never behind by as much
        juliet.socket.room = 0
        for _ in range(limit // 2 // 10_000):
            romeo.send(chat("juliet@capulet.lit/balcony", 10_000))
        assert juliet.socket.connected
        juliet.socket.room = 1 << 60
        juliet.socket.flush()
        assert juliet.socket.buffered == 0
    assert len(juliet.elements()) == 5 * (limit // 2 // 10_000)


def test_a_slow_reader_inside_tls_is_bounded_too(port: Port) -> None:
    limit = port.server.config.limits.write_buffer_bytes
    juliet, romeo = port.secured("127.0.0.1").log_in("juliet"), port.log_in("romeo")
    juliet.socket.room = 0
    most = 0
    for _ in range(3 * limit // 10_000):
        romeo.send(chat("juliet@capulet.lit/balcony", 10_000))
        port.clock.advance(0)
        if juliet.socket.connected:
            most = max(most, juliet.socket.buffered)
    assert not juliet.socket.connected
    assert most < limit + 200_000
    assert port.host.refusals.counts["limit.slow-reader"] == 1


# ---------------------------------------------------------------------- the shaper


@pytest.mark.parametrize("secure", [False, True])
def test_reading_pauses_for_who_sends_too_fast(shaped: Port, secure: bool) -> None:
    peer = (shaped.secured("127.0.0.1") if secure else shaped.connect()).log_in("juliet")
    shaped.clock.advance(10)  # the bucket is full again
    for _ in range(30):
        peer.send(chat("juliet@capulet.lit", 1_900))
    assert not peer.socket.reading
    assert peer.socket.unread
    routed = shaped.host.router.routed
    assert 9 <= routed <= 11, "a burst of 20,000 bytes"
    for second in range(1, 6):
        shaped.clock.advance(1)
        peer.socket.arrive(b"")
        assert shaped.host.router.routed <= routed + 5 * second + 1
    assert shaped.host.router.routed > routed
    peer.socket.hang_up()
    assert shaped.empty


def test_many_reads_in_one_turn_make_one_timer(shaped: Port) -> None:
    """Else the first of them would let the client on while its debt stands."""
    peer = shaped.log_in("juliet")
    shaped.clock.advance(10)
    for _ in range(5):  # what TLS hands over of one segment does not wait for `reading`
        peer.protocol.dataReceived(b" " * 16_000)
    assert len(shaped.clock.getDelayedCalls()) == 1
    assert not peer.socket.reading
    shaped.clock.advance(5.9)
    assert not peer.socket.reading
    shaped.clock.advance(0.2)
    assert peer.socket.reading


def test_a_paused_connection_that_is_closed_leaves_no_timer(shaped: Port) -> None:
    peer = shaped.log_in("juliet").send(" " * 60_000)
    peer.socket.hang_up()
    assert shaped.empty


# ---------------------------------------------------------------------- answers that take time


class Slow:
    """Answers when told to, as PBKDF2 in a thread does."""

    def __init__(self, authenticator: Authenticator) -> None:
        self._authenticator = authenticator
        self._later: list[tuple[Deferred[Any], Deferred[Any]]] = []

    def answer(self, question: Question, domain: str, address: str) -> Deferred[Any]:
        later: Deferred[Any] = Deferred()
        self._later.append((self._authenticator.answer(question, domain, address), later))
        return later

    def tell(self) -> None:
        waiting, self._later = self._later, []
        for answer, later in waiting:
            answer.chainDeferred(later)


@pytest.mark.parametrize("secure", [False, True])
def test_reading_stops_for_what_comes_while_an_answer_is_owed(port: Port, secure: bool) -> None:
    """Only then: most answers are there before the client says anything more."""
    peer = (port.secured("127.0.0.1") if secure else port.connect()).open()
    slow = Slow(port.host.authenticator)
    port.host.authenticator = slow
    peer.authenticate("juliet")
    assert peer.socket.reading, "nothing has come meanwhile"
    peer.send(" ")
    assert not peer.socket.reading
    peer.open()
    assert b"<success" not in peer.log
    for _ in range(5):  # a login asks more than once
        slow.tell()
        peer.socket.arrive(b"")
        peer.pump()
    assert peer.socket.reading
    assert b"<success" in peer.log
    assert peer.take().count(b"<stream:features>") == 2, "what waited was read then"


def test_a_peer_that_is_over_its_rate_is_not_read_because_an_answer_came(shaped: Port) -> None:
    """Each reason not to read has an end of its own."""
    peer = shaped.connect().open()
    slow = Slow(shaped.host.authenticator)
    shaped.host.authenticator = slow
    peer.send(" " * 9_000).send(" " * 9_000).authenticate("juliet")
    assert peer.socket.reading
    peer.send(" " * 9_000)
    for _ in range(5):
        slow.tell()
        shaped.clock.advance(0)
    assert not peer.socket.reading
    shaped.clock.advance(60)
    assert peer.socket.reading


# ---------------------------------------------------------------------- keep-alive


def test_only_the_silent_are_sent_a_space(port: Port) -> None:
    silent, lively, stranger = port.log_in("juliet"), port.log_in("romeo"), port.connect().open()
    stranger.take()
    for _ in range(2 * SLOTS):
        lively.send(" ")
        port.idle.sweep()
    assert silent.take() == b" "
    assert lively.take() == b""
    assert stranger.take() == b"", "who has not logged in runs out of time instead"


def test_who_is_charged_is_read_more_slowly(shaped: Port) -> None:
    peer = shaped.log_in("juliet")
    session = shaped.host.directory.get("juliet@capulet.lit/balcony")
    assert session is not None
    session.charge(50_000)
    assert peer.protocol._paused == {"rate"}
    shaped.clock.advance(5)
    assert peer.protocol._paused == set()
