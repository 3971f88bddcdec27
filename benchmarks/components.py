"""A component beside the clients: stanzas both ways, and one payload for many (XEP-0114, XEP-0033).

The component is the load generator's: what is measured is the server between it and the clients.
"""

import hashlib
import re
import time

from benchmarks.chat import exchanged, payload_after_stamp
from benchmarks.client import DOMAIN, Client, LoadError, Script
from benchmarks.exchange import Exchange, Outcome
from benchmarks.load import Crowd
from benchmarks.scripts import logging_in
from benchmarks.server import COMPONENT, SECRET, Server
from benchmarks.work import Measure, Options, people, security

_HEADER = (
    f"<stream:stream to='{COMPONENT}' xmlns='jabber:component:accept' "
    "xmlns:stream='http://etherx.jabber.org/streams'>"
).encode()
_ID = re.compile(rb"<stream:stream[^>]*\bid=['\"]([^'\"]+)['\"][^>]*>")
_AUTHOR = re.compile(rb"<message [^>]*?\bfrom=['\"]([^'\"]+)")
_ACCEPTED = re.compile(rb"<(handshake)\s*/?>|<stream:error.*", re.DOTALL)


def joining(client: Client) -> Script:
    """Say what a component does to be let in."""
    client.send(_HEADER)
    answer = yield _ID
    assert answer is not None
    digest = hashlib.sha1(answer[1] + SECRET.encode()).hexdigest()
    client.send(f"<handshake>{digest}</handshake>".encode())
    answer = yield _ACCEPTED
    assert answer is not None
    if answer[1] is None:
        raise LoadError(f"the component was refused: {answer[0]!r}")


class Talk(Exchange):
    """Messages between clients and a component, which answers each by one to whom it came from."""

    def __init__(self, crowd: Crowd, server: Server, component: Client) -> None:
        super().__init__(crowd, server, b"</message>")
        self._component = component
        self._clients.remove(component)
        self._rest = payload_after_stamp()
        self._talking = False
        self._cut = b""
        """What has come to the component of a message that is not complete."""
        self._there = f"<message to='{COMPONENT}' id='m".encode()
        self._back = {
            client.jid.encode(): f"<message from='{COMPONENT}' to='{client.jid}' id='m".encode()
            for client in self._clients
        }

    def closed(self, window: int, warm_up: float, seconds: float) -> Outcome:
        """Keep `window` messages of each client in flight, there or back."""
        for client in self._clients:
            self._say(client, window)

        def until(end: float) -> None:
            self._talking = True
            while time.perf_counter() < end:
                self._read(0.05, self._reply)
            self._talking = False

        return self._measure(until, warm_up, seconds)

    def _reply(self, client: Client, count: int) -> None:
        if client is not self._component:
            self._say(client, count)

    def _say(self, client: Client, count: int) -> None:
        client.send(b"".join(self._message(self._there) for _ in range(count)))

    def _take(self, client: Client, data: bytes) -> int:
        if client is self._component and self._talking:
            whole, end, cut = (self._cut + data).rpartition(self._end)
            self._cut = cut
            authors = _AUTHOR.findall(whole + end)
            client.send(b"".join(self._message(self._back[author]) for author in authors))
        return super()._take(client, data)

    def _message(self, head: bytes) -> bytes:
        self._due += 1
        return b"%b%d' type='chat'><body>t=%d%b" % (
            head,
            self._due,
            time.perf_counter_ns(),
            self._rest,
        )


class Multicast(Exchange):
    """One message of a component for all clients at once, again and again, in blind copies.

    It is written as `components/common/multicast.py` does: the same header before what is said.
    """

    def __init__(self, crowd: Crowd, server: Server, component: Client) -> None:
        super().__init__(crowd, server, b"</message>")
        self._component = component
        self._clients.remove(component)
        addresses = "".join(f"<address type='bcc' jid='{c.jid}'/>" for c in self._clients)
        self._addresses = (
            f"<addresses xmlns='http://jabber.org/protocol/address'>{addresses}</addresses>"
        ).encode()
        body = "x" * 200
        self._head = f"<message from='room@{COMPONENT}/friar' to='{DOMAIN}' type='groupchat' id='m"
        self._body = f" {body}</body></message>".encode()
        self._came = 0

    def closed(self, window: int, warm_up: float, seconds: float) -> Outcome:
        """Keep `window` of them in flight."""
        for _ in range(window):
            self._send()

        def until(end: float) -> None:
            while time.perf_counter() < end:
                self._read(0.05, self._count)

        return self._measure(until, warm_up, seconds)

    def _count(self, client: Client, count: int) -> None:
        self._came += count
        while self._came >= len(self._clients):
            self._came -= len(self._clients)
            self._send()

    def _send(self) -> None:
        self._due += len(self._clients)
        head = f"{self._head}{self._due}'>".encode()
        stamp = f"<body>t={time.perf_counter_ns()}".encode()
        self._component.send(b"".join((head, self._addresses, stamp, self._body)))


def _beside(
    kind: type[Talk] | type[Multicast], server: Server, options: Options, users: int, window: int
) -> Measure:
    with Crowd(server.address) as crowd:
        crowd.play(people(users), logging_in(None), options.concurrency)
        component = crowd.join("the component", server.component_address)
        crowd.go_on([component], joining, 1)
        crowd.drain(1.0)
        outcome = kind(crowd, server, component).closed(window, options.warm_up, options.seconds)
        crowd.leave(component)
        return exchanged(outcome, {"security": security(crowd)})


def talking(server: Server, options: Options) -> Measure:
    """Clients and a component that answers each message by one."""
    return _beside(Talk, server, options, options.users, options.window)


def multicasting(server: Server, options: Options) -> Measure:
    """A component that sends one message to `recipients` clients at a time."""
    return _beside(Multicast, server, options, options.recipients, 4)
