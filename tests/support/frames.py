"""Streams written at random, and what their frames must be by the reading of other parsers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from random import Random
from typing import Any
from xml.etree import ElementTree

from lxml import etree

from xmppd import ns
from xmppd.errors import StreamError
from xmppd.wire import escape
from xmppd.wire.framer import Framer
from xmppd.wire.frames import Frame, StreamClose, StreamOpen
from xmppd.wire.limits import Limits
from xmppd.wire.stanza import Nonza, Stanza

HEADER = (
    b"<?xml version='1.0'?><stream:stream xmlns='jabber:client'"
    b" xmlns:stream='http://etherx.jabber.org/streams' to='verona.lit' version='1.0'>"
)
"""The header nearly every client sends."""

CLOSE = b"</stream:stream>"

DEFAULTS = Limits()

OTHER_HEADERS = (
    b"<stream:stream xmlns:stream='http://etherx.jabber.org/streams' xmlns='jabber:client'"
    b" xmlns:c='jabber:client' xmlns:a='urn:montague' xml:lang='it' to='a&gt;b>c/>'>",
    b'<?xml version="1.0" encoding="utf-8" ?>\n<s:stream xmlns:s="http://etherx.jabber.org/streams"'
    b' xmlns="jabber:client" xmlns:x="http://www.w3.org/1999/xhtml">',
    b"<stream xmlns='http://etherx.jabber.org/streams' xmlns:b='urn:capulet'>",
)
"""Headers that are as right (RFC 6120 §4.8.3) and harder on a framer."""

_URIS = (ns.CLIENT, ns.SERVER, "urn:montague", "urn:capulet", "http://www.w3.org/1999/xhtml")
_LOCALS = ("body", "x", "rose", "naïve", "b-1.2_3", "message", "iq")
_TEXTS = (
    "Wherefore art thou?",
    "/>",
    "a > b",
    "&lt;iq/&gt; &amp; &apos;&quot;",
    "&#10;&#x1F339;&#13;",
    "\N{ROSE}é\u2028\ufeff",
    "'single' \"double\"",
    " \t\n ",
    "stream:stream a:b c:d",
    "]] >",
)
_VALUES = (
    *("", "x", "a>b", "/>", ">/message>", "&lt;&amp;&gt;&quot;&apos;", "&#9;&#10;&#13;"),
    *("\N{ROSE}", "two\nlines\tand a tab", "jabber:server", "xmlns:a=", "stream:stream", "a:b"),
)


def parse(stream: Framer, pieces: Iterable[bytes]) -> list[Frame]:
    """Every frame that `pieces` make, halts included."""
    frames: list[Frame] = []
    for piece in pieces:
        frames += stream.feed(piece)
        while stream.unread:
            frames += stream.feed(b"")
    return frames


def frames_of(*pieces: bytes, limits: Limits = DEFAULTS, **options: Any) -> list[Frame]:
    """The frames of a fresh framer that was fed `pieces`."""
    return parse(Framer(limits, **options), pieces)


def refusal(*pieces: bytes, limits: Limits = DEFAULTS, header: bytes = HEADER) -> tuple[str, str]:
    """Condition and reason of the error that `pieces` behind a header end in."""
    frames = frames_of(*([header] if header else []), *pieces, limits=limits)
    error = frames[-1]
    assert isinstance(error, StreamError), frames
    return error.condition, error.reason


def shape(frame: Frame) -> tuple[Any, ...]:
    """A frame as a value that compares."""
    if isinstance(frame, Stanza):
        return ("stanza", frame.kind, frame.attrs, frame.children, frame.inner, frame.content)
    if isinstance(frame, Nonza):
        return ("nonza", frame.name, frame.attrs, frame.children, frame.inner)
    if isinstance(frame, StreamError):
        return ("error", frame.condition, frame.reason)
    return (type(frame).__name__, *frame)


def cut(data: bytes, places: Iterable[int]) -> list[bytes]:
    """`data` in the pieces that cuts at `places` leave."""
    edges = [0, *sorted({p for p in places if 0 < p < len(data)}), len(data)]
    return [data[a:b] for a, b in pairwise(edges)]


def infoset(element: Any) -> tuple[Any, ...]:
    """What an element of ElementTree or lxml means: names, attributes, text, children."""
    content: list[Any] = [element.text or ""]
    for child in element:
        content += [infoset(child), child.tail or ""]
    return (element.tag, dict(element.attrib), content)


def read_by_lxml(data: bytes) -> Any:
    """`data` as libxml2 reads it, which shares no code with expat."""
    parser = etree.XMLParser(
        recover=False, resolve_entities=False, huge_tree=False, no_network=True, load_dtd=False
    )
    return etree.fromstring(data, parser)


def read_by_expat(data: bytes) -> ElementTree.Element:
    """`data` as ElementTree reads it."""
    return ElementTree.fromstring(data)


def delivered(frame: Stanza | Nonza) -> bytes:
    """A document that holds what is passed on of `frame`, in the namespace it belongs to."""
    inside = frame.content if isinstance(frame, Stanza) else frame.namespace
    data = frame.render() if isinstance(frame, Stanza) else frame.inner
    return b"<x xmlns='%b'>%b</x>" % (escape.attribute(inside).encode(), data)


def children_names(element: Any) -> list[str]:
    """The names of an element's children as the framer spells them."""
    return [c.tag[1:].replace("}", " ") if c.tag[0] == "{" else c.tag for c in element]


