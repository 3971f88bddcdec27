"""The server's TLS: selection by name, ALPN, versions, reload, and what goes wrong on disk."""

import ssl

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509 import DNSName, SubjectAlternativeName
from OpenSSL import SSL
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.protocols.tls import TLSMemoryBIOFactory

from tests.support.certificates import DAY, NOW, Authority, dns, write_pair
from tests.support.memory_tls import advance, client, drain, handshake, move
from xmppd.config import TLS
from xmppd.errors import ConfigError
from xmppd.net.certificates import PIECE
from xmppd.net.contexts import NoSharedProtocol
from xmppd.net.tls import CertificateStore

CA = Authority()
DOMAINS = ["verona.example", "mantua.example", "münchen.example"]


@pytest.fixture
def store(tmp_path):
    return CertificateStore(TLS(), DOMAINS, str(tmp_path))


def serve(store, domain=""):
    return store.creator(domain).serverConnectionForTLS(None)


def shown(store, domain="", **options):
    """The DNS names in the certificate that such a client is shown."""
    server, peer = serve(store, domain), client(**options)
    handshake(server, peer)
    certificate = peer.get_peer_certificate(as_cryptography=True)
    names = certificate.extensions.get_extension_for_class(SubjectAlternativeName).value
    return names.get_values_for_type(DNSName)


def issue(directory, domain, **options):
    pair = CA.issue(dns(domain), **options)
    write_pair(pair, directory / f"{domain}.crt", directory / f"{domain}.key")
    return pair


# Which certificate


@pytest.mark.parametrize(
    ("server_name", "certificate"),
    [
        ("", "verona.example"),
        ("mantua.example", "mantua.example"),
        ("MANTUA.example", "mantua.example"),
        ("xn--mnchen-3ya.example", "xn--mnchen-3ya.example"),
        ("elsinore.example", "verona.example"),
    ],
)
@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_sni_selects_the_certificate_and_the_first_domain_is_the_default(
    store, version, server_name, certificate
):
    assert shown(store, server_name=server_name, version=version) == [certificate]


@pytest.mark.parametrize(
    ("to", "server_name", "certificate"),
    [
        ("mantua.example", "", "mantua.example"),
        ("mantua.example", "elsinore.example", "mantua.example"),
        ("mantua.example", "verona.example", "verona.example"),
        ("elsinore.example", "", "verona.example"),
    ],
)
def test_starttls_starts_from_the_stream_headers_domain(store, to, server_name, certificate):
    assert shown(store, to, server_name=server_name) == [certificate]
    assert store.context_for("elsinore.example") is store.context_for("verona.example")


def test_the_whole_chain_is_sent(tmp_path):
    pair = Authority("Friar John", CA).issue(dns("verona.example"))
    write_pair(pair, tmp_path / "verona.example.crt", tmp_path / "verona.example.key")
    store = CertificateStore(TLS(certificates=str(tmp_path)), ["verona.example"], str(tmp_path))
    peer = client()
    handshake(serve(store), peer)
    assert peer.get_peer_cert_chain(as_cryptography=True) == [pair.certificate, *pair.chain]


# ALPN (XEP-0368 §4, RFC 7301 §3.2)


def test_alpn_selects_xmpp_client(store):
    server, peer = serve(store), client(alpn=[b"http/1.1", b"xmpp-client"])
    handshake(server, peer)
    assert peer.get_alpn_proto_negotiated() == b"xmpp-client"


def test_a_client_without_alpn_is_welcome(store):
    server, peer = serve(store), client()
    handshake(server, peer)
    assert peer.get_alpn_proto_negotiated() == b""


@pytest.mark.parametrize("server_name", ["", "mantua.example"])
def test_alpn_without_xmpp_client_gets_the_alert_no_application_protocol(store, server_name):
    server, peer = serve(store), client(alpn=[b"http/1.1", b"h2"], server_name=server_name)
    with pytest.raises(NoSharedProtocol):
        handshake(server, peer)
    move(server, peer)
    with pytest.raises(SSL.Error, match="no application protocol"):
        advance(peer)


def test_a_refused_alpn_leaves_the_next_client_alone(store):
    with pytest.raises(NoSharedProtocol):
        handshake(serve(store), client(alpn=[b"h2"]))
    handshake(serve(store), client(alpn=[b"xmpp-client"]))


# Versions and settings


def test_tls_1_1_is_refused(store):
    def anything_goes(context):
        context.set_cipher_list(b"ALL:@SECLEVEL=0")

    server, peer = serve(store), client(version="1.1", configure=anything_goes)
    with pytest.raises(SSL.Error, match="unsupported protocol"):
        handshake(server, peer)


def test_tls_1_2_is_refused_where_1_3_is_the_minimum(tmp_path):
    store = CertificateStore(TLS(minimum="1.3"), DOMAINS, str(tmp_path))
    with pytest.raises(SSL.Error):
        handshake(serve(store), client(version="1.2"))
    handshake(serve(store), client(version="1.3"))


