"""What a component has not acknowledged, and what waits for it while it is away (XEP-0198).

Messages wait, in the store as well, so that their senders know them in safe hands; presence keeps
its newest value; of requests none waits, since who has asked has been told. All of it is bounded in
octets and in time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from twisted.internet.interfaces import IDelayedCall, IReactorTime

from xmppd import ns
from xmppd.config import Component as Settings
from xmppd.core import delay
from xmppd.core.acknowledging import AT_ONCE, Acknowledging
from xmppd.core.components.durable import DurableSpool, Stored
from xmppd.core.components.pending import Pending
from xmppd.core.components.shares import Shares
from xmppd.core.router import Router
from xmppd.errors import StanzaError
from xmppd.jid import JID
from xmppd.stream.acks import CountedOutbox, Sent
from xmppd.wire import stored
from xmppd.wire.claim import Claim
from xmppd.wire.stanza import Stanza

SOON = 0.25
"""Seconds after which a component is asked how much it has handled, where that is not much."""

PATIENCE = 15.0
"""Seconds that it may take; then what it was sent is stored as well, and nobody waits for it."""

LATE = 2.0
"""Seconds after which a message says when it came, where it goes by another stream (§4)."""


class Spool(Acknowledging):
    """A component's end of a managed stream, and what is kept of it when the stream is gone.

    `write` sends octets while it is there. `id` is the SM-ID by which the stream may be resumed, ""
    for never, `seconds` for how long.
    """

    __slots__ = (
        "_asking",
        "_clock",
        "_durable",
        "_octets",
        "_pending",
        "_presence",
        "_router",
        "_secured_to",
        "_settings",
        "_shares",
        "away",
        "id",
        "seconds",
        "write",
    )

    def __init__(
        self,
        router: Router,
        clock: IReactorTime,
        settings: Callable[[], Settings],
        pending: Pending,
        durable: DurableSpool,
        id_: str,
        seconds: float,
    ) -> None:
        super().__init__(router.from_component)
        self.outbox = CountedOutbox()
        self._shares = Shares(router.routes)
        self._router = router
        self._clock = clock
        self._settings = settings
        self._pending = pending
        self._durable = durable
        self.id = id_
        self.seconds = seconds
        self.write: Callable[[bytes], None] = _nowhere
        self.away = False
        self._presence: dict[tuple[JID | None, JID | None], tuple[bytes, str]] = {}
        """What waits of it, and as whose it is counted."""
        self._octets = 0
        """Of the presence that waits."""
        self._asking: IDelayedCall | None = None
        self._secured_to = 0
        """Up to which place, counted from the first ever sent, messages are in the store."""

    def _write(self, data: bytes) -> None:
        self.write(data)

    def __len__(self) -> int:
        """How many stanzas wait: to be acknowledged, or to be sent."""
        return len(self.outbox) + len(self._presence)

    @property
    def octets(self) -> int:
        """How many octets they have."""
        return self.outbox.octets + self._octets

    # ------------------------------------------------------------------ to the component

    def deliver(self, stanza: Stanza) -> None:
        """Send a stanza and keep it until it is acknowledged, or keep it until it can be sent.

        Raises StanzaError where there is no more room.
        """
        data = stanza.render_in(ns.COMPONENT)
        if self.away and stanza.kind == "presence":
            self._keep_newest(stanza, data)
            return
        settings = self._settings()
        most = settings.spool_octets if self.away else settings.queue_octets
        outbox, size, crowd = self.outbox, len(data), ""
        if 2 * (outbox.octets + self._octets + size) > most:  # as a rule not
            crowd = self._shares.room_for(stanza, size, self.octets, most)
        claim = stanza.claim if stanza.kind == "message" else None
        if claim is not None:
            claim.hold(self)
        if self.away:
            now = self._clock.seconds()
            outbox.date(now)
            if stanza.kind == "message":
                claim = self._stored(data, claim, now)
        if crowd:
            self._shares.put(outbox.sent, crowd, size)
        waiting = outbox.add(data, claim)
        if self.away:
            return
        self.write(data)
        if waiting == 1:
            outbox.date(self._clock.seconds(), last=1)
            self._ask_soon()
        elif waiting >= AT_ONCE:
            self.request()

    def acknowledged(self, h: int) -> None:
        """See `Acknowledging.acknowledged`."""
        super().acknowledged(h)
        self._shares.passed(self.outbox.acknowledged)

    def _keep_newest(self, stanza: Stanza, data: bytes) -> None:
        """Keep presence in the place of the one before, or neither: that is true no more."""
        shares, key, size = self._shares, (stanza.sender, stanza.to), len(data)
        before, crowd = self._presence.pop(key, (b"", ""))
        self._octets -= len(before)
        shares.drop(crowd, len(before))
        if size > len(before):  # else it takes the place of the one before
            crowd = shares.room_for(stanza, size, self.octets, self._settings().spool_octets)
        shares.add(crowd, size)
        self._presence[key] = data, crowd
        self._octets += size

    def _ask_soon(self) -> None:
        if self._asking is None:
            self._asking = self._clock.callLater(SOON, self._look)

    def _look(self) -> None:
        """Ask about what waits; its senders don't wait for a component that takes too long."""
        self._asking = None
        if self.away or not self.outbox:
            return
        now = self._clock.seconds()
        self.outbox.date(now)
        if now - self.outbox.since >= PATIENCE:
            self.secure()
        self.request()
        self._ask_soon()

    def secure(self) -> None:
        """Have the messages that are not acknowledged in the store, too: others wait for that."""
        outbox = self.outbox
        new = outbox.sent - max(self._secured_to, outbox.acknowledged)
        outbox.replace([self._secured(sent) for sent in outbox.last(new)])
        self._secured_to = outbox.sent

    def _secured(self, sent: Sent) -> Claim | None:
        if not sent.data.startswith(b"<message"):
            return sent.claim
        return self._stored(sent.data, sent.claim, sent.at)

    def _stored(self, data: bytes, claim: Claim | None, at: float) -> Claim:
        return claim if isinstance(claim, Stored) else self._durable.keep(data, at, claim)

    def restore(self, number: int, at: float, data: bytes) -> None:
        """A message has been in the store since before the server was started."""
        self.outbox.date(at)
        self.outbox.add(data, self._durable.claim(number))

    # ------------------------------------------------------------------ away, back, gone

    def leave(self) -> None:
        """The connection is lost: from here on everything waits."""
        self.away = True
        self.write = _nowhere
        self._requested = False
        if self._asking is not None:
            self._asking.cancel()
            self._asking = None
        self.secure()

    def resume(self, write: Callable[[bytes], None]) -> None:
        """Send again whatever has not been acknowledged, and what has come since (§5).

        Requests that were answered meanwhile, by an error, are not asked again.
        """
        waiting = [(sent, crowd) for sent, crowd in self._take() if self._still_wanted(sent)]
        self._send_all(write, waiting, self._take_presence())

    def begin(self, write: Callable[[bytes], None], before: Spool | None) -> None:
        """Send on a new stream, first of all what waited when the component had another one."""
        waiting: list[tuple[Sent, str]] = []
        presence: list[tuple[bytes, str]] = []
        if before is not None:
            waiting = [
                (Sent(before._dated(sent), sent.claim, sent.at), crowd)
                for sent, crowd in before._take()
                if before._still_wanted(sent)
            ]
            presence = before._take_presence()
        self._send_all(write, waiting, presence)

    def let_out(self, write: Callable[[bytes], None]) -> None:
        """Send what waits to a component that acknowledges nothing: it is in its hands then."""
        for sent, _ in self._take():
            if self._still_wanted(sent):
                write(self._dated(sent))
            if sent.claim is not None:
                sent.claim.let_go(safe=True)
        for data, _ in self._take_presence():
            write(data)

    def _send_all(
        self,
        write: Callable[[bytes], None],
        waiting: Iterable[tuple[Sent, str]],
        presence: Iterable[tuple[bytes, str]],
    ) -> None:
        self.away = self._requested = False
        self.write = write
        self._secured_to = 0  # what waits has other places from here on
        for sent, crowd in waiting:
            self.outbox.date(sent.at)
            self._add(sent.data, sent.claim, crowd)
        self.outbox.date(self._clock.seconds())
        for data, crowd in presence:
            self._add(data, None, crowd)
        if self.outbox:
            self.request()
            self._ask_soon()

    def _add(self, data: bytes, claim: Claim | None, crowd: str) -> None:
        self._shares.put(self.outbox.sent, crowd, len(data))
        self.outbox.add(data, claim)
        self.write(data)

    def _take(self) -> list[tuple[Sent, str]]:
        """Give up what waits but for presence: each, and as whose it is counted."""
        first, whose = self.outbox.acknowledged, self._shares.take()
        return [(sent, whose.get(n, "")) for n, sent in enumerate(self.outbox.clear(), first)]

    def _still_wanted(self, sent: Sent) -> bool:
        if not sent.data.startswith(b"<iq"):
            return True
        stanza = sent.stanza
        return stanza.type not in ("get", "set") or stanza in self._pending

    def _dated(self, sent: Sent) -> bytes:
        if self._clock.seconds() - sent.at < LATE or not sent.data.startswith(b"<message"):
            return sent.data
        server = self._router.domains[0]
        return delay.stamped_once(sent.stanza, server, sent.at).render_in(ns.COMPONENT)

    def _take_presence(self) -> list[tuple[bytes, str]]:
        presence = list(self._presence.values())
        for data, crowd in presence:
            self._shares.drop(crowd, len(data))
        self._presence.clear()
        self._octets = 0
        return presence

    def hand_over(self) -> None:
        """Send what waits to whoever serves the addresses by now."""
        for sent, _ in self._take():
            if self._still_wanted(sent):
                stanza = sent.stanza
                stanza.claim = sent.claim
                self._router.route(stanza)
            if sent.claim is not None:
                sent.claim.let_go()
        for data, _ in self._take_presence():
            self._router.route(stored.load(data))

    def give_up(self, reason: str) -> None:
        """The component does not come back: who has sent a message is told."""
        self._take_presence()
        for sent, _ in self._take():
            if sent.data.startswith(b"<message"):
                error = StanzaError("service-unavailable", reason=reason, type="wait")
                self._router.bounce(sent.stanza, error)
            if sent.claim is not None:
                sent.claim.let_go()


def _nowhere(data: bytes) -> None:
    """Where is written while the component is away."""
