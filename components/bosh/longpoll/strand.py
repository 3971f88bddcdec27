"""One stream in a session: what the server says in it, and what the client does (XEP-0206)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, Protocol

from components.bosh.http.request import Exchange
from components.bosh.longpoll.body import DECLARED
from components.bosh.longpoll.outbox import Outbox, Piece
from components.bosh.longpoll.refusal import Condition, Refused
from components.bosh.names import XBOSH
from components.bosh.tunnel.client import Stream
from components.common import build
from xmppd import ns

_STREAM: Final = {"xmlns:stream": DECLARED["xmlns:stream"]}

STRANGERS_UNSAID: Final = 65_536
"""How much waits of who has not logged in: as much as the server would take."""
HEADER_OCTETS: Final = 512
"""What a header counts for that waits, besides its values."""

REFUSALS: Final[Mapping[str, Condition]] = {
    "gone": "host-gone",
    "item-not-found": "host-unknown",
    "remote-server-not-found": "host-unknown",
    "forbidden": "host-unknown",
    "remote-server-timeout": "remote-connection-failed",
    "service-unavailable": "remote-connection-failed",
    "resource-constraint": "policy-violation",
    "internal-server-error": "internal-server-error",
}
"""What a client is told whose stream the server does not take, by the stanza error's condition."""


class Home(Protocol):
    """The session that a stream is in."""

    outbox: Outbox

    def spoken(self) -> None:
        """Something waits to be said."""

    def confirmed(self) -> int:
        """How much of what was put into the outbox the client is known to have."""

    def over(self, strand: Strand, condition: Condition | None, content: bytes) -> None:
        """A stream has ended, and why."""

    def eased(self) -> None:
        """The stream takes more again."""

    def count(self, reason: str) -> None:
        """Something was refused."""

    def fail(self, refused: Refused, exchange: Exchange | None) -> None:
        """The session ends: something in it can't be."""


class Strand:
    """A stream's `Client`. `stream` is set as soon as there is one."""

    __slots__ = (
        "_error",
        "_hello",
        "_home",
        "_is_in",
        "_unsaid",
        "ended",
        "header",
        "name",
        "stream",
        "unsaid_octets",
    )

    stream: Stream

    def __init__(self, home: Home, name: str, header: Mapping[str, str]) -> None:
        self._home = home
        self.name = name
        self.header = header
        """What the client gave when it opened the stream first."""
        self.ended = False
        self._hello: dict[str, str] | None = None
        self._is_in = False
        """Whether the server has opened the stream anew, as it does behind SASL only."""
        self._error = b""
        self._unsaid: list[str | Mapping[str, str]] | None = None
        """What the client has said while it was to wait; None while it is not."""
        self.unsaid_octets = 0
        """How much that is."""

    # ------------------------------------------------------------------ what the client says

    @property
    def waits(self) -> bool:
        """Whether the client is to say nothing for now."""
        return self._unsaid is not None

    def say(self, content: str, room: int) -> None:
        """Elements; no more than `room` wait. Raises `Refused` for what can't be said."""
        if self._unsaid is None:
            self._say(content)
        else:
            self._keep(content, len(content), room)

    def _keep(self, item: str | Mapping[str, str], octets: int, room: int) -> None:
        assert self._unsaid is not None
        self._unsaid.append(item)
        self.unsaid_octets += octets
        if self.unsaid_octets > (room if self._is_in else min(room, STRANGERS_UNSAID)):
            raise Refused("policy-violation", "bosh.queue")

    def _say(self, content: str) -> None:
        try:
            self.stream.say(content)
        except ValueError:
            raise Refused("bad-request", "bosh.no-character") from None

    def open(self, header: Mapping[str, str], room: int) -> None:
        """The stream's header, again behind SASL; see `say`."""
        if self._unsaid is None:
            self.stream.open(header)
        else:
            self._keep(header, HEADER_OCTETS + sum(map(len, header.values())), room)

    def close(self) -> None:
        """The client closes the stream."""
        if not self.ended:
            self.ended = True
            self._say_waiting()
            self.stream.close()

    def lose(self) -> None:
        """The client is gone."""
        if not self.ended:
            self.ended = True
            self.stream.lost()

    def _say_waiting(self) -> None:
        unsaid, self._unsaid = self._unsaid or [], None
        self.unsaid_octets = 0
        for each in unsaid:
            if isinstance(each, str):
                self._say(each)
            else:
                self.stream.open(each)

    # ------------------------------------------------------------------ what the server says

    def opened(self, header: Mapping[str, str]) -> None:
        """The server's header (XEP-0206 §4); it goes along with the features."""
        if self._hello is not None:
            self._is_in = True
            return
        hello = {"authid": header.get("id", ""), "from": header.get("from", "")}
        hello = {name: value for name, value in hello.items() if value}
        if "version" in self.header:
            hello["xmlns:xmpp"] = XBOSH
            hello["xmpp:version"] = header.get("version", "1.0")
        self._hello = hello
        if "version" not in self.header:
            # No features will come: the client is one of before XMPP 1.0.
            self._put(b"", {})

    def features(self, content: bytes) -> None:
        """The features, in a body that declares their prefix (XEP-0206 §2)."""
        self._put(b"<stream:features>%b</stream:features>" % content, dict(_STREAM))

    def elements(self, elements: Sequence[bytes]) -> None:
        """Elements, as they are."""
        home = self._home
        if not self.ended:
            home.outbox.put(Piece(self.name, b"".join(elements)))
            home.spoken()

    def failed(self, content: bytes) -> None:
        """A stream error; it is told when the stream is closed (XEP-0206 §6)."""
        self._error = b"<stream:error>%b</stream:error>" % content

    def closed(self) -> None:
        """The stream is over, by an error or in order."""
        self._end("remote-stream-error" if self._error else None, self._error)

    def lost(self) -> None:
        """The stream is over: the server is gone, or wants no more of this client."""
        self._end("remote-connection-failed")

    def refused(self, condition: str, text: str) -> None:
        """The server has no stream for this client."""
        self._home.count("bosh.refused")
        told = REFUSALS.get(condition)
        if told is not None:
            self._end(told)
        else:
            content = f"<{condition} xmlns='{ns.STANZA_ERRORS}'/>" if condition else ""
            if text:
                content += f"<text xmlns='{ns.STANZA_ERRORS}'>{build.text(text)}</text>"
            self._end("undefined-condition", content.encode())

    def asked(self, number: int) -> None:
        """The server wants to know when the client has all this."""
        if not self.ended:
            home = self._home
            home.outbox.ask(number, self.stream.taken, home.confirmed())

    def pause(self) -> None:
        """The client is to say nothing for now: its requests stay unanswered a little longer."""
        if self._unsaid is None:
            self._unsaid = []

    def resume(self) -> None:
        """The client may go on."""
        if self.ended:
            return
        try:
            self._say_waiting()
        except Refused as refused:
            self._home.fail(refused, None)
        else:
            self._home.eased()

    def _put(self, content: bytes, attrs: dict[str, str]) -> None:
        if self.ended:
            return
        if self._hello:
            attrs.update(self._hello)
            self._hello = {}
        self._home.outbox.put(Piece(self.name, content, attrs))
        self._home.spoken()

    def _end(self, condition: Condition | None, content: bytes = b"") -> None:
        if not self.ended:
            self.ended = True
            self._home.over(self, condition, content)
