"""TLS of the server: a context for each domain, chosen by name, replaced without a break.

TLS 1.2 and up, no renegotiation, no compression, `xmpp-client` by ALPN (XEP-0368). What each
setting is for stands at `_base_context`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path

from OpenSSL import SSL
from twisted.internet.interfaces import IOpenSSLServerConnectionCreator
from twisted.logger import Logger
from twisted.protocols.tls import TLSMemoryBIOProtocol
from zope.interface import implementer

from xmppd import config
from xmppd.domainpart import domain_to_ascii
from xmppd.errors import ConfigError
from xmppd.net.certificates import ServerConnection, note_verification
from xmppd.net.pairs import Pair, Problem, find
from xmppd.net.selfsigned import self_signed

log = Logger()

ALPN = b"xmpp-client"
"""The protocol of client streams (XEP-0368 §4)."""

MINIMUM = {"1.2": SSL.TLS1_2_VERSION, "1.3": SSL.TLS1_3_VERSION}

OPTIONS = (
    SSL.OP_NO_COMPRESSION  # CRIME
    | SSL.OP_NO_RENEGOTIATION  # CVE-2021-32920, and tls-exporter (RFC 9266 §4.1)
    | SSL.OP_CIPHER_SERVER_PREFERENCE
)


UNSET = "[tls] certificates is not set"


class NoSharedProtocol(SSL.Error):
    """The client offered protocols by ALPN, ours not among them (RFC 7301 §3.2).

    An `SSL.Error`, so that Twisted ends the handshake as it does for any other, alert included.
    """

    def __init__(self) -> None:
        super().__init__([("SSL routines", "", "no application protocol")])


def select_protocol(connection: SSL.Connection, offered: list[bytes]) -> bytes:
    """The ALPN callback. It is not called for a client that offers nothing, which is welcome.

    One that offers only others gets the alert no_application_protocol: this port can't be made
    to stand in for a web server's (ALPACA).
    """
    if ALPN in offered:
        return ALPN
    raise NoSharedProtocol


class CertificateStore:
    """The TLS contexts of all domains.

    `problems` tells which domains lack the certificate they should have, and why; they are
    served all the same: with the one that was read before, for as long as it is valid, else with
    a self-signed one. A `reload` replaces everything at once for the connections to come and
    touches no living one. `source` names the configuration in errors.
    """

    def __init__(
        self,
        tls: config.TLS,
        domains: Iterable[str],
        data: str,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        source: str = "configuration",
    ) -> None:
        self._directory = Path(data) / "certs"
        self._now = now
        self._source = source
        self._pairs: dict[str, Pair] = {}
        self._own: frozenset[str] = frozenset()
        self.problems: tuple[Problem, ...] = ()
        self.reload(tls, domains)

    def reload(self, tls: config.TLS, domains: Iterable[str]) -> None:
        """Read all certificates again; the first domain is the default.

        Raises what `prepare` raises, and then everything stays as it was.
        """
        self.prepare(tls, domains)()

    def prepare(self, tls: config.TLS, domains: Iterable[str]) -> Callable[[], None]:
        """Read all certificates; what is returned puts them in force, and can't fail.

        Raises `ConfigError` where a fault is not that of one domain: unusable ciphers or client
        authorities, an unwritable data directory.
        """
        problems: list[Problem] = []
        served = {domain: self._best(tls, domain, problems) for domain in domains}
        contexts = {domain: context for domain, (context, _) in served.items()}
        pairs = {domain: pair for domain, (_, pair) in served.items() if pair is not None}
        by_server_name = {
            domain_to_ascii(domain).encode("ascii"): context for domain, context in contexts.items()
        }

        def take() -> None:
            for problem in problems:
                log.warn("{problem}", problem=problem)
            self.problems = tuple(problems)
            self._pairs = pairs
            own = frozenset() if tls.certificates else frozenset(contexts)
            for domain in sorted(own - self._own):
                log.info("{domain} has a self-signed certificate: {why}", domain=domain, why=UNSET)
            self._own = own
            self._contexts = contexts
            self._by_server_name = by_server_name
            self._default = next(iter(contexts.values()))

        return take

    def context_for(self, domain: str) -> SSL.Context:
        """The context of a domain, or of the first one if the domain is not served here.

        For STARTTLS: the `to` of the stream header has named a domain before the handshake; a
        client's SNI may name another.
        """
        return self._contexts.get(domain, self._default)

    def creator(self, domain: str = "") -> ServerConnections:
        """What `transport.startTLS` and `TLSMemoryBIOFactory` take; "" for direct TLS."""
        return ServerConnections(self, domain)

    def _best(
        self, tls: config.TLS, domain: str, problems: list[Problem]
    ) -> tuple[SSL.Context, Pair | None]:
        """The best that can be had for a domain, and the pair where it is not self-signed."""
        if not tls.certificates:
            return self._context(tls, self._self_signed(domain)), None
        context: SSL.Context | None = None
        pair, problem = find(Path(tls.certificates), domain, self._now())
        if pair is not None:
            try:
                context = self._context(tls, pair)
            except SSL.Error as error:
                problem = _refused(domain, tls.certificates, error)
        before = self._pairs.get(domain)
        if problem is not None and before is not None and self._living(before):
            # What is on the disk may be half written; clients would ask their users.
            pair, problem = before, _kept(problem, before)
            context = self._context(tls, before)
        if problem is not None:
            problems.append(problem)
        if context is None:
            return self._context(tls, self._self_signed(domain)), None
        return context, pair

    def _living(self, pair: Pair) -> bool:
        return self._now() < pair.certificate.not_valid_after_utc

    def _self_signed(self, domain: str) -> Pair:
        try:
            return self_signed(domain, self._directory, self._now())
        except OSError as error:
            raise ConfigError(
                self._source,
                "server.data",
                f"no certificate can be written to {self._directory} ({error.strerror})",
                "Name a directory that this user may write to",
            ) from error

    def _context(self, tls: config.TLS, pair: Pair) -> SSL.Context:
        context = _base_context(tls, self._source)
        context.set_tlsext_servername_callback(self._select_context)
        context.use_certificate(pair.certificate)
        for link in pair.chain:
            context.add_extra_chain_cert(link)
        context.use_privatekey(pair.key)
        return context

    def _select_context(self, connection: SSL.Connection) -> None:
        """The SNI callback: an unknown name, or none, leaves the context as it is."""
        context = self._by_server_name.get((connection.get_servername() or b"").lower())
        if context is not None and context is not connection.get_context():
            connection.set_context(context)


@implementer(IOpenSSLServerConnectionCreator)
class ServerConnections:
    """Makes the server's ends of TLS connections, always with the newest certificates."""

    __slots__ = ("_domain", "_store")

    def __init__(self, store: CertificateStore, domain: str) -> None:
        self._store = store
        self._domain = domain

    def serverConnectionForTLS(self, tlsProtocol: TLSMemoryBIOProtocol) -> ServerConnection:
        """Make a connection over memory (`IOpenSSLServerConnectionCreator`)."""
        return ServerConnection(self._store.context_for(self._domain), None)


