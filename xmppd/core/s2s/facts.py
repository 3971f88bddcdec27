"""What can be told of other servers: the streams with them, and what became of reaching them.

Values only, read from what is there: nothing here changes anything.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from typing import Literal, NamedTuple, TypeAlias

from xmppd.config import S2S
from xmppd.core.s2s.connection import ServerConnection
from xmppd.core.s2s.outgoing import OutgoingConnection
from xmppd.core.s2s.remote import Remote
from xmppd.core.s2s.remotes import Remotes
from xmppd.core.s2s.trail import Trail
from xmppd.domains import matching
from xmppd.errors import StanzaError
from xmppd.stream.server_events import By

MOST = 2_000
"""The most streams, and domains, that are told of at once."""
DOMAINS = 20
"""The most domains of either side that are told of one stream."""

Direction: TypeAlias = Literal["out", "in", "both"]


class Link(NamedTuple):
    """A stream with another server. Times are seconds since 1970."""

    local: tuple[str, ...]
    """Our domains that have to do with it, the header's first."""
    remote: tuple[str, ...]
    """Theirs; "" where the peer has not said one yet."""
    more: int
    """How many of either side are left out."""
    direction: Direction
    """Which way stanzas may pass, whoever has connected; see `incoming`."""
    incoming: bool
    state: Literal["open", "asking", "negotiating"]
    """Open for stanzas; for questions about keys only; or not yet for anything."""
    theirs: By | Literal[""]
    """How the peer has shown who it is; "" where it has not, or need not: who connects to it takes
    the DNS at its word, unless the certificate says so."""
    ours: By | Literal[""]
    """How we have."""
    address: str
    id: str
    tls: str
    """The version of TLS; "" for none."""
    cipher: str
    managed: bool
    """Whether stanzas are acknowledged (XEP-0198)."""
    since: float
    busy: float
    """When anything but white space last passed."""
    sent: int
    received: int
    unacknowledged: int
    """Stanzas that the peer has not said that it has handled."""
    unsent: int
    """Octets that wait in memory for the peer."""


class Reaching(NamedTuple):
    """How reaching a domain goes, and how it went the last time."""

    domain: str
    streams: int
    """How many carry stanzas to it."""
    waiting: int
    """Stanzas that wait for one."""
    trying: bool
    failures: int
    """Attempts in a row that came to nothing."""
    until: float
    """When the next one may be made, where there were any."""
    trail: Trail | None
    """The last attempt."""

    @property
    def error(self) -> StanzaError | None:
        """What the last attempt has failed with."""
        return None if self.trail is None else self.trail.error


class Policy(NamedTuple):
    """What holds for a domain. Each `by` is the pattern in the configuration, "" for none."""

    refusal: str
    """Why there is no traffic with it, as a reason code; "" where there may be."""
    refusal_by: str
    """Which key says so, and what is in it."""
    require: str
    require_by: str
    route_by: str
    route: tuple[str, ...]


# ---------------------------------------------------------------------- streams


def links(remotes: Remotes, domain: str = "", most: int = MOST) -> list[Link]:
    """The streams with a domain, or all (""), by the peer's domain; `most` at most."""
    chosen = with_domain(remotes, domain) if domain else remotes.connections
    return [_link(each) for each in heapq.nsmallest(most, chosen, key=_rank)]


def with_domain(remotes: Remotes, domain: str) -> list[ServerConnection]:
    """The connections that have to do with a domain elsewhere."""
    return [each for each in remotes.connections if domain in _theirs_on(each)]


def _rank(connection: ServerConnection) -> tuple[str, float]:
    return connection.stream.remote, connection.since


def _theirs_on(connection: ServerConnection) -> set[str]:
    stream = connection.stream
    return {stream.remote, *stream.peers, *(remote for _, remote in stream.grants)}


def _ours_on(connection: ServerConnection) -> set[str]:
    stream = connection.stream
    return {stream.local, *(local for local, _ in stream.grants)}


