"""The beginning of a stream's XML document: its declaration and the stream's start tag."""

from __future__ import annotations

import pyexpat
import re

from xmppd.errors import StreamError
from xmppd.wire import octets
from xmppd.wire.frames import StreamOpen
from xmppd.wire.limits import Limits
from xmppd.wire.scanner import new_parser

MOST_DECLARED = 16
"""Namespaces that a header may declare. Each of them is looked for in every stanza."""

_VERSION = re.compile(r"1\.[0-9]+")


class _Opened(Exception):
    """Leaves the parser behind the start tag."""


class Opening:
    """Reads a document from its first byte (RFC 6120 §4.2) to the end of the stream's start tag."""

    __slots__ = ("_limits", "_parser", "_read", "_scope", "opened", "tag")

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._scope: dict[str, str] = {}
        self._read = b""
        self.opened: StreamOpen | None = None
        """The start tag, once it has been read."""
        self.tag = b""
        """The same as bytes, with what stood before it."""
        self._parser = parser = new_parser()
        parser.XmlDeclHandler = self._on_declaration
        parser.StartNamespaceDeclHandler = self._on_prefix
        parser.StartElementHandler = self._on_start

    @property
    def size(self) -> int:
        """How many bytes have been read."""
        return len(self._read)

    def read(self, data: bytes) -> bytes:
        """Read on; what stands behind the start tag, once it has ended. Raises StreamError."""
        if not self._read:
            octets.check_start(data)
        before, self._read = len(self._read), self._read + data
        try:
            for piece in octets.slices(data):
                self._parser.Parse(piece)
                before += len(piece)
                if before > self._limits.tag:
                    raise StreamError("policy-violation", reason="limit.tag-size")
        except _Opened:
            return self._read[len(self.tag) :]
        except pyexpat.ExpatError as error:
            at = self._parser.ErrorByteIndex
            raise octets.refusal(error.code, self._read[at : at + 4]) from None
        return b""

    def close(self) -> None:
        """Let the parser go; its handlers hold it, and it holds them."""
        parser = self._parser
        parser.XmlDeclHandler = parser.StartNamespaceDeclHandler = None
        parser.StartElementHandler = None

    def _on_declaration(self, version: str, encoding: str | None, standalone: int) -> None:
        if _VERSION.fullmatch(version) is None:
            raise StreamError("not-well-formed", "XML 1.0 is spoken here", reason="stream.xml")
        if encoding is not None and encoding.upper() != "UTF-8":
            raise StreamError("unsupported-encoding", reason="stream.encoding")

    def _on_prefix(self, prefix: str | None, uri: str | None) -> None:
        octets.check_namespace(prefix, uri)
        if prefix != "xml":  # it means the same everywhere, declared or not
            self._scope[prefix or ""] = uri or ""

    def _on_start(self, name: str, attrs: dict[str, str]) -> None:
        match = octets.START_TAG.match(self._read, self._parser.CurrentByteIndex)
        assert match is not None  # expat has just read it
        if match.end() > self._limits.tag:
            raise StreamError("policy-violation", reason="limit.tag-size")
        most = self._limits.attributes
        if len(attrs) > most or len(self._scope) > min(most, MOST_DECLARED):
            raise StreamError("policy-violation", reason="limit.attributes")
        self.tag = self._read[: match.end()]
        self.opened = StreamOpen(name, attrs, self._scope)
        raise _Opened
