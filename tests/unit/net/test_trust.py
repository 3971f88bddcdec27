"""The authorities that are trusted for other servers: where they are, and what is wrong there."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.certificates import Authority, dns
from tests.support.logs import logged
from tests.support.peer_tls import facts
from xmppd.config import S2S, TLS
from xmppd.errors import ConfigError
from xmppd.net import trust
from xmppd.net.tls import CertificateStore

CA = Authority()
OTHER = CA.issue(dns("mantua.example"))


def store(directory: Path, s2s: S2S) -> CertificateStore:
    return CertificateStore(TLS(), ["verona.example"], str(directory), source="x.toml", s2s=s2s)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (None, r"can't read .* \(No such file or directory\)\. Name a PEM file"),
        ("", "no certificates of authorities in .*Put them there in PEM form"),
        ("alas", "no certificates of authorities in "),
        ("-----BEGIN CERTIFICATE-----\nalas\n-----END CERTIFICATE-----\n", "no certificates of "),
    ],
)
def test_a_file_without_authorities_is_a_config_error(
    tmp_path: Path, content: str | None, problem: str
) -> None:
    file = tmp_path / "authorities.pem"
    good = store(tmp_path, S2S(ca=str(CA.write(tmp_path / "good.pem"))))
    if content is not None:
        file.write_text(content)
    with pytest.raises(ConfigError, match=rf"(?s)^x\.toml: s2s\.ca: .*{problem}"):
        store(tmp_path, S2S(ca=str(file)))
    with pytest.raises(ConfigError, match=r"s2s\.ca"):
        good.reload(TLS(), ["verona.example"], S2S(ca=str(file)))
    assert facts(good, OTHER, "outgoing").proves("mantua.example"), "nothing has changed"


def test_a_directory_is_no_file_of_authorities(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"s2s\.ca: .*\(Is a directory\)"):
        store(tmp_path, S2S(ca=str(tmp_path)))


def test_who_has_nothing_to_do_with_others_needs_no_authorities(tmp_path: Path) -> None:
    off = store(tmp_path, S2S(enabled=False, ca=str(tmp_path / "none.pem")))
    peer = facts(off, OTHER, "outgoing")
    assert (peer.problem, peer.proves("mantua.example")) == (
        "unable to get local issuer certificate",
        False,
    )


@pytest.fixture
def bare_host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A host without authorities; the file that it looks for them in."""
    file = tmp_path / "host.pem"
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path / "none"))
    monkeypatch.setattr(trust, "BUNDLES", ())
    return file


def test_without_a_file_of_its_own_the_hosts_authorities_are_trusted(
    tmp_path: Path, bare_host: Path
) -> None:
    CA.write(bare_host)
    with logged("warn") as messages:
        found = store(tmp_path, S2S())
    assert not [one for one in messages if "authorities" in one]
    assert facts(found, OTHER, "incoming").proves("mantua.example")


def test_a_host_without_any_is_told_of_once_and_serves_on(tmp_path: Path, bare_host: Path) -> None:
    with logged("warn") as messages:
        found = store(tmp_path, S2S())
        found.reload(TLS(), ["verona.example"], S2S())
    assert [one for one in messages if "authorities" in one] == [f"{trust.NONE}. {trust.REMEDY}"]
    assert not facts(found, OTHER, "incoming").proves("mantua.example")
    CA.write(bare_host)
    found.reload(TLS(), ["verona.example"], S2S())
    assert found.trust.problem == ""
    assert facts(found, OTHER, "incoming").proves("mantua.example")


def test_what_is_wrong_with_another_certificate_stays_its_own(tmp_path: Path) -> None:
    """The store outlives what it was read with, and many connections look into it."""
    found = store(tmp_path, S2S(ca=str(CA.write(tmp_path / "ca.pem"))))
    stranger = Authority("Tybalt").issue(dns("mantua.example"))
    for _ in range(20):
        assert not facts(found, stranger, "incoming").proves("mantua.example")
        assert facts(found, OTHER, "incoming").proves("mantua.example")
