"""Other servers: the domains that are theirs, and the connections to and from them."""

from __future__ import annotations

import secrets
from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from xmppd import config
from xmppd.core.s2s import conditions
from xmppd.core.s2s.attempts import Attempts
from xmppd.core.s2s.connection import Question, ServerConnection
from xmppd.core.s2s.managed import Managed
from xmppd.core.s2s.management import Management
from xmppd.core.s2s.outgoing import OutgoingConnection
from xmppd.core.s2s.pair import Pair
from xmppd.core.s2s.places import Place
from xmppd.core.s2s.remote import Remote
from xmppd.core.s2s.rules import Rules
from xmppd.core.s2s.trail import Trails
from xmppd.core.s2s.wire import Network
from xmppd.errors import StanzaError, StreamError
from xmppd.stream.acks import Sent
from xmppd.stream.dialback import Outcome, secret_key
from xmppd.stream.server_events import Admitted, Judged, KeyGiven
from xmppd.stream.server_policy import ServerPolicy
from xmppd.wire.limits import Limits
from xmppd.wire.parsers import Parsers
from xmppd.wire.stanza import Stanza

if TYPE_CHECKING:
    from xmppd.core.host import Host

log = Logger()

MOST = 20_000
"""Of how many domains it is known how they were last reached."""

LOOKED_AT = 200
"""Of how many of these it is looked whether one may be forgotten for another."""

SWEEP = 10.0
"""Seconds between two looks for connections that nobody uses."""


