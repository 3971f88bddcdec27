"""Messages for somebody who is not there, and a store that answers when it is told to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from xml.etree.ElementTree import Element

from twisted.internet.defer import Deferred

from tests.support.people import JULIET, C
from tests.support.server import Client, Verona
from xmppd.modules.offline import ROOM
from xmppd.storage.offline import Backlog

SLOW = ROOM + 1
"""Octets that a client is behind when it is given nothing more."""


def chat(to: str, body: str, inner: str = "", type_: str = "chat") -> str:
    """A message; its body is its id."""
    return f"<message to='{to}' type='{type_}' id='{body}'><body>{body}</body>{inner}</message>"


def numbered(first: int, last: int, to: str = JULIET) -> str:
    """Messages whose bodies count from `first` to `last`."""
    return "".join(chat(to, str(number)) for number in range(first, last + 1))


def numbers(first: int, last: int) -> list[str]:
    """Their bodies."""
    return [str(number) for number in range(first, last + 1)]


def messages(client: Client) -> list[Element]:
    """The messages that came since something was last read."""
    return [element for element in client.elements() if element.tag == f"{C}message"]


def bodies(client: Client) -> list[str | None]:
    """Their bodies."""
    return [message.findtext(f"{C}body") for message in messages(client)]


def waiting(server: Verona, account: str) -> list[bytes]:
    """What the store has for an account."""
    server.clock.advance(0)
    page = server.host.stores.offline.page(server.resident(account).id, 0, 10_000)
    return [bytes(data) for _, data in server.done(page)]


def backlog(server: Verona, account: str) -> Backlog:
    """How much the store has for an account."""
    server.clock.advance(0)
    stores, id_ = server.host.stores, server.resident(account).id
    return server.done(stores.database.read(lambda tx: stores.offline.load(tx, id_)))


def come(server: Verona, resource: str = "balcony", priority: int = 0) -> Client:
    """Juliet logs in, and says that she is there."""
    presence = f"<presence><priority>{priority}</priority></presence>"
    return server.log_in("juliet", resource).send(presence)


def slow(server: Verona, resource: str = "balcony") -> Client:
    """Juliet's client, which takes nothing of what it is sent."""
    client = server.log_in("juliet", resource)
    client.behind = SLOW
    return client


class Slowed:
    """One way of a store's, `slowed`: what is asked of it waits until `go_on`."""

    def __init__(self, store: object, name: str) -> None:
        self._do: Callable[..., Deferred[Any]] = getattr(store, name)
        self._store, self._name = store, name
        self._asked: list[tuple[Callable[[], None], Deferred[Any]]] = []
        setattr(store, name, self._ask)

    def _ask(self, *args: Any) -> Deferred[Any]:
        answer: Deferred[Any] = Deferred()
        self._asked.append((lambda: self._do(*args).chainDeferred(answer), answer))
        return answer

    def __len__(self) -> int:
        return len(self._asked)

    def go_on(self) -> None:
        """Answer what was asked first."""
        answer, _ = self._asked.pop(0)
        answer()

    def fail(self, error: Exception) -> None:
        """Have what was asked first fail."""
        _, answer = self._asked.pop(0)
        answer.errback(error)

    def as_before(self) -> None:
        """Answer whatever is and will be asked."""
        setattr(self._store, self._name, self._do)
        while self._asked:
            self.go_on()
