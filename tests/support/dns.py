"""A small authoritative DNS server on loopback, UDP and TCP, whose records are a dictionary.

    with NameServer({
        "_xmpp-server._tcp.verona.example": ["SRV 10 0 5269 xmpp.verona.example"],
        "xmpp.verona.example": ["A 127.0.0.2", "AAAA ::1"],
        "chat.verona.example": ["CNAME xmpp.verona.example"],
    }) as names:
        ...  # `names.port` of `names.host`, by UDP and by TCP

It answers in threads of its own, beside whatever reactor or process asks. Everything may be
changed while it runs. It is the authority for all there is: what it does not know is NXDOMAIN
(or no data, where it knows another record of the name, or a name below it), with a SOA.
"""

from __future__ import annotations

import socket
from collections.abc import Iterable, Mapping
from contextlib import suppress
from socketserver import BaseRequestHandler, BaseServer, ThreadingTCPServer, ThreadingUDPServer
from threading import Event, Lock, Thread
from types import TracebackType
from typing import Any, NamedTuple

from twisted.names import dns

SILENT = 3_600.0
"""The delay of a name that is never answered."""

UDP_OCTETS = 512
"""What is longer is truncated over UDP, and asked for again over TCP (RFC 1035 §4.2.1)."""

CHAIN = 8
"""The most aliases that are followed for an answer."""

RECORDS: Mapping[str, type] = {
    "A": dns.Record_A,
    "AAAA": dns.Record_AAAA,
    "CNAME": dns.Record_CNAME,
    "MX": dns.Record_MX,
    "NS": dns.Record_NS,
    "SRV": dns.Record_SRV,
    "TXT": dns.Record_TXT,
}


class Asked(NamedTuple):
    """A question that came: its type and name, over "udp" or "tcp", from this port."""

    type: str
    name: str
    over: str
    port: int


