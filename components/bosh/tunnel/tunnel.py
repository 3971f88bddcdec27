"""The sessions of a gateway's clients in the server: opened, carried, ended.

Rule 1: what is said in a session is taken from the domain where it was opened, from nobody else.
Rule 2: who has said `close` or `lost`, or was told so, has nothing more to say, and hears nothing;
but who has said `close` may hear what the server said until it said that, too.
"""

from __future__ import annotations

import re
import secrets
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from components.bosh.tunnel import told
from components.bosh.tunnel.client import Client, Stream
from components.bosh.tunnel.told import Told
from components.common import build
from components.common.component import Component
from components.common.requests import RequestFailed
from components.common.stanza import XML_LANG, Stanza
from xmppd import ns
from xmppd.errors import StanzaError
from xmppd.jid import JID

log = Logger(namespace="component")

KEYS = ("to", "from", "version", "xml:lang")
"""What of a client's stream header matters to the server (RFC 6120 §4.7)."""

REMEMBERED = 1_000
"""Of how many sessions it is remembered that they are over."""

EARLY_OCTETS = 16_384
"""How much of what a client says waits until the server has agreed to the session."""

PIECE = 16_384
"""How many characters are said in one message: the server bounds what stands in one."""

LONGEST = 3_072
"""How much of an attribute is passed on: no address is as long (RFC 7622 §3.1), no tag of ours."""

_BEGIN = f"<session xmlns='{ns.TUNNEL}'>".encode()
_END = b"</session></message>"
_NO_XML = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
"""What XML 1.0 §2.2 has no way to write: it would end the stream that all clients share."""


class Tunnel:
    """All sessions of a gateway. It is where clients get their streams (`client.Streams`)."""

    def __init__(self, component: Component, *, trusts_local: bool = True) -> None:
        self._component = component
        self._trusts_local = trusts_local
        """Whether clients that seem to be on this machine are said to be."""
        self._over: OrderedDict[str, None] = OrderedDict()
        """Sessions that have ended: what the server said in them meanwhile is nobody's fault."""
        self._carried: dict[str, Carried] = {}
        self._out: list[bytes] = []
        """What clients have said in this turn,"""
        self._speaking: list[Carried] = []
        """and who has: all of it is written at once when the turn ends."""
        self._held: list[Carried] = []
        """Those whose clients are read no more until the server has taken what waits for it."""
        component.on_message(self._heard, f"{ns.TUNNEL} session")
        component.on_error(self._failed)
        component.on_lost(lambda resumable: self._lose("the server is gone"))

    def __len__(self) -> int:
        return len(self._carried)

    @property
    def connected(self) -> bool:
        """Whether there is a server to carry anything to."""
        return self._component.connected

    def domain(self, to: str) -> str:
        """The server's domain that a client means (`client.Streams`)."""
        return str(self._server(to))

    def _server(self, to: str) -> JID:
        servers = self._component.servers
        return next((each for each in servers if str(each) == to.lower()), servers[0])

    def stream(
        self, client: Client, address: str, *, secure: bool, to: str, local: bool = False
    ) -> Stream:
        """A stream for a client (`client.Streams`)."""
        name = f"{secrets.token_hex(16)}@{self._component.domain}"
        carried = Carried(self, client, name, self._server(to))
        carried.where = _where(address, secure=secure, local=local and self._trusts_local)
        self._carried[name] = carried
        return carried

    def close(self) -> None:
        """Drop all clients as if their connections had broken: they may come back (XEP-0198)."""
        for carried in list(self._carried.values()):
            carried.lost()
            carried.client.lost()
        self._flush()

    # ------------------------------------------------------------------ for those carried

    def ask(self, carried: Carried, payload: bytes) -> Deferred[Any]:
        """Ask the server something in the name of a session."""
        sender = JID.parse(carried.name)
        return self._component.ask(carried.server, "set", payload, sender=sender)

    def send(self, carried: Carried, stanza: bytes) -> None:
        """Send the server what a client says, when the turn ends."""
        if not self._out:
            self._component.clock.callLater(0, self._flush)
        self._out.append(stanza)
        self._speaking.append(carried)

    def _flush(self) -> None:
        """Send what was said. Where too much waits for the server already, who spoke is held."""
        if not self._out:
            return
        out, self._out = self._out, []
        speaking, self._speaking = self._speaking, []
        component = self._component
        component.send_all(out)
        if component.behind:
            for carried in speaking:
                self._hold(carried)

    def _hold(self, carried: Carried) -> None:
        """Read nothing more from a client until the server has taken what it has."""
        if carried.held or carried.over:
            return
        carried.held = True
        self._held.append(carried)
        carried.client.pause()
        if len(self._held) == 1:  # behind that: the wait may be over at once
            later = Deferred.fromCoroutine(self._component.pauses.until_taken())
            later.addCallback(lambda _: self._release())

    def forget(self, carried: Carried, *, known: bool) -> None:
        """A session is over; `known` where the server knows, or hears of it."""
        del self._carried[carried.name]
        if known:
            self._over[carried.name] = None
        if len(self._over) > REMEMBERED:
            self._over.popitem(last=False)

    def _release(self) -> None:
        held, self._held = self._held, []
        for carried in held:
            carried.held = False
            if not carried.over and not carried.paused:
                carried.client.resume()

    # ------------------------------------------------------------------ what the server tells

    def _heard(self, stanza: Stanza) -> None:
        attrs = stanza.attrs
        carried = self._carried.get(attrs["to"])
        if carried is None and attrs["to"] in self._over:
            return
        if carried is None or attrs["from"] != carried.source:
            # Answered by an error, once; the server takes that for the end of the session.
            raise StanzaError("item-not-found", reason="tunnel.unknown")
        message = told.read(stanza.inner)
        if message is None:
            raise StanzaError("bad-request", "no session", reason="tunnel.malformed")
        carried.hear(message)

    def _failed(self, stanza: Stanza) -> None:
        """The server has not taken what a client has said: it does not know the session."""
        carried = self._carried.get(stanza.attrs["to"])
        if carried is not None and stanza.attrs["from"] == carried.source:
            carried.fail()

    def _lose(self, why: str) -> None:
        """The sessions end with the component's stream (docs/session-tunnel.md, "The end")."""
        self._out.clear()
        self._speaking.clear()
        if self._carried:
            log.warn("{why}: {count} sessions end", why=why, count=len(self._carried))
        for carried in list(self._carried.values()):
            carried.fail()


