"""One client that sends much must not make all the others wait."""

from __future__ import annotations

import zlib

from tests.support.tcp import PING, Port
from xmppd import ns
from xmppd.net.tls import CertificateStore
from xmppd.net.transport import READ_BYTES

COMPRESS = f"<compress xmlns='{ns.COMPRESS}'><method>zlib</method></compress>"


def test_little_is_read_of_one_connection_at_a_time(port: Port) -> None:
    """13,000 stanzas in one read of 64 KiB kept everybody waiting for a quarter of a second."""
    assert READ_BYTES <= 16_384
    assert port.connect().socket.bufferSize == READ_BYTES


def test_what_was_packed_densely_is_acted_on_in_many_turns(certificates: CertificateStore) -> None:
    """1.3 KiB, 180,000 stanzas when inflated, stopped the server for two seconds (XEP-0138)."""
    port = Port(certificates, compression={"enabled": True})
    peer = port.connect().open().authenticate("juliet")
    peer.open().send(COMPRESS)
    pack, unpack = zlib.compressobj(), zlib.decompressobj()

    def packed(text: str) -> bytes:
        return pack.compress(text.encode()) + pack.flush(zlib.Z_SYNC_FLUSH)

    peer.take()
    peer.send(
        packed(
            f"<stream:stream xmlns='{ns.CLIENT}' xmlns:stream='{ns.STREAM}' to='capulet.lit'"
            f" version='1.0'><iq type='set' id='b'><bind xmlns='{ns.BIND}'/></iq>"
        )
    )
    assert b"<jid>" in unpack.decompress(peer.take())

    number = 3 * READ_BYTES // len(PING)
    before = port.host.router.routed
    peer.socket.arrive(packed(PING * number + "</stream:stream>"))
    assert 0 < port.host.router.routed - before <= READ_BYTES // len(PING)
    assert not peer.socket.reading
    answers = unpack.decompress(peer.take())
    assert answers.count(b"type='result'") == number
    assert answers.endswith(b"</stream:stream>")
    assert peer.gone
    assert port.empty


def test_who_goes_away_in_between_leaves_nothing_behind(certificates: CertificateStore) -> None:
    port = Port(certificates, compression={"enabled": True})
    peer = port.connect().open().authenticate("juliet")
    peer.open().send(COMPRESS)
    pack = zlib.compressobj()
    peer.socket.arrive(pack.compress(b" " * 100_000) + pack.flush(zlib.Z_SYNC_FLUSH))
    peer.socket.hang_up()
    assert port.empty
