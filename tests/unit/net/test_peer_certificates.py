"""Which certificates of other servers are trusted, whoever has connected (RFC 6120 §13.7.2)."""

from __future__ import annotations

from math import inf
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509 import BasicConstraints, ExtensionType
from cryptography.x509.oid import ExtendedKeyUsageOID as Usage
from OpenSSL import SSL

from tests.support.certificates import (
    AUTHORITY,
    DAY,
    NOW,
    Authority,
    dns,
    email,
    key_usage,
    pem,
    permitted,
    purposes,
    srv_name,
    xmpp_addr,
)
from tests.support.peer_tls import ROLES, connected_from, connected_to, facts, showing, store_in
from xmppd.config import S2S, TLS
from xmppd.net.chains import chain_problem, is_constrained
from xmppd.net.pairs import Pair
from xmppd.net.peers import PeerFacts
from xmppd.net.selfsigned import self_signed
from xmppd.net.tls import CertificateStore

CA = Authority()
MANTUA = dns("mantua.example")

FOR_SERVERS = purposes(Usage.SERVER_AUTH)
FOR_CLIENTS = purposes(Usage.CLIENT_AUTH)
FOR_MAIL = purposes(Usage.EMAIL_PROTECTION)
FOR_ANY = purposes(Usage.ANY_EXTENDED_KEY_USAGE)


@pytest.fixture
def store(tmp_path: Path) -> CertificateStore:
    return store_in(tmp_path, CA)


pytestmark = pytest.mark.parametrize("role", ROLES)


@pytest.mark.parametrize("version", ["1.2", "1.3"])
@pytest.mark.parametrize(
    "pair",
    [
        CA.issue(MANTUA),
        CA.issue(MANTUA, more=[FOR_SERVERS]),
        CA.issue(MANTUA, more=[FOR_CLIENTS]),
        CA.issue(MANTUA, more=[FOR_ANY]),
        CA.issue(MANTUA, more=[purposes(Usage.EMAIL_PROTECTION, Usage.SERVER_AUTH)]),
        CA.issue(MANTUA, more=[FOR_SERVERS, key_usage("digital_signature", "key_encipherment")]),
        CA.issue(MANTUA, key=ed25519.Ed25519PrivateKey.generate()),
        CA.issue(MANTUA, key=rsa.generate_private_key(65537, 2048)),
        CA.intermediate().issue(MANTUA),
        CA.intermediate().intermediate("Friar Francis").issue(MANTUA),
        CA.intermediate(more=[FOR_SERVERS]).issue(MANTUA, more=[FOR_SERVERS]),
        CA.intermediate(more=[FOR_SERVERS]).issue(MANTUA),
        CA.intermediate(more=[FOR_ANY]).issue(MANTUA, more=[FOR_CLIENTS]),
        CA.intermediate(more=[key_usage("key_cert_sign")]).issue(MANTUA),
        CA.intermediate(more=[permitted(*MANTUA)]).issue(MANTUA),
    ],
)
def test_a_trusted_certificate_proves_its_domain_and_no_other(
    store: CertificateStore, pair: Pair, role: str, version: str
) -> None:
    peer = facts(store, pair, role, version)
    assert peer.problem == ""
    assert peer.version == f"TLSv{version}"
    assert peer.cipher
    assert peer.proves("mantua.example")
    assert not peer.proves("verona.example")


STRANGER = Authority("Tybalt")


