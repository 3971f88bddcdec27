"""What the bytes of a stream tell without a parser, and what a parser's complaint means.

The framer asks here: what may begin a document, where a start tag ends, whether a frame is too
large, and which stream error an expat error at a byte amounts to (RFC 6120 §4.9.3).
"""

from __future__ import annotations

import pyexpat
import re
from collections.abc import Iterator

from xmppd.errors import StreamError
from xmppd.wire.limits import Limits

SLICE = 4096
"""How much expat gets at once. It expands a whole tag before anybody can refuse it: a read of
64 KiB, half of it one namespace and half of it attributes there, took 300 MiB and most of a
second."""
LONGEST_NAMESPACE = 512
"""Bytes of a namespace's name. expat writes it out for each name in it."""
SPACE = b" \t\r\n"
"""The white space of XML."""
START_TAG = re.compile(rb"""<[^"'>]*(?:"[^"]*"[^"'>]*|'[^']*'[^"'>]*)*>""")
"""A start tag that is known to be one: a `>` in an attribute's value does not end it."""
PREFIXED = re.compile(rb"<[^\s/>:]*:")
"""The beginning of a start tag whose name has a prefix."""

_UNDEFINED_ENTITY = pyexpat.errors.codes[pyexpat.errors.XML_ERROR_UNDEFINED_ENTITY]
_ENCODINGS = {
    pyexpat.errors.codes[pyexpat.errors.XML_ERROR_UNKNOWN_ENCODING],
    pyexpat.errors.codes[pyexpat.errors.XML_ERROR_INCORRECT_ENCODING],
}


def slices(data: bytes) -> Iterator[bytes]:
    """`data` in pieces of `SLICE`."""
    for start in range(0, len(data), SLICE):
        yield data[start : start + SLICE]


def check_namespace(prefix: str | None, uri: str | None) -> None:
    """Refuse a namespace, wherever it is declared, by which a few bytes would mean many."""
    if uri and len(uri) > (LONGEST_NAMESPACE if uri.isascii() else LONGEST_NAMESPACE // 4):
        raise StreamError("policy-violation", reason="limit.namespace")


def refusal(code: int, character: bytes) -> StreamError:
    """What expat's error `code` at `character`, up to four bytes, means to the peer."""
    if code == _UNDEFINED_ENTITY:
        return StreamError("restricted-xml", reason="stream.restricted-xml")
    if code in _ENCODINGS or not _begins_utf8(character):
        return StreamError("unsupported-encoding", reason="stream.encoding")
    return StreamError("not-well-formed", reason="stream.xml")


_TLS_HANDSHAKE = b"\x16"
"""The first octet of a TLS connection (RFC 8446 §5.1); no character of XML."""


def check_start(data: bytes) -> None:
    """Refuse what can't begin a document; expat would read UTF-16 there, and a byte order mark.

    U+FEFF is an ordinary character on a stream (RFC 6120 §11.6), so it can't stand there.
    Raises StreamError.
    """
    if data.startswith(b"<") and b"\0" not in data[:4]:
        return
    if data.startswith(_TLS_HANDSHAKE):
        raise StreamError("not-well-formed", reason="stream.tls")
    if b"\0" in data[:4] or not _begins_utf8(data):
        raise StreamError("unsupported-encoding", reason="stream.encoding")
    if data:
        raise StreamError("not-well-formed", reason="stream.xml")


def check_size(limits: Limits, tag: bytes | bytearray, inner: bytes, size: int) -> None:
    """Refuse a frame that is too large, or has a tag that is, however it arrived.

    `tag` is its start tag, `inner` what stands in it, `size` its bytes. Raises StreamError.
    """
    if size > limits.stanza:
        raise StreamError("policy-violation", reason="limit.stanza-size")
    most = limits.tag
    if len(tag) > most or (b"<!" not in inner and _longest_tag(inner, most) > most):
        raise StreamError("policy-violation", reason="limit.tag-size")


def _begins_utf8(data: bytes) -> bool:
    """Whether the first character of `data` is UTF-8, or its beginning."""
    try:
        data[:4].decode()
    except UnicodeDecodeError as error:
        return error.start > 0 or "end of data" in error.reason
    return True


def _longest_tag(inner: bytes, floor: int) -> int:
    """Bytes of the longest tag in `inner`, where any is longer than `floor`; else 0.

    `inner` has no CDATA section, so every `<` begins a tag.
    """
    longest = 0
    for piece in inner.split(b"<"):
        if len(piece) >= floor:
            match = START_TAG.match(b"<" + piece)
            longest = max(longest, match.end() if match else 0)
    return longest
