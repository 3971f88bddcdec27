"""A session under stream management (XEP-0198): what its client has not acknowledged yet.

While the connection is there, stanzas are written and kept until they are acknowledged. Without it
they are only kept: messages in the store as well, so that their senders know them in safe hands.
When the session ends for good, each goes the way it would have gone without it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from xmppd.core import carbon, delay
from xmppd.core.acknowledging import AT_ONCE, Acknowledging
from xmppd.core.delivery import message_type
from xmppd.core.host import Connection, Host
from xmppd.core.kept import Kept
from xmppd.core.sessions import Session
from xmppd.errors import StanzaError, StreamError
from xmppd.stream.acks import Sent
from xmppd.wire.claim import Claim
from xmppd.wire.stanza import Stanza

COUNTED = 16
"""At each so many stanzas that wait their octets are counted, to see whether they are too many,"""
LARGE = 2_048
"""and with each stanza of more octets than this."""

MANAGED = object()
"""The key of a `Managed` in `Session.data`."""


class Managed(Acknowledging):
    """What stream management keeps of one session.

    `id` is the SM-ID by which it may be resumed, "" for never; `seconds` how long it waits for
    that. `connection` is None while the client is away. `watch` is called with it when something
    is sent that has to be acknowledged in time.
    """

    __slots__ = (
        "_alone",
        "_at_once",
        "_host",
        "_keeping",
        "_most",
        "_most_octets",
        "_now",
        "_since",
        "_trusted_at",
        "_watch",
        "connection",
        "id",
        "seconds",
        "session",
    )

    def __init__(
        self,
        host: Host,
        session: Session,
        id_: str,
        seconds: float,
        watch: Callable[[Managed], None],
    ) -> None:
        super().__init__(host.router.from_client)
        self._host = host
        self._now = host.clock.seconds
        self._watch = watch
        self._alone = (self,)
        settings = host.config.stream_management
        self._most, self._most_octets = settings.queue, settings.octets
        self._at_once = min(AT_ONCE, settings.queue)
        self.session = session
        self.id = id_
        self.seconds = seconds
        self.connection: Connection | None = None
        self._keeping = False
        self._trusted_at = 0  # how many it has to acknowledge until `_keeping` ends
        self._since = 0.0  # when the connection came
        session.deliver = self.deliver
        session.plain = None
        session.tracks = True
        session.data[MANAGED] = self

    def attach(self, connection: Connection) -> None:
        """Go on by a connection, whose session this is by now."""
        self.connection = connection
        self._keeping = False
        self._requested = False
        self._since = now = self._now()
        self.outbox.date(now)
        connection.inlet = self.take
        unsent = self.session.unsent
        self.session.unsent = lambda: unsent() + self.outbox.octets

    def _write(self, data: bytes) -> None:
        self.session.write(data)

    # ------------------------------------------------------------------ from the client

    def acknowledged(self, h: int) -> None:
        """The client has handled `h` of what it was sent; raises TooHighError."""
        super().acknowledged(h)
        if self._keeping and self.outbox.acknowledged >= self._trusted_at:
            self._keeping = False

    def request(self) -> None:
        """Ask how much the client has handled, unless it has been asked, or is away."""
        if self.connection is not None:
            super().request()

    def look(self, now: float, patience: float) -> None:
        """Ask the client about what waits, and secure that where some has waited for too long.

        However it answers: one that says that it has not handled a stanza keeps others waiting
        just so. To be called every now and then; it tells what time it is, too.
        """
        outbox = self.outbox
        outbox.date(now)
        if not self._keeping and now - max(outbox.since, self._since) >= patience:
            self._keeping = True  # nor does what is sent until it has caught up wait for it
            self._trusted_at = outbox.sent
            self.secure()
        self.request()

    # ------------------------------------------------------------------ to the client

    def deliver(self, stanza: Stanza) -> None:
        """Send a stanza and keep it until it is acknowledged."""
        # Presence and IQs outlive the server no more than who sent them.
        claim = stanza.claim if stanza.kind == "message" else None
        if claim is not None:
            claim.held += 1
            claim.keepers = (*claim.keepers, self) if claim.keepers else self._alone
        outbox = self.outbox
        if self._keeping:
            now = self._now()
            outbox.date(now)
            claim = self._spooled(stanza, claim, now)
        data = stanza.render()
        waiting = outbox.add(data, claim)
        write = self.session.write  # an attribute that is called at once is looked up slowly
        write(data)
        if waiting == 1:
            outbox.date(self._now(), last=1)  # with others before it, `look` has just done so
            self._watch(self)
        elif waiting >= self._at_once or len(data) > LARGE:
            if waiting >= self._at_once and not self._requested:
                self.request()
            if waiting > self._most or (
                (len(data) > LARGE or not waiting % COUNTED) and outbox.octets > self._most_octets
            ):
                error = StreamError("policy-violation", reason="limit.unacknowledged")
                self._host.clock.callLater(0, self.session.end, error)  # in a turn of its own

    def secure(self) -> None:
        """Have the messages that are not acknowledged in the store, too: others wait for that."""
        self.outbox.replace([self._secured(sent) for sent in self.outbox])

    def _secured(self, sent: Sent) -> Claim | None:
        """The claim to hold for what was sent, now that it is in the store if it can be."""
        claim = sent.claim
        if isinstance(claim, Kept) or not sent.data.startswith(b"<message"):
            return claim
        return self._spooled(sent.stanza, claim, sent.at)

    def _spooled(self, stanza: Stanza, claim: Claim | None, at: float) -> Claim | None:
        """The claim to hold for a stanza of `at`, now that it has been offered to the store.

        Of one that is not kept there nobody is to wait for the client, who may be away for long.
        """
        whole = self._whole(stanza, claim)
        if whole is not None:
            copy = self._stamped(whole, at).addressed(whole.to or self.session.jid)
            copy.claim = claim
            kept = self._host.hooks.spool(copy, self.session)
            if kept is not None and kept.claim is not claim:
                return kept.claim
        if claim is not None:
            claim.excuse()
        return claim

    # ------------------------------------------------------------------ away, back, gone

    def leave(self) -> None:
        """The client is away: from here on everything is only kept."""
        self.connection = None
        self._keeping = True
        self._trusted_at = 0
        self.session.attached = False
        self.session.write = _nowhere
        self.session.unsent = lambda: self.outbox.octets
        self.secure()

    def resend(self) -> None:
        """Send again whatever the client has not handled (§5).

        But not what its user's privacy lists forbid by now (XEP-0016 §2.2, rule 8).
        """
        if self._host.hooks.session_stanza.handlers:
            self._redistribute(self.outbox.withdraw(self._is_forbidden))
        for sent in self.outbox:
            late = sent.data
            if late.startswith(b"<message"):
                late = self._stamped(sent.stanza, sent.at).render()
            self.session.write(late)
        if self.outbox:
            self.request()
            self._watch(self)

    def redistribute(self) -> None:
        """The session has ended: what its client did not handle goes elsewhere, in order (§4)."""
        self._redistribute(self.outbox.clear())

    def _is_forbidden(self, stanza: Stanza) -> bool:
        """Whether the session may not be given a stanza any more; it may know who is gone."""
        if stanza.kind == "presence" and stanza.type == "unavailable":
            return False
        if stanza.kind == "message" and carbon.is_copy(stanza, self.session.account):
            if not carbon.is_received(stanza):
                return False  # the user's own words
            stanza = carbon.received(stanza)
        try:
            return self._host.hooks.session_stanza(stanza, self.session) is None
        except StanzaError:
            return True

    def _redistribute(self, given_up: Iterable[Sent]) -> None:
        for sent in given_up:
            claim = sent.claim
            if claim is None or not claim.taken:
                self._send_elsewhere(sent)
            if claim is not None:
                claim.let_go()

    def _send_elsewhere(self, sent: Sent) -> None:
        stanza, router = self._whole(sent.stanza, sent.claim), self._host.router
        if stanza is None:
            return
        if stanza.kind == "message" and message_type(stanza.type) in ("chat", "normal"):
            other = self._stamped(stanza, sent.at).addressed(self.session.account)
            other.claim = sent.claim
            router.route(other)
        elif (stanza.kind, stanza.type) in _ANSWERED:
            router.bounce(stanza, StanzaError("recipient-unavailable", reason="session.gone"))

    def _stamped(self, stanza: Stanza, at: float) -> Stanza:
        """A message with when it came, since it is late by now (§4; XEP-0203)."""
        if stanza.kind != "message" or stanza.type == "error":
            return stanza
        return delay.stamped_once(stanza, self.session.account.domain, at)

    def _whole(self, stanza: Stanza, claim: Claim | None) -> Stanza | None:
        """What is to reach the account, where this session can't be given a stanza.

        None for a copy of what another of the account's clients has sent: nobody has a claim to it.
        """
        if stanza.kind != "message" or not carbon.is_copy(stanza, self.session.account):
            return stanza
        return carbon.received(stanza) if claim is not None else None


_ANSWERED = {("iq", "get"), ("iq", "set"), ("message", "groupchat")}
"""What somebody waits for an answer to, or has to know that nobody took it."""


def _nowhere(data: bytes) -> None:
    """Where a session writes whose client is away."""