@pytest.mark.parametrize("version", ["1.2", "1.3"])
@pytest.mark.parametrize(
    ("pair", "problem"),
    [
        (CA.issue(MANTUA, start=NOW - 9 * DAY, end=NOW - DAY), "certificate has expired"),
        (CA.issue(MANTUA, start=NOW + DAY), "certificate is not yet valid"),
        (STRANGER.issue(MANTUA), "unable to get local issuer certificate"),
        (
            Authority("Friar Laurence").issue(MANTUA),  # of the same name, with another key
            "certificate signature failure",
        ),
        (
            CA.intermediate(end=NOW - DAY).issue(MANTUA),
            "certificate has expired (certificate 2 of its chain)",
        ),
        (
            Authority("Friar John", CA, extensions=()).issue(MANTUA),
            "invalid CA certificate (certificate 2 of its chain)",
        ),
        (
            Authority(
                "Friar John", CA, extensions=[BasicConstraints(ca=False, path_length=None)]
            ).issue(MANTUA),
            "invalid CA certificate (certificate 2 of its chain)",
        ),
        (
            Authority("Friar John", CA, extensions=[BasicConstraints(ca=True, path_length=0)])
            .intermediate("Friar Francis")
            .issue(MANTUA),
            "path length constraint exceeded",
        ),
        (CA.intermediate(more=[key_usage("crl_sign")]).issue(MANTUA), ""),
        (
            CA.intermediate(more=[permitted(*dns("padua.example"))]).issue(MANTUA),
            "permitted subtree violation",
        ),
        (CA.issue(MANTUA, more=[FOR_MAIL]), "unsuitable certificate purpose"),
        (CA.intermediate(more=[FOR_MAIL]).issue(MANTUA), "unsuitable certificate purpose"),
        (
            CA.intermediate(more=[FOR_CLIENTS]).issue(MANTUA, more=[FOR_SERVERS]),
            "unsuitable certificate purpose",
        ),
        (
            CA.intermediate(more=[FOR_SERVERS]).issue(MANTUA, more=[FOR_CLIENTS]),
            "unsuitable certificate purpose",
        ),
        (
            CA.issue(MANTUA, more=[FOR_SERVERS], start=NOW - 9 * DAY, end=NOW - DAY),
            "certificate has expired",
        ),
        (
            CA.intermediate(key=rsa.generate_private_key(65537, 1024)).issue(MANTUA),
            "a key in its chain is too weak",
        ),
        (
            CA.intermediate(key=ec.generate_private_key(ec.SECP192R1())).issue(MANTUA),
            "a key in its chain is too weak",
        ),
    ],
)
def test_another_certificate_connects_and_proves_nothing(
    store: CertificateStore, pair: Pair, problem: str, role: str, version: str
) -> None:
    def weak_as_well(context: SSL.Context) -> None:
        context.set_cipher_list(b"ALL:@SECLEVEL=0")
        showing(pair)(context)

    connect = connected_from if role == "incoming" else connected_to
    peer = PeerFacts(connect(store, weak_as_well, version)[0])
    assert peer.problem.startswith(problem)
    assert peer.problem
    assert not peer.proves("mantua.example")


@pytest.mark.parametrize("more", [[], [FOR_SERVERS], [FOR_CLIENTS]])
def test_a_key_that_is_not_to_sign_proves_nothing(
    store: CertificateStore, more: list[ExtensionType], role: str
) -> None:
    """RFC 8446 §4.4.2.2; with TLS 1.2 no server could use it."""
    peer = facts(store, CA.issue(MANTUA, more=[key_usage("key_encipherment"), *more]), role)
    assert peer.problem == "unsuitable certificate purpose"
    assert not peer.proves("mantua.example")


def test_a_key_too_weak_of_the_peer_itself(store: CertificateStore, role: str) -> None:
    def weak(context: SSL.Context) -> None:
        context.set_cipher_list(b"ALL:@SECLEVEL=0")
        showing(CA.issue(MANTUA, key=rsa.generate_private_key(65537, 1024)))(context)

    connect = connected_from if role == "incoming" else connected_to
    peer = PeerFacts(connect(store, weak)[0])
    assert (peer.problem, peer.proves("mantua.example")) == (
        "a key in its chain is too weak",
        False,
    )


def test_a_self_signed_certificate_is_called_that(
    store: CertificateStore, tmp_path: Path, role: str
) -> None:
    peer = facts(store, self_signed("mantua.example", tmp_path, NOW), role)
    assert (peer.problem, peer.proves("mantua.example")) == ("self-signed certificate", False)


def test_an_unknown_authority_that_is_sent_along_is_not_trusted_for_that(
    store: CertificateStore, role: str
) -> None:
    peer = facts(store, STRANGER.issue(MANTUA), role, whole=True)
    assert (
        peer.problem == "self-signed certificate in certificate chain (certificate 2 of its chain)"
    )
    assert not peer.proves("mantua.example")


def test_a_missing_link_is_not_guessed(store: CertificateStore, role: str) -> None:
    pair = CA.intermediate().issue(MANTUA)._replace(chain=())
    peer = facts(store, pair, role)
    assert peer.problem == "unable to get local issuer certificate"
    assert not peer.proves("mantua.example")


def test_one_certificate_in_the_file_is_enough_whoever_has_issued_it(
    tmp_path: Path, role: str
) -> None:
    friar = STRANGER.intermediate()
    assert facts(store_in(tmp_path, friar), friar.issue(MANTUA), role).proves("mantua.example")


def test_one_servers_own_certificate_in_the_file_is_enough(tmp_path: Path, role: str) -> None:
    pair = self_signed("mantua.example", tmp_path, NOW)
    store = store_in(tmp_path, CA)
    file = tmp_path / "authorities.pem"
    file.write_bytes(pem([pair.certificate]))
    store.reload(TLS(), ["verona.example"], S2S(ca=str(file)))
    peer = facts(store, pair, role)
    assert (peer.problem, peer.proves("mantua.example")) == ("", True)
    assert not peer.proves("verona.example")
    other = self_signed("padua.example", tmp_path, NOW)
    assert not facts(store, other, role).proves("padua.example")


