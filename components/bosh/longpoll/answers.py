"""What stands in the answers of a session (XEP-0124 §7.2, §9, §17.2)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from components.bosh.http.request import Response
from components.bosh.longpoll import body as bodies
from components.bosh.longpoll.outbox import NONE, Outbox, Piece
from components.bosh.longpoll.refusal import LEGACY, Refused
from components.bosh.longpoll.terms import Terms

REPORT_SECONDS: Final = 1.0
"""How long ago an answer was sent that the client is told about when it has not come (§9.2)."""


class Answers:
    """Makes a session's answers, of what its `outbox` has and of what is to be said once."""

    __slots__ = ("_farewell", "_status", "_terms", "greeting", "outbox", "report")

    def __init__(self, terms: Terms, greeting: dict[str, str]) -> None:
        self.outbox = Outbox()
        self._terms = terms
        self.greeting: dict[str, str] | None = greeting
        """The attributes of the first answer; None since it has been given."""
        self.report: tuple[int, int] | None = None
        """An answer that the client lacks, and how many milliseconds ago it was sent."""
        self._farewell: Mapping[str, str] | None = None
        """What is told once all has been said, and the end."""
        self._status = 200

    @property
    def is_over(self) -> bool:
        """Whether the client was told that the session is over."""
        return self._farewell is not None and not self.outbox

    @property
    def are_due(self) -> bool:
        """Whether there is something to be said at once."""
        return bool(self.outbox) or self.report is not None or self._farewell is not None

    def end(self, attrs: Mapping[str, str], declared: Mapping[str, str], content: bytes) -> None:
        """Say the last: how the session ends."""
        self.outbox.put(Piece("", content, {**attrs, **declared}, last=True))
        # The client's own end is told once (§13), any other to whoever asks.
        self._farewell = attrs if "condition" in attrs else NONE
        if self._terms.legacy:
            self._status = LEGACY.get(attrs.get("condition", ""), 200)

    def make(self, rid: int, last: int, attrs: Mapping[str, str], *, silent: bool) -> Response:
        """The answer to a request, where `last` is the last that has come in order.

        It has `attrs`; `silent` without anything of the outbox.
        """
        terms = self._terms
        shown = dict(attrs)
        if self.greeting is not None:
            shown.update(self.greeting)
            self.greeting = None
        elif terms.acks and last != rid:
            shown["ack"] = str(last)
        if self.report is not None:
            shown["report"], shown["time"] = map(str, self.report)
            self.report = None
        content = b""
        status = 200
        if self._farewell is not None:
            if not self.outbox:
                shown.update(self._farewell)
            elif not silent:
                content = self.outbox.take(shown, whole=True)
            if not self.outbox:
                status = self._status
        elif not silent and self.outbox:
            content = self.outbox.take(shown)
        if not shown and not content:
            return Response(status, terms.headers, bodies.EMPTY)
        return Response(status, terms.headers, bodies.written(shown, content))


def terminal(refused: Refused, terms: Terms) -> Response:
    """The answer to a request that is refused, with its session (§17)."""
    body = bodies.written({"type": "terminate", "condition": refused.condition}, refused.content)
    status = LEGACY.get(refused.condition, 200) if terms.legacy else 200
    return Response(status, terms.headers, body)
