"""A client's connection: its stream, the answers the stream waits for, its session.

It knows no socket. `Wire` is what carries it: TCP in `net/carrier.py`, and whatever else can take
bytes there and back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol

from twisted.internet.defer import CancelledError, Deferred, maybeDeferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from xmppd.core import journal
from xmppd.core.host import Host
from xmppd.core.iq import as_stanza_error, result, unhandled
from xmppd.core.residents import Resident
from xmppd.core.sessions import Session, choose_resource
from xmppd.errors import SASLFailure, StanzaError, StoreError, StreamError
from xmppd.jid import JID, JIDError
from xmppd.stream.events import (
    Ask,
    Authenticated,
    BindResource,
    Bound,
    Closed,
    EarlyNonza,
    Event,
    OpenRequest,
    Passed,
    Question,
    Reject,
    Spoken,
    StartCompression,
    StartTLS,
)
from xmppd.stream.policy import Policy, TLSFacts
from xmppd.stream.states import Fact, State
from xmppd.stream.stream import ClientStream
from xmppd.wire.frames import Frame
from xmppd.wire.stanza import Nonza, Stanza

log = Logger()


class Wire(Protocol):
    """What carries a client stream."""

    def write(self, data: bytes) -> None:
        """Send whole elements; never blocks, never raises."""

    def speak(self, spoken: Spoken) -> None:
        """Send what the stream says, spelled as it is done on this wire."""

    def start_tls(self, domain: str) -> None:
        """Begin TLS, once what was written is out."""

    def start_compression(self) -> None:
        """Compress from here on, both ways."""

    def tls_facts(self) -> TLSFacts:
        """What TLS says of the connection."""

    def authenticated(self) -> None:
        """The client has logged in: limits for strangers no longer apply."""

    def charge(self, octets: int) -> None:
        """Count octets against the client's rate as if it had sent them."""

    def unsent(self) -> int:
        """How many of the octets written the peer has not taken."""

    def pause(self) -> None:
        """Read nothing for now."""

    def resume(self) -> None:
        """Read on."""

    def close(self) -> None:
        """Close, once what was written is out."""