def test_a_cipher_without_forward_secrecy_is_refused(tmp_path):
    key = rsa.generate_private_key(65537, 2048)
    issue(tmp_path, "verona.example", key=key)
    store = CertificateStore(TLS(certificates=str(tmp_path)), ["verona.example"], str(tmp_path))

    def static_rsa(context):
        context.set_cipher_list(b"AES128-GCM-SHA256")

    with pytest.raises(SSL.Error, match="no shared cipher"):
        handshake(serve(store), client(version="1.2", configure=static_rsa))
    handshake(serve(store), client(version="1.2"))


def test_the_servers_order_of_ciphers_counts(tmp_path):
    order = "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305"
    store = CertificateStore(TLS(ciphers=order), DOMAINS, str(tmp_path))

    def the_other_way_round(context):
        context.set_cipher_list(":".join(reversed(order.split(":"))).encode())

    server = serve(store)
    handshake(server, client(version="1.2", configure=the_other_way_round))
    assert server.get_cipher_name() == "ECDHE-ECDSA-AES256-GCM-SHA384"


def test_renegotiation_is_refused_and_the_connection_lives_on(store):
    server, peer = serve(store), client(version="1.2")
    handshake(server, peer)
    peer.renegotiate()
    with pytest.raises(SSL.Error, match="no renegotiation"):
        for _ in range(4):
            advance(peer)
            move(peer, server)
            drain(server)
            move(server, peer)
            drain(peer)
    assert server.total_renegotiations() == 0


def test_unusable_ciphers_are_a_config_error(tmp_path):
    with pytest.raises(ConfigError, match=r'^x\.toml: tls\.ciphers: "PRINCE-OF-CATS" selects none'):
        CertificateStore(TLS(ciphers="PRINCE-OF-CATS"), DOMAINS, str(tmp_path), source="x.toml")


def test_a_file_without_authorities_is_a_config_error(tmp_path):
    (tmp_path / "ca.pem").write_text("alas")
    with pytest.raises(ConfigError, match=r"tls\.client_ca: no certificates of authorities"):
        CertificateStore(TLS(client_ca=str(tmp_path / "ca.pem")), DOMAINS, str(tmp_path))


def test_an_unwritable_data_directory_is_a_config_error(tmp_path):
    (tmp_path / "certs").write_text("a file in the way")
    with pytest.raises(ConfigError, match=r"server\.data: no certificate can be written"):
        CertificateStore(TLS(), DOMAINS, str(tmp_path))


# Session resumption, seen by another implementation's client: the standard library's


def any_server(version):
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.minimum_version = context.maximum_version = version
    return context


def connect(store, context, session=None):
    """Shake hands and exchange an octet: whether that resumed, and the session for next time."""
    server = serve(store)
    server.set_accept_state()
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    peer = context.wrap_bio(incoming, outgoing, server_hostname="mantua.example", session=session)
    greeting = b""
    while not greeting:
        try:
            peer.do_handshake()
            greeting = peer.read(1)
        except ssl.SSLWantReadError:
            server.bio_write(outgoing.read())
        if advance(server):
            server.send(b".")
        incoming.write(server.bio_read(65536))
    server.shutdown()  # A session whose connection was not closed is forgotten in any case.
    return peer.session_reused, peer.session


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_session_ticket_resumes_the_session(store, version):
    context = any_server(version)
    first, session = connect(store, context)
    second, _ = connect(store, context, session)
    assert (first, second) == (False, True)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_nothing_is_resumed_where_client_certificates_count(tmp_path, version):
    authorities = CA.write(tmp_path / "ca.pem")
    store = CertificateStore(TLS(client_ca=str(authorities)), DOMAINS, str(tmp_path))
    context = any_server(version)
    _, session = connect(store, context)
    assert connect(store, context, session)[0] is False


def test_no_session_is_kept_in_memory_for_a_client_without_tickets(store):
    context = any_server(ssl.TLSVersion.TLSv1_2)
    context.options |= ssl.OP_NO_TICKET
    _, session = connect(store, context)
    assert connect(store, context, session)[0] is False


def test_a_long_write_takes_no_more_memory_than_a_piece(store):
    server, peer = serve(store), client()
    handshake(server, peer)
    sent = server.send(b"x" * 16384)
    assert sent == PIECE
    assert sent < len(server.bio_read(65536)) < sent + 64


# Reload


