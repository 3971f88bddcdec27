"""zlib compression of a stream (XEP-0138), bounded in what a peer can make of few bytes."""

from __future__ import annotations

import zlib

from xmppd import ns
from xmppd.errors import StreamError
from xmppd.wire.build import Tag

_FAILED = Tag("failure", {}, [Tag("processing-failed")], ns=ns.COMPRESS).render()
"""What stands in a stream error when the data can't be inflated (XEP-0138 §2)."""

_FREE = 65_536
"""Inflated bytes of a stream that the ratio is not held against: short streams compress well."""


class Inflater:
    """The peer's bytes, inflated; raises StreamError for a bomb or for data that is not zlib.

    `read_limit` bounds what one read may inflate to, `ratio` what the whole stream may, in
    bytes out for each byte in.
    """

    __slots__ = ("_inflate", "_limit", "_ratio", "_read", "_written")

    def __init__(self, read_limit: int, ratio: int) -> None:
        self._inflate = zlib.decompressobj()
        self._limit = read_limit
        self._ratio = ratio
        self._read = self._written = 0

    def feed(self, data: bytes) -> bytes:
        """What `data` inflates to."""
        try:
            out = self._inflate.decompress(data, self._limit + 1)
        except zlib.error as error:
            raise StreamError(
                "undefined-condition", str(error), reason="stream.xml", extra=_FAILED
            ) from None
        if self._inflate.unused_data:  # which zlib would keep, for ever
            raise StreamError("policy-violation", "the compressed data ended", reason="stream.xml")
        self._read += len(data)
        self._written += len(out)
        if len(out) > self._limit or self._written > _FREE + self._ratio * self._read:
            raise StreamError("policy-violation", reason="limit.inflated")
        return out


class Deflater:
    """Our bytes, deflated, each write complete on the wire."""

    __slots__ = ("_deflate",)

    def __init__(self) -> None:
        # A window of 4 KiB and small state: about 20 KiB a stream instead of 260.
        self._deflate = zlib.compressobj(wbits=12, memLevel=5)

    def feed(self, data: bytes) -> bytes:
        """`data` as it goes on the wire, flushed to a byte boundary (XEP-0138 §4)."""
        return self._deflate.compress(data) + self._deflate.flush(zlib.Z_SYNC_FLUSH)
