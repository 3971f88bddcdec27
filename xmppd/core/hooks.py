"""Where modules see stanzas and events: a fixed set of points, each an ordered tuple.

A *filter* is called with a stanza and returns the stanza to go on with: the same, a new
one (stanzas are never edited), or None when it has taken the stanza. It raises StanzaError to
refuse it. An *event* is told to everybody; what a listener raises is logged, and the others
still hear. A point that nobody hooked costs one truth test.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Set as AbstractSet
from typing import Any, Concatenate, Generic, ParamSpec, TypeAlias, TypeVar

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from xmppd.core.disco import DiscoInfo
from xmppd.core.residents import Resident
from xmppd.core.sessions import Session
from xmppd.jid import JID
from xmppd.phases import Phase
from xmppd.storage.rosters import RosterItem
from xmppd.wire.stanza import Stanza

log = Logger()

P = ParamSpec("P")
H = TypeVar("H", bound=Callable[..., Any])

Concerned: TypeAlias = Callable[[Stanza, AbstractSet[JID]], AbstractSet[JID]]
"""Tells which of some accounts a handler has to see a stanza for that is about to go to many.

Each copy is for a session of theirs that is bound; where it is on its way out (`concerned_out`),
for any of their addresses, wherever they are. What is for the others the handler would let pass and
take no note of, so it is not shown that.
"""


class Point(Generic[H]):
    """One place to hook into. Truthy when anything is hooked."""

    __slots__ = ("_changed", "_entries", "handlers", "name")

    def __init__(self, name: str, changed: Callable[[], None] = lambda: None) -> None:
        self.name = name
        self._changed = changed
        self._entries: list[tuple[Phase, H, Concerned | None]] = []
        self.handlers: tuple[H, ...] = ()

    def add(
        self, phase: Phase, handler: H, concerned: Concerned | None = None
    ) -> Callable[[], None]:
        """Hook `handler` in; the callable returned takes it out again.

        Without `concerned` it is shown every copy of what is sent to many.
        """
        entry = (phase, handler, concerned)
        self._entries.append(entry)
        self._order()

        def remove() -> None:
            self._entries.remove(entry)
            self._order()

        return remove

    def _order(self) -> None:
        # Python's sort is stable: within a phase, the order of loading.
        self.handlers = tuple(h for _, h, _ in sorted(self._entries, key=lambda e: e[0]))
        self._changed()

    @property
    def concerned(self) -> list[Concerned | None]:
        """What each handler was hooked in with; in no order."""
        return [concerned for _, _, concerned in self._entries]

    def __bool__(self) -> bool:
        return bool(self.handlers)


class Filter(Point[Callable[Concatenate[Stanza, P], Stanza | None]], Generic[P]):
    """Handlers that a stanza goes through, one after the other."""

    __slots__ = ()

    def __call__(self, stanza: Stanza, *args: P.args, **kwargs: P.kwargs) -> Stanza | None:
        """The stanza to go on with, or None when a handler has taken it."""
        for handler in self.handlers:
            filtered = handler(stanza, *args, **kwargs)
            if filtered is None:
                return None
            stanza = filtered
        return stanza


class Event(Point[Callable[P, Any]], Generic[P]):
    """Listeners that are told of something that has happened."""

    __slots__ = ()

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> None:
        """Tell everybody; a listener's failure is its own."""
        for handler in self.handlers:
            try:
                handler(*args, **kwargs)
            except Exception:  # noqa: BLE001 - one listener's bug must not silence the others
                log.failure("hook {point} failed", point=self.name)

    async def gather(self, *args: P.args, **kwargs: P.kwargs) -> None:
        """Tell everybody, one after the other, and wait for who answers with a Deferred."""
        for handler in self.handlers:
            try:
                answer = handler(*args, **kwargs)
                if isinstance(answer, Deferred):
                    await answer
            except Exception:  # noqa: BLE001 - as above
                log.failure("hook {point} failed", point=self.name)


