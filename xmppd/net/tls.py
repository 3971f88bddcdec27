"""TLS of the domains: a context for each and each kind of stream, replaced without a break.

What is set in a context stands in `contexts.py`; which certificate is a domain's in `pairs.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import NamedTuple

from OpenSSL import SSL
from twisted.internet.interfaces import IOpenSSLServerConnectionCreator
from twisted.logger import Logger
from twisted.protocols.tls import TLSMemoryBIOProtocol
from zope.interface import implementer

from xmppd import config
from xmppd.domainpart import domain_to_ascii
from xmppd.errors import ConfigError
from xmppd.net import contexts
from xmppd.net.certificates import ServerConnection
from xmppd.net.contexts import Kind
from xmppd.net.pairs import ABSENT, Pair, Problem, find
from xmppd.net.selfsigned import self_signed
from xmppd.net.trust import REMEDY, nobody, read_trust

log = Logger()

UNSET = "[tls] certificates is not set"


class Served(NamedTuple):
    """The contexts of one kind of stream; the first domain's is the default."""

    by_domain: Mapping[str, SSL.Context]
    by_server_name: Mapping[bytes, SSL.Context]
    default: SSL.Context


class CertificateStore:
    """The TLS contexts of all domains, for clients and, with `s2s`, for other servers.

    `problems` tells which domains lack the certificate they should have, and why; they are
    served all the same: with the one that was read before, for as long as it is valid, else with
    a self-signed one. The domains of `components` are ours for other servers only. One that has
    no certificate is no problem: it has its parent's, and dialback proves its name. `trust` is in
    other servers. A `reload` replaces everything at once for the connections to come and
    touches no living one. `source` names the configuration in errors.
    """

    def __init__(
        self,
        tls: config.TLS,
        domains: Iterable[str],
        data: str,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        source: str = "configuration",
        *,
        s2s: config.S2S | None = None,
        components: Iterable[str] = (),
    ) -> None:
        self._directory = Path(data) / "certs"
        self._now = now
        self._source = source
        self._pairs: dict[str, Pair] = {}
        self._own: frozenset[str] = frozenset()
        self._served: dict[Kind, Served] = {}
        self.trust = nobody()
        self.problems: tuple[Problem, ...] = ()
        self.reload(tls, domains, s2s, components)

    def reload(
        self,
        tls: config.TLS,
        domains: Iterable[str],
        s2s: config.S2S | None = None,
        components: Iterable[str] = (),
    ) -> None:
        """Read all certificates again; the first domain is the default.

        Raises what `prepare` raises, and then everything stays as it was.
        """
        self.prepare(tls, domains, s2s, components)()

    def prepare(
        self,
        tls: config.TLS,
        domains: Iterable[str],
        s2s: config.S2S | None = None,
        components: Iterable[str] = (),
    ) -> Callable[[], None]:
        """Read all certificates; what is returned puts them in force, and can't fail.

        Raises `ConfigError` where a fault is not that of one domain: unusable ciphers or
        authorities, an unwritable data directory.
        """
        problems: list[Problem] = []
        read = {domain: self._best(tls, domain, problems) for domain in domains}
        known = {domain: pair for domain, pair in read.items() if pair is not None}
        ours = {domain: pair or self._self_signed(domain) for domain, pair in read.items()}
        served: dict[Kind, Served] = {contexts.clients: self._contexts(contexts.clients, tls, ours)}
        trust = nobody()
        if s2s is not None:
            for domain in components:
                if pair := self._of_component(tls, domain, problems):
                    known[domain] = pair
                ours.setdefault(domain, pair or _nearest(domain, ours))
            for kind in (contexts.incoming, contexts.outgoing):
                served[kind] = self._contexts(kind, tls, ours)
            if s2s.enabled:
                trust = read_trust(s2s.ca, self._source)

        def take() -> None:
            for problem in problems:
                log.warn("{problem}", problem=problem)
            if trust.problem and trust.problem != self.trust.problem:
                log.warn("{problem}. {remedy}", problem=trust.problem, remedy=REMEDY)
            self.problems = tuple(problems)
            self._pairs = known
            own = frozenset() if tls.certificates else frozenset(read)
            for domain in sorted(own - self._own):
                log.info("{domain} has a self-signed certificate: {why}", domain=domain, why=UNSET)
            self._own = own
            self._served = served
            self.trust = trust

        return take

    def context_for(self, domain: str, kind: Kind = contexts.clients) -> SSL.Context:
        """The context of a domain, or of the first one if the domain is not served here.

        For STARTTLS: the `to` of the stream header has named a domain before the handshake; a
        client's SNI may name another.
        """
        served = self._served[kind]
        return served.by_domain.get(domain, served.default)

    def creator(self, domain: str = "") -> ServerConnections:
        """What `transport.startTLS` and `TLSMemoryBIOFactory` take; "" for direct TLS."""
        return ServerConnections(self, domain)

    def _best(self, tls: config.TLS, domain: str, problems: list[Problem]) -> Pair | None:
        """The best that can be had for a domain; None where only a self-signed one can."""
        if not tls.certificates:
            return None
        pair, problem = find(Path(tls.certificates), domain, self._now())
        if pair is not None:
            try:
                _put(contexts.clients(tls, self._source), pair)
            except SSL.Error as error:
                problem = _refused(domain, tls.certificates, error)
                pair = None
        before = self._pairs.get(domain)
        if problem is not None and before is not None and self._living(before):
            # What is on the disk may be half written; clients would ask their users.
            pair, problem = before, _kept(problem, before)
        if problem is not None:
            problems.append(problem)
        return pair

    def _of_component(self, tls: config.TLS, domain: str, problems: list[Problem]) -> Pair | None:
        """A component's own, if there is one; what is wrong with that is a problem."""
        found: list[Problem] = []
        pair = self._best(tls, domain, found)
        problems += (one for one in found if one.problem != ABSENT)
        return pair

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

    def _contexts(self, kind: Kind, tls: config.TLS, pairs: Mapping[str, Pair]) -> Served:
        """A context for each pair; domains that have the same pair share it."""
        made: dict[int, SSL.Context] = {}
        by_domain = {}
        for domain, pair in pairs.items():
            if id(pair) not in made:
                context = kind(tls, self._source)
                if kind is not contexts.outgoing:  # where it would see the other server's name
                    context.set_tlsext_servername_callback(partial(self._select_context, kind))
                _put(context, pair)
                made[id(pair)] = context
            by_domain[domain] = made[id(pair)]
        names = {domain_to_ascii(name).encode("ascii"): one for name, one in by_domain.items()}
        return Served(by_domain, names, next(iter(by_domain.values())))

    def _select_context(self, kind: Kind, connection: SSL.Connection) -> None:
        """The SNI callback: an unknown name, or none, leaves the context as it is."""
        names = self._served[kind].by_server_name
        context = names.get((connection.get_servername() or b"").lower())
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


def _put(context: SSL.Context, pair: Pair) -> None:
    context.use_certificate(pair.certificate)
    for link in pair.chain:
        context.add_extra_chain_cert(link)
    context.use_privatekey(pair.key)


def _nearest(domain: str, pairs: Mapping[str, Pair]) -> Pair:
    """The pair of the nearest domain above `domain`, else of the first."""
    while domain:
        domain = domain.partition(".")[2]
        if domain in pairs:
            return pairs[domain]
    return next(iter(pairs.values()))
