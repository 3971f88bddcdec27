"""Chat between pairs of clients: closed loop, or at a fixed rate."""

import time
from collections.abc import Callable

from benchmarks.client import Client, LoadError
from benchmarks.exchange import Exchange, Outcome
from benchmarks.load import Crowd
from benchmarks.scripts import logging_in, tls_context
from benchmarks.server import Server
from benchmarks.work import Measure, Options, people, security, timed


class Chat(Exchange):
    """Messages between neighbours of a crowd: client 0 with 1, 2 with 3, and so on."""

    _tag = "<message"
    """What a message begins with."""

    def __init__(self, crowd: Crowd, server: Server) -> None:
        super().__init__(crowd, server, b"</message>")
        self._heads: dict[int, bytes] = {}
        for one, other in zip(self._clients[::2], self._clients[1::2], strict=True):
            one.peer, other.peer = other, one
        for client in self._clients:
            assert client.peer is not None
            self._heads[client.fd] = (
                f"{self._tag} to='{client.peer.jid}' type='chat' id='m".encode()
            )
        self._rest = payload_after_stamp()

    def closed(self, window: int, warm_up: float, seconds: float) -> Outcome:
        """Keep `window` messages of each client in flight for `seconds`, after a warm-up."""
        for client in self._clients:
            self._send(client, window)

        def until(end: float) -> None:
            while time.perf_counter() < end:
                self._read(0.05, self._reply)

        return self._measure(until, warm_up, seconds)

    def paced(self, rate: float, warm_up: float, seconds: float) -> Outcome:
        """Send `rate` messages a second in all, each client in its turn."""
        turn = 0

        def until(end: float) -> None:
            nonlocal turn
            due = time.perf_counter()
            while (now := time.perf_counter()) < end:
                while due <= now:
                    self._send(self._clients[turn % len(self._clients)], 1)
                    turn += 1
                    due += 1 / rate
                self._read(max(0.0, due - time.perf_counter()), None)

        return self._measure(until, warm_up, seconds)

    def _reply(self, client: Client, count: int) -> None:
        """For `count` messages to a client, have its peer send as many more."""
        assert client.peer is not None
        self._send(client.peer, count)

    def _send(self, client: Client, count: int) -> None:
        client.send(self._messages(client, count))

    def _messages(self, client: Client, count: int) -> bytes:
        """Return the next `count` messages of a client, stamped with the time."""
        head, rest = self._heads[client.fd], self._rest
        self._due += count
        stamp = b"'><body>t=%d" % time.perf_counter_ns()
        number = self._due
        if count == 1:
            return b"%b%d%b%b" % (head, number, stamp, rest)
        parts = [b"%b%d%b%b" % (head, number - i, stamp, rest) for i in range(count)]
        return b"".join(parts)


def payload_after_stamp(body: int = 60) -> bytes:
    """Return what follows the stamp in a message's body, to the message's end.

    The payload is a short chat message with a chat state (XEP-0085) and a receipt request
    (XEP-0184), about 250 bytes, as today's clients send it.
    """
    return (
        f" {'x' * body}</body><active xmlns='http://jabber.org/protocol/chatstates'/>"
        "<request xmlns='urn:xmpp:receipts'/></message>"
    ).encode()


def chatting(tls: bool, paced: bool) -> Callable[[Server, Options], Measure]:
    """Return the row: chat with or without TLS, in a closed loop or paced."""

    def run(server: Server, options: Options) -> Measure:
        with Crowd(server.address) as crowd:
            context = tls_context() if tls else None
            crowd.play(people(options.users), logging_in(context), options.concurrency)
            crowd.drain(1.0)
            chat = Chat(crowd, server)
            if paced:
                outcome = chat.paced(options.rate, options.warm_up, options.seconds)
            else:
                outcome = chat.closed(options.window, options.warm_up, options.seconds)
            return exchanged(outcome, {"security": security(crowd)})

    return run


def exchanged(outcome: Outcome, notes: dict[str, str | float]) -> Measure:
    """Make the measure of an exchange; LoadError when it lost or doubled a stanza."""
    if outcome.lost:
        raise LoadError(f"{outcome.lost} stanzas lost (below 0: more came than were sent)")
    notes = {"lost": outcome.lost, **notes}
    return timed(outcome.cost, outcome.delivered, outcome.usage, outcome.latencies, notes)
