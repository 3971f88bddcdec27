"""The server as one value: everything that connections and modules share."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable
from itertools import chain
from typing import Any, Protocol, TypeAlias

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from xmppd.config import Config
from xmppd.core.capabilities import Capabilities
from xmppd.core.components.registry import Components
from xmppd.core.components.server import Server
from xmppd.core.disco import Advertised
from xmppd.core.hooks import Hooks
from xmppd.core.refusals import Refusals
from xmppd.core.requests import OwnRequests
from xmppd.core.residents import Resident, Residents
from xmppd.core.router import Router
from xmppd.core.s2s.remotes import Remotes
from xmppd.core.sessions import LocalDirectory, Session, SessionDirectory
from xmppd.errors import StreamError
from xmppd.jid import JID
from xmppd.storage.interfaces import Account, Stores
from xmppd.stream import features
from xmppd.stream.events import Question
from xmppd.stream.features import Feature
from xmppd.stream.policy import Policy
from xmppd.stream.states import Fact
from xmppd.stream.stream import ClientStream
from xmppd.wire.build import Tag
from xmppd.wire.limits import Limits
from xmppd.wire.parsers import Parsers
from xmppd.wire.stanza import Nonza, Stanza

log = Logger()


class Connection(Protocol):
    """A client's connection, as far as others than its wire have to do with it."""

    @property
    def address(self) -> str:
        """Where it comes from, "" for this machine's own sockets."""

    @property
    def stream(self) -> ClientStream:
        """The stream it carries."""

    @property
    def session(self) -> Session | None:
        """The session, once a resource is bound."""

    inlet: Callable[[Session, Stanza], None]
    """Takes the stanzas of the session; the router, unless somebody comes before it."""

    def write(self, data: bytes) -> None:
        """Send bytes behind what was sent."""

    def end(self, error: StreamError) -> None:
        """End the stream with `error`."""

    def detach(self) -> None:
        """Go on without the session, which another connection takes over."""

    def adopt(self, session: Session) -> None:
        """Take over a session whose client has come back by this connection."""

    async def load(self, account: JID) -> Resident:
        """Have the account in memory, before a session of it is bound; see `core.connection`."""

    def admit(self, resident: Resident, resource: str) -> JID:
        """Log the client in by other means than SASL; see `core.connection`."""

    def waits_for(self, answer: Deferred[Any]) -> Deferred[Any]:
        """Have `answer` cancelled if the connection goes first; see `core.connection`."""


class Endable(Protocol):
    """A stream that may be ended, whoever's it is."""

    def end(self, error: StreamError) -> None:
        """End the stream with `error`."""


OpenResponder: TypeAlias = Callable[[Connection, Stanza], Coroutine[Deferred[Any], Any, Tag | None]]
"""Answers an IQ of a client that has not logged in, or raises StanzaError."""

NonzaResponder: TypeAlias = Callable[[Connection, Nonza], None]
"""Acts on a top-level element that is no stanza, of a client with a session."""

EarlyResponder: TypeAlias = Callable[
    [Connection, Nonza], Coroutine[Deferred[Any], Any, "Session | None"]
]
"""Acts on such an element of a client that has authenticated and has no session; gives the session
that its stream goes on with, if any."""


class Authenticator(Protocol):
    """Who answers what a stream asks in the course of authentication."""

    def answer(self, question: Question, domain: str, address: str) -> Deferred[Any]:
        """The answer to `question`; fails with SASLFailure."""


class Administrator(Protocol):
    """Who makes, changes and removes accounts; see `auth.administration.Administration`."""

    def create(self, jid: JID, password: str) -> Deferred[Account]:
        """Make an account; fails with AccountExists, ValueError (the password), StoreError."""

    def set_password(self, jid: JID, password: str) -> Deferred[bool]:
        """Set a password; False when there is no such account."""

    def remove(self, jid: JID) -> Deferred[bool]:
        """Remove an account and end its streams; False when there is no such account."""


class Flushable(Protocol):
    """Holds what was written until the end of the turn."""

    def flush(self) -> None:
        """Send it."""


class EndOfTurn(Protocol):
    """Who knows when the reactor's turn ends; see `net.turn.Turn`."""

    def add(self, held: Flushable) -> None:
        """Have `held` flushed then."""


