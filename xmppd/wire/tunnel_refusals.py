"""What a gateway tells of the clients that it has refused itself (docs/session-tunnel.md)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from ipaddress import ip_address
from typing import NamedTuple
from xml.etree.ElementTree import Element

from xmppd import ns
from xmppd.wire.tunneled import malformed

MOST = 100
"""How many refusals a message may tell of,"""
LONGEST = 300
"""and how many characters of a meaning and of a remedy are remembered."""

_REFUSALS = f"{{{ns.TUNNEL}}}refusals"
_REFUSED = f"{{{ns.TUNNEL}}}refused"
_REASON = re.compile(r"[a-z0-9]+(?:[.-][a-z0-9]+){1,8}")
_LONGEST_REASON = 64
_MOST_TIMES = 9
"""Digits of how often it was."""


class Told(NamedTuple):
    """Why a client at an address was refused, how often lately, and what that means."""

    reason: str
    address: str
    times: int
    meaning: str
    remedy: str


def read(message: Element) -> list[Told]:
    """What a message of a gateway tells of; raises StanzaError where it is no such message."""
    children = list(message)
    if [child.tag for child in children] != [_REFUSALS]:
        raise malformed("a gateway itself tells of refusals, and of nothing else")
    if len(children[0]) > MOST:
        raise malformed(f"more than {MOST} refusals")
    return list(_each(children[0]))


def _each(told: Element) -> Iterator[Told]:
    for child in told:
        reason, times = child.get("reason", ""), child.get("times", "1")
        if child.tag != _REFUSED:
            raise malformed("an element where none belongs")
        if len(reason) > _LONGEST_REASON or _REASON.fullmatch(reason) is None:
            raise malformed("a reason is words of a-z and 0-9 with dots and hyphens between")
        if not (times.isdecimal() and times.isascii() and len(times) <= _MOST_TIMES):
            raise malformed("times is a number")
        meaning, remedy = (child.get(name, "")[:LONGEST] for name in ("meaning", "remedy"))
        yield Told(reason, _address(child), int(times), meaning, remedy)


def _address(child: Element) -> str:
    try:
        return str(ip_address(child.get("address", "")))
    except ValueError:
        raise malformed("the client's address is missing, or none") from None
