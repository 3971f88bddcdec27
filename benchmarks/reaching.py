"""The row about many other domains contacted at once: how long those wait who chat on the server.

Most of the domains answer as they should, and ask the server whether it is who it says; some are
down, some take connections and never say a word, some say it late.
"""

import re
import time
from collections.abc import Sequence

from benchmarks.client import Client, LoadError
from benchmarks.load import Crowd
from benchmarks.proc import Meter
from benchmarks.remote import LATE, SILENT, SLOW, Link, Remote
from benchmarks.scripts import logging_in
from benchmarks.server import REMOTE, SHUT, Server
from benchmarks.work import Measure, Options, people, percentile, security

PROMPT, OTHERS = 350, 50
"""How many domains answer as they should; how many of each other kind there are."""
_TALKERS, _WRITERS = 40, 50
PEOPLE = _TALKERS + _WRITERS
_EVERY = 0.002
"""Seconds from one message among those who chat to the next."""
_ALONE = 2.0
_LIMIT = 30.0
_AFTER = 2 * LATE + 2.0
"""Seconds after which those domains that are late have been reached, also by a server that asks
about a key on a connection of its own."""
_STAMP = re.compile(rb"<body>t=(\d+) (ask|say)</body></message>")
_MESSAGE = re.compile(rb"<message\b([^>]*)>.*?</message>", re.DOTALL)
_ERROR = re.compile(rb"\btype=['\"]error['\"]")
_TO = re.compile(rb"\bto=['\"]([^'\"/]+)")
_FROM = re.compile(rb"\bfrom=['\"]([^'\"/]+)")


class Talk:
    """Messages between pairs at a steady pace, each answered by one: a crowd's pacer.

    `trips` has the seconds from the message to its answer, with the time at which it was sent.
    """

    def __init__(self, clients: Sequence[Client]) -> None:
        self._askers = clients[::2]
        self._turn = 0
        self._next = time.perf_counter()
        self._cut: dict[int, bytes] = {}
        self.trips: list[tuple[float, float]] = []
        self.sent = 0
        for one, other in zip(clients[::2], clients[1::2], strict=True):
            one.peer, other.peer = other, one
        for client in clients:
            self._cut[client.fd] = b""
            client.hear = lambda data, client=client: self._hear(client, data)

    def pace(self) -> float:
        """Send the message that is due, if one is; return the seconds until the next."""
        now = time.perf_counter()
        if now >= self._next:
            self._turn += 1
            self.sent += 1
            _say(self._askers[self._turn % len(self._askers)], b"%d ask" % time.perf_counter_ns())
            self._next = max(self._next + _EVERY, now)
        return max(0.0, self._next - time.perf_counter())

    def between(self, began: float, ended: float) -> list[float]:
        """Return the seconds of the round trips that began in some time, sorted."""
        return sorted(took for sent, took in self.trips if began <= sent < ended)

    def _hear(self, client: Client, data: bytes) -> None:
        now = time.perf_counter_ns()
        data, end = self._cut[client.fd] + data, 0
        for match in _STAMP.finditer(data):
            end = match.end()
            if match[2] == b"ask":
                _say(client, match[1] + b" say")
            else:
                sent = int(match[1])
                self.trips.append((sent / 1e9, (now - sent) / 1e9))
        self._cut[client.fd] = data[end:][-2000:]


def _say(client: Client, text: bytes) -> None:
    assert client.peer is not None
    to = client.peer.jid.encode()
    client.send(b"<message to='%b' type='chat'><body>t=%b</body></message>" % (to, text))


