"""A client that plays against a `ClientStream` in memory, and a table that answers questions."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

from tests.support.frames import HEADER
from xmppd import ns
from xmppd.credentials import ScramKeys, derive
from xmppd.errors import SASLFailure, StanzaError, StreamError
from xmppd.jid import JID
from xmppd.modules import legacy_auth, register
from xmppd.stream import sasl
from xmppd.stream.events import (
    Ask,
    Authorize,
    BindResource,
    Closed,
    EarlyNonza,
    Event,
    OpenRequest,
    Passed,
    Question,
    Reject,
    Spoken,
    StartTLS,
)
from xmppd.stream.features import CORE
from xmppd.stream.policy import Policy, TLSFacts
from xmppd.stream.states import Fact
from xmppd.stream.stream import ClientStream
from xmppd.wire import build
from xmppd.wire.build import Tag
from xmppd.wire.framer import Framer
from xmppd.wire.frames import StreamClose, StreamOpen
from xmppd.wire.limits import Limits
from xmppd.wire.stanza import Nonza, Stanza

DOMAIN = "verona.lit"
PASSWORDS = {"romeo": "juliet-is-the-sun", "juliet": "o-romeo"}

FEATURES = (*CORE, legacy_auth.OFFER, register.OFFER)
"""All that may be on offer before login, and what follows."""

POLICY = Policy(
    domains=(DOMAIN, "mantua.lit"),
    features=FEATURES,
    mechanisms=("SCRAM-SHA-1", "PLAIN"),
)

STARTTLS = b"<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"
ABORT = b"<abort xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>"
COMPRESS = b"<compress xmlns='http://jabber.org/protocol/compress'><method>zlib</method></compress>"
CLOSE = b"</stream:stream>"

LATER: Final = object()
"""An answer that is given by hand, by `Client.answer`."""


def auth(mechanism: str = "", data: bytes | str | None = None) -> bytes:
    """`<auth/>`; `data` is encoded where it is bytes, and stands as it is where it is text."""
    text = base64.b64encode(data).decode() if isinstance(data, bytes) else data or ""
    return f"<auth xmlns='{ns.SASL}' mechanism='{mechanism}'>{text}</auth>".encode()


def response(data: bytes | str = b"") -> bytes:
    """`<response/>`."""
    text = base64.b64encode(data).decode() if isinstance(data, bytes) else data
    return f"<response xmlns='{ns.SASL}'>{text}</response>".encode()


def plain(user: str = "romeo", password: str | None = None) -> bytes:
    """A PLAIN login, with the right password unless another is given."""
    right = PASSWORDS.get(user, "")
    return auth("PLAIN", f"\0{user}\0{right if password is None else password}".encode())


def bind(resource: str = "", *, type_: str = "set", id_: str = "b1") -> bytes:
    """The request for a resource."""
    inner = f"<resource>{resource}</resource>" if resource else ""
    return f"<iq type='{type_}' id='{id_}'><bind xmlns='{ns.BIND}'>{inner}</bind></iq>".encode()


def no_tls() -> TLSFacts:
    """TLS that says nothing of itself."""
    return TLSFacts({}, ())


def _unknown(question: EarlyNonza) -> None:
    """Nobody knows any elements of strangers here."""
    raise StreamError("unsupported-stanza-type", reason="stream.element")


class Client:
    """Feeds bytes to a stream, answers what it asks, and keeps all that it says.

    `events` holds every event but the questions, `asked` the questions. `answers` maps a class
    of questions to a function that gives the answer, raises it, or returns LATER.
    """

    def __init__(self, policy: Policy = POLICY, *, tls: bool = True, secure: bool = False) -> None:
        self.stream = ClientStream(policy, tls_available=tls, secure=secure)
        self.events: list[Event] = []
        self.asked: list[Question] = []
        self.answers: dict[type, Callable[[Any], Any]] = {
            sasl.FetchKeys: self._keys,
            sasl.CheckPassword: self._is_right,
            Authorize: lambda q: JID.of(q.success.username, self.stream.domain),
            BindResource: self._resource,
            OpenRequest: self._open_request,
            EarlyNonza: _unknown,
            Reject: lambda q: None,
        }
        self._seen = 0

    # ------------------------------------------------------------------ what it does

    def send(self, *pieces: bytes) -> list[Event]:
        """Send bytes; what came of it."""
        for piece in pieces:
            self._act(self.stream.receive(piece))
        return self.new()

    def answer(self, value: Any) -> list[Event]:
        """Answer the question that is open; an exception refuses it."""
        if isinstance(value, Exception):
            self._act(self.stream.refuse(value))  # type: ignore[arg-type]
        else:
            self._act(self.stream.answer(value))
        return self.new()

    def run(self, events: Iterable[Event]) -> list[Event]:
        """What comes of something else that was asked of the stream."""
        self._act(events)
        return self.new()

    def later(self, *questions: type) -> None:
        """Leave these questions open from now on."""
        for question in questions:
            self.answers[question] = lambda q: LATER

    def new(self) -> list[Event]:
        """The events since this was last called."""
        new, self._seen = self.events[self._seen :], len(self.events)
        return new

    def _act(self, events: Iterable[Event]) -> None:
        for event in events:
            assert not any(isinstance(e, Closed) for e in self.events), f"{event} after the end"
            if isinstance(event, Passed):
                self._pass(event)
                continue
            if not isinstance(event, Ask):
                self.events.append(event)
            if isinstance(event, StartTLS):
                self.stream.secured(no_tls)
            elif isinstance(event, Ask):
                self._answer(event.question)

    def _pass(self, passed: Passed) -> None:
        """Take what the stream hands over as the server's connection does."""
        for frame in passed.frames:
            if isinstance(frame, Stanza):
                self.events.append(frame)
            else:
                self._act(self.stream.on_frame(frame))

    def _answer(self, question: Question) -> None:
        self.asked.append(question)
        try:
            value = self.answers[type(question)](question)
        except (SASLFailure, StanzaError) as error:
            self._act(self.stream.refuse(error))
            return
        except StreamError as error:
            self._act(self.stream.fail(error))
            return
        if value is not LATER:
            self._act(self.stream.answer(value))

    # ------------------------------------------------------------------ how it stands

    def opened(self, header: bytes = HEADER) -> Client:
        """Itself, with the stream open."""
        self.send(header)
        return self

    def authenticated(self) -> Client:
        """Itself, logged in, on the restarted stream."""
        self.send(HEADER)
        if not self.stream.facts & Fact.MAY_AUTHENTICATE:
            self.send(STARTTLS, HEADER)
        self.send(plain(), HEADER)
        assert self.stream.jid == "romeo@verona.lit"
        return self

    def bound(self) -> Client:
        """Itself, with a session."""
        self.authenticated().send(bind("orchard"))
        return self

    # ------------------------------------------------------------------ how answers are made

    def _is_right(self, question: sasl.CheckPassword) -> sasl.Answer[bool]:
        return sasl.Answer(PASSWORDS.get(question.username) == question.password, None)

    def _keys(self, question: sasl.FetchKeys) -> sasl.Answer[ScramKeys]:
        password = PASSWORDS.get(question.username, "")
        keys = derive(password, question.hash_name, salt=b"verona", iterations=4096)
        return sasl.Answer(keys, None)

    def _resource(self, question: BindResource) -> JID:
        assert self.stream.jid is not None
        return self.stream.jid.with_resource(question.resource or "chosen")

    def _open_request(self, question: OpenRequest) -> Stanza:
        attrs = {"type": "result", "id": question.stanza.id}
        return build.stanza("iq", attrs, Tag("query", ns=ns.REGISTER))


