"""What both ends of a managed stream count, without any I/O (XEP-0198 §4).

They count stanzas from zero, modulo 2**32. What was sent waits in an `Outbox` until the server
says that it has it; an `Inbox` knows how much of what was received has been handled.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence

from twisted.internet.defer import Deferred

WRAP = 2**32
"""Where counters go back to zero (§4)."""


class TooHighError(Exception):
    """The server has acknowledged more than it was sent (§6)."""


class GivenUpError(Exception):
    """What was sent was given up: nobody knows whether the server has had it."""


class Outbox:
    """Stanzas as they are sent, in order, until they are acknowledged."""

    __slots__ = ("_gone", "_settling", "_waiting", "acknowledged", "octets")

    def __init__(self) -> None:
        self.acknowledged = 0
        """How many the server has had of this session."""
        self.octets = 0
        """How many octets wait."""
        self._waiting: deque[bytes] = deque()
        self._gone = 0
        """How many were acknowledged so far, in whatever session."""
        self._settling: deque[tuple[int, Deferred[None]]] = deque()

    def __len__(self) -> int:
        return len(self._waiting)

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._waiting)

    def add(self, data: bytes) -> None:
        """A stanza is being sent, or is to be."""
        self._waiting.append(data)
        self.octets += len(data)

    def add_all(self, stanzas: Sequence[bytes]) -> None:
        """Stanzas are being sent, or are to be."""
        self._waiting.extend(stanzas)
        self.octets += sum(map(len, stanzas))

    def acknowledge(self, h: int) -> None:
        """The server has had `h` of this session's stanzas; raises TooHighError."""
        count = (h - self.acknowledged) % WRAP
        if count > len(self._waiting):
            raise TooHighError(f"{h} acknowledged, {self.acknowledged + len(self)} sent")
        self.acknowledged = h
        for _ in range(count):
            self.octets -= len(self._waiting.popleft())
        self._gone += count
        while self._settling and self._settling[0][0] <= self._gone:
            self._settling.popleft()[1].callback(None)

    def settled(self) -> Deferred[None]:
        """Fires once all that waits now is acknowledged; fails with GivenUpError where it can't."""
        settled: Deferred[None] = Deferred()
        if self._waiting:
            self._settling.append((self._gone + len(self._waiting), settled))
        else:
            settled.callback(None)
        return settled

    def begin(self) -> None:
        """What waits will be the first of a new session."""
        self.acknowledged = 0

    def clear(self) -> int:
        """Give up what waits; how much that was."""
        given_up = len(self._waiting)
        self._waiting.clear()
        self.octets = 0
        settling, self._settling = self._settling, deque()
        for _, settled in settling:
            settled.errback(GivenUpError())
        return given_up


class Inbox:
    """How many stanzas were received, and how many of them are handled.

    One that takes its time keeps those behind it from being acknowledged.
    """

    __slots__ = ("_floor", "_open", "received")

    def __init__(self) -> None:
        self.received = 0
        """Modulo nothing: what goes out is taken modulo `WRAP`."""
        self._floor = 0
        self._open: dict[int, None] = {}

    def take(self) -> int:
        """A stanza has come; its number."""
        self.received += 1
        return self.received

    def hold(self, number: int) -> None:
        """A stanza just taken will be handled later."""
        self._open[number] = None

    def done(self, number: int) -> None:
        """A stanza that was held has been handled."""
        self._open.pop(number, None)

    @property
    def handled(self) -> int:
        """How many are handled, none before them being open."""
        first = next(iter(self._open), self.received + 1)
        return max(self._floor, first - 1) % WRAP

    def settle(self) -> int:
        """Count all that was received as handled, as somebody in this process is at it.

        Else a resumed stream would bring it once more.
        """
        self._floor = self.received
        return self.received % WRAP
