"""What streams with other servers are told from outside."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple, TypeAlias

from xmppd.wire.limits import Limits
from xmppd.wire.parsers import Parsers

Proof: TypeAlias = Literal["certificate", "dialback", "none"]
"""What another server has to show; see `[s2s] require`."""


class ServerPolicy(NamedTuple):
    """What the server grants to streams with other servers; shared by all of them.

    What is a function is asked each time: a reload changes the answer.
    """

    hosts: Callable[[str], bool]
    """Whether a domain is served here: by the server itself, or by a component."""
    default: Callable[[], str]
    """The domain that speaks where the peer has named none."""
    refusal: Callable[[str], str]
    """Why there is no traffic with a domain: a reason code, "" where there may be."""
    require: Callable[[str], Proof]
    """What a domain has to show."""
    secret: bytes
    """What dialback keys are made with; see `dialback.secret_key`."""
    bidirectional: bool = True
    """Whether streams may serve both ways (XEP-0288)."""
    manageable: bool = True
    """Whether stream management is offered (XEP-0198)."""
    before: Limits = Limits(stanza=16_384)
    """Limits until the peer has shown who it is."""
    after: Limits = Limits()
    max_attempts: int = 3
    """Failed attempts at showing that until the stream is closed."""
    most_pairs: int = 1_000
    """Domain pairs that one stream may serve."""
    parsers: Parsers | None = None
