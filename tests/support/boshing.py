"""BOSH in memory: a client's requests, the streams that they are carried by, one clock.

    bosh = Bosh()
    juliet = bosh.client()
    juliet.log_in()
    asked = juliet.ask("<message/>")
    juliet.stream.client.elements([b"<message xmlns='jabber:client'/>"])
    bosh.turn()
    assert asked.body == ...

Nothing is answered from within what a stream is told: `turn` ends the turn.
"""

from __future__ import annotations

import gzip
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from xml.etree.ElementTree import Element, fromstring
from xml.sax.saxutils import quoteattr

from twisted.internet.task import Clock

from components.bosh.http.request import Peer, Request, Response
from components.bosh.longpoll.service import LongPoll
from components.bosh.longpoll.terms import Limits
from components.bosh.names import HTTPBIND, XBOSH
from components.bosh.tunnel.client import Client

FEATURES = b"<mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>"
MESSAGE = b"<message xmlns='jabber:client'><body>Good morning!</body></message>"
PEER = Peer("192.0.2.7", secure=True)
B = f"{{{HTTPBIND}}}"
FIRST = 1_573_741_820
"""The id of the request that a session is asked for by."""


class Exchange:
    """A request, and its answer when there is one."""

    def __init__(self, request: Request) -> None:
        self.request = request
        self.on_gone: Callable[[], object] | None = None
        self.response: Response | None = None
        self.is_gone = False

    def answer(self, response: Response) -> None:
        assert self.response is None, "answered twice"
        if not self.is_gone:
            self.response = response

    def take_over(self, taker: Any, head: bytes) -> None:
        raise AssertionError("BOSH takes no connection over")

    def break_off(self) -> None:
        """The client is gone."""
        self.is_gone = True
        if self.on_gone is not None:
            self.on_gone()

    @property
    def is_held(self) -> bool:
        return self.response is None

    @property
    def status(self) -> int:
        assert self.response is not None, "no answer"
        return self.response.status

    @property
    def headers(self) -> dict[str, str]:
        assert self.response is not None, "no answer"
        return dict(self.response.headers)

    @property
    def text(self) -> str:
        """What the answer says, inflated."""
        assert self.response is not None, "no answer"
        body = self.response.body
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        return body.decode()

    @property
    def body(self) -> Element:
        return fromstring(self.text)

    @property
    def attrs(self) -> Mapping[str, str]:
        return self.body.attrib

    @property
    def condition(self) -> str | None:
        """The terminal condition; "" for an end without, None for no end."""
        attrs = self.attrs
        return attrs.get("condition", "") if attrs.get("type") == "terminate" else None

    @property
    def names(self) -> list[str]:
        """The names of the elements inside."""
        return [child.tag for child in self.body]


@dataclass
class Stream:
    """A stream's other end. `said` is all that the client has said, in its order."""

    client: Client
    address: str
    secure: bool
    to: str
    local: bool
    said: list[Any] = field(default_factory=list)

    def open(self, header: Mapping[str, str]) -> None:
        self._last_word()
        self.said.append(("open", dict(header)))

    def say(self, data: str) -> None:
        self._last_word()
        if "\ufffe" in data:
            raise ValueError("no XML")
        self.said.append(data)

    def say_each(self, elements: Sequence[str]) -> None:
        """Nothing says this by BOSH (`Stream`)."""
        raise NotImplementedError

    def taken(self, number: int) -> None:
        self._last_word()
        self.said.append(("taken", number))

    def close(self) -> None:
        self._last_word()
        self.said.append("close")

    def lost(self) -> None:
        self._last_word()
        self.said.append("lost")

    def _last_word(self) -> None:
        assert not {"close", "lost"}.intersection(map(str, self.said)), "said behind the end"

    @property
    def texts(self) -> list[str]:
        ends = ("close", "lost")
        return [each for each in self.said if isinstance(each, str) and each not in ends]

    @property
    def is_over(self) -> bool:
        return bool(self.said) and self.said[-1] in ("close", "lost")

    def welcome(self, **header: str) -> None:
        """The server's header and features."""
        self.client.opened({"from": "capulet.lit", "id": "a81", "version": "1.0", **header})
        self.client.features(FEATURES)


