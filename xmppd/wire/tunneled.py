"""What a message of the session tunnel holds, as bytes and back (docs/session-tunnel.md).

What a client has said is cut out as the bytes that came, for the framer of that client's own
stream: it alone reads them, with that client's limits, and nothing here knows what they say.
"""

from __future__ import annotations

import pyexpat
import re
from collections.abc import Mapping
from typing import NamedTuple, TypeAlias

from xmppd import ns
from xmppd.errors import StanzaError
from xmppd.wire.octets import PREFIXED, START_TAG
from xmppd.wire.stanza import Stanza

MARK = ns.TUNNEL.encode()
"""Stands in the content of every message of the tunnel."""

_SESSION = f"{ns.TUNNEL} session"
_OPEN = f"{ns.TUNNEL} open"
_TEXT = f"{ns.TUNNEL} text"
_FORWARDED = f"{ns.FORWARD} forwarded"


class Opened(NamedTuple):
    """The client has opened a stream, or opened it anew; `attrs` are those of its header."""

    attrs: Mapping[str, str]


class Last(bytes):
    """What a client has said, where one element ends with it and nothing else begins."""


class Part(bytes):
    """What a client has said, where it is of one element and that does not end in it."""


class Left(NamedTuple):
    """The client is gone; see `CLOSED` and `LOST`."""

    why: str


CLOSED = Left("close")
"""It has closed its stream."""
LOST = Left("lost")
"""Its connection broke."""

Item: TypeAlias = bytes | Opened | Left
"""What a client has said or done; bytes are of its stream."""

_LEFT = {f"{ns.TUNNEL} {left.why}": left for left in (CLOSED, LOST)}


class Said(NamedTuple):
    """The content of a message of a gateway."""

    items: list[Item]
    """In the order in which they were said."""
    taken: int
    """Up to which question the client has taken all that it was sent; 0 where that is not said."""


# ---------------------------------------------------------------------- from a gateway

_ROOT = b"<x>"
_CLIENT_NAMES = f"{ns.CLIENT} "
_DECLARES_DEFAULT = re.compile(rb"\sxmlns\s*=")


_TEXTS: tuple[tuple[bytes, type[bytes]], ...] = (
    (f"<session xmlns='{ns.TUNNEL}'><text end='true'>".encode(), Last),
    (f"<session xmlns='{ns.TUNNEL}'><text>".encode(), bytes),
    (f"<session xmlns='{ns.TUNNEL}'><text end='false'>".encode(), Part),
)
"""How a message begins that is one text, and what that is."""
_KINDS: Mapping[str | None, type[bytes]] = {"true": Last, "false": Part}
"""What a text is, by its attribute."""
_TEXT_ENDS = b"</text></session>"


def read(inner: bytes) -> Said:
    """What stands in `inner`, the validated content of a message; raises StanzaError."""
    for begins, kind in _TEXTS:
        if inner.startswith(begins) and inner.endswith(_TEXT_ENDS):
            text = _plain(inner[len(begins) : -len(_TEXT_ENDS)])
            if text is not None:
                return Said([kind(text)], 0)
    return _parsed(inner)


def _plain(text: bytes) -> bytes | None:
    """Character data with the commonest references resolved; None where a parser is needed.

    Nearly all that a gateway sends is one text, in which nothing but these is written otherwise.
    """
    if b"<" in text or b"\r" in text:
        return None
    text = text.replace(b"&lt;", b"<").replace(b"&gt;", b">")
    if b"&" not in text:
        return text
    if text.count(b"&") != text.count(b"&amp;") + text.count(b"&#13;"):
        return None
    return text.replace(b"&#13;", b"\r").replace(b"&amp;", b"&")


def _parsed(inner: bytes) -> Said:
    items: list[Item] = []
    answers: list[int] = []
    parser = pyexpat.ParserCreate("UTF-8", " ", None)
    parser.buffer_text = True
    _report(parser, inner, items, answers)
    try:
        parser.Parse(_ROOT)
        parser.Parse(inner)
        parser.Parse(b"</x>", True)
    finally:
        parser.StartElementHandler = parser.EndElementHandler = None  # they hold the parser
    if not answers:
        raise malformed("no session")
    return Said(items, answers[0])


