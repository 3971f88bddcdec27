"""Channel bindings that both ends agree on, and identities nobody can forge (XEP-0178)."""

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ed25519
from hypothesis import given
from hypothesis import strategies as st
from OpenSSL import SSL

from tests.support.certificates import (
    DAY,
    NOW,
    Authority,
    dns,
    email,
    srv_name,
    xmpp_addr,
)
from tests.support.memory_tls import client, handshake
from xmppd.config import TLS
from xmppd.net.certificates import (
    XMPP_ADDR,
    Identity,
    IdentityKind,
    channel_bindings,
    client_identities,
    der_string,
    end_point,
    identities,
    other_names,
)
from xmppd.net.tls import CertificateStore

CA = Authority()


@pytest.fixture
def store(tmp_path):
    """A server that asks for client certificates of CA."""
    authorities = CA.write(tmp_path / "ca.pem")
    return CertificateStore(TLS(client_ca=str(authorities)), ["verona.example"], str(tmp_path))


def present(pair):
    """A client configuration that presents this certificate."""

    def configure(context):
        context.use_certificate(pair.certificate)
        for link in pair.chain[:-1]:
            context.add_extra_chain_cert(link)
        context.use_privatekey(pair.key)

    return configure


def connect(store, **options):
    server = store.creator().serverConnectionForTLS(None)
    peer = client(**options)
    handshake(server, peer)
    return server, peer


# Channel bindings


def test_tls_exporter_is_the_same_at_both_ends_rfc9266(store):
    server, peer = connect(store, version="1.3")
    theirs = peer.export_keying_material(b"EXPORTER-Channel-Binding", 32)
    assert channel_bindings(server)["tls-exporter"] == theirs
    assert len(theirs) == 32


def test_tls_exporter_differs_from_connection_to_connection(store):
    one, _ = connect(store, version="1.3")
    two, _ = connect(store, version="1.3")
    assert channel_bindings(one)["tls-exporter"] != channel_bindings(two)["tls-exporter"]


def test_tls_1_2_has_no_exporter_binding_but_the_end_point(store):
    server, _ = connect(store, version="1.2")
    assert set(channel_bindings(server)) == {"tls-server-end-point"}


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_the_end_point_is_the_hash_of_the_certificate_the_client_saw_rfc5929(tmp_path, version):
    domains = ["verona.example", "mantua.example"]
    store = CertificateStore(TLS(), domains, str(tmp_path))
    server, peer = connect(store, version=version, server_name="mantua.example")
    seen = peer.get_peer_certificate(as_cryptography=True)
    binding = channel_bindings(server)["tls-server-end-point"]
    assert binding == seen.fingerprint(hashes.SHA256())
    first, _ = connect(store, version=version)
    assert channel_bindings(first)["tls-server-end-point"] != binding


@pytest.mark.parametrize(
    ("signed_with", "hashed_with"),
    [(hashes.SHA256(), hashes.SHA256()), (hashes.SHA384(), hashes.SHA384())],
)
def test_the_end_point_takes_the_hash_of_the_signature_rfc5929_4_1(signed_with, hashed_with):
    certificate = CA.issue(dns("verona.example"), algorithm=signed_with).certificate
    assert end_point(certificate) == certificate.fingerprint(hashed_with)


@pytest.mark.parametrize("weak", [hashes.MD5(), hashes.SHA1()])
def test_a_weak_hash_of_the_signature_becomes_sha256_rfc5929_4_1(weak):
    class Certificate:
        signature_hash_algorithm = weak

        def fingerprint(self, algorithm):
            return algorithm.name.encode()

    assert end_point(Certificate()) == b"sha256"


def test_a_signature_without_a_hash_has_no_end_point():
    key = ed25519.Ed25519PrivateKey.generate()
    certificate = x509.CertificateBuilder(
        x509.Name([]), x509.Name([]), key.public_key(), 1, NOW, NOW + DAY
    ).sign(key, None)
    assert end_point(certificate) == b""


# Client certificates


JULIET = [xmpp_addr("juliet@verona.example"), email("juliet@verona.example")]


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_a_verified_certificate_gives_its_identities(store, version):
    server, _ = connect(store, version=version, configure=present(CA.issue(JULIET)))
    assert server.verified
    assert client_identities(server) == (
        Identity(IdentityKind.XMPP_ADDR, "juliet@verona.example"),
        Identity(IdentityKind.EMAIL, "juliet@verona.example"),
    )


def test_an_intermediate_that_the_client_sends_is_followed(store):
    pair = CA.intermediate().issue(JULIET)
    server, _ = connect(store, configure=present(pair))
    assert server.verified


