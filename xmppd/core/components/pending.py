"""Requests that were passed on to a component, and are not answered yet."""

from __future__ import annotations

from collections.abc import Callable, Container
from typing import NamedTuple, TypeAlias

from twisted.internet.interfaces import IDelayedCall, IReactorTime

from xmppd.core.components.counts import Counts, crowd_of
from xmppd.errors import StanzaError
from xmppd.jid import JID
from xmppd.wire.stanza import Stanza

MOST = 10_000
"""Requests that one instance may owe an answer to at a time, half of them to other servers,"""

MOST_OF_ONE = 1_000
"""and so many to the domains of one of these, or to one address here: see `crowd_of`."""

SECONDS = 120.0
"""How long it may owe one: then who has asked is told that it takes too long."""

LOOK = 10.0
"""Seconds between two looks at who has waited for too long."""

Asked: TypeAlias = tuple[JID | None, str, JID | None]
"""Who has asked, by which id, and whom."""


class _Owed(NamedTuple):
    """Since when an answer is owed, to what, and to whom of those that are counted, "" if none."""

    since: float
    type: str
    crowd: str


class Askers(Counts):
    """Who has asked how much that is not answered: each leaves room for others.

    All other servers together leave half of it to the users of this one. `here` are the domains
    that are served here.
    """

    __slots__ = ("_here",)

    def __init__(self, here: Container[str]) -> None:
        super().__init__()
        self._here = here

    def room_for(self, sender: JID | None) -> str:
        """As whose one more request of a sender is counted.

        Raises StanzaError where there are so many that it can't be.
        """
        crowd = crowd_of(sender, self._here)
        if crowd and (
            self.of(crowd) >= MOST_OF_ONE or ("@" not in crowd and self.elsewhere >= MOST // 2)
        ):
            raise StanzaError("resource-constraint", reason="component.requests")
        return crowd


class Pending:
    """What one instance has been asked. Nobody waits for ever: each request is answered, by it or
    by an error.

    `bounce` answers a request with an error; `here` are the domains that are served here.
    """

    __slots__ = ("_asked", "_askers", "_bounce", "_clock", "_looking", "_now")

    def __init__(
        self,
        bounce: Callable[[Stanza, BaseException], None],
        clock: IReactorTime,
        here: Container[str],
    ) -> None:
        self._bounce = bounce
        self._clock = clock
        self._now = clock.seconds
        self._looking: IDelayedCall | None = None
        self._asked: dict[Asked, _Owed] = {}
        self._askers = Askers(here)

    def __len__(self) -> int:
        """How many wait for an answer."""
        return len(self._asked)

    def __contains__(self, stanza: Stanza) -> bool:
        """Whether a request still waits."""
        return (stanza.sender, stanza.id, stanza.to) in self._asked

    def room_for(self, stanza: Stanza) -> str:
        """As whose a request is counted.

        Raises StanzaError where so many were passed on that one more can't be.
        """
        if len(self._asked) >= MOST:
            raise StanzaError("resource-constraint", reason="component.requests")
        return self._askers.room_for(stanza.sender)

    def add(self, stanza: Stanza, crowd: str) -> None:
        """A request was passed on, which is counted as that of a `crowd`."""
        asked = stanza.sender, stanza.id, stanza.to
        self._pop(asked)
        self._askers.add(crowd)
        self._asked[asked] = _Owed(self._now(), stanza.type, crowd)
        if self._looking is None:
            self._looking = self._clock.callLater(LOOK, self._look)

    def answered(self, asked: Asked) -> bool:
        """A result or an error has come from the component; whether somebody waits for it."""
        return self._pop(asked) is not None

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
        for asked, owed in self._asked.items():  # which are in the order they came
            if now - owed.since < SECONDS:
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
        owed = self._pop(asked)
        assert owed is not None, "who calls has looked"
        request = Stanza("iq", {"type": owed.type, "id": id_}, [], b"", sender=sender, to=to)
        self._bounce(request, error)

    def _pop(self, asked: Asked) -> _Owed | None:
        owed = self._asked.pop(asked, None)
        if owed is not None:
            self._askers.drop(owed.crowd)
        return owed
