"""A client's stream, server side, without any I/O (RFC 6120 §4–§7).

Bytes and answers go in, events come out, as generators: whoever drives it acts on each event
before the next is computed, so an element that ends the stream ends it at once. Which
element moves it where stands in states.py, what it offers in features.py.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection, Iterator
from functools import cache
from typing import Any

from xmppd import ns
from xmppd.errors import SASLFailure, StanzaError, StreamError
from xmppd.jid import JID
from xmppd.stream import header, sasl
from xmppd.stream.authentication import Authentication, Move
from xmppd.stream.events import (
    Ask,
    Authenticated,
    Authorize,
    BindResource,
    Closed,
    Event,
    OpenRequest,
    Question,
    Send,
    StartCompression,
    StartTLS,
)
from xmppd.stream.features import offered
from xmppd.stream.policy import NO_TLS, Policy, TLSFacts
from xmppd.stream.states import INPUTS, Fact, Input, State, step
from xmppd.wire import build, faults, tree
from xmppd.wire.build import Raw, Tag
from xmppd.wire.framer import Framer
from xmppd.wire.frames import Frame, StreamClose, StreamOpen
from xmppd.wire.limits import Limits
from xmppd.wire.stanza import Nonza, Stanza

_BIND = f"{ns.BIND} bind"
_ERROR = f"{ns.STREAM} error"


class ClientStream:
    """One client stream from its first byte to its last.

    Feed it with `receive`; answer each `Ask` with `answer` or `refuse`. All three yield events.
    """

    __slots__ = (
        "_header",
        "_header_sent",
        "_offered",
        "_question",
        "_reading",
        "_request",
        "_tls",
        "authentication",
        "domain",
        "facts",
        "framer",
        "id",
        "jid",
        "lang",
        "policy",
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
        self.authentication = Authentication(policy.max_attempts)
        self._header: header.Header | None = None
        self._header_sent = False
        self._offered: tuple[str, ...] = ()
        self._question: Question | None = None
        self._reading = False
        self._request: Stanza | None = None
        self._tls: Callable[[], TLSFacts] = lambda: NO_TLS
        if secure:
            self.secured(self._tls)

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
            if isinstance(question, OpenRequest) and isinstance(error, StanzaError):
                yield from self._replied(faults.stanza_error(question.stanza, error))
                self.authentication.check()
            elif isinstance(error, StanzaError):
                yield from self._bind_refused(error)
            elif question is not None:
                yield from self._sasl(self.authentication.refuse(question, error))
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
        # These two leave the state as it is where they are refused.
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
        self.state = step(self.state, Input.ASK)
        yield Ask(question)

    def _replied(self, reply: Stanza) -> Iterator[Event]:
        if self.facts & Fact.BOUND:  # the request has logged the client in (XEP-0078)
            self._bound()
        else:
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
        self.authentication.stop()
        self._request = None
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
            email_accounts=self.policy.email_certificates,
        )

    def mechanisms(self) -> tuple[sasl.Mechanism, ...]:
        """The mechanisms on offer now; only these are accepted (RFC 6120 §6.3.3)."""
        found = sasl.offered(self.sasl_context(), self._allowed())
        self._offered = tuple(m.name for m in found)
        return found

    def _allowed(self) -> Collection[str]:
        return ("ANONYMOUS",) if self.domain in self.policy.anonymous else self.policy.mechanisms

    def _on_auth(self, nonza: Nonza) -> Iterator[Event]:
        if self.facts & Fact.AUTHENTICATED:
            raise StreamError("policy-violation", reason="stream.element")
        authentication = self.authentication
        if self.facts & Fact.MAY_AUTHENTICATE:
            move = authentication.begin(nonza, self.sasl_context(), self._allowed())
        else:
            move = authentication.fail(SASLFailure("encryption-required", reason="tls.required"))
        yield from self._sasl(move)

    def _on_response(self, nonza: Nonza) -> Iterator[Event]:
        yield from self._sasl(self.authentication.respond(nonza))

    def _on_abort(self, nonza: Nonza) -> Iterator[Event]:
        yield from self._sasl(self.authentication.abort())

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
        self._request = stanza
        bind = stanza.element[0]
        resource = tree.child_text(bind, f"{{{ns.BIND}}}resource") or ""
        yield from self._ask(BindResource(resource))

    def _bind_done(self, jid: JID) -> Iterator[Event]:
        request, self._request = self._request, None
        assert request is not None
        self.jid = jid
        self._bound()
        content = Tag("bind", {}, [Tag("jid", {}, jid)], ns=ns.BIND)
        yield Send(_reply(request, "result", content))

    def _bound(self) -> None:
        """A resource is bound: from here on stanzas pass."""
        self.state = step(self.state, Input.BOUND)
        self.facts |= Fact.BOUND
        self.framer.halting = False

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
