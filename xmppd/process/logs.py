"""What the operator reads: one event a line, as text or as JSON.

An event's own fields are not written, only its message: what no message says can't leak. What
Twisted tells of itself (factories that start, ports that close) is of interest to debuggers only.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, TextIO, TypeAlias

from twisted.logger import ILogObserver, LogEvent, LogLevel, formatEvent
from twisted.python.failure import Failure
from zope.interface import implementer

from xmppd import config

RANKS = {"debug": 0, "info": 1, "warn": 2, "error": 3, "critical": 4}
"""The levels of twisted.logger, in order."""

LEGACY = "log_legacy"
"""The namespace of what came through `twisted.python.log`."""

Line: TypeAlias = Callable[[datetime, str, str, str, str], str]
"""Makes a line of the time, level, namespace, message and traceback ("" without one)."""


@implementer(ILogObserver)
class Log:
    """Writes events to `out`, at once; `configure` changes the level while it runs."""

    def __init__(self, out: TextIO, settings: config.Log) -> None:
        self._out = out
        self._line = FORMATS[settings.format]
        self.configure(settings)

    def configure(self, settings: config.Log) -> None:
        """Write events of `settings.level` and above from now on."""
        self._least = RANKS[settings.level]

    def __call__(self, event: LogEvent) -> None:
        """Write one event (`ILogObserver`)."""
        level = level_of(event)
        if RANKS[level] < self._least:
            return
        when = datetime.fromtimestamp(event["log_time"], UTC)
        namespace = event.get("log_namespace") or "-"
        message, traceback = _told(event)
        self._out.write(self._line(when, level, namespace, message, traceback) + "\n")
        self._out.flush()


def level_of(event: LogEvent) -> str:
    """The level's name; of what Twisted says of itself and that is no fault, "debug"."""
    namespace = event.get("log_namespace") or ""
    level = event.get("log_level") or LogLevel.info
    if level is LogLevel.info and (namespace == LEGACY or namespace.startswith("twisted.")):
        return "debug"
    return str(level.name)


def _told(event: LogEvent) -> tuple[str, str]:
    failure: Failure | None = event.get("log_failure")
    message = formatEvent(event)
    if failure is None:
        return message, event.get("traceback", "")  # that of a child process, if anyone's
    what = f"{type(failure.value).__name__}: {failure.getErrorMessage()}"
    traceback: str = failure.getTraceback(elideFrameworkCode=True)
    return f"{message or 'unhandled error'}: {what}", traceback


def _text(when: datetime, level: str, namespace: str, message: str, traceback: str) -> str:
    """`TIME LEVEL NAMESPACE: MESSAGE`, a traceback indented below it."""
    line = f"{_stamp(when)} {level:5} {namespace}: {escape(message)}"
    below = [f"    {escape(one)}" for one in traceback.splitlines()]
    return "\n".join([line, *below])


def _json(when: datetime, level: str, namespace: str, message: str, traceback: str) -> str:
    """One object: time, level, namespace, message, and traceback where there is one."""
    told = {
        "time": _stamp(when),
        "level": level,
        "namespace": namespace,
        "message": message,
    }
    return json.dumps({**told, "traceback": traceback} if traceback else told)


def _stamp(when: datetime) -> str:
    return when.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def escape(text: str) -> str:
    r"""`text` on one line: what can't be seen as Python writes it, a newline as ``\n``.

    That is more than what breaks a line or a terminal: U+2067 has what follows it read from
    right to left, and so shown as something else.
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


FORMATS: Mapping[str, Line] = {"text": _text, "json": _json}
"""The values of `[log] format`."""


def wanted(twistd: Mapping[str, Any]) -> bool:
    """Whether twistd was left to us: no log of its own was asked for, and it is no daemon.

    `twistd` are its options. A daemon has no standard output; twistd's own log file is then it.
    """
    own = any(twistd.get(option) for option in ("logfile", "syslog", "logger"))
    return not own and bool(twistd.get("nodaemon") or twistd.get("debug"))
