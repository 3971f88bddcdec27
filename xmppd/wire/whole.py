"""Messages and acknowledgements that lie whole in one read, cut by the text of their tags.

Of components presence and IQs, too: rooms send much of the one, and what is delegated comes back in
the other. What is said of a message holds for them as well.

Most of what a server reads is this. expat validates every byte of it, as of all else; what it
need not do is report each element, since a message's end can be read off its text.

An acknowledgement (XEP-0198 §4) is spelled in one of a few ways, of which each is an element by
itself whatever it stands between; one that is spelled otherwise goes the long way.

The law of this file: a message is cut here only where nothing but its own end tag can be spelled
`</message`. It is the only element of that name in its text, and no section of another kind
(CDATA, comment, processing instruction) could hide one. So when expat has found the text
well-formed, it has closed the message at its end and nowhere else. One of a component may have
another in it: a message forwarded to be sent in a user's name (XEP-0356 §5), the answer to an IQ
that was delegated (XEP-0355 §4.3). Then two begin and two end, and what ends first is the one
inside. What could be more than it seems goes the long way, to a scanner:
a prefix that is declared in the start tag or by the header of another server alone, a character
reference that may spell a namespace, the stream namespace, more elements or attributes in one
message than the limits allow in one place.
"""

from __future__ import annotations

import pyexpat
import re
from collections.abc import Callable
from typing import NamedTuple

from xmppd import ns
from xmppd.wire import blind
from xmppd.wire.blind import Found, Headers
from xmppd.wire.frames import Frame
from xmppd.wire.limits import Limits
from xmppd.wire.octets import LONGEST_NAMESPACE, SLICE, check_namespace, refusal
from xmppd.wire.scanner import RENEW_BYTES, new_parser, usual
from xmppd.wire.stanza import Nonza, Stanza
from xmppd.wire.tree import child_names


class _Kind(NamedTuple):
    """How a kind of stanza is spelled, and one of its kind that it forwards."""

    kind: str
    name: bytes
    begin: bytes
    end: bytes
    around: tuple[bytes, ...] = ()
    """What stands before the one that is forwarded, in either kind of quotation marks,"""
    inner: tuple[bytes, ...] = ()
    """how that one begins,"""
    behind: bytes = b""
    """and what stands behind its content."""
    child: str = ""
    """The name of what it is forwarded in."""


def _forwarding(kind: str, child: str) -> _Kind:
    """A kind that may forward one of its own, in a child ``"namespace local"``."""
    namespace, _, local = child.rpartition(" ")
    around, inner = [], []
    for q in "'\"":
        around.append(f"<{local} xmlns={q}{namespace}{q}><forwarded xmlns={q}{ns.FORWARD}{q}>")
        inner.append(f"<{kind} xmlns={q}{ns.CLIENT}{q}".encode())
    word = kind.encode()
    behind = f"</{kind}></forwarded></{local}>".encode()
    wrappers = tuple(each.encode() for each in around)
    return _Kind(kind, word, b"<" + word, b"</%b>" % word, wrappers, tuple(inner), behind, child)


_MESSAGE = _forwarding("message", f"{ns.PRIVILEGE} privilege")
_PRESENCE = _Kind("presence", b"presence", b"<presence", b"</presence>")
_IQ = _forwarding("iq", f"{ns.DELEGATION} delegation")
_KINDS = {ord("m"): _MESSAGE, ord("p"): _PRESENCE, ord("i"): _IQ}
"""By the first letter of their names."""
_FIRST = (_MESSAGE.begin, b"<a ", b"<r ")
_FIRST_OF_COMPONENTS = (*_FIRST, _PRESENCE.begin, b"<iq ")
_SM = re.escape(ns.STREAM_MANAGEMENT).encode()
_ACK = re.compile(
    rb"<(?:r xmlns=(?:'%b'|\"%b\")"
    rb"|a xmlns=(?:'%b' h='([0-9]+)'|\"%b\" h=\"([0-9]+)\")"
    rb"|a h=(?:'([0-9]+)' xmlns='%b'|\"([0-9]+)\" xmlns=\"%b\")) ?/>" % ((_SM,) * 6)
)
"""`<r/>`, or `<a/>` with its `h`, as clients write them."""
_REQUEST, _ANSWER = (f"{ns.STREAM_MANAGEMENT} {name}" for name in "ra")

