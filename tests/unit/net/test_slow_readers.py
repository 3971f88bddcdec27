"""What is owed to clients that read slowly is bounded at all times; who keeps up is left alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import pytest
from twisted.logger import LogEvent, formatEvent, globalLogPublisher

from tests.support.server import STRANGER
from tests.support.tcp import UNLIMITED, Peer, Port
from xmppd.core.sessions import Session
from xmppd.net.carrier import JOINED_BYTES, Carrier
from xmppd.net.layer import TLSLayer
from xmppd.wire.stanza import Stanza

JULIET = "juliet@capulet.lit/balcony"


def session(port: Port, jid: str = JULIET) -> Session:
    found = port.host.directory.get(jid)
    assert found is not None
    return found


def owed(peer: Peer) -> int:
    """What the server holds for a client, wherever it is."""
    carrier: Carrier = peer.protocol
    return sum(map(len, carrier._out)) + carrier._transport.unsent


@pytest.fixture
def said() -> Iterator[list[str]]:
    lines: list[str] = []

    def observer(event: LogEvent) -> None:
        lines.append(formatEvent(event))

    globalLogPublisher.addObserver(observer)
    yield lines
    globalLogPublisher.removeObserver(observer)


# ---------------------------------------------------------------------- who keeps up


@pytest.mark.parametrize("secure", [False, True])
def test_a_client_that_keeps_up_is_kept_though_something_always_waits(
    port: Port, secure: bool
) -> None:
    """What counts is what waits now, not all that was written since it last was nothing."""
    limit = port.server.config.limits.write_buffer_bytes
    juliet = (port.secured() if secure else port.connect()).log_in("juliet")
    write, number = session(port).write, 4 * limit // 50_000
    juliet.socket.room = 0
    for _ in range(number):
        write(b"<message>" + b"x" * 50_000 + b"</message>")
        port.clock.advance(0)
        juliet.socket.room = juliet.socket.buffered - 1_000
        juliet.socket.flush()
        assert juliet.socket.buffered == 1_000
    assert juliet.socket.connected
    assert port.host.refusals.counts == {}
    juliet.socket.room = UNLIMITED
    assert juliet.take().count(b"</message>") == number


def test_a_client_that_reads_is_watched_by_no_timer(port: Port) -> None:
    port.log_in("juliet")
    for _ in range(100):
        session(port).write(b"x" * 10_000)
        port.clock.advance(0)
    assert port.clock.getDelayedCalls() == []


# ---------------------------------------------------------------------- who does not


@pytest.mark.parametrize("size", [100, 5_000, 200_000])
@pytest.mark.parametrize("secure", [False, True])
def test_what_is_owed_is_bounded_in_the_middle_of_a_turn(
    port: Port, secure: bool, size: int
) -> None:
    limit = port.server.config.limits.write_buffer_bytes
    juliet = (port.secured() if secure else port.connect()).log_in("juliet")
    juliet.socket.room = 0
    write, most = session(port).write, 0
    for _ in range(5 * limit // size):
        write(b"x" * size)
        most = max(most, owed(juliet))
    assert limit / 2 < most < limit + JOINED_BYTES + size + 50_000
    assert session(port).jid == JULIET, "it is not ended while somebody goes through sessions"
    port.clock.advance(0)
    assert not juliet.socket.connected
    assert port.host.refusals.counts == {"limit.slow-reader": 1}


def test_one_small_read_does_not_fan_out_to_hundreds_of_megabytes(port: Port) -> None:
    """16 KB of stanzas from a resource with a long name, to 15 others of the account."""
    limit = port.server.config.limits.write_buffer_bytes
    peers = [port.log_in("juliet", f"r{number}") for number in range(15)]
    sender = port.log_in("juliet", "&amp;" * 1_000)
    for peer in peers:
        peer.send("<presence/>").take()
        peer.socket.room = 0
    most = 0

    def watched(deliver: Callable[[Stanza], None], stanza: Stanza) -> None:
        nonlocal most
        deliver(stanza)
        most = max(most, *map(owed, peers))

    last = session(port, "juliet@capulet.lit/r14")
    last.deliver = partial(watched, last.deliver)
    sender.send("<message/>" * 1_600)
    assert limit / 2 < most < limit + 2 * JOINED_BYTES
    assert port.host.refusals.counts == {"limit.slow-reader": len(peers)}
    assert sender.socket.connected


def test_nothing_is_sent_behind_a_hole(port: Port) -> None:
    """Between the limit and the end the client may begin to read again."""
    limit = port.server.config.limits.write_buffer_bytes
    juliet = port.log_in("juliet")
    juliet.socket.room = 0
    write = session(port).write
    write(b"a" * (limit - 1_000))
    juliet.protocol.flush()
    write(b"b" * 2_000)
    juliet.protocol.flush()
    juliet.socket.room = UNLIMITED
    juliet.socket.flush()
    write(b"c")
    juliet.protocol.flush()
    assert juliet.socket.sent.endswith(b"a")
    port.clock.advance(0)
    assert not juliet.socket.connected


# ---------------------------------------------------------------------- who takes nothing


def clog(port: Port, peer: Peer) -> None:
    peer.socket.room = 0
    session(port).write(b"x" * 50_000)
    port.clock.advance(0)


@pytest.mark.parametrize("secure", [False, True])
def test_a_client_that_takes_nothing_is_cut_off_for_a_reason(
    port: Port, secure: bool, said: list[str]
) -> None:
    """Before TCP gives up, which leaves none."""
    seconds = port.server.config.limits.dead_seconds / 2
    juliet = (port.secured() if secure else port.connect()).log_in("juliet")
    clog(port, juliet)
    port.clock.advance(seconds - 0.1)
    assert juliet.socket.connected
    port.clock.advance(0.1)
    port.clock.advance(0)
    assert not juliet.socket.connected
    assert port.host.refusals.counts == {"limit.stalled": 1}
    assert [r.who for r in port.host.refusals.about("juliet@capulet.lit")] == [JULIET]
    assert any("is cut off: limit.stalled" in line for line in said)
    assert port.empty


def test_a_client_that_takes_little_is_kept(port: Port) -> None:
    juliet = port.log_in("juliet")
    clog(port, juliet)
    for _ in range(40):
        port.clock.advance(port.server.config.limits.dead_seconds / 3)
        juliet.socket.room = 1_000
        juliet.socket.flush()
    assert juliet.socket.connected
    juliet.socket.hang_up()
    assert port.empty


def test_a_client_that_falls_behind_again_has_its_time(port: Port) -> None:
    seconds = port.server.config.limits.dead_seconds / 2
    juliet = port.log_in("juliet")
    clog(port, juliet)
    port.clock.advance(seconds / 2)
    juliet.socket.room = UNLIMITED
    juliet.socket.flush()
    port.clock.advance(seconds / 2 - 1)
    clog(port, juliet)
    assert len(port.clock.getDelayedCalls()) == 1, "one timer, however often it falls behind"
    port.clock.advance(seconds - 1)
    assert juliet.socket.connected
    port.clock.advance(seconds)
    port.clock.advance(0)
    assert not juliet.socket.connected


def test_who_was_behind_when_tls_began_is_not_behind_for_ever(port: Port) -> None:
    peer = port.connect(STRANGER)
    carrier: Carrier = peer.protocol
    peer.socket.room = 0
    carrier.write(b"x" * 50_000)
    carrier.flush()
    assert carrier._clogged
    carrier.secure(port.plain.tls(""))
    peer.socket.room = UNLIMITED
    peer.socket.flush()
    assert not carrier._clogged
    assert carrier._transport.unsent == 0


def test_what_waits_for_a_handshake_is_owed_too(port: Port) -> None:
    peer = port.connect(STRANGER, direct=True)
    layer = peer.protocol._transport
    assert isinstance(layer, TLSLayer)
    layer.write(b"x" * 30_000)
    assert layer.unsent == 30_000
