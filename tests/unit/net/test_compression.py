"""Compression under a client stream, and the bombs that come with it (XEP-0138)."""

from __future__ import annotations

import zlib

import pytest

from tests.support.server import STRANGER
from tests.support.tcp import PING, Peer, Port
from xmppd import ns
from xmppd.net.tls import CertificateStore

COMPRESS = f"<compress xmlns='{ns.COMPRESS}'><method>zlib</method></compress>"
HEADER = (
    f"<stream:stream xmlns='{ns.CLIENT}' xmlns:stream='{ns.STREAM}' to='capulet.lit' version='1.0'>"
)
BIND = f"<iq type='set' id='b'><bind xmlns='{ns.BIND}'/></iq>"
COMPRESSED = f"<compressed xmlns='{ns.COMPRESS}'/>".encode()


# ---------------------------------------------------------------------- compression


@pytest.fixture
def squeezed(certificates: CertificateStore) -> Port:
    return Port(certificates, compression={"enabled": True, "inflated_bytes": 65_536})


class Zlib:
    """The client's end of a compressed stream."""

    def __init__(self, port: Port, name: str, *, secure: bool = False) -> None:
        self.peer = (port.secured() if secure else port.connect()).open().authenticate(name)
        self.peer.open()
        assert f"<compression xmlns='{ns.COMPRESS_FEATURE}'>".encode() in self.peer.take()
        self.peer.send(COMPRESS)
        assert self.peer.take() == COMPRESSED
        self.deflate = zlib.compressobj()
        self.inflate = zlib.decompressobj()

    def send(self, text: str | bytes) -> None:
        data = text.encode() if isinstance(text, str) else text
        self.peer.send(self.deflate.compress(data) + self.deflate.flush(zlib.Z_SYNC_FLUSH))

    def take(self) -> bytes:
        return self.inflate.decompress(self.peer.take())

    def bind(self) -> Zlib:
        self.send(HEADER + BIND)
        assert b"<jid>" in self.take()
        return self


def test_a_compressed_stream_goes_on_as_before_xep0138(squeezed: Port) -> None:
    client = Zlib(squeezed, "juliet").bind()
    for _ in range(10):
        client.send(PING * 5)
        assert client.take().count(b"type='result'") == 5
    client.send("</stream:stream>")
    assert client.take() == b"</stream:stream>"
    assert client.peer.gone


def test_xep_0170_2_tls_then_sasl_then_compression_then_bind(
    certificates: CertificateStore,
) -> None:
    """Each once, and only after the one before."""
    port = Port(certificates, compression={"enabled": True})

    def offered(client: Peer | Zlib) -> list[str]:
        told = client.take().decode()
        features = told[told.index("<stream:features>") :].partition("</stream:features>")[0]
        names = ("starttls", "mechanisms", "compression", "bind")
        return [name for name in names if f"<{name} " in features]

    assert offered(port.connect(STRANGER).open()) == ["starttls"]
    secured = port.secured().open()
    assert offered(secured) == ["mechanisms"]
    assert offered(secured.authenticate("juliet").open()) == ["compression", "bind"]
    client = Zlib(port, "juliet", secure=True)
    client.send(HEADER)
    assert offered(client) == ["bind"]
    client.send(BIND)
    assert b"<jid>" in client.take()
    assert client.peer.tls is not None


def test_compression_is_not_offered_before_login_nor_where_it_is_off(
    squeezed: Port, port: Port
) -> None:
    assert b"compression" not in squeezed.connect().open().take()
    peer = port.connect().open().authenticate("juliet").open()
    assert b"compression" not in peer.take()
    peer.send(COMPRESS)
    assert b"<setup-failed/>" in peer.take()


@pytest.mark.parametrize(
    "bomb",
    [b" " * 10_000_000, b"<iq>" + b"a" * 10_000_000, (b" " * 60_000)],
    ids=["spaces", "text", "many small ones"],
)
def test_a_bomb_ends_its_own_stream_only(squeezed: Port, bomb: bytes) -> None:
    other, client = Zlib(squeezed, "romeo").bind(), Zlib(squeezed, "juliet").bind()
    for _ in range(100):
        if client.peer.socket.connected:
            client.send(bomb)
    assert client.peer.gone
    assert b"<policy-violation" in client.take()
    assert squeezed.host.refusals.counts == {"limit.inflated": 1}
    other.send(PING)
    assert b"result" in other.take()


def test_data_that_is_not_zlib_ends_the_stream(squeezed: Port) -> None:
    client = Zlib(squeezed, "juliet")
    client.peer.send(b"<stream:stream>")
    assert b"<undefined-condition" in client.take()
    assert client.peer.gone


def test_nothing_may_follow_the_end_of_the_compressed_data(squeezed: Port) -> None:
    """zlib keeps whatever follows its end mark: memory without bound, unseen by any limit."""
    client = Zlib(squeezed, "juliet").bind()
    client.peer.send(client.deflate.flush(zlib.Z_FINISH))
    for _ in range(50):
        if client.peer.socket.connected:
            client.peer.send(b"x" * 60_000)
    assert client.peer.gone
    assert b"<policy-violation" in client.take()


def test_the_shaper_counts_what_is_inflated(certificates: CertificateStore) -> None:
    """Else compression would be a way around it, a hundredfold."""
    port = Port(
        certificates,
        compression={"enabled": True},
        limits={"read_rate": 10_000, "read_burst": 20_000},
    )
    client = Zlib(port, "juliet").bind()
    port.clock.advance(10)
    client.send(b" " * 50_000)
    assert not client.peer.socket.reading
    port.clock.advance(2.9)
    assert not client.peer.socket.reading
    port.clock.advance(0.2)
    assert client.peer.socket.reading