_LESS, _SLASH, _SINGLE, _DOUBLE, _M = b"</'\"m"


def may_hold(data: bytes, content: str = ns.CLIENT) -> bool:
    """Whether `data` begins with what is cut here, and nothing in it must go the long way."""
    # To look for one octet first is much cheaper than to look for two.
    return not (
        not data.startswith(_FIRST_OF_COMPONENTS if content == ns.COMPONENT else _FIRST)
        or b"stream" in data
        or (b"&" in data and b"&#" in data)
        or (b"!" in data and b"<!" in data)
        or (b"?" in data and b"<?" in data)
        or (content == ns.SERVER and b"db:" in data)
    )


BEGUN = 2_048
"""Octets of a message that is not complete yet which wait unread, to be cut whole with the rest."""
BEGUN_FOR_MANY = 131_072
"""Likewise of one whose content, or that of the message in it, begins with an address header."""


def is_begun(data: bytes) -> bool:
    """Whether `data` is the beginning of what is cut here, worth to wait for the rest of it.

    A larger one is read as it comes: what waits is looked through again with each read.
    """
    if len(data) > BEGUN_FOR_MANY:
        return False
    if len(data) < 2:
        return data == b"<"
    spelled = _KINDS.get(data[1])
    if spelled is None:
        return False
    opened = _end_of_tag(data, 0, spelled.begin)
    if not opened:
        begin = spelled.begin
        return len(data) <= BEGUN and b">" not in data and begin.startswith(data[: len(begin)])
    inside = _inside(data, opened, spelled)
    if len(data) > BEGUN and not data.startswith(blind.BEGIN, inside):
        return False
    # Of one that forwards another with content, that one's end is not yet its own.
    around = inside > opened and data[inside - 2] != _SLASH
    return data.count(spelled.end[:-1]) <= around


class Cutter:
    """Cuts whole messages for every stream with the usual header and the same limits.

    Between two messages its parser stands inside such a stream, as each of them does. One that
    has raised is not used again, nor one that has read so much that it remembers many names. Of
    what components send to many, the addresses are remembered (blind.py), and read once.
    """

    __slots__ = ("_content", "_cut", "_headers", "_limits", "_parser", "_read")

    def __init__(self, limits: Limits, content: str) -> None:
        self._limits = limits
        self._content = content
        self._headers = Headers() if content == ns.COMPONENT else None
        self._parser: pyexpat.XMLParserType | None = None
        self._read = 0
        self._cut: Callable[[bytes, list[Frame]], tuple[int, int]]
        self._begin()

    def cut(self, data: bytes, frames: list[Frame]) -> int:
        """Cut what `data` begins with, of which `may_hold` is true.

        They are added to `frames`; gives the bytes that they take. Raises StreamError.
        """
        if self._read > RENEW_BYTES:
            self._begin()
        try:
            used, self._read = self._cut(data, frames)
        except BaseException:
            self._begin()
            raise
        return used

    def _begin(self) -> None:
        """Have a new parser stand inside a stream."""
        if self._parser is not None:
            self._parser.StartElementHandler = None  # it holds the parser
        self._parser = parser = new_parser()
        header = usual(self._content).tag
        parser.Parse(header)
        self._read = len(header)
        self._cut = _cutting(parser, self._limits, self._content, self._headers)


