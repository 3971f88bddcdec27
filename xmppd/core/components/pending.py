"""Requests that were passed on to a component, and are not answered yet."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from twisted.internet.interfaces import IDelayedCall, IReactorTime

from xmppd.errors import StanzaError
from xmppd.jid import JID
from xmppd.wire.stanza import Stanza

MOST = 10_000
"""Requests that one instance may owe an answer to at a time."""

SECONDS = 120.0
"""How long it may owe one: then who has asked is told that it takes too long."""

LOOK = 10.0
"""Seconds between two looks at who has waited for too long."""

Asked: TypeAlias = tuple[JID | None, str, JID | None]
"""Who has asked, by which id, and whom."""


class Pending:
    """What one instance has been asked. Nobody waits for ever: each request is answered, by it or
    by an error.

    `bounce` answers a request with an error.
    """

    __slots__ = ("_asked", "_bounce", "_clock", "_looking", "_now")

    def __init__(
        self, bounce: Callable[[Stanza, BaseException], None], clock: IReactorTime
    ) -> None:
        self._bounce = bounce
        self._clock = clock
        self._now = clock.seconds
        self._looking: IDelayedCall | None = None
        self._asked: dict[Asked, tuple[float, str]] = {}

    def __len__(self) -> int:
        """How many wait for an answer."""
        return len(self._asked)

    def __contains__(self, stanza: Stanza) -> bool:
        """Whether a request still waits."""
        return (stanza.sender, stanza.id, stanza.to) in self._asked

    def check_room(self) -> None:
        """Raise StanzaError where so many were passed on that one more can't be."""
        if len(self._asked) >= MOST:
            raise StanzaError("resource-constraint", reason="component.requests")

    def add(self, stanza: Stanza) -> None:
        """A request was passed on."""
        self._asked[stanza.sender, stanza.id, stanza.to] = self._now(), stanza.type
        if self._looking is None:
            self._looking = self._clock.callLater(LOOK, self._look)

    def answered(self, asked: Asked) -> bool:
        """A result or an error has come from the component; whether somebody waits for it."""
        return self._asked.pop(asked, None) is not None

    def refuse(self, asked: Asked, error: StanzaError) -> bool:
        """What has come is none that can be passed on; whether somebody was told so."""
        waits = asked in self._asked
        if waits:
            self._fail(asked, error)
        return waits

    def _look(self) -> None:
        """Answer what has waited for too long (RFC 6120 §8.3.3.16)."""
        self._looking = None
        now, late = self._now(), []
        for asked, (at, _) in self._asked.items():  # which are in the order they came
            if now - at < SECONDS:
                break
            late.append(asked)
        for asked in late:
            self._fail(asked, StanzaError("remote-server-timeout", reason="component.silent"))
        if self._asked and self._looking is None:
            self._looking = self._clock.callLater(LOOK, self._look)

    def give_up(self, reason: str) -> None:
        """Answer all of them: who was asked has gone."""
        if self._looking is not None:
            self._looking.cancel()
            self._looking = None
        while self._asked:
            error = StanzaError("service-unavailable", reason=reason, type="wait")
            self._fail(next(iter(self._asked)), error)

    def _fail(self, asked: Asked, error: StanzaError) -> None:
        sender, id_, to = asked
        _, type_ = self._asked.pop(asked)
        request = Stanza("iq", {"type": type_, "id": id_}, [], b"", sender=sender, to=to)
        self._bounce(request, error)