class Remotes:
    """Takes what is for domains that nobody here serves to the servers that do.

    It does so from `open` to `close`; `network` finds and connects.
    """

    def __init__(self, host: Host) -> None:
        self.host = host
        self.network: Network
        self.connections: set[ServerConnection] = set()
        self.by_place: dict[Place, OutgoingConnection] = {}
        """The last connection of ours to each place."""
        self.attempts = Attempts(lambda: self.settings.attempts, host.clock)
        self.rules = Rules(host)
        self.management = Management(self)
        self.trails = Trails()
        self._remotes: OrderedDict[str, Remote] = OrderedDict()
        self._secret = secret_key(secrets.token_urlsafe(32))
        self._detach: Callable[[], None] | None = None
        self._sweeping = LoopingCall(self._sweep)
        self._sweeping.clock = host.clock
        self._parsers = Parsers()
        self.policy: ServerPolicy

    @property
    def settings(self) -> config.S2S:
        """`[s2s]`, as it stands now."""
        return self.host.config.s2s

    # ------------------------------------------------------------------ configuration

    def follow(self, network: Network | None = None) -> None:
        """Take the configuration as it is now; without a network there are no other servers."""
        if network is not None:
            self.network = network
        settings, limits = self.settings, self.host.config.limits
        after = Limits(limits.stanza_bytes, limits.tag, limits.depth, limits.attributes)
        self.policy = ServerPolicy(
            hosts=self.rules.hosts,
            default=lambda: self.host.router.domains[0],
            refusal=self.rules.refusal,
            require=self.rules.require,
            secret=secret_key(settings.secret) if settings.secret else self._secret,
            bidirectional=settings.bidirectional,
            before=after._replace(stanza=limits.stanza_bytes_unauthenticated, tag=limits.tag_bytes),
            after=after,
            max_attempts=self.host.config.auth.max_attempts,
            parsers=self._parsers,
        )
        self.host.router.guests = self.host.config.auth.anonymous
        wanted = settings.enabled and hasattr(self, "network")
        if wanted and self._detach is None:
            self._detach = self.host.router.attach(self.route)
            self._sweeping.start(SWEEP, now=False)
        elif not wanted and self._detach is not None:
            self._detach()
            self._detach = None
            self._sweeping.stop()
            self.management.close()
        why = "s2s.refused" if settings.enabled else "s2s.off"
        for connection in list(self.connections):
            if not wanted or any(map(self.rules.refusal, connection.domains)):
                connection.end(StreamError("policy-violation", reason=why))
            elif (local := connection.stream.local) and not self.rules.hosts(local):
                connection.end(StreamError("host-gone", reason="stream.host-gone"))

    @property
    def enabled(self) -> bool:
        """Whether other servers are talked to."""
        return self._detach is not None

    # ------------------------------------------------------------------ stanzas

    def route(self, stanza: Stanza) -> None:
        """Take a stanza to the server of its domain; raises StanzaError (RFC 6120 §10.4)."""
        to, sender = stanza.to, stanza.sender
        assert to is not None
        assert sender is not None
        remote = self._remotes.get(to.domain)
        pair = None if remote is None else remote.pairs.get(sender.domain)
        if pair is not None and pair.line is not None:
            pair.line.send(stanza)
            return
        self.rules.check(to.domain)
        if not self.rules.hosts(sender.domain):
            raise StanzaError("not-allowed", reason="s2s.local", detail=sender.domain)
        self.pair(sender.domain, to.domain).deliver(stanza)

    def pair(self, local: str, domain: str) -> Pair:
        """The pair of one of our domains and another one."""
        return self.remote(domain).pair(local)

    def remote(self, domain: str) -> Remote:
        """A domain elsewhere; who has not been used for long is forgotten for it."""
        remotes = self._remotes
        remote = remotes.get(domain)
        if remote is None:
            while len(remotes) >= MOST:
                self._forget_one()
            remote = remotes[domain] = Remote(domain, self)
        return remote

    def find(self, domain: str) -> Remote | None:
        """A domain elsewhere, if anything is known of it."""
        return self._remotes.get(domain)

    def known(self) -> Iterable[Remote]:
        """All domains elsewhere of which anything is known."""
        return self._remotes.values()

    def _forget_one(self) -> None:
        """Forget one on which nothing depends, or else one that has but a stream of its own making.

        A peer shows as many domains on a stream as it likes; what is sent to one that is forgotten
        goes by a stream of ours. Who is looked at in vain comes last the next time.
        """
        remotes, found = self._remotes, ""
        for _ in range(min(LOOKED_AT, len(remotes))):
            domain = next(iter(remotes))
            if remotes[domain].idle:
                found = domain
                break
            if not found and remotes[domain].spare:
                found = domain
            remotes.move_to_end(domain)
        if not found:
            raise StanzaError("resource-constraint", reason="s2s.attempts")
        del remotes[found]

    def at(self, places: Iterable[Place], domain: str) -> OutgoingConnection | None:
        """A connection of ours to one of a domain's places that it may share (XEP-0220 §2.6.2)."""
        found = (self.by_place.get(place) for place in places)
        return next((each for each in found if each is not None and each.may_share(domain)), None)

    # ------------------------------------------------------------------ what connections tell

    def admitted(self, connection: ServerConnection, event: Admitted) -> None:
        """A domain may send on a connection."""
        if self.host.debugging:
            log.debug(
                "{remote} at {address} may send to {local}: {by}",
                remote=event.remote,
                address=connection.address,
                local=event.local,
                by=event.by,
            )

    def granted(self, connection: ServerConnection, local: str, remote: str) -> None:
        """We may send for a pair on a connection."""
        try:
            pair = self.pair(local, remote)
        except StanzaError:
            return  # there is no room, so nobody waits for it
        pair.granted(connection)

    def denied(self, connection: ServerConnection, local: str, remote: str, condition: str) -> None:
        """We may not."""
        known = self._remotes.get(remote)
        if known is not None:  # else nobody waits for it
            known.pair(local).denied(connection, condition)

    def agreed(self, connection: ServerConnection) -> None:
        """The peer counts what comes on a stream of ours; see `Pair.agreed`."""
        self._pair_of(connection).agreed(connection)

    def resumed(self, connection: ServerConnection, h: int) -> None:
        """A stream of ours goes on by a connection; see `Pair.resumed`."""
        self._pair_of(connection).resumed(connection, h)

    def not_resumed(self, connection: ServerConnection, h: int | None) -> None:
        """It does not; see `Pair.not_resumed`."""
        self._pair_of(connection).not_resumed(connection, h)

    def _pair_of(self, connection: ServerConnection) -> Pair:
        return self.pair(connection.stream.local, connection.stream.remote)

    def lost(
        self, connection: ServerConnection, error: StreamError | None, *, broken: bool
    ) -> None:
        """A connection is gone, or its stream is closed, if it is not `broken`."""
        failed = connection.error(error)
        self.leave(connection, failed)
        questions, connection.questions = connection.questions, {}
        for question in questions.values():
            self.answer(question, "error", conditions.unverifiable(failed))
        managed, connection.managed = connection.managed, None
        if managed is not None:
            self._settle(connection, managed, broken=broken)

    def leave(self, connection: ServerConnection, error: StanzaError) -> None:
        """Nothing more can be sent on a connection."""
        stream = connection.stream
        domains = {stream.remote, *stream.peers, *(remote for _, remote in stream.grants)}
        found = [self._remotes[domain] for domain in domains if domain in self._remotes]
        for pair in [pair for remote in found for pair in remote.pairs.values()]:
            pair.lost(connection, error)

    def _settle(self, connection: ServerConnection, managed: Managed, *, broken: bool) -> None:
        """What was sent and not acknowledged goes once more: a link that breaks loses nothing."""
        if self._detach is None:
            managed.leave()  # the server stops
        elif connection.incoming:
            self.again(managed.stop())
            if broken:
                self.management.leave(connection, managed)
            else:
                self.management.forget(managed)
        elif broken and managed.id:
            self._pair_of(connection).keep(managed)
        else:
            self.again(managed.stop())

    def again(self, sent: Iterable[Sent]) -> None:
        """Send what may not have arrived, each by its pair."""
        for each in sent:
            stanza = each.stanza
            assert stanza.sender is not None
            assert stanza.to is not None
            try:
                pair = self.pair(stanza.sender.domain, stanza.to.domain)
            except StanzaError as error:  # it was forgotten, and there is no room
                self.host.router.bounce(stanza, error)
                if each.claim is not None:
                    each.claim.let_go()
            else:
                pair.again((each,))

    # ------------------------------------------------------------------ dialback

    def verify(self, connection: ServerConnection, given: KeyGiven) -> None:
        """Ask the domain that a peer claims to be whether it has made a key (XEP-0220 §2.1.2)."""
        question = Question(connection, given, self.host.clock.seconds())
        try:
            self.pair(given.local, given.remote).ask(question)
        except StanzaError as error:
            self.answer(question, "error", conditions.unverifiable(error))

    def judged(self, connection: ServerConnection, event: Judged) -> None:
        """It has answered."""
        asked = connection.questions.pop((event.remote, event.local, event.stream_id), None)
        if asked is not None:
            self.answer(asked, event.outcome, conditions.unjudged(event.condition))

    def answer(self, question: Question, outcome: Outcome, condition: str) -> None:
        """Tell the peer."""
        given, connection = question.given, question.asked_on
        connection.judge(given.remote, given.local, outcome, condition)

    # ------------------------------------------------------------------ the time

    def _sweep(self) -> None:
        """Close what nobody uses."""
        seconds, now = self.settings.idle_seconds, self.host.clock.seconds()
        for connection in list(self.connections):
            connection.give_up(now - self.settings.attempt_seconds)
            # Those of others are theirs to close: they may be about to send.
            idle = not connection.incoming and seconds and now - connection.busy >= seconds
            if connection.useless or idle:
                connection.close()
            elif connection.expired(now):
                connection.close(StreamError("reset", reason="s2s.expired"))

    def close(self) -> None:
        """The server stops: nobody is reached any more, and streams end."""
        if self._detach is not None:
            self._detach()
            self._detach = None
            self._sweeping.stop()
        self.management.close()
        for connection in list(self.connections):
            connection.end(StreamError("system-shutdown", reason="stream.shutdown"))