def _cutting(
    parser: pyexpat.XMLParserType, limits: Limits, content: str, headers: Headers | None
) -> Callable[[bytes, list[Frame]], tuple[int, int]]:
    """What does the work of `Cutter.cut`: closures, as in scanner.py and for the same reason.

    It gives the bytes that were cut, and how many the parser has read by then.
    """
    small = min(limits.stanza, limits.tag, SLICE)
    # A component is no stranger: what it sends to many at once, each named in it, is cut, too.
    most = limits.stanza if content == ns.COMPONENT else small
    fewest = min(limits.depth, limits.attributes, limits.children)
    # Neither ` a=''` nor `<a></a>` is shorter than five bytes, but a child may be `<a/>`.
    harmless = min(5 * limits.depth, 5 * limits.attributes, 4 * limits.children)
    names = {letter: f"{content} {spelled.kind}" for letter, spelled in _KINDS.items()}
    read = len(usual(content).tag)
    name = ""
    top: dict[str, str] = {}
    checking = False

    def on_start(found: str, attrs: dict[str, str]) -> None:
        nonlocal name, top
        name, top = found, attrs
        parser.StartElementHandler = None

    def cut(data: bytes, frames: list[Frame]) -> tuple[int, int]:
        nonlocal checking, read
        position = 0
        letter = _M
        spelled = _MESSAGE
        kind, word, begin, close = spelled[:4]
        found: Found | None
        while position < len(data):
            if data[position + 2 : position + 3] == b" ":  # `<a ` or `<r `, or none of ours
                ack = _ACK.match(data, position)
                if ack is None:
                    break
                frames.append(_acknowledgement(ack))
                position = ack.end()
                continue
            if headers is not None and not data.startswith(begin, position):
                letter = data[position + 1] if position + 1 < len(data) else 0
                if letter not in _KINDS:
                    break
                spelled = _KINDS[letter]
                kind, word, begin, close = spelled[:4]
            found = None
            opened = inside = behind = _end_of_tag(data, position, begin)
            if not opened and spelled is _IQ:
                # Of the answers that need no content.
                opened = inside = closing = _end_of_empty(data, position, begin)
                end = closing
            else:
                if headers is not None:
                    if data.startswith(spelled.around, opened):
                        inside = behind = _inside(data, opened, spelled)
                    if behind and data.startswith(blind.BEGIN, behind):
                        found = headers.find(data, behind)
                        if found is not None:  # in which nothing is spelled like the end
                            behind += len(found.header.data)
                closing = behind and _closing(data, behind, word, close)
                if closing and inside != opened:
                    closing = _closing_around(data, behind, closing, spelled)
                end = closing + len(close)
            if not closing:
                break
            size = end - position
            text = data if size == len(data) else data[position:end]
            if found is not None:
                if size > most:
                    break
                text = data[position : found.known[0]] + data[found.known[1] : end]
                size = len(text)
            if size > harmless and (
                size > most
                or (
                    (size > small or text.count(b"<") > fewest or text.count(b"=") > fewest)
                    and not (most > small and _fits(text, limits))
                )
            ):
                break
            if checking is not (size > LONGEST_NAMESPACE):
                checking = not checking
                parser.StartNamespaceDeclHandler = check_namespace if checking else None
            parser.StartElementHandler = on_start
            try:
                parser.Parse(text)
            except pyexpat.ExpatError as error:
                at = parser.ErrorByteIndex - read
                raise refusal(error.code, text[at : at + 4]) from None
            read += size
            inner = data[opened:closing]
            if name != names[letter]:
                frames.append(Nonza(name, top, child_names(inner, name.rpartition(" ")[0]), inner))
                position = end
                continue
            stanza = Stanza(kind, top, None, inner, content)
            if inside != opened:
                stanza = Stanza(kind, top, [spelled.child], inner, content)
            if found is not None and headers is not None:
                headers.keep(found.header)
                if inside == opened:
                    stanza.blind = found.header
            frames.append(stanza)
            position = end
        return position, read

    return cut


def _fits(text: bytes, limits: Limits) -> bool:
    """Whether a long stanza, by its tags, is within the limits that a scanner would hold it to."""
    ends = text.count(b"</")
    tags = text.split(b"<")
    return (
        len(tags) - ends <= limits.children
        and max(map(len, tags)) <= limits.tag
        and max(tag.count(b"=") for tag in tags) <= limits.attributes
        # Of elements with an end tag there are no more than it may be deep, and so it is no deeper.
        and (ends <= limits.depth or _is_flat(tags, limits.depth))
    )


