"""Answers of the DNS, remembered for as long as they hold, and each asked for once at a time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Literal, NamedTuple, Protocol, TypeAlias

from twisted.internet import defer
from twisted.internet.defer import Deferred
from twisted.names import dns
from twisted.names.hosts import searchFileForAll
from twisted.python.failure import Failure
from twisted.python.filepath import FilePath

from xmppd.config import S2S
from xmppd.domainpart import MAX_DNS_NAME
from xmppd.net.dns_answers import ALIASES, TYPES, Kind, Read, Service, read
from xmppd.net.nameservers import NameServers, Unanswered

HOSTS = Path("/etc/hosts")

LEAST = 5.0
"""The fewest seconds that anything is remembered: a TTL of 0 would have each stanza ask anew."""
MOST = 3_600.0
"""The most seconds that records are remembered, whatever their TTL."""
MOST_NEGATIVE = 300.0
"""The most seconds that it is remembered that there is none."""
FAILED = 5.0
"""Seconds that a failure is remembered."""
ROOM = 20_000
"""How much is remembered: records, and one more for each answer. The oldest go."""

Outcome: TypeAlias = Literal["found", "none", "no-name", "failed"]
"""Records; the name, without such a record; no such name; nobody knows."""


class Answer(NamedTuple):
    """What is known of a name, and `said`, why there is nothing."""

    outcome: Outcome
    services: tuple[Service, ...] = ()
    addresses: tuple[str, ...] = ()
    said: str = ""
    cached: bool = False


class Asking(Protocol):
    """Whoever asks name servers: `NameServers`."""

    def ask(self, name: str, kind: int) -> Awaitable[dns.Message]:
        """Ask for the records of a name; fails with Unanswered."""


class Key(NamedTuple):
    """A question."""

    kind: Kind
    name: str


class Resolver:
    """Asks, remembers, and looks into the host's file of names where no resolver is configured."""

    def __init__(
        self,
        reactor: Any,
        settings: Callable[[], S2S],
        servers: Asking | None = None,
        hosts: Path = HOSTS,
    ) -> None:
        self._reactor = reactor
        self._settings = settings
        self._servers = servers or NameServers(reactor, settings)
        self._hosts = FilePath(str(hosts))
        self._known = Known(reactor.seconds)
        self._waiting: dict[Key, list[Deferred[Answer]]] = {}

    def ask(self, kind: Kind, name: str) -> Deferred[Answer]:
        """What is known of a name in ASCII; the Deferred does not fail."""
        key = Key(kind, name.lower())
        known = self._known.get(key)
        if known is not None:
            return defer.succeed(known._replace(cached=True))
        answered: Deferred[Answer] = Deferred()
        waiting = self._waiting.get(key)
        if waiting is not None:
            waiting.append(answered)
            return answered
        self._waiting[key] = [answered]
        seconds = self._settings().dns_seconds
        asking = Deferred.fromCoroutine(self._ask(*key))
        asking.addTimeout(seconds, self._reactor)
        asking.addErrback(_failed, seconds, self._settings().resolver)
        asking.addBoth(self._settle, key)
        return answered

    def listed(self, name: str) -> tuple[str, ...]:
        """The addresses of a name in this host's own file, unless a resolver is configured."""
        if self._settings().resolver:
            return ()
        return tuple(searchFileForAll(self._hosts, name.encode("ascii")))

    def known(self, kind: Kind, name: str) -> Answer | None:
        """What is remembered of a name."""
        return self._known.get(Key(kind, name.lower()))

    def forget(self, name: str) -> None:
        """Ask anew the next time."""
        for kind in TYPES:
            self._known.forget(Key(kind, name.lower()))

    async def _ask(self, kind: Kind, name: str) -> tuple[Answer, float]:
        """The answer, and how long it holds; where it is an alias, that of what it stands for."""
        ttl = MOST
        for _ in range(ALIASES):
            if len(name) > MAX_DNS_NAME:
                return Answer("no-name", said="no name is as long as that"), MOST_NEGATIVE
            found = read(await self._servers.ask(name, TYPES[kind]), name, kind)
            ttl = min(ttl, found.ttl)
            if not found.alias:
                return _answer(found), ttl if found.exists else min(ttl, MOST_NEGATIVE)
            name = found.alias
        return Answer("none", said="an alias of an alias without end"), MOST_NEGATIVE

    def _settle(self, outcome: tuple[Answer, float] | Failure, key: Key) -> None:
        """Tell all who wait."""
        waiting = self._waiting.pop(key)
        if isinstance(outcome, Failure):  # a bug of our own: whoever asked hears of it
            for each in waiting:
                each.errback(outcome)
            return
        answer, seconds = outcome
        self._known.put(key, answer, max(seconds, LEAST))
        for each in waiting:
            each.callback(answer)


def _answer(found: Read) -> Answer:
    if found.exists:
        return Answer("found", found.services, found.addresses)
    if found.named:
        return Answer("none", said="there is no such record")
    return Answer("no-name", said="there is no such name")


def _failed(failure: Failure, seconds: float, resolver: tuple[str, ...]) -> tuple[Answer, float]:
    """The answer where no server gave any."""
    if failure.check(defer.TimeoutError):
        asked = (
            f"{', '.join(resolver)} ([s2s] resolver)" if resolver else "this host's name servers"
        )
        return Answer("failed", said=f"timed out after {seconds:g} s: no answer of {asked}"), FAILED
    failure.trap(Unanswered)
    return Answer("failed", said=failure.getErrorMessage()), FAILED


class Known:
    """What is remembered: each answer until its time is over, the oldest until there is room."""

    def __init__(self, now: Callable[[], float], room: int = ROOM) -> None:
        self._now = now
        self._room = room
        self._answers: dict[Key, tuple[Answer, float]] = {}

    def get(self, key: Key) -> Answer | None:
        """An answer that still holds."""
        answer, until = self._answers.get(key, (None, 0.0))
        if answer is not None and until <= self._now():
            self.forget(key)
            return None
        return answer

    def put(self, key: Key, answer: Answer, seconds: float) -> None:
        """Remember an answer for so long."""
        self.forget(key)
        self._answers[key] = (answer, self._now() + seconds)
        self._room -= _weight(answer)
        while self._room < 0:
            self.forget(next(iter(self._answers)))

    def forget(self, key: Key) -> None:
        """Forget an answer, if there is one."""
        answer, _ = self._answers.pop(key, (None, 0.0))
        if answer is not None:
            self._room += _weight(answer)


def _weight(answer: Answer) -> int:
    return 1 + len(answer.services) + len(answer.addresses)