def test_an_authority_that_is_none_is_not_trusted_for_being_in_the_file(
    tmp_path: Path, role: str
) -> None:
    fake = Authority("Balthasar", extensions=())
    peer = facts(store_in(tmp_path, fake), fake.issue(MANTUA), role)
    assert peer.problem.startswith("invalid CA certificate")
    assert not peer.proves("mantua.example")


def test_a_constrained_authority_is_believed_names_of_the_dns_only(
    store: CertificateStore, role: str
) -> None:
    """RFC 5280 §4.2.1.10 leaves other kinds of names free."""
    names = [
        *dns("padua.example"),
        xmpp_addr("mantua.example"),
        srv_name("_xmpp-server.mantua.example"),
    ]
    padua = CA.intermediate(more=[permitted(*dns("padua.example"))])
    peer = facts(store, padua.issue(names), role)
    assert peer.problem == ""
    assert peer.proves("padua.example")
    assert not peer.proves("mantua.example")
    free = facts(store, CA.intermediate().issue(names), role)
    assert free.proves("mantua.example")


def test_a_common_name_is_no_name_rfc9525(store: CertificateStore, role: str) -> None:
    for names in ([], [email("romeo@mantua.example")]):
        peer = facts(store, CA.issue(names, common_name="mantua.example"), role)
        assert (peer.problem, peer.proves("mantua.example")) == ("", False)


@pytest.mark.parametrize("name", ["mantua.example\0", "mantua.example\0.tybalt.example", "\0"])
def test_a_nul_in_a_name_makes_the_certificate_worthless(
    store: CertificateStore, name: str, role: str
) -> None:
    for bad in (dns(name)[0], xmpp_addr(name), srv_name(f"_xmpp-server.{name}"), email(name)):
        peer = facts(store, CA.issue([*MANTUA, bad]), role)
        assert not peer.proves("mantua.example")
        assert not peer.proves("tybalt.example")


def test_a_false_signature_is_forgotten_by_openssl(store: CertificateStore, role: str) -> None:
    """What stays in its queue of errors would be laid to the charge of the next connection."""
    pair = Authority("Friar Laurence").issue(MANTUA)
    assert facts(store, pair, role).problem == "certificate signature failure"
    with pytest.raises(SSL.Error) as error:
        SSL.Context(SSL.TLS_METHOD).set_cipher_list(b"DAGGER")
    assert [reason for _, _, reason in error.value.args[0]] == ["no cipher match"]


def test_an_authority_that_can_not_be_read_is_taken_for_constrained(role: str) -> None:
    class Odd:
        @property
        def extensions(self) -> None:
            raise ValueError("invalid extension")

    assert is_constrained([CA.issue(MANTUA).certificate, Odd()])  # type: ignore[list-item]


def test_sha1_and_md5_vouch_for_nobody(role: str) -> None:
    class Forged:
        """What cryptography makes no more."""

        signature_hash_algorithm = hashes.SHA1()

        def __init__(self, real: Pair) -> None:
            self.extensions = real.certificate.extensions
            self.public_key = real.certificate.public_key

    pair = CA.issue(MANTUA)
    assert chain_problem([pair.certificate, *CA.chain]) == ""
    problem = chain_problem([Forged(pair), *CA.chain])  # type: ignore[list-item]
    assert problem == "a signature in its chain can be forged (MD5 or SHA-1)"


def test_the_authority_itself_may_have_been_made_for_anything(tmp_path: Path, role: str) -> None:
    """Whoever has put it into the file knows what for (RFC 5280 §6.1)."""
    own = Authority("Escalus", extensions=[*AUTHORITY, FOR_MAIL])
    assert facts(store_in(tmp_path, own), own.issue(MANTUA), role).proves("mantua.example")


def test_the_first_to_expire_in_the_chain_is_told_rfc6120_13_7_2_3(
    store: CertificateStore, role: str
) -> None:
    soon = NOW + DAY
    for pair in (CA.issue(MANTUA, end=soon), CA.intermediate(end=soon).issue(MANTUA)):
        assert facts(store, pair, role).until == soon.timestamp()
    assert facts(store, STRANGER.issue(MANTUA, end=soon), role).until == inf


def test_many_names_are_read_once(store: CertificateStore, role: str) -> None:
    names = dns(*(f"d{number}.example" for number in range(100)))
    peer = facts(store, CA.issue(names), role)
    assert all(peer.proves(f"d{number}.example") for number in range(100))
    assert not peer.proves("d100.example")
