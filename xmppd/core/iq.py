"""Requests that the server answers itself, and exactly one answer to each (RFC 6120 §8.2.3)."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from enum import Enum, auto
from typing import Any, Protocol, TypeAlias
from xml.etree.ElementTree import Element

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from xmppd.core.sessions import Session
from xmppd.errors import StanzaError, StoreError
from xmppd.jid import JID
from xmppd.wire import build
from xmppd.wire.build import Tag
from xmppd.wire.claim import Claim
from xmppd.wire.stanza import Stanza

log = Logger()


class On(Enum):
    """Whom a request is addressed to, where the server answers."""

    HOST = auto()
    """A domain of this server."""
    ACCOUNT = auto()
    """A bare JID of this server, or no address at all: the sender's own account."""


class Request:
    """An IQ get or set that the server answers.

    `session` is the sender's session where it is local, else None; `to` the bare JID or domain
    asked, `own` whether a user asks his own account. A responder may set `then`, which is called
    once the result has been sent.
    """

    __slots__ = ("_payload", "session", "stanza", "then", "to")

    def __init__(self, stanza: Stanza, to: JID, session: Session | None) -> None:
        self.stanza = stanza
        self.to = to
        self.session = session
        self.then: Callable[[], None] | None = None
        self._payload: Element | None = None

    @property
    def sender(self) -> JID:
        """The full JID that asks."""
        assert self.stanza.sender is not None
        return self.stanza.sender

    @property
    def own(self) -> bool:
        """True when a user asks his own account."""
        return self.sender.bare == self.to

    @property
    def payload(self) -> Element:
        """The one child element of the request."""
        if self._payload is None:
            self._payload = self.stanza.element[0]
        return self._payload


Answer: TypeAlias = Tag | Stanza | None
"""The payload of the result, None for an empty one; or the whole answer."""

Later: TypeAlias = Deferred[Answer] | Coroutine[Deferred[Any], Any, Answer]
"""An answer that takes time."""

Responder: TypeAlias = Callable[[Request], Answer | Later]
"""Answers a request, now or later, or raises StanzaError."""


class Delegate(Protocol):
    """Who answers requests of a namespace in place of whoever does here."""

    def takes(self, on: On, request: Request) -> bool:
        """Whether it answers this one."""

    def answer(self, request: Request) -> Later:
        """Its answer; fails with StanzaError."""


