"""The states of a stream, as tables.

Rule 1: every transition of a stream stands in `TRANSITIONS`. Rule 2: nothing here does
anything; stream.py acts, and asks here whether it may.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum, IntFlag, auto

from xmppd import ns
from xmppd.errors import StreamError


class State(Enum):
    """Where a stream stands (RFC 6120 §4.3, figure 3)."""

    __hash__ = object.__hash__  # by identity, as they compare; Enum's own is written in Python

    EXPECT_HEADER = auto()
    """Connected, or restarted: a stream header must come."""
    NEGOTIATING = auto()
    """Features are on offer."""
    SASL = auto()
    """A SASL exchange is under way and waits for the client."""
    WAITING = auto()
    """The server owes an answer that takes time; nothing more is read meanwhile."""
    BOUND = auto()
    """A resource is bound: stanzas flow."""
    CLOSED = auto()
    """Our closing tag is out."""


class Input(Enum):
    """What moves a stream: elements of the client, and what becomes of them."""

    __hash__ = object.__hash__

    HEADER = auto()
    STARTTLS = auto()
    AUTH = auto()
    RESPONSE = auto()
    ABORT = auto()
    CHALLENGE = auto()
    """The exchange wants another response."""
    ASK = auto()
    """The stream can't go on without an answer, or another one."""
    ANSWER = auto()
    """That answer has come, and the client was told."""
    SUCCESS = auto()
    FAILURE = auto()
    COMPRESS = auto()
    FEATURES = auto()
    """The peer offers, and we choose."""
    PROCEED = auto()
    """TLS, which we have asked for, may begin."""
    HANDSHAKE = auto()
    """A component proves that it knows its secret."""
    BOUND = auto()
    CLOSE = auto()


TRANSITIONS: dict[tuple[State, Input], State] = {
    (State.EXPECT_HEADER, Input.HEADER): State.NEGOTIATING,
    (State.NEGOTIATING, Input.STARTTLS): State.EXPECT_HEADER,
    (State.NEGOTIATING, Input.COMPRESS): State.EXPECT_HEADER,
    (State.NEGOTIATING, Input.AUTH): State.SASL,
    (State.NEGOTIATING, Input.ASK): State.WAITING,
    (State.SASL, Input.RESPONSE): State.SASL,
    (State.SASL, Input.CHALLENGE): State.SASL,
    (State.SASL, Input.ABORT): State.SASL,
    (State.SASL, Input.FAILURE): State.NEGOTIATING,
    (State.SASL, Input.ASK): State.WAITING,
    (State.WAITING, Input.ASK): State.WAITING,
    (State.WAITING, Input.CHALLENGE): State.SASL,
    (State.WAITING, Input.ANSWER): State.NEGOTIATING,
    (State.WAITING, Input.FAILURE): State.NEGOTIATING,
    (State.WAITING, Input.SUCCESS): State.EXPECT_HEADER,
    (State.WAITING, Input.BOUND): State.BOUND,
    **{(state, Input.CLOSE): State.CLOSED for state in State},
}

COMPONENT: dict[tuple[State, Input], State] = {
    (State.EXPECT_HEADER, Input.HEADER): State.NEGOTIATING,
    (State.NEGOTIATING, Input.HANDSHAKE): State.BOUND,
    **{(state, Input.CLOSE): State.CLOSED for state in State},
}
"""The same for the stream of a component (XEP-0114 §3)."""

RECEIVING: dict[tuple[State, Input], State] = {
    (State.EXPECT_HEADER, Input.HEADER): State.NEGOTIATING,
    (State.NEGOTIATING, Input.STARTTLS): State.EXPECT_HEADER,
    (State.NEGOTIATING, Input.CHALLENGE): State.SASL,
    (State.NEGOTIATING, Input.SUCCESS): State.EXPECT_HEADER,
    (State.SASL, Input.SUCCESS): State.EXPECT_HEADER,
    (State.SASL, Input.FAILURE): State.NEGOTIATING,
    **{(state, Input.CLOSE): State.CLOSED for state in State},
}
"""The same for a stream that another server has opened. Stanzas pass while it is NEGOTIATING, from
the domains that it has shown to be: dialback may add others at any time (XEP-0220 §2.6)."""

INITIATING: dict[tuple[State, Input], State] = {
    (State.EXPECT_HEADER, Input.HEADER): State.NEGOTIATING,
    (State.NEGOTIATING, Input.STARTTLS): State.WAITING,
    (State.WAITING, Input.PROCEED): State.EXPECT_HEADER,
    (State.NEGOTIATING, Input.FEATURES): State.BOUND,
    (State.BOUND, Input.AUTH): State.SASL,
    (State.SASL, Input.SUCCESS): State.EXPECT_HEADER,
    (State.SASL, Input.FAILURE): State.BOUND,
    **{(state, Input.CLOSE): State.CLOSED for state in State},
}
"""The same for a stream that we have opened: BOUND once we know what is on offer and have the TLS
that we want."""

INPUTS: dict[str, Input] = {
    f"{ns.TLS} starttls": Input.STARTTLS,
    f"{ns.SASL} auth": Input.AUTH,
    f"{ns.SASL} response": Input.RESPONSE,
    f"{ns.SASL} abort": Input.ABORT,
    f"{ns.COMPRESS} compress": Input.COMPRESS,
}
"""The top-level elements by which a client moves its stream."""


class Fact(IntFlag):
    """What is true of a stream; features are offered by these."""

    TLS_AVAILABLE = auto()
    """The server has a certificate for this domain, and the transport can be upgraded."""
    SECURE = auto()
    """TLS is in place (or the tunnel's client has it)."""
    MAY_AUTHENTICATE = auto()
    """TLS is in place or not required."""
    AUTHENTICATED = auto()
    BOUND = auto()
    COMPRESSION = auto()
    """Compression is switched on."""
    COMPRESSED = auto()
    REGISTRATION = auto()
    """In-band registration is open to this address."""
    LEGACY_AUTH = auto()
    """Non-SASL authentication is switched on (XEP-0078)."""


def step(
    state: State, moved_by: Input, transitions: Mapping[tuple[State, Input], State] = TRANSITIONS
) -> State:
    """The state that follows; StreamError where the element has no place in this state."""
    following = transitions.get((state, moved_by))
    if following is None:
        raise StreamError(
            "policy-violation",
            f"not now: {moved_by.name.lower()} while {state.name.lower().replace('_', ' ')}",
            reason="stream.element",
        )
    return following
