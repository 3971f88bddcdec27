"""A long-running program under twistd: what all of ours do when they start."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.application.service import Service
from twisted.logger import ILogObserver
from twisted.python.components import Componentized

from xmppd.process.interpreter import tune
from xmppd.process.logs import Log
from xmppd.process.poll import shorten


class Program(Service):
    """The service that is the whole program. `_begin` is called as soon as the reactor runs.

    `log_to` writes its log; None where twistd was told who does. `fail` ends the process with a
    message when it can't start.
    """

    def __init__(self, reactor: Any, fail: Callable[[str], None], log_to: Log | None) -> None:
        self._reactor = reactor
        self._fail = fail
        self._log = log_to

    def setServiceParent(self, parent: Any) -> None:
        """Become part of an application, and write its log unless twistd was told to."""
        if self._log is not None and isinstance(parent, Componentized):
            parent.setComponent(ILogObserver, self._log)
        super().setServiceParent(parent)

    def startService(self) -> None:
        """Start as soon as the reactor runs; a fault then ends the process."""
        super().startService()
        tune()
        shorten(self._reactor)
        self._reactor.callWhenRunning(self._begin)

    def _begin(self) -> None:
        raise NotImplementedError
