"""A client's stream, server side, without any I/O (RFC 6120 §4–§7).

Bytes and answers go in, events come out, as generators: whoever drives it acts on each event
before the next is computed, so an element that ends the stream ends it at once. Which
element moves it where stands in states.py, what it offers in features.py.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

from xmppd import ns
from xmppd.errors import SASLFailure, StanzaError, StreamError
from xmppd.jid import JID, JIDError
from xmppd.stream import header, sasl
from xmppd.stream.authentication import Authentication, Move
from xmppd.stream.events import (
    Ask,
    Authenticated,
    Authorize,
    BindResource,
    Bound,
    Closed,
    EarlyNonza,
    Ending,
    Event,
    Failed,
    Offered,
    Opening,
    OpenRequest,
    Passed,
    Question,
    Send,
    Spoken,
    StartCompression,
    StartTLS,
)
from xmppd.stream.features import offered
from xmppd.stream.policy import NO_TLS, Policy, TLSFacts
from xmppd.stream.states import INPUTS, Fact, Input, State, step
from xmppd.wire import build, faults, tree
from xmppd.wire.build import Tag
from xmppd.wire.framer import Framer
from xmppd.wire.frames import Frame, StreamClose, StreamOpen
from xmppd.wire.stanza import Nonza, Stanza

_BIND = f"{ns.BIND} bind"
_ERROR = f"{ns.STREAM} error"


class ClientStream:
    """One client stream from its first byte to its last.

    Feed it with `receive`; answer each `Ask` with `answer` or `refuse`. All three yield events.
    """

    __slots__ = (
        "_header_sent",
        "_question",
        "_reading",
        "authentication",
        "domain",
        "facts",
        "framer",
        "id",
        "jid",
        "lang",
        "policy",
        "state",
        "tls",
        "version",
    )

    def __init__(self, policy: Policy, *, tls_available: bool, secure: bool = False) -> None:
        self.policy = policy
        self.framer = Framer(policy.before, halting=True, parsers=policy.parsers)
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
        self.authentication = Authentication(policy)
        self._header_sent = False
        self._question: Question | EarlyNonza | None = None
        self._reading = False
        self.tls: Callable[[], TLSFacts] = lambda: NO_TLS
        """What TLS says of the connection; asked once, and only when somebody asks here."""
        if secure:
            self.secured(self.tls)

    # ------------------------------------------------------------------ going in

    def receive(self, data: bytes, *, ends: bool | None = None) -> Iterator[Event]:
        """Take bytes from the client; they are kept while an answer is owed.

        `ends`: they are a piece of one element (`Framer.feed_piece`).
        """
        try:
            if self._question is not None:
                self.framer.keep(data)
                return
            self._reading = True
            framer = self.framer
            frames = framer.feed(data) if ends is None else framer.feed_piece(data, ends=ends)
            while True:
                for index, frame in enumerate(frames):
                    if self.state is State.BOUND:
                        yield Passed(frames[index:])
                        break
                    if self.state is not State.CLOSED:
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
                yield from self._bind_done(question.stanza, value)
            elif isinstance(question, OpenRequest):
                yield from self._replied(value)
            elif isinstance(question, EarlyNonza):
                self._went_on(value)
            elif isinstance(question, Authorize):
                yield from self._authorized(question.success, value)
            elif question is not None:
                yield from self._sasl(self.authentication.answer(question, value))
            yield from self._read_on()
        except StreamError as error:
            yield from self.fail(error)

    def refuse(self, error: SASLFailure | StanzaError) -> Iterator[Event]:
        """Answer the question that was asked with a refusal."""
        question, self._question = self._question, None
        if self.state is State.CLOSED:
            return
        try:
            if isinstance(question, OpenRequest | BindResource) and isinstance(error, StanzaError):
                yield from self._replied(faults.stanza_error(question.stanza, error))
                self.authentication.check()
            elif not isinstance(question, EarlyNonza | None) and isinstance(error, SASLFailure):
                yield from self._sasl(self.authentication.refuse(question, error))
            yield from self._read_on()
        except StreamError as stream_error:
            yield from self.fail(stream_error)

    def secured(self, tls: Callable[[], TLSFacts]) -> None:
        """TLS is in place; `tls` tells what it says of the connection, asked once if at all."""
        self.tls = cache(tls)
        self.facts |= Fact.SECURE | Fact.MAY_AUTHENTICATE

    def fail(self, error: StreamError) -> Iterator[Event]:
        """End the stream with `error` (RFC 6120 §4.9.1)."""
        # The frames of a traceback hold the stream, and the error would be held by them.
        error.__traceback__ = error.__context__ = None
        if self.state is State.CLOSED:
            return
        yield from self._close(Failed(error), error)

    def close(self) -> Iterator[Event]:
        """End the stream in peace (RFC 6120 §4.4)."""
        if self.state is not State.CLOSED:
            yield from self._close()

    def admit(self, jid: JID) -> Iterator[Event]:
        """The client has logged in and bound full `jid` by other means than SASL (XEP-0078).

        Stanzas pass once the request that did it has been answered.
        """
        self._be(jid)
        self.facts |= Fact.BOUND
        yield Authenticated(jid.bare)

    def lost(self) -> None:
        """The connection is gone: nothing is sent any more, and no answer is waited for."""
        self.state = step(self.state, Input.CLOSE)
        self.framer.close()

    # ------------------------------------------------------------------ frames

    def _on_frame(self, frame: Frame) -> Iterator[Event]:
        if isinstance(frame, StreamOpen):
            yield from self._on_header(frame)
        elif isinstance(frame, Nonza):
            yield from self._on_nonza(frame)
        elif isinstance(frame, StreamClose):
            yield from self._close()
        elif isinstance(frame, Stanza):
            yield from self._on_early_stanza(frame)
        else:
            raise frame

    def _on_nonza(self, nonza: Nonza) -> Iterator[Event]:
        moved_by = INPUTS.get(nonza.name)
        if moved_by is None:
            if nonza.name == _ERROR:  # the client has given up: nothing to add (§4.9.1.1)
                yield from self._close()
                return
            if self.facts & Fact.BOUND:
                yield nonza
                return
            if not nonza.namespace:
                raise StreamError("invalid-namespace", reason="stream.element")
            if self.state is not State.NEGOTIATING:
                raise StreamError("unsupported-stanza-type", reason="stream.element")
            self.authentication.count_request()
            yield from self._ask(EarlyNonza(nonza))
            return
        # These two leave the state as it is where they are refused.
        if moved_by is not Input.STARTTLS and moved_by is not Input.COMPRESS:
            self.state = step(self.state, moved_by)
        yield from _ACTIONS[moved_by](self, nonza)

    def _on_early_stanza(self, stanza: Stanza) -> Iterator[Event]:
        """A stanza before there is a session (RFC 6120 §7.1, §4.9.3.12)."""
        self.authentication.count_request()
        payload = stanza.children[0] if len(stanza.children) == 1 else ""
        request = stanza.kind == "iq" and stanza.type in ("get", "set")
        if self.facts & Fact.AUTHENTICATED:
            header.check_from(stanza.attrs.get("from"), self.jid)
            if not (
                request and stanza.type == "set" and payload == _BIND and self._is_ours(stanza)
            ):
                raise StreamError("not-authorized", reason="stream.not-authorized")
            yield from self._on_bind(stanza)
        elif request and self.state is State.NEGOTIATING and payload in self.policy.open_requests:
            # Their features are offered on the same terms as the mechanisms.
            if not self.facts & Fact.MAY_AUTHENTICATE:
                raise StreamError("policy-violation", reason="tls.required")
            yield from self._ask(OpenRequest(stanza))
        else:
            raise StreamError("not-authorized", reason="stream.not-authorized")

    def _is_ours(self, stanza: Stanza) -> bool:
        """Whether it is for the server or the client's own account, as a bind has to be (§7.1)."""
        try:
            to = JID.parse(stanza.attrs.get("to", self.domain))
        except JIDError:
            return False
        return to in (self.domain, self.jid)

    def _ask(self, question: Question | EarlyNonza) -> Iterator[Event]:
        """Wait until `question` is answered; nothing more is read meanwhile."""
        self._question = question
        self.state = step(self.state, Input.ASK)
        yield Ask(question)

    def _replied(self, reply: Stanza) -> Iterator[Event]:
        if self.facts & Fact.BOUND:  # from here on stanzas pass
            self.state = step(self.state, Input.BOUND)
            self.framer.halting = False
        else:
            self.state = step(self.state, Input.ANSWER)
        yield Send(reply.render())
        if self.state is State.BOUND:
            yield Bound()

    def _went_on(self, jid: JID | None) -> None:
        """Go on with the session of `jid`, if there is one (XEP-0198 §5)."""
        if jid is None:
            self.state = step(self.state, Input.ANSWER)
            return
        self.jid = jid
        self.facts |= Fact.BOUND
        self.state = step(self.state, Input.BOUND)
        self.framer.halting = False

    # ------------------------------------------------------------------ headers

    def _on_header(self, frame: StreamOpen) -> Iterator[Event]:
        self.state = step(self.state, Input.HEADER)
        try:
            self.version = header.version(frame)
            opened = header.read(frame)
            self.lang = opened.lang
            header.check(opened, self.policy.domains, self.jid)
        except StreamError:  # who said who it is is told so all the same (§4.7.2, §4.9.1.3)
            yield self._opening(header.claimed(frame))
            raise
        self.domain = opened.to or self.domain
        yield self._opening(opened.sender)
        if self.version >= (1, 0):
            yield Offered(self._features())

    def _opening(self, to: JID | None) -> Opening:
        self._header_sent = True
        self.id = secrets.token_hex(12)
        return Opening(self.domain, self.id, self.version, to)

    def _features(self) -> bytes:
        facts = self.facts
        if self.domain in self.policy.anonymous:  # nobody has an account there
            facts &= ~(Fact.REGISTRATION | Fact.LEGACY_AUTH)
        tags = [f.render(self) for f in offered(self.policy.features, facts)]
        return build.render(tag for tag in tags if tag is not None)

    def _restart(self) -> None:
        """The peer opens a new stream over the same connection (RFC 6120 §4.3.3)."""
        self.framer.restart()
        self.authentication.restart()
        self._header_sent = False

    def _close(
        self, last_words: Spoken | None = None, error: StreamError | None = None
    ) -> Iterator[Event]:
        self.state = step(self.state, Input.CLOSE)
        self._question = None  # nothing that still comes is kept for an answer
        self.framer.close()
        self.authentication.stop()
        if not self._header_sent:
            yield self._opening(None)
        if last_words is not None:
            yield last_words
        yield Ending()
        yield Closed(error)

    # ------------------------------------------------------------------ STARTTLS, compression

    def _on_starttls(self, nonza: Nonza) -> Iterator[Event]:
        if not self._on_offer("starttls"):
            yield from self._close(Send(Tag("failure", ns=ns.TLS).render()))
            return
        if self.framer.discard():
            raise StreamError("policy-violation", reason="tls.injection")
        self.state = step(self.state, Input.STARTTLS)
        yield Send(Tag("proceed", ns=ns.TLS).render())
        self._restart()
        yield StartTLS(self.domain)

    def _on_compress(self, nonza: Nonza) -> Iterator[Event]:
        self.authentication.count_request()
        method = tree.child_text(nonza.element, f"{{{ns.COMPRESS}}}method")
        problem = "" if method == "zlib" else "unsupported-method"
        if not self._on_offer("compression"):
            problem = "setup-failed"
        if problem:
            yield Send(Tag("failure", {}, [Tag(problem)], ns=ns.COMPRESS).render())
            return
        if self.framer.discard():
            raise StreamError("policy-violation", "compressed already?", reason="stream.element")
        self.state = step(self.state, Input.COMPRESS)
        yield Send(Tag("compressed", ns=ns.COMPRESS).render())
        self.facts |= Fact.COMPRESSED
        self._restart()
        yield StartCompression()

    def _on_offer(self, name: str) -> bool:
        return any(f.name == name for f in offered(self.policy.features, self.facts))

    # ------------------------------------------------------------------ SASL

    @property
    def may_carry_passwords(self) -> bool:
        """Whether a password may come as it is: inside TLS, or where the policy allows it."""
        return bool(self.facts & Fact.SECURE) or self.policy.plaintext_allowed

    def sasl_context(self) -> sasl.Context:
        """What the mechanisms may know of this stream."""
        secure = bool(self.facts & Fact.SECURE)
        return self.authentication.context(self.domain, secure=secure, tls=self.tls())

    def mechanisms(self) -> tuple[sasl.Mechanism, ...]:
        """The mechanisms on offer now; only these are accepted (RFC 6120 §6.3.3)."""
        return self.authentication.offer(self.sasl_context())

    def _on_auth(self, nonza: Nonza) -> Iterator[Event]:
        if self.facts & Fact.AUTHENTICATED:
            raise StreamError("policy-violation", reason="stream.element")
        if self.facts & Fact.MAY_AUTHENTICATE:
            move = self.authentication.begin(nonza, self.sasl_context())
        else:
            failure = SASLFailure("encryption-required", reason="tls.required")
            move = self.authentication.fail(failure)
        yield from self._sasl(move)

    def _sasl(self, move: Move) -> Iterator[Event]:
        """Go where the authentication goes."""
        if isinstance(move.event, Ask):
            yield from self._ask(move.event.question)
            return
        self.state = step(self.state, move.moved_by)
        yield move.event
        if move.moved_by is Input.FAILURE:
            self.authentication.check()

    def _authorized(self, success: sasl.Success, jid: JID) -> Iterator[Event]:
        self._be(jid)
        yield from self._sasl(self.authentication.succeed(success))
        self._restart()
        yield Authenticated(jid)

    def _be(self, jid: JID) -> None:
        self.jid = jid
        self.facts |= Fact.AUTHENTICATED
        self.framer.limits = self.policy.after

    # ------------------------------------------------------------------ binding

    def _on_bind(self, stanza: Stanza) -> Iterator[Event]:
        if "id" not in stanza.attrs:  # RFC 6120 §8.2.3, rule 1
            error = StanzaError("bad-request", "an IQ needs an id", reason="stanza.iq-id")
            yield Send(faults.stanza_error(stanza, error).render())
            return
        resource = tree.child_text(stanza.element[0], f"{{{ns.BIND}}}resource") or ""
        yield from self._ask(BindResource(stanza, resource))

    def _bind_done(self, request: Stanza, jid: JID) -> Iterator[Event]:
        self.jid = jid
        self.facts |= Fact.BOUND
        content = Tag("bind", {}, [Tag("jid", {}, jid)], ns=ns.BIND)
        yield from self._replied(build.stanza("iq", {"type": "result", "id": request.id}, content))


_ACTIONS: dict[Input, Callable[[ClientStream, Nonza], Iterator[Event]]] = {
    Input.STARTTLS: ClientStream._on_starttls,
    Input.COMPRESS: ClientStream._on_compress,
    Input.AUTH: ClientStream._on_auth,
    Input.RESPONSE: lambda stream, nonza: stream._sasl(stream.authentication.respond(nonza)),
    Input.ABORT: lambda stream, nonza: stream._sasl(stream.authentication.abort()),
}