class Carried:
    """One session: the `Stream` of a client."""

    __slots__ = (
        "_begun",
        "_early",
        "_ended",
        "_head",
        "_tunnel",
        "_waiting",
        "client",
        "held",
        "name",
        "over",
        "paused",
        "server",
        "source",
        "where",
    )

    def __init__(self, tunnel: Tunnel, client: Client, name: str, server: JID) -> None:
        self._tunnel = tunnel
        self.client = client
        self.name = name
        self.server = server
        self.source = str(server)
        self.where = ""
        """The attributes that say where the client is."""
        self._head = f"<message from='{name}' to='{server}'>".encode() + _BEGIN
        self._begun = False
        self._ended = False
        """Whether the client has closed its stream, and hears the rest."""
        self._waiting: list[bytes] | None = []
        """What was said before the server has agreed; None since it has."""
        self._early = 0
        """How many octets that is."""
        self.over = False
        self.paused = False
        """Whether the server has told the client to wait,"""
        self.held = False
        """and whether the client waits because too much is on its way to the server."""

    # ------------------------------------------------------------------ what the client says

    def open(self, header: Mapping[str, str]) -> None:
        """The client's stream header; see `Stream`."""
        given = ((key, header[key][:LONGEST]) for key in KEYS if key in header)
        shown = "".join(f" {key}='{build.attribute(value)}'" for key, value in given)
        if self._begun:
            self._send(f"<open{shown}/>".encode())
            return
        self._begun = True
        payload = f"<open xmlns='{ns.TUNNEL}'{self.where}{shown}/>"
        asked = self._tunnel.ask(self, payload.encode())
        asked.addCallbacks(self._agreed, self._not_agreed)
        asked.addErrback(lambda failure: log.failure("a session could not begin", failure))

    def say(self, data: str) -> None:
        """What the client said, as it came; see `Stream`."""
        if _NO_XML.search(data) is not None:
            raise ValueError("a character that is no XML")
        if len(data) <= PIECE:
            self._send(_text(data))
        else:
            for at in range(0, len(data), PIECE):
                self._send(_text(data[at : at + PIECE]))

    def say_each(self, elements: Sequence[str]) -> None:
        """What the client said in elements that are whole; see `Stream`."""
        for element in elements:
            if _NO_XML.search(element) is not None:
                raise ValueError("a character that is no XML")
        if len(elements) == 1 and len(elements[0]) <= PIECE:
            self._send(_text(elements[0], _ENDING))
            return
        texts: list[bytes] = []
        room = PIECE
        for element in elements:
            *parts, last = [element[at : at + PIECE] for at in range(0, len(element) or 1, PIECE)]
            for part, tag in (*((part, _PART) for part in parts), (last, _ENDING)):
                if len(part) > room:
                    self._send(b"".join(texts))
                    texts, room = [], PIECE
                texts.append(_text(part, tag))
                room -= len(part)
        self._send(b"".join(texts))

    def taken(self, number: int) -> None:
        """The client has taken what there was; see `Stream`."""
        if not self.over:
            head = self._head[:-1] + b" taken='%d'>" % number
            self._tunnel.send(self, head + _END)

    def end(self) -> None:
        """The client has closed its stream, and hears the rest; see `Stream`."""
        self._send(b"<close/>")
        self._ended = True

    def close(self) -> None:
        """The client has closed its stream; see `Stream`."""
        self._last(b"<close/>")

    def lost(self) -> None:
        """The client's connection broke; see `Stream`."""
        self._last(b"<lost/>")

    def _last(self, word: bytes) -> None:
        if not self.over:
            if self._begun:
                self._send(word)
            self._end()

    def _send(self, content: bytes) -> None:
        if self.over or self._ended:
            return
        if self._waiting is not None:
            self._waiting.append(content)
            self._early += len(content)
            if self._early > EARLY_OCTETS and not self.paused:
                self.paused = True
                self.client.pause()
        else:
            self._tunnel.send(self, self._head + content + _END)

    # ------------------------------------------------------------------ what the server says

    def _agreed(self, result: Stanza) -> None:
        waiting, self._waiting = self._waiting or [], None
        if self.over:
            return
        for content in waiting:
            self._tunnel.send(self, self._head + content + _END)
        if self.paused:
            self._resume(None)

    def _not_agreed(self, failure: Any) -> None:
        failure.trap(RequestFailed)
        self._waiting = None
        if not self.over:
            self._end()
            self.client.refused(failure.value.condition, failure.value.text)

    def hear(self, message: told.Message) -> None:
        """Tell the client what a message holds."""
        elements: list[bytes] = []
        client = self.client
        for item in message.items:
            if item.__class__ is bytes:
                elements.append(item)
                continue
            if self.over:
                return
            if elements:
                client.elements(elements)
                elements = []
            meets = _MEETS.get(item.name)  # type: ignore[union-attr]
            if meets is not None:
                meets(self, item)  # type: ignore[arg-type]
        if elements and not self.over:
            client.elements(elements)
        if message.ask and not self.over:
            client.asked(message.ask)

    def fail(self) -> None:
        """There is no such session in the server any more."""
        if not self.over:
            self._end()
            self.client.lost()

    def _end(self) -> None:
        self.over = True
        known = self._waiting is None
        self._waiting = None
        self._tunnel.forget(self, known=known)

    def _opened(self, told: Told) -> None:
        header = {"xml:lang" if key == XML_LANG else key: told.attrs[key] for key in told.attrs}
        self.client.opened(header)

    def _features(self, told: Told) -> None:
        self.client.features(told.content)

    def _failed(self, told: Told) -> None:
        self.client.failed(told.content)

    def _closed(self, told: Told) -> None:
        self._end()
        self.client.closed()

    def _lost(self, told: Told) -> None:
        self.fail()

    def _pause(self, told: Told) -> None:
        self.paused = True
        self.client.pause()

    def _resume(self, told: Told | None) -> None:
        self.paused = False
        if not self.held:
            self.client.resume()


_TEXT, _ENDING, _PART = b"<text>", b"<text end='true'>", b"<text end='false'>"


def _text(data: str, tag: bytes = _TEXT) -> bytes:
    text = data.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    if "\r" in text:
        text = text.replace("\r", "&#13;")
    return b"%b%b</text>" % (tag, text.encode())


def _where(address: str, *, secure: bool, local: bool) -> str:
    shown = f" address='{build.attribute(address)}' secure='{str(secure).lower()}'"
    return f"{shown} local='true'" if local else shown


_MEETS: dict[str, Callable[[Carried, Told], None]] = {
    "open": Carried._opened,
    "features": Carried._features,
    "error": Carried._failed,
    "close": Carried._closed,
    "lost": Carried._lost,
    "pause": Carried._pause,
    "resume": Carried._resume,
}
"""What each element of the tunnel's own means."""
