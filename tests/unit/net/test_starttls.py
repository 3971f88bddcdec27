"""TLS under a client stream: STARTTLS, direct TLS, and what is not let through."""

from __future__ import annotations

import pytest

from tests.support.server import STRANGER
from tests.support.tcp import PING, STARTTLS, Port, stream_error
from xmppd import ns
from xmppd.net.carrier import LINGER

# ---------------------------------------------------------------------- TLS


def test_starttls_and_login_inside_it(port: Port) -> None:
    peer = port.secured()
    assert port.empty is False
    peer.log_in("juliet")
    assert b"result" in peer.send(PING).take()
    assert b"result" not in peer.socket.sent, "it went out encrypted"
    session = port.host.directory.get("juliet@capulet.lit/balcony")
    assert session is not None
    assert session.secure
    assert session.address == STRANGER


def test_direct_tls_xep0368(port: Port) -> None:
    peer = port.connect(STRANGER, direct=True).start_tls(alpn=[b"xmpp-client"])
    assert peer.tls is not None
    assert peer.tls.get_alpn_proto_negotiated() == b"xmpp-client"
    peer.open()
    features = peer.elements()[0]
    assert features.find(f"{{{ns.TLS}}}starttls") is None
    assert features.find(f"{{{ns.SASL}}}mechanisms") is not None
    peer.log_in("juliet")
    assert b"result" in peer.send(PING).take()


def test_tls_is_required_of_who_is_not_on_this_machine(port: Port) -> None:
    peer = port.connect(STRANGER).open()
    (features,) = peer.elements()
    assert [child.tag for child in features] == [f"{{{ns.TLS}}}starttls"]
    peer.authenticate("juliet")
    assert b"<encryption-required/>" in peer.take()


def test_bytes_behind_starttls_are_never_acted_on_rfc6120_5_4_3_3(port: Port) -> None:
    peer = port.connect(STRANGER).open()
    peer.take()
    peer.send(STARTTLS + "<stream:stream to='capulet.lit' version='1.0' xmlns='jabber:client'>")
    assert stream_error(peer) == "policy-violation"
    assert port.host.refusals.counts == {"tls.injection": 1}
    assert b"proceed" not in peer.log
    assert peer.gone


def test_bytes_in_the_clear_after_proceed_end_the_handshake(port: Port) -> None:
    """In a later segment they are TLS to the server, and bad TLS at that."""
    peer = port.connect(STRANGER).open().send(STARTTLS)
    peer.take()
    peer.send("<stream:stream to='capulet.lit' version='1.0' xmlns='jabber:client'>")
    port.clock.advance(LINGER)
    port.clock.advance(0)
    assert peer.gone
    assert b"<stream" not in peer.take()
    assert port.empty


def test_a_handshake_that_is_never_finished_times_out(port: Port) -> None:
    peer = port.connect(STRANGER).open().send(STARTTLS)
    direct = port.connect(STRANGER, direct=True)
    port.clock.advance(port.server.config.limits.negotiation_seconds)
    port.clock.advance(LINGER)
    port.clock.advance(0)
    assert peer.gone
    assert direct.gone
    assert port.empty


def test_a_flow_goes_on_through_starttls(port: Port) -> None:
    """Twisted moves the producer over to TLS: the slow are still noticed, the quick not harmed."""
    peer = port.secured().log_in("juliet")
    for _ in range(100):
        peer.send(PING * 20)
    assert len(peer.elements()) == 2_000


@pytest.mark.parametrize("direct", [True, False])
def test_a_handshake_that_fails_is_noted(port: Port, direct: bool) -> None:
    peer = port.connect(STRANGER, direct=direct)
    if not direct:
        peer.open().send(STARTTLS)
    peer.send("GET / HTTP/1.1\r\n\r\n")
    port.clock.advance(0)
    assert peer.gone
    assert port.host.refusals.counts == {"tls.handshake": 1}
    assert port.host.refusals.about(STRANGER)


def test_a_handshake_that_succeeds_is_not(port: Port) -> None:
    port.secured().log_in("juliet").socket.hang_up()
    assert port.host.refusals.counts == {}
