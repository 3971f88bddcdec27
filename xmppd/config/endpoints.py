"""Endpoints (Twisted's server strings) as they are opened."""

from __future__ import annotations

BACKLOG = 1024
"""Connections that may wait to be accepted, unless the endpoint says otherwise."""

_KINDS = frozenset({"tcp", "tcp6", "ssl"})


def with_backlog(description: str) -> str:
    """`description` with room for a crowd that comes back at once.

    Twisted's own is for 50: of a thousand who come in the same moment, one in fifty would be heard
    a second later only.
    """
    kind = description.partition(":")[0]
    if kind in _KINDS and ":backlog=" not in description:
        return f"{description}:backlog={BACKLOG}"
    return description
