"""A component: who handles which stanza, what it sends, and what it asks for itself.

    component.iq("get", f"{ns.TIME} time", tell_the_time)
    component.on_message(echo)

A handler is given a `Stanza`, and gives its answer now or later, or raises StanzaError. Exactly
one answer goes to each IQ get or set (RFC 6120 §8.2.3).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Coroutine, Iterable
from enum import Enum, auto
from typing import Any, TypeAlias

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from components.common import answers, requests
from components.common.acks import GivenUpError
from components.common.answers import Answer
from components.common.build import Content, Tag, message_content, render
from components.common.connection import Pace
from components.common.link import Endpoint, Link
from components.common.pauses import Pauses
from components.common.requests import OwnRequests, RequestFailed
from components.common.stanza import Stanza, write
from components.common.stream import Identity
from components.common.work import Work
from xmppd import ns
from xmppd.errors import StanzaError, StoreError
from xmppd.jid import JID, JIDError

log = Logger(namespace="component")

NOT_GRANTED = "component.not-granted"
"""The reason of what could not be done since the server does not let the component."""
MISSING = 100
"""How much of that the operator is told of, each once."""

STOPPING = 5.0
"""Seconds that handlers may take when the component stops."""


class On(Enum):
    """Whom a request is addressed to."""

    SERVICE = auto()
    """The component's domain itself."""
    ADDRESS = auto()
    """An address at its domain, such as a room."""


class Passed(Enum):
    """What a handler of requests says instead of an answer."""

    ON = auto()
    """The stanza was passed on: somebody else answers it."""


class Unfinished(Exception):
    """Raised by a handler of messages or presence that leaves a stanza to the next process.

    The component stops: the server, which is never told that it was handled, sends it again. Where
    nobody acknowledges, and to who waits for an answer, it is `resource-constraint`.
    """


Later: TypeAlias = Deferred[Any] | Coroutine[Deferred[Any], Any, Any]
"""Something that takes time."""

Responder: TypeAlias = Callable[[Stanza], Answer | Passed | Later]
"""Answers an IQ get or set, now or later, or raises StanzaError."""

Handler: TypeAlias = Callable[[Stanza], Later | None]
"""Handles a message, presence, or an IQ result or error that nobody has asked for."""

WriteError: TypeAlias = Callable[[Stanza, StanzaError], bytes]
"""Writes the error that answers a stanza."""


