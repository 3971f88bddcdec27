"""One payload for many (XEP-0033): the server's multicast, or one stanza each where it has none.

The recipients are in blind copy: the server takes their addresses out before it delivers. What a
server lets a component send at once is its own business; `most` is what is asked of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from components.common.build import Content, Tag, attribute, message_content, render
from components.common.component import Component
from components.common.requests import RequestFailed
from components.common.stanza import write
from xmppd import ns
from xmppd.jid import JID

log = Logger(namespace="component")

MOST = 1_000
"""How many addresses one stanza names."""

OCTETS = 250_000
"""How much they may take there together: a server ends the stream for a stanza that is too large,
and a resource may be a thousand characters, of which each takes six octets."""

FEW = 3
"""Up to so many, a stanza each is no more work for anybody."""

_HEAD = f"<addresses xmlns='{ns.ADDRESS}'>".encode()
_TAIL = b"</addresses>"


def replying(header: bytes, to: JID) -> bytes:
    """An address header that tells where replies go, too (§4.6.4); b"" for one of nobody else.

    It stands first: behind it, the server knows the addresses that it has read before.
    """
    address = b"<address type='replyto' jid='%b'/>" % to.attr
    return b"%b%b%b" % (_HEAD, address, header[len(_HEAD) :] or _TAIL)


class Recipients:
    """Addresses, each once, that are sent to again and again: what names them is made once."""

    __slots__ = ("_headers", "_most", "_set", "jids")

    def __init__(self, jids: Iterable[JID]) -> None:
        self.jids = tuple(dict.fromkeys(jids))
        self._headers: list[bytes] = []
        self._most = 0
        self._set: frozenset[JID] | None = None
        """Them, once somebody has been looked for."""

    def __contains__(self, jid: JID) -> bool:
        if self._set is None:
            self._set = frozenset(self.jids)
        return jid in self._set

    def __len__(self) -> int:
        return len(self.jids)

    def headers(self, most: int) -> list[bytes]:
        """Address headers for all of them, each with `most` at most."""
        if self._most != most:
            self._most = most
            self._headers = list(_headers(self.jids, most))
        return self._headers


class Multicast:
    """Sends to many at once. Each new stream, the server is asked whether it does multicast."""

    def __init__(self, component: Component, most: int = MOST) -> None:
        self.most = most
        """How many addresses one stanza names."""
        self._at: set[JID] = set()
        self._component = component
        component.on_open(self._opened)

    @property
    def available(self) -> bool:
        """Whether the server does it."""
        return self.at(self._component.servers[0])

    def at(self, server: JID) -> bool:
        """Whether one of the server's domains does it."""
        return server in self._at

    def send(
        self,
        recipients: Iterable[JID] | Recipients,
        kind: str,
        *content: Content,
        sender: JID | None = None,
        type_: str = "",
        id_: str = "",
        lang: str = "",
    ) -> None:
        """Send a message or presence to all `recipients`, each address once.

        What is a text in it is the body of a message; in presence there is none.
        """
        component = self._component
        sender = sender or component.domain
        inner = message_content(content) if kind == "message" else render(content)
        if not isinstance(recipients, Recipients):
            recipients = Recipients(recipients)
        if not self.available or len(recipients) <= FEW:
            component.send_all(_each(recipients.jids, kind, sender, inner, type_, id_, lang))
            return
        server = component.servers[0]
        for header in recipients.headers(self.most):
            addressed = header + inner
            component.send(write(kind, sender, server, addressed, type_=type_, id_=id_, lang=lang))

    def _opened(self, resumed: bool) -> None:
        if not resumed:
            self._at.clear()
            for server in self._component.servers:
                Deferred.fromCoroutine(self._find_out(server))

    async def _find_out(self, server: JID) -> None:
        """Ask a domain of the server's what it does (§2)."""
        try:
            info = await self._component.ask(server, "get", Tag("query", ns=ns.DISCO_INFO))
        except RequestFailed as error:
            log.info("the server does not tell whether it does multicast: {error}", error=error)
            return
        features = info.element.iterfind(f".//{{{ns.DISCO_INFO}}}feature")
        if any(feature.get("var") == ns.ADDRESS for feature in features):
            self._at.add(server)


def _headers(recipients: Iterable[JID], most: int) -> Iterator[bytes]:
    """Address headers (§4); a JID's own `attr` is ready to stand in single quotes."""
    some: list[bytes] = []
    octets = 0
    for jid in recipients:
        address = b"<address type='bcc' jid='%b'/>" % jid.attr
        octets += len(address)
        if some and (len(some) == most or octets > OCTETS):
            yield b"%b%b%b" % (_HEAD, b"".join(some), _TAIL)
            some, octets = [], len(address)
        some.append(address)
    if some:
        yield b"%b%b%b" % (_HEAD, b"".join(some), _TAIL)


def _each(
    recipients: Iterable[JID],
    kind: str,
    sender: JID,
    inner: bytes,
    type_: str,
    id_: str,
    lang: str,
) -> Iterator[bytes]:
    """A stanza for each; what they share is written once."""
    head = f"<{kind} from='{attribute(sender)}'"
    for name, value in (("type", type_), ("id", id_), ("xml:lang", lang)):
        if value:
            head += f" {name}='{attribute(value)}'"
    start, tail = head.encode(), b">%b</%b>" % (inner, kind.encode())
    for jid in recipients:
        yield b"%b to='%b'%b" % (start, jid.attr, tail)
