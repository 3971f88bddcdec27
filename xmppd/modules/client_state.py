"""Client State Indication (XEP-0352): what does not matter now waits until the client is active.

Of presence and of chat states only the newest of each sender is kept, and sent when the client is
active again, or before anything that matters. All else goes out at once.
"""

from __future__ import annotations

from collections.abc import Callable

from xmppd import ns
from xmppd.core.context import ModuleContext
from xmppd.core.host import Connection
from xmppd.core.messages import only_chat_state
from xmppd.core.sessions import Session
from xmppd.phases import Phase
from xmppd.stream.features import Feature, static
from xmppd.stream.states import Fact
from xmppd.wire.build import Tag
from xmppd.wire.stanza import Nonza, Stanza

XEP = (352, "1.0.0", "complete")

MOST = 1_000
"""Stanzas that wait for a client; when there are more all are sent."""
OCTETS = 262_144
"""Likewise of what they hold: presence may be as large as any stanza."""

_INACTIVE = object()
"""The key of an `Inactive` in `Session.data`."""


def register(context: ModuleContext) -> None:
    """Offer it (§4.1), and take its elements (§4.2)."""
    offer = static(Tag("csi", ns=ns.CLIENT_STATE))
    context.feature(Feature("csi", Fact.AUTHENTICATED, Fact(0), offer))
    context.nonza(f"{ns.CLIENT_STATE} inactive", _on_inactive)
    context.nonza(f"{ns.CLIENT_STATE} active", _on_active)
    context.hook(context.hooks.presence, Phase.GUARD, _on_presence)
    # Stream management begins, or a connection is resumed: the client counts as active (§5.2).
    context.hook(context.hooks.session_renewed, Phase.DELIVER, activate)


def _on_inactive(connection: Connection, nonza: Nonza) -> None:
    session = connection.session
    if session is not None and _INACTIVE not in session.data:
        session.data[_INACTIVE] = Inactive(session)


def _on_active(connection: Connection, nonza: Nonza) -> None:
    if connection.session is not None:
        activate(connection.session)


def _on_presence(session: Session, stanza: Stanza, before: int | None) -> None:
    """Who is unavailable is told of nobody's presence any more (RFC 6121 §4.5)."""
    inactive: Inactive | None = session.data.get(_INACTIVE)
    if inactive is not None and stanza.type == "unavailable":
        inactive.forget_presence()


def activate(session: Session) -> None:
    """Send what waits, and from here on everything at once."""
    inactive: Inactive | None = session.data.pop(_INACTIVE, None)
    if inactive is not None:
        session.deliver = inactive.forward
        inactive.flush()


class Inactive:
    """Stands before the delivery to a session whose client is inactive."""

    __slots__ = ("_octets", "_waiting", "forward")

    def __init__(self, session: Session) -> None:
        self.forward: Callable[[Stanza], None] = session.deliver
        self._waiting: dict[tuple[str, str], Stanza] = {}
        self._octets = 0
        session.deliver = self.deliver

    def deliver(self, stanza: Stanza) -> None:
        """Deliver a stanza, or keep it for later."""
        if not _can_wait(stanza):
            self.flush()
            self.forward(stanza)
            return
        key = (stanza.kind, stanza.sender or "")
        older = self._waiting.pop(key, None)  # the newest one stands at the end
        if older is not None:
            self._octets -= len(older.tail())
        later = stanza.addressed(stanza.to) if stanza.to is not None else stanza
        later.claim = None  # its sender is not to wait for it
        self._waiting[key] = later
        self._octets += len(later.tail())
        if len(self._waiting) > MOST or self._octets > OCTETS:
            self.flush()

    def flush(self) -> None:
        """Send what waits, in the order in which it came."""
        waiting, self._waiting, self._octets = self._waiting, {}, 0
        for stanza in waiting.values():
            self.forward(stanza)

    def forget_presence(self) -> None:
        """Let go of the presence that waits."""
        for key in [key for key in self._waiting if key[0] == "presence"]:
            self._octets -= len(self._waiting.pop(key).tail())


def _can_wait(stanza: Stanza) -> bool:
    """Whether a stanza is of no interest to a client that nobody looks at (§4)."""
    if stanza.kind == "presence":
        return stanza.type in ("", "unavailable")
    return stanza.kind == "message" and only_chat_state(stanza)
