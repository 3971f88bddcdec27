"""A connection to or from another server: its stream, and what passes over it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger
from twisted.python.failure import Failure

from xmppd import ns
from xmppd.core.holding import Holding
from xmppd.core.s2s import conditions
from xmppd.core.s2s.managed import Managed
from xmppd.core.s2s.wire import Wire
from xmppd.errors import StanzaError, StreamError
from xmppd.stream.events import Closed, Passed, Send, StartTLS
from xmppd.stream.server_events import (
    Admitted,
    By,
    Closing,
    Denied,
    Event,
    Granted,
    Judged,
    KeyGiven,
    Negotiated,
)
from xmppd.stream.server_stream import ServerStream
from xmppd.stream.states import State
from xmppd.wire.frames import Frame, StreamClose
from xmppd.wire.stanza import Nonza, Stanza

if TYPE_CHECKING:
    from xmppd.core.s2s.remotes import Remotes

log = Logger()

_MANAGEMENT = f"{ns.STREAM_MANAGEMENT} "

CLOSING_SECONDS = 5.0
"""How long the peer's closing tag is waited for once ours is out (RFC 6120 §4.4)."""


HELD_SECONDS = 2.0
"""How long a client is not read that has written to a peer that does not keep up: a peer that reads
an octet now and then would have it wait for as long as it likes."""

_ANSWERS = ("error", "result")
"""What clients send of their own accord, as often as they are asked to from elsewhere."""


class Question(NamedTuple):
    """A key that a peer has given on a connection, and that its domain is asked about."""

    asked_on: ServerConnection
    given: KeyGiven
    since: float


