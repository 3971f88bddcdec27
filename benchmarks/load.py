"""Many clients in one process: raw sockets on one epoll, no XML library.

A client follows a *script*: a generator that sends through its client and yields the pattern it
waits for (or `HANDSHAKE`); the crowd resumes it with the match. Whatever comes in when no script
runs is thrown away, and under measured load `chat` reads the sockets itself.
"""

import re
import select
import socket
import ssl
import time
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass

READ_SIZE = 65536
"""Bytes asked for in one read; more than a TLS record, so that a read never leaves plaintext
behind inside OpenSSL where epoll would not see it."""

Script = Generator[re.Pattern[bytes] | None, re.Match[bytes] | None, None]

HANDSHAKE = None
"""What a script yields to wait for its TLS handshake."""

END = re.compile(rb"</stream:stream\s*>")
"""The server's closing tag; a closed connection does as well."""

_BLOCKED = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


class LoadError(Exception):
    """A server did not do what the work needs: refused, closed, or too slow."""


class Client:
    """One connection: `user` is the account's name, `jid` the full JID once bound.

    `tail` keeps the end of a read in which a closing tag may have been cut; `peer` is whom
    the client chats with; `mechanism` is the SASL mechanism it used.
    """

    __slots__ = (
        "_crowd",
        "_outbox",
        "_socket",
        "fd",
        "jid",
        "mechanism",
        "number",
        "peer",
        "tail",
        "user",
    )

    def __init__(self, crowd: "Crowd", number: int, user: str) -> None:
        self._crowd = crowd
        self._outbox = b""
        self._socket = socket.create_connection(crowd.address, timeout=30)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.setblocking(False)
        self.fd = self._socket.fileno()
        self.number = number
        self.user = user
        self.jid = ""
        self.mechanism = ""
        self.peer: Client | None = None
        self.tail = b""

    def send(self, data: bytes) -> None:
        """Send `data` now, or keep what the socket does not take until it does."""
        if self._outbox:
            self._outbox += data
            return
        try:
            sent = self._socket.send(data)
        except _BLOCKED:
            sent = 0
        if sent < len(data):
            self._outbox = data[sent:]
            self._crowd.epoll.modify(self.fd, select.EPOLLIN | select.EPOLLOUT)

    def flush(self) -> None:
        """Send what was kept back."""
        data, self._outbox = self._outbox, b""
        self._crowd.epoll.modify(self.fd, select.EPOLLIN)
        if data:
            self.send(data)

    def receive(self) -> bytes | None:
        """Return what one read gives, b"" for nothing yet, None when the server has closed."""
        try:
            return self._socket.recv(READ_SIZE) or None
        except _BLOCKED:
            return b""
        except (ConnectionError, ssl.SSLEOFError):
            return None

    def start_tls(self, context: ssl.SSLContext) -> None:
        """Turn the connection into a TLS client; the script then yields `HANDSHAKE`."""
        self._socket = context.wrap_socket(
            self._socket, do_handshake_on_connect=False, server_hostname="localhost"
        )

    def shake_hands(self) -> bool:
        """Go on with the TLS handshake; True when it is complete."""
        assert isinstance(self._socket, ssl.SSLSocket)
        try:
            self._socket.do_handshake()
        except _BLOCKED:
            return False
        return True

    @property
    def cipher(self) -> str:
        """The TLS version and cipher in use; empty without TLS."""
        if not isinstance(self._socket, ssl.SSLSocket):
            return ""
        used = self._socket.cipher()
        return f"{self._socket.version()} {used[0] if used else ''}"

    def close(self) -> None:
        """Close the connection without a word."""
        self._socket.close()


@dataclass
class _Run:
    """A script under way: what it waits for, what has come in, when it began."""

    client: Client
    script: Script
    began: float
    waits: re.Pattern[bytes] | None = None
    inbox: bytes = b""


class Crowd:
    """The clients of one server and the epoll they share. A context manager: closes them all."""

    def __init__(self, address: tuple[str, int]) -> None:
        self.address = address
        self.epoll = select.epoll()
        self.clients: dict[int, Client] = {}
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
        self._took = []
        waiting, exhausted = enumerate(users), False
        progress, ended = time.perf_counter(), 0
        while self._runs or not exhausted:
            while len(self._runs) < concurrency and not exhausted:
                started = next(waiting, None)
                exhausted = started is None
                if started is not None:
                    self._begin(*started, script)
            for fd, events in self.epoll.poll(1):
                self._turn(fd, events)
            if len(self._took) > ended:
                progress, ended = time.perf_counter(), len(self._took)
            elif time.perf_counter() - progress > stall:
                raise LoadError(f"no script ended for {stall:.0f} s; {self._stuck()}")
        return self._took

    def drain(self, seconds: float) -> None:
        """Read and throw away whatever comes for some seconds."""
        end = time.perf_counter() + seconds
        while (left := end - time.perf_counter()) > 0:
            for fd, events in self.epoll.poll(left):
                self._turn(fd, events)

    def _begin(self, number: int, user: str, script: Callable[[Client], Script]) -> None:
        began = time.perf_counter()
        client = Client(self, number, user)
        self.clients[client.fd] = client
        self.epoll.register(client.fd, select.EPOLLIN)
        run = self._runs[client.fd] = _Run(client, script(client), began)
        self._resume(run, None)

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