class Bosh:
    """The service, where its clients' streams lead, and what was counted."""

    def __init__(self, **limits: Any) -> None:
        self.clock = Clock()
        self.streams: list[Stream] = []
        self.reasons: Counter[str] = Counter()
        self.refused: list[tuple[str, str]] = []
        """Why, and whom, one by one."""
        self.service = LongPoll(self, self.clock, Limits(**limits), self._refused)

    def _refused(self, reason: str, address: str) -> None:
        self.reasons[reason] += 1
        self.refused.append((reason, address))

    def stream(
        self, client: Client, address: str, *, secure: bool, to: str, local: bool = False
    ) -> Stream:
        stream = Stream(client, address, secure, to, local)
        self.streams.append(stream)
        return stream

    def turn(self) -> None:
        """The turn ends."""
        self.clock.advance(0)

    def post(
        self, data: bytes, *, peer: Peer = PEER, headers: Mapping[bytes, bytes] | None = None
    ) -> Exchange:
        return self.send(Request("POST", "/http-bind", "", headers or {}, data, peer))

    def send(self, request: Request) -> Exchange:
        exchange = Exchange(request)
        self.service.handle(exchange)
        return exchange

    def client(self) -> Asker:
        return Asker(self)


class Asker:
    """A client: it numbers its requests, and knows its session."""

    def __init__(self, bosh: Bosh) -> None:
        self.bosh = bosh
        self.rid = FIRST - 1
        self.sid = ""
        self.peer = PEER
        self.headers: dict[bytes, bytes] = {}

    @property
    def stream(self) -> Stream:
        """The stream that was opened last."""
        return self.bosh.streams[-1]

    def begin(self, **attrs: Any) -> Exchange:
        """Ask for a session; an attribute of None is left out."""
        given: dict[str, Any] = {
            "to": "capulet.lit",
            "wait": 60,
            "hold": 1,
            "ver": "1.6",
            "xml:lang": "en",
            "xmpp:version": "1.0",
            "xmlns:xmpp": XBOSH,
        }
        asked = self.ask(**{**given, **attrs})
        self._learn(asked)
        return asked

    def log_in(self, **attrs: Any) -> Exchange:
        """Have a session whose stream the server has welcomed."""
        asked = self.begin(**attrs)
        self.stream.welcome()
        self.bosh.turn()
        self._learn(asked)
        if asked.response and self.sid and b"features" not in asked.response.body:
            assert b"features" in (self.ask().response or asked.response).body
        return asked

    def _learn(self, asked: Exchange) -> None:
        if asked.response is not None:
            self.sid = asked.attrs.get("sid", "")

    def data(self, content: str = "", /, rid: int | None = None, **attrs: Any) -> bytes:
        """A request's body."""
        if rid is None:
            rid = self.rid = self.rid + 1
        given: dict[str, Any] = {"rid": rid, "sid": self.sid or None, "xmlns": HTTPBIND}
        shown = "".join(
            f" {name}={quoteattr(str(value))}"
            for name, value in {**given, **attrs}.items()
            if value is not None
        )
        return f"<body{shown}>{content}</body>".encode()

    def ask(self, content: str = "", /, rid: int | None = None, **attrs: Any) -> Exchange:
        """Send a request, the next one unless `rid` says which."""
        return self.send(self.data(content, rid, **attrs))

    def send(self, data: bytes) -> Exchange:
        return self.bosh.post(data, peer=self.peer, headers=self.headers)

    def restart(self, **attrs: Any) -> Exchange:
        """Open the stream anew."""
        return self.ask(**{"xmpp:restart": "true", "xmlns:xmpp": XBOSH, **attrs})