def _report(
    parser: pyexpat.XMLParserType, inner: bytes, items: list[Item], answers: list[int]
) -> None:
    """Have `parser` add to `items` what it finds, and to `answers` what a session says is taken.

    Closures, as in scanner.py and for the same reason. The offsets of expat are explained there.
    """
    depth = began = opened = 0
    forwarding = False
    kind: type[bytes] = bytes
    text: list[str] | None = None

    def on_start(name: str, attrs: dict[str, str]) -> None:
        nonlocal depth, began, opened, forwarding, kind, text
        if depth == 3:
            if not forwarding:
                raise malformed("an element where none belongs")
            began = parser.CurrentByteIndex - len(_ROOT)
            opened = _end_of_tag(inner, began, name)
        elif depth == 2:
            forwarding = name == _FORWARDED
            if name == _TEXT:
                text = []
                kind = _KINDS.get(attrs.get("end"), bytes)
                parser.CharacterDataHandler = text.append
            elif not forwarding:
                items.append(_done(name, attrs))
        elif depth == 1:
            if name != _SESSION or answers:
                raise malformed("one session and nothing else")
            answers.append(_number(attrs.get("taken", "0")))
        depth += 1

    def on_end(name: str) -> None:
        nonlocal depth, text
        depth -= 1
        if depth == 2 and text is not None:
            parser.CharacterDataHandler = None
            items.append(kind("".join(text).encode()))
            text = None
        elif depth == 3:
            index = parser.CurrentByteIndex - len(_ROOT)
            if opened == index and inner[index - 2] == 0x2F:
                items.append(inner[began:index])
            else:
                items.append(inner[began : inner.find(b">", index) + 1])

    parser.StartElementHandler = on_start
    parser.EndElementHandler = on_end


def _end_of_tag(inner: bytes, began: int, name: str) -> int:
    """Where the start tag of a forwarded element ends.

    Its bytes are read where jabber:client is the default: one that inherits another namespace
    would become something else (XEP-0297 §3.2, rule 3).
    """
    opened: int = START_TAG.match(inner, began).end()  # type: ignore[union-attr]
    if not (
        name.startswith(_CLIENT_NAMES)
        or PREFIXED.match(inner, began)
        or _DECLARES_DEFAULT.search(inner, began, opened)
    ):
        raise malformed("a forwarded element that does not declare its namespace")
    return opened


def _number(text: str) -> int:
    if text.isdecimal() and text.isascii() and len(text) < 16:
        return int(text)
    raise malformed("taken is the number of a question")


def _done(name: str, attrs: dict[str, str]) -> Item:
    if name == _OPEN:
        return Opened(attrs)
    left = _LEFT.get(name)
    if left is None:
        raise malformed("an element where none belongs")
    return left


def malformed(text: str) -> StanzaError:
    """The answer to a gateway that is broken."""
    return StanzaError("bad-request", text, reason="tunnel.malformed")


# ---------------------------------------------------------------------- to a gateway

BEGIN, END = b"<f:forwarded>", b"</f:forwarded>"
"""What stands around each element for the client. Its namespace is declared around them all."""

_HEAD = f"<t:session xmlns:t='{ns.TUNNEL}' xmlns:f='{ns.FORWARD}' xmlns='{ns.CLIENT}'"
_WHOLE = b"%b>%%b</t:session>" % _HEAD.encode()
_ASKING = b"%b ask='%%d'>%%b</t:session>" % _HEAD.encode()


def message(content: bytes, ask: int = 0) -> Stanza:
    """A message with `content`; `ask` is the number of the question to put behind it, 0 for none.

    It stands in the content namespace of components, so that it goes to one as it is.
    """
    inner = _ASKING % (ask, content) if ask else _WHOLE % content
    return Stanza("message", {}, [_SESSION], inner, ns.COMPONENT)
