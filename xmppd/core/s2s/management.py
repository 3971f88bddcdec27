"""Stream management with other servers: how it is agreed upon, and resumed (XEP-0198 §3, §5).

Who has opened a stream may resume it, when it is lost. What we have sent on streams that others
have opened, and serve both ways, goes to them by a stream of our own then: they may not come back.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from twisted.internet.interfaces import IDelayedCall

from xmppd import ns
from xmppd.core.acknowledging import (
    all_handled,
    count,
    enabled,
    failed,
    resumed,
    seconds_wanted,
    too_high,
)
from xmppd.core.s2s.managed import Managed
from xmppd.errors import StreamError
from xmppd.stream.acks import TooHighError
from xmppd.wire.build import Tag
from xmppd.wire.stanza import Nonza

if TYPE_CHECKING:
    from xmppd.core.s2s.connection import ServerConnection
    from xmppd.core.s2s.remotes import Remotes

MOST = 10_000
"""How many streams that were lost may be resumed."""

OF_ONE = 100
"""How many of them of one domain."""

_ACKNOWLEDGED = f"{ns.STREAM_MANAGEMENT} a"
ENABLE = Tag("enable", {"resume": "true"}, ns=ns.STREAM_MANAGEMENT).render()


class Lost(NamedTuple):
    """A stream of a peer's whose connection is lost: the domain that it was, and until when."""

    remote: str
    managed: Managed
    expiry: IDelayedCall