def _is_flat(tags: list[bytes], most: int) -> bool:
    """Whether elements are nested no deeper than `most`; `tags` have no `<` before them.

    Where the end of a tag is not plain to see they may be: a quotation mark of the other kind, or a
    `>` in a value.
    """
    depth = deepest = 0
    for tag in tags[1:]:
        if tag[:1] == b"/":
            depth -= 1
            continue
        depth += 1
        if depth > deepest:
            deepest = depth
        own = tag[: tag.find(b">") + 1]
        if b'"' in own and b"'" in own:
            return False
        if own[-2:] == b"/>" and not (own.count(b'"') + own.count(b"'")) & 1:
            depth -= 1
    return deepest <= most


def _acknowledgement(ack: re.Match[bytes]) -> Nonza:
    h = ack[ack.lastindex] if ack.lastindex else None
    if h is None:
        return Nonza(_REQUEST, {}, [], b"")
    return Nonza(_ANSWER, {"h": h.decode()}, [], b"")


def _inside(data: bytes, opened: int, spelled: _Kind) -> int:
    """Where the content begins of what is forwarded in a stanza whose content begins at `opened`.

    `opened` where nothing is in it, 0 where that is not plain to see. Where it has no content,
    where it ends.
    """
    if not data.startswith(spelled.around, opened):
        return opened
    begun = opened + len(spelled.around[0])
    return _end_of_tag(data, begun, spelled.inner) or _end_of_empty(data, begun, spelled.inner)


def _closing_around(data: bytes, behind: int, closing: int, spelled: _Kind) -> int:
    """Where the end tag of the stanza does that forwards one; 0 if that is not plain to see.

    What is forwarded has content from `behind` to `closing`, or has none.
    """
    end = spelled.behind + spelled.end
    if data[behind - 2] != _SLASH:
        return closing + len(spelled.behind) if data.startswith(end, closing) else 0
    # It was empty, and what was found is the end of the one around it.
    bare = spelled.behind[len(spelled.end) :]
    return closing if behind + len(bare) == closing and data.startswith(bare, behind) else 0


def _end_of_tag(data: bytes, position: int, begin: bytes | tuple[bytes, ...]) -> int:
    """Where the start tag at `position`, which is to `begin` so, ends; 0 if not plain to see.

    With one kind of quotation mark, and an even number of them before it, a `>` is in no
    attribute's value.
    """
    opened = data.find(b">", position) + 1
    tag = data[position:opened]
    return opened if _is_plain(tag, begin) and tag[-2] != _SLASH else 0


def _end_of_empty(data: bytes, position: int, begin: bytes | tuple[bytes, ...]) -> int:
    """Where an element without content ends; see `_end_of_tag`."""
    opened = data.find(b">", position) + 1
    tag = data[position:opened]
    return opened if _is_plain(tag, begin) and tag[-2] == _SLASH else 0


def _is_plain(tag: bytes, begin: bytes | tuple[bytes, ...]) -> bool:
    """Whether a tag, up to its first `>`, has its end there."""
    if _DOUBLE in tag:
        plain = _SINGLE not in tag and not tag.count(b'"') & 1
    else:
        plain = not tag.count(b"'") & 1
    return plain and tag.startswith(begin) and b"xmlns:" not in tag


def _closing(data: bytes, opened: int, name: bytes, end: bytes) -> int:
    """Where the end tag of the stanza whose content begins at `opened` does; 0 if not plain.

    Whatever else is spelled like one of its tags may be another element of the `name`.
    """
    at = data.find(name, opened)
    while at >= 0:
        before = data[at - 1]
        if before == _SLASH and data[at - 2] == _LESS:
            return at - 2 if data.startswith(end, at - 2) else 0
        if before == _LESS:
            return 0
        at = data.find(name, at + 1)
    return 0
