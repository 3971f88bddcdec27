"""What is written to the log while a test runs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from twisted.logger import LogEvent, formatEvent, globalLogPublisher


@contextmanager
def logged(level: str = "info") -> Iterator[list[str]]:
    """The messages of that level, as they come."""
    messages: list[str] = []

    def observe(event: LogEvent) -> None:
        if event["log_level"].name == level:
            messages.append(formatEvent(event))

    globalLogPublisher.addObserver(observe)
    try:
        yield messages
    finally:
        globalLogPublisher.removeObserver(observe)
