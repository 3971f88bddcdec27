"""A component of the kit and xmppd's own server, both in memory, on one clock.

meeting = Meeting(delegation={"vcard-temp": ()}).start()
juliet.send(...)
meeting.pump()
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from twisted.internet.defer import Deferred

from components.common.about import About, introduce
from components.common.component import Component
from components.common.disco import Disco, Identity
from components.common.stream import Identity as Account
from tests.support.components import SECRET, table
from tests.support.components import Component as Wire
from tests.support.kit import Line
from tests.support.lifetime import Lifetime
from tests.support.server import Verona

VCARD = "vcard.capulet.lit"


class Meeting:
    """A component of the kit and a server; `pump` brings to each what the other has written.

    `grants` are the component's, `others` the tables of further components. With `beside` it is at
    the server of another meeting, as another `instance` of the same component.
    """

    domain = VCARD
    accounts: tuple[str, ...] = ("juliet", "romeo")

    def __init__(
        self,
        others: Mapping[str, Mapping[str, Any]] | None = None,
        *,
        beside: Meeting | None = None,
        instance: str = "",
        **grants: Any,
    ) -> None:
        self.instance = instance
        tables = {self.domain: table(**grants), **(others or {})}
        self.server = (
            Verona(accounts=self.accounts, components=tables) if beside is None else beside.server
        )
        self.wire: Wire
        self.line: Line
        self.begin()

    def begin(self) -> None:
        """Have a new process of the component, with nothing in memory."""
        self.life = Lifetime(self.server.clock)
        account = Account(self.domain, SECRET, self.instance)
        self.component = Component(account, ["capulet.lit"], self, self.life)
        self.disco = self.introduced()

    def kill(self) -> None:
        """Have the process end without a word."""
        self.wire.hang_up()
        self.line.up = False
        self.life.end()

    def introduced(self) -> Disco:
        """What the component says of itself."""
        return introduce(self.component, About(Identity("component", "generic")))

    def connect(self, factory: Any) -> Deferred[Any]:
        self.wire = Wire(self.server, self.domain)
        self.line = Line(factory.buildProtocol(None))
        connected: Deferred[Any] = Deferred()
        connected.callback(self.line.protocol)
        return connected

    def start(self) -> Self:
        self.component.start()
        return self.pump()

    def pump(self) -> Self:
        while self.line.up and not self.wire.closed:
            written, self.line.written = self.line.written, b""
            if written:
                self.wire.send(written)
            answered = self.wire.take()
            if answered:
                self.line.protocol.dataReceived(answered)
            if not written and not answered:
                break
        return self

    def cut(self) -> None:
        """Lose the connection, and what is on its way."""
        self.wire.hang_up()
        self.line.cut()

    def come_back(self) -> None:
        self.server.clock.advance(2)
        self.pump()
