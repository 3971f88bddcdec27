"""What ties a process to the one that has started it: a pipe on its standard input.

Nothing is ever written to it. When the other end is closed, by whatever end the other process has
come to, this one has nobody to work for and ends as well.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Mapping
from typing import Any

from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import IReadDescriptor
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

log = Logger(namespace="process")

SECRET_VARIABLE = "XMPPD_COMPONENT_SECRET"
"""The environment's secret, for a component that another program has configured and starts."""

TIED_VARIABLE = "XMPPD_TIED"
"""Whether standard input is a lifeline: "1"."""

GRACE = 10
"""Seconds that a process may take to end when its lifeline has."""


@implementer(IReadDescriptor)
class Lifeline:
    """Watches the pipe; `gone` is called once, when it ends."""

    def __init__(self, reactor: Any, gone: Callable[[], object]) -> None:
        self._reactor = reactor
        self._gone = gone
        reactor.addReader(self)

    def fileno(self) -> int:
        """Standard input."""
        return 0

    def logPrefix(self) -> str:
        """What Twisted calls it."""
        return "lifeline"

    def doRead(self) -> Any:
        """There is something to read, and nobody writes: it is the end."""
        return None if os.read(0, 1_024) else ConnectionDone()

    def release(self) -> None:
        """Watch it no more: this process ends anyway."""
        self._reactor.removeReader(self)

    def connectionLost(self, reason: Failure) -> None:
        """The process that held the other end is gone."""
        self.release()
        log.warn("whoever has started this process is gone: it ends")
        # Should what is to be finished hang, the system ends the process.
        signal.alarm(GRACE)
        self._gone()


def tie(
    reactor: Any, gone: Callable[[], object], environment: Mapping[str, str] = os.environ
) -> Lifeline | None:
    """Have `gone` called when the process that has started this one is no more.

    None where that has asked for no such thing. Its terminal is not ours from here on: what is
    typed to interrupt it is for it to pass on.
    """
    if environment.get(TIED_VARIABLE) != "1":
        return None
    os.setpgid(0, 0)
    return Lifeline(reactor, gone)
