"""The rows about clients that come by HTTP: chat between pairs of them, and sessions that idle."""

import select
import socket
import time
from collections.abc import Callable, Iterable
from typing import NamedTuple

from benchmarks import bosh, websocket
from benchmarks.bosh import Line, Session
from benchmarks.chat import Chat, exchanged
from benchmarks.client import Client, LoadError, Script
from benchmarks.load import Crowd
from benchmarks.proc import Meter
from benchmarks.server import Server
from benchmarks.sessions import WARM_LOGINS, settled_kib
from benchmarks.websocket import WebSocket, framed
from benchmarks.work import Measure, Options, people, security

_START = 30.0
"""Seconds that the part of the server that speaks HTTP may take to come up."""
Notes = dict[str, str | float]
_DECLARED = "<message xmlns='jabber:client'"


class FramedChat(Chat):
    """Chat by WebSocket, a message to a frame."""

    _tag = _DECLARED

    def _send(self, client: Client, count: int) -> None:
        assert isinstance(client, WebSocket)
        client.write(b"".join([framed(self._messages(client, 1)) for _ in range(count)]))

    def notes(self) -> Notes:
        """Say nothing more."""
        return {}


class PolledChat(Chat):
    """Chat by BOSH: who gets messages answers with as many, in the request that follows.

    Whoever has no answer to give asks for more nevertheless, so each always has a request with
    the server.
    """

    _tag = _DECLARED

    def __init__(self, crowd: Crowd, server: Server) -> None:
        super().__init__(crowd, server)
        self._before = self._requests()

    def _members(self) -> Iterable[Client]:
        clients = super()._members()
        return [c for c in clients if isinstance(c, Line) and c.session.first is c]

    def _reply(self, client: Client, count: int) -> None:
        self._send(client, count)

    def _send(self, client: Client, count: int) -> None:
        assert isinstance(client, Line)
        client.session.owes += count
        self._go_on(client.session)

    def _go_on(self, session: Session) -> None:
        """Say what is owed, or ask for more, if there is a connection for it."""
        owed = session.owes
        if owed and session.free:
            session.owes = 0
            session.post(self._messages(session.first, owed))
        else:
            session.poll()

    def _read(self, wait: float, answer: Callable[[Client, int], None] | None) -> None:
        lines = self._crowd.clients
        for fd, events in self._crowd.epoll.poll(wait):
            line = lines[fd]
            assert isinstance(line, Line)
            if events & select.EPOLLOUT:
                line.flush()
            data = line.receive()
            if data is None:
                raise LoadError(f"{line.user}: the server closed under load")
            response = line.whole(data) if data else None
            if response is None:
                continue
            count, session = response.count(self._end), line.session
            if count:
                self._got += count
                self._time(response)
                if answer is not None:
                    answer(session.first, count)
            else:
                bosh.persist(line, response)
            self._go_on(session)

    def notes(self) -> Notes:
        """Say how many requests a message takes."""
        return {"requests per message": (self._requests() - self._before) / max(self._due, 1)}

    def _requests(self) -> int:
        return sum(c.session.requests for c in self._clients if isinstance(c, Line))


class Transport(NamedTuple):
    """How clients come: who they are, how they log in, how they log in and at once out."""

    kind: type[Client]
    chat: type[FramedChat] | type[PolledChat]
    coming: Callable[[Crowd], Callable[[Client], Script]]
    visiting: Callable[[Crowd], Callable[[Client], Script]]


_Row = Callable[[Server, Options], Measure]

BOSH = Transport(Line, PolledChat, bosh.coming, bosh.visiting)
WEBSOCKET = Transport(WebSocket, FramedChat, websocket.coming, websocket.visiting)


def chatting(transport: Transport) -> _Row:
    """Return the row: chat between pairs, in a closed loop."""

    def run(server: Server, options: Options) -> Measure:
        _await(server)
        with Crowd(server.http_address, transport.kind) as crowd:
            crowd.play(people(options.browsers), transport.coming(crowd), options.concurrency)
            crowd.drain(1.0)
            chat = transport.chat(crowd, server)
            outcome = chat.closed(options.browser_window, options.warm_up, options.seconds)
            return exchanged(outcome, {**chat.notes(), "security": security(crowd)})

    return run


def idling(transport: Transport) -> _Row:
    """Return the row: sessions that do nothing, their memory, and the CPU time they take."""

    def run(server: Server, options: Options) -> Measure:
        _await(server)
        with Crowd(server.http_address, transport.kind) as crowd:
            users = people(options.browsers)
            warming = users[:WARM_LOGINS]
            crowd.play(warming, transport.visiting(crowd), options.concurrency)
            before = settled_kib(server, crowd, options)
            crowd.play(users, transport.coming(crowd), options.concurrency)
            after = settled_kib(server, crowd, options)
            meter, answered = Meter(server.processes), _answers(crowd)
            crowd.drain(options.settle)
            busy = meter.read()
            if _answers(crowd) != answered:
                raise LoadError("requests were answered though there was nothing to say")
            notes: dict[str, str | float] = {
                "KiB before": before,
                "KiB after": after,
                "idle CPU ms/s": busy.server_load * 1e3,
                "security": security(crowd),
            }
            return Measure(cost=(after - before) / len(users), notes=notes)

    return run


def _answers(crowd: Crowd) -> int:
    """Return how many responses have come to all the clients."""
    return sum(c.session.answers for c in crowd.clients.values() if isinstance(c, Line))


def _await(server: Server) -> None:
    """Wait until the server listens for HTTP: xmppd's gateway is a process of its own."""
    end = time.perf_counter() + _START
    while True:
        try:
            socket.create_connection(server.http_address, timeout=1).close()
        except OSError as error:
            if time.perf_counter() > end:
                raise LoadError(f"nobody listens for HTTP: {error}") from error
            time.sleep(0.05)
        else:
            return
