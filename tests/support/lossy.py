"""A client that manages its stream (XEP-0198), at the end of a line that may break anywhere.

What either end writes is under way until `depart` or `arrive` has so many octets of it reach the
other; `cut` loses what is under way. A client that is cut off comes back by `connect`, and goes
through the whole negotiation by itself, as its line lets it.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections import deque
from collections.abc import Callable
from xml.etree.ElementTree import Element, XMLPullParser

from tests.support.server import DOMAIN, PASSWORD, Client, Verona, condition
from xmppd import ns

_SM = f"{{{ns.STREAM_MANAGEMENT}}}"
_STREAM = f"{{{ns.STREAM}}}"
_CLIENT = f"{{{ns.CLIENT}}}"
_NUMBER = "{urn:example:number}n"

NUMBER = "<n xmlns='urn:example:number'>%d</n>"
"""What tells the stanzas apart that these clients send."""

ALL = 1 << 30
"""More octets than are ever under way."""


class LossyClient:
    """A client of `server` that has logged in, and has said that it is there.

    `said` are the numbers of what it has sent, `got` those of what it was sent, both in order.
    """

    def __init__(self, server: Verona, name: str, resource: str, *, more: str = "") -> None:
        self.jid = f"{name}@{DOMAIN}/{resource}"
        self.got: list[int] = []
        self.said: list[int] = []
        self._server = server
        self._name = name
        self._more = more
        self._client: Client | None = None
        self._id = ""
        self._online = False
        self._handled = 0
        self._confirmed = 0
        self._unconfirmed: deque[str] = deque()
        self.connect()
        self.flush()
        assert self._online

    # ------------------------------------------------------------------ what it does

    @property
    def connected(self) -> bool:
        """Whether it has a line, as far as it knows."""
        return self._client is not None

    @property
    def settled(self) -> bool:
        """Whether the server has confirmed everything that this client has sent."""
        return self._online and not self._unconfirmed

    def send(self, stanza: str, number: int) -> None:
        """Send a stanza with a `NUMBER` in it, now or when there is a line again."""
        self.said.append(number)
        self._unconfirmed.append(stanza)
        if self._online:
            self._write(stanza)

    def ask(self) -> None:
        """Ask how much the server has handled (§4)."""
        if self._online:
            self._write(f"<r xmlns='{ns.STREAM_MANAGEMENT}'/>")

    def tell(self) -> None:
        """Tell how much has been handled, without being asked (§4)."""
        if self._online:
            self._write(f"<a xmlns='{ns.STREAM_MANAGEMENT}' h='{self._handled}'/>")

    # ------------------------------------------------------------------ its line

    def connect(self) -> None:
        """Have a new line."""
        self._client = self._server.connect()
        self._under_way = b""
        self._arrived = 0
        self._authenticated = False
        self._open()

    def depart(self, octets: int = ALL) -> None:
        """Have so many octets reach the server."""
        client = self._client
        if client is not None and not client.closed:
            data, self._under_way = self._under_way[:octets], self._under_way[octets:]
            if data:
                client.send(data)

    def arrive(self, octets: int = ALL) -> None:
        """Have so many octets of what the server wrote reach the client."""
        client = self._client
        if client is None:
            return
        data = client.log[self._arrived : self._arrived + octets]
        self._arrived += len(data)
        for piece in re.findall(rb"[^>]*>|[^>]+", data):
            self._read(piece)

    def _read(self, piece: bytes) -> None:
        """Read no more than one tag: what comes after it may belong to another stream."""
        parser = self._parser
        parser.feed(piece)
        for event, element in parser.read_events():
            assert isinstance(element, Element)
            self._depth += 1 if event == "start" else -1
            if event == "end" and self._depth == 1:
                self._take(element)

    def flush(self) -> None:
        """Have all that is under way arrive, and the answers to it."""
        before = None
        while before != (now := self._progress()):
            before = now
            self.depart()
            self.arrive()

    def cut(self, *, noticed: bool = True) -> None:
        """Lose the line; where the server has not noticed, it goes on writing to it."""
        client, self._client = self._client, None
        self._online = False
        if client is not None and noticed and not client.closed:
            client.hang_up()

    def _progress(self) -> tuple[int, int, int]:
        client = self._client
        written = 0 if client is None else len(client.log)
        return (len(self._under_way), self._arrived, written)

    def _write(self, text: str) -> None:
        self._under_way += text.encode()

    def _open(self) -> None:
        self._parser = XMLPullParser(("start", "end"))
        self._depth = 0
        self._write(
            f"<stream:stream xmlns='{ns.CLIENT}' xmlns:stream='{ns.STREAM}'"
            f" to='{DOMAIN}' version='1.0'>"
        )

    # ------------------------------------------------------------------ what it is told

    def _take(self, element: Element) -> None:
        take = _TAKES.get(element.tag)
        assert take is not None, element.tag
        take(self, element)

    def _features(self, _: Element) -> None:
        if not self._authenticated:
            plain = b64encode(f"\0{self._name}\0{PASSWORD}".encode()).decode()
            self._write(f"<auth xmlns='{ns.SASL}' mechanism='PLAIN'>{plain}</auth>")
        elif self._id:
            self._write(
                f"<resume xmlns='{ns.STREAM_MANAGEMENT}' previd='{self._id}' h='{self._handled}'/>"
            )
        else:
            resource = self.jid.rpartition("/")[2]
            self._write(
                f"<iq type='set' id='bind'><bind xmlns='{ns.BIND}'>"
                f"<resource>{resource}</resource></bind></iq>"
                f"<enable xmlns='{ns.STREAM_MANAGEMENT}' resume='true'/>"
            )

    def _success(self, _: Element) -> None:
        self._authenticated = True
        self._open()

    def _enabled(self, element: Element) -> None:
        self._id = element.attrib["id"]
        self._handled = 0
        self._online = True
        for stanza in ("<presence/>", self._more):
            if stanza:
                self._unconfirmed.append(stanza)
                self._write(stanza)

    def _resumed(self, element: Element) -> None:
        assert element.attrib["previd"] == self._id
        self._confirm(element)
        self._online = True
        for stanza in self._unconfirmed:
            self._write(stanza)

    def _confirm(self, element: Element) -> None:
        h = int(element.attrib["h"])
        assert 0 <= h - self._confirmed <= len(self._unconfirmed)
        for _ in range(h - self._confirmed):
            self._unconfirmed.popleft()
        self._confirmed = h

    def _error(self, element: Element) -> None:
        """Nobody waits for ever for a client that takes its time to log in."""
        assert condition(element) == "connection-timeout"
        assert not self._online
        self.cut()

    def _request(self, _: Element) -> None:
        self.tell()

    def _stanza(self, element: Element) -> None:
        if element.get("id") == "bind":
            return  # it was there before the session was managed
        self._handled += 1
        assert element.get("type") != "error", element.attrib
        number = element.find(f".//{_NUMBER}")
        if number is not None:
            self.got.append(int(number.text or ""))


_TAKES: dict[str, Callable[[LossyClient, Element], None]] = {
    f"{_STREAM}features": LossyClient._features,
    f"{_STREAM}error": LossyClient._error,
    f"{{{ns.SASL}}}success": LossyClient._success,
    f"{_SM}enabled": LossyClient._enabled,
    f"{_SM}resumed": LossyClient._resumed,
    f"{_SM}r": LossyClient._request,
    f"{_SM}a": LossyClient._confirm,
    f"{_CLIENT}message": LossyClient._stanza,
    f"{_CLIENT}presence": LossyClient._stanza,
    f"{_CLIENT}iq": LossyClient._stanza,
}
"""What it makes of what; anything else (an error of the stream, a failure) fails the test."""
