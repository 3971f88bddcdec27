"""The certificates and the listener that tests of connections share."""

from __future__ import annotations

import pytest

from tests.support.tcp import Port
from xmppd.config import TLS
from xmppd.net import dialing
from xmppd.net.tls import CertificateStore


@pytest.fixture(autouse=True)
def _other_hosts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Addresses of others are not this host's, whichever it happens to have."""
    monkeypatch.setattr(dialing, "is_own", lambda address: False)


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> CertificateStore:
    return CertificateStore(TLS(), ["capulet.lit"], str(tmp_path_factory.mktemp("tls")))


@pytest.fixture
def port(certificates: CertificateStore) -> Port:
    return Port(certificates)


@pytest.fixture
def shaped(certificates: CertificateStore) -> Port:
    """A listener whose clients may send 10,000 bytes a second and 20,000 at once."""
    return Port(certificates, limits={"read_rate": 10_000, "read_burst": 20_000})
