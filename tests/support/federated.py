"""Servers in memory that reach each other by wires in memory, on one clock; TLS is pretended.

    web = Web()
    verona, mantua = web.town("capulet.lit"), web.town("montague.lit")
    juliet, romeo = verona.log_in("juliet"), mantua.log_in("romeo")
    juliet.send(chat("romeo@montague.lit"))
    web.settle()

A `Hand` is the other end of a wire that the test itself holds: `web.played(domain)` for one that
servers connect to, `town.called()` for one that connects to a server.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from math import inf
from typing import Any

from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.task import Clock

from tests.support.ends import parsed
from tests.support.server import NOW, Client, Verona
from tests.support.server_streams import FakeTLS, header
from xmppd import ns
from xmppd.core.s2s.connection import ServerConnection
from xmppd.core.s2s.incoming import IncomingConnection
from xmppd.core.s2s.outgoing import OutgoingConnection
from xmppd.core.s2s.places import Place
from xmppd.core.s2s.trail import Trail
from xmppd.errors import StanzaError
from xmppd.jid import JID

STRANGER = "198.51.100.9"
"""From where those connect who are no town (RFC 5737)."""


class Web:
    """The network: who is where, and what is on its way."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.clock.advance(NOW)
        self.places: dict[str, tuple[Place, ...] | StanzaError | None] = {}
        """Where domains are; an error, or None for no answer."""
        self.at: dict[str, Town | Played | StanzaError | None] = {}
        """By host name, who is there; an error, or None for no answer."""
        self.dialled: list[tuple[str, str]] = []
        """From which domain and to which host."""
        self.asked: list[str] = []
        """Which domains were looked for."""
        self.forgotten: list[str] = []
        """Of which domains whatever is remembered was to be forgotten."""
        self.given_up = 0
        """Waits for one of those that do not answer, which have ended."""
        self.way: deque[Callable[[], None]] = deque()

    def town(self, *domains: str, names: Iterable[str] | None = None, **tables: Any) -> Town:
        """A server for `domains`, with a certificate of `names`: of all of them, if not told."""
        town = Town(self, domains, domains if names is None else names, tables)
        for domain in domains:
            self.move(domain, f"host.{domain}", town)
        return town

    def played(self, domain: str, *names: str) -> Played:
        """A server that the test plays, with a certificate of `names`."""
        played = Played(self, names)
        self.move(domain, f"host.{domain}", played)
        return played

    def move(self, domain: str, host: str, who: Town | Played) -> None:
        """Have a domain at one host, and somebody there."""
        self.places[domain] = (Place(host, 5269),)
        self.at[host] = who

    def settle(self) -> None:
        """Carry all that is on its way."""
        while self.way or any(c.getTime() <= self.clock.seconds() for c in self.clock.calls):
            while self.way:
                self.way.popleft()()
            self.clock.advance(0)

    def advance(self, seconds: float) -> None:
        """Let time go by, and carry what comes of it."""
        end = self.clock.seconds() + seconds
        self.settle()
        while (calls := self.clock.getDelayedCalls()) and calls[0].getTime() <= end:
            self.clock.advance(max(0.0, min(c.getTime() for c in calls) - self.clock.seconds()))
            self.settle()
        self.clock.advance(max(0.0, end - self.clock.seconds()))
        self.settle()

    def hang(self) -> Deferred[Any]:
        """What never fires by itself."""

        def given_up(_: Deferred[Any]) -> None:
            self.given_up += 1

        return Deferred(given_up)


class Wire:
    """One end of a connection, for what drives its stream."""

    def __init__(self, web: Web, names: Iterable[str], carried: ServerConnection | Hand) -> None:
        self.web = web
        self.carried = carried
        self.other: Wire
        self.names = set(names)
        """What the certificate at this end names."""
        self.until = inf
        """When that expires."""
        self.begun_for: str | None = None
        """Which domain TLS was begun for."""
        self.known = ""
        """The first domain that the peer has shown to be."""
        self.behind = 0
        self.gone = False

    def write(self, data: bytes) -> None:
        if not self.gone:
            self.web.way.append(lambda: self.other.arrive(data))

    def arrive(self, data: bytes) -> None:
        if not self.gone:
            self.carried.receive(data)

    def unsent(self) -> int:
        return self.behind

    def start_tls(self, domain: str) -> None:
        self.begun_for = domain
        if isinstance(self.carried, OutgoingConnection):
            self.web.way.append(self._shake_hands)

    def _shake_hands(self) -> None:
        self.other.carried.secured()
        self.carried.secured()

    def peer(self) -> FakeTLS:
        names = self.other.names
        return FakeTLS(names, "" if names else "no certificate", self.other.until)

    def authenticated(self, domain: str) -> None:
        self.known = domain

    def close(self) -> None:
        self.web.way.append(self.cut)

    def cut(self) -> None:
        """The connection breaks."""
        for end in (self, self.other):
            if not end.gone:
                end.gone = True
                end.carried.lost()


def join(web: Web, near: Wire, far: Wire) -> None:
    near.other, far.other = far, near


