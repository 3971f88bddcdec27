"""A component in memory, and the server that it connects to, spoken by a test.

    server = Server()
    component = server.component()
    set_up(server.setting(component, config))
    server.let_in()
    server.send(message("what is it?"))
    assert b"nothing" in server.take()

All of it is on one clock, which goes on when it is told to: no test waits.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any, TypeVar

from twisted.internet import error
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.python.failure import Failure

from components.common.component import Component
from components.common.config import Loaded, Settings
from components.common.connection import Pace
from components.common.process import Setting
from components.common.stream import Identity
from xmppd import ns
from xmppd.storage.interfaces import Database
from xmppd.storage.url import open_database

DOMAIN = "echo.example.org"
SERVER = "example.org"
SECRET = "what's in a name"
ID = "3BF96D32"
JULIET = "juliet@example.org/balcony"

FEATURES = f"<stream:features><sm xmlns='{ns.STREAM_MANAGEMENT}'/></stream:features>"
ENABLE = f"<enable xmlns='{ns.STREAM_MANAGEMENT}' resume='true'/>".encode()
ASK = f"<r xmlns='{ns.STREAM_MANAGEMENT}'/>".encode()
DIGEST = hashlib.sha1((ID + SECRET).encode()).hexdigest()
HANDSHAKE = f"<handshake>{DIGEST}</handshake>".encode()

T = TypeVar("T", bound=Settings)


def header(domain: str = DOMAIN) -> str:
    """The server's stream header, but for its end."""
    return (
        f"<?xml version='1.0'?><stream:stream xmlns='{ns.COMPONENT}' xmlns:stream='{ns.STREAM}'"
        f" from='{domain}' id='{ID}'"
    )


HEADER = header()


class Line:
    """A connection as the component's transport sees it."""

    def __init__(self, protocol: Any) -> None:
        self.protocol = protocol
        self.written = b""
        self.up = True
        self.reading = True
        self.producer: Any = None
        protocol.makeConnection(self)

    def write(self, data: bytes) -> None:
        """Take what the component sends (`ITransport`)."""
        self.written += data

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        """Take who is to be held back (`IConsumer`)."""
        assert streaming
        self.producer = producer

    def pauseProducing(self) -> None:
        """The component reads nothing for now."""
        self.reading = False

    def resumeProducing(self) -> None:
        """It reads on."""
        self.reading = True

    def loseConnection(self) -> None:
        """The component hangs up."""
        self.cut(error.ConnectionDone())

    def abortConnection(self) -> None:
        """The component hangs up at once."""
        self.cut()

    def cut(self, reason: Exception | None = None) -> None:
        """Lose the connection."""
        if self.up:
            self.up = False
            self.protocol.connectionLost(Failure(reason or error.ConnectionLost()))


class Server:
    """The other end: an endpoint for the component, and what the server says there.

    It accepts connections while it is `up`.
    """

    def __init__(self, domain: str = DOMAIN, server: str = SERVER) -> None:
        self.domain = domain
        self.name = server
        self.clock = Clock()
        self.up = True
        self.lines: list[Line] = []
        self.attempts: list[float] = []

    def component(self, *, instance: str = "", pace: Pace | None = None) -> Component:
        """A component that connects here, started."""
        identity = Identity(self.domain, SECRET, instance)
        component = Component(identity, [self.name], self, self.clock, pace=pace)
        component.start()
        return component

    def setting(self, component: Component, config: T, store: Database | None = None) -> Setting[T]:
        """What a component's `set_up` is given."""
        identity = Identity(self.domain, SECRET)
        loaded = Loaded(config, identity, (self.name,), (), Path(), "sqlite::memory:", "a test")
        return Setting(component, config, loaded, self.clock, store)

    def connect(self, factory: Any) -> Deferred[Any]:
        """Take a connection (`IStreamClientEndpoint`)."""
        attempt: Deferred[Any] = Deferred()
        self.attempts.append(self.clock.seconds())
        if self.up:
            line = Line(factory.buildProtocol(None))
            self.lines.append(line)
            attempt.callback(line.protocol)
        else:
            attempt.errback(Failure(error.ConnectionRefusedError()))
        return attempt

    @property
    def line(self) -> Line:
        """The latest connection."""
        return self.lines[-1]

    def take(self) -> bytes:
        """What the component has sent since the last call."""
        data, self.line.written = self.line.written, b""
        return data

    def send(self, data: str | bytes) -> Server:
        """Send something to the component."""
        assert self.line.up and self.line.reading
        self.line.protocol.dataReceived(data.encode() if isinstance(data, str) else data)
        return self

    def let_in(self, *, managed: bool = False, session: str = "s1") -> Server:
        """Answer the header and the handshake; manage the stream if so wished."""
        version = " version='1.0'>" if managed else ">"
        self.send(header(self.domain) + version + (FEATURES if managed else ""))
        assert self.take().endswith(HANDSHAKE)
        self.send("<handshake/>")
        if managed:
            assert self.take() == ENABLE
            self.send(f"<enabled xmlns='{ns.STREAM_MANAGEMENT}' resume='true' id='{session}'/>")
        return self

    def wait(self) -> None:
        """Let time pass until the component connects once more: its pauses are chosen at random."""
        before = len(self.lines)
        for _ in range(200):
            if len(self.lines) > before:
                return
            self.clock.advance(1.0)
        raise AssertionError("it does not come back")

    def pass_time(self, seconds: float, step: float = 1.0) -> None:
        """Let time pass in steps."""
        for _ in range(int(seconds / step)):
            self.clock.advance(step)


def store(schema: Path) -> Database:
    """A database in memory with the tables of a schema set: its Deferreds fire at once."""
    opened: list[Database] = []
    nobody: Any = None  # in memory there is nothing to wait for
    open_database("sqlite::memory:", schema, nobody, Path()).addCallback(opened.append)
    return opened[0]


def sm(name: str, **attrs: object) -> str:
    """An element of stream management."""
    shown = "".join(f" {key}='{value}'" for key, value in attrs.items())
    return f"<{name} xmlns='{ns.STREAM_MANAGEMENT}'{shown}/>"


def message(body: str = "hi", *, sender: str = JULIET, to: str = DOMAIN, id_: str = "m1") -> str:
    """A message with a body."""
    return (
        f"<message from='{sender}' to='{to}' type='chat' id='{id_}'><body>{body}</body></message>"
    )


def iq(type_: str, payload: str, *, sender: str = JULIET, to: str = DOMAIN, id_: str = "q1") -> str:
    """A request with a payload, or an answer."""
    return f"<iq from='{sender}' to='{to}' type='{type_}' id='{id_}'>{payload}</iq>"


def asked(data: bytes) -> str:
    """The id of the one request that was sent."""
    assert data.count(b"<iq ") == 1, data
    return data.partition(b"<iq ")[2].partition(b" id='")[2].partition(b"'")[0].decode()
