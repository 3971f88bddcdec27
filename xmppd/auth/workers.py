"""Threads for what computes for milliseconds: PBKDF2, above all.

They are the server's own, not the reactor's shared ones (which resolve names), one fewer than
there are cores, so that a flood of passwords leaves room for everything else; and what may wait
for them is bounded, whoever asks: logins, registrations, changed passwords.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred, fail
from twisted.internet.interfaces import IReactorFromThreads
from twisted.internet.threads import deferToThreadPool
from twisted.python.threadpool import ThreadPool

from xmppd.errors import StoreBusy

MOST_WAITING = 256
"""Pieces of work under way or waiting; each takes some milliseconds."""


class Workers:
    """An `auth.internal.RunInThread` with threads of its own, from `start` to `stop`."""

    def __init__(self, reactor: IReactorFromThreads, most: int = MOST_WAITING) -> None:
        self._reactor = reactor
        self._most = most
        self._under_way = 0
        threads = max(1, (os.cpu_count() or 1) - 1)
        self._pool = ThreadPool(1, threads, "xmppd keys")

    def start(self) -> None:
        """Start the threads."""
        self._pool.start()

    def stop(self) -> None:
        """End the threads, when they have done what waits for them; waits for that."""
        self._pool.stop()

    def __call__(self, function: Callable[..., Any], /, *args: Any) -> Deferred[Any]:
        """Run `function(*args)` in a thread; fails with StoreBusy where too much waits."""
        if self._under_way >= self._most:
            return fail(StoreBusy("too many passwords are being worked on"))
        self._under_way += 1
        return deferToThreadPool(self._reactor, self._pool, function, *args).addBoth(self._done)

    def _done(self, outcome: Any) -> Any:
        self._under_way -= 1
        return outcome
