"""What a message of the server holds for a client, cut out of its bytes (docs/session-tunnel.md).

Elements for the client stay bytes. Nearly all messages are cut by their text alone; expat reads
those where that could be wrong.
"""

from __future__ import annotations

import pyexpat
import re
from collections.abc import Mapping
from typing import NamedTuple, TypeAlias

from xmppd import ns


class Told(NamedTuple):
    """An element of the tunnel's own: its local name, attributes and the bytes in it."""

    name: str
    attrs: Mapping[str, str]
    content: bytes


Item: TypeAlias = bytes | Told
"""What the server says in a stream; bytes are an element for the client."""


class Message(NamedTuple):
    """The content of a message of the server."""

    items: list[Item]
    """In the order in which they were said."""
    ask: int
    """The number of the question behind them; 0 where there is none."""


_HEAD = f"<t:session xmlns:t='{ns.TUNNEL}' xmlns:f='{ns.FORWARD}' xmlns='{ns.CLIENT}'".encode()
_TAIL = b"</f:forwarded></t:session>"
_BETWEEN = b"</f:forwarded><f:forwarded>"
_ASK = re.compile(rb"(?: ask='([0-9]{1,15})')?><f:forwarded>")


def read(inner: bytes) -> Message | None:
    """What stands in `inner`, the content of a message; None where that is no session's.

    The prefix f means what it does here throughout, and a tag is a tag, where it is declared once
    and there is no CDATA: then what looks like the end of one element and the beginning of another
    is that.
    """
    if (
        inner.startswith(_HEAD)
        and inner.endswith(_TAIL)
        and inner.count(b"xmlns:f") == 1
        and b"<![" not in inner
    ):
        found = _ASK.match(inner, len(_HEAD))
        if found is not None:
            elements = inner[found.end() : -len(_TAIL)].split(_BETWEEN)
            if inner.count(b"f:forwarded>") == 2 * len(elements):
                return Message(list(map(_declared, elements)), int(found[1] or 0))
    return _parsed(inner)


def _declared(element: bytes) -> bytes:
    """An element that stands where jabber:client is the default, declaring that itself.

    The server never writes the namespace on a stanza's own tag, and never leaves it out elsewhere.
    """
    found = _STANZA.match(element)
    if found is None:
        return element
    return b"<%b xmlns='jabber:client'%b" % (found[1], element[found.end() :])


_STANZA = re.compile(rb"<(message|presence|iq)(?=[ />])(?! xmlns=)")

# ---------------------------------------------------------------------- what needs a parser

_SESSION = f"{ns.TUNNEL} session"
_FORWARDED = f"{ns.FORWARD} forwarded"
_ROOT = f"<x xmlns='{ns.COMPONENT}'>".encode()
_START_TAG = re.compile(rb"""<[^"'>]*(?:"[^"]*"[^"'>]*|'[^']*'[^"'>]*)*>""")


def _parsed(inner: bytes) -> Message | None:
    parser = pyexpat.ParserCreate("UTF-8", " ", None)
    items: list[Item] = []
    asks: list[int] = []
    depth = 0
    forwarding = False
    began = 0
    top: tuple[str, dict[str, str], int] = ("", {}, 0)

    def on_start(name: str, attrs: dict[str, str]) -> None:
        nonlocal depth, forwarding, began, top
        at = parser.CurrentByteIndex - len(_ROOT)
        if depth == 1 and name == _SESSION:
            number = attrs.get("ask", "0")
            asks.append(int(number) if number.isdecimal() and number.isascii() else 0)
        elif depth == 2:
            forwarding = name == _FORWARDED
            top = (name, attrs, at)
        elif depth == 3 and forwarding:
            began = at
        depth += 1

    def on_end(name: str) -> None:
        nonlocal depth
        depth -= 1
        at = parser.CurrentByteIndex - len(_ROOT)
        if depth == 3 and forwarding:
            first, last = _span(inner, began, at)
            items.append(_declared(inner[began : last if first is None else _past(inner, at)]))
        elif depth == 2 and not forwarding:
            namespace, _, local = top[0].rpartition(" ")
            if namespace == ns.TUNNEL:
                first, last = _span(inner, top[2], at)
                items.append(Told(local, top[1], b"" if first is None else inner[first:last]))

    parser.StartElementHandler = on_start
    parser.EndElementHandler = on_end
    try:
        parser.Parse(_ROOT)
        parser.Parse(inner)
        parser.Parse(b"</x>", True)
    finally:
        parser.StartElementHandler = parser.EndElementHandler = None  # they hold the parser
    return Message(items, asks[0]) if asks else None


def _span(inner: bytes, began: int, at: int) -> tuple[int | None, int]:
    """Where the content of an element begins and ends; it has none where that is None.

    At `</x>` expat's index is its `<`, at `<x/>` it is past the end.
    """
    opened = _START_TAG.match(inner, began).end()  # type: ignore[union-attr]
    if opened == at and inner[at - 2 : at] == b"/>":
        return None, at
    return opened, at


def _past(inner: bytes, at: int) -> int:
    """Where an end tag ends that begins at `at`."""
    return inner.index(b">", at) + 1
