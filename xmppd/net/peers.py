"""TLS with another server, whoever has connected to whom, and what it proves (XEP-0178 §3)."""

from __future__ import annotations

from math import inf

from cryptography import x509
from OpenSSL import SSL
from OpenSSL.crypto import X509
from twisted.internet.interfaces import (
    IOpenSSLClientConnectionCreator,
    IOpenSSLServerConnectionCreator,
)
from twisted.protocols.tls import TLSMemoryBIOFactory, TLSMemoryBIOProtocol
from zope.interface import implementer

from xmppd.domainpart import domain_to_ascii
from xmppd.net import contexts
from xmppd.net.certificates import Connection
from xmppd.net.chains import is_constrained
from xmppd.net.names import Names, ip_literal
from xmppd.net.pairs import Pair
from xmppd.net.tls import CertificateStore
from xmppd.net.trust import Distrusted, Trust

NO_CERTIFICATE = "no certificate"
"""The problem of a peer that has shown none."""


class PeerConnection(Connection):
    """An end of a TLS connection with another server, and whom we trusted when it began."""

    def __init__(self, context: SSL.Context, trust: Trust) -> None:
        super().__init__(context, None)
        self.trust = trust


class PeerFacts:
    """What an established connection says of the peer (`xmppd.stream.peer.PeerTLS`).

    To make one verifies the certificate. A chain that is not trusted proves nothing.
    """

    __slots__ = ("_names", "cipher", "problem", "until", "version")

    def __init__(self, connection: PeerConnection) -> None:
        self.version: str = connection.get_protocol_version_name()
        self.cipher: str = connection.get_cipher_name() or ""
        self._names: Names | None = None
        self.problem = ""
        self.until = inf
        """When the first certificate of the chain expires, in seconds since 1970 (RFC 6120
        §13.7.2.3)."""
        try:
            chain = _trusted_chain(connection)
        except Distrusted as error:
            self.problem = str(error)
        else:
            self._names = Names(chain[0], constrained=is_constrained(chain))
            self.until = min(one.not_valid_after_utc.timestamp() for one in chain)

    def proves(self, domain: str) -> bool:
        """Whether the certificate is trusted and names `domain`, which is in its prepared form."""
        return self._names is not None and self._names.include(domain)


def _trusted_chain(connection: PeerConnection) -> list[x509.Certificate]:
    certificate = connection.get_peer_certificate()
    if certificate is None:
        raise Distrusted(NO_CERTIFICATE)
    return connection.trust.verified(certificate, connection.get_peer_cert_chain() or [])


def own_problem(pair: Pair, domain: str, trust: Trust) -> str:
    """Why a server with the same rules and the same authorities would not believe us, or ""."""
    certificate, *chain = (X509.from_cryptography(one) for one in (pair.certificate, *pair.chain))
    try:
        verified = trust.verified(certificate, chain)
    except Distrusted as error:
        return str(error)
    named = Names(verified[0], constrained=is_constrained(verified)).include(domain)
    return "" if named else "it does not name the domain in a way that counts for servers"


@implementer(IOpenSSLServerConnectionCreator)
class Incoming:
    """Makes our ends of TLS connections with servers that have connected to us.

    `domain` is ours that the stream header names; "" for direct TLS, where SNI says it.
    """

    __slots__ = ("_domain", "_store")

    def __init__(self, store: CertificateStore, domain: str = "") -> None:
        self._store = store
        self._domain = domain

    def serverConnectionForTLS(self, tlsProtocol: TLSMemoryBIOProtocol) -> PeerConnection:
        """Make a connection over memory (`IOpenSSLServerConnectionCreator`)."""
        context = self._store.context_for(self._domain, contexts.incoming)
        return PeerConnection(context, self._store.trust)


@implementer(IOpenSSLClientConnectionCreator)
class Outgoing:
    """Makes our ends of TLS connections with servers that we have connected to.

    With `local`'s certificate; the server is told by SNI that it is to be `remote` (XEP-0368 §3),
    and by ALPN which protocol comes, where TLS is `direct`.
    """

    __slots__ = ("_direct", "_local", "_remote", "_store")

    def __init__(
        self, store: CertificateStore, local: str, remote: str, *, direct: bool = False
    ) -> None:
        self._store = store
        self._local = local
        self._remote = remote
        self._direct = direct

    def clientConnectionForTLS(self, tlsProtocol: TLSMemoryBIOProtocol) -> PeerConnection:
        """Make a connection over memory (`IOpenSSLClientConnectionCreator`)."""
        context = self._store.context_for(self._local, contexts.outgoing)
        connection = PeerConnection(context, self._store.trust)
        connection.speaks_first = True
        if not ip_literal(self._remote):  # RFC 6066 §3
            connection.set_tlsext_host_name(domain_to_ascii(self._remote).encode("ascii"))
        if self._direct:
            connection.set_alpn_protos([contexts.SERVER_ALPN])
        return connection


def tls_with(
    store: CertificateStore, local: str, remote: str, *, direct: bool = False
) -> TLSMemoryBIOFactory:
    """What `Carrier.secure` takes for a connection that we have made; see `Outgoing`."""
    creator = Outgoing(store, local, remote, direct=direct)
    # It wraps no factory: the carrier puts it under a protocol that is there already.
    return TLSMemoryBIOFactory(creator, True, None)  # type: ignore[arg-type]