class Component:
    """What connects to a server as `identity.domain`.

    `servers` are the domains of the server, the first of them the one that it is asked at. It is
    from them, and from nobody else, that it takes grants and delegated requests.
    """

    def __init__(
        self,
        identity: Identity,
        servers: Iterable[str],
        endpoint: Endpoint,
        clock: IReactorTime,
        *,
        where: str = "the server",
        source: str = "",
        pace: Pace | None = None,
    ) -> None:
        self.domain = JID.parse(identity.domain)
        self.servers = tuple(map(JID.parse, servers))
        self.clock = clock
        self.counts: Counter[str] = Counter()
        """What was received, by kind, and what was refused, by reason code."""
        self.link = Link(endpoint, identity, self, clock, where=where, source=source, pace=pace)
        self.work = Work(clock, _late)
        self.pauses = Pauses(lambda: self.behind, clock)
        self.requests = OwnRequests(self.link.send, clock)
        self._responders: dict[tuple[On, str, str], Responder] = {}
        self._handlers: dict[tuple[str, str], Handler] = {}
        self._urgent: set[str] = set()
        """Payloads of what is never refused because there is too much to do."""
        self._unknown: Responder | None = None
        self._errors: dict[str, WriteError] = {}
        self._on_open: list[Callable[[bool], object]] = []
        self._on_lost: list[Callable[[bool], object]] = []
        self._on_stop: list[Callable[[], Any]] = []
        self._missing: set[str] = set()
        """What the operator was told that is not granted."""
        self._stopping = False
        self.when_drained: Callable[[], object] = lambda: None
        """Called when the server has drained it: the process is to end for its successor."""

    # ------------------------------------------------------------------ what it handles

    def iq(
        self,
        type_: str,
        payload: str,
        responder: Responder,
        *on: On,
        replace: bool = False,
        urgent: bool = False,
    ) -> None:
        """Have IQs of `type_` ("get" or "set") with the payload ``"namespace local"`` answered.

        Those to the service itself, if `on` says nothing else; with `urgent` also while all others
        are refused since there is too much to do. Raises ValueError where somebody answers them
        already, unless it is to be replaced.
        """
        if urgent:
            self._urgent.add(payload)
        for each in on or (On.SERVICE,):
            key = (each, type_, payload)
            if key in self._responders and not replace:
                raise ValueError(f"{key} has a responder")
            self._responders[key] = responder

    def on_unknown_iq(self, responder: Responder) -> None:
        """Have all other IQ gets and sets answered; `Passed.ON` where somebody else will."""
        self._unknown = responder

    def on_message(self, handler: Handler, payload: str = "") -> None:
        """Have messages handled, those with a child of the name ``"namespace local"``, or all."""
        self._handle("message", payload, handler)

    def on_presence(self, handler: Handler, payload: str = "") -> None:
        """Have presence handled; see `on_message`."""
        self._handle("presence", payload, handler)

    def on_error(self, handler: Handler) -> None:
        """Have messages and presence of type "error" handled; `on_message` never gets any."""
        self._handle("error", "", handler)

    def errors(self, kind: str, write: WriteError) -> None:
        """Have the errors written by `write` that answer stanzas of a kind."""
        self._errors[kind] = write

    def on_stray_answer(self, handler: Handler) -> None:
        """Have IQ results and errors handled that answer nothing of the component's own."""
        self._handle("answer", "", handler)

    def on_open(self, tell: Callable[[bool], object]) -> None:
        """Have `tell` called when there is a stream; with False where it is a new one."""
        self._on_open.append(tell)

    def on_lost(self, tell: Callable[[bool], object]) -> None:
        """Have `tell` called when it is lost; with False where it can't be resumed."""
        self._on_lost.append(tell)

    def on_stop(self, finish: Callable[[], Any]) -> None:
        """Have `finish` called when the component stops; a Deferred is waited for."""
        self._on_stop.append(finish)

    def _handle(self, kind: str, payload: str, handler: Handler) -> None:
        if (kind, payload) in self._handlers:
            raise ValueError(f"{kind} {payload} has a handler")
        self._handlers[kind, payload] = handler

    # ------------------------------------------------------------------ what it sends

    @property
    def connected(self) -> bool:
        """Whether what is sent goes out at once."""
        return self.link.connected

    @property
    def crowded(self) -> bool:
        """Whether so much waits for the server that requests are refused."""
        return self.link.crowded

    @property
    def behind(self) -> bool:
        """Whether so much waits for the server that who sends very much pauses: see `pauses`."""
        return self.link.behind

    def send(self, stanza: Tag | bytes) -> bool:
        """Send a stanza, whose `from` is at the component's domain, or keep it for later.

        False where too much waits already.
        """
        data = stanza if isinstance(stanza, bytes) else stanza.render()
        return self.link.send(data)

    def send_all(self, stanzas: Iterable[bytes]) -> bool:
        """Send several stanzas, in order, at once; see `send`."""
        return self.link.send_all(stanzas)

    def message(
        self, to: JID, *content: Content, type_: str = "", sender: JID | None = None, id_: str = ""
    ) -> bool:
        """Send a message, from the service itself where `sender` is None; a text is its body."""
        inner = message_content(content)
        return self.link.send(
            write("message", sender or self.domain, to, inner, type_=type_, id_=id_)
        )

    def reply(self, message: Stanza, *content: Content) -> bool:
        """Send a message back, of its type and from where it was for (RFC 6121 §5.2.2)."""
        return self.message(message.sender, *content, type_=message.type, sender=message.to)

    def presence(
        self, to: JID, *content: Tag | bytes, type_: str = "", sender: JID | None = None
    ) -> bool:
        """Send presence, from the service itself where `sender` is None."""
        return self.link.send(
            write("presence", sender or self.domain, to, render(content), type_=type_)
        )

    def answer(self, stanza: Stanza, answer: Answer = None) -> None:
        """Answer a request, whose handler may have more to do, unless it has been answered.

        Whoever answers before he is done says `Passed.ON` then.
        """
        if not stanza.answered:
            written = answers.result(stanza, answer)
            stanza.answered = True
            self.link.send(written)

    def ask(
        self,
        to: JID,
        type_: str,
        payload: Answer,
        *,
        sender: JID | None = None,
        seconds: float = requests.SECONDS,
    ) -> Deferred[Stanza]:
        """Ask somebody; see `OwnRequests.ask`."""
        return self.requests.ask(sender or self.domain, to, type_, payload, seconds)

    async def acknowledged(self) -> None:
        """Wait until the server has what was sent so far, so that this process may forget it.

        Raises RequestFailed where nobody can say any more. A server that counts nothing is pinged:
        what it answers behind a stanza it says after it has read that.
        """
        if not self.connected:
            raise RequestFailed("remote-server-timeout", "there is no connection")
        if self.link.managed:
            try:
                await self.link.settled()
            except GivenUpError:
                raise RequestFailed("remote-server-timeout", "the connection is lost") from None
            return
        try:
            await self.ask(self.servers[0], "get", Tag("ping", ns=ns.PING))
        except RequestFailed as failed:
            if failed.stanza is None:
                raise

    # ------------------------------------------------------------------ start and stop

    def start(self) -> None:
        """Connect, and stay connected."""
        self.work.start()
        self.link.start()

    async def stop(self) -> None:
        """Finish what handlers have begun, close the stream and the connection."""
        self._stopping = True
        for finish in self._on_stop:
            try:
                outcome = finish()
                if outcome is not None:
                    await _later(outcome)
            except Exception:  # noqa: BLE001 - the rest is to end all the same
                log.failure("the component could not finish something")
        await self.work.when_idle(STOPPING)
        self.work.stop()
        await self.link.stop()
        self.requests.fail("service-unavailable", "the component stops")
        told = ", ".join(f"{what} {count}" for what, count in sorted(self.counts.items()))
        log.info("stopped; {told}", told=told or "nothing was received")

    # ------------------------------------------------------------------ what the link tells

    def opened(self, *, resumed: bool) -> None:
        """There is a stream (`connection.Receiver`)."""
        _tell(self._on_open, resumed)

    def lost(self, *, resumable: bool) -> None:
        """There is none any more (`connection.Receiver`)."""
        if not resumable:
            self.requests.fail("remote-server-timeout", "the connection is lost")
        _tell(self._on_lost, resumable)

    def drained(self) -> None:
        """Another process is to take over (`connection.Receiver`)."""
        self.when_drained()

    def received(self, stanza: Stanza) -> Deferred[None] | None:
        """A stanza has come (`connection.Receiver`)."""
        attrs = stanza.attrs
        kind = stanza.kind
        self.counts[kind] += 1
        if "from" not in attrs or "to" not in attrs:
            self.counts["component.no-address"] += 1
            return None
        type_ = attrs.get("type", "")
        if kind == "iq":
            if type_ in ("result", "error"):
                if self.requests.answered(stanza):
                    return None
                handler = self._handlers.get(("answer", ""))
                return None if handler is None else self.run(handler, stanza, None)
            return self.run(self._respond, stanza, self._answer)
        if type_ == "error":
            handler = self._handlers.get(("error", ""))
        else:
            handler = self._handler(kind, stanza)
        if handler is not None:
            return self.run(handler, stanza, None)
        if kind == "message" and type_ not in ("error", "headline"):
            # RFC 6121 §8.5.2: nobody takes messages here.
            self._refuse(stanza, _unhandled(stanza), None)
        return None

    def _handler(self, kind: str, stanza: Stanza) -> Handler | None:
        handlers = self._handlers
        for child in stanza.children:
            handler = handlers.get((kind, child))
            if handler is not None:
                return handler
        return handlers.get((kind, ""))

    def _respond(self, stanza: Stanza) -> Answer | Passed | Later:
        children = stanza.children
        busy = (self.work.full or self.link.crowded) and self._urgent.isdisjoint(children)
        if self._stopping or busy:
            text = "stopping" if self._stopping else "too busy"
            raise StanzaError("resource-constraint", text, reason="component.busy")
        if len(children) != 1:  # RFC 6120 §8.2.3, rule 3
            raise StanzaError("bad-request", "one child element", reason="stanza.iq-child")
        to, payload, type_ = stanza.attrs["to"], children[0], stanza.type
        on = On.SERVICE if to == self.domain or not stanza.to.local else On.ADDRESS
        responder = self._responders.get((on, type_, payload), self._unknown)
        if responder is not None and type_ in ("get", "set"):
            return responder(stanza)
        other = "set" if type_ == "get" else "get"
        if (on, other, payload) in self._responders:
            raise StanzaError("not-allowed", f"only {other} is known", reason="stanza.unhandled")
        if type_ not in ("get", "set"):  # §8.2.3, rule 2
            raise StanzaError("bad-request", "no type of an IQ", reason="stanza.iq-type")
        raise _unhandled(stanza)

    # ------------------------------------------------------------------ handlers at work

    def run(
        self,
        handler: Callable[[Stanza], Any],
        stanza: Stanza,
        finish: Callable[[Stanza, Any], None] | None,
        refuse: Callable[[Stanza, StanzaError], None] | None = None,
    ) -> Deferred[None] | None:
        """Have a handler do its work: `finish` gets what it gave, `refuse` what it raised.

        None where all is done, else a Deferred that fires when it is.
        """
        try:
            outcome = handler(stanza)
            if isinstance(outcome, Deferred) or hasattr(outcome, "__await__"):
                return self._run_on(_later(outcome), stanza, finish, refuse)
            if finish is not None:
                finish(stanza, outcome)
        except Unfinished as left:
            return self._leave(stanza, left, refuse)
        except Exception as error:  # noqa: BLE001 - every request is answered
            self._refuse(stanza, error, refuse)
        return None

    def _run_on(
        self,
        later: Deferred[Any],
        stanza: Stanza,
        finish: Callable[[Stanza, Any], None] | None,
        refuse: Callable[[Stanza, StanzaError], None] | None,
    ) -> Deferred[None]:
        def over(outcome: Any) -> Any:
            try:
                if not isinstance(outcome, Failure):
                    if finish is not None:
                        finish(stanza, outcome)
                    return None
                if isinstance(outcome.value, Unfinished):
                    return self._leave(stanza, outcome.value, refuse)
                assert outcome.value is not None
                self._refuse(stanza, outcome.value, refuse)
            except Exception as error:  # noqa: BLE001 - every request is answered
                self._answer_at_least(stanza, error, refuse)
            return None

        # Behind the work: nobody waits for what is left to the next process. And one callback for
        # all of it: stanzas that wait for a store are common.
        return self.work.add(later).addBoth(over)

    def _answer_at_least(
        self,
        stanza: Stanza,
        error: Exception,
        refuse: Callable[[Stanza, StanzaError], None] | None,
    ) -> None:
        """Refuse a stanza that could not be answered as it was to be."""
        try:
            self._refuse(stanza, error, refuse)
        except Exception:  # noqa: BLE001 - nobody is left to be told
            log.failure("a refusal could not be sent")

    def _leave(
        self,
        stanza: Stanza,
        left: Unfinished,
        refuse: Callable[[Stanza, StanzaError], None] | None,
    ) -> Deferred[None] | None:
        """Never be done with a stanza, so that the server gives it to the next process."""
        if stanza.kind == "iq" or not self.link.managed:
            self._refuse(stanza, left, refuse)
            return None
        return Deferred()

    def _answer(self, stanza: Stanza, answer: Any) -> None:
        if answer is not Passed.ON:
            self.answer(stanza, answer)

    def _refuse(
        self,
        stanza: Stanza,
        error: BaseException,
        refuse: Callable[[Stanza, StanzaError], None] | None,
    ) -> None:
        told = as_stanza_error(error)
        self.counts[told.reason] += 1
        if told.reason == NOT_GRANTED:
            self._tell_of_missing(told.detail)
        if refuse is not None:
            refuse(stanza, told)
        elif not stanza.answered and answers.answerable(stanza):
            written = self._errors.get(stanza.kind, answers.error)(stanza, told)
            stanza.answered = True
            self.link.send(written)

    def _tell_of_missing(self, what: str) -> None:
        """Have the operator know, once, what it would need: those who asked can do nothing."""
        if what in self._missing or len(self._missing) >= MISSING:
            return
        self._missing.add(what)
        log.warn(
            "{domain} was asked for what it is not granted: {what}. Grant it in the server's "
            "configuration: xmppctl explain {domain} names the keys",
            domain=self.domain,
            what=what,
        )