class ServerConnection:
    """Drives one `ServerStream`; who inherits it opens it or is there for who does."""

    incoming: bool

    def __init__(self, remotes: Remotes, stream: ServerStream) -> None:
        self._remotes = remotes
        self._router = remotes.host.router
        self._clock = remotes.host.clock
        self.stream = stream
        self.wire: Wire | None = None
        self.address = ""
        self.by: By | None = None
        """How the peer has shown its first domain."""
        self.managed: Managed | None = None
        self.holding = Holding()
        self.questions: dict[tuple[str, str, str], Question] = {}
        """What the peer is being asked: by its domain, ours, and the id of the stream."""
        self.since = self.busy = self._clock.seconds()
        """When it was made, and when a stanza last passed; in seconds UTC since 1970."""
        self.sent = self.received = 0
        """Stanzas."""
        self._timer: IDelayedCall | None = None
        self._keep = False

    @property
    def who(self) -> str:
        """The peer's domain, as it says."""
        return self.stream.remote or "a server"

    @property
    def open(self) -> bool:
        """Whether anything may still be sent."""
        return self.stream.state is not State.CLOSED and not self.stream.closing

    @property
    def patience(self) -> float:
        """Seconds until it has to be of use."""
        return self._remotes.host.config.limits.negotiation_seconds

    # ------------------------------------------------------------------ driven by the wire

    def begin(self, wire: Wire, address: str) -> None:
        """The connection stands."""
        self.wire = wire
        self.address = address
        self._remotes.connections.add(self)
        self._timer = self._clock.callLater(self.patience, self._too_slow)

    def receive(self, data: bytes) -> None:
        """Take bytes from the peer."""
        stream = self.stream
        try:
            if stream.flowing:
                self._take(stream.framer.feed(data))
            else:
                self._act(stream.receive(data))
        except StreamError as error:
            self.end(error)
        except Exception:  # noqa: BLE001 - a bug ends this stream, and no other
            log.failure("the stream with {who} met a bug", Failure(), who=self.who)
            self.end(StreamError("internal-server-error", reason="stream.internal"))

    def secured(self) -> None:
        """The TLS handshake is done."""
        raise NotImplementedError

    def handshake_failed(self, why: str) -> None:
        """TLS could not begin."""

    def end(self, error: StreamError, *, keep: bool = False) -> None:
        """End the stream with `error`; `keep` says that the peer may resume it all the same."""
        self._keep = keep
        self._part()
        self._act(self.stream.fail(error))

    def close(self, why: StreamError | None = None) -> None:
        """End the stream in peace, or for a reason that leaves it in order."""
        self._part()
        self._act(self.stream.close(why))

    def lost(self) -> None:
        """The wire is gone."""
        self.stream.lost()
        self._release(None, broken=not self.stream.closing)

    def clogged(self) -> None:
        """The peer takes more slowly than it is sent."""
        self.holding.begin()

    def unclogged(self) -> None:
        """It has caught up."""
        self.holding.end()

    # ------------------------------------------------------------------ to the peer

    def send(self, stanza: Stanza) -> None:
        """Send a stanza of a pair that is granted; raises StanzaError where there is no room."""
        wire = self.wire
        assert wire is not None
        if self.holding.active:
            self._slow_down(stanza, wire)
        self.sent += 1
        self.busy = self._clock.seconds()
        if self.managed is not None:
            self.managed.send(stanza)
        else:
            wire.write(stanza.render_in(ns.SERVER))

    def write(self, data: bytes) -> None:
        """Send bytes behind what was sent; nothing once the stream is closed."""
        if self.open and self.wire is not None:
            self.wire.write(data)

    @property
    def unsent(self) -> int:
        """How many octets wait in memory for the peer."""
        return 0 if self.wire is None else self.wire.unsent()

    def _slow_down(self, stanza: Stanza, wire: Wire) -> None:
        """Read the client that has sent it more slowly; refuse it where there is no room left."""
        if wire.unsent() > self._remotes.settings.octets:
            raise StanzaError("resource-constraint", reason="s2s.queue")
        sender = stanza.sender
        session = self._remotes.host.directory.get(sender) if sender is not None else None
        if session is None or stanza.type in _ANSWERS:
            return
        if self.holding.hold(session):
            self._clock.callLater(HELD_SECONDS, self.holding.release, session)

    # ------------------------------------------------------------------ from the peer

    def _take(self, frames: Sequence[Frame]) -> None:
        for frame in frames:
            if frame.__class__ is Stanza:
                self.received += 1
                if self.managed is not None:
                    self.managed.take(self, frame)
                else:
                    self._router.from_server(self, frame)
            elif frame.__class__ is Nonza and frame.name.startswith(_MANAGEMENT):
                self._remotes.management.take(self, frame)
            else:
                if frame.__class__ is StreamClose:
                    self._part()
                self._act(self.stream.on_frame(frame))
                if self.stream.state is State.CLOSED:
                    return  # what came behind it in the same read counts for nothing
        if frames:
            self.busy = self._clock.seconds()

    @property
    def peers(self) -> set[str]:
        """The domains that may send on it."""
        return self.stream.peers

    @property
    def domains(self) -> set[str]:
        """The domains elsewhere that it has to do with."""
        stream = self.stream
        return {stream.remote, *stream.peers, *(remote for _, remote in stream.grants)} - {""}

    @property
    def lang(self) -> str:
        """The language of its stanzas that name none; see `ServerStream.lang`."""
        return self.stream.lang

    def manage(self) -> Managed:
        """Count from here on what passes (XEP-0198 §4)."""
        most = self._remotes.settings.octets
        self.managed = Managed(self._router.from_server, self._clock, self.write, most)
        return self.managed

    def _act(self, events: Iterable[Event]) -> None:
        for event in events:
            try:
                self._act_on(event)
            except StreamError as error:
                self.end(error)

    def _act_on(self, event: Event) -> None:
        if isinstance(event, Send):
            if self.wire is not None:
                self.wire.write(event.data)
        elif isinstance(event, Passed):
            self._take(event.frames)
        elif isinstance(event, StartTLS):
            assert self.wire is not None
            self.wire.start_tls(event.domain)
        elif isinstance(event, Admitted):
            self._admitted(event)
        elif isinstance(event, Granted):
            self._settled()
            self._remotes.granted(self, event.local, event.remote)
        elif isinstance(event, Denied):
            self._remotes.denied(self, event.local, event.remote, event.condition)
        elif isinstance(event, KeyGiven):
            self._remotes.verify(self, event)
        elif isinstance(event, Judged):
            self._remotes.judged(self, event)
        elif isinstance(event, Negotiated):
            self._negotiated()
        elif isinstance(event, Closing):
            self._closing()
        elif isinstance(event, Closed):
            self._closed(event.error)

    def judge(self, *verdict: str) -> None:
        """Tell the stream what has become of a key; see `ServerStream.judge`."""
        remote, local, outcome, condition = verdict
        self._act(self.stream.judge(remote, local, outcome, condition))  # type: ignore[arg-type]

    def request(self, local: str, remote: str) -> None:
        """Ask for another pair; see `ServerStream.request`."""
        self._act(self.stream.request(local, remote))

    def put(self, question: Question) -> None:
        """Ask the peer about a key that somebody has given us as its domain's (XEP-0220 §2.1.2)."""
        given, stream_id = question.given, question.asked_on.stream.id
        self.questions[given.remote, given.local, stream_id] = question
        self._act(self.stream.ask(given.local, given.remote, stream_id, given.key))

    def give_up(self, before: float) -> None:
        """Wait no longer for answers to what was asked before then."""
        late = [each for each, question in self.questions.items() if question.since < before]
        for each in late:
            self._remotes.answer(self.questions.pop(each), "error", conditions.TIMEOUT)
        if late and not (self.stream.grants or self.stream.peers):
            self.close()

    @property
    def carries(self) -> bool:
        """Whether it is what carries the stanzas of a pair: a peer may have many that are not."""
        return any(
            (domain := self._remotes.find(remote)) is not None
            and (pair := domain.pairs.get(local)) is not None
            and pair.line is self
            for local, remote in self.stream.grants
        )

    def may_share(self, remote: str) -> bool:
        """Whether the peer may be asked to let us send to `remote` here, too (XEP-0220 §2.6).

        One who has opened a stream that serves both ways has to know how (XEP-0288 §2.2).
        """
        return self.open and self.stream.bidirectional and remote in self.peers

    @property
    def useless(self) -> bool:
        """Whether it has served only to ask, and has been answered."""
        return False

    def expired(self, now: float) -> bool:
        """Whether a certificate that the peer was believed by has expired (RFC 6120 §13.7.2.3)."""
        peer = self.stream.peer
        return peer is not None and peer.until <= now

    def error(self, error: StreamError | None) -> StanzaError:
        """What whoever waits for it is told, now that its stream has ended."""
        stream = self.stream
        return conditions.ended(stream.remote, stream.ended_by, stream.last_words)

    def _negotiated(self) -> None:
        """Our own stream stands."""

    def _admitted(self, event: Admitted) -> None:
        assert self.wire is not None
        self._settled()
        if self.by is None:
            self.by = event.by
            self.wire.authenticated(event.remote)
        self._remotes.admitted(self, event)

    def _settled(self) -> None:
        """Somebody may send on it: it need not hurry any more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    # ------------------------------------------------------------------ the end

    def _part(self) -> None:
        """Say the last time what is handled, or the peer might send it again (XEP-0198 §4)."""
        if self.managed is not None and self.managed.agreed and self.open:
            self.managed.acknowledge()

    def _closing(self) -> None:
        """What is sent from now on takes another way."""
        if self.managed is not None and self.managed.agreed:
            self.managed.part()
        self._settled()
        self.holding.end()
        self._remotes.leave(self, self.error(None))
        self._timer = self._clock.callLater(CLOSING_SECONDS, self._void)

    def _void(self) -> None:
        """The peer does not close."""
        self._timer = None
        self._act(self.stream.void())

    def _closed(self, error: StreamError | None) -> None:
        if error is not None:
            self._note(error)
        elif self._remotes.host.debugging:
            log.debug("stream with {who} at {address} closed", who=self.who, address=self.address)
        self._release(error, broken=self._keep)
        if self.wire is not None:
            self.wire.close()

    def _note(self, error: StreamError) -> None:
        """Remember why it ended, and log it; strangers do not fill the log."""
        host, who, address = self._remotes.host, self.who, self.address
        detail = error.detail or error.text
        host.refusals.note(error.reason, who, self.stream.local, address, detail)
        said = "stream with {who} at {address} ended: {error}"
        if not self.incoming or self.by is not None:
            log.info(said, who=who, address=address, error=str(error))
        elif host.debugging:
            log.debug(said, who=who, address=address, error=str(error))

    def _release(self, error: StreamError | None, *, broken: bool) -> None:
        """Let go of everything; may be called more than once.

        `broken` says that the stream was not closed.
        """
        self._settled()
        self.holding.end()
        self._remotes.connections.discard(self)
        self._remotes.lost(self, error, broken=broken)

    def _too_slow(self) -> None:
        self._timer = None
        if self.stream.has_served:  # all that it was for
            self.close()
            return
        reason = "stream.timeout" if self.incoming else "s2s.slow"
        self.end(StreamError("connection-timeout", reason=reason))
