"""Client connections on the wire: who is let in, how they end, and what is left afterwards."""

from __future__ import annotations

import gc
import socket
import weakref
from typing import Any

import pytest
from twisted.logger import globalLogPublisher

from tests.support.server import STRANGER
from tests.support.tcp import PING, Peer, Port, chat, stream_error
from xmppd.net.carrier import LINGER
from xmppd.net.transport import tune

# ---------------------------------------------------------------------- the plain path


def test_two_clients_talk(port: Port) -> None:
    juliet, romeo = port.log_in("juliet"), port.log_in("romeo")
    romeo.send(chat("juliet@capulet.lit/balcony", 3))
    (had,) = juliet.elements()
    assert had.findtext("{jabber:client}body") == "xxx"
    assert romeo.take() == b""


def test_small_stanzas_are_not_held_back(port: Port) -> None:
    assert port.connect().socket.options == ["no delay True", "keep alive True"]


def test_tcp_finds_out_when_a_peer_is_dead() -> None:
    with socket.socket() as real:

        class Transport:
            def setTcpNoDelay(self, on: bool) -> None: ...

            def setTcpKeepAlive(self, on: bool) -> None: ...

            def getHandle(self) -> Any:
                return real

        tune(Transport(), 77)
        assert real.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 77_000


def test_a_unix_socket_has_no_options_of_tcp() -> None:
    real, other = socket.socketpair()
    with real, other:

        class Transport:
            def setTcpNoDelay(self, on: bool) -> None:
                real.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, on)

            def getHandle(self) -> Any:
                return real

        tune(Transport(), 77)


@pytest.mark.parametrize("size", [1, 2, 7])
def test_a_stream_may_come_in_any_pieces(port: Port, size: int) -> None:
    peer = port.log_in("juliet")
    data = (PING * 5).encode()
    for start in range(0, len(data), size):
        peer.send(data[start : start + size])
    assert [e.get("type") for e in peer.elements()] == ["result"] * 5


# ---------------------------------------------------------------------- admission


def test_too_many_connections_of_an_address_are_turned_away(certificates: Any) -> None:
    port = Port(certificates, limits={"connections_per_address": 2})
    inside = [port.connect(STRANGER) for _ in range(2)]
    turned_away = port.connect(STRANGER)
    assert turned_away.socket._aborting
    turned_away.protocol.dataReceived(b"<stream:stream")
    port.clock.advance(0)
    assert turned_away.gone
    assert turned_away.log == b""
    assert port.host.refusals.counts == {"limit.connections": 1}
    assert not port.connect("192.0.2.8").socket._aborting
    assert not port.connect("127.0.0.1").socket._aborting
    inside[0].socket.hang_up()
    assert not port.connect(STRANGER).socket._aborting


def test_turning_away_works_behind_direct_tls(certificates: Any) -> None:
    port = Port(certificates, limits={"connections_per_address": 1})
    port.connect(STRANGER, direct=True)
    turned_away = port.connect(STRANGER, direct=True)
    port.clock.advance(0)
    assert turned_away.gone


def test_who_has_logged_in_does_not_make_room_for_strangers(certificates: Any) -> None:
    port = Port(certificates, limits={"unauthenticated": 1})
    juliet, silent = port.connect().log_in("juliet"), port.connect()
    assert port.host.refusals.counts == {}
    other = port.connect()
    assert silent.socket._aborting
    port.clock.advance(0)
    assert silent.gone
    assert port.host.refusals.counts == {"limit.unauthenticated": 1}
    assert not juliet.socket._aborting
    assert not other.socket._aborting


@pytest.mark.parametrize("direct", [False, True])
def test_a_stranger_who_makes_room_may_be_anywhere(certificates: Any, direct: bool) -> None:
    port = Port(certificates, limits={"unauthenticated": 1})
    first = port.connect(STRANGER, direct=direct)
    if not direct:
        first.send(b"<stream:stream")
    port.connect()
    port.clock.advance(0)
    assert first.gone


# ---------------------------------------------------------------------- closing


@pytest.mark.parametrize("secure", [False, True])
def test_a_peer_that_does_not_take_the_last_words_is_aborted(port: Port, secure: bool) -> None:
    peer = port.secured("127.0.0.1") if secure else port.connect()
    peer.log_in("juliet")
    peer.socket.room = 0
    peer.send("</stream:stream>")
    assert peer.socket.connected
    port.clock.advance(LINGER)
    port.clock.advance(0)
    assert not peer.socket.connected
    assert port.empty


def test_rfc6120_4_4_our_side_closes_first_and_what_still_comes_resets_nothing(port: Port) -> None:
    peer = port.log_in("juliet")
    peer.socket.polite = False
    peer.send("</stream:stream>")
    assert peer.socket.half_closed
    peer.send(PING * 10)
    assert peer.take().endswith(b"</stream:stream>"), "nothing is answered any more"
    assert not peer.gone
    port.clock.advance(LINGER)
    port.clock.advance(0)
    assert peer.gone
    assert port.empty


