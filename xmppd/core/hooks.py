"""Where modules see stanzas and events: a fixed set of points, each an ordered tuple.

A *filter* is called with a stanza and returns the stanza to go on with: the same, a new
one (stanzas are never edited), or None when it has taken the stanza. It raises StanzaError to
refuse it. An *event* is told to everybody; what a listener raises is logged, and the others
still hear. A point that nobody hooked costs one truth test.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.logger import Logger

from xmppd.phases import Phase

log = Logger()


class Point:
    """One place to hook into. Truthy when anything is hooked."""

    __slots__ = ("_entries", "handlers", "name")

    def __init__(self, name: str) -> None:
        self.name = name
        self._entries: list[tuple[Phase, Callable[..., Any]]] = []
        self.handlers: tuple[Callable[..., Any], ...] = ()

    def add(self, phase: Phase, handler: Callable[..., Any]) -> Callable[[], None]:
        """Hook `handler` in; the callable returned takes it out again."""
        entry = (phase, handler)
        self._entries.append(entry)
        self._order()

        def remove() -> None:
            self._entries.remove(entry)
            self._order()

        return remove

    def _order(self) -> None:
        # Python's sort is stable: within a phase, the order of loading.
        self.handlers = tuple(h for _, h in sorted(self._entries, key=lambda e: e[0]))

    def __bool__(self) -> bool:
        return bool(self.handlers)

    def filter(self, stanza: Any, *context: Any) -> Any:
        """The stanza to go on with, or None when a handler has taken it."""
        for handler in self.handlers:
            stanza = handler(stanza, *context)
            if stanza is None:
                return None
        return stanza

    def tell(self, *event: Any) -> None:
        """Tell everybody; a listener's failure is its own."""
        for handler in self.handlers:
            try:
                handler(*event)
            except Exception:  # noqa: BLE001 - one listener's bug must not silence the others
                log.failure("hook {point} failed", point=self.name)


class Hooks:
    """The points of the server. Filters first, then events."""

    __slots__ = (
        "account_created",
        "account_removed",
        "account_stanza",
        "client_stanza",
        "presence",
        "session_bound",
        "session_stanza",
        "session_unbound",
        "subscription",
        "undelivered",
    )

    def __init__(self) -> None:
        self.client_stanza = Point("client_stanza")
        """Filter (stanza, session): a client sent it; `sender` and `to` are set."""
        self.account_stanza = Point("account_stanza")
        """Filter (stanza): it is for a local account or one of its sessions."""
        self.session_stanza = Point("session_stanza")
        """Filter (stanza, session): it is about to be written to one session."""
        self.subscription = Point("subscription")
        """Filter (stanza): presence that the server acts on for an account (RFC 6121 §3, §4.3)."""
        self.undelivered = Point("undelivered")
        """Filter (stanza): nobody took it, an error is about to answer it (FALLBACK)."""
        self.presence = Point("presence")
        """Event (session, stanza): the session's own presence changed (RFC 6121 §4)."""
        self.session_bound = Point("session_bound")
        """Event (session)."""
        self.session_unbound = Point("session_unbound")
        """Event (session)."""
        self.account_created = Point("account_created")
        """Event (bare JID)."""
        self.account_removed = Point("account_removed")
        """Event (bare JID): every store forgets what it holds of the account."""

    def point(self, name: str) -> Point:
        """The point of this name; raises AttributeError where there is none."""
        point = getattr(self, name)
        assert isinstance(point, Point)
        return point
