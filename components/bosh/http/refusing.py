"""Refusals by a status (RFC 9110 §15): each counted under a reason code of `reasons`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from components.bosh.http.request import Headers, Response, plain

Refused: TypeAlias = Callable[[str, str], object]
"""Is told of each refusal: its reason code, and the client's address, "" where nobody knows it."""


def uncounted(reason: str, address: str) -> None:
    """For who does not count."""


TOLD: dict[str, tuple[int, str]] = {
    "http.connections": (503, "too many connections"),
    "http.connections-per-address": (429, "too many connections from your address"),
    "http.host": (400, "no Host that is a host"),
    "http.method": (405, ""),
    "http.not-found": (404, ""),
    "http.origin": (403, "pages of this origin may not connect here"),
    "http.rate": (429, "too many requests"),
}
"""What a client is told: the status, and words where those of the status are not enough."""


def refusal(reason: str, headers: Headers = (), *, close: bool = False) -> Response:
    """The answer to a request that is refused for a reason."""
    status, words = TOLD[reason]
    return plain(status, words, headers, close=close)
