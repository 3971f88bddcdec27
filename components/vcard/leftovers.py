"""What is noted in the store as still to be done, since somebody was away: it is done later.

At once when a stream opens, or soon after, and again every now and then while there is some left.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic, Protocol, TypeVar

from twisted.internet.defer import Deferred, DeferredList
from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger
from twisted.python.failure import Failure

from components.common.component import Component
from xmppd.jid import JID

log = Logger(namespace="component")

AGAIN = 300.0
"""Seconds after which is tried once more what nobody had time for."""

AT_A_TIME = 200
"""How many are done at once."""

WAIT = frozenset(
    {
        "remote-server-timeout",
        "resource-constraint",
        "internal-server-error",
        "recipient-unavailable",
    }
)
"""Errors that may be over later. Any other one is an answer."""


class Owned(Protocol):
    """Something to be done for an account."""

    @property
    def owner(self) -> JID:
        """The account, a bare JID."""


L = TypeVar("L", bound=Owned)


class Leftovers(Generic[L]):
    """Has `act` done what `some` gives: those behind an owner, by ascending JID, so many at most.

    `first` is how many seconds after a stream has opened.
    """

    def __init__(
        self,
        component: Component,
        some: Callable[[str, int], Deferred[Sequence[L]]],
        act: Callable[[L], Deferred[None]],
        *,
        first: float = 0.0,
    ) -> None:
        self._clock = component.clock
        self._some = some
        self._act = act
        self._first = first
        self._waiting: IDelayedCall | None = None
        component.on_open(self._opened)
        component.on_stop(self._stop)

    def later(self) -> None:
        """There is something left, for which nobody has time now."""
        if self._waiting is None:
            self._waiting = self._clock.callLater(AGAIN, self._catch_up)

    def _opened(self, resumed: bool) -> None:
        if resumed:
            return
        if not self._first:
            self._catch_up()
            return
        self._stop()
        self._waiting = self._clock.callLater(self._first, self._catch_up)

    def _catch_up(self) -> None:
        self._stop()
        Deferred.fromCoroutine(self._do()).addErrback(_not_done)

    async def _do(self) -> None:
        after = ""
        while some := await self._some(after, AT_A_TIME):
            await DeferredList([self._act(each) for each in some])
            after = str(some[-1].owner)

    def _stop(self) -> None:
        if self._waiting is not None and self._waiting.active():
            self._waiting.cancel()
        self._waiting = None


def _not_done(failure: Failure) -> None:
    log.failure("what was left to be done is left again", failure)
