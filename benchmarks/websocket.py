"""Clients that come by WebSocket (RFC 7395), and their frames.

A frame to the server is masked (RFC 6455 section 5.3), with one key for all: what it costs to take
the mask off does not go by the key.
"""

import functools
import os
import re
from collections.abc import Callable

from benchmarks.browser import declared, heading
from benchmarks.client import DOMAIN, Client, Script
from benchmarks.load import Crowd
from benchmarks.scripts import logging_in
from benchmarks.server import WEBSOCKET

_FRAMING = "urn:ietf:params:xml:ns:xmpp-framing"
_OPEN = f"<open xmlns='{_FRAMING}' to='{DOMAIN}' version='1.0'/>".encode()
_CLOSE = f"<close xmlns='{_FRAMING}'/>".encode()
_CLOSED = re.compile(rb"<close\b")
_SWITCHED = re.compile(rb"HTTP/1\.1 101 .*?\r\n\r\n", re.DOTALL)
_UPGRADE = (
    b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: xmpp\r\n\r\n"
)
_KEY = os.urandom(4)
_SHORT, _LONG = 126, 65536
"""A payload of as many bytes, or more, has its length in two bytes, or in eight."""


@functools.cache
def _around(size: int) -> tuple[bytes, int]:
    """Return how the frame of a text of this size begins, and the mask on it as a number."""
    if size < _SHORT:
        length = bytes([0x80 | size])
    elif size < _LONG:
        length = b"\xfe" + size.to_bytes(2)
    else:
        length = b"\xff" + size.to_bytes(8)
    mask = (_KEY * (size // 4 + 1))[:size]
    return b"\x81" + length + _KEY, int.from_bytes(mask)


def framed(text: bytes) -> bytes:
    """Return a text in a frame, masked."""
    size = len(text)
    head, mask = _around(size)
    return head + (int.from_bytes(text) ^ mask).to_bytes(size)


class WebSocket(Client):
    """A client by WebSocket: what a script sends is framed, one element to a frame."""

    __slots__ = ()

    def open_stream(self) -> None:
        """Say `<open/>`."""
        self.send(_OPEN)

    def send(self, data: bytes) -> None:
        """Send one element, which is the client's own unless it says otherwise."""
        self.write(framed(declared(data)))

    write = Client.send
    """Send frames, or whatever it is, as they are."""


def coming(crowd: Crowd) -> Callable[[Client], Script]:
    """Return the script that makes the connection a WebSocket, logs in and becomes available."""

    def script(client: Client) -> Script:
        assert isinstance(client, WebSocket)
        client.write(heading("GET", WEBSOCKET, client.address) + _UPGRADE)
        yield _SWITCHED
        yield from logging_in(None)(client)

    return script


def visiting(crowd: Crowd) -> Callable[[Client], Script]:
    """Return the script that does so, and at once logs out again, in order."""
    come = coming(crowd)

    def script(client: Client) -> Script:
        yield from come(client)
        client.send(b"<presence type='unavailable'/>")
        client.send(_CLOSE)
        yield _CLOSED
        crowd.leave(client)

    return script
