"""The elements that a WebSocket carries besides those of the stream (RFC 7395 §3.3)."""

from __future__ import annotations

import pyexpat
import re
import secrets
from collections.abc import Mapping
from typing import NamedTuple, NoReturn

from components.bosh.names import FRAMING
from components.common.build import Tag
from xmppd import ns
from xmppd.errors import StreamError
from xmppd.jid import JID, JIDError


class Framed(NamedTuple):
    """An `<open/>` or `<close/>` of a client, with its attributes."""

    name: str
    attrs: Mapping[str, str]


_LIKELY = re.compile(r"<(?:[^\s<>/:=]*:)?(?:open|close)[\s/>]")
_DECLARATION = re.compile(r"<\?xml\s[^<>]*\?>\s*(?=<)")
_EARLY = re.compile("0+[.]")
"""The version of a client from before XMPP 1.0 (RFC 6120 §4.7.5)."""
_LANG = f"{ns.XML} lang"
_NAMES = {f"{FRAMING} {name}": name for name in ("open", "close")}

LONGEST = 8_192
"""Characters of the longest that is read: a reader gives each attribute that has a prefix the whole
name of its namespace, so a few octets of a long one may mean many."""


def framed(text: str) -> Framed | None:
    """The `<open/>` or `<close/>` that `text` is; None where it is another element.

    Raises StreamError for what begins as one and is very long, is not well-formed, is of another
    namespace (§3.3.2), or has content (§3.3.1).
    """
    if _LIKELY.match(text) is None:
        return None
    if len(text) > LONGEST:
        raise StreamError("policy-violation", reason="websocket.large-open")
    found: list[Framed] = []

    def on_start(name: str, attrs: dict[str, str]) -> None:
        if found:
            raise _content()
        if name not in _NAMES:
            where = f"open and close belong to {FRAMING}"
            raise StreamError("invalid-namespace", where, reason="websocket.framing")
        given = {"xml:lang" if key == _LANG else key: value for key, value in attrs.items()}
        found.append(Framed(_NAMES[name], given))

    def on_text(data: str) -> None:
        raise _content()

    parser = pyexpat.ParserCreate("UTF-8", " ", None)
    parser.StartElementHandler = on_start
    parser.StartDoctypeDeclHandler = parser.ProcessingInstructionHandler = _refuse
    parser.CommentHandler = _refuse
    parser.CharacterDataHandler = on_text
    try:
        parser.Parse(text.encode(), True)
    except pyexpat.ExpatError as error:
        raise StreamError("not-well-formed", str(error), reason="websocket.framing") from None
    finally:
        parser.StartElementHandler = parser.CharacterDataHandler = None
    return found[0]


def closes(message: bytes) -> bool:
    """Whether a message is a `<close/>`, and nothing is wrong with it."""
    try:
        found = framed(undeclared(message.decode()))
    except (StreamError, UnicodeDecodeError):
        return False
    return found is not None and found.name == "close"


def undeclared(text: str) -> str:
    """A message without the XML declaration that nobody should write, but may (§3.3.3).

    Raises StreamError for a document type behind it (RFC 6120 §11.1).
    """
    found = _DECLARATION.match(text)
    text = text if found is None else text[found.end() :]
    if text.startswith("<!DOCTYPE"):
        _refuse()
    return text


def _content() -> StreamError:
    return StreamError("bad-format", "open and close are empty", reason="websocket.framing")


def _refuse(*_: object) -> NoReturn:
    raise StreamError("restricted-xml", reason="websocket.framing")


def answering(header: Mapping[str, str] | None, domain: str) -> dict[str, str]:
    """The attributes of an `<open/>` that only an end stands behind (RFC 6120 §4.7, §4.9.1.2).

    `header` are those of the client's, None where none was understood. `domain` is of the server.
    """
    header = {"version": "1.0"} if header is None else header
    attrs = {"from": domain, "id": secrets.token_hex(12), "xml:lang": "en"}
    try:
        attrs["to"] = str(JID.parse(header["from"]).bare)
    except (KeyError, JIDError):
        pass  # who does not say who it is, or says nonsense, is not called anything
    if "version" in header and _EARLY.match(header["version"]) is None:
        attrs["version"] = "1.0"
    return attrs


def opened(header: Mapping[str, str]) -> bytes:
    """The server's `<open/>` (§3.4)."""
    return Tag("open", header, ns=FRAMING).render()


def close(see_other_uri: str = "") -> bytes:
    """The server's `<close/>` (§3.6), with where else to go (§3.6.1)."""
    return Tag("close", {"see-other-uri": see_other_uri or None}, ns=FRAMING).render()


def features(content: bytes) -> bytes:
    """`<stream:features/>`, as the element that it is here (§3.3.3)."""
    return b"<stream:features xmlns:stream='%b'>%b</stream:features>" % (_STREAM, content)


def error(content: bytes) -> bytes:
    """`<stream:error/>` (§3.5)."""
    return b"<stream:error xmlns:stream='%b'>%b</stream:error>" % (_STREAM, content)


def condition(name: str, text: str = "") -> bytes:
    """What stands in a `<stream:error/>` for a condition of RFC 6120 §4.9.3."""
    content = Tag(name, ns=ns.STREAM_ERRORS).render()
    if text:
        content += Tag("text", {"xml:lang": "en"}, text, ns=ns.STREAM_ERRORS).render()
    return content


_STREAM = ns.STREAM.encode()
