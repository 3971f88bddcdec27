"""A gateway of the session tunnel in memory, and clients whose streams it carries.

    gateway = Gateway(server)
    juliet = gateway.log_in("juliet", "balcony")

Its clients are used as those of `tests.support.server`.
"""

from __future__ import annotations

import re
from itertools import count
from typing import Any
from xml.etree.ElementTree import Element, tostring
from xml.sax.saxutils import escape, quoteattr

from tests.support.components import Component, table
from tests.support.server import DOMAIN, STRANGER, Client, Verona
from xmppd import ns
from xmppd.jid import JID

HTTP = "http.capulet.lit"
GRANTED: dict[str, Any] = {HTTP: table(tunnel=True)}
"""The table [components] of a server that has this gateway."""

T = f"{{{ns.TUNNEL}}}"
_DECLARED = f"xmlns:t='{ns.TUNNEL}' xmlns:f='{ns.FORWARD}' xmlns='{ns.CLIENT}'"


def session(inner: str = "", **attrs: str) -> str:
    """What a message of a gateway holds, written with prefixes: t, f, and none for the client's."""
    shown = "".join(f" {name}={quoteattr(value)}" for name, value in attrs.items())
    return f"<t:session {_DECLARED}{shown}>{inner}</t:session>"


class Gateway:
    """The component of `domain`, connected to a server. `received` is all that it was sent."""

    def __init__(self, server: Verona, domain: str = HTTP) -> None:
        self.server = server
        self.component = Component(server, domain).log_in()
        self.received: list[Element] = []
        self.clients: dict[str, TunneledClient] = {}
        self._domain = domain
        self._numbers = count(1)

    def connect(self, address: str = STRANGER, *, secure: bool = True) -> TunneledClient:
        """A client that has connected and said nothing."""
        return TunneledClient(self, address, secure)

    def log_in(self, name: str, resource: str = "") -> TunneledClient:
        """A new client, inside TLS, that has logged in."""
        client = self.connect()
        client.log_in(name, resource=resource)
        return client

    def sid(self) -> JID:
        """The address of a session that was not there before."""
        return JID.of(f"a-long-random-name-{next(self._numbers)}", self._domain)

    def send(self, text: str, sender: str, to: str = DOMAIN) -> None:
        """Send the server a stanza."""
        kind, rest = re.match(r"<([a-z]+)(.*)", text, re.DOTALL).groups()  # type: ignore[union-attr]
        self.component.send(f"<{kind} from='{sender}' to='{to}'{rest}")

    def ask(self, payload: str, sender: str, to: str = DOMAIN) -> Element:
        """Send an IQ set; the answer."""
        id_ = f"ask{next(self._numbers)}"
        self.send(f"<iq type='set' id='{id_}'>{payload}</iq>", sender, to)
        self.hear()
        (answer,) = [e for e in self.received if e.get("id") == id_]
        return answer

    def errors(self) -> list[Element]:
        """The error messages that it was sent."""
        self.settle()
        return [e for e in self.received if (e.tag[-7:], e.get("type")) == ("message", "error")]

    def settle(self) -> None:
        """Let the turn end, and take what was sent in it."""
        self.server.clock.advance(0)
        self.hear()

    def leave(self) -> None:
        """Be gone without a word."""
        self.component.hang_up()

    def hear(self) -> None:
        """Take what was sent before the turn ends."""
        for element in self.component.elements():
            self.received.append(element)
            holds = element.find(f"{T}session")
            client = self.clients.get(element.get("to", ""))
            if holds is not None and client is not None:
                assert element.get("from") == DOMAIN
                client.hear(holds)


class TunneledClient(Client):
    """A client whose stream a gateway carries."""

    def __init__(self, gateway: Gateway, address: str, secure: bool) -> None:
        self.gateway = gateway
        self.server = gateway.server
        self.address = address
        self.secure = secure
        self.sid = gateway.sid()
        self.log = b""
        self.jid = None
        self.headers: list[dict[str, str]] = []
        """The attributes of each stream header that the server has sent."""
        self._messages = 0
        self._questions: list[str] = []
        self._events: list[str] = []
        self._closed = False
        self._read = self._asked = 0

    @property
    def messages(self) -> int:
        """How many messages it was sent."""
        self.gateway.hear()
        return self._messages

    @property
    def questions(self) -> list[str]:
        """The questions whether what was sent has been taken."""
        self.gateway.hear()
        return self._questions

    @property
    def events(self) -> list[str]:
        """What the gateway was told to do for it."""
        self.gateway.hear()
        return self._events

    @property
    def closed(self) -> bool:  # type: ignore[override]
        """Whether its session is over."""
        self.gateway.hear()
        return self._closed

    def open(
        self, to: str | None = DOMAIN, version: str | None = "1.0", **attrs: str
    ) -> TunneledClient:
        """Say that a stream is opened, or opened anew."""
        given = {"to": to, "version": version, **attrs}
        shown = "".join(f" {k}={quoteattr(v)}" for k, v in given.items() if v is not None)
        if self.headers:
            self.say(f"<t:open{shown}/>")
        else:
            answer = self.begin(shown)
            assert answer.get("type") == "result", tostring(answer)
            self.gateway.settle()
        return self

    def begin(self, shown: str = f" to='{DOMAIN}' version='1.0'") -> Element:
        """Ask for the session; the answer."""
        self.gateway.clients[str(self.sid)] = self
        secure = str(self.secure).lower()
        payload = f"<open xmlns='{ns.TUNNEL}' address='{self.address}' secure='{secure}'{shown}/>"
        return self.gateway.ask(payload, str(self.sid))

    def send(self, data: str | bytes) -> TunneledClient:
        """Say one element or more."""
        text = data if isinstance(data, str) else data.decode()
        return self.say(f"<f:forwarded>{text}</f:forwarded>")

    def write_down(self, text: str) -> TunneledClient:
        """Say whatever it is, as text."""
        return self.say(f"<t:text>{escape(text)}</t:text>")

    def say(self, inner: str, **attrs: str) -> TunneledClient:
        """Have the gateway send a message with whatever it is to hold."""
        self.gateway.send(f"<message>{session(inner, **attrs)}</message>", str(self.sid))
        return self

    def hang_up(self) -> None:
        """Drop the connection without a word."""
        self._closed = True
        self.say("<t:lost/>")

    def hear(self, holds: Element) -> None:
        """Take what a message for this client holds."""
        self._messages += 1
        if "ask" in holds.attrib:
            self._questions.append(holds.attrib["ask"])
        for child in holds:
            name = child.tag.rpartition("}")[2]
            if name == "forwarded":
                assert len(child) == 1
                self.log += tostring(child[0])
            elif name in ("features", "error"):
                child.tag = f"{{{ns.STREAM}}}{name}"
                self.log += tostring(child)
            elif name == "open":
                self.headers.append(dict(child.attrib))
            else:
                self._events.append(name)
                self._closed = self._closed or name in ("close", "lost")

    def take(self) -> bytes:
        """The bytes that came since something was last read."""
        self.gateway.settle()
        return super().take()

    @property
    def header(self) -> dict[str, str]:
        """The attributes of the last stream header that the server sent."""
        return self.headers[-1]
