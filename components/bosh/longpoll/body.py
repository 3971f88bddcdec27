"""The `<body/>` around all that is said by BOSH (XEP-0124 §6, XEP-0206 §2).

A C parser looks over the whole of it and calls back once, for the attributes of the wrapper. What
stands inside is not looked at, but cut out: it is for the server, which reads it as it reads
anybody's stream, and is told there what is wrong with it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pyexpat import ExpatError, ParserCreate
from typing import Final, NamedTuple, NoReturn
from xml.etree.ElementTree import fromstring

from components.bosh.longpoll.names import BODY
from components.bosh.longpoll.refusal import Refused
from components.bosh.names import HTTPBIND, XBOSH
from components.common import build, tree
from xmppd import ns

MOST_ATTRIBUTES: Final = 32
MOST_TAG_OCTETS: Final = 8_192
"""How large the wrapper's own start tag may be."""
MOST_SPELLED_OUT: Final = 4
"""How much larger content may get when its prefixes are spelled out,"""
MOST_WORK: Final = 4_000
"""and how many tags and attributes it may have: that is slow."""
MOST_PREFIXES: Final = 10
"""How many prefixes the wrapper may declare: each is looked for."""

_START = re.compile(
    rb"(?:\xef\xbb\xbf)?(?:<\?xml\s[^>]*+>)?\s*+"
    rb"(<[^\s!?>\"'/][^>\"']*+(?:\"[^\"]*+\"[^>\"']*+|'[^']*+'[^>\"']*+)*+>)"
)
"""An XML declaration, perhaps, and the wrapper's start tag: no document type, no comment."""
_HTTPBIND = HTTPBIND.encode()
_PREFIXES = re.compile(rb"\sxmlns:([^\s=]+)")
_CLIENT_LIKE = ("", HTTPBIND, ns.CLIENT)
"""Namespaces whose elements are taken for those of jabber:client (XEP-0206 §2)."""


class Body(NamedTuple):
    """What a client said in one request."""

    attrs: Mapping[str, str]
    """Names with a namespace are spelled ``namespace local``."""
    content: str
    """The elements inside, where jabber:client is the default namespace; "" for none."""


def wrapper(data: bytes) -> Mapping[str, str]:
    """The attributes of a body, of which nothing else is looked at; raises `Refused`."""
    found = _START.match(data)
    if found is None:
        raise Refused("bad-request", "bosh.not-xml")
    start = found[1]
    return read(start if start.endswith(b"/>") else b"%b/>" % start[:-1]).attrs


def read(data: bytes) -> Body:
    """The body that `data` is; raises `Refused` where it is none."""
    found = _START.match(data)
    if found is None:
        raise Refused("bad-request", "bosh.not-xml")
    start = found[1]
    if len(start) > MOST_TAG_OCTETS:
        raise Refused("bad-request", "bosh.large-body-tag")
    roots: list[tuple[str, dict[str, str]]] = []
    parser = ParserCreate("UTF-8", " ")

    def on_start(name: str, attrs: dict[str, str]) -> None:
        # The first is all that we want: what stands inside costs no call.
        parser.StartElementHandler = None
        roots.append((name, attrs))

    parser.StartElementHandler = on_start
    begun = found.end()
    if data.find(b"<!", begun) >= 0 or data.find(b"<?", begun) >= 0:
        parser.CommentHandler = parser.ProcessingInstructionHandler = _refuse
    try:
        parser.Parse(data, True)
    except ExpatError:
        parser.StartElementHandler = None
        raise Refused("bad-request", "bosh.not-xml") from None
    name, attrs = roots[0]
    if name != BODY:
        raise Refused("bad-request", "bosh.no-body")
    if len(attrs) > MOST_ATTRIBUTES:
        raise Refused("bad-request", "bosh.large-body-tag")
    if start.endswith(b"/>"):
        return Body(attrs, "")
    content = data[begun : data.rindex(b"</")]
    if not content or content.isspace():
        return Body(attrs, "")
    if not start.startswith(b"<body") or _HTTPBIND in content or _uses_prefix(start, content):
        if content.count(b"<") + content.count(b"=") > MOST_WORK:
            raise Refused("policy-violation", "bosh.many-prefixes")
        content = _spelled_out(data)
    return Body(attrs, content.decode())


def _refuse(*_: object) -> NoReturn:
    raise Refused("bad-request", "bosh.restricted-xml")


def _uses_prefix(start: bytes, content: bytes) -> bool:
    """Whether something inside may have a prefix that stands declared on the wrapper."""
    if b"xmlns:" not in start:
        return False
    prefixes = _PREFIXES.findall(start)
    if len(prefixes) > MOST_PREFIXES:
        raise Refused("bad-request", "bosh.large-body-tag")
    return any(prefix + b":" in content for prefix in prefixes)


def _spelled_out(data: bytes) -> bytes:
    """What stands in a well-formed body, fit for where jabber:client is the default namespace.

    The slow way: for who declares prefixes on the wrapper that its elements use, or wraps what is
    of no namespace in a wrapper that has a prefix.
    """
    root = fromstring(data)
    room = MOST_SPELLED_OUT * len(data)
    parts = [build.text(root.text or "").encode()]
    try:
        for child in root:
            namespace = child.tag.removeprefix("{").rpartition("}")[0]
            default = namespace if namespace in _CLIENT_LIKE else ns.CLIENT
            parts.append(tree.written(child, default, room))
            parts.append(build.text(child.tail or "").encode())
            room -= len(parts[-2])
    except tree.TooLong:
        raise Refused("policy-violation", "bosh.many-prefixes") from None
    return b"".join(parts)


HEAD: Final = b"<body xmlns='" + HTTPBIND.encode() + b"'"
EMPTY: Final = HEAD + b"/>"
RECOVERABLE: Final = HEAD + b" type='error'/>"
"""The recoverable binding condition (XEP-0124 §17.3)."""
DECLARED: Final = {"xmlns:xmpp": XBOSH, "xmlns:stream": ns.STREAM}


def written(attrs: Mapping[str, str], content: bytes = b"") -> bytes:
    """A body for a client; attributes as they are to stand there, declarations included."""
    shown = "".join([f" {name}='{build.attribute(value)}'" for name, value in attrs.items()])
    if not content:
        return b"%s%s/>" % (HEAD, shown.encode())
    return b"%s%s>%s</body>" % (HEAD, shown.encode(), content)
