"""A handshake that fails says why, to `xmppctl why`."""

from __future__ import annotations

import pytest
from OpenSSL import SSL

from tests.support.memory_tls import advance, client
from tests.support.server import STRANGER
from tests.support.tcp import Peer, Port
from xmppd.net.handshake import fault


def refused(port: Port) -> str:
    """What is noted of the one handshake that failed."""
    (refusal,) = port.host.refusals.about(STRANGER)
    assert refusal.reason == "tls.handshake"
    return refusal.detail


def attempt(peer: Peer, connection: SSL.Connection) -> None:
    """Go as far through the handshake as the client will, its alert included."""
    peer.tls = connection
    try:
        for _ in range(4):
            advance(connection)
            peer._out()
            connection.bio_write(peer.socket.sent[peer._seen :])
            peer._seen = len(peer.socket.sent)
    except SSL.Error:
        pass
    peer._out()
    peer.clock.advance(0)


def test_what_is_no_tls_is_called_by_its_name(port: Port) -> None:
    port.connect(STRANGER, direct=True).send("GET / HTTP/1.1\r\n\r\n")
    port.clock.advance(0)
    assert refused(port) == "http request"


def test_a_version_that_is_too_old(port: Port) -> None:
    def anything_goes(context: SSL.Context) -> None:
        context.set_cipher_list(b"ALL:@SECLEVEL=0")

    old = client(version="1.1", configure=anything_goes)
    attempt(port.connect(STRANGER, direct=True), old)
    assert refused(port) == "unsupported protocol"


def test_a_client_that_does_not_trust_us(port: Port) -> None:
    def suspicious(context: SSL.Context) -> None:
        context.set_verify(SSL.VERIFY_PEER, lambda *_: False)

    attempt(port.connect(STRANGER, direct=True), client(configure=suspicious))
    assert refused(port).startswith("the peer rejected our certificate: ")


def test_a_client_that_hangs_up(port: Port) -> None:
    port.connect(STRANGER, direct=True).socket.hang_up()
    assert refused(port) == "the connection was closed"


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (SSL.Error([("SSL routines", "", "no shared cipher")]), "no shared cipher"),
        (
            SSL.Error([("SSL routines", "", "tlsv1 alert unknown ca")]),
            "the peer rejected our certificate: unknown ca",
        ),
        (
            SSL.Error([("SSL routines", "", "ssl/tls alert handshake failure")]),
            "the peer gave up: handshake failure",
        ),
        (
            SSL.Error([("SSL routines", "", "tlsv1 unrecognized name")]),
            "the peer gave up: unrecognized name",
        ),
        (SSL.Error([("SSL routines", "", "wrong version number")]), "what came is not TLS"),
        (SSL.Error([("x", "", "a"), ("x", "", "b"), ("x", "", "a")]), "a, b"),
        (SSL.Error([]), "OpenSSL gave no reason"),
        (SSL.SysCallError(-1, "Unexpected EOF"), "the connection was closed"),
        (None, "the connection was closed"),
        (ValueError("odd"), "odd"),
    ],
)
def test_openssls_words(error: BaseException | None, words: str) -> None:
    assert fault(error) == words