class Gate:
    """A handler that is hooked in only while it has something to do: else it costs nothing."""

    __slots__ = ("_add", "_remove")

    def __init__(self, add: Callable[[], Callable[[], None]]) -> None:
        self._add = add
        self._remove: Callable[[], None] | None = None

    @property
    def is_open(self) -> bool:
        """Whether it is hooked in."""
        return self._remove is not None

    def open(self, wanted: bool) -> None:
        """Hook it in, or take it out."""
        if wanted and self._remove is None:
            self._remove = self._add()
        elif not wanted and self._remove is not None:
            self._remove()
            self._remove = None


Then: TypeAlias = Callable[[Callable[[], None]], None]
"""Takes what is to be done later."""

AnyStanza: TypeAlias = Filter[[]]
SessionStanza: TypeAlias = Filter[[Session]]
ResidentStanza: TypeAlias = Filter[[Resident]]


class Hooks:
    """The points of the server. Filters first, then events."""

    def __init__(self) -> None:
        self.client_stanza: SessionStanza = Filter("client_stanza", self._join)
        """Filter (stanza, session): a client sent it. `sender` is set, `to` where it names one."""
        self.client_message: SessionStanza = Filter("client_message", self._join)
        """Filter (stanza, session): likewise, where it is a message."""
        self.client_presence: SessionStanza = Filter("client_presence", self._join)
        """Filter (stanza, session): likewise, where it is presence."""
        self.account_stanza: AnyStanza = Filter("account_stanza", self._join)
        """Filter (stanza): it is for a local account or one of its sessions."""
        self.account_message: AnyStanza = Filter("account_message", self._join)
        """Filter (stanza): likewise, where it is a message."""
        self.account_iq: AnyStanza = Filter("account_iq", self._join)
        """Filter (stanza): likewise, where it is an IQ."""
        self.account_presence: AnyStanza = Filter("account_presence", self._join)
        """Filter (stanza): likewise, where it is presence."""
        self.host_stanza: AnyStanza = Filter("host_stanza")
        """Filter (stanza): it is for a domain of this server itself, or a resource of it."""
        self.session_stanza: SessionStanza = Filter("session_stanza", self._join)
        """Filter (stanza, session): it is about to be delivered to one session."""
        self.subscription: AnyStanza = Filter("subscription")
        """Filter (stanza): presence that the server acts on for an account (RFC 6121 §3, §4.3)."""
        self.presence_out: SessionStanza = Filter("presence_out")
        """Filter (stanza, session): the server sends a session's presence to a contact (§4)."""
        self.account_out: ResidentStanza = Filter("account_out", self._join)
        """Filter (stanza, account): somebody is sent something in an account's own name: presence,
        that nobody is there (§4.3.2), or what became of a subscription (§2.5.2, §3.1.3); and what
        a component says for the user (XEP-0356)."""
        self.spool: SessionStanza = Filter("spool")
        """Filter (stanza, session): the session's client is away, and may come back for it.

        Who keeps it returns it with a claim that says so.
        """
        self.resident_stanza: ResidentStanza = Filter("resident_stanza")
        """Filter (stanza, account): it is for an account as a whole, which is in memory by now."""
        self.account_request: AnyStanza = Filter("account_request")
        """Filter (stanza): an IQ that the server is about to answer for an account (§8.5)."""
        self.undelivered: AnyStanza = Filter("undelivered")
        """Filter (stanza): nobody took it, an error is about to answer it (FALLBACK)."""
        self.presence: Event[[Session, Stanza, int | None]] = Event("presence")
        """Event (session, stanza, before): the session's own presence changed (RFC 6121 §4).

        `before` is the priority it had until then, None where it was not available: then this is
        initial presence.
        """
        self.attached: Event[[bool]] = Event("attached")
        """Event (any): a route elsewhere was attached or detached; whether there is one now."""
        self.configured: Event[[]] = Event("configured")
        """Event (): another configuration is in force (`Host.config`)."""
        self.component_connected: Event[[str, str]] = Event("component_connected")
        """Event (domain, instance): a component is there, or is granted something else by now."""
        self.component_gone: Event[[str, str]] = Event("component_gone")
        """Event (domain, instance): its connection is lost or closed."""
        self.session_bound: Event[[Session]] = Event("session_bound")
        """Event (session): the client has been told of its resource."""
        self.session_renewed: Event[[Session]] = Event("session_renewed")
        """Event (session): its stream is managed from here on, or another connection has it."""
        self.session_unbound: Event[[Session]] = Event("session_unbound")
        """Event (session)."""
        self.capabilities: Event[[JID, DiscoInfo]] = Event("capabilities")
        """Event (full JID, info): it has become known what a client can do, here or elsewhere.

        Told anew where the client names other capabilities (XEP-0115); `Host.capabilities` knows.
        """
        self.privacy_changed: Event[[Resident]] = Event("privacy_changed")
        """Event (account): its privacy lists changed, or which of them applies to a session."""
        self.roster_item_removing: Event[[Resident, JID, int, Then]] = Event("roster_item_removing")
        """Event (account, contact, state, then): the user removes a contact in this state.

        `then` takes what is to be done once that is stored.
        """
        self.roster_changed: Event[[Resident, RosterItem]] = Event("roster_changed")
        """Event (account, item): an item is another than before, and clients have been told."""
        self.account_created: Event[[JID]] = Event("account_created")
        """Event (bare JID)."""
        self.account_removed: Event[[JID]] = Event("account_removed")
        """Event (bare JID): the account is gone from the store, and every module forgets it.

        Gathered: who answers with a Deferred is waited for. `Residents.get` still knows it.
        """

        self.from_client: dict[str, tuple[Callable[[Stanza, Session], Stanza | None], ...]]
        """By the stanza's kind, the handlers of `client_stanza` and of its kind's own point."""
        self.to_account: dict[str, tuple[Callable[[Stanza], Stanza | None], ...]]
        """Likewise those of `account_stanza` and its kinds."""
        self.concerned: dict[str, tuple[Concerned, ...] | None]
        """By kind, what tells whom the handlers of `to_account` and `session_stanza` have to see a
        stanza for; None where one of them does not say."""
        self.concerned_out: tuple[Concerned, ...] | None
        """Likewise for whom those of `client_stanza`, `client_message` and `account_out` have to
        see a message that is sent in an account's name (XEP-0356)."""
        self._join()

    @property
    def points(self) -> dict[str, Point[Any]]:
        """Every point, by its name."""
        return {name: each for name, each in vars(self).items() if isinstance(each, Point)}

    def _join(self) -> None:
        """Make one tuple of what a stanza passes in one place: it passes millions."""
        sent, message, presence = self.client_stanza, self.client_message, self.client_presence
        self.from_client = {
            "message": (*sent.handlers, *message.handlers),
            "presence": (*sent.handlers, *presence.handlers),
            "iq": sent.handlers,
        }
        received = self.account_stanza.handlers
        self.to_account = {
            "message": (*received, *self.account_message.handlers),
            "presence": (*received, *self.account_presence.handlers),
            "iq": (*received, *self.account_iq.handlers),
        }
        self.concerned = {
            "message": _all_of(self.account_stanza, self.account_message, self.session_stanza),
            "presence": _all_of(self.account_stanza, self.account_presence, self.session_stanza),
        }
        self.concerned_out = _all_of(self.client_stanza, self.client_message, self.account_out)


def _all_of(*points: Point[Any]) -> tuple[Concerned, ...] | None:
    told = [concerned for point in points for concerned in point.concerned]
    known = tuple(concerned for concerned in told if concerned is not None)
    return known if len(known) == len(told) else None