# ---------------------------------------------------------------------- reading what was said


def sent(events: Iterable[Event]) -> bytes:
    """The bytes among `events`."""
    return b"".join(e.data for e in events if isinstance(e, Spoken))


def frames(data: bytes) -> Iterator[Any]:
    """The frames of what the server wrote; headers need not be there."""
    framer = Framer(Limits(), halting=True)
    if not data.startswith(b"<?xml"):
        framer.feed(HEADER)
    found = framer.feed(data)
    while found:
        yield from found
        if data.count(b"<?xml") and framer.unread and _header_next(framer):
            framer.restart()
        found = framer.feed(b"") if framer.unread else ()


def _header_next(framer: Framer) -> bool:
    rest = bytes(framer._held)
    return rest.startswith(b"<?xml")


def names(events: Iterable[Event]) -> list[str]:
    """What was said and done: local names of elements written, class names of events.

    A header reads `open`, the end of a stream `close`, a failure or an error with its condition.
    """
    out: list[str] = []
    for event in events:
        if isinstance(event, Spoken):
            out += [_name(frame) for frame in frames(event.data)]
        elif isinstance(event, Closed):
            out.append("Closed" if event.error is None else f"Closed {event.error.condition}")
        elif isinstance(event, Stanza | Nonza):
            out.append(repr(event))
        else:
            out.append(type(event).__name__)
    return out


def _name(frame: Any) -> str:
    if isinstance(frame, StreamOpen):
        return "open"
    if isinstance(frame, StreamClose):
        return "close"
    if isinstance(frame, Stanza):
        return f"{frame.kind} {frame.type}".strip()
    assert isinstance(frame, Nonza), frame
    local = frame.name.rpartition(" ")[2]
    if local in ("error", "failure") and frame.children:
        return f"{local} {frame.children[0].rpartition(' ')[2]}"
    return local


def offered(client_events: Iterable[Event]) -> list[str]:
    """The local names of the features that were offered last."""
    found: list[str] = []
    for frame in frames(sent(client_events)):
        if isinstance(frame, Nonza) and frame.name == f"{ns.STREAM} features":
            found = [child.rpartition(" ")[2] for child in frame.children]
    return found


def ended(client: Client) -> StreamError | None:
    """How the stream ended; it must have."""
    last = client.events[-1]
    assert isinstance(last, Closed), last
    return last.error


def reasons(client: Client) -> tuple[str, str]:
    """Condition and reason of the error that the stream ended with."""
    error = ended(client)
    assert error is not None
    return error.condition, error.reason