def test_closing_waits_for_what_is_written(port: Port) -> None:
    peer = port.log_in("juliet")
    peer.socket.room = 0
    peer.send(PING * 10 + "</stream:stream>")
    peer.socket.room = 1 << 60
    assert peer.gone
    assert peer.take().count(b"type='result'") == 10
    assert peer.log.endswith(b"</stream:stream>")
    assert port.empty


def test_nothing_is_read_or_written_after_the_end(port: Port) -> None:
    peer = port.log_in("juliet")
    session = port.host.directory.get("juliet@capulet.lit/balcony")
    assert session is not None
    peer.socket.room = 0
    peer.send("</stream:stream>" + PING)
    peer.protocol.dataReceived(PING.encode())
    session.write(b"<message/>")
    peer.socket.room = 1 << 60
    assert peer.take() == b"</stream:stream>"


def test_tls_is_closed_by_an_answer_even_while_reading_was_paused(shaped: Port) -> None:
    peer = shaped.secured("127.0.0.1").log_in("juliet")
    peer.send(" " * 60_000)
    assert not peer.socket.reading
    shaped.host.shut_down()
    assert peer.socket.reading
    peer.pump()
    assert peer.tls is not None
    peer.tls.shutdown()
    peer.pump()
    assert peer.gone
    assert shaped.empty


# ---------------------------------------------------------------------- memory


def _gone(peer: Peer, how: str, port: Port) -> None:
    if how == "hangs up":
        peer.socket.hang_up()
    elif how == "closes":
        peer.send("</stream:stream>")
    elif how == "sends rubbish":
        peer.send("</a>")
    else:
        port.host.shut_down()
    peer.pump()
    port.clock.advance(LINGER)
    port.clock.advance(0)


@pytest.mark.parametrize("how", ["hangs up", "closes", "sends rubbish", "is shut down"])
@pytest.mark.parametrize("kind", ["plain", "stranger", "starttls", "direct"])
def test_nothing_keeps_a_closed_connection_alive(port: Port, kind: str, how: str) -> None:
    """Freed by reference counting, without the collector: churn leaves no garbage."""
    if kind == "direct":
        peer = port.connect(STRANGER, direct=True).start_tls()
        wire = peer.protocol
    else:
        peer = port.secured() if kind == "starttls" else port.connect()
        wire = peer.protocol
    if kind == "stranger":
        peer.open()
    else:
        peer.log_in("juliet").send("<presence/>" + PING)
    gc.collect()
    gc.disable()
    try:
        left = [weakref.ref(wire), weakref.ref(peer.socket.protocol)]  # the other may be TLS
        _gone(peer, how, port)
        assert peer.gone
        peer.protocol = None
        del wire
        assert [reference() for reference in left] == [None, None]
        assert port.empty
    finally:
        gc.enable()


def test_a_handshake_that_fails_leaves_nothing_either(port: Port) -> None:
    peer = port.connect(STRANGER, direct=True)
    gc.collect()
    gc.disable()
    try:
        left = [weakref.ref(peer.protocol), weakref.ref(peer.socket.protocol)]
        peer.send("GET / HTTP/1.1\r\n\r\n")
        port.clock.advance(0)
        assert peer.gone
        peer.protocol = None
        assert [reference() for reference in left] == [None, None]
        assert port.empty
    finally:
        gc.enable()


def _living() -> int:
    """The objects there are, but for weak references: sqlite3 keeps up to 200 dead ones."""
    return sum(not isinstance(each, weakref.ref) for each in gc.get_objects())


def test_churn_leaves_nothing(port: Port) -> None:
    for round_ in range(3):
        for _ in range(20):
            port.log_in("juliet").send("<presence/>").socket.hang_up()
        gc.collect()
        if round_ == 1:
            before = _living()
    assert _living() <= before + 20
    assert port.empty


def test_a_stranger_is_held_to_small_stanzas(port: Port) -> None:
    limit = port.server.config.limits.stanza_bytes_unauthenticated
    peer = port.connect().open()
    peer.take()
    for _ in range(limit // 1_000 + 2):
        if peer.socket.connected:
            peer.send(f"<iq type='get' id='{'a' * 100}'>".ljust(1_000, "x"))
    assert stream_error(peer) in ("policy-violation", "not-authorized")
    assert peer.gone


def test_the_log_says_once_a_minute_that_files_have_run_out(port: Port) -> None:
    said: list[str] = []
    observer = lambda event: said.append(event["log_format"] or "")  # noqa: E731
    globalLogPublisher.addObserver(observer)
    try:
        port.admission.files = 1
        port.connect()
        for _ in range(3):
            assert port.connect().gone
        port.clock.advance(60)
        assert port.connect().gone
    finally:
        globalLogPublisher.removeObserver(observer)
    assert sum("out of files" in line for line in said) == 2
    assert port.host.refusals.counts["limit.files"] == 4