class Management:
    """The managed streams; `take` acts on the elements of those that are there."""

    def __init__(self, remotes: Remotes) -> None:
        self._remotes = remotes
        self._clock = remotes.host.clock
        self._attached: dict[str, ServerConnection] = {}
        self._lost: dict[str, Lost] = {}
        """By SM-ID, those of streams that others have opened."""

    def take(self, connection: ServerConnection, nonza: Nonza) -> None:
        """Act on an element of stream management; raises StreamError for one out of place."""
        if not connection.open and nonza.name != _ACKNOWLEDGED:
            # Nothing can be agreed upon, or answered, any more. But a peer that counts from here on
            # takes what comes behind that for unheard.
            if nonza.name in _COUNTING:
                (connection.managed or connection.manage()).part()
            return
        acts = _FROM_INITIATOR if connection.incoming else _FROM_RECEIVER
        act = acts.get(nonza.name)
        if act is None:
            raise StreamError("unsupported-stanza-type", reason="stream.element")
        act(self, connection, nonza)

    # ------------------------------------------------------------------ streams of others

    def _on_enable(self, connection: ServerConnection, nonza: Nonza) -> None:
        if connection.managed is not None:
            raise StreamError("policy-violation", "enabled already", reason="acks.enabled")
        if not connection.stream.peers:
            connection.write(failed("unexpected-request"))
            return
        seconds = seconds_wanted(nonza, self._remotes.settings.resume_seconds)
        id_ = secrets.token_urlsafe(18) if seconds else ""
        connection.write(enabled(id_, seconds))
        connection.manage().begin(id_, seconds)
        if id_:
            self._attached[id_] = connection

    def _on_resume(self, connection: ServerConnection, nonza: Nonza) -> None:
        """Go on with a stream of the same domain's, once what it has sent is in safe hands."""
        id_, h = nonza.attrs.get("previd", ""), count(nonza)
        lost = self._resumable(connection, id_)
        if lost is None:
            connection.write(failed("item-not-found"))
        else:
            handled = all_handled(lost.managed.inbox)
            handled.addCallback(lambda _: self._go_on(connection, id_, h))

    def _resumable(self, connection: ServerConnection, id_: str) -> Lost | None:
        """A stream that was lost, and that the peer of a connection may go on with there."""
        remote = connection.stream.remote
        if remote not in connection.stream.peers or connection.managed is not None:
            return None
        before = self._attached.get(id_)
        if before is not None and before.stream.remote == remote:
            # The peer has noticed before us that its connection is dead.
            before.end(StreamError("conflict", reason="session.resumed"), keep=True)
        lost = self._lost.get(id_)
        return lost if lost is not None and lost.remote == remote else None

    def _go_on(self, connection: ServerConnection, id_: str, h: int) -> None:
        if not connection.open:
            return  # it was lost again meanwhile, and may be resumed by another
        lost = self._resumable(connection, id_)
        if lost is None:
            connection.write(failed("item-not-found"))
            return
        self._forget(id_)
        managed = lost.managed
        connection.write(resumed(id_, managed.inbox.handled))
        managed.go_on(h, connection.write)
        connection.managed = managed
        self._attached[id_] = connection

    def leave(self, connection: ServerConnection, managed: Managed) -> None:
        """The connection of a stream that another server has opened is lost."""
        if self._attached.pop(managed.id, None) is None:
            return
        managed.rejoin()
        remote = connection.stream.remote
        same = [id_ for id_, lost in self._lost.items() if lost.remote == remote]
        if len(same) >= OF_ONE:
            self._forget(same[0])
        if len(self._lost) >= MOST:
            self._forget(next(iter(self._lost)))
        expiry = self._clock.callLater(managed.seconds, self._forget, managed.id)
        self._lost[managed.id] = Lost(remote, managed, expiry)

    def forget(self, managed: Managed) -> None:
        """Such a stream is closed: nobody resumes it (§5)."""
        self._attached.pop(managed.id, None)

    def _forget(self, id_: str) -> None:
        lost = self._lost.pop(id_, None)
        if lost is not None and lost.expiry.active():
            lost.expiry.cancel()

    def close(self) -> None:
        """The server stops."""
        for id_ in list(self._lost):
            self._forget(id_)

    # ------------------------------------------------------------------ streams of ours

    def begin(self, connection: ServerConnection, kept: Managed | None) -> None:
        """Ask for it on a stream that we have opened, or to go on with the one that was `kept`."""
        if kept is not None and kept.id:
            h = kept.inbox.handled
            connection.managed = None
            connection.write(
                Tag("resume", {"previd": kept.id, "h": str(h)}, ns=ns.STREAM_MANAGEMENT).render()
            )
        else:
            connection.manage()
            connection.write(ENABLE)

    def _on_enabled(self, connection: ServerConnection, nonza: Nonza) -> None:
        managed = connection.managed
        if managed is None or managed.id:
            raise StreamError("policy-violation", "not asked for", reason="stream.element")
        seconds = seconds_wanted(nonza, self._remotes.settings.resume_seconds)
        managed.begin(nonza.attrs.get("id", "")[:1024] if seconds else "", seconds)
        self._remotes.agreed(connection)

    def _on_resumed(self, connection: ServerConnection, nonza: Nonza) -> None:
        try:
            self._remotes.resumed(connection, count(nonza))
        except TooHighError as error:
            raise too_high(error) from error

    def _on_failed(self, connection: ServerConnection, nonza: Nonza) -> None:
        try:
            self._remotes.not_resumed(connection, count(nonza) if "h" in nonza.attrs else None)
        except TooHighError as error:
            raise too_high(error) from error

    # ------------------------------------------------------------------ both

    def _on_request(self, connection: ServerConnection, nonza: Nonza) -> None:
        _managed(connection).acknowledge()

    def _on_acknowledged(self, connection: ServerConnection, nonza: Nonza) -> None:
        try:
            _managed(connection).acknowledged(count(nonza))
        except TooHighError as error:
            raise too_high(error) from error


def _managed(connection: ServerConnection) -> Managed:
    if connection.managed is None:
        raise StreamError("unsupported-stanza-type", "enable it first", reason="stream.element")
    return connection.managed


_COUNTS: dict[str, Callable[[Management, ServerConnection, Nonza], None]] = {
    f"{ns.STREAM_MANAGEMENT} r": Management._on_request,
    _ACKNOWLEDGED: Management._on_acknowledged,
}
_COUNTING = frozenset(f"{ns.STREAM_MANAGEMENT} {name}" for name in ("enable", "enabled", "resumed"))
"""Those behind which a peer counts what it sends."""

_FROM_INITIATOR = {
    f"{ns.STREAM_MANAGEMENT} enable": Management._on_enable,
    f"{ns.STREAM_MANAGEMENT} resume": Management._on_resume,
    **_COUNTS,
}
_FROM_RECEIVER = {
    f"{ns.STREAM_MANAGEMENT} enabled": Management._on_enabled,
    f"{ns.STREAM_MANAGEMENT} resumed": Management._on_resumed,
    f"{ns.STREAM_MANAGEMENT} failed": Management._on_failed,
    **_COUNTS,
}
