"""A component's side of one stream, without any I/O (XEP-0114 §3, XEP-0198).

It takes bytes and writes bytes. Rule 1: what may come in which state stands in the table at the
end of this file. Rule 2: what outlives the stream is in its `Session`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from enum import Enum, auto
from typing import NamedTuple, Protocol

from twisted.internet.defer import Deferred

from components.common import answers, build
from components.common.acks import Inbox, Outbox, TooHighError
from components.common.reader import Closed, Frame, Header, Reader
from components.common.stanza import Nonza, Stanza
from xmppd import ns
from xmppd.errors import StreamError

ASK_EVERY = 64
"""After how many stanzas the server is asked what it has had (XEP-0198 §4)."""

ASK_OCTETS = 256 * 1024
"""After how many octets it is asked at the latest."""

_ASK = f"<r xmlns='{ns.STREAM_MANAGEMENT}'/>".encode()
_CLOSE = b"</stream:stream>"


class Identity(NamedTuple):
    """As whom a component connects; `instance` is "" where there is one of them only."""

    domain: str
    secret: str
    instance: str = ""


class Session:
    """What a managed stream leaves to the one that resumes it (XEP-0198 §5).

    `id` is "" where there is nothing to resume. The outbox also has what is sent while there is
    no stream.
    """

    __slots__ = ("id", "inbox", "outbox")

    def __init__(self) -> None:
        self.id = ""
        self.inbox = Inbox()
        self.outbox = Outbox()


class Owner(Protocol):
    """Who is told what happens on a stream."""

    def opened(self, *, resumed: bool) -> None:
        """Stanzas may be sent; those of before are on their way, if `resumed`."""

    def received(self, stanza: Stanza) -> Deferred[None] | None:
        """A stanza has come; it is handled once the Deferred has fired, or by now."""

    def failed(self, error: StreamError) -> None:
        """The stream is of no use any more; the server knows."""

    def closed(self) -> None:
        """The server has closed the stream, and has been answered."""


class State(Enum):
    """How far the stream has come."""

    HEADER = auto()
    """We wait for the server's stream header."""
    HANDSHAKE = auto()
    """We wait for `<handshake/>`; features may come before it."""
    RESUMING = auto()
    """We wait for `<resumed/>`, or for `<failed/>`."""
    ENABLING = auto()
    """We wait for `<enabled/>`, or for `<failed/>`."""
    OPEN = auto()
    """Stanzas go both ways."""
    CLOSING = auto()
    """We have closed our side."""