def _refused(domain: str, directory: str, error: SSL.Error) -> Problem:
    reasons = ", ".join(reason for _, _, reason in error.args[0])
    remedy = "Have one issued for an ECDSA key, or RSA of 2048 bits or more"
    return Problem(domain, directory, f"OpenSSL refuses it ({reasons})", remedy)


def _kept(problem: Problem, before: Pair) -> Problem:
    until = f"{before.certificate.not_valid_after_utc:%Y-%m-%d}"
    said = f"{problem.problem}; the one read before is served on, until {until} at most"
    return problem._replace(problem=said)


def _base_context(tls: config.TLS, source: str) -> SSL.Context:
    context = SSL.Context(SSL.TLS_SERVER_METHOD)
    context.set_min_proto_version(MINIMUM[tls.minimum])
    context.set_options(OPTIONS)
    # Gives an idle connection's read and write buffers back: 34 KiB each.
    context.set_mode(SSL.MODE_RELEASE_BUFFERS)
    # Sessions live in the tickets that clients keep, none in this process's memory.
    context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
    context.set_alpn_select_callback(select_protocol)
    try:
        context.set_cipher_list(tls.ciphers.encode())
    except SSL.Error:
        raise ConfigError(
            source, "tls.ciphers", f'"{tls.ciphers}" selects none', "See openssl-ciphers(1)"
        ) from None
    if tls.client_ca:
        _ask_for_certificate(context, tls.client_ca, source)
    return context


def _ask_for_certificate(context: SSL.Context, authorities: str, source: str) -> None:
    """Ask clients for a certificate and go on without one; EXTERNAL needs one that verifies."""
    try:
        context.load_verify_locations(authorities)
        context.load_client_ca(authorities.encode())
    except SSL.Error:
        raise ConfigError(
            source,
            "tls.client_ca",
            f"no certificates of authorities in {authorities}",
            "Put them there in PEM form",
        ) from None
    context.set_verify(SSL.VERIFY_PEER | SSL.VERIFY_CLIENT_ONCE, note_verification)
    # A resumed session brings the certificate back without its verification.
    context.set_options(SSL.OP_NO_TICKET)
