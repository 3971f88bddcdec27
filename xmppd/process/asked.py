"""A program that is asked one thing: it runs to its end while this process goes on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from twisted.internet.defer import Deferred, succeed
from twisted.internet.error import ProcessExitedAlready
from twisted.internet.protocol import ProcessProtocol
from twisted.python.failure import Failure

MOST = 65_536
"""Octets of what it says that are kept: the last ones."""


NOT_STARTED = 127
"""The status of what could not be started, as shells have it."""


class Answer(NamedTuple):
    """How it ended, and what it wrote to its standard error."""

    status: int
    """Less than 0 where a signal has ended it."""
    stderr: str


def ask_program(
    command: Sequence[str], environment: Mapping[str, str], reactor: Any, seconds: float
) -> Deferred[Answer | None]:
    """Run a command to its end; None where that takes longer than `seconds`: it is killed then."""
    asked = _Asked(reactor, seconds)
    try:
        process = reactor.spawnProcess(asked, command[0], command, dict(environment))
    except OSError as error:
        asked.timer.cancel()
        return succeed(Answer(NOT_STARTED, f"could not be started: {error.strerror}"))
    asked.process = process
    return asked.answer


class _Asked(ProcessProtocol):
    process: Any

    def __init__(self, reactor: Any, seconds: float) -> None:
        self.answer: Deferred[Answer | None] = Deferred()
        self.timer = reactor.callLater(seconds, self._too_slow)
        self._stderr = b""

    def connectionMade(self) -> None:
        """It is told nothing."""
        self.transport.closeStdin()  # type: ignore[union-attr]

    def errReceived(self, data: bytes) -> None:
        """Octets of its standard error."""
        self._stderr = (self._stderr + data)[-MOST:]

    def processEnded(self, reason: Failure) -> None:
        """It has ended, and its output has."""
        answer: Answer | None = None
        if self.timer.active():
            self.timer.cancel()
            ended: Any = reason.value
            status = -ended.signal if ended.signal else ended.exitCode
            answer = Answer(status, self._stderr.decode("utf-8", "backslashreplace"))
        self.answer.callback(answer)

    def _too_slow(self) -> None:
        try:
            self.process.signalProcess("KILL")
        except ProcessExitedAlready:
            pass  # which will be told in a moment