class IQTable:
    """Who answers which request: a dictionary on (addressee, type, payload).

    `send` takes a result to where it goes, `refuse` answers a request with what went wrong.
    `delegates` come first, by the domain that is asked and the namespace of the payload.
    """

    __slots__ = ("_refuse", "_send", "_table", "delegates")

    def __init__(
        self, send: Callable[[Stanza], None], refuse: Callable[[Stanza, BaseException], None]
    ) -> None:
        self._send = send
        self._refuse = refuse
        self._table: dict[tuple[On, str, str], Responder] = {}
        self.delegates: dict[tuple[str, str], Sequence[Delegate]] = {}

    def add(self, on: On, type_: str, payload: str, responder: Responder) -> Callable[[], None]:
        """Have `responder` answer IQs of `type_` ("get" or "set") with the payload `payload`.

        `payload` is spelled ``"namespace local"``. Raises ValueError where somebody does already.
        """
        key = (on, type_, payload)
        if key in self._table:
            raise ValueError(f"{key} has a responder")
        self._table[key] = responder

        def remove() -> None:
            del self._table[key]

        return remove

    def knows(self, on: On, type_: str, payload: str, domain: str) -> bool:
        """Whether somebody answers such IQs at a domain."""
        key = domain, payload.rpartition(" ")[0]
        return (on, type_, payload) in self._table or key in self.delegates

    def _responder(self, on: On, request: Request) -> Responder | None:
        stanza = request.stanza
        payload = stanza.children[0]
        if self.delegates:
            delegates = self.delegates.get((request.to.domain, payload.rpartition(" ")[0]), ())
            for delegate in delegates:
                if delegate.takes(on, request):
                    return delegate.answer
        return self._table.get((on, stanza.type, payload))

    def answer(self, on: On, request: Request) -> None:
        """Answer `request`; with an error where nobody knows its payload (RFC 6120 §8.4)."""
        stanza = request.stanza
        try:
            if len(stanza.children) != 1:  # RFC 6120 §8.2.3, rule 3
                raise StanzaError("bad-request", "one child element", reason="stanza.iq-child")
            responder = self._responder(on, request)
            if responder is None:
                raise self._unknown(on, request)
            answer = responder(request)
            if answer is not None and not isinstance(answer, (Tag, Stanza)):
                self._answer_later(request, answer)
                return
            reply = result(stanza, answer)
        except Exception as error:  # noqa: BLE001 - every request is answered
            self._refuse(stanza, error)
            return
        self._reply(request, reply)

    def _reply(self, request: Request, reply: Stanza) -> None:
        self._send(reply)
        if request.then is not None:
            request.then()

    def _answer_later(self, request: Request, answer: Later) -> None:
        later = answer if isinstance(answer, Deferred) else Deferred.fromCoroutine(answer)
        stanza = request.stanza
        claim = stanza.claim
        if claim is not None:
            claim.hold()
        later.addCallbacks(self._answered, self._failed, (request,), {}, (stanza,), {})
        if claim is not None:  # it is handled once it is answered
            later.addBoth(_let_go, claim)

    def _answered(self, answer: Answer, request: Request) -> None:
        try:
            reply = result(request.stanza, answer)
        except Exception as error:  # noqa: BLE001 - every request is answered
            self._refuse(request.stanza, error)
            return
        try:
            self._reply(request, reply)
        except Exception:  # noqa: BLE001 - it is on its way, and may not be answered twice
            log.failure("an answer could not be sent")

    def _failed(self, failure: Failure, stanza: Stanza) -> None:
        assert failure.value is not None
        self._refuse(stanza, failure.value)

    def _unknown(self, on: On, request: Request) -> StanzaError:
        """A known payload under the other type is not allowed; an unknown one is unavailable.

        So is everything at the account of somebody else, which may be none (RFC 6121 §8.5.1).
        """
        stanza = request.stanza
        other = "set" if stanza.type == "get" else "get"
        told = on is On.HOST or request.own
        if told and (on, other, stanza.children[0]) in self._table:
            return unhandled(stanza, "not-allowed", f"only {other} is known")
        return unhandled(stanza)


def _let_go(outcome: Any, claim: Claim) -> Any:
    claim.let_go()
    return outcome


def unhandled(
    stanza: Stanza, condition: str = "service-unavailable", text: str = ""
) -> StanzaError:
    """The answer to a payload that nobody here handles; the operator is told which."""
    payload = stanza.children[0] if stanza.children else ""
    return StanzaError(condition, text, reason="stanza.unhandled", detail=payload)


def result(stanza: Stanza, payload: Answer) -> Stanza:
    """The result that answers the request `stanza`, back to where it came from."""
    if isinstance(payload, Stanza):
        return payload
    content = () if payload is None else (payload,)
    reply = build.stanza("iq", {"type": "result", "id": stanza.id}, *content)
    reply.sender, reply.to = stanza.to, stanza.sender
    return reply


def as_stanza_error(error: BaseException) -> StanzaError:
    """`error` as the sender of a stanza sees it; a bug of ours is logged and stays vague."""
    if isinstance(error, StanzaError):
        return error
    if isinstance(error, StoreError):
        log.error("store: {error}", error=str(error))
        return StanzaError(error.condition, reason="stanza.store", type="wait")
    log.failure("a responder failed", Failure(error))
    return StanzaError("internal-server-error", reason="stanza.internal")
