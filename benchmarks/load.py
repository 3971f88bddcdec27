"""Many clients in one process, on one epoll, no XML library.

Each follows a script (see `client`). Whatever comes in when no script runs is thrown away unless
the client is told to hear it; under measured load an `exchange` reads the sockets itself.
"""

import re
import select
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from benchmarks.client import END, HANDSHAKE, Client, LoadError, Script

_LONGEST_WAIT = 1.0
_OTHERS = 16
"""Of those that are no clients so many are served in a turn, that clients do not wait for them."""


@dataclass
class _Run:
    """A script under way: what it waits for, what has come in, when it began."""

    client: Client
    script: Script
    began: float
    waits: re.Pattern[bytes] | None = None
    inbox: bytes = b""


class Crowd:
    """The clients of one server and the epoll they share. A context manager: closes them all.

    `kind` is what clients are, which is how they talk to the server. `pacer`, when set, is called
    before each wait; it sends what is due by the clock and returns the seconds until it has to be
    called again. `others` are told of events on descriptors of the epoll that are no clients'.
    """

    def __init__(self, address: tuple[str, int], kind: type[Client] = Client) -> None:
        self.address = address
        self.kind = kind
        self.epoll = select.epoll()
        self.clients: dict[int, Client] = {}
        self.others: dict[int, Callable[[int], None]] = {}
        self.pacer: Callable[[], float] | None = None
        self._runs: dict[int, _Run] = {}
        self._took: list[float] = []

    def __enter__(self) -> "Crowd":
        return self

    def __exit__(self, *exc: object) -> None:
        for client in self.clients.values():
            client.close()
        self.epoll.close()

    def play(
        self,
        users: Iterable[str],
        script: Callable[[Client], Script],
        concurrency: int,
        stall: float = 60.0,
    ) -> list[float]:
        """Connect one client for each user and play the script, `concurrency` at a time.

        Clients whose script left them open stay in `clients`. Returns the seconds that each
        took. Raises LoadError when the server closes in mid-script, or when no script ends for
        `stall` seconds.
        """
        arriving = (self._connect(number, user) for number, user in enumerate(users))
        return self._play(arriving, script, concurrency, stall)

    def go_on(
        self,
        clients: Iterable[Client],
        script: Callable[[Client], Script],
        concurrency: int,
        stall: float = 60.0,
    ) -> list[float]:
        """Play a script with clients that are connected; otherwise as `play`."""
        return self._play(iter(clients), script, concurrency, stall)

    def join(self, user: str, address: tuple[str, int]) -> Client:
        """Connect one more, who is no user, to another address of the server."""
        return self._add(Client(self, len(self.clients), user, address))

    def attach(self, client: Client) -> None:
        """Have one more connection, which has been made already."""
        self._add(client)

    def drain(self, seconds: float) -> None:
        """Read whatever comes for some seconds."""
        end = time.perf_counter() + seconds
        while (left := end - time.perf_counter()) > 0:
            self._step(left)

    def until(self, done: Callable[[], bool], seconds: float, what: str) -> None:
        """Read whatever comes until `done`; LoadError, naming `what`, when that takes too long."""
        end = time.perf_counter() + seconds
        while not done():
            if time.perf_counter() > end:
                raise LoadError(f"{what}: not complete after {seconds:.0f} s")
            self._step(_LONGEST_WAIT)

    def _play(
        self,
        clients: Iterator[Client],
        script: Callable[[Client], Script],
        concurrency: int,
        stall: float,
    ) -> list[float]:
        self._took = []
        progress, ended, exhausted = time.perf_counter(), 0, False
        while self._runs or not exhausted:
            while len(self._runs) < concurrency and not exhausted:
                began = time.perf_counter()
                client = next(clients, None)
                exhausted = client is None
                if client is not None:
                    run = self._runs[client.fd] = _Run(client, script(client), began)
                    self._resume(run, None)
            self._step(_LONGEST_WAIT)
            if len(self._took) > ended:
                progress, ended = time.perf_counter(), len(self._took)
            elif time.perf_counter() - progress > stall:
                raise LoadError(f"no script ended for {stall:.0f} s; {self._stuck()}")
        return self._took

    def _connect(self, number: int, user: str) -> Client:
        return self._add(self.kind(self, number, user))

    def _add(self, client: Client) -> Client:
        self.clients[client.fd] = client
        self.epoll.register(client.fd, select.EPOLLIN)
        return client

    def _step(self, wait: float) -> None:
        """Wait for what comes in, and take it."""
        if self.pacer is not None:
            wait = min(wait, self.pacer())
        others = 0
        for fd, events in self.epoll.poll(wait):
            if fd in self.clients:
                self._turn(fd, events)
            elif fd in self.others and others < _OTHERS:
                others += 1
                self.others[fd](events)

    def _turn(self, fd: int, events: int) -> None:
        client, run = self.clients[fd], self._runs.get(fd)
        if events & select.EPOLLOUT:
            client.flush()
        if not events & ~select.EPOLLOUT:
            return
        if run is not None and run.waits is HANDSHAKE:
            if client.shake_hands():
                self._resume(run, None)
            return
        data = client.receive()
        if data is None and (run is None or run.waits is not END):
            raise LoadError(f"{client.user}: the server closed; {self._stuck()}")
        if run is not None:
            run.inbox += data or b""
            self._match(run, closed=data is None)
        elif client.hear is not None and data:
            client.hear(data)

    def _match(self, run: _Run, closed: bool) -> None:
        if closed:
            self._resume(run, None)
        elif run.waits is not None and (match := run.waits.search(run.inbox)):
            run.inbox = run.inbox[match.end() :]
            self._resume(run, match)

    def _resume(self, run: _Run, match: re.Match[bytes] | None) -> None:
        fd = run.client.fd
        try:
            run.waits = run.script.send(match)
        except StopIteration:
            del self._runs[fd]
            self._took.append(time.perf_counter() - run.began)
            if run.client.hear is not None and run.inbox:
                run.client.hear(run.inbox)
            return
        if run.waits is HANDSHAKE:
            if run.client.shake_hands():
                self._resume(run, None)
        elif run.inbox:
            self._match(run, closed=False)

    def leave(self, client: Client) -> None:
        """Close one client and forget it."""
        self.epoll.unregister(client.fd)
        del self.clients[client.fd]
        client.close()

    def _stuck(self) -> str:
        """Describe one script under way, for an error message."""
        for run in self._runs.values():
            waits = run.waits.pattern if run.waits else "the handshake"
            return f"{run.client.user} waits for {waits!r} and has {run.inbox[-300:]!r}"
        return "no script under way"
