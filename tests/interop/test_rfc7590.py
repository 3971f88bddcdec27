"""RFC 7590 §3: what the TLS of XMPP must and must not have."""

from __future__ import annotations

from OpenSSL import SSL

from tests.support.server import DOMAIN
from xmppd.config import TLS
from xmppd.net.tls import CertificateStore


def test_3_2_tls_compression_is_switched_off(tmp_path):
    context = CertificateStore(TLS(), [DOMAIN], str(tmp_path)).context_for(DOMAIN)
    assert context.set_options(0) & SSL.OP_NO_COMPRESSION