class Town(Verona):
    """A server of the web."""

    def __init__(
        self, web: Web, domains: tuple[str, ...], names: Iterable[str], tables: dict[str, Any]
    ) -> None:
        tables = {**tables, "server": {**tables.get("server", {}), "domains": list(domains)}}
        super().__init__(accounts=(), clock=web.clock, **tables)
        self.web = web
        self.domain = domains[0]
        self.names = set(names)
        self.remotes = self.host.remotes
        self.remotes.follow(self)
        for name in ("juliet", "romeo"):
            self.account(name, domain=self.domain)

    def log_in(self, name: str, resource: str = "x") -> Client:
        """A client of its first domain, which is available."""
        client = self.connect().open(self.domain)
        client.authenticate(name).open(self.domain)
        found = client.bind(resource).findtext(f".//{{{ns.BIND}}}jid")
        assert found, "no resource was bound"
        client.jid = JID.parse(found)
        client.send("<presence/>")
        client.take()
        return client

    def called(self, *names: str, direct: bool = False) -> Hand:
        """A connection that somebody with a certificate of `names` makes to it."""
        hand = Hand(self.web)
        hand.wire = Wire(self.web, names, hand)
        self.take_call(hand.wire, STRANGER, direct=direct)
        return hand

    def take_call(self, caller: Wire, address: str, *, direct: bool) -> None:
        connection = IncomingConnection(self.remotes, tls_available=not direct)
        wire = Wire(self.web, self.names, connection)
        join(self.web, caller, wire)
        connection.begin(wire, address)

    # ------------------------------------------------------------------ Network

    def find(self, domain: str, trail: Trail) -> Deferred[tuple[Place, ...]]:
        self.web.asked.append(domain)
        found = self.web.places.get(domain, _unknown(domain))
        return self.web.hang() if found is None else _fired(found)

    def forget(self, domain: str) -> None:
        self.web.forgotten.append(domain)

    def dial(self, place: Place, connection: OutgoingConnection, trail: Trail) -> Deferred[Any]:
        self.web.dialled.append((connection.stream.local, place.host))
        there = self.web.at.get(place.host, StanzaError("remote-server-timeout", reason=REFUSED))
        if there is None:
            return self.web.hang()
        if isinstance(there, StanzaError):
            return _fired(there)
        wire = Wire(self.web, self.names, connection)
        there.take_call(wire, f"192.0.2.{len(self.web.dialled) % 250}", direct=place.direct)
        connection.begin(wire, "192.0.2.1")
        return _fired(None)


REFUSED = "s2s.unreachable"


def _unknown(domain: str) -> StanzaError:
    return StanzaError("remote-server-not-found", domain, reason="s2s.no-such-domain")


def _fired(outcome: Any) -> Deferred[Any]:
    if isinstance(outcome, StanzaError):
        return fail(StanzaError(outcome.condition, outcome.text, reason=outcome.reason))
    return succeed(outcome)


class Played:
    """Servers connect to it, and the test answers: `hands` are the connections, in order."""

    def __init__(self, web: Web, names: Iterable[str]) -> None:
        self.web = web
        self.names = names
        self.hands: list[Hand] = []

    def take_call(self, caller: Wire, address: str, *, direct: bool) -> None:
        hand = Hand(self.web)
        hand.wire = Wire(self.web, self.names, hand)
        join(self.web, caller, hand.wire)
        self.hands.append(hand)


class Hand:
    """An end of a wire, in the hands of the test."""

    def __init__(self, web: Web) -> None:
        self.web = web
        self.wire: Wire
        self.log = b""
        self.tls = 0
        self.closed = False
        self._read = 0

    def send(self, *texts: str) -> Hand:
        """Send, each text in a read of its own, and let everybody act on it."""
        for text in texts:
            self.wire.write(text.encode())
            self.web.settle()
        return self

    def take(self) -> str:
        """What came since something was last read."""
        self.web.settle()
        data, self._read = self.log[self._read :], len(self.log)
        return data.decode()

    def elements(self) -> list[Any]:
        """The same, parsed."""
        data = self.take().encode()
        for name in (b"<db:result", b"<db:verify"):
            data = data.replace(name, name + f" xmlns:db='{ns.DIALBACK}'".encode())
        return parsed(data, ns.SERVER)

    def start_tls(self) -> Hand:
        """TLS begins, as who has connected."""
        self.wire.other.carried.secured()
        return self

    def through_tls(self, sender: str | None, to: str) -> Hand:
        """From nothing to a stream inside TLS, whose features have come."""
        self.send(header(sender, to), f"<starttls xmlns='{ns.TLS}'/>")
        self.start_tls()
        self.send(header(sender, to))
        self.take()
        return self

    @property
    def id(self) -> str:
        """The id of the last stream that the server has opened to us."""
        return self.log.rpartition(b" id='")[2].partition(b"'")[0].decode()

    # ------------------------------------------------------------------ driven by its wire

    def receive(self, data: bytes) -> None:
        self.log += data

    def secured(self) -> None:
        self.tls += 1

    def lost(self) -> None:
        self.closed = True