def _tell(who: Iterable[Callable[[bool], object]], what: bool) -> None:
    for tell in who:
        try:
            tell(what)
        except Exception:  # noqa: BLE001 - a bug there is no fault of the stream
            log.failure("the component met a bug as its stream came or went")


def _late(failure: Failure) -> None:
    """Have it in the log what a handler fails with whose sender was told that it is slow."""
    assert failure.value is not None
    as_stanza_error(failure.value)


def _later(outcome: Any) -> Deferred[Any]:
    return outcome if isinstance(outcome, Deferred) else Deferred.fromCoroutine(outcome)


def _unhandled(stanza: Stanza) -> StanzaError:
    payload = stanza.children[0] if stanza.children else ""
    return StanzaError("service-unavailable", reason="stanza.unhandled", detail=payload)


def as_stanza_error(error: BaseException) -> StanzaError:
    """`error` as the sender of a stanza sees it; a bug of ours is logged and stays vague."""
    if isinstance(error, StanzaError):
        return error
    if isinstance(error, Unfinished):
        return StanzaError("resource-constraint", "stopping", reason="component.busy")
    if isinstance(error, JIDError):
        return StanzaError("jid-malformed", reason="stanza.to")
    if isinstance(error, CancelledError):
        return StanzaError("remote-server-timeout", "it takes too long", reason="component.slow")
    if isinstance(error, StoreError):
        log.error("store: {error}", error=str(error))
        return StanzaError(error.condition, reason="stanza.store", type="wait")
    if isinstance(error, RequestFailed):
        return StanzaError(error.condition, reason="component.asked-in-vain")
    log.failure("a handler failed", Failure(error))
    return StanzaError("internal-server-error", reason="stanza.internal")
