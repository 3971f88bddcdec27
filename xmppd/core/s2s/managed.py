"""Our end of a managed stream with another server: what was sent, and what came (XEP-0198 §4)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from twisted.internet.interfaces import IDelayedCall, IReactorTime

from xmppd import ns
from xmppd.core.acknowledging import AT_ONCE, Acknowledging
from xmppd.errors import StanzaError
from xmppd.stream.acks import CountedOutbox, Inbox, Sent
from xmppd.wire.claim import settle
from xmppd.wire.stanza import Stanza

SOON = 0.25
"""Seconds after which a peer is asked how much it has handled, where that is not much."""


class Parted(NamedTuple):
    """What a stream had before it was being closed: where its stanzas went, and how many."""

    route: Callable[[Any, Stanza], None]
    inbox: Inbox


class Managed(Acknowledging):
    """What both ends of a stream count; `write` sends octets on it.

    Where the peer has taken more than `most` octets that it has not acknowledged, nothing more is
    sent: it may take all, and acknowledge nothing.

    `agreed` says that the peer counts, too; `id` is the SM-ID by which the stream may be resumed,
    "" for never, `seconds` for how long.
    """

    __slots__ = (
        "_asking",
        "_clock",
        "_most",
        "_parted",
        "agreed",
        "id",
        "seconds",
        "write",
    )

    def __init__(
        self,
        route: Callable[[Any, Stanza], None],
        clock: IReactorTime,
        write: Callable[[bytes], None],
        most: int,
    ) -> None:
        super().__init__(route)
        self._most = most
        self.outbox: CountedOutbox = CountedOutbox()
        self._clock = clock
        self.write = write
        self.agreed = False
        self.id = ""
        self.seconds = 0.0
        self._asking: IDelayedCall | None = None
        self._parted: Parted | None = None

    def _write(self, data: bytes) -> None:
        self.write(data)

    def begin(self, id_: str, seconds: float) -> None:
        """The peer has agreed: what it sends counts from here on (§3)."""
        self.agreed, self.id, self.seconds = True, id_, seconds
        self.inbox = Inbox()

    # ------------------------------------------------------------------ to the peer

    def send(self, stanza: Stanza) -> None:
        """Send a stanza and hold its claim until it is acknowledged.

        Raises StanzaError where the peer has too much to acknowledge.
        """
        outbox = self.outbox
        if outbox.octets > self._most:
            raise StanzaError("resource-constraint", reason="s2s.queue")
        data = stanza.render_in(ns.SERVER)
        claim = stanza.claim
        if claim is not None:
            claim.hold()
        waiting = outbox.add(data, claim)
        self.write(data)
        if waiting == 1:
            outbox.date(self._clock.seconds(), last=1)
            self._ask_soon()
        elif waiting >= AT_ONCE:
            self.request()

    def _ask_soon(self) -> None:
        if self._asking is None:
            self._asking = self._clock.callLater(SOON, self._look)

    def _look(self) -> None:
        self._asking = None
        if self.outbox:
            self.request()
            self._ask_soon()

    # ------------------------------------------------------------------ the end, and what follows

    def part(self) -> None:
        """The peer was told the last time what is handled: what comes behind that does not count.

        It knows so, and sends that again by another stream, or answers it with an error.
        """
        if self._parted is None:
            self._parted = Parted(self._route, self.inbox)
            self._route, self.inbox = _unheard, Inbox()

    def rejoin(self) -> None:
        """The peer has not heard that, and goes on: all counts as it did before."""
        if self._parted is not None:
            self._route, self.inbox = self._parted
            self._parted = None

    def leave(self) -> None:
        """The connection is lost."""
        self.write = _nowhere
        self._requested = False
        if self._asking is not None:
            self._asking.cancel()
            self._asking = None

    def stop(self) -> list[Sent]:
        """It is over: what the peer has not said that it has handled, in order."""
        self.leave()
        return self.outbox.clear()

    def resume(self, h: int, write: Callable[[bytes], None], mine: Callable[[Stanza], bool]) -> Any:
        """Go on by another connection, whose peer has handled `h`, and send the rest again (§5).

        What is not `mine` goes another way now: it is returned, as `Sent`. Raises TooHighError.
        """
        settle(self.outbox.acknowledge(h))
        self.write = write
        elsewhere = self.outbox.withdraw(lambda stanza: not mine(stanza))
        for sent in self.outbox:
            write(sent.data)
        if self.outbox:
            self.request()
            self._ask_soon()
        return elsewhere

    def go_on(self, h: int, write: Callable[[bytes], None]) -> None:
        """Go on by another connection of the peer's; what it has not handled went another way."""
        self.outbox.clear()
        self.outbox.acknowledged = h
        self.write = write


def _unheard(peer: Any, stanza: Stanza) -> None:
    """Where stanzas go that do not count any more."""


def _nowhere(data: bytes) -> None:
    """Where is written while there is no connection."""
