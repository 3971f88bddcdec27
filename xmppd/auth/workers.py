"""Threads for what computes for milliseconds: PBKDF2, above all.

They are the server's own, not the reactor's shared ones (which resolve names), one fewer than
there are cores, so that a flood of passwords leaves room for everything else; and what may wait
for them is bounded, whoever asks: logins, registrations, changed passwords.

Whoever hangs up takes nothing back: his work keeps its place until a thread comes to it, finds
that nobody waits for it, and leaves it undone. So what a network may have waiting is bounded by
what it asked for, not by what it still listens to.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any

from twisted.internet.defer import Deferred, fail
from twisted.internet.interfaces import IReactorFromThreads
from twisted.python.threadpool import ThreadPool

from xmppd.addresses import is_loopback, network_of
from xmppd.errors import StoreBusy

MOST_WAITING = 256
"""Pieces of work under way or waiting; each takes some milliseconds."""

MOST_OF_A_NETWORK = 32
"""Those that one network may have among them."""

THREADS = max(1, (os.cpu_count() or 1) - 1)
"""How many pieces are worked on at a time."""


class _Job:
    """A piece of work, the network it is for ("" is nobody's), and who waits for it."""

    __slots__ = ("cancelled", "deferred", "network", "work")

    def __init__(self, work: Callable[[], Any], network: str) -> None:
        self.work = work
        self.network = network
        self.cancelled = False
        self.deferred: Deferred[Any] = Deferred(self._cancel)

    def _cancel(self, _: object) -> None:
        self.cancelled = True

    def run(self) -> Any:
        """Do it, in a thread, unless nobody waits for it any more."""
        return None if self.cancelled else self.work()


class Workers:
    """An `auth.internal.RunInThread` with threads of its own, from `start` to `stop`."""

    def __init__(
        self,
        reactor: IReactorFromThreads,
        most: int = MOST_WAITING,
        most_of_a_network: int = MOST_OF_A_NETWORK,
        threads: int = THREADS,
    ) -> None:
        self._reactor = reactor
        self._most = most
        self._most_of_a_network = most_of_a_network
        self._under_way: Counter[str] = Counter()
        self._pool = ThreadPool(1, threads, "xmppd keys")

    def start(self) -> None:
        """Start the threads."""
        self._pool.start()

    def stop(self) -> None:
        """End the threads, when they have done what waits for them; waits for that."""
        self._pool.stop()

    def __call__(
        self, function: Callable[..., Any], /, *args: Any, address: str = ""
    ) -> Deferred[Any]:
        """Run `function(*args)` in a thread; fails with StoreBusy where too much waits.

        Of the network of `address`, or of all together. This machine itself has no bound of its
        own: many users may come through a proxy on it.
        """
        network = "" if is_loopback(address) else network_of(address)
        full = self._under_way.total() >= self._most
        if full or (network and self._under_way[network] >= self._most_of_a_network):
            return fail(StoreBusy("too many passwords are being worked on"))
        self._under_way[network] += 1
        job = _Job(partial(function, *args), network)
        self._pool.callInThreadWithCallback(partial(self._worked, job), job.run)
        return job.deferred

    def _worked(self, job: _Job, success: bool, outcome: Any) -> None:
        """In the thread: take the result, or the Failure, to the reactor."""
        self._reactor.callFromThread(self._done, job, outcome)

    def _done(self, job: _Job, outcome: Any) -> None:
        """In the reactor thread again; only now is there room for other work."""
        self._under_way[job.network] -= 1
        if not self._under_way[job.network]:
            del self._under_way[job.network]
        if not job.cancelled:
            job.deferred.callback(outcome)