@pytest.mark.parametrize("version", ["1.2", "1.3"])
@pytest.mark.parametrize(
    "pair",
    [
        Authority("Tybalt").issue(JULIET),
        CA.issue(JULIET, start=NOW - 9 * DAY, end=NOW - DAY),
        CA.issue(JULIET, start=NOW + DAY),
    ],
    ids=["another authority", "expired", "not yet valid"],
)
def test_an_unverified_certificate_connects_but_identifies_nobody(store, pair, version):
    server, _ = connect(store, version=version, configure=present(pair))
    assert server.get_peer_certificate(as_cryptography=True) == pair.certificate
    assert not server.verified
    assert client_identities(server) == ()


def test_no_certificate_connects_and_identifies_nobody(store):
    server, _ = connect(store)
    assert not server.verified
    assert client_identities(server) == ()


def test_without_an_authority_no_certificate_is_asked_for(tmp_path):
    store = CertificateStore(TLS(), ["verona.example"], str(tmp_path))
    server, _ = connect(store, configure=present(CA.issue(JULIET)))
    assert server.get_peer_certificate() is None
    assert client_identities(server) == ()


def test_a_certificate_is_verified_for_every_name_that_sni_selects(tmp_path):
    authorities = CA.write(tmp_path / "ca.pem")
    domains = ["verona.example", "mantua.example"]
    store = CertificateStore(TLS(client_ca=str(authorities)), domains, str(tmp_path))
    pair = CA.issue(JULIET)
    server, _ = connect(store, server_name="mantua.example", configure=present(pair))
    assert server.verified


def test_a_plain_connection_of_pyopenssl_identifies_nobody():
    connection = SSL.Connection(SSL.Context(SSL.TLS_SERVER_METHOD), None)
    assert client_identities(connection) == ()


# Names


def test_every_kind_of_name_is_read():
    names = [
        xmpp_addr("juliet@verona.example"),
        xmpp_addr("röslein@verona.example"),
        srv_name("_xmpp-client.verona.example"),
        email("nurse@verona.example"),
        *dns("verona.example"),
    ]
    assert identities(CA.issue(names).certificate) == (
        Identity(IdentityKind.XMPP_ADDR, "juliet@verona.example"),
        Identity(IdentityKind.XMPP_ADDR, "röslein@verona.example"),
        Identity(IdentityKind.SRV_NAME, "_xmpp-client.verona.example"),
        Identity(IdentityKind.EMAIL, "nurse@verona.example"),
    )


@pytest.mark.parametrize(
    "der",
    [
        b"",
        b"\x0c",
        b"\x0c\x05abc",
        b"\x0c\x02abc",
        b"\x0c\x80abc\x00\x00",
        b"\x0c\x81\x03abc",
        b"\x0c\x82\x00\x80" + b"a" * 128,
        b"\x0c\x89" + b"\xff" * 9,
        b"\x0c\x01\xff",
        b"\x16\x03abc",
        b"\x30\x03abc",
    ],
)
def test_malformed_der_is_no_name(der):
    assert other_names((x509.OtherName(XMPP_ADDR, der),), XMPP_ADDR) == ()


@pytest.mark.parametrize("der", [b"\x0c\x00", b"\x0c\x03a\x00b", b"\x16\x03abc", b"\x0c\x01\xff"])
def test_an_empty_or_malformed_name_or_a_nul_in_it_makes_no_identity(der):
    names = [x509.OtherName(XMPP_ADDR, der), xmpp_addr("juliet@verona.example")]
    assert identities(CA.issue(names).certificate) == (
        Identity(IdentityKind.XMPP_ADDR, "juliet@verona.example"),
    )


def test_names_that_do_not_parse_at_all_make_no_identity():
    class Certificate:
        @property
        def extensions(self):
            raise ValueError("invalid subjectAltName")

    assert identities(Certificate()) == ()


def test_a_certificate_without_alternative_names_has_no_identity():
    assert identities(CA.chain[0]) == ()


@given(st.text(max_size=300))
def test_a_name_is_read_as_it_was_written(text):
    name = x509.OtherName(XMPP_ADDR, der_string(text, XMPP_ADDR))
    assert other_names((name,), XMPP_ADDR) == (text,)


@given(st.binary(max_size=80))
def test_any_octets_as_a_name_raise_nothing(octets):
    for value in other_names((x509.OtherName(XMPP_ADDR, octets),), XMPP_ADDR):
        assert der_string(value, XMPP_ADDR) == octets