class NameServer:
    """Answers from `records`: for each name texts of "TYPE VALUE", as in a zone file.

    Names are in ASCII, lower case, without the dot at the end; the target "." is the root.
    `delays` has by name the seconds that its answers take (`SILENT`: they never come), `codes`
    the rCode they fail with (`dns.ESERVER`, `dns.EREFUSED`); both hold for all names below, too.
    `asked` is what was asked so far.
    """

    def __init__(
        self,
        records: Mapping[str, Iterable[str]] | None = None,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        ttl: int = 60,
        minimum: int = 30,
    ) -> None:
        self.records: dict[str, list[str]] = {
            name: list(values) for name, values in (records or {}).items()
        }
        self.delays: dict[str, float] = {}
        self.codes: dict[str, int] = {}
        self.ttl = ttl
        self.minimum = minimum
        """The TTL of "there is no such name" (RFC 2308)."""
        self.asked: list[Asked] = []
        self.host = host
        self.port = port
        self._lock = Lock()
        self._stopped = Event()
        self._servers: list[Any] = []

    def start(self) -> NameServer:
        self._servers = self._listen()
        self.port = self._servers[0].server_address[1]
        for server in self._servers:
            Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def stop(self) -> None:
        """Answer nothing any more: whoever asks from now on finds the port closed."""
        self._stopped.set()
        for server in self._servers:
            server.shutdown()
            server.server_close()

    def __enter__(self) -> NameServer:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def questions(self, name: str) -> list[str]:
        """The types that were asked for of a name."""
        return [each.type for each in self.asked if each.name == name]

    def _listen(self) -> list[BaseServer]:
        """Take a port that is free for both UDP and TCP."""
        for _ in range(50):
            udp = _UDP((self.host, self.port), _Datagram)
            try:
                tcp = _TCP((self.host, udp.server_address[1]), _Stream)
            except OSError:
                udp.server_close()
                continue
            udp.names = tcp.names = self
            return [udp, tcp]
        raise OSError(f"no port of {self.host} is free for UDP and TCP")

    def answer(self, data: bytes, over: str, port: int) -> bytes | None:
        """What is said to a message; None: nothing."""
        asked, reply = dns.Message(), dns.Message(answer=1, auth=True, maxSize=0)
        asked.fromStr(data)
        if asked.answer or len(asked.queries) != 1:
            return None
        query = asked.queries[0]
        name = query.name.name.decode("latin-1").lower()
        kind = dns.QUERY_TYPES.get(query.type) or str(query.type)
        with self._lock:
            self.asked.append(Asked(kind, name, over, port))
        delay = _closest(self.delays, name, 0.0)
        if delay >= SILENT or self._stopped.wait(delay):
            return None
        reply.id, reply.recDes, reply.recAv = asked.id, asked.recDes, 1
        reply.queries = asked.queries
        reply.rCode = _closest(self.codes, name, dns.OK)
        if reply.rCode == dns.OK:
            self._look_up(reply, name, kind)
        octets = reply.toStr()
        if over == "udp" and len(octets) > UDP_OCTETS:
            reply.answers, reply.authority, reply.trunc = [], [], 1
            octets = reply.toStr()
        return octets

    def _look_up(self, reply: dns.Message, name: str, kind: str) -> None:
        """Put what is known of a name into the reply, behind the aliases that lead there."""
        for _ in range(CHAIN):
            values = self.records.get(name, [])
            found = [value for value in values if kind in ("ALL_RECORDS", value.split()[0])]
            alias = next((value for value in values if value.split()[0] == "CNAME"), "")
            for value in found or [alias] if alias else found:
                reply.answers.append(self._record(name, value))
            if found or not alias:
                break
            name = alias.split()[1]
        if not found:
            below = any(other.endswith(f".{name}") for other in self.records)
            reply.rCode = dns.OK if values or below else dns.ENAME
            reply.authority.append(self._authority(name))

    def _record(self, name: str, value: str) -> dns.RRHeader:
        kind, *words = value.split()
        octets = [b"" if word == "." else word.encode("ascii") for word in words]
        if kind in ("A", "AAAA"):
            payload = RECORDS[kind](words[0], ttl=self.ttl)
        else:
            payload = RECORDS[kind](*octets, ttl=self.ttl)
        return dns.RRHeader(name.encode("ascii"), payload.TYPE, dns.IN, self.ttl, payload, True)

    def _authority(self, name: str) -> dns.RRHeader:
        """The SOA that says how long it holds that there is nothing (RFC 2308 §3)."""
        zone = name.rpartition(".")[2].encode("ascii")
        soa = dns.Record_SOA(
            b"ns." + zone, b"hostmaster." + zone, 1, 3600, 600, 86400, self.minimum, self.minimum
        )
        return dns.RRHeader(zone, dns.SOA, dns.IN, self.minimum, soa, True)


def _closest(table: Mapping[str, Any], name: str, default: Any) -> Any:
    """The value of a name or of the closest one above it."""
    while name not in table:
        _, dot, name = name.partition(".")
        if not dot:
            return default
    return table[name]


class _UDP(ThreadingUDPServer):
    daemon_threads = True
    block_on_close = False
    names: NameServer

    def server_bind(self) -> None:
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        super().server_bind()

    def process_request(self, request: Any, client_address: Any) -> None:
        """Answer at once where nothing is slow: a thread for each of a crowd would be."""
        if self.names.delays:
            super().process_request(request, client_address)
        else:
            self.process_request_thread(request, client_address)


class _TCP(ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True
    names: NameServer


class _Datagram(BaseRequestHandler):
    server: _UDP

    def handle(self) -> None:
        data, listener = self.request
        octets = self.server.names.answer(data, "udp", self.client_address[1])
        if octets is not None:
            with suppress(OSError):  # it was stopped meanwhile
                listener.sendto(octets, self.client_address)


class _Stream(BaseRequestHandler):
    server: _TCP

    def handle(self) -> None:
        with suppress(OSError, EOFError):  # the other side went away
            while True:
                data = self._exactly(int.from_bytes(self._exactly(2), "big"))
                octets = self.server.names.answer(data, "tcp", self.client_address[1])
                if octets is not None:
                    self.request.sendall(len(octets).to_bytes(2, "big") + octets)

    def _exactly(self, size: int) -> bytes:
        connection: socket.socket = self.request
        data = b""
        while len(data) < size:
            data += (more := connection.recv(size - len(data)))
            if not more:
                raise EOFError
        return data
