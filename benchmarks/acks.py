"""Chat with acknowledgements (XEP-0198), among users who share presence."""

import re
from collections.abc import Callable

from benchmarks.chat import Chat, exchanged
from benchmarks.client import Client, LoadError, Script
from benchmarks.load import Crowd
from benchmarks.rosters import friends
from benchmarks.scripts import arriving
from benchmarks.server import Server
from benchmarks.work import Measure, Options, security

_ENABLED = re.compile(rb"<(enabled)\b[^>]*>|<failed.*", re.DOTALL)
_REQUEST = b"<r xmlns='urn:xmpp:sm:3'/>"
_REQUESTED = b"<r "
_ANSWER = b"<a xmlns='urn:xmpp:sm:3' h='%d'/>"
_ANSWERED = re.compile(rb"<a\b(?=[^>]*urn:xmpp:sm:3)[^>]*\bh=.(\d+)")


def enabling(resume: bool) -> Callable[[Client], Script]:
    """Return the script that turns stream management on."""
    wish = " resume='true'" if resume else ""

    def script(client: Client) -> Script:
        client.send(f"<enable xmlns='urn:xmpp:sm:3'{wish}/>".encode())
        answer = yield _ENABLED
        assert answer is not None
        if answer[1] is None:
            raise LoadError(f"{client.user}: not enabled: {answer[0]!r}")

    return script


class AckedChat(Chat):
    """A chat whose clients answer each request for an ack, and request one now and then.

    Counting begins with `enabling`; from there on messages are all that goes either way.
    """

    def __init__(self, crowd: Crowd, server: Server, every: int) -> None:
        super().__init__(crowd, server)
        self._every = every
        self._taken = {client.fd: 0 for client in self._clients}
        self._given = dict(self._taken)
        self._asked = dict(self._taken)
        self._requests = 0

    @property
    def per_ack(self) -> float:
        """Messages that the server sent for each ack it requested."""
        return sum(self._taken.values()) / max(self._requests, 1)

    def check(self, crowd: Crowd) -> None:
        """Exchange last acks; LoadError unless the server has counted what was sent.

        A server may count a message once its recipient has acknowledged it.
        """

        def script(client: Client) -> Script:
            client.send(_ANSWER % self._taken[client.fd] + _REQUEST)
            sent = self._given[client.fd]
            while True:
                answer = yield _ANSWERED
                assert answer is not None
                if (counted := int(answer[1])) == sent:
                    return
                if counted > sent:
                    raise LoadError(f"{client.user}: {counted} acknowledged of {sent}")

        crowd.go_on(self._clients, script, len(self._clients), stall=10.0)

    def _messages(self, client: Client, count: int) -> bytes:
        fd = client.fd
        self._given[fd] = given = self._given[fd] + count
        messages = super()._messages(client, count)
        if given - self._asked[fd] < self._every:
            return messages
        self._asked[fd] = given
        return messages + _REQUEST

    def _take(self, client: Client, data: bytes) -> int:
        cut = client.tail
        count = super()._take(client, data)
        self._taken[client.fd] = taken = self._taken[client.fd] + count
        if _REQUESTED in data or (cut and _REQUESTED in cut + data[: len(_REQUESTED)]):
            self._requests += 1
            client.send(_ANSWER % taken)
        return count


def chatting_with_acks(server: Server, options: Options) -> Measure:
    """Chat in a closed loop, every client with stream management."""
    with Crowd(server.address) as crowd:
        crowd.play(friends(options), arriving, options.concurrency)
        crowd.drain(2.0)
        crowd.go_on(list(crowd.clients.values()), enabling(options.resume), options.concurrency)
        chat = AckedChat(crowd, server, options.ack_every)
        outcome = chat.closed(options.window, options.warm_up, options.seconds)
        chat.check(crowd)
        notes: dict[str, str | float] = {
            "messages per ack": chat.per_ack,
            "resumable": "yes" if options.resume else "no",
            "security": security(crowd),
        }
        return exchanged(outcome, notes)