class Host:
    """What one server process consists of, for whoever needs more than his own stream."""

    def __init__(
        self,
        config: Config,
        *,
        clock: IReactorTime,
        stores: Stores,
        directory: SessionDirectory | None = None,
    ) -> None:
        self.config = config
        self.clock = clock
        self.stores = stores
        self.authenticator: Authenticator
        self.administrator: Administrator
        self.turn: EndOfTurn
        self.started = clock.seconds()
        self.hooks = Hooks()
        self.refusals = Refusals(clock.seconds)
        self.directory: SessionDirectory = directory or LocalDirectory()
        self.residents = Residents(stores, self.directory)
        self.router = Router(config.server.domains, self.directory, self.hooks, self.refusals)
        self.requests = OwnRequests(self.router.route, clock)
        self.router.answered = self.requests.answered
        self.capabilities = Capabilities(
            self.requests,
            clock,
            self.hooks.capabilities,
            lambda: self.config.capabilities.remembered,
        )
        self.components = Components(
            Server(self.router, self.directory, self.hooks, clock, stores.components, self.requests)
        )
        self.components.follow(config.components)
        self.remotes = Remotes(self)
        self.advertised = Advertised()
        self.features: list[Feature] = list(features.CORE)
        self.nonzas: dict[str, NonzaResponder] = {}
        self.early_nonzas: dict[str, EarlyResponder] = {}
        self.open_requests: dict[str, OpenResponder] = {}
        self.connections: set[Connection] = set()
        self.component_connections: set[Endable] = set()
        self.claims: dict[tuple[object, ...], str] = {}
        """Which module has claimed what only one can answer; see `core.context`."""
        self._parsers = Parsers()
        self._policies: dict[bool, Policy] = {}
        self._served = list(config.server.domains)
        """The same in every policy, old or new: a stream opened before a reload must not let
        anybody in to a domain that was taken out by it."""

    @property
    def domains(self) -> tuple[str, ...]:
        """The domains served, the default one first."""
        return self.config.server.domains

    @property
    def debugging(self) -> bool:
        """Whether the log is to tell of each stream: ask before making such an event."""
        return self.config.log.level == "debug"

    def reconfigure(self, config: Config) -> None:
        """Take a new configuration; it holds for streams opened from now on.

        Streams of a domain that is served no longer end with `host-gone` (RFC 6120 §4.9.3.5).
        """
        self.config = config
        self._served[:] = config.server.domains
        self.router.serve(config.server.domains)
        self.hooks.configured()
        self.components.follow(config.components)
        self.remotes.follow()
        self.changed()
        self.advertised.changed()
        for connection in list(self.connections):
            stream = connection.stream
            if stream.domain in self._served:
                continue
            if stream.id:
                connection.end(StreamError("host-gone", reason="stream.host-gone"))
            else:  # no header has come: it has named no domain yet
                stream.domain = self._served[0]

    def changed(self) -> None:
        """Forget what was derived from configuration, features and open requests."""
        self._policies.clear()

    def policy(self, *, loopback: bool) -> Policy:
        """What streams from a loopback address or elsewhere are granted; shared by them all."""
        policy = self._policies.get(loopback)
        if policy is None:
            policy = self._policies[loopback] = self._make_policy(loopback)
        return policy

    def _make_policy(self, loopback: bool) -> Policy:
        config = self.config
        limits, auth = config.limits, config.auth
        after = Limits(limits.stanza_bytes, limits.tag, limits.depth, limits.attributes)
        before = after._replace(stanza=limits.stanza_bytes_unauthenticated, tag=limits.tag_bytes)
        require = config.tls.require
        plain = auth.plain_without_tls
        return Policy(
            domains=self._served,
            features=tuple(self.features),
            mechanisms=(*auth.mechanisms, *(("DIGEST-MD5",) if auth.digest_md5 else ())),
            anonymous=auth.anonymous,
            before=before,
            after=after,
            max_attempts=auth.max_attempts,
            switches=self._switches(loopback),
            tls_required=not loopback if require == "auto" else require,
            plaintext_allowed=plain == "always" or (plain == "loopback" and loopback),
            email_certificates=auth.email_certificates,
            open_requests=frozenset(self.open_requests),
            parsers=self._parsers,
        )

    def _switches(self, loopback: bool) -> Fact:
        config = self.config
        open_to = config.registration.policy
        switches = {
            Fact.COMPRESSION: config.compression.enabled,
            Fact.LEGACY_AUTH: config.auth.legacy,
            Fact.REGISTRATION: open_to == "on" or (open_to == "loopback" and loopback),
        }
        return Fact(sum(fact for fact, on in switches.items() if on))

    def end_streams(self, jid: JID, error: StreamError) -> int:
        """End the streams of a bare JID, bound or not, or of one full JID; how many there were."""
        ended = 0
        for connection in list(self.connections):
            held = connection.stream.jid
            if held is not None and jid in (held, held.bare):
                connection.end(error)
                ended += 1
        for session in list(self.directory.of(jid.bare)):  # those whose client is away
            if jid in (session.jid, session.account):
                session.end(error)
        return ended

    def unbind(self, session: Session) -> None:
        """End a session for good: its client has left, or has been away for too long."""
        if self.directory.unbind(session):
            self.hooks.session_unbound(session)
            self.residents.left(session.account)

    def shut_down(self, *which: Iterable[Endable]) -> None:
        """Tell every client and component, or those, that the server stops (RFC 6120 §4.9.3.20).

        Whatever happens to one of them, the others are told, and the server goes on stopping.
        """
        for connection in list(chain(*(which or (self.connections, self.component_connections)))):
            try:
                connection.end(StreamError("system-shutdown", reason="stream.shutdown"))
            except Exception:  # noqa: BLE001 - a bug of one stream is logged, and is its own
                log.failure("a stream was not ended in order")
