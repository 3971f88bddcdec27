"""TLS as the client's end, over the real carrier and layer: as servers connect to others."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from OpenSSL import SSL

from tests.support.certificates import Authority, dns
from tests.support.peer_tls import Configure, other_server, showing, store_in
from tests.support.tcp import Peer, Port, Socket
from xmppd.errors import StreamError
from xmppd.net.c2s import ClientFactory
from xmppd.net.carrier import Carrier
from xmppd.net.layer import TLSLayer
from xmppd.net.peers import Incoming, PeerFacts, tls_with
from xmppd.net.tls import CertificateStore

CA = Authority()
OTHER = CA.issue(dns("mantua.example"))
SHOWING = showing(OTHER)


@pytest.fixture
def store(tmp_path: Path) -> CertificateStore:
    return store_in(tmp_path, CA)


class Stream:
    """What is carried: it notes what happens."""

    address = "192.0.2.7"
    who = "mantua.example"

    def __init__(self) -> None:
        self.received = b""
        self.happened: list[str] = []

    def receive(self, data: bytes) -> None:
        self.received += data

    def secured(self) -> None:
        self.happened.append("secured")

    def end(self, error: StreamError) -> None:
        self.happened.append("end")

    def lost(self) -> None:
        self.happened.append("lost")


class Connection:
    """A carrier that has connected, and the other server's end of TLS."""

    def __init__(
        self, port: Port, store: CertificateStore, theirs: SSL.Connection, *, direct: bool = True
    ) -> None:
        self.port, self.theirs = port, theirs
        theirs.set_accept_state()
        self.stream = Stream()
        self.socket = Socket(port.clock, "192.0.2.7")
        self.carrier = Carrier(port.host, port.turn)
        self.socket.connect(self.carrier)
        self.carrier.carry(self.stream)
        self.carrier.secure(tls_with(store, "verona.example", "mantua.example", direct=direct))
        self.log = b""
        self._seen = 0

    def pump(self) -> Connection:
        """Let both sides have what is on its way, until nothing is."""
        while self.step():
            pass
        return self

    def step(self) -> bool:
        self.port.clock.advance(0)
        data, self._seen = self.socket.sent[self._seen :], len(self.socket.sent)
        if data:
            self.theirs.bio_write(data)
        try:
            self.theirs.do_handshake()
            while True:
                self.log += self.theirs.recv(65_536)
        except SSL.Error:
            pass
        try:
            answer = self.theirs.bio_read(65_536)
        except SSL.WantReadError:
            answer = b""
        self.socket.arrive(answer)
        return bool(data or answer)

    def say(self, data: bytes) -> Connection:
        while data:
            data = data[self.theirs.send(data[:16_384]) :]
        return self.pump()


def connection(
    port: Port, store: CertificateStore, version: str, configure: Configure = SHOWING
) -> Connection:
    return Connection(port, store, other_server(configure, version)).pump()


@pytest.fixture(params=["1.2", "1.3"])
def version(request: pytest.FixtureRequest) -> Iterator[str]:
    return request.param


def test_a_client_speaks_first(port: Port, store: CertificateStore) -> None:
    connected = Connection(port, store, other_server(showing(OTHER)))
    assert connected.socket.sent[:1] == b"\x16", "a handshake record"


def test_a_client_is_secured_and_says_who_it_talks_to(
    port: Port, store: CertificateStore, version: str
) -> None:
    connected = connection(port, store, version)
    assert connected.stream.happened == ["secured"]
    handle = connected.carrier._transport.getHandle()
    facts = PeerFacts(handle)
    assert (facts.version, facts.problem) == (f"TLSv{version}", "")
    assert facts.proves("mantua.example")


def test_the_clients_last_word_is_sent_though_nobody_writes(
    port: Port, store: CertificateStore
) -> None:
    """With TLS 1.3 the server's handshake ends with it, which has nothing else to wait for."""
    connected = connection(port, store, "1.3")
    assert connected.theirs.get_finished() is not None
    connected.say(b"<stream:features/>")
    assert connected.stream.received == b"<stream:features/>"


