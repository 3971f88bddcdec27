"""The rows about messages to users who are offline (RFC 6121 section 8.5.2.2.1, XEP-0203)."""

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from benchmarks.chat import payload_after_stamp
from benchmarks.client import DOMAIN, Client, LoadError, Script
from benchmarks.load import Crowd
from benchmarks.proc import Meter, Usage
from benchmarks.scripts import logging_in, opening
from benchmarks.server import Server
from benchmarks.work import Measure, Options, people, provide_accounts, security, timed

_IN_FLIGHT = 10
"""Messages that a sender sends before it waits for the answer to a ping."""
_QUIET = 0.05
"""The part of a core below which a server is taken to have ended what it had to do."""
_QUIET_LIMIT = 60.0
_PING = f"<iq type='get' to='{DOMAIN}' id='ping'><ping xmlns='urn:xmpp:ping'/></iq>".encode()
_PONG = re.compile(rb"<iq(?=[^>]*id=.ping.)[^>]*?(?:/>|>.*?</iq>)", re.DOTALL)
_MESSAGE = re.compile(rb"</message>")
_NUMBER = re.compile(rb">n=(\d+) ")
_DELAY = re.compile(rb"<delay\b[^>]*urn:xmpp:delay")


@dataclass(frozen=True)
class _Outcome:
    """What the whole of it gave; the logins' wall-clock seconds, with messages, are in `took`."""

    storing: Usage
    with_messages: Usage
    without: Usage
    took: list[float]
    security: str


def provide(server: Server, options: Options) -> None:
    """Make the accounts of recipients and senders; they have no rosters."""
    provide_accounts(server, [*_recipients(options), *_senders(options)], options.concurrency)


def store(server: Server, options: Options) -> Measure:
    """What storing a message costs."""
    outcome, count = _run(server, options), options.users * options.offline
    cost = outcome.storing.server / count * 1e6
    return timed(cost, count, outcome.storing, [], _notes(outcome))


def deliver(server: Server, options: Options) -> Measure:
    """What a login with messages costs more than one without, for each of the messages."""
    outcome, count = _run(server, options), options.users * options.offline
    cost = (outcome.with_messages.server - outcome.without.server) / count * 1e6
    notes = _notes(outcome) | {
        "ms CPU per login with": outcome.with_messages.server / options.users * 1e3,
        "and without": outcome.without.server / options.users * 1e3,
    }
    return timed(cost, count, outcome.with_messages, outcome.took, notes)


def _notes(outcome: _Outcome) -> dict[str, str | float]:
    return {"lost": 0, "security": outcome.security}


def _recipients(options: Options) -> list[str]:
    return people(options.users, "nurse")


def _senders(options: Options) -> list[str]:
    return people(options.senders, "peter")


def _run(server: Server, options: Options) -> _Outcome:
    """Store, deliver, and log the same users in once more.

    LoadError when a user does not get exactly what was sent, in order and with its delay. A round
    of logins before all that warms the server and takes what an earlier run may have left.
    """
    recipients = _recipients(options)
    with Crowd(server.address) as crowd:
        _log_in_each(crowd, server, recipients, None)
        shares = [recipients[number :: options.senders] for number in range(options.senders)]
        crowd.play(_senders(options), logging_in(None), options.concurrency)
        crowd.drain(1.0)
        senders = list(crowd.clients.values())
        script = _sending({c.user: s for c, s in zip(senders, shares, strict=True)}, options)
        secured, meter = security(crowd), Meter(server.processes)
        crowd.go_on(senders, script, len(senders))
        sending = meter.read()
        _await_quiet(crowd, server)
        storing = Usage(sending.wall, meter.read().server, sending.generator)
        for client in senders:
            client.send(b"</stream:stream>")
            crowd.leave(client)
        crowd.drain(0.5)
        full, took = _log_in_each(crowd, server, recipients, options.offline)
        empty, _ = _log_in_each(crowd, server, recipients, 0)
    return _Outcome(storing, full, empty, took, secured)


def _sending(shares: dict[str, Sequence[str]], options: Options) -> Callable[[Client], Script]:
    """Return the script of a sender: messages to those in its share, each its next in turn."""
    rest = payload_after_stamp().decode()

    def message(user: str, number: int) -> str:
        return f"<message to='{user}@{DOMAIN}' type='chat' id='m{number}'><body>n={number}{rest}"

    def script(client: Client) -> Script:
        share = shares[client.user]
        messages = [message(user, n) for n in range(options.offline) for user in share]
        for first in range(0, len(messages), _IN_FLIGHT):
            client.send("".join(messages[first : first + _IN_FLIGHT]).encode() + _PING)
            answer = yield _PONG
            assert answer is not None
            if b"<message" in answer.string[: answer.start()]:
                raise LoadError(f"{client.user}: bounced: {answer.string[:300]!r}")

    return script


def _log_in_each(
    crowd: Crowd, server: Server, users: Sequence[str], expected: int | None
) -> tuple[Usage, list[float]]:
    """Log users in one after the other; each takes its messages and leaves."""
    meter = Meter(server.processes)
    took = crowd.play(users, _collecting(crowd, expected), 1)
    wall = meter.read()
    _await_quiet(crowd, server)
    return Usage(wall.wall, meter.read().server, wall.generator), took


def _collecting(crowd: Crowd, expected: int | None) -> Callable[[Client], Script]:
    """Return the script that logs in, takes the messages and leaves; None expects anything."""

    def script(client: Client) -> Script:
        yield from opening(client, None)
        client.send(b"<presence/>")
        data = b""
        for _ in range(expected or 0):
            message = yield _MESSAGE
            assert message is not None
            data += message.string[: message.end()]
        client.send(_PING)
        pong = yield _PONG
        assert pong is not None
        if expected is not None:
            _check(client, data + pong.string[: pong.start()], expected)
        client.send(b"<presence type='unavailable'/></stream:stream>")
        crowd.leave(client)

    return script


def _check(client: Client, data: bytes, expected: int) -> None:
    numbers = [int(number) for number in _NUMBER.findall(data)]
    if numbers != list(range(expected)):
        raise LoadError(f"{client.user}: {expected} messages were due in order, got {numbers}")
    if (stamps := len(_DELAY.findall(data))) < expected:
        raise LoadError(f"{client.user}: {stamps} of {expected} messages have a delay stamp")


def _await_quiet(crowd: Crowd, server: Server) -> None:
    """Wait until the server has ended what it does behind its answers, writing to disk say."""
    end = time.perf_counter() + _QUIET_LIMIT
    while True:
        meter = Meter(server.processes)
        crowd.drain(0.25)
        if meter.read().server_load < _QUIET:
            return
        if time.perf_counter() > end:
            raise LoadError(f"the server does not come to rest within {_QUIET_LIMIT:.0f} s")
