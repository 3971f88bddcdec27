"""Self-signed certificates: what they say, that they are kept, and who can read the key."""

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from tests.support.certificates import DAY, NOW
from xmppd.net.certificates import Identity, IdentityKind, identities
from xmppd.net.pairs import covers, read
from xmppd.net.selfsigned import LIFETIME, make, self_signed


def test_names_the_domain_in_every_way_of_rfc6120_13_7_1():
    certificate = make("verona.example", NOW).certificate
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["verona.example"]
    assert identities(certificate) == (
        Identity(IdentityKind.XMPP_ADDR, "verona.example"),
        Identity(IdentityKind.SRV_NAME, "_xmpp-client.verona.example"),
        Identity(IdentityKind.SRV_NAME, "_xmpp-server.verona.example"),
    )
    assert names.get_values_for_type(x509.IPAddress) == []


def test_localhost_is_named_by_its_addresses_too():
    names = make("localhost", NOW).certificate.extensions.get_extension_for_class(
        x509.SubjectAlternativeName
    )
    addresses = names.value.get_values_for_type(x509.IPAddress)
    assert [str(address) for address in addresses] == ["127.0.0.1", "::1"]


def test_an_international_domain_is_an_a_label_in_dns_names_and_files(tmp_path):
    pair = self_signed("münchen.example", tmp_path, NOW)
    assert covers(pair.certificate, "münchen.example")
    assert (tmp_path / "xn--mnchen-3ya.example.crt").exists()


def test_a_domain_longer_than_a_common_name_gets_a_certificate():
    domain = ".".join(["wherefore" * 6] * 4)
    assert covers(make(domain, NOW).certificate, domain)


def test_the_key_is_on_p256_and_readable_by_its_owner_only(tmp_path):
    directory = tmp_path / "data" / "certs"
    pair = self_signed("localhost", directory, NOW)
    assert isinstance(pair.key, ec.EllipticCurvePrivateKey)
    assert pair.key.curve.name == "secp256r1"
    assert (directory / "localhost.key").stat().st_mode & 0o777 == 0o600
    assert directory.stat().st_mode & 0o777 == 0o700
    assert directory.parent.stat().st_mode & 0o777 == 0o700
    assert sorted(file.name for file in directory.iterdir()) == ["localhost.crt", "localhost.key"]


def test_what_was_made_is_kept(tmp_path):
    first = self_signed("localhost", tmp_path, NOW)
    assert self_signed("localhost", tmp_path, NOW + 300 * DAY).certificate == first.certificate


def test_what_runs_out_is_replaced_in_time(tmp_path):
    first = self_signed("localhost", tmp_path, NOW)
    later = NOW + LIFETIME - 29 * DAY
    second = self_signed("localhost", tmp_path, later)
    assert second.certificate != first.certificate
    assert second.certificate.not_valid_after_utc == later + LIFETIME


def test_what_is_broken_is_replaced(tmp_path):
    self_signed("localhost", tmp_path, NOW)
    (tmp_path / "localhost.key").write_text("alas")
    pair = self_signed("localhost", tmp_path, NOW)
    stored = read(tmp_path / "localhost.crt", tmp_path / "localhost.key", "localhost")
    assert stored.certificate == pair.certificate
