"""Both ends of a SASL exchange in memory: a table of users, clients, and a loop between them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from xmppd.credentials import derive, fake_keys, verify
from xmppd.errors import SASLFailure
from xmppd.stream.sasl import (
    MECHANISMS,
    Answer,
    Challenge,
    CheckPassword,
    Context,
    Exchange,
    FetchKeys,
    FetchPassword,
    Request,
    Success,
)

DOMAIN = "capulet.lit"
ROUNDS = 4096
VERSION = "the version that the answers are about"
TLS = Context(DOMAIN, secure=True, channel_bindings={"tls-exporter": b"\x07" * 32})
EVERYTHING = Context(
    DOMAIN,
    secure=True,
    anonymous=True,
    channel_bindings={"tls-exporter": b"\x07" * 32, "tls-server-end-point": b"\x09" * 32},
    certificate=(("xmppAddr", f"juliet@{DOMAIN}"),),
)


def mechanism(name):
    return next(m for m in MECHANISMS if m.name == name)


def failure(call: Callable[..., object], *args: object) -> tuple[str, str]:
    """Call, expect a SASLFailure, give its condition and reason."""
    try:
        outcome = call(*args)
    except SASLFailure as refused:
        return refused.condition, refused.reason
    raise AssertionError(f"no failure but {outcome!r}")


@dataclass
class Users:
    """Answers an exchange's requests from a dictionary of passwords; `VERSION` is of them all."""

    passwords: dict[str, str] = field(default_factory=dict)
    asked: list[Request] = field(default_factory=list)

    def answer(self, request):
        self.asked.append(request)
        return Answer(self._value(request), VERSION)

    def _value(self, request):
        known = self.passwords.get(request.username)
        match request:
            case FetchKeys(username, hash_name):
                if known is None:
                    return fake_keys(username, DOMAIN, hash_name, b"secret" * 6, ROUNDS)
                return derive(known, hash_name, salt=b"0123456789abcdef", iterations=ROUNDS)
            case FetchPassword():
                return known
            case CheckPassword(username, password):
                keys = derive(known or "?", "SHA-1", salt=b"salt", iterations=1)
                return known is not None and verify(password, keys)
        raise AssertionError(request)


@dataclass
class Conversation:
    """What passed between a client and the server, and how it ended."""

    messages: list[tuple[str, bytes]] = field(default_factory=list)
    success: Success | None = None
    failure: SASLFailure | None = None

    @property
    def shape(self):
        """Everything an onlooker could tell one failed conversation from another by."""
        ended = self.failure and (self.failure.condition, self.failure.text)
        return [(side, len(data)) for side, data in self.messages], ended


def converse(exchange: Exchange, initial, respond, users: Users) -> Conversation:
    """Run an exchange to its end; `respond` is the client: bytes to bytes."""
    passed = Conversation()
    try:
        step = exchange.start(initial)
        while not isinstance(step, Success):
            if isinstance(step, Challenge):
                passed.messages.append(("server", step.data))
                response = respond(step.data)
                passed.messages.append(("client", response))
                step = exchange.respond(response)
                continue
            try:
                value = users.answer(step)
            except SASLFailure as refused:
                step = exchange.fail(refused)
            else:
                step = exchange.answer(value)
        passed.success = step
    except SASLFailure as refused:
        passed.failure = refused
    return passed
