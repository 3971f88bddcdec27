"""What the servers of a component grant it: each says so in a message, all of it each time.

XEP-0355 §4.2 and XEP-0356 §4.2 do it in the same way.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from components.common.component import Component
from components.common.stanza import Stanza
from xmppd.errors import StanzaError
from xmppd.jid import JID

T = TypeVar("T")


class Grants(Generic[T]):
    """What is granted, by server, as `read` makes it of a message with the child `name`.

    It holds as long as the session that it was said in; nobody but a server can say it.
    """

    def __init__(self, component: Component, name: str, read: Callable[[Stanza], T]) -> None:
        self.by_server: dict[JID, T] = {}
        self._component = component
        self._read = read
        self._old: set[JID] = set()
        """Those whose grants are of a session that may be resumed, or not."""
        component.on_message(self._said, name)
        component.on_lost(self._lost)
        component.on_open(self._opened)

    def check(self, stanza: Stanza) -> None:
        """Raise StanzaError for what is not from a server."""
        if stanza.sender not in self._component.servers:
            raise StanzaError("forbidden", reason="component.not-the-server")

    def _said(self, stanza: Stanza) -> None:
        self.check(stanza)
        self.by_server[stanza.sender] = self._read(stanza)
        self._old.discard(stanza.sender)

    def _lost(self, resumable: bool) -> None:
        if resumable:
            self._old.update(self.by_server)
        else:
            self.by_server.clear()

    def _opened(self, resumed: bool) -> None:
        # What a new session grants may have been said before it is complete.
        if not resumed:
            for server in self._old:
                del self.by_server[server]
        self._old.clear()
