"""What a stream with another server tells the connection that drives it."""

from __future__ import annotations

from typing import Literal, NamedTuple, TypeAlias

from xmppd.stream.dialback import Outcome
from xmppd.stream.events import Closed, Passed, Send, StartTLS

By: TypeAlias = Literal["certificate", "dialback"]
"""How a domain has been shown."""


class KeyGiven(NamedTuple):
    """The peer claims to be `remote`: ask that domain whether it has made the key (§2.1.2).

    Answer with `ServerStream.judge`, sooner or later.
    """

    remote: str
    local: str
    key: str


class Admitted(NamedTuple):
    """From here on the peer may send from `remote`, which it has shown to be in this way."""

    remote: str
    local: str
    by: By


class Negotiated(NamedTuple):
    """Our own stream is as it is to be: it may carry dialback, and we may authenticate."""


class Granted(NamedTuple):
    """From here on we may send from `local` to `remote` on it."""

    local: str
    remote: str


class Denied(NamedTuple):
    """We may not, and why: "invalid", or the condition of an error (XEP-0220 §2.5)."""

    local: str
    remote: str
    condition: str


class Judged(NamedTuple):
    """`remote` has said whether it has made a key that we were given (XEP-0220 §2.1.2)."""

    remote: str
    local: str
    stream_id: str
    outcome: Outcome
    condition: str


class Closing(NamedTuple):
    """Nothing more is sent; what the peer sends before it has closed, too, still passes."""


Event: TypeAlias = (
    Passed
    | Send
    | StartTLS
    | KeyGiven
    | Admitted
    | Negotiated
    | Granted
    | Denied
    | Judged
    | Closing
    | Closed
)
