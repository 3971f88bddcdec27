"""What is done wholly once it has begun: what is written is in memory as well, and told of.

A handler that takes too long is cancelled (`work`), but not the write that it waits for: the store
does that all the same. Whoever cut off what follows from it would leave a ban in the store that is
not in force.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, ParamSpec, TypeVar, overload

from twisted.internet.defer import CancelledError, Deferred, maybeDeferred
from twisted.python.failure import Failure

from xmppd import lock

P = ParamSpec("P")
T = TypeVar("T")


def wholly(work: Deferred[T] | Coroutine[Deferred[Any], Any, T]) -> Deferred[T]:
    """What `work` gives, which goes on to its end.

    Cancelled, it fails with CancelledError, but only when the work has ended: who waits for it
    learns then that he was given up on, and does nothing further. What the work itself fails with
    he learns in any case.
    """
    later = work if isinstance(work, Deferred) else Deferred.fromCoroutine(work)
    if later.called and not later.paused:
        return later
    end: _End[T] = _End()
    later.addBoth(end.come)
    return end


class _End(Deferred[T]):
    """The end of something that is not cut off."""

    _given_up = False

    def cancel(self) -> None:
        """Fail, once it has come (`Deferred.cancel`)."""
        if self.called:
            super().cancel()
        self._given_up = True

    def come(self, outcome: T | Failure) -> None:
        """Fire with what has come of it."""
        if self._given_up and not isinstance(outcome, Failure):
            outcome = Failure(CancelledError())
        self.callback(outcome)


class Lock(lock.Lock):
    """Has things done one after the other, each of them wholly."""

    __slots__ = ()

    @overload
    def run(
        self, f: Callable[P, Deferred[T]], /, *args: P.args, **kwargs: P.kwargs
    ) -> Deferred[T]: ...

    @overload
    def run(
        self,
        f: Callable[P, Coroutine[Deferred[Any], Any, T]],
        /,
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> Deferred[T]: ...

    @overload
    def run(self, f: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Deferred[T]: ...

    def run(self, f: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Deferred[Any]:
        """Do something as soon as all is done that others have asked for before."""

        def turn(_: object) -> Deferred[Any]:
            return wholly(maybeDeferred(f, *args, **kwargs).addBoth(self._over))

        return self.acquire().addCallback(turn)

    def _over(self, outcome: T) -> T:
        self.release()
        return outcome
