"""What a reload serves when the certificate on the disk can't be used, and what the log says."""

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.support.certificates import DAY, NOW, Authority, dns, write_pair
from tests.support.logs import logged
from tests.support.memory_tls import client, handshake
from xmppd.config import TLS
from xmppd.net.tls import CertificateStore

CA = Authority()


def issue(directory, domain, **options):
    pair = CA.issue(dns(domain), **options)
    write_pair(pair, directory / f"{domain}.crt", directory / f"{domain}.key")
    return pair


def certificate_of(store):
    peer = client()
    handshake(store.creator().serverConnectionForTLS(None), peer)
    return peer.get_peer_certificate(as_cryptography=True)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda directory: (directory / "verona.example.crt").write_text(""),
        lambda directory: (directory / "verona.example.key").write_text("alas"),
        lambda directory: (directory / "verona.example.crt").unlink(),
        lambda directory: issue(directory, "verona.example", start=NOW + DAY),
        lambda directory: issue(directory, "verona.example", end=NOW - DAY, start=NOW - 2 * DAY),
        lambda directory: issue(
            directory, "verona.example", key=rsa.generate_private_key(65537, 1024)
        ),
    ],
    ids=["empty", "key", "gone", "future", "past", "weak"],
)
def test_reload_keeps_the_certificate_in_memory_while_the_one_on_disk_is_unusable(tmp_path, spoil):
    tls = TLS(certificates=str(tmp_path))
    good = issue(tmp_path, "verona.example")
    store = CertificateStore(tls, ["verona.example"], str(tmp_path))
    spoil(tmp_path)
    for _ in range(2):
        store.reload(tls, ["verona.example"])
        assert certificate_of(store) == good.certificate
        (problem,) = store.problems
        assert "the one read before is served on, until " in str(problem)
    new = issue(tmp_path, "verona.example")
    store.reload(tls, ["verona.example"])
    assert store.problems == ()
    assert certificate_of(store) == new.certificate


def test_reload_keeps_no_certificate_in_memory_that_has_expired(tmp_path):
    time = [NOW]
    tls = TLS(certificates=str(tmp_path))
    issue(tmp_path, "verona.example")
    store = CertificateStore(tls, ["verona.example"], str(tmp_path), lambda: time[0])
    (tmp_path / "verona.example.crt").write_text("")
    time[0] += 91 * DAY
    store.reload(tls, ["verona.example"])
    certificate = certificate_of(store)
    assert certificate.issuer == certificate.subject
    assert "served on" not in str(store.problems[0])


def test_log_says_once_of_each_domain_that_it_is_self_signed(tmp_path):
    with logged() as messages:
        store = CertificateStore(TLS(), ["verona.example"], str(tmp_path))
        store.reload(TLS(), ["verona.example", "mantua.example"])
    assert messages == [
        f"{domain} has a self-signed certificate: [tls] certificates is not set"
        for domain in ("verona.example", "mantua.example")
    ]
