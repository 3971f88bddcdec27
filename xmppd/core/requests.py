"""IQ requests that the server makes itself, and the one answer that counts for each.

    result = await host.requests.ask(account, session.jid, "get", Tag("query", ns=ns.DISCO_INFO))

The answer comes from whom it was asked, goes to where it was asked from and has the id of the
request, which nobody else can guess (RFC 6120 §8.2.3, rule 4). Whatever else calls itself a
result is nobody's answer, and ignored.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import NamedTuple

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime

from xmppd import ns
from xmppd.errors import STANZA_CONDITIONS
from xmppd.jid import JID
from xmppd.wire import build
from xmppd.wire.build import Raw, Tag
from xmppd.wire.stanza import Stanza

SECONDS = 30.0
"""How long an answer may take."""

LOOK = 0.1
"""Seconds between two looks at whose answer is overdue, at the least."""

MOST = 10_000
"""How many requests may be without an answer at a time."""


class RequestFailed(Exception):
    """There was no result: an error came, nothing came, or too much is being asked already.

    `condition` is that of the error, or the one that a server would send in its place. `stanza`
    is the error where one came. `temporary` says that it may help to ask again later: nothing has
    come, or an error of the type "wait".
    """

    def __init__(self, condition: str, stanza: Stanza | None = None) -> None:
        super().__init__(condition)
        self.condition = condition
        self.stanza = stanza

    @property
    def temporary(self) -> bool:
        """See above."""
        stanza = self.stanza
        if stanza is None:
            return True
        error = stanza.element.find(f"{{{stanza.content}}}error")
        return error is not None and error.get("type") == "wait"


class _Pending(NamedTuple):
    sender: JID
    to: JID
    answer: Deferred[Stanza]
    due: float
    by: str


class OwnRequests:
    """The requests that wait for an answer. `send` takes a stanza to where it goes."""

    __slots__ = ("_clock", "_ids", "_looking", "_pending", "_send")

    def __init__(self, send: Callable[[Stanza], None], clock: IReactorTime) -> None:
        self._send = send
        self._clock = clock
        self._ids: list[str] = []
        self._looking: IDelayedCall | None = None
        """One for all of them: nearly every answer comes, and in time."""
        self._pending: dict[str, _Pending] = {}

    def __len__(self) -> int:
        """How many wait for an answer."""
        return len(self._pending)

    def ask(
        self,
        sender: JID,
        to: JID,
        type_: str,
        payload: Tag | Raw,
        *,
        seconds: float = SECONDS,
        send: Callable[[Stanza], None] | None = None,
        needed: bool = False,
        by: str = "",
    ) -> Deferred[Stanza]:
        """Ask `to` in the name of `sender`: a domain of this server, or an account's bare JID.

        `send` takes it another way than the usual one; what it raises is raised. `needed` says that
        it is asked however many wait: there are few of its kind, and users can't cause them. `by`
        is the domain of the component that asks in the name of `sender`.

        Fires with the result; fails with RequestFailed, where nobody answers within `seconds`
        with `remote-server-timeout`. Who cancels it has no use for an answer any more.
        """
        answer: Deferred[Stanza] = Deferred(lambda _: self._forget(id_))
        if len(self._pending) >= MOST and not needed:
            answer.errback(RequestFailed("resource-constraint"))
            return answer
        if not self._ids:
            self._ids = _unguessable()
        id_ = self._ids.pop()
        now = self._clock.seconds()
        looking = self._looking
        if looking is None or looking.getTime() > now + seconds:
            self._look_in(seconds)
        self._pending[id_] = _Pending(sender, to, answer, now + seconds, by)
        request = build.stanza("iq", {"type": type_, "id": id_}, payload)
        request.sender, request.to = sender, to
        try:
            (send or self._send)(request)
        except BaseException:
            if id_ in self._pending:
                self._forget(id_)
            raise
        return answer

    def asked_by(self, request: Stanza) -> str:
        """The domain of the component that asks this in another's name; "" where it is none."""
        pending = self._pending.get(request.id)
        return "" if pending is None or pending.sender != request.sender else pending.by

    def answered(self, stanza: Stanza) -> None:
        """Take an IQ result or error that is for the server itself, or for one of its accounts."""
        pending = self._pending.get(stanza.id)
        if pending is None or (stanza.sender, stanza.to) != (pending.to, pending.sender):
            return
        self._forget(stanza.id)
        if stanza.type == "error":
            pending.answer.errback(RequestFailed(_condition(stanza), stanza))
        else:
            pending.answer.callback(stanza)

    def _look_in(self, seconds: float) -> None:
        if self._looking is not None:
            self._looking.cancel()
        self._looking = self._clock.callLater(seconds, self._look)

    def _look(self) -> None:
        """Give up those whose answer is overdue."""
        self._looking = None
        now = self._clock.seconds()
        overdue = [id_ for id_, pending in self._pending.items() if pending.due <= now]
        for id_ in overdue:
            pending = self._pending.pop(id_, None)  # one before it may have cancelled it
            if pending is not None:
                pending.answer.errback(RequestFailed("remote-server-timeout"))
        if self._pending:  # some of which may have been asked just now, by who was given up
            first = min(pending.due for pending in self._pending.values())
            self._look_in(max(first - now, LOOK))

    def _forget(self, id_: str) -> None:
        del self._pending[id_]
        if not self._pending and self._looking is not None:
            self._looking.cancel()
            self._looking = None


def _unguessable() -> list[str]:
    """So many ids of 96 bits, since one at a time costs four times as much."""
    drawn = secrets.token_urlsafe(12 * 64)
    return [drawn[at : at + 16] for at in range(0, len(drawn), 16)]


def _condition(stanza: Stanza) -> str:
    """The condition that an error names; an unknown one is undefined (RFC 6120 §8.3.3.21)."""
    error = stanza.element.find(f"{{{stanza.content}}}error")
    for child in () if error is None else error:
        namespace, _, condition = child.tag.rpartition("}")
        if namespace == f"{{{ns.STANZA_ERRORS}" and condition in STANZA_CONDITIONS:
            return condition
    return "undefined-condition"
