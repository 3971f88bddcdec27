"""What a client calls us: the `Host` of a request (RFC 9110 §7.2), and the URLs made from it.

Whoever asks writes the header as he likes, so nothing is made from one that is not the name or the
address of a host.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

from components.bosh.http.request import Request
from xmppd.addresses import is_loopback

_HOST = re.compile(r"([a-z0-9_](?:[a-z0-9_.-]{0,252})|\[[0-9a-f:.]{2,45}\])(?::([0-9]{1,5}))?")

LONGEST = 262
"""Octets of the longest name with its port."""


def host(headers: Mapping[bytes, bytes]) -> str:
    """What `Host` says, in small letters, with its port; "" where it says nothing proper."""
    return proper(headers.get(b"host", b""))


def proper(value: bytes) -> str:
    """The same of the header's value."""
    return _proper(value) if len(value) <= LONGEST else ""


@lru_cache(256)
def _proper(value: bytes) -> str:
    text = value.decode("latin-1").strip().lower()
    return text if _HOST.fullmatch(text) else ""


@lru_cache(256)
def names_this_machine(named: str) -> bool:
    """Whether a host, with or without a port, is "localhost" or a loopback address."""
    found = _HOST.fullmatch(named) if len(named) <= LONGEST else None
    if found is None:
        return False
    name = found[1].strip("[]")
    return name == "localhost" or is_loopback(name)


def base(request: Request) -> str:
    """The URL of our root as the client has it, without a slash at its end; "" where unknown."""
    named = host(request.headers)
    return f"{'https' if request.peer.tls else 'http'}://{named}" if named else ""


def websocket(url: str) -> str:
    """The URL of the same place for a WebSocket (RFC 6455 §3)."""
    return f"ws{url.removeprefix('http')}"