class Scribe:
    """Writes streams that are well-formed and as awkward as XML allows."""

    def __init__(self, random: Random) -> None:
        self.random = random

    def stream(self, elements: int = 3) -> tuple[bytes, list[bytes]]:
        """A header and top-level elements, each with white space around it."""
        header = self.random.choice((HEADER, HEADER, *OTHER_HEADERS))
        scope = _scope_of(header)
        return header, [self._top(scope) for _ in range(self.random.randint(1, elements))]

    def document(self) -> bytes:
        """A whole stream."""
        header, elements = self.stream()
        return header + b"".join(elements) + _end_of(header)

    def _top(self, scope: dict[str, str]) -> bytes:
        space = self.random.choice(("", "", " ", "\n\t", "\r\n"))
        local = self.random.choice(("message", "presence", "iq", "rose"))
        return (space + self.element(scope, local) + space).encode()

    def element(self, scope: dict[str, str], local: str = "", depth: int = 0) -> str:
        """One element, written where `scope` (prefix to namespace) is declared."""
        pick, chance = self.random.choice, self.random.random
        scope, declared = dict(scope), ""
        if chance() < 0.3:
            scope[""] = pick(_URIS + (("",) if depth else ()))
            declared += f" xmlns={self._quoted(scope[''])}"
        if chance() < 0.2:
            prefix = pick(("a", "b", "c"))
            scope[prefix] = pick(_URIS)
            declared += f" xmlns:{prefix}={self._quoted(scope[prefix])}"
        usable = [p for p, uri in scope.items() if uri != ns.STREAM]
        if not usable:
            scope[""] = ns.CLIENT
            declared += f" xmlns='{ns.CLIENT}'"
            usable = [""]
        prefix = "" if "" in usable and chance() < 0.7 else pick(usable)
        local = local or pick(_LOCALS)
        name = f"{prefix}:{local}" if prefix else local
        tag = name + declared + self._attributes(scope) + pick(("", "", " ", "\n"))
        content = self._content(scope, depth)
        if not content:
            return f"<{tag}/>" if chance() < 0.6 else f"<{tag}></{name}>"
        return f"<{tag}>{content}</{name}{pick(('', '', ' '))}>"

    def _attributes(self, scope: dict[str, str]) -> str:
        out = ""
        for local in self.random.sample(
            ("id", "type", "to", "ver", "är"), self.random.randint(0, 2)
        ):
            # libxml2 holds xml:id, and it alone, to the rules of XML names.
            own = ("",) if local == "id" else ("", "", "xml")
            prefix = self.random.choice([*own, *(p for p in scope if p)])
            name = f"{prefix}:{local}" if prefix else local
            out += f"{self.random.choice((' ', chr(10)))}{name}={self._quoted()}"
        return out

    def _quoted(self, value: str | None = None) -> str:
        quote = self.random.choice("'\"")
        if value is None:
            value = self.random.choice(_VALUES)
            value += self.random.choice(("", "'\"".replace(quote, "")))
        return f"{quote}{value}{quote}"

    def _content(self, scope: dict[str, str], depth: int) -> str:
        out = ""
        for _ in range(self.random.randint(0, 3 - depth)):
            kind = self.random.random()
            if kind < 0.55:
                out += self.element(scope, "", depth + 1)
            elif kind < 0.9:
                out += self.random.choice(_TEXTS)
            else:
                out += f"<![CDATA[{self.random.choice(('', '<x>', '&amp; > ', 'a:b'))}]]>"
        return out


def _end_of(header: bytes) -> bytes:
    name = header[header.index(b"<s") + 1 :].split()[0]
    return b"</" + name + b">"


def _scope_of(header: bytes) -> dict[str, str]:
    frame = Framer(Limits()).feed(header)[0]
    assert isinstance(frame, StreamOpen)
    return frame.prefixes


def contents(frames: Sequence[Frame]) -> list[Stanza | Nonza]:
    """The frames of a whole stream without its header and its end, which must be there."""
    assert isinstance(frames[0], StreamOpen), frames
    assert isinstance(frames[-1], StreamClose), frames
    inner = [f for f in frames if isinstance(f, Stanza | Nonza)]
    assert len(inner) == len(frames) - 2
    return inner