class Stream:
    """One stream. `write` takes bytes to the server; call `start` once it can."""

    def __init__(
        self, identity: Identity, session: Session, owner: Owner, write: Callable[[bytes], None]
    ) -> None:
        self.state = State.HEADER
        self.managed = False
        """Whether stanzas are acknowledged."""
        self._identity = identity
        self._session = session
        self._owner = owner
        self._write = write
        self._reader = Reader()
        self._offered = False
        self._early: list[Stanza] = []
        """Stanzas that have come before the stream was open."""
        self._batch: list[bytes] | None = None
        """What is to be written when all that was read has been seen to."""
        self._since_asked = 0
        self._octets_since_asked = 0

    # ------------------------------------------------------------------ out

    def start(self) -> None:
        """Send our header. Servers that know no instances ignore `from`, as they do `version`."""
        domain, _, instance = self._identity
        sender = f" from='{build.attribute(f'{domain}/{instance}')}'" if instance else ""
        self._put(
            f"<?xml version='1.0'?><stream:stream xmlns='{ns.COMPONENT}' xmlns:stream='{ns.STREAM}'"
            f" to='{build.attribute(domain)}'{sender} version='1.0'>".encode()
        )

    def send(self, data: bytes) -> None:
        """Send a stanza, or keep it until stanzas may be sent."""
        if self.state is not State.OPEN:
            self._session.outbox.add(data)
            return
        self._put(data)
        if self.managed:
            self._session.outbox.add(data)
            self._count(1, len(data))

    def send_all(self, stanzas: Iterable[bytes]) -> None:
        """Send several stanzas, written at once; the stream is open."""
        sent = list(stanzas)
        data = b"".join(sent)
        if not data:
            return
        self._put(data)
        if self.managed:
            self._session.outbox.add_all(sent)
            self._count(len(sent), len(data))

    def _count(self, stanzas: int, octets: int) -> None:
        """Ask from time to time what the server has had."""
        self._since_asked += stanzas
        self._octets_since_asked += octets
        if self._since_asked >= ASK_EVERY or self._octets_since_asked >= ASK_OCTETS:
            self.ask()

    def ask(self) -> None:
        """Ask the server what it has had; where it does not count, send white space."""
        self._since_asked = self._octets_since_asked = 0
        self._put(_ASK if self.managed else b" ")

    def close(self) -> None:
        """Close our side, once (RFC 6120 §4.4)."""
        if self.state is State.CLOSING:
            return
        if self.managed:
            self._acknowledge()
        self.state = State.CLOSING
        self._put(_CLOSE)

    def _put(self, data: bytes) -> None:
        if self._batch is None:
            self._write(data)
        else:
            self._batch.append(data)

    def _acknowledge(self) -> None:
        h = self._session.inbox.handled
        self._put(f"<a xmlns='{ns.STREAM_MANAGEMENT}' h='{h}'/>".encode())

    # ------------------------------------------------------------------ in

    def receive(self, data: bytes) -> None:
        """Bytes from the server."""
        batch = self._batch = []
        try:
            for frame in self._reader.feed(data):
                if frame.__class__ is Stanza:
                    self._stanza(frame)
                else:
                    self._other(frame)
        finally:
            self._batch = None
            if batch:
                self._write(b"".join(batch))

    def _stanza(self, stanza: Stanza) -> None:
        if self.state in _STRANGE:
            self._fail(StreamError("not-authorized", reason="stream.not-authorized"))
        elif self.state is State.CLOSING:
            return  # the server has been told what we have had
        elif self.state is not State.OPEN:
            self._early.append(stanza)
        elif not self.managed:
            self._owner.received(stanza)
        else:
            inbox = self._session.inbox
            number = inbox.take()
            later = self._owner.received(stanza)
            if later is not None:
                inbox.hold(number)
                later.addBoth(lambda _: inbox.done(number))

    def _other(self, frame: Frame) -> None:
        match frame:
            case Header():
                self._header(frame)
            case Closed():
                self.close()
                self._owner.closed()
            case StreamError():
                self._fail(frame)
            case Nonza(name=name):
                meets = _MEETS.get((self.state, name)) or _ALWAYS.get(name)
                if meets is None:
                    # Nothing that a server may send can need an answer that we do not know.
                    return
                meets(self, frame)

    def _header(self, header: Header) -> None:
        if header.name != f"{ns.STREAM} stream" or not header.attrs.get("id"):
            text = "that is no stream of an XMPP server"
            self._fail(StreamError("invalid-namespace", text, reason="stream.header"))
            return
        self.state = State.HANDSHAKE
        # The digest is of the id as it means, not as it is written (XEP-0114 §3).
        secret = header.attrs["id"] + self._identity.secret
        digest = hashlib.sha1(secret.encode(), usedforsecurity=False).hexdigest()
        self._put(f"<handshake>{digest}</handshake>".encode())

    def _fail(self, error: StreamError) -> None:
        if self.state is State.CLOSING:
            return
        self.close()
        self._owner.failed(error)

    # ------------------------------------------------------------------ what comes in each state

    def _features(self, nonza: Nonza) -> None:
        self._offered = f"{ns.STREAM_MANAGEMENT} sm" in nonza.children

    def _welcome(self, nonza: Nonza) -> None:
        """Our handshake was right (XEP-0114 §3)."""
        if not self._offered:
            self._session.id = ""
            self._open(resumed=False)
        elif self._session.id:
            self.state = State.RESUMING
            h, previd = self._session.inbox.settle(), build.attribute(self._session.id)
            self._put(
                f"<resume xmlns='{ns.STREAM_MANAGEMENT}' h='{h}' previd='{previd}'/>".encode()
            )
        else:
            self._enable()

    def _enable(self) -> None:
        self.state = State.ENABLING
        self._session.id = ""
        self._session.inbox = Inbox()
        self._put(f"<enable xmlns='{ns.STREAM_MANAGEMENT}' resume='true'/>".encode())

    def _enabled(self, nonza: Nonza) -> None:
        self.managed = True
        resumable = nonza.attrs.get("resume") in ("true", "1")
        self._session.id = nonza.attrs.get("id", "") if resumable else ""
        self._open(resumed=False)

    def _not_enabled(self, nonza: Nonza) -> None:
        self._open(resumed=False)

    def _resumed(self, nonza: Nonza) -> None:
        self.managed = True
        if self._acknowledged(nonza):
            self._open(resumed=True)

    def _not_resumed(self, nonza: Nonza) -> None:
        """The session is gone; the server may still know how much it has had (XEP-0198 §5)."""
        if "h" not in nonza.attrs or self._acknowledged(nonza):
            self._enable()

    def _acknowledged(self, nonza: Nonza) -> bool:
        """Take an `h`; whether it can be right (XEP-0198 §6)."""
        try:
            self._session.outbox.acknowledge(int(nonza.attrs.get("h", "")))
        except (ValueError, TooHighError) as error:
            self._fail(StreamError("undefined-condition", str(error), reason="acks.too-high"))
            return False
        return True

    def _asked(self, nonza: Nonza) -> None:
        if self.managed:
            self._acknowledge()

    def _told(self, nonza: Nonza) -> None:
        if self.managed:
            self._acknowledged(nonza)

    def _error(self, nonza: Nonza) -> None:
        """The server ends the stream (RFC 6120 §4.9)."""
        element = nonza.element
        condition, text = answers.condition(element, ns.STREAM_ERRORS)
        drained = element.find(f"{{{ns.INSTANCES}}}drained") is not None
        reason = "component.drained" if drained else "component.refused"
        self._fail(StreamError(condition, text, reason=reason))

    def _open(self, *, resumed: bool) -> None:
        """Begin with what has waited (XEP-0198 §5)."""
        self.state = State.OPEN
        outbox = self._session.outbox
        if not resumed:
            outbox.begin()
        for data in outbox:
            self._put(data)
        if not self.managed:
            outbox.clear()
        elif len(outbox):
            self.ask()
        self._owner.opened(resumed=resumed)
        # Who begins anew with a new stream is not to take what came on it for what was before it.
        early, self._early = self._early, []
        for stanza in early:
            if self.state is State.OPEN:
                self._owner.received(stanza)


_STRANGE = (State.HEADER, State.HANDSHAKE)
"""Where no stanza may come. While stream management is agreed on, the server's first ones may: they
are not counted (XEP-0198 §4), and wait until the stream is open."""

_SM = ns.STREAM_MANAGEMENT
_ALWAYS: dict[str, Callable[[Stream, Nonza], None]] = {
    f"{ns.STREAM} error": Stream._error,
}
_MEETS: dict[tuple[State, str], Callable[[Stream, Nonza], None]] = {
    (State.HANDSHAKE, f"{ns.STREAM} features"): Stream._features,
    (State.HANDSHAKE, f"{ns.COMPONENT} handshake"): Stream._welcome,
    (State.RESUMING, f"{_SM} resumed"): Stream._resumed,
    (State.RESUMING, f"{_SM} failed"): Stream._not_resumed,
    (State.ENABLING, f"{_SM} enabled"): Stream._enabled,
    (State.ENABLING, f"{_SM} failed"): Stream._not_enabled,
    (State.OPEN, f"{_SM} r"): Stream._asked,
    (State.OPEN, f"{_SM} a"): Stream._told,
}
"""What each element means in which state; whatever else comes is passed over."""
