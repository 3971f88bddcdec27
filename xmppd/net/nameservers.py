"""The name servers of the configuration, or of this host: a question to them, and its answer.

One exchange is twisted.names' own, each from a port that the system picks by chance, with a random
id (RFC 5452 §9.2). Its resolver is not used: it takes the server's word for what was asked, asks
by TCP for as long as answers are truncated, and no other server where one has failed.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from ipaddress import ip_address
from pathlib import Path
from typing import Any, NamedTuple

from twisted.internet import defer, error
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import TCP4ClientEndpoint, TCP6ClientEndpoint
from twisted.internet.protocol import Factory, connectionDone
from twisted.names import dns
from twisted.python.failure import Failure

from xmppd.config import S2S
from xmppd.net.pace import Pace

RESOLV = Path("/etc/resolv.conf")
HOST_SERVERS = 3
"""How many name servers of the host's file are asked (resolv.conf(5))."""
PORT = 53
LONGEST = 16_384
"""Octets of an answer by TCP: of what is longer, whoever wrote it wants it to take long to read."""
A_TURN = 8
"""Questions that go out in a turn of the reactor: each opens a socket, which takes 0.2 ms."""
TRIES = (2, 3, 5, 10, 20, 40)
"""Seconds that a server has in each round; who asks ends it when the time for all is over."""

RCODES = {
    dns.EFORMAT: "does not understand the question (FORMERR)",
    dns.ESERVER: "says that it failed (SERVFAIL)",
    dns.ENOTIMP: "does not answer such questions (NOTIMP)",
    dns.EREFUSED: "refuses to answer (REFUSED)",
}
"""What a name server says by a code that is no answer (RFC 1035 §4.1.1)."""


class Server(NamedTuple):
    """A name server."""

    host: str
    port: int = PORT

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class Unanswered(Exception):
    """No name server has answered; the text says what the last one did instead."""


class NameServers:
    """Those that are asked now: `settings` are read, and the host's file looked at, each time."""

    def __init__(self, reactor: Any, settings: Callable[[], S2S], resolv: Path = RESOLV) -> None:
        self._reactor = reactor
        self._settings = settings
        self._resolv = resolv
        self._pace = Pace(reactor, A_TURN)
        self._read: tuple[Any, list[Server]] = (None, [])

    def servers(self) -> list[Server]:
        """The name servers, in the order in which they are asked."""
        settings = self._settings()
        if settings.resolver:
            return [server(text) for text in settings.resolver]
        try:
            status = self._resolv.stat()
            version = (status.st_mtime_ns, status.st_size, status.st_ino)
            if version != self._read[0]:
                self._read = (version, servers_in(self._resolv.read_text(errors="replace")))
        except OSError:
            self._read = (None, servers_in(""))
        return self._read[1]

    async def ask(self, name: str, kind: int) -> dns.Message:
        """Ask one server after the other, in rounds: what the first says that knows.

        Raises Unanswered where none does. A server that says that it can't is left alone from
        then on. This may take a long time: whoever asks cancels it.
        """
        query = dns.Query(name.encode("ascii"), kind, dns.IN)
        servers = self.servers()
        problem = ""
        for seconds in TRIES:
            for each in list(servers):
                try:
                    return await self._exchange(each, query, seconds)
                except defer.TimeoutError:
                    problem = problem or f"{each} is silent"
                except Unanswered as refused:
                    servers = [other for other in servers if other != each]
                    problem = str(refused)
        raise Unanswered(problem)

    async def _exchange(self, to: Server, query: dns.Query, seconds: float) -> dns.Message:
        """Ask one server once, again by TCP where the answer does not fit into a datagram."""
        await self._pace.wait()
        try:
            message = await self._by_udp(to, query, seconds)
            if message.trunc:
                message = await self._by_tcp(to, query, seconds)
        except (OSError, error.CannotListenError, error.ConnectError) as failed:
            raise Unanswered(f"{to} can't be asked: {failed}") from failed
        except error.ConnectionClosed as failed:
            raise Unanswered(f"{to} has closed the connection") from failed
        if message.rCode not in (dns.OK, dns.ENAME):
            raise Unanswered(f"{to} {RCODES.get(message.rCode, f'says {message.rCode}')}")
        if not message.answer or message.trunc or message.queries != [query]:
            raise Unanswered(f"{to} answers another question")
        return message

    async def _by_udp(self, to: Server, query: dns.Query, seconds: float) -> dns.Message:
        datagram = _Datagram(to, self._reactor)
        interface = "::" if ":" in to.host else ""
        port = self._reactor.listenUDP(0, datagram, interface=interface)
        try:
            return await datagram.query(to, [query], seconds)
        finally:
            port.stopListening()

    async def _by_tcp(self, to: Server, query: dns.Query, seconds: float) -> dns.Message:
        endpoint = TCP6ClientEndpoint if ":" in to.host else TCP4ClientEndpoint
        factory = Factory.forProtocol(lambda: _Stream(_Ignored(), self._reactor))
        factory.noisy = False
        stream: Any = await endpoint(self._reactor, to.host, to.port, seconds).connect(factory)
        try:
            message: dns.Message = await stream.query([query], seconds)
            return message
        finally:
            stream.transport.abortConnection()


class _Ignored:
    """Who is told by twisted.names what happens: nobody has to be."""

    def connectionMade(self, protocol: Any) -> None:
        """It is there."""

    def connectionLost(self, protocol: Any) -> None:
        """It is gone."""

    def messageReceived(self, message: Any, protocol: Any, address: Any = None) -> None:
        """Something came that was not asked for."""


class _Datagram(dns.DNSDatagramProtocol):
    """A port for one question, whose answer comes from where it was sent to (RFC 5452 §9.1)."""

    noisy = False

    def __init__(self, server: Server, reactor: Any) -> None:
        super().__init__(_Ignored(), reactor)
        self._server = server

    def datagramReceived(self, data: bytes, addr: tuple[str, int]) -> None:
        """Read what the server has sent, and nobody else."""
        if tuple(addr) == self._server:
            super().datagramReceived(data, addr)


class _Stream(dns.DNSProtocol):
    """A DNS connection that fails what it was asked as soon as it is lost."""

    _received = 0

    def dataReceived(self, data: bytes) -> None:
        """Read on; what is too long is cut off."""
        self._received += len(data)
        if self._received > LONGEST:
            self.transport.abortConnection()  # type: ignore[union-attr]
        else:
            super().dataReceived(data)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Fail the question that is open."""
        unanswered, self.liveMessages = self.liveMessages, {}
        for asked, timing in unanswered.values():
            timing.cancel()
            _fail(asked, reason)
        super().connectionLost(reason)


def _fail(asked: Deferred[dns.Message], reason: Failure) -> None:
    if not asked.called:
        asked.errback(reason)


@lru_cache(64)
def server(text: str) -> Server:
    """`ADDRESS` or `ADDRESS:PORT`, as the configuration has checked it."""
    host, port = text, str(PORT)
    if text.startswith("[") or text.count(":") == 1:
        host, _, port = text.rpartition(":")
    return Server(str(ip_address(host.removeprefix("[").removesuffix("]"))), int(port))


def servers_in(text: str) -> list[Server]:
    """The name servers of a resolv.conf(5); that of this host where it names none."""
    found = []
    for line in text.splitlines():
        words = line.split()
        if len(words) > 1 and words[0] == "nameserver":
            try:
                found.append(Server(str(ip_address(words[1]))))
            except ValueError:
                continue  # not for this file to be judged here: other programs read it, too
    return found[:HOST_SERVERS] or [Server("127.0.0.1")]
