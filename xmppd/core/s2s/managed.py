"""Our end of a managed stream with another server, and how it becomes one (XEP-0198).

What was sent and is not acknowledged when the connection is lost goes to its pair once more, behind
nothing that came later: a link that breaks loses nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from twisted.internet.interfaces import IDelayedCall, IReactorTime

from xmppd import ns
from xmppd.core.acknowledging import AT_ONCE, Acknowledging, count, enabled, failed, too_high
from xmppd.errors import StreamError
from xmppd.stream.acks import Sent, TooHighError
from xmppd.wire.build import Tag
from xmppd.wire.stanza import Nonza, Stanza

if TYPE_CHECKING:
    from xmppd.core.s2s.connection import ServerConnection

SOON = 0.25
"""Seconds after which a peer is asked how much it has handled, where that is not much."""

ENABLE = Tag("enable", ns=ns.STREAM_MANAGEMENT).render()


class Managed(Acknowledging):
    """What both ends of a stream count; `write` sends octets on it."""

    __slots__ = ("_asking", "_clock", "write")

    def __init__(
        self,
        route: Callable[[Any, Stanza], None],
        clock: IReactorTime,
        write: Callable[[bytes], None],
    ) -> None:
        super().__init__(route)
        self._clock = clock
        self.write = write
        self._asking: IDelayedCall | None = None

    def _write(self, data: bytes) -> None:
        self.write(data)

    def send(self, stanza: Stanza) -> None:
        """Send a stanza and hold its claim until it is acknowledged. Raises StanzaError."""
        data = stanza.render_in(ns.SERVER)
        claim = stanza.claim
        if claim is not None:
            claim.hold()
        outbox = self.outbox
        waiting = outbox.add(data, claim)
        self.write(data)
        if waiting == 1:
            outbox.date(self._clock.seconds(), last=1)
            self._ask_soon()
        elif waiting >= AT_ONCE:
            self.request()

    def _ask_soon(self) -> None:
        if self._asking is None:
            self._asking = self._clock.callLater(SOON, self._look)

    def _look(self) -> None:
        self._asking = None
        if self.outbox:
            self.request()
            self._ask_soon()

    def stop(self) -> list[Sent]:
        """The stream is over: what the peer has not said that it has handled, in order."""
        self.write = _nowhere
        if self._asking is not None:
            self._asking.cancel()
            self._asking = None
        return self.outbox.clear()


def _nowhere(data: bytes) -> None:
    """Where is written when the stream is over."""


# ---------------------------------------------------------------------- its elements


def enable(connection: ServerConnection) -> None:
    """Ask for it, on a stream that we have opened and may send on (§3)."""
    connection.write(ENABLE)


def take(connection: ServerConnection, nonza: Nonza) -> None:
    """Act on an element of stream management; raises StreamError for one out of place."""
    act = (_FROM_INITIATOR if connection.incoming else _FROM_RECEIVER).get(nonza.name)
    if act is None:
        raise StreamError("unsupported-stanza-type", reason="stream.element")
    act(connection, nonza)


def _on_enable(connection: ServerConnection, nonza: Nonza) -> None:
    if connection.managed is not None:
        raise StreamError("policy-violation", "enabled already", reason="acks.enabled")
    if not connection.stream.peers:
        connection.write(failed("unexpected-request"))
        return
    connection.write(enabled("", 0))
    connection.manage()


def _on_resume(connection: ServerConnection, nonza: Nonza) -> None:
    connection.write(failed("item-not-found"))


def _on_enabled(connection: ServerConnection, nonza: Nonza) -> None:
    if connection.managed is None:
        raise StreamError("policy-violation", "not asked for", reason="stream.element")


def _on_failed(connection: ServerConnection, nonza: Nonza) -> None:
    connection.managed = None


def _on_request(connection: ServerConnection, nonza: Nonza) -> None:
    _managed(connection).acknowledge()


def _on_acknowledged(connection: ServerConnection, nonza: Nonza) -> None:
    try:
        _managed(connection).acknowledged(count(nonza))
    except TooHighError as error:
        raise too_high(error) from error


def _managed(connection: ServerConnection) -> Managed:
    if connection.managed is None:
        raise StreamError("unsupported-stanza-type", "enable it first", reason="stream.element")
    return connection.managed


_COUNTS: dict[str, Callable[[ServerConnection, Nonza], None]] = {
    f"{ns.STREAM_MANAGEMENT} r": _on_request,
    f"{ns.STREAM_MANAGEMENT} a": _on_acknowledged,
}
_FROM_INITIATOR = {
    f"{ns.STREAM_MANAGEMENT} enable": _on_enable,
    f"{ns.STREAM_MANAGEMENT} resume": _on_resume,
    **_COUNTS,
}
_FROM_RECEIVER = {
    f"{ns.STREAM_MANAGEMENT} enabled": _on_enabled,
    f"{ns.STREAM_MANAGEMENT} failed": _on_failed,
    **_COUNTS,
}