class ClientConnection:
    """Drives one `ClientStream` and holds the session that is bound to it."""

    __slots__ = (
        "_announced",
        "_backlog",
        "_gone",
        "_holds",
        "_pending",
        "_taking",
        "_timer",
        "_wire",
        "address",
        "host",
        "inlet",
        "session",
        "stream",
    )

    def __init__(
        self, host: Host, wire: Wire, policy: Policy, *, address: str, tls_available: bool
    ) -> None:
        self.host = host
        self._wire = wire
        self.address = address
        self.session: Session | None = None
        self._announced = False
        self._holds = 0
        self._backlog: list[Frame] = []
        self._taking = self._gone = False
        self.inlet: Callable[[Session, Stanza], None] = host.router.from_client
        self.stream = ClientStream(policy, tls_available=tls_available)
        self._pending: Deferred[Any] | None = None
        seconds = host.config.limits.negotiation_seconds
        self._timer: Any = host.clock.callLater(seconds, self._too_slow)
        host.connections.add(self)
        journal.opened(self)

    @property
    def who(self) -> str:
        """Whose stream it is: the JID that has logged in, or the domain it was opened to."""
        return self.stream.jid or self.stream.domain

    # ------------------------------------------------------------------ from the wire

    def receive(self, data: bytes, *, ends: bool | None = None) -> None:
        """Take bytes from the client; `ends`: a piece of one element (`Framer.feed_piece`)."""
        stream = self.stream
        try:
            if stream.state is State.BOUND:
                if self._holds:
                    stream.framer.keep(data)
                else:
                    framer = stream.framer
                    if ends is None:
                        self._take(framer.feed(data))
                    else:
                        self._take(framer.feed_piece(data, ends=ends))
            else:
                self._act(stream.receive(data, ends=ends))
        except StreamError as error:
            self.end(error)
        except Exception:  # noqa: BLE001 - a bug ends this stream, and no other
            self._bug(Failure())

    def secured(self) -> None:
        """The TLS handshake is done."""
        self.stream.secured(self._wire.tls_facts)

    def lost(self) -> None:
        """The wire is gone; what it has brought is acted on all the same."""
        if self._holds and self.session is not None:
            self._gone = True
        else:
            unfinished = self.stream.state is not State.CLOSED
            self.stream.lost()
            self._release(unfinished=unfinished)

    def hold(self) -> Callable[[], None]:
        """Take nothing more from the client until what is returned has been called.

        For what has to be in the store before whatever the client sends next.
        """
        self._holds += 1
        if self._holds == 1 and not self._taking:
            self._wire.pause()
        held = [self]

        def release() -> None:
            if held:
                held.pop()._let_go()

        return release

    def _let_go(self) -> None:
        self._holds -= 1
        if not self._holds and not self._taking:
            try:
                self._go_on()
            except Exception:  # noqa: BLE001 - a bug ends this stream, and no other
                self._bug(Failure())

    def _go_on(self) -> None:
        """Take what came while nothing was taken."""
        if self._backlog:
            frames, self._backlog = self._backlog, []
            self._take(frames)
        if not self._holds and self.stream.framer.unread and self.stream.state is State.BOUND:
            self.receive(b"")
        if self._holds:
            return
        if self._gone:
            self._gone = False
            self.lost()
        elif self.stream.state is not State.CLOSED:
            self._wire.resume()

    def end(self, error: StreamError) -> None:
        """End the stream with `error`."""
        self._act(self.stream.fail(error))

    # ------------------------------------------------------------------ from the stream

    def _take(self, frames: Sequence[Frame]) -> None:
        """Frames of a bound stream: the data path, with nothing between framer and router."""
        if self._backlog:  # it was held within a frame of the same read
            self._backlog.extend(frames)
            return
        taking, self._taking = self._taking, True
        for index, frame in enumerate(frames):
            session = self.session
            if self._holds:
                self._backlog.extend(frames[index:])
                break
            if frame.__class__ is Stanza and session is not None:
                try:
                    self.inlet(session, frame)
                except StreamError as error:
                    self.end(error)
            elif frame.__class__ is Nonza and (responder := self.host.nonzas.get(frame.name)):
                try:
                    responder(self, frame)
                except StreamError as error:
                    self.end(error)
            else:
                self._act(self.stream.on_frame(frame))
        self._taking = taking
        if self._holds and not taking:
            self._wire.pause()

    def _act(self, events: Iterable[Event]) -> None:
        for event in events:
            try:
                if isinstance(event, Spoken):
                    self._wire.speak(event)
                else:
                    self._act_rarely(event)
            except StreamError as error:
                self.end(error)

    def _act_rarely(self, event: Event) -> None:
        if isinstance(event, Ask):
            self._answer(event.question)
        elif isinstance(event, Passed):
            self._take(event.frames)
        elif isinstance(event, Closed):
            self._closed(event.error)
        elif isinstance(event, Nonza):
            self._on_nonza(event)
        elif isinstance(event, Authenticated):
            self._wire.authenticated()
        elif isinstance(event, Bound):
            self._announce()
        elif isinstance(event, StartTLS):
            self._wire.start_tls(event.domain)
        elif isinstance(event, StartCompression):
            self._wire.start_compression()

    def _on_nonza(self, nonza: Nonza) -> None:
        """An element of a client that has authenticated, whether or not it has bound a resource."""
        responder = self.host.nonzas.get(nonza.name)
        if responder is None:
            self.end(StreamError("unsupported-stanza-type", reason="stream.element"))
        else:
            responder(self, nonza)

    def _announce(self) -> None:
        """Tell of the session, now that its client knows of it."""
        if self.session is not None:
            self._announced = True
            self.host.hooks.session_bound(self.session)

    def _closed(self, error: StreamError | None) -> None:
        if error is not None:
            journal.ended(self, error)
        self._release()
        self._wire.close()

    def _release(self, *, unfinished: bool = False) -> None:
        """Let go of the session and the timer; may be called more than once.

        The client of a stream that is `unfinished` may come back (XEP-0198 §6).
        """
        if self in self.host.connections:
            journal.closed(self)
        self.host.connections.discard(self)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        session, self.session = self.session, None
        if session is not None:
            self._part(session, unfinished=unfinished)
        pending, self._pending = self._pending, None
        if pending is not None:
            pending.cancel()

    def _part(self, session: Session, *, unfinished: bool) -> None:
        host = self.host
        if not self._announced:
            if host.directory.unbind(session):
                host.residents.left(session.account)
        elif not (unfinished and session.away()):
            host.unbind(session)

    def detach(self) -> None:
        """Go on without the session, which another connection takes over."""
        self.session = None

    def adopt(self, session: Session) -> None:
        """Take over a session whose client has come back by this connection."""
        self.session = session
        self._announced = True
        session.write = self._wire.write
        session.end = self.end
        session.charge = self._wire.charge
        session.hold = self.hold
        session.unsent = self._wire.unsent
        session.address = self.address
        session.secure = bool(self.stream.facts & Fact.SECURE)
        session.lang = self.stream.lang
        session.attached = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        journal.bound(self, session.jid)

    def write(self, data: bytes) -> None:
        """Send bytes behind what was sent; nothing once the stream is closed."""
        if self.stream.state is not State.CLOSED:
            self._wire.write(data)

    def _too_slow(self) -> None:
        self._timer = None
        self.end(StreamError("connection-timeout", reason="stream.timeout"))

    # ------------------------------------------------------------------ answers

    def _answer(self, question: Question | EarlyNonza) -> None:
        later: Deferred[Any]
        if isinstance(question, Reject):
            journal.login_failed(self, *question)
        if isinstance(question, BindResource):
            later = Deferred.fromCoroutine(self._bind(question.resource))
            self._pending = None if later.called else later
        elif isinstance(question, EarlyNonza):
            later = Deferred.fromCoroutine(self._early(question.nonza))
        elif isinstance(question, OpenRequest):
            # It may be making an account: it goes on to its end whoever still listens.
            later = Deferred.fromCoroutine(self._respond(question.stanza))
        else:
            answer = self.host.authenticator.answer
            later = maybeDeferred(answer, question, self.stream.domain, self.address)
            self._pending = None if later.called else later
        if not later.called:
            self._wire.pause()
            later.addBoth(self._resumed)
        elif not later.paused and not isinstance(later.result, Failure):
            # Most answers are there at once; a login has three of them.
            self._safely(self._answered, later.result)
            return
        later.addCallbacks(self._answered, self._refuse)
        later.addErrback(self._bug)

    def _safely(self, act: Callable[[Any], None], value: Any) -> None:
        try:
            act(value)
        except Exception:  # noqa: BLE001 - a bug ends this stream, and no other
            self._bug(Failure())

    def _resumed(self, outcome: Any) -> Any:
        self._pending = None
        self._wire.resume()
        return outcome

    def _answered(self, value: Any) -> None:
        self._act(self.stream.answer(value))

    def _refuse(self, failure: Failure) -> None:
        error = failure.value
        if isinstance(error, CancelledError) and self.stream.state is State.CLOSED:
            return  # the client did not wait for the answer
        if isinstance(error, StreamError):
            self.end(error)
            return
        if not isinstance(error, SASLFailure | StanzaError):
            failure.raiseException()
        # What is held against the client comes back as a `Reject`, and is noted then.
        if isinstance(error, StanzaError) or error.condition == "temporary-auth-failure":
            journal.refused(self, error)
        self._act(self.stream.refuse(error))

    def _bug(self, failure: Failure) -> None:
        log.failure("a stream from {address} met a bug", failure, address=self.address)
        self.end(StreamError("internal-server-error", reason="stream.internal"))

    def waits_for(self, answer: Deferred[Any]) -> Deferred[Any]:
        """Have `answer`, which an open request awaits, cancelled if the connection goes first.

        An open request itself goes on to its end: it may be making an account. One that only
        waits to be told something must say so, or a client could ask and hang up without end.
        """
        if self.stream.state is State.CLOSED:
            answer.cancel()
        elif not answer.called:
            self._pending = answer
        return answer

    async def _respond(self, stanza: Stanza) -> Stanza:
        """Answer an IQ of a client that has not logged in: for the stream's own domain only."""
        try:
            to = JID.parse(stanza.attrs.get("to", self.stream.domain))
        except JIDError as error:
            raise StanzaError("jid-malformed", str(error), reason="stanza.to") from None
        if to != self.stream.domain:
            raise unhandled(stanza)
        try:
            if "id" not in stanza.attrs:
                raise StanzaError("bad-request", "an IQ needs an id", reason="stanza.iq-id")
            responder = self.host.open_requests.get(stanza.children[0])
            if responder is None:  # its module was unloaded since the features were sent
                raise unhandled(stanza)
            return result(stanza, await responder(self, stanza))
        except (StreamError, CancelledError):
            raise
        except Exception as error:
            raise as_stanza_error(error) from error

    # ------------------------------------------------------------------ the session

    async def _early(self, nonza: Nonza) -> JID | None:
        """Act on an element of a client without a session, which may get an old one back."""
        responder = self.host.early_nonzas.get(nonza.name)
        if responder is None:
            raise StreamError("unsupported-stanza-type", reason="stream.element")
        session = await responder(self, nonza)
        return None if session is None else session.jid

    async def load(self, account: JID) -> Resident:
        """Have the account in memory, before a session of it is bound.

        Raises StreamError where it has been removed meanwhile, StanzaError where the store fails.
        """
        residents = self.host.residents
        if account.domain in self.stream.policy.anonymous:
            return residents.guest(account)
        try:
            resident: Resident | None = await self.waits_for(residents.fetch(account))
        except StoreError as error:
            raise as_stanza_error(error) from error
        if resident is None:
            raise StreamError("not-authorized", reason="session.account-removed")
        return resident

    async def _bind(self, resource: str) -> JID:
        assert self.stream.jid is not None
        return self.bind(await self.load(self.stream.jid.bare), resource)

    def bind(self, resident: Resident, resource: str) -> JID:
        """Bind a resource to the authenticated stream and open its session.

        Raises StanzaError where the resource is malformed or not to be had (RFC 6120 §7.7.2),
        or the client went away meanwhile.
        """
        host, stream = self.host, self.stream
        self._check_open()
        assert stream.jid is not None
        self._make_room(resident.jid)
        jid, holder = choose_resource(
            host.directory,
            stream.jid,
            resource,
            host.config.server.resource_conflict,
            host.config.limits.resources,
        )
        if holder is not None:
            holder.end(StreamError("conflict", reason="session.replaced"))
            self._check_open()  # whoever hears of that may have ended this stream, too
        self.session = session = Session(
            jid,
            resident=resident,
            hold=self.hold,
            write=self._wire.write,
            end=self.end,
            charge=self._wire.charge,
            unsent=self._wire.unsent,
            address=self.address,
            secure=bool(self.stream.facts & Fact.SECURE),
            lang=stream.lang,
            since=host.clock.seconds(),
        )
        host.directory.bind(session)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        journal.bound(self, jid)
        return jid

    def _make_room(self, account: JID) -> None:
        """End the sessions of clients that are away where there are as many as may be."""
        siblings = self.host.directory.of(account)
        away = [session for session in siblings if not session.attached]
        over = len(siblings) - self.host.config.limits.resources + 1
        for session in away[: max(0, over)]:
            session.end(StreamError("conflict", reason="session.replaced"))

    def _check_open(self) -> None:
        if self.stream.state is State.CLOSED:
            raise StanzaError("recipient-unavailable", reason="session.gone")

    def admit(self, resident: Resident, resource: str) -> JID:
        """Log the client in to an account with `resource`, by other means than SASL (XEP-0078).

        Raises StanzaError as `bind` does; nothing has changed then.
        """
        self.stream.jid, before = resident.jid, self.stream.jid
        try:
            full = self.bind(resident, resource)
        except StanzaError:
            self.stream.jid = before
            raise
        self._act(self.stream.admit(full))
        return full
