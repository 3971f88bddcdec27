"""A client's stream, server side, without any I/O (RFC 6120 §4–§7).

Bytes and answers go in, events come out, as generators: whoever drives it acts on each event
before the next is computed, so an element that ends the stream ends it at once. Which
element moves it where stands in states.py, what it offers in features.py.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection, Iterator, Mapping
from functools import cache
from typing import Any, NamedTuple

from xmppd import ns
from xmppd.errors import SASLFailure, StanzaError, StreamError
from xmppd.jid import JID
from xmppd.stream import header, sasl
from xmppd.stream.events import (
    Ask,
    Authenticated,
    Authorize,
    BindResource,
    Closed,
    Event,
    OpenRequest,
    Question,
    Reject,
    Send,
    StartCompression,
    StartTLS,
)
from xmppd.stream.features import Feature, offered
from xmppd.stream.states import INPUTS, Fact, Input, State, step
from xmppd.wire import build, faults, tree
from xmppd.wire.build import Raw, Tag
from xmppd.wire.framer import Frame, Framer, Limits, StreamClose, StreamOpen
from xmppd.wire.stanza import Nonza, Stanza

_BIND = f"{ns.BIND} bind"
_ERROR = f"{ns.STREAM} error"
_NOT_HELD_AGAINST = ("temporary-auth-failure", "aborted")


class Policy(NamedTuple):
    """What the server grants to client streams of one listener; shared by all of them."""

    domains: Collection[str]
    """The domains served; the first is the default."""
    features: tuple[Feature, ...]
    mechanisms: Collection[str]
    """Names of the SASL mechanisms switched on."""
    anonymous: Collection[str] = ()
    """Domains where ANONYMOUS is offered, and nothing else."""
    before: Limits = Limits(stanza=16_384)
    """Limits until the client has authenticated."""
    after: Limits = Limits()
    max_attempts: int = 3
    """Failed authentications until the stream is closed."""
    switches: Fact = Fact(0)
    """Which of COMPRESSION, REGISTRATION and LEGACY_AUTH are on."""
    tls_required: bool = True
    plaintext_allowed: bool = False
    """PLAIN may run without TLS."""
    open_requests: Collection[str] = ()
    """Payloads of the IQs that a client may send before it has logged in."""


class TLSFacts(NamedTuple):
    """What TLS says of a connection."""

    channel_bindings: Mapping[str, bytes]
    certificate: tuple[tuple[str, str], ...]
    """Identities of the verified client certificate (see `sasl.Context`)."""


def _no_tls() -> TLSFacts:
    return TLSFacts({}, ())


class ClientStream:
    """One client stream from its first byte to its last.

    Feed it with `receive`; answer each `Ask` with `answer` or `refuse`. All three yield events.
    """

    __slots__ = (
        "_attempts",
        "_exchange",
        "_header",
        "_header_sent",
        "_offered",
        "_question",
        "_reading",
        "_request",
        "_tls",
        "_username",
        "domain",
        "facts",
        "framer",
        "id",
        "jid",
        "lang",
        "policy",
        "sasl_failed",
        "state",
        "version",
    )

    def __init__(self, policy: Policy, *, tls_available: bool, secure: bool = False) -> None:
        self.policy = policy
        self.framer = Framer(policy.before, halting=True)
        self.state = State.EXPECT_HEADER
        self.facts = policy.switches
        if tls_available:
            self.facts |= Fact.TLS_AVAILABLE
        if not policy.tls_required:
            self.facts |= Fact.MAY_AUTHENTICATE
        self.id = ""
        self.domain = next(iter(policy.domains))
        self.jid: JID | None = None
        """The bare JID once authenticated, the full JID once bound."""
        self.lang = ""
        self.version = (1, 0)
        self.sasl_failed = False
        """Whether an attempt at SASL has failed on this stream (XEP-0078 §3.1)."""
        self._header: header.Header | None = None
        self._header_sent = False
        self._attempts = 0
        self._exchange: sasl.Exchange | None = None
        self._username = ""
        self._offered: tuple[str, ...] = ()
        self._question: Question | None = None
        self._reading = False
        self._request: Stanza | None = None
        self._tls: Callable[[], TLSFacts] = _no_tls
        if secure:
            self.secured(_no_tls)

    # ------------------------------------------------------------------ going in

    def receive(self, data: bytes) -> Iterator[Event]:
        """Take bytes from the client; they are kept while an answer is owed."""
        try:
            if self._question is not None:
                self.framer.keep(data)
                return
            self._reading = True
            frames = self.framer.feed(data)
            while True:
                for frame in frames:
                    if self.state is State.BOUND and frame.__class__ is Stanza:
                        yield frame
                    elif self.state is not State.CLOSED:
                        yield from self._on_frame(frame)
                if self._question is not None or not self.framer.unread:
                    return
                frames = self.framer.feed(b"")
        except StreamError as error:
            yield from self.fail(error)
        finally:
            self._reading = False

    def _read_on(self) -> Iterator[Event]:
        """Read what came while an answer was owed.

        An answer that is given at once leaves that to the `receive` that asked: a client that
        sends a thousand requests in one segment must not make a thousand calls deep.
        """
        if not self._reading:
            yield from self.receive(b"")

    def on_frame(self, frame: Frame) -> Iterator[Event]:
        """Take a frame that `framer` has cut already; one that is too late is dropped."""
        try:
            if self.state is not State.CLOSED:
                yield from self._on_frame(frame)
        except StreamError as error:
            yield from self.fail(error)

    def answer(self, value: Any) -> Iterator[Event]:
        """Answer the question that was asked."""
        question, self._question = self._question, None
        if self.state is State.CLOSED:
            return
        try:
            if isinstance(question, BindResource):
                yield from self._bind_done(value)
            elif isinstance(question, OpenRequest):
                yield from self._replied(value)
            elif isinstance(question, Reject):
                yield from self._sasl_failed(question.failure)
            elif isinstance(question, Authorize):
                yield from self._authorized(question.success, value)
            else:
                yield from self._sasl(lambda exchange: exchange.answer(value))
            yield from self._read_on()
        except StreamError as error:
            yield from self.fail(error)

    def refuse(self, error: SASLFailure | StanzaError) -> Iterator[Event]:
        """Answer the question that was asked with a refusal."""
        question, self._question = self._question, None
        if self.state is State.CLOSED:
            return
        try:
            if isinstance(question, OpenRequest) and isinstance(error, StanzaError):
                yield from self._replied(faults.stanza_error(question.stanza, error))
                self._check_attempts()
            elif isinstance(error, StanzaError):
                yield from self._bind_refused(error)
            elif isinstance(question, Authorize):
                yield from self._sasl_rejected(error)
            elif isinstance(question, Reject):
                yield from self._sasl_failed(error)
            else:
                yield from self._sasl(lambda exchange: exchange.fail(error))
            yield from self._read_on()
        except StreamError as stream_error:
            yield from self.fail(stream_error)

    def secured(self, tls: Callable[[], TLSFacts]) -> None:
        """TLS is in place; `tls` tells what it says of the connection, asked once if at all."""
        self._tls = cache(tls)
        self.facts |= Fact.SECURE | Fact.MAY_AUTHENTICATE

    def fail(self, error: StreamError) -> Iterator[Event]:
        """End the stream with `error` (RFC 6120 §4.9.1)."""
        # The frames of a traceback hold the stream, and the error would be held by them.
        error.__traceback__ = error.__context__ = None
        if self.state is State.CLOSED:
            return
        opening = b"" if self._header_sent else self._opening(self.version, None)
        yield from self._close(opening + faults.stream_error(error), error)

    def close(self) -> Iterator[Event]:
        """End the stream in peace (RFC 6120 §4.4)."""
        if self.state is not State.CLOSED:
            yield from self._close(b"", None)

    def admit(self, jid: JID) -> Iterator[Event]:
        """The client has authenticated by other means than SASL (XEP-0078), as bare `jid`."""
        self._be(jid)
        yield Authenticated(jid)

    def attempt_failed(self) -> None:
        """Count a failed authentication; the stream ends once the client has read of the last."""
        self._attempts += 1

    def lost(self) -> None:
        """The connection is gone: nothing is sent any more, and no answer is waited for."""
        self.state = step(self.state, Input.CLOSE)
        self.framer.close()

    def bound(self, jid: JID) -> None:
        """Full `jid` is bound to this stream: from here on stanzas pass."""
        self.jid = jid
        self.state = State.BOUND
        self.facts |= Fact.BOUND
        self.framer.halting = False

    # ------------------------------------------------------------------ frames

    def _on_frame(self, frame: Frame) -> Iterator[Event]:
        if isinstance(frame, StreamOpen):
            yield from self._on_header(frame)
        elif isinstance(frame, Nonza):
            yield from self._on_nonza(frame)
        elif isinstance(frame, StreamClose):
            yield from self._close(b"", None)
        elif isinstance(frame, Stanza):
            yield from self._on_early_stanza(frame)
        else:
            raise frame

    def _on_nonza(self, nonza: Nonza) -> Iterator[Event]:
        moved_by = INPUTS.get(nonza.name)
        if moved_by is None:
            if nonza.name == _ERROR:  # the client has given up: nothing to add (§4.9.1.1)
                yield from self._close(b"", None)
                return
            if self.facts & Fact.AUTHENTICATED:
                yield nonza
                return
            raise _unsupported(nonza)
        # An answer of the client leaves the state to what the exchange says to it.
        if moved_by is not Input.STARTTLS and moved_by is not Input.COMPRESS:
            self.state = step(self.state, moved_by)
        yield from _ACTIONS[moved_by](self, nonza)

    def _on_early_stanza(self, stanza: Stanza) -> Iterator[Event]:
        """A stanza before there is a session (RFC 6120 §7.1, §4.9.3.12)."""
        payload = stanza.children[0] if len(stanza.children) == 1 else ""
        request = stanza.kind == "iq" and stanza.type in ("get", "set")
        if self.facts & Fact.AUTHENTICATED and stanza.type == "set" and payload == _BIND:
            yield from self._on_bind(stanza)
        elif (
            request
            and not self.facts & Fact.AUTHENTICATED
            and self.state is State.NEGOTIATING
            and payload in self.policy.open_requests
        ):
            # Their features are offered on the same terms as the mechanisms.
            if not self.facts & Fact.MAY_AUTHENTICATE:
                raise StreamError("policy-violation", reason="tls.required")
            yield from self._ask(OpenRequest(stanza))
        else:
            raise StreamError("not-authorized", reason="stream.not-authorized")

    def _ask(self, question: Question) -> Iterator[Event]:
        """Wait until `question` is answered; nothing more is read meanwhile."""
        self._question = question
        if self.state is not State.WAITING:
            self.state = step(self.state, Input.ASK)
        yield Ask(question)

    def _replied(self, reply: Stanza) -> Iterator[Event]:
        if self.state is State.WAITING:  # else the request has bound a resource (XEP-0078)
            self.state = step(self.state, Input.ANSWER)
        yield Send(reply.render())

    # ------------------------------------------------------------------ headers

    def _on_header(self, frame: StreamOpen) -> Iterator[Event]:
        self.state = step(self.state, Input.HEADER)
        opened = header.read(frame)
        self.version = opened.version
        self.lang = opened.lang
        self._header = opened
        self._check_domain(opened)
        yield Send(self._opening(opened.version, opened.sender))
        if opened.version >= (1, 0):
            yield Send(self._features())

    def _check_domain(self, opened: header.Header) -> None:
        """The domain must be ours, and what authentication pinned stays (RFC 6120 §4.9.3.6)."""
        if self.jid is not None:
            if opened.to not in ("", self.jid.domain):
                raise StreamError("not-authorized", reason="stream.pinned")
            if opened.sender is not None and opened.sender.bare != self.jid.bare:
                raise StreamError("invalid-from", reason="stream.pinned")
            return
        if not opened.to and opened.version >= (1, 0):
            raise StreamError("improper-addressing", "no `to`", reason="stream.header")
        if opened.to and opened.to not in self.policy.domains:
            raise StreamError("host-unknown", reason="stream.host-unknown")
        self.domain = opened.to or self.domain

    def _opening(self, version: tuple[int, int], to: JID | None) -> bytes:
        self._header_sent = True
        self.id = secrets.token_urlsafe(12)
        return header.write(domain=self.domain, stream_id=self.id, version=version, to=to)

    def _features(self) -> bytes:
        tags = [f.render(self) for f in offered(self.policy.features, self.facts)]
        return Tag("stream:features", {}, [tag for tag in tags if tag is not None]).render()

    def _restart(self) -> None:
        """The peer opens a new stream over the same connection (RFC 6120 §4.3.3)."""
        self.framer.restart()
        self._header_sent = False
        self.state = State.EXPECT_HEADER

    def _close(self, last_words: bytes, error: StreamError | None) -> Iterator[Event]:
        self.state = step(self.state, Input.CLOSE)
        opening = b"" if self._header_sent else self._opening(self.version, None)
        self.framer.close()
        self._exchange = self._request = None
        yield Send(opening + last_words + header.CLOSE)
        yield Closed(error)

    # ------------------------------------------------------------------ STARTTLS, compression

    def _on_starttls(self, nonza: Nonza) -> Iterator[Event]:
        if not self._on_offer("starttls"):
            yield from self._close(Tag("failure", ns=ns.TLS).render(), None)
            return
        if self.framer.discard():
            raise StreamError("policy-violation", reason="tls.injection")
        step(self.state, Input.STARTTLS)
        yield Send(Tag("proceed", ns=ns.TLS).render())
        self._restart()
        yield StartTLS(self.domain)

    def _on_compress(self, nonza: Nonza) -> Iterator[Event]:
        method = tree.child_text(nonza.element, f"{{{ns.COMPRESS}}}method")
        problem = None
        if not self._on_offer("compression"):
            problem = "setup-failed"
        elif method != "zlib":
            problem = "unsupported-method"
        if problem:
            yield Send(Tag("failure", {}, [Tag(problem)], ns=ns.COMPRESS).render())
            return
        if self.framer.discard():
            raise StreamError("policy-violation", "compressed already?", reason="stream.element")
        step(self.state, Input.COMPRESS)
        yield Send(Tag("compressed", ns=ns.COMPRESS).render())
        self.facts |= Fact.COMPRESSED
        self._restart()
        yield StartCompression()

    def _on_offer(self, name: str) -> bool:
        return any(f.name == name for f in offered(self.policy.features, self.facts))

    # ------------------------------------------------------------------ SASL

    def sasl_context(self) -> sasl.Context:
        """What the mechanisms may know of this stream."""
        tls = self._tls()
        return sasl.Context(
            domain=self.domain,
            secure=bool(self.facts & Fact.SECURE),
            plaintext_allowed=self.policy.plaintext_allowed,
            anonymous=self.domain in self.policy.anonymous,
            channel_bindings=tls.channel_bindings,
            certificate=tls.certificate,
            offered=self._offered,
        )

    def mechanisms(self) -> tuple[sasl.Mechanism, ...]:
        """The mechanisms on offer now; only these are accepted (RFC 6120 §6.3.3)."""
        allowed = self.policy.mechanisms
        if self.domain in self.policy.anonymous:
            allowed = ("ANONYMOUS",)
        found = sasl.offered(self.sasl_context(), allowed)
        self._offered = tuple(m.name for m in found)
        return found

    def _on_auth(self, nonza: Nonza) -> Iterator[Event]:
        if self.facts & Fact.AUTHENTICATED:
            raise StreamError("policy-violation", reason="stream.element")
        try:
            mechanism = self._mechanism(nonza.attrs.get("mechanism", ""))
            initial = sasl.decode_initial(nonza.text)
        except SASLFailure as failure:
            yield from self._sasl_failed(failure)
            return
        self._exchange = sasl.Exchange(mechanism, self.sasl_context())
        yield from self._sasl(lambda exchange: exchange.start(initial))

    def _mechanism(self, name: str) -> sasl.Mechanism:
        if not self.facts & Fact.MAY_AUTHENTICATE:
            raise SASLFailure("encryption-required", reason="tls.required")
        for mechanism in self.mechanisms():
            if mechanism.name == name:
                return mechanism
        raise SASLFailure("invalid-mechanism", reason="auth.mechanism")

    def _on_response(self, nonza: Nonza) -> Iterator[Event]:
        try:
            data = sasl.decode_response(nonza.text)
        except SASLFailure as failure:
            yield from self._sasl_failed(failure)
            return
        yield from self._sasl(lambda exchange: exchange.respond(data))

    def _on_abort(self, nonza: Nonza) -> Iterator[Event]:
        yield from self._sasl_failed(SASLFailure("aborted", reason="auth.aborted"))

    def _sasl(
        self, move: Callable[[sasl.Exchange], sasl.Request | sasl.Success]
    ) -> Iterator[Event]:
        """Move the exchange on and do what it asks for."""
        exchange = self._exchange
        if exchange is None:
            raise StreamError("policy-violation", reason="stream.element")
        try:
            request = move(exchange)
        except SASLFailure as failure:
            yield from self._sasl_rejected(failure)
            return
        if isinstance(request, sasl.Challenge):
            self.state = step(self.state, Input.CHALLENGE)
            yield Send(Tag("challenge", {}, sasl.encode(request.data), ns=ns.SASL).render())
            return
        self._username = request.username
        question = Authorize(request) if isinstance(request, sasl.Success) else request
        yield from self._ask(question)

    def _sasl_rejected(self, failure: SASLFailure) -> Iterator[Event]:
        """The exchange has failed: tell so when the time has come."""
        self._exchange = None
        if failure.condition in _NOT_HELD_AGAINST:
            yield from self._sasl_failed(failure)
        else:
            yield from self._ask(Reject(self._username, failure))

    def _sasl_failed(self, failure: SASLFailure) -> Iterator[Event]:
        self._exchange = None
        if self.state is not State.NEGOTIATING:
            self.state = step(self.state, Input.FAILURE)
        yield Send(faults.sasl_failure(failure))
        # What is not the client's fault does not count against it.
        self.sasl_failed = True
        if failure.condition not in _NOT_HELD_AGAINST:
            self.attempt_failed()
            self._check_attempts()

    def _check_attempts(self) -> None:
        if self._attempts >= self.policy.max_attempts:
            raise StreamError("policy-violation", reason="auth.retries")

    def _authorized(self, success: sasl.Success, jid: JID) -> Iterator[Event]:
        self.state = step(self.state, Input.SUCCESS)
        self._exchange = None
        self._be(jid)
        text = sasl.encode_success(success.data)
        yield Send(Tag("success", {}, text, ns=ns.SASL).render())
        self._restart()
        yield Authenticated(jid)

    def _be(self, jid: JID) -> None:
        self.jid = jid
        self.facts |= Fact.AUTHENTICATED
        self.framer.limits = self.policy.after

    # ------------------------------------------------------------------ binding

    def _on_bind(self, stanza: Stanza) -> Iterator[Event]:
        self._request = stanza
        bind = stanza.element[0]
        resource = tree.child_text(bind, f"{{{ns.BIND}}}resource") or ""
        yield from self._ask(BindResource(resource))

    def _bind_done(self, jid: JID) -> Iterator[Event]:
        request, self._request = self._request, None
        assert request is not None
        self.state = step(self.state, Input.BOUND)
        self.bound(jid)
        content = Tag("bind", {}, [Tag("jid", {}, jid)], ns=ns.BIND)
        yield Send(_reply(request, "result", content))

    def _bind_refused(self, error: StanzaError) -> Iterator[Event]:
        request, self._request = self._request, None
        assert request is not None
        self.state = step(self.state, Input.ANSWER)
        yield Send(faults.stanza_error(request, error).render())


def _reply(request: Stanza, kind: str, *content: Tag | Raw) -> bytes:
    return build.stanza("iq", {"type": kind, "id": request.id}, *content).render()


def _unsupported(nonza: Nonza) -> StreamError:
    condition = "invalid-namespace" if not nonza.namespace else "unsupported-stanza-type"
    return StreamError(condition, reason="stream.element")


_ACTIONS: dict[Input, Callable[[ClientStream, Nonza], Iterator[Event]]] = {
    Input.STARTTLS: ClientStream._on_starttls,
    Input.COMPRESS: ClientStream._on_compress,
    Input.AUTH: ClientStream._on_auth,
    Input.RESPONSE: ClientStream._on_response,
    Input.ABORT: ClientStream._on_abort,
}