def test_what_is_written_arrives_both_ways(
    port: Port, store: CertificateStore, version: str
) -> None:
    connected = connection(port, store, version)
    for size in (1, 4_095, 4_097, 70_000):
        connected.log, connected.stream.received = b"", b""
        connected.carrier.write(b"o" * size)
        connected.pump().say(b"i" * size)
        assert connected.log == b"o" * size
        assert connected.stream.received == b"i" * size


def test_what_is_written_before_the_handshake_is_done_comes_behind_it(
    port: Port, store: CertificateStore, version: str
) -> None:
    connected = Connection(port, store, other_server(showing(OTHER), version))
    connected.carrier.write(b"<stream:stream>")
    assert connected.pump().log == b"<stream:stream>"


def test_the_connection_is_closed_in_good_order(
    port: Port, store: CertificateStore, version: str
) -> None:
    connected = connection(port, store, version)
    connected.carrier.close()
    connected.pump()
    assert connected.theirs.get_shutdown() & SSL.RECEIVED_SHUTDOWN
    assert connected.carrier.fault == ""


def test_what_answers_without_tls_is_called_by_its_name(
    port: Port, store: CertificateStore
) -> None:
    connected = Connection(port, store, other_server(showing(OTHER)))
    connected.socket.arrive(b"<?xml version='1.0'?><stream:stream>")
    port.clock.advance(0)
    assert connected.stream.happened == ["lost"]
    assert connected.carrier.fault == "what came is not TLS"
    (refusal,) = port.host.refusals.about("192.0.2.7")
    assert (refusal.reason, refusal.detail) == ("tls.handshake", "what came is not TLS")


def test_a_server_that_hangs_up(port: Port, store: CertificateStore) -> None:
    connected = Connection(port, store, other_server(showing(OTHER)))
    connected.socket.hang_up()
    assert connected.stream.happened == ["lost"]
    assert connected.carrier.fault == "the connection was closed"


def test_a_server_that_wants_another_certificate_says_so_in_its_own_time(
    port: Port, store: CertificateStore, version: str
) -> None:
    """With TLS 1.3 that is after our handshake is done."""

    def suspicious(context: SSL.Context) -> None:
        showing(OTHER)(context)
        context.set_verify(SSL.VERIFY_PEER, lambda *_: False)

    connected = connection(port, store, version, suspicious)
    port.clock.advance(0)
    secured = ["secured"] if version == "1.3" else []
    assert connected.stream.happened == [*secured, "lost"]
    assert connected.carrier.fault.startswith("the peer rejected our certificate: ")


def test_the_layer_counts_a_servers_tickets_among_records_without_data(
    port: Port, store: CertificateStore
) -> None:
    layer = connection(port, store, "1.3").carrier._transport
    assert isinstance(layer, TLSLayer)
    assert layer._empty <= 2


class Listener(ClientFactory):
    """A listener whose peers are servers."""

    def creator(self, domain: str) -> Incoming:
        return Incoming(self.certificates, domain)


@pytest.mark.parametrize("direct", [True, False])
def test_a_listener_says_what_its_connections_are_for(
    port: Port, store: CertificateStore, direct: bool
) -> None:
    parts = (port.host, store, port.admission, port.idle, port.turn)
    peer = Peer(Listener(*parts, direct=direct), port.clock, "192.0.2.7")
    if not direct:
        peer.protocol.start_tls("verona.example")
    peer.start_tls(alpn=[b"xmpp-server"], configure=SHOWING)
    assert peer.tls is not None
    assert peer.tls.get_alpn_proto_negotiated() == b"xmpp-server"
    facts = PeerFacts(peer.protocol._transport.getHandle())
    assert facts.problem == ""
    assert facts.proves("mantua.example")
