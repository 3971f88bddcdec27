"""The requests of a session by their ids: those in order, those too early, those answered (§14)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from twisted.internet.interfaces import IDelayedCall, IReactorTime

from components.bosh.http.request import Response
from components.bosh.longpoll.body import Body
from components.bosh.longpoll.entry import Entry
from components.bosh.longpoll.refusal import Refused

MOST_EARLY: Final = 65_536
"""How many characters of requests behind one that is missing are kept: strangers may send some."""
MOST_REPEATS: Final = 50
"""How often in a row requests may be repeated (XEP-0124 §14.3)."""


class Window:
    """What has come, and what of it has an answer."""

    __slots__ = ("_early", "_repeats", "answered", "last", "octets", "pending")

    def __init__(self) -> None:
        self.last = 0
        """The highest id up to which all requests have come."""
        self.pending: list[Entry] = []
        """Those of them that have no answer."""
        self.answered: list[Entry] = []
        """Those whose answers may have to be repeated."""
        self._early: dict[int, tuple[Entry, Body]] | None = None
        """Requests behind one that is missing."""
        self._repeats = 0
        self.octets = 0
        """How much is kept: answers, and requests behind one that is missing."""

    def __len__(self) -> int:
        """How many requests have no answer."""
        return len(self.pending) + (len(self._early) if self._early else 0)

    def open(self) -> list[Entry]:
        """All requests that have no answer."""
        if self._early:
            return [*self.pending, *self.early()]
        return self.pending

    def early(self) -> list[Entry]:
        """Those behind one that is missing."""
        return [entry for entry, _ in self._early.values()] if self._early else []

    def clear(self) -> None:
        """Forget all."""
        self.pending.clear()
        self.answered.clear()
        self._early = None
        self.octets = 0

    # ------------------------------------------------------------------ in

    def enter(self, rid: int) -> None:
        """The next request in order has come."""
        self.last = rid
        self._repeats = 0

    def keep(self, entry: Entry, body: Body, most: int) -> bool:
        """Keep a request until those before it have come; `most` may have no answer (§14.2).

        False where it is not kept, since that would be too much: it has to come again (§17.3).
        """
        if entry.rid > self.last + most:
            raise Refused("item-not-found", "bosh.unknown-rid")
        if len(self) + 1 > most:
            raise Refused("policy-violation", "bosh.requests")
        if self._early is None:
            self._early = {}
        kept = sum(len(body.content) for _, body in self._early.values())
        if kept + len(body.content) > MOST_EARLY:
            return False
        self._early[entry.rid] = entry, body
        self.octets += len(body.content)
        return True

    def next_early(self) -> tuple[Entry, Body] | None:
        """The request that was kept and is in order now, if any."""
        if not self._early:
            return None
        kept = self._early.pop(self.last + 1, None)
        if not self._early:
            self._early = None
        if kept is not None:
            self.octets -= len(kept[1].content)
        return kept

    # ------------------------------------------------------------------ again

    def repeated(self, rid: int, digest: bytes) -> Entry | None:
        """The request that comes again, None where it has not come before (§14.3).

        Raises `Refused` where it is too old, or another under the same id.
        """
        if rid > self.last and (self._early is None or rid not in self._early):
            return None
        for entry in (*self.open(), *self.answered):
            if entry.rid == rid:
                if entry.digest != digest:
                    raise Refused("item-not-found", "bosh.other-body")
                self._repeats += 1
                if self._repeats > MOST_REPEATS:
                    raise Refused("policy-violation", "bosh.repeats")
                return entry
        raise Refused("item-not-found", "bosh.unknown-rid")

    def remember(self, entry: Entry, response: Response) -> None:
        """A request has its answer, which may have to be repeated."""
        self.answered.append(entry)
        self.octets += len(response.body)

    def forget(self, upto: int) -> int:
        """The client has the answers up to an id; what it had been told by then, 0 if nothing."""
        answered = self.answered
        mark = 0
        while answered and answered[0].rid <= upto:
            first = answered.pop(0)
            mark = first.mark
            if first.response is not None:
                self.octets -= len(first.response.body)
        return mark

    # ------------------------------------------------------------------ who waits

    def waits(self) -> bool:
        """Whether the client is there: it waits for the answer of a request in order."""
        return any(entry.exchange is not None for entry in self.pending)

    def waiting(self) -> int:
        """How many requests somebody waits for: those whose connections broke are none."""
        return sum(entry.exchange is not None for entry in self.open())

    def has_waited(self, since: float) -> bool:
        """Whether somebody has waited since then, whose answer, and those before it, are due."""
        return any(entry.exchange and entry.since < since for entry in self.pending)

    def waits_since(self) -> float | None:
        """Since when somebody has waited longest; None where nobody waits."""
        return min((each.since for each in self.open() if each.exchange is not None), default=None)


class Watch:
    """A timer that is never later than what it is for. It may be earlier, and is set anew then."""

    __slots__ = ("_call", "_clock", "_wake")

    def __init__(self, clock: IReactorTime, wake: Callable[[], object]) -> None:
        self._clock = clock
        self._wake = wake
        self._call: IDelayedCall | None = None

    def by(self, due: float, now: float) -> None:
        """Wake by then."""
        call = self._call
        if call is None or not call.active():
            self._call = self._clock.callLater(max(due - now, 0.0), self._wake)
        elif call.getTime() > due:
            call.reset(max(due - now, 0.0))

    def stop(self) -> None:
        """Do not wake any more."""
        call, self._call = self._call, None
        if call is not None and call.active():
            call.cancel()
