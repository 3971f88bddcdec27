"""Acknowledgements of a managed stream, without any I/O (XEP-0198 §4).

Both ends count stanzas from zero, modulo 2**32. What was sent waits in an `Outbox` until the peer
says that it has handled it; what was received is handled once nobody holds its claim any more.
"""

from __future__ import annotations

from bisect import bisect
from collections.abc import Callable, Iterator

from msgspec import Struct

from xmppd.wire import stored
from xmppd.wire.claim import Claim
from xmppd.wire.stanza import Stanza

WRAP = 2**32
"""Where counters go back to zero (§4)."""

LOOKED_OVER = 16
"""At how many claims, each time, an `Inbox` forgets those that nobody holds any more."""


class Sent(Struct, gc=False):
    """A stanza that was sent, as it was written, the claim that is held for it, and when that was.

    `at` is in seconds UTC since 1970, of the first time where it was sent more than once.
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
    """What was sent and is not acknowledged, in order.

    It is kept in columns, of which a `Sent` is made where one is asked for: nearly all that is
    sent is acknowledged, and by then only its claim matters. Written, a stanza is a third of what
    it takes otherwise.
    """

    __slots__ = ("_claims", "_data", "_places", "_times", "acknowledged")

    def __init__(self) -> None:
        self.acknowledged = 0
        """How many have been acknowledged so far, not modulo anything."""
        self._data: list[bytes] = []
        self._claims: list[Claim | None] = []
        self._places, self._times = [0], [0.0]
        """From which place on, counted from the first ever sent, they were sent when."""

    def __len__(self) -> int:
        return len(self._data)

    def __iter__(self) -> Iterator[Sent]:
        return self.last(len(self._data))

    def last(self, count: int) -> Iterator[Sent]:
        """The last so many of those that wait, in order."""
        start = len(self._data) - count
        columns = zip(self._data[start:], self._claims[start:], strict=True)
        for place, (data, claim) in enumerate(columns, self.acknowledged + start):
            yield Sent(data, claim, self._times[bisect(self._places, place) - 1])

    @property
    def octets(self) -> int:
        """How many octets wait: they are counted each time."""
        return sum(map(len, self._data))

    @property
    def since(self) -> float:
        """When the first of those was sent that wait."""
        return self._times[bisect(self._places, self.acknowledged) - 1]

    @property
    def sent(self) -> int:
        """How many were sent so far, not modulo anything."""
        return self.acknowledged + len(self._data)

    def date(self, at: float, last: int = 0) -> None:
        """Have what is added from here on, and the `last` so many, be sent at `at`; see `Sent`."""
        places, times = self._places, self._times
        past = bisect(places, self.acknowledged) - 1
        del places[:past], times[:past]
        place = self.sent - last
        if places[-1] == place:
            times[-1] = at
        else:
            places.append(place)
            times.append(at)

    def add(self, data: bytes, claim: Claim | None) -> int:
        """A stanza is being sent; see `Sent`. How many wait now."""
        self._data.append(data)
        self._claims.append(claim)
        return len(self._data)

    def acknowledge(self, h: int) -> list[Claim | None]:
        """The claims of what the peer has newly handled, now that it says `h`; None for no claim.

        Raises TooHighError; nothing is acknowledged then.
        """
        data, claims = self._data, self._claims
        count = (h - self.acknowledged) % WRAP
        if count > len(data):
            self.check(h)
        self.acknowledged += count
        handled = claims[:count]
        del data[:count], claims[:count]
        return handled

    def check(self, h: int) -> None:
        """Raise TooHighError where `h` can't be acknowledged."""
        if (h - self.acknowledged) % WRAP > len(self._data):
            raise TooHighError(h, self.sent % WRAP)

    def replace(self, claims: list[Claim | None]) -> None:
        """Have other claims, in the same order, held for the last so many of those that wait."""
        start = len(self._claims) - len(claims)
        if start < 0:
            raise ValueError("more claims than stanzas that wait")
        self._claims[start:] = claims

    def withdraw(self, unwanted: Callable[[Stanza], bool]) -> list[Sent]:
        """Give up what is `unwanted` of what waits, before all of it is sent once more.

        The peer, who has handled none of it, never knows: it counts what it is sent.
        """
        waiting = list(self)
        withdrawn = [sent for sent in waiting if unwanted(sent.stanza)]
        if withdrawn:
            gone = {id(sent) for sent in withdrawn}
            self.clear()
            for sent in waiting:
                if id(sent) not in gone:
                    self.date(sent.at)
                    self.add(sent.data, sent.claim)
        return withdrawn

    def clear(self) -> list[Sent]:
        """Give up what waits."""
        waiting = list(self)
        self._data, self._claims = [], []
        self._places, self._times = [self.acknowledged], self._times[-1:]
        return waiting


class CountedOutbox(Outbox):
    """One whose octets are counted as they come and go.

    A client's are counted each time, which is cheaper: few wait, and they are seldom asked for.
    For a component or another server 100,000 may wait, and each that comes asks whether there is
    room.
    """

    __slots__ = ("_octets",)

    def __init__(self) -> None:
        super().__init__()
        self._octets = 0

    @property
    def octets(self) -> int:
        """How many octets wait."""
        return self._octets

    def add(self, data: bytes, claim: Claim | None) -> int:
        """See `Outbox.add`."""
        self._octets += len(data)
        return super().add(data, claim)

    def acknowledge(self, h: int) -> list[Claim | None]:
        """See `Outbox.acknowledge`."""
        handled = sum(map(len, self._data[: (h - self.acknowledged) % WRAP]))
        claims = super().acknowledge(h)
        self._octets -= handled
        return claims

    def clear(self) -> list[Sent]:
        """See `Outbox.clear`."""
        self._octets = 0
        return super().clear()


class Inbox:
    """How much was received, and how much of it is handled.

    A stanza that somebody holds keeps those behind it from being acknowledged.
    """

    __slots__ = ("_before", "_claims")

    def __init__(self) -> None:
        self._before = 0
        self._claims: list[Claim | None] = []
        """Of the last that were received, None for those that nobody holds."""

    @property
    def received(self) -> int:
        """How many were received."""
        return self._before + len(self._claims)

    @property
    def handled(self) -> int:
        """How many are handled; an `<a/>` says it modulo `WRAP`."""
        self._forget()
        return self._before

    @property
    def held(self) -> list[Claim]:
        """The claims of what is not handled yet."""
        return [claim for claim in self._claims if claim is not None and claim.pending]

    def take(self, claim: Claim | None) -> None:
        """A stanza was received; `claim` is its own where somebody holds it."""
        claims = self._claims
        if claim is None and not claims:
            self._before += 1
            return
        claims.append(claim)
        if not len(claims) % LOOKED_OVER:
            self._forget()  # a client may never ask how much is handled

    def _forget(self) -> None:
        """Forget the claims before the first that is still held."""
        handled = 0
        for claim in self._claims:
            if claim is not None and claim.held > 0 and not claim.excused:  # `pending`
                break
            handled += 1
        if handled:
            del self._claims[:handled]
            self._before += handled

    def close(self) -> None:
        """Nothing more will be received: forget claims, and who holds them, as they are settled."""
        self._forget()
        self.when_handled(self.close)

    def when_handled(self, tell: Callable[[], None]) -> None:
        """Have `tell` called when another stanza is: the last of them, as things stand."""
        for claim in reversed(self._claims):
            if claim is not None and claim.pending:
                claim.then(tell)
                return
