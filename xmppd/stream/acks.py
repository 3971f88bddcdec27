"""Acknowledgements of a managed stream, without any I/O (XEP-0198 §4).

Both ends count stanzas from zero, modulo 2**32. What was sent waits in an `Outbox` until the peer
says that it has handled it; what was received is handled once nobody holds its claim any more.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator

from msgspec import Struct

from xmppd.wire import stored
from xmppd.wire.claim import Claim
from xmppd.wire.stanza import Stanza

WRAP = 2**32
"""Where counters go back to zero (§4)."""


class Sent(Struct, gc=False):
    """A stanza that was sent, as it was written, the claim that is held for it, and when that was.

    `at` is in seconds UTC since 1970, of the first time where it was sent more than once. Written
    it is a third of what it takes otherwise, and nearly none is ever looked at again.
    The collector need not look at it: whoever has an `Outbox` empties it in the end.
    """

    data: bytes
    claim: Claim | None
    at: float

    @property
    def stanza(self) -> Stanza:
        """It, read anew each time, with its addresses."""
        return stored.load(self.data)


class TooHighError(Exception):
    """The peer has acknowledged more than it was sent (§6)."""

    def __init__(self, h: int, sent: int) -> None:
        super().__init__(f"{h} acknowledged, {sent} sent")
        self.h = h
        self.sent = sent


class Outbox:
    """What was sent and is not acknowledged, in order."""

    __slots__ = ("_acked", "_queue", "octets")

    def __init__(self) -> None:
        self._acked = 0
        self._queue: deque[Sent] = deque()
        self.octets = 0

    def __len__(self) -> int:
        return len(self._queue)

    def __iter__(self) -> Iterator[Sent]:
        return iter(self._queue)

    def add(self, data: bytes, claim: Claim | None, at: float) -> int:
        """A stanza is being sent; see `Sent`. How many wait now."""
        queue = self._queue
        queue.append(Sent(data, claim, at))
        self.octets += len(data)
        return len(queue)

    def acknowledge(self, h: int) -> list[Claim]:
        """The claims of what the peer has newly handled, now that it says `h`.

        Raises TooHighError; nothing is acknowledged then.
        """
        queue = self._queue
        count = (h - self._acked) % WRAP
        if count > len(queue):
            raise TooHighError(h, (self._acked + len(queue)) % WRAP)
        self._acked = h
        claims = []
        for _ in range(count):
            sent = queue.popleft()
            self.octets -= len(sent.data)
            if sent.claim is not None:
                claims.append(sent.claim)
        return claims

    def check(self, h: int) -> None:
        """Raise TooHighError where `h` can't be acknowledged."""
        if (h - self._acked) % WRAP > len(self._queue):
            raise TooHighError(h, (self._acked + len(self._queue)) % WRAP)

    def replace(self, claims: list[Claim | None]) -> None:
        """Have other claims, in the same order, held for those that wait."""
        for sent, claim in zip(self._queue, claims, strict=True):
            sent.claim = claim

    def withdraw(self, unwanted: Callable[[Stanza], bool]) -> list[Sent]:
        """Give up what is `unwanted` of what waits, before all of it is sent once more.

        The peer, who has handled none of it, never knows: it counts what it is sent.
        """
        withdrawn = [sent for sent in self._queue if unwanted(sent.stanza)]
        if withdrawn:
            gone = {id(sent) for sent in withdrawn}
            self._queue = deque(sent for sent in self._queue if id(sent) not in gone)
            self.octets -= sum(len(sent.data) for sent in withdrawn)
        return withdrawn

    def clear(self) -> list[Sent]:
        """Give up what waits."""
        waiting = list(self._queue)
        self._queue.clear()
        self.octets = 0
        return waiting


class Inbox:
    """How much was received, and how much of it is handled.

    A stanza that somebody holds keeps those behind it from being acknowledged.
    """

    __slots__ = ("_held", "received")

    def __init__(self) -> None:
        self.received = 0
        self._held: deque[Claim] = deque()

    @property
    def handled(self) -> int:
        """How many are handled; an `<a/>` says it modulo `WRAP`."""
        held = self._held
        while held and not held[0].pending:
            held.popleft()
        return held[0].number - 1 if held else self.received

    @property
    def held(self) -> list[Claim]:
        """The claims of what is not handled yet."""
        return [claim for claim in self._held if claim.pending]

    def keep(self, claim: Claim) -> None:
        """The stanza received last is held by somebody."""
        held = self._held
        while held and not held[0].pending:  # a client may never ask how much is handled
            held.popleft()
        claim.number = self.received
        held.append(claim)

    def when_handled(self, tell: Callable[[], None]) -> None:
        """Have `tell` called when another stanza is: the last of them, as things stand."""
        for claim in reversed(self._held):
            if claim.pending:
                claim.then(tell)
                return