def _some(first: str, domains: set[str]) -> tuple[str, ...]:
    return (first, *heapq.nsmallest(DOMAINS - 1, domains - {first}))


def _link(connection: ServerConnection) -> Link:
    stream, managed = connection.stream, connection.managed
    peer = stream.peer
    ours, theirs = _ours_on(connection), _theirs_on(connection)
    local, remote = _some(stream.local, ours), _some(stream.remote, theirs)
    return Link(
        local=local,
        remote=remote,
        more=len(ours) + len(theirs) - len(local) - len(remote),
        direction=_direction(connection),
        incoming=connection.incoming,
        state=_state(connection),
        theirs=_theirs(connection),
        ours=_ours(connection),
        address=connection.address,
        id=stream.id,
        tls="" if peer is None else peer.version,
        cipher="" if peer is None else peer.cipher,
        managed=managed is not None,
        since=connection.since,
        busy=connection.busy,
        sent=connection.sent,
        received=connection.received,
        unacknowledged=0 if managed is None else len(managed.outbox),
        unsent=connection.unsent,
    )


def _direction(connection: ServerConnection) -> Direction:
    stream = connection.stream
    if stream.grants and stream.peers:
        return "both"
    return "in" if connection.incoming else "out"


def _state(connection: ServerConnection) -> Literal["open", "asking", "negotiating"]:
    if connection.stream.grants or connection.stream.peers:
        return "open"
    if isinstance(connection, OutgoingConnection) and connection.negotiated.called:
        return "asking"
    return "negotiating"


def _theirs(connection: ServerConnection) -> By | Literal[""]:
    peer = connection.stream.peer
    if connection.incoming or peer is None:
        return connection.by or ""
    return "certificate" if peer.proves(connection.stream.remote) else (connection.by or "")


def _ours(connection: ServerConnection) -> By | Literal[""]:
    """To who has connected, the certificate that he was shown is all that there is."""
    stream = connection.stream
    if not stream.grants:
        return ""
    if isinstance(connection, OutgoingConnection):
        return connection.stream.shown_by
    return "certificate" if stream.peer is not None else ""


# ---------------------------------------------------------------------- reaching domains


def reaching(remotes: Remotes, domain: str) -> Reaching:
    """How reaching a domain goes; nothing of it may be known."""
    remote = remotes.find(domain)
    return Reaching(domain, 0, 0, False, 0, 0.0, None) if remote is None else _reaching(remote)


def troubled(remotes: Remotes, most: int = MOST) -> list[Reaching]:
    """The domains that stanzas wait for, or that could not be reached; `most` at most."""
    return heapq.nsmallest(most, _troubled(remotes), key=lambda each: each.domain)


def _troubled(remotes: Remotes) -> Iterator[Reaching]:
    for remote in remotes.known():
        told = _reaching(remote)
        if told.waiting or told.trying or told.failures:
            yield told


def _reaching(remote: Remote) -> Reaching:
    pairs = remote.pairs.values()
    return Reaching(
        domain=remote.domain,
        streams=len({id(pair.line) for pair in pairs if pair.line is not None}),
        waiting=sum(pair.waiting for pair in pairs),
        trying=any(pair.trying for pair in pairs),
        failures=remote.failures,
        until=remote.until,
        trail=remote.trail,
    )


# ---------------------------------------------------------------------- what holds


def policy(remotes: Remotes, domain: str) -> Policy:
    """What the configuration says of a domain."""
    settings = remotes.settings
    refusal, route = remotes.rules.refusal(domain), matching(domain, settings.routes)
    return Policy(
        refusal=refusal,
        refusal_by=_kept_out_by(settings, domain) if refusal == "s2s.refused" else "",
        require=remotes.rules.require(domain),
        require_by=matching(domain, settings.domains),
        route_by=route,
        route=settings.routes[route] if route else (),
    )


def _kept_out_by(settings: S2S, domain: str) -> str:
    denied = matching(domain, settings.deny)
    return f's2s.deny has "{denied}"' if denied else "it is not in s2s.allow"
