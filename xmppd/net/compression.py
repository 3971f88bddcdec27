"""Compression of one connection, both ways (XEP-0138), a turn's worth at a time."""

from __future__ import annotations

from xmppd import config
from xmppd.wire.compression import Deflater, Inflater


class Compression:
    """Deflates what goes out; inflates what comes in, and keeps what one turn is not to take.

    A thousand compressed octets may hold more stanzas than a second can answer.
    """

    __slots__ = ("_backlog", "_inflater", "deflate")

    def __init__(self, settings: config.Compression) -> None:
        self._inflater = Inflater(settings.inflated_bytes, settings.ratio)
        self._backlog = b""
        self.deflate = Deflater().feed
        """Compress octets so that the peer can read them to their end."""

    def inflate(self, data: bytes) -> int:
        """Inflate what came; how many octets it held. Raises StreamError for a bomb or rubbish."""
        inflated = self._inflater.feed(data)
        self._backlog += inflated
        return len(inflated)

    def take(self, most: int) -> bytes:
        """The next of what was inflated, at most `most` octets."""
        data, self._backlog = self._backlog[:most], self._backlog[most:]
        return data

    @property
    def waiting(self) -> bool:
        """Whether there is more to take."""
        return bool(self._backlog)
