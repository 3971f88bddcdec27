"""RFC 6121 §8.5 as one table: what becomes of a stanza for a local account.

A row is the stanza's kind and type; a column is how the address meets the account's sessions.
Where the RFC leaves a choice the reason stands beside the row.
"""

from __future__ import annotations

from collections.abc import Collection
from enum import Enum, auto

from xmppd.core.sessions import Session
from xmppd.wire.claim import Claim
from xmppd.wire.stanza import Stanza


class Target(Enum):
    """How an address meets the sessions of its account."""

    BARE = auto()
    """A bare JID, and at least one available resource of non-negative priority."""
    BARE_NOBODY = auto()
    """A bare JID, and no such resource (there may be negative ones, or no account at all)."""
    FULL = auto()
    """A full JID that is bound."""
    FULL_GONE = auto()
    """A full JID that is not bound."""


class Action(Enum):
    """What is done with the stanza."""

    DELIVER = auto()
    """Write it to the addressed session."""
    TOP = auto()
    """Write it to the available resources of the highest non-negative priority."""
    ALL = auto()
    """Write it to every available resource of non-negative priority."""
    AVAILABLE = auto()
    """Write it to every available resource, whatever its priority."""
    STORE = auto()
    """Offer it to who keeps messages for later; an error if nobody does."""
    AS_BARE = auto()
    """Treat it as if it had been sent to the bare JID."""
    ACCOUNT = auto()
    """The server answers for the account (RFC 6121 §8.5.2.1.3)."""
    SUBSCRIPTION = auto()
    """The server acts on it for the account (RFC 6121 §3, §4.3)."""
    ERROR = auto()
    """Answer `service-unavailable`."""
    IGNORE = auto()
    """Drop it without a word."""


_A = Action
_COLUMNS = (Target.BARE, Target.BARE_NOBODY, Target.FULL, Target.FULL_GONE)

_ROWS: dict[tuple[str, str], tuple[Action, Action, Action, Action]] = {
    # §8.5.2.1.1, §8.5.2.2.1, §8.5.3: the top resources rather than all, since message carbons
    # are for who wants them all; a normal message to a gone resource gets an error, not
    # silence, so that its sender knows.
    ("message", "normal"): (_A.TOP, _A.STORE, _A.DELIVER, _A.ERROR),
    ("message", "chat"): (_A.TOP, _A.STORE, _A.DELIVER, _A.AS_BARE),
    ("message", "groupchat"): (_A.ERROR, _A.ERROR, _A.DELIVER, _A.ERROR),
    ("message", "headline"): (_A.ALL, _A.IGNORE, _A.DELIVER, _A.IGNORE),
    ("message", "error"): (_A.IGNORE, _A.IGNORE, _A.DELIVER, _A.IGNORE),
    # §8.5.2.1.2, §8.5.2.2.2, §8.5.3.1, §8.5.3.2.2
    ("presence", ""): (_A.AVAILABLE, _A.AVAILABLE, _A.DELIVER, _A.IGNORE),
    ("presence", "unavailable"): (_A.AVAILABLE, _A.AVAILABLE, _A.DELIVER, _A.IGNORE),
    # Not told of there: that a request for a subscription, or a probe, which go out in the name of
    # the account, could not be delivered is for its user to know (RFC 6120 §8.3, §10.4).
    ("presence", "error"): (_A.AVAILABLE, _A.AVAILABLE, _A.DELIVER, _A.IGNORE),
    **{
        ("presence", kind): (_A.SUBSCRIPTION,) * 4
        for kind in ("subscribe", "subscribed", "unsubscribe", "unsubscribed", "probe")
    },
    # §8.5.2.1.3, §8.5.2.2.3, §8.5.3.1, §8.5.3.2.3
    ("iq", "get"): (_A.ACCOUNT, _A.ACCOUNT, _A.DELIVER, _A.ERROR),
    ("iq", "set"): (_A.ACCOUNT, _A.ACCOUNT, _A.DELIVER, _A.ERROR),
    ("iq", "result"): (_A.ACCOUNT, _A.ACCOUNT, _A.DELIVER, _A.IGNORE),
    ("iq", "error"): (_A.ACCOUNT, _A.ACCOUNT, _A.DELIVER, _A.IGNORE),
}

TABLE: dict[tuple[str, str, Target], Action] = {
    (kind, type_, target): action
    for (kind, type_), actions in _ROWS.items()
    for target, action in zip(_COLUMNS, actions, strict=True)
}
"""(kind, type, target) to action, for every valid type."""

AT_ONCE = frozenset(
    (kind, type_)
    for (kind, type_, target), action in TABLE.items()
    if target is Target.FULL and action is Action.DELIVER
)
"""What a bound full JID gets: most of what there is, so it is looked up without the table."""

TO_AVAILABLE = frozenset(
    (kind, type_)
    for (kind, type_, target), action in TABLE.items()
    if target is Target.BARE_NOBODY and action is Action.AVAILABLE
)
"""What all available resources of a bare JID get, whatever they are: broadcast presence."""

TO_ALL = frozenset(
    (kind, type_)
    for (kind, type_, target), action in TABLE.items()
    if target is Target.BARE and action is Action.ALL
)
"""What all reachable resources of a bare JID get: headlines."""

TYPES: dict[str, frozenset[str]] = {
    kind: frozenset(t for k, t in _ROWS if k == kind) for kind in ("message", "presence", "iq")
}
"""The valid types of each kind; a message's unknown type counts as normal (RFC 6121 §5.2.2)."""


def share(stanza: Stanza, sessions: Collection[Session]) -> Claim | None:
    """Have a message that several sessions take a claim, by which one knows what another took.

    It is held then, until it is with all of them; None where none of them would hold it.
    """
    if stanza.kind != "message" or not any(session.tracks for session in sessions):
        return None
    claim = stanza.claim
    if claim is None:
        claim = stanza.claim = Claim()
    else:
        claim.hold()
    if not all(session.tracks for session in sessions):
        claim.safe = True
    return claim


def message_type(type_: str) -> str:
    """The type a message counts as."""
    return type_ if type_ in TYPES["message"] else "normal"


def reachable(sessions: Collection[Session]) -> list[Session]:
    """The available sessions of non-negative priority."""
    return [s for s in sessions if s.priority is not None and s.priority >= 0]


def recipients(action: Action, sessions: Collection[Session]) -> list[Session]:
    """The sessions that TOP, ALL or AVAILABLE name."""
    if action is Action.AVAILABLE:
        return [s for s in sessions if s.priority is not None]
    found = reachable(sessions)
    if action is Action.TOP and len(found) > 1:
        highest = max(s.priority or 0 for s in found)
        found = [s for s in found if s.priority == highest]
    return found
