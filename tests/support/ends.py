"""What the peer's end of a stream in memory has received, and how a test reads it."""

from __future__ import annotations

import re
from typing import ClassVar
from xml.etree.ElementTree import Element, fromstring

from xmppd import ns


def parsed(data: bytes, content: str) -> list[Element]:
    """The top-level elements in `data`, whatever stream headers stand before them."""
    data = re.sub(rb"<\?xml[^>]*>|</?stream:stream[^>]*>", b"", data)
    head = f"<stream:stream xmlns='{content}' xmlns:stream='{ns.STREAM}'>".encode()
    return list(fromstring(head + data + b"</stream:stream>"))


class End:
    """The end of a stream that the server does not hold; the server writes to it.

    What comes is read with `take` (bytes), `elements` or `one` (parsed): each gives what came since
    the last of them. `log` keeps everything.
    """

    content: ClassVar[str]
    """The content namespace of the stream."""

    def __init__(self) -> None:
        self.log = b""
        self.closed = False
        """Whether the server has closed the connection."""
        self.behind = 0
        """Octets that it has not taken, as far as the server knows."""
        self._read = 0

    def take(self) -> bytes:
        """The bytes that came since something was last read."""
        data, self._read = self.log[self._read :], len(self.log)
        return data

    def elements(self) -> list[Element]:
        """The top-level elements that came since something was last read."""
        return parsed(self.take(), self.content)

    def one(self) -> Element:
        """The one element that came since something was last read."""
        found = self.elements()
        assert len(found) == 1, [e.tag for e in found]
        return found[0]

    @property
    def header(self) -> dict[str, str]:
        """The attributes of the last stream header that the server sent."""
        head = re.findall(rb"<stream:stream[^>]*>", self.log)[-1]
        return dict(fromstring(head + b"</stream:stream>").attrib)

    # ------------------------------------------------------------------ Wire

    def write(self, data: bytes) -> None:
        assert not self.closed, f"written after the end: {data!r}"
        self.log += data

    def unsent(self) -> int:
        return self.behind
