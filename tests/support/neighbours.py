"""Servers in memory that talk to each other, each a `Verona` with a domain of its own.

    verona, mantua = neighbours("verona.lit", "mantua.lit")
    juliet = verona.log_in("juliet")
    juliet.send("<message to='romeo@mantua.lit'>…</message>")
    settle(verona)

What one has written has been read by the other, and answered, when `settle` returns. TLS is said
to be in place, and nothing is encrypted.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred, fail, succeed

from tests.support.server import Client, Verona
from xmppd import ns
from xmppd.core.s2s.connection import ServerConnection
from xmppd.core.s2s.incoming import IncomingConnection
from xmppd.core.s2s.outgoing import OutgoingConnection
from xmppd.core.s2s.places import Place
from xmppd.core.s2s.trail import Trail
from xmppd.errors import StanzaError
from xmppd.jid import JID

ADDRESS = "192.0.2.53"


class Papers:
    """What TLS says of a peer (`PeerTLS`): trusted for a domain, or why not."""

    version = "TLSv1.3"
    cipher = "TLS_AES_256_GCM_SHA384"
    until = float("inf")

    def __init__(self, domain: str, problem: str = "") -> None:
        self._domain = domain
        self.problem = problem

    def proves(self, domain: str) -> bool:
        return not self.problem and domain == self._domain


class End:
    """One end of a connection (`Wire`)."""

    def __init__(self, sea: Sea, papers: Papers) -> None:
        self.sea = sea
        self.papers = papers
        """The peer's."""
        self.carried: ServerConnection
        self.other: End
        self.behind = 0
        """Octets that the peer has not taken, as far as this end knows."""
        self.closed = False

    def write(self, data: bytes) -> None:
        self.sea.later(lambda: self.other.carried.receive(data))

    def unsent(self) -> int:
        return self.behind

    def start_tls(self, domain: str) -> None:
        if isinstance(self.carried, OutgoingConnection):
            for end in (self.other, self):
                self.sea.later(end.carried.secured)

    def peer(self) -> Papers:
        return self.papers

    def authenticated(self, domain: str) -> None:
        """Admission is no subject here."""

    def close(self) -> None:
        if not self.closed:
            self.closed = True
            self.sea.later(self.other.lose)

    def lose(self) -> None:
        """The connection is gone."""
        self.closed = self.other.closed = True
        self.carried.lost()


class Sea:
    """What is between them: who is where, and what is under way."""

    def __init__(self) -> None:
        self.servers: dict[str, Verona] = {}
        self.problems: dict[str, str] = {}
        """By domain, what is wrong with its certificate."""
        self.down: set[str] = set()
        """Domains that can't be connected to."""
        self.forgotten: list[str] = []
        self._coming: deque[Callable[[], None]] = deque()

    def later(self, work: Callable[[], None]) -> None:
        self._coming.append(work)

    def settle(self) -> None:
        while self._coming:
            self._coming.popleft()()

    def papers(self, domain: str) -> Papers:
        return Papers(domain, self.problems.get(domain, ""))


class Way:
    """The `Network` of one server."""

    def __init__(self, sea: Sea) -> None:
        self._sea = sea

    def find(self, domain: str, trail: Trail) -> Deferred[tuple[Place, ...]]:
        if domain not in self._sea.servers:
            trail.note("dns", f"there is no {domain}")
            return fail(StanzaError("remote-server-not-found", reason="s2s.no-such-domain"))
        trail.note("dns", f"{domain} is there")
        return succeed((Place(domain, 5269),))

    def forget(self, domain: str) -> None:
        self._sea.forgotten.append(domain)

    def dial(self, place: Place, connection: OutgoingConnection, trail: Trail) -> Deferred[Any]:
        if place.host in self._sea.down:
            trail.note("tcp", f"{place}: refused", ok=False)
            return fail(StanzaError("remote-server-timeout", reason="s2s.unreachable"))
        trail.note("tcp", f"{place}: connected")
        remotes = self._sea.servers[place.host].host.remotes
        ours = End(self._sea, self._sea.papers(place.host))
        theirs = End(self._sea, self._sea.papers(connection.stream.local))
        ours.other, theirs.other = theirs, ours
        ours.carried, theirs.carried = (
            connection,
            IncomingConnection(remotes, tls_available=not place.direct),
        )
        theirs.carried.begin(theirs, ADDRESS)
        connection.begin(ours, ADDRESS)
        return succeed(None)


def neighbours(*domains: str, **s2s: Any) -> tuple[Verona, ...]:
    """A server for each domain, with `[s2s]` as said: juliet and romeo have accounts at each."""
    sea = Sea()
    for domain in domains:
        server = Verona(accounts=(), server={"domains": [domain]}, s2s=s2s)
        for name in ("juliet", "romeo"):
            server.account(name, domain=domain)
        sea.servers[domain] = server
        server.host.remotes.follow(Way(sea))
    return tuple(sea.servers.values())


def sea_of(server: Verona) -> Sea:
    """What is between a server and its neighbours."""
    network = server.host.remotes.network
    assert isinstance(network, Way)
    return network._sea


def settle(server: Verona) -> None:
    """Have everything arrive that is under way."""
    sea_of(server).settle()


def log_in(server: Verona, name: str) -> Client:
    """A client of somebody's at the server's own domain."""
    domain = server.host.domains[0]
    client = server.connect().open(to=domain).authenticate(name).open(to=domain)
    jid = client.bind().findtext(f".//{{{ns.BIND}}}jid")
    assert jid is not None
    client.jid = JID.parse(jid)
    client.take()
    return client
