"""One end of a managed stream, whoever the peer is (XEP-0198 §4): how both sides count.

What has been received is told to be handled once nobody holds it any more; what was sent waits in
the outbox until the peer says so of it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred, DeferredList

from xmppd import ns
from xmppd.errors import StreamError
from xmppd.stream.acks import WRAP, Inbox, Outbox, TooHighError
from xmppd.wire.build import Tag
from xmppd.wire.claim import Claim, secure, settle
from xmppd.wire.stanza import Nonza, Stanza

AT_ONCE = 16
"""How many stanzas are sent without asking at once whether they were handled: an answer to each
would cost a phone its battery. When fewer wait, the peer is asked a little later."""

UNASKED = 16
"""How many more stanzas are handled when a peer is told that has asked about some, and goes on
sending: when it has had an answer meanwhile, it has asked again."""

REQUEST = f"<r xmlns='{ns.STREAM_MANAGEMENT}'/>".encode()
_ACK = f"<a xmlns='{ns.STREAM_MANAGEMENT}' h='%d'/>".encode()


class Acknowledging:
    """What both ends of such a stream do; who inherits it adds what it means to send.

    `route` takes a stanza that came, with whoever has sent it.
    """

    __slots__ = ("_requested", "_route", "_spare", "_told", "_waits", "inbox", "outbox")

    def __init__(self, route: Callable[[Any, Stanza], None]) -> None:
        self._route = route
        self.inbox = Inbox()
        self.outbox = Outbox()
        self._requested = False
        self._told = 0
        self._waits = False
        self._spare = Claim(held=0)

    def _write(self, data: bytes) -> None:
        """Send an element that is no stanza."""
        raise NotImplementedError

    # ------------------------------------------------------------------ what came

    def take(self, who: Any, stanza: Stanza) -> None:
        """Take a stanza of `who` to the router; it is handled once nobody holds it."""
        stanza.claim = claim = self._spare
        route = self._route
        route(who, stanza)
        stanza.claim = None  # whoever keeps the stanza for itself has no claim to it
        if claim.held:
            self._spare = Claim(held=0)
            self.inbox.take(claim)
        else:
            if not claim.unused:
                self._spare = Claim(held=0)
            self.inbox.take(None)

    def _handled(self) -> None:
        """What the peer had sent is handled: tell it, unless it goes on and will ask again."""
        inbox = self.inbox
        handled = inbox.handled
        self._waits = False
        if handled == inbox.received or handled - self._told >= UNASKED:
            self.acknowledge()
        else:
            self._waits = True
            inbox.when_handled(self._handled)

    def acknowledge(self) -> None:
        """Tell the peer how much is handled, and again when all of it is (§4)."""
        inbox = self.inbox
        self._told = handled = inbox.handled
        if handled < inbox.received and not self._waits:
            self._waits = True
            inbox.when_handled(self._handled)
        self._write(_ACK % (handled % WRAP))

    # ------------------------------------------------------------------ what was sent

    def acknowledged(self, h: int) -> None:
        """The peer has handled `h` of what it was sent; raises TooHighError."""
        outbox, before = self.outbox, self.outbox.acknowledged
        settle(outbox.acknowledge(h))
        self._requested = False
        # One who has handled nothing more since he was asked last is not asked again at once: he
        # would answer the same, for as long as he takes.
        if len(outbox) >= AT_ONCE and outbox.acknowledged != before:
            self.request()

    def request(self) -> None:
        """Ask how much the peer has handled, unless it has been asked."""
        if not self._requested:
            self._requested = True
            self._write(REQUEST)


def all_handled(inbox: Inbox) -> Deferred[Any]:
    """Fires once what was received is in safe hands; who holds it is asked to hasten.

    Until then a peer that is told how much that is would send the rest once more (§5).
    """
    secure(inbox.held)
    return DeferredList([_when_told(claim) for claim in inbox.held])


def _when_told(claim: Claim) -> Deferred[None]:
    done: Deferred[None] = Deferred()
    claim.then(lambda: done.callback(None))
    return done


# ---------------------------------------------------------------------- its elements


def count(nonza: Nonza) -> int:
    """The `h` of an element: an unsigned int of 32 bits. Raises StreamError."""
    text = nonza.attrs.get("h", "")
    if text.isdecimal() and text.isascii() and len(text) <= 10 and (h := int(text)) < WRAP:
        return h
    raise StreamError("policy-violation", "h is a number of stanzas", reason="acks.malformed")


def failed(condition: str, h: str | None = None) -> bytes:
    """`<failed/>` (§3, §5), with how much was handled where that is known."""
    reason = Tag(condition, ns=ns.STANZA_ERRORS)
    return Tag("failed", {"h": h}, [reason], ns=ns.STREAM_MANAGEMENT).render()


def too_high(error: TooHighError) -> StreamError:
    """The end of a stream whose peer has handled more than it was sent (§6)."""
    counts = {"h": str(error.h), "send-count": str(error.sent)}
    extra = Tag("handled-count-too-high", counts, ns=ns.STREAM_MANAGEMENT).render()
    return StreamError("undefined-condition", str(error), reason="acks.too-high", extra=extra)


def seconds_wanted(nonza: Nonza, most: float) -> float:
    """How long a stream may be resumed that `<enable/>` asks for, `most` at most; 0: never (§3)."""
    if nonza.attrs.get("resume") not in ("true", "1"):
        return 0
    wanted = nonza.attrs.get("max", "")
    return min(most, int(wanted)) if wanted.isdecimal() and len(wanted) < 10 else most


def enabled(id_: str, seconds: float) -> bytes:
    """`<enabled/>` (§3); `id_` is the SM-ID, "" where there is nothing to resume."""
    attrs = {"id": id_, "resume": "true", "max": str(int(seconds))} if id_ else {}
    return Tag("enabled", attrs, ns=ns.STREAM_MANAGEMENT).render()


def resumed(id_: str, handled: int) -> bytes:
    """`<resumed/>` (§5)."""
    attrs = {"previd": id_, "h": str(handled % WRAP)}
    return Tag("resumed", attrs, ns=ns.STREAM_MANAGEMENT).render()
