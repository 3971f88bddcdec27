"""A component in memory, connected to the server of `tests/support/server.py`.

server = Verona(components={ECHO: {"secret": SECRET}})
echo = Component(server, ECHO).log_in()
juliet.send(f"<message to='{ECHO}'/>")
assert echo.one().get("from") == juliet.jid
"""

from __future__ import annotations

from typing import Any

from tests.support.ends import End
from tests.support.server import Verona
from xmppd import ns
from xmppd.core.components.connection import ComponentConnection
from xmppd.stream.component import digest

ECHO = "echo.capulet.lit"
SECRET = "what's in a name"


class Component(End):
    """The component's end of its stream, and the `Wire` under the server's end."""

    content = ns.COMPONENT

    def __init__(self, server: Verona, domain: str = ECHO, address: str = "127.0.0.1") -> None:
        super().__init__()
        self.server = server
        self.domain = domain
        self.trusted = False
        """Whether the server takes it for a component."""
        self._asked = 0
        self.connection = ComponentConnection(server.host, self, address=address)

    # ------------------------------------------------------------------ to the server

    def send(self, data: str | bytes) -> Component:
        self.connection.receive(data.encode() if isinstance(data, str) else data)
        return self

    def open(self, to: str | None = None, content: str = ns.COMPONENT, **attrs: str) -> Component:
        shown = {"to": self.domain if to is None else to, **attrs}
        text = "".join(f" {key}='{value}'" for key, value in shown.items() if value)
        return self.send(f"<stream:stream xmlns='{content}' xmlns:stream='{ns.STREAM}'{text}>")

    def prove(self, secret: str = SECRET) -> Component:
        return self.send(f"<handshake>{digest(self.header['id'], secret)}</handshake>")

    def log_in(self, instance: str = "", **attrs: str) -> Component:
        if instance:
            attrs["from"] = f"{self.domain}/{instance}"
        self.open(**attrs).prove()
        assert b"<handshake/>" in self.log, self.log
        self.take()
        return self

    def hang_up(self) -> None:
        """Lose the connection."""
        self.closed = True
        self.connection.lost()

    # ------------------------------------------------------------------ from the server

    def bodies(self) -> list[str | None]:
        """The bodies of the messages that came."""
        tag = f"{{{ns.COMPONENT}}}message"
        found = [e for e in self.elements() if e.tag == tag]
        return [e.findtext(f"{{{ns.COMPONENT}}}body") for e in found]

    # ------------------------------------------------------------------ Wire

    def authenticated(self) -> None:
        self.trusted = True

    def close(self) -> None:
        self.closed = True

    def clog(self, octets: int = 100_000) -> None:
        """Take nothing more for now."""
        self.behind = octets
        self.connection.clogged()

    def unclog(self) -> None:
        self.behind = 0
        self.connection.unclogged()


def table(secret: str = SECRET, **keys: Any) -> dict[str, Any]:
    """A component's table of the configuration."""
    return {"secret": secret, **keys}


def verona(domain: str = ECHO, **keys: Any) -> Verona:
    """A server that one component may connect to."""
    return Verona(components={domain: table(**keys)})
