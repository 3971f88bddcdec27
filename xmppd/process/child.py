"""A child process: started, logged, started again when it ends, stopped when told.

Twisted's ProcessMonitor does most of that, but can't be waited for, and says neither why a child
has ended nor that it always does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from signal import Signals
from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.internet.error import ProcessExitedAlready
from twisted.internet.interfaces import IDelayedCall
from twisted.internet.protocol import ProcessProtocol
from twisted.logger import Logger
from twisted.python.failure import Failure

from xmppd.process.relay import Relay

log = Logger(namespace="process")

FIRST = 1.0
"""Seconds before a child that has ended is started again,"""
LONGEST = 300.0
"""and at most so many: each time twice as long as before,"""
STEADY = 60.0
"""until it has run for so many seconds."""

HOPELESS = 3
"""After so many ends in a row somebody has to look at it."""

GRACE = 5.0
"""Seconds that a child may take to end when it is told to; then it is killed."""


class Child:
    """One child process, by its name.

    `command` is a program and its arguments, `failing` is told what it said last once it has
    ended `HOPELESS` times in a row.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        environment: Mapping[str, str],
        reactor: Any,
        failing: Callable[[str], object],
    ) -> None:
        self.name = name
        self._command = command
        self._environment = environment
        self._reactor = reactor
        self._failing = failing
        self._wanted = False
        self._again = False
        """Whether it is ending because it is to be started anew."""
        self._ending = False
        """Whether it has been told to end."""
        self._process: Any = None
        self._killing: IDelayedCall | None = None
        self._starting: IDelayedCall | None = None
        self._stopped: list[Deferred[None]] = []
        self._failures = 0
        self.last_words = ""
        """Why it ended the last time, as far as it said."""
        self.since = 0.0
        """When it was started, in seconds UTC since 1970."""

    @property
    def pid(self) -> int | None:
        """The process, while there is one."""
        return None if self._process is None else self._process.pid

    @property
    def failures(self) -> int:
        """How often it has ended of itself, one time after another; 0 once it has run for long."""
        return 0 if self._process is not None and self._steady else self._failures

    @property
    def _steady(self) -> bool:
        steady: bool = self._reactor.seconds() - self.since >= STEADY
        return steady

    def start(self) -> None:
        """Have it run from now on."""
        self._wanted = True
        if self._process is None:
            self._start()
        elif self._ending:
            self._again = True

    def restart(self) -> None:
        """Have it run anew: what it was started with has changed."""
        self._failures = 0
        self._end()
        self.start()

    def hurry(self) -> None:
        """Wait no longer to start it again, if that is what is waited for."""
        if self._starting is not None:
            self._start()

    def stop(self) -> Deferred[None]:
        """Have it run no more; fires when it has ended."""
        self._wanted = self._again = False
        self._cancel()
        if self._process is None:
            return succeed(None)
        self._end()
        stopped: Deferred[None] = Deferred()
        self._stopped.append(stopped)
        return stopped

    def _cancel(self) -> None:
        if self._starting is not None:
            self._starting.cancel()
            self._starting = None

    def _start(self) -> None:
        self._cancel()
        self._again = False
        self.since = self._reactor.seconds()
        command = self._command
        protocol = _Running(self)
        try:
            self._process = self._reactor.spawnProcess(
                protocol, command[0], command, dict(self._environment)
            )
        except OSError as error:
            self.ended(f"could not be started: {error.strerror}", "")
        else:
            log.info("{name} is started (process {pid})", name=self.name, pid=self.pid)

    def _retry(self) -> None:
        self._starting = None
        self._start()

    def _end(self) -> None:
        """Ask it to end, and see to it that it does."""
        if self._process is None or self._ending:
            return
        self._ending = True
        self._signal("TERM")
        self._killing = self._reactor.callLater(GRACE, self._kill)

    def _kill(self) -> None:
        self._killing = None
        log.warn("{name} takes too long to end: it is killed", name=self.name)
        self._signal("KILL")

    def _signal(self, name: str) -> None:
        try:
            self._process.signalProcess(name)
        except ProcessExitedAlready:
            pass  # which will be told in a moment

    def ended(self, how: str, last_words: str) -> None:
        """It has ended, or has not begun."""
        self._process = None
        self._ending = False
        if self._killing is not None:
            self._killing.cancel()
            self._killing = None
        if self._wanted and not self._again:
            self._failed(how, last_words)
        else:
            log.info("{name} {how}", name=self.name, how=how)
        if self._again:
            self._start()
        stopped, self._stopped = self._stopped, []
        for each in stopped:
            each.callback(None)

    def _failed(self, how: str, last_words: str) -> None:
        """Nobody wanted it to end."""
        if self._steady:
            self._failures = 0
        seconds = min(FIRST * 2**self._failures, LONGEST)
        self._failures += 1
        self.last_words = last_words or how
        self._starting = self._reactor.callLater(seconds, self._retry)
        log.warn(
            "{name} {how}. It is started again in {seconds:g} s",
            name=self.name,
            how=how,
            seconds=seconds,
        )
        if self._failures == HOPELESS:
            log.error(
                "{name} ends again and again, the last time with: {words}",
                name=self.name,
                words=self.last_words,
            )
            self._failing(self.last_words)


class _Running(ProcessProtocol):
    """What one run of a child says, and how it ends. Its standard input is its lifeline."""

    def __init__(self, child: Child) -> None:
        self._child = child
        self._relay = Relay(child.name)

    def outReceived(self, data: bytes) -> None:
        """Octets of its standard output."""
        self._relay.out.feed(data)

    def errReceived(self, data: bytes) -> None:
        """Octets of its standard error."""
        self._relay.err.feed(data)

    def processEnded(self, reason: Failure) -> None:
        """It has ended, and its output has."""
        self._relay.end()
        ended: Any = reason.value
        how = f"with status {ended.exitCode}"
        if ended.signal:
            how = f"by {Signals(ended.signal).name}"
        self._child.ended(f"ended {how}", self._relay.last_words)
