"""IQ requests that a component makes itself, and the one answer that counts for each.

    result = await component.ask(account, "get", Tag("query", ns=ns.DISCO_INFO))

The answer comes from whom it was asked, goes to where it was asked from and has the id of the
request, which nobody else can guess (RFC 6120 §8.2.3, rule 4).
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import NamedTuple

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime

from components.common import answers
from components.common.answers import Answer
from components.common.stanza import Stanza, write
from xmppd.jid import JID, JIDError

SECONDS = 30.0
"""How long an answer may take."""

MOST = 10_000
"""How many requests may be without an answer at a time."""


class RequestFailed(Exception):
    """There was no result: an error came, nothing came, or too much is being asked already.

    `condition` is that of the error, or the one that a server would send in its place; `text`
    what the other side says of it; `stanza` the error where one came.
    """

    def __init__(self, condition: str, text: str = "", stanza: Stanza | None = None) -> None:
        super().__init__(f"{condition}: {text}" if text else condition)
        self.condition = condition
        self.text = text
        self.stanza = stanza


class _Pending(NamedTuple):
    sender: JID
    to: JID
    answer: Deferred[Stanza]
    timeout: IDelayedCall


class OwnRequests:
    """The requests that wait for an answer. `send` takes a stanza to where it goes."""

    __slots__ = ("_clock", "_pending", "_send")

    def __init__(self, send: Callable[[bytes], bool], clock: IReactorTime) -> None:
        self._send = send
        self._clock = clock
        self._pending: dict[str, _Pending] = {}

    def __len__(self) -> int:
        """How many wait for an answer."""
        return len(self._pending)

    def ask(
        self, sender: JID, to: JID, type_: str, payload: Answer, seconds: float = SECONDS
    ) -> Deferred[Stanza]:
        """Ask `to` in the name of `sender`, an address of the component.

        Fires with the result; fails with RequestFailed, where nobody answers within `seconds`
        with `remote-server-timeout`. Who cancels it has no use for an answer any more.
        """
        id_ = secrets.token_urlsafe(12)
        answer: Deferred[Stanza] = Deferred(lambda _: self._forget(id_))
        if len(self._pending) >= MOST:
            answer.errback(RequestFailed("resource-constraint", "too many requests wait"))
            return answer
        timeout = self._clock.callLater(seconds, self._time_out, id_)
        self._pending[id_] = _Pending(sender, to, answer, timeout)
        inner = answers.payload(payload)
        if not self._send(write("iq", sender, to, inner, type_=type_, id_=id_)):
            self._forget(id_)
            answer.errback(RequestFailed("remote-server-timeout", "there is no connection"))
        return answer

    def answered(self, stanza: Stanza) -> bool:
        """Take an IQ result or error; whether it is the answer to one of these requests."""
        pending = self._pending.get(stanza.id)
        if pending is None:
            return False
        try:
            if (stanza.sender, stanza.to) != (pending.to, pending.sender):
                return False
        except JIDError:
            return False
        self._forget(stanza.id)
        if stanza.type == "error":
            pending.answer.errback(RequestFailed(*answers.stanza_condition(stanza), stanza))
        else:
            pending.answer.callback(stanza)
        return True

    def fail(self, condition: str, text: str) -> None:
        """Nobody will be answered any more."""
        for id_, pending in list(self._pending.items()):
            self._forget(id_)
            pending.answer.errback(RequestFailed(condition, text))

    def _time_out(self, id_: str) -> None:
        pending = self._pending.pop(id_)
        pending.answer.errback(RequestFailed("remote-server-timeout", "nobody has answered"))

    def _forget(self, id_: str) -> None:
        pending = self._pending.pop(id_, None)
        if pending is not None and pending.timeout.active():
            pending.timeout.cancel()
