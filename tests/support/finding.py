"""Finding other servers in memory: a DNS, a network, and a clock."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from twisted.internet import error
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.protocol import Protocol
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.names import dns
from twisted.python.failure import Failure

from tests.support.dns import NameServer
from xmppd.config import S2S
from xmppd.core.s2s.trail import Trail
from xmppd.net.finding import DNSFinder
from xmppd.net.nameservers import Unanswered
from xmppd.net.resolver import Resolver


class Transport(StringTransport):
    """A connection; `aborting` once it was cut."""

    aborting = False

    def abortConnection(self) -> None:
        self.aborting = True


class Connecting:
    """A connection that is being made; the test says what becomes of it."""

    def __init__(self, host: str, port: int, factory: Any, timeout: float) -> None:
        self.host = host
        self.port = port
        self.factory = factory
        self.timeout = timeout
        self.stopped = False
        self.built: Any = None

    def disconnect(self) -> None:
        self.stopped = True
        self.factory.clientConnectionFailed(self, Failure(error.UserError()))

    def take(self) -> Any:
        """Connect it: the transport, or None where nobody wants it any more."""
        self.built = self.factory.buildProtocol(None)
        if self.built is None:
            return None
        transport = Transport()
        self.built.makeConnection(transport)
        return transport

    def refuse(self, problem: Exception | None = None) -> None:
        reason = Failure(problem or error.ConnectionRefusedError())
        self.factory.clientConnectionFailed(self, reason)


class Datagrams:
    """A UDP port."""

    def __init__(self, protocol: Any) -> None:
        self.protocol = protocol
        self.sent: list[tuple[bytes, Any]] = []
        self.closed = False
        protocol.makeConnection(self)

    def write(self, data: bytes, address: Any) -> None:
        self.sent.append((data, address))

    def stopListening(self) -> None:
        self.closed = True

    @property
    def question(self) -> dns.Message:
        message = dns.Message()
        message.fromStr(self.sent[-1][0])
        return message

    def answer(self, message: dns.Message, source: Any = None) -> None:
        """Have a message arrive, from where the question went to unless it says otherwise."""
        self.protocol.datagramReceived(message.toStr(), source or tuple(self.sent[-1][1]))


class Network(Clock):
    """A reactor whose connections and datagrams go nowhere; the test plays the other side."""

    def __init__(self) -> None:
        super().__init__()
        self.connections: list[Connecting] = []
        self.ports: list[Datagrams] = []
        self.bound: list[tuple[int, str]] = []

    def connectTCP(
        self, host: str, port: int, factory: Any, timeout: float = 30, bindAddress: Any = None
    ) -> Connecting:
        connecting = Connecting(host, port, factory, timeout)
        self.connections.append(connecting)
        return connecting

    def listenUDP(self, port: int, protocol: Any, interface: str = "", maxPacketSize: int = 0):
        self.bound.append((port, interface))
        self.ports.append(Datagrams(protocol))
        return self.ports[-1]

    @property
    def tried(self) -> list[str]:
        return [each.host for each in self.connections]


class Zones:
    """Name servers of a resolver: they answer at once from `records`, as `NameServer` would.

    A name of `silent` is not answered, one of `broken` by a failure; both hold for names below.
    """

    def __init__(self, records: Mapping[str, Iterable[str]] | None = None, **options: int) -> None:
        self.names = NameServer(records, **options)
        self.records = self.names.records
        self.silent: set[str] = set()
        self.broken: set[str] = set()
        self.asked: list[str] = []
        self.open: dict[str, Deferred[dns.Message]] = {}

    def ask(self, name: str, kind: int) -> Deferred[dns.Message]:
        question = f"{dns.QUERY_TYPES[kind]} {name}"
        self.asked.append(question)
        if _among(question, self.broken):
            return fail(Unanswered("192.0.2.53:53 says that it failed (SERVFAIL)"))
        if _among(question, self.silent):
            self.open[question] = Deferred()
            return self.open[question]
        return succeed(self.reply(question))

    def reply(self, question: str) -> dns.Message:
        kind, name = question.split()
        asked = dns.Message(id=7, recDes=1)
        asked.addQuery(name.encode(), dns.REV_TYPES[kind], dns.IN)
        octets = self.names.answer(asked.toStr(), "tcp", 0)
        assert octets is not None
        reply = dns.Message()
        reply.fromStr(octets)
        return reply

    def answer(self, question: str) -> None:
        """Answer a question that was left open."""
        self.open.pop(question).callback(self.reply(question))


def _among(question: str, names: set[str]) -> bool:
    _, name = question.split()
    return question in names or any(name == each or name.endswith(f".{each}") for each in names)


class Found:
    """A finder over zones and a network. `settings` are those of `[s2s]`, and may be replaced."""

    def __init__(
        self,
        records: Mapping[str, Iterable[str]] | None = None,
        hosts: Path = Path("/nonexistent"),
        **settings: Any,
    ) -> None:
        self.zones = Zones(records)
        self.network = Network()
        self.settings = S2S(**settings)
        self.chances: list[int] = []
        """What the random numbers are, one after the other; then 0."""
        self.resolver = Resolver(self.network, lambda: self.settings, self.zones, hosts)
        self.finder = DNSFinder(self.network, lambda: self.settings, self.resolver, self._below)
        self.trail = Trail(self.network.seconds)
        self.built: list[Protocol] = []

    def _below(self, end: int) -> int:
        chance = self.chances.pop(0) if self.chances else 0
        assert 0 <= chance < end
        return chance

    def find(self, domain: str) -> Deferred[Any]:
        return self.finder.find(domain, self.trail)

    def places(self, domain: str) -> list[str]:
        """What is found at once."""
        outcome: list[Any] = []
        self.find(domain).addBoth(outcome.append)
        assert outcome, "it is still being looked for"
        if isinstance(outcome[0], Failure):
            outcome[0].raiseException()
        return [str(place) for place in outcome[0]]

    def reach(self, place: Any) -> Deferred[Any]:
        return self.finder.reach(place, self._build, self.trail)

    def _build(self) -> Protocol:
        self.built.append(Protocol())
        return self.built[-1]

    @property
    def told(self) -> list[str]:
        """The trail, what went wrong marked by "!"."""
        return [f"{'' if step.ok else '!'}{step.what} {step.said}" for step in self.trail.steps]
