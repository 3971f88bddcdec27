"""Why a request is refused, and what the client is told of it (XEP-0124 §17)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, TypeAlias

Condition: TypeAlias = Literal[
    "bad-request",
    "host-gone",
    "host-unknown",
    "improper-addressing",
    "internal-server-error",
    "item-not-found",
    "other-request",
    "policy-violation",
    "remote-connection-failed",
    "remote-stream-error",
    "see-other-uri",
    "system-shutdown",
    "undefined-condition",
]
"""The terminal binding conditions (XEP-0124 §17.2)."""

LEGACY: Final[Mapping[str, int]] = {
    "bad-request": 400,
    "policy-violation": 403,
    "item-not-found": 404,
}
"""The HTTP status in place of a condition, for clients that name no `ver` (XEP-0124 §17.1)."""


class Refused(Exception):
    """A request that is refused: `reason` is a code of components/bosh/reasons.py.

    `content` is what stands in the `<body/>` beside the condition.
    """

    def __init__(self, condition: Condition, reason: str, content: bytes = b"") -> None:
        super().__init__(reason)
        self.condition: Condition = condition
        self.reason = reason
        self.content = content