class Letters:
    """One message to each domain, which its users answer; `answered` and `errors` say by whom."""

    def __init__(self, remote: Remote, clients: Sequence[Client]) -> None:
        self._remote = remote
        self._clients = clients
        self._waiting: dict[str, bytes] = {}
        """Answers of domains whose own streams are not there yet."""
        self._cut: dict[int, bytes] = {}
        self.answered: set[str] = set()
        self.errors: set[str] = set()
        remote.stanza, remote.ready = self._arrived, self._ready
        for client in clients:
            self._cut[client.fd] = b""
            client.hear = lambda data, client=client: self._hear(client, data)

    def post(self, domains: Sequence[str]) -> None:
        """Have each client write to its part of the domains, all at once."""
        count = len(self._clients)
        for number, client in enumerate(self._clients):
            texts = (
                f"<message to='romeo@{domain}' type='chat'><body>Hist!</body></message>"
                for domain in domains[number::count]
            )
            client.send("".join(texts).encode())

    def _arrived(self, link: Link, stanza: bytes) -> None:
        """Answer a message that has come to a domain."""
        author, user = _FROM.search(stanza), _TO.search(stanza)
        assert author is not None
        assert user is not None
        answer = b"<message from='%b' to='%b' type='chat'><body>Ay me</body></message>"
        domain = user[1].decode().partition("@")[2]
        self._waiting[domain] = answer % (user[1], author[1])
        ours = self._remote.outgoing.get(domain)
        if ours is not None and ours.ready:
            self._ready(ours)

    def _ready(self, link: Link) -> None:
        if answer := self._waiting.pop(link.domain, b""):
            link.send(answer)

    def _hear(self, client: Client, data: bytes) -> None:
        data, end = self._cut[client.fd] + data, 0
        for match in _MESSAGE.finditer(data):
            end = match.end()
            author = _FROM.search(match[1])
            assert author is not None
            domain = author[1].decode().partition("@")[2]
            (self.errors if _ERROR.search(match[1]) else self.answered).add(domain)
        self._cut[client.fd] = data[end:]


def local_chat(server: Server, options: Options) -> Measure:
    """Measure round trips of local chat while all the domains are contacted."""
    prompt = [f"d{number}.{REMOTE}" for number in range(PROMPT)]
    late = [f"{SLOW}{number}.{REMOTE}" for number in range(OTHERS)]
    silent = [f"{SILENT}{number}.{REMOTE}" for number in range(OTHERS)]
    shut = [f"d{number}.{SHUT}" for number in range(OTHERS)]
    with Crowd(server.address) as crowd, Remote(crowd, server, asks=True) as remote:
        crowd.play(people(PEOPLE), logging_in(None), options.concurrency)
        crowd.drain(1.0)
        clients = sorted(crowd.clients.values(), key=lambda client: client.number)
        talk, letters = Talk(clients[:_TALKERS]), Letters(remote, clients[_TALKERS:])
        crowd.pacer = lambda: min(talk.pace(), remote.pace())
        crowd.drain(_ALONE)
        meter, began = Meter(server.processes), time.perf_counter()
        letters.post([*shut, *silent, *late, *prompt])
        crowd.until(lambda: letters.answered.issuperset(prompt), _LIMIT, "answers of the domains")
        reached, usage = time.perf_counter(), meter.read()
        crowd.drain(max(0.0, began + _AFTER - time.perf_counter()))
        ended, missing = time.perf_counter(), set(late) - letters.answered
        crowd.pacer = remote.pace
        crowd.until(lambda: len(talk.trips) == talk.sent, _LIMIT, "answers among those who chat")
        if server.name == "xmppd" and missing:
            raise LoadError(f"{len(missing)} domains that answer late were not reached")
        during = talk.between(began, reached)
        alone, after = talk.between(0, began), talk.between(reached, ended)
        return Measure(
            cost=percentile(during, 0.99) or 0.0,
            per_second=PROMPT / usage.wall,
            p50=percentile(during, 0.50),
            p99=percentile(during, 0.99),
            server_load=usage.server_load,
            generator_load=usage.generator_load,
            notes={
                "worst": f"{during[-1] * 1e3:.1f} ms",
                "p99 alone": f"{percentile(alone, 0.99):.1f} ms",
                "p99 after": f"{percentile(after, 0.99):.1f} ms",
                "ms until the prompt were reached": (reached - began) * 1e3,
                "streams": remote.taken,
                "late reached": len(set(late) & letters.answered),
                "down reported": len(set(shut) & letters.errors),
                "security": security(crowd),
            },
        )