def test_reload_serves_new_connections_and_leaves_living_ones_alone(tmp_path):
    tls = TLS(certificates=str(tmp_path))
    old = issue(tmp_path, "verona.example")
    store = CertificateStore(tls, ["verona.example"], str(tmp_path))
    creator = store.creator()
    server, peer = creator.serverConnectionForTLS(None), client()
    handshake(server, peer)
    begun, waiting = creator.serverConnectionForTLS(None), client(server_name="verona.example")
    new = issue(tmp_path, "verona.example")
    store.reload(tls, ["verona.example"])

    peer.send(b"parting is such sweet sorrow")
    move(peer, server)
    assert drain(server) == b"parting is such sweet sorrow"
    assert peer.get_peer_certificate(as_cryptography=True) == old.certificate
    fresh = client()
    handshake(creator.serverConnectionForTLS(None), fresh)
    assert fresh.get_peer_certificate(as_cryptography=True) == new.certificate
    handshake(begun, waiting)
    assert waiting.get_peer_certificate(as_cryptography=True) == new.certificate


def test_reload_adds_and_removes_domains(store):
    store.reload(TLS(), ["mantua.example", "elsinore.example"])
    assert shown(store, server_name="elsinore.example") == ["elsinore.example"]
    assert shown(store, server_name="verona.example") == ["mantua.example"]


def test_a_reload_that_fails_changes_nothing(store):
    before = store.context_for("mantua.example")
    with pytest.raises(ConfigError):
        store.reload(TLS(ciphers="PRINCE-OF-CATS"), ["elsinore.example"])
    assert store.context_for("mantua.example") is before
    assert shown(store, server_name="elsinore.example") == ["verona.example"]


# Broken pairs


def test_one_bad_domain_stops_no_other(tmp_path):
    good = issue(tmp_path, "mantua.example")
    issue(tmp_path, "verona.example")
    (tmp_path / "verona.example.key").write_text("alas")
    tls = TLS(certificates=str(tmp_path))
    store = CertificateStore(tls, ["verona.example", "mantua.example"], str(tmp_path))

    (problem,) = store.problems
    assert (problem.domain, problem.file) == (
        "verona.example",
        str(tmp_path / "verona.example.key"),
    )
    peer = client(server_name="mantua.example")
    handshake(serve(store), peer)
    assert peer.get_peer_certificate(as_cryptography=True) == good.certificate
    fallback = client(server_name="verona.example")
    handshake(serve(store), fallback)
    certificate = fallback.get_peer_certificate(as_cryptography=True)
    assert certificate.issuer == certificate.subject
    assert shown(store, server_name="verona.example") == ["verona.example"]

    issue(tmp_path, "verona.example")
    store.reload(tls, ["verona.example", "mantua.example"])
    assert store.problems == ()


def test_a_key_that_openssl_refuses_is_a_problem_of_its_domain(tmp_path):
    issue(tmp_path, "verona.example", key=rsa.generate_private_key(65537, 1024))
    store = CertificateStore(TLS(certificates=str(tmp_path)), ["verona.example"], str(tmp_path))
    (problem,) = store.problems
    assert "OpenSSL refuses it" in problem.problem
    assert shown(store) == ["verona.example"]


def test_an_expired_certificate_is_served_and_listed(tmp_path):
    pair = issue(tmp_path, "verona.example", start=NOW - 9 * DAY, end=NOW - DAY)
    store = CertificateStore(TLS(certificates=str(tmp_path)), ["verona.example"], str(tmp_path))
    assert "expired" in store.problems[0].problem
    peer = client()
    handshake(serve(store), peer)
    assert peer.get_peer_certificate(as_cryptography=True) == pair.certificate


def test_without_a_directory_self_signed_certificates_are_no_problem(store):
    assert store.problems == ()


# With Twisted


class Echo(Protocol):
    def dataReceived(self, data):
        self.transport.write(data)


def twisted_server(store):
    factory = TLSMemoryBIOFactory(store.creator(), False, Factory.forProtocol(Echo), Clock())
    protocol = factory.buildProtocol(None)
    transport = StringTransport()
    protocol.makeConnection(transport)
    return protocol, transport, factory._clock


def exchange(peer, protocol, transport, clock):
    try:
        protocol.dataReceived(peer.bio_read(65536))
    except SSL.WantReadError:
        pass
    clock.advance(0)
    if data := transport.value():
        transport.clear()
        peer.bio_write(data)


def test_twisted_takes_the_creator_and_the_connection_is_ours(store):
    protocol, transport, clock = twisted_server(store)
    peer = client(server_name="mantua.example", alpn=[b"xmpp-client"])
    while not advance(peer):
        exchange(peer, protocol, transport, clock)
    speech = b"wherefore art thou Romeo? " * 500
    peer.send(speech)
    echoed = b""
    while len(echoed) < len(speech):
        exchange(peer, protocol, transport, clock)
        echoed += drain(peer)
    assert echoed == speech
    assert protocol.getHandle().verified is False
    assert protocol.negotiatedProtocol == b"xmpp-client"


def test_twisted_sends_the_alert_and_closes_on_a_wrong_alpn(store):
    protocol, transport, clock = twisted_server(store)
    peer = client(alpn=[b"h2"])
    advance(peer)
    exchange(peer, protocol, transport, clock)
    assert transport.disconnecting
    with pytest.raises(SSL.Error, match="no application protocol"):
        advance(peer)
