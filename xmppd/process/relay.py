"""What a child process writes, as events of this process's own log.

A child of the house is told to log as JSON, so its events keep level and traceback. Whatever else
comes (from the interpreter, a library, twistd) is a warning, a line each.
"""

from __future__ import annotations

import json
from collections.abc import Callable

from twisted.logger import Logger, LogLevel

LONGEST = 65_536
"""Octets after which a line is one, whether it has ended or not."""

LEVELS = {level.name: level for level in LogLevel.iterconstants()}
"""Levels by name."""
_BAD = (LogLevel.error, LogLevel.critical)


class Lines:
    """Cuts octets into lines."""

    def __init__(self, take: Callable[[str], None]) -> None:
        self._take = take
        self._rest = b""

    def feed(self, data: bytes) -> None:
        """Take octets as they come."""
        *whole, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) > LONGEST:
            whole.append(self._rest)
            self._rest = b""
        for line in whole:
            if line.strip():
                self._take(line.decode("utf-8", "backslashreplace"))

    def end(self) -> None:
        """No more come."""
        if self._rest:
            self.feed(b"\n")


class Relay:
    """Logs what the child `name` writes; `last_words` is what it has complained of last."""

    def __init__(self, name: str) -> None:
        self._name = name
        self.last_words = ""
        self.out = Lines(self._event)
        self.err = Lines(self._complaint)

    def end(self) -> None:
        """The child has closed its output."""
        self.out.end()
        self.err.end()

    def _event(self, line: str) -> None:
        """A line of standard output: an event of its log."""
        try:
            event = json.loads(line)
            level = LEVELS[event["level"]]
            namespace, told = f".{event['namespace']}", str(event["message"])
        except (ValueError, TypeError, KeyError):
            self._complaint(line)
            return
        if level in _BAD:
            self.last_words = told
        self._log(level, namespace, told, str(event.get("traceback", "")))

    def _complaint(self, line: str) -> None:
        self.last_words = line
        self._log(LogLevel.warn, "", line)

    def _log(self, level: LogLevel, namespace: str, told: str, traceback: str = "") -> None:
        log = Logger(namespace=f"{self._name}{namespace}")
        log.emit(level, "{told}", told=told, traceback=traceback)
