"""The TLS layer over real TLS in memory: whatever is written arrives, whole and in order."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from OpenSSL import SSL

from tests.support.tcp import UNLIMITED, Peer, Port
from xmppd.net import certificates, layer

WRITES = st.lists(
    st.one_of(st.integers(0, 300), st.integers(4_000, 4_200), st.integers(0, 70_000)), max_size=12
)


def direct(port: Port, version: str = "1.3") -> Peer:
    return port.connect(direct=True).start_tls(version=version)


def written(sizes: list[int]) -> list[bytes]:
    return [bytes([65 + number]) * size for number, size in enumerate(sizes)]


@pytest.mark.parametrize("version", ["1.2", "1.3"])
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(sizes=WRITES, rooms=st.lists(st.integers(0, 9_000), max_size=5))
def test_whatever_is_written_arrives_in_order(
    port: Port, version: str, sizes: list[int], rooms: list[int]
) -> None:
    peer = direct(port, version)
    peer.take()
    for number, data in enumerate(written(sizes)):
        peer.socket.room = rooms[number % len(rooms)] if rooms else UNLIMITED
        peer.protocol._transport.write(data)
    peer.socket.room = UNLIMITED
    assert peer.take() == b"".join(written(sizes))
    peer.socket.hang_up()


@pytest.mark.parametrize("piece", [1, 100, 4_095])
def test_nothing_is_lost_when_openssl_takes_less_than_it_is_given(
    port: Port, piece: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the reason: here, that the connection takes smaller pieces than the layer gives."""
    peer = direct(port)
    peer.take()
    monkeypatch.setattr(certificates, "PIECE", piece)
    for data in written([1, 99, 4_096, 5_000]):
        peer.protocol._transport.write(data)
    assert peer.take() == b"".join(written([1, 99, 4_096, 5_000]))


@pytest.mark.parametrize("draught", [1, 50, 600])
def test_nothing_is_left_lying_in_openssl(
    port: Port, draught: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Session tickets, which go with the first record, and a record longer than one draught."""
    monkeypatch.setattr(layer, "_DRAUGHT", draught)
    peer = direct(port)
    peer.protocol._transport.write(b"x" * 4_000)
    assert peer.take() == b"x" * 4_000
    peer.protocol._transport.write(b"y" * 10)
    assert peer.take() == b"y" * 10


@pytest.mark.parametrize(("most", "gone"), [(0, True), (1_000, False)])
def test_records_without_data_are_not_answered_without_end(port, monkeypatch, most, gone):
    """A renegotiation, which TLS 1.2 has: each attempt is one record, and is refused by another."""
    monkeypatch.setattr("xmppd.net.layer.EMPTY_RECORDS", most)
    peer = port.secured(version="1.2")
    peer.tls.renegotiate()
    with contextlib.suppress(SSL.Error):
        peer.tls.do_handshake()
    peer.socket.arrive(peer.tls.bio_read(65_536))
    port.clock.advance(0)
    assert peer.socket.connected is not gone
