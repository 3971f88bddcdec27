"""Ports for servers that need to know theirs before they listen, or keep it over a restart."""

from __future__ import annotations

import socket
from contextlib import closing
from random import SystemRandom

LEAST, MOST = 10_000, 30_000
"""Below those that Linux gives to clients, and to who listens on any: no connection of another test
takes such a port while nobody listens there."""

_RANDOM = SystemRandom()


def free_port(address: str = "127.0.0.1") -> int:
    """A port that nobody listens on."""
    while True:
        port = _RANDOM.randrange(LEAST, MOST)
        with closing(socket.socket()) as sock:
            if _is_free(sock, address, port):
                return port


def _is_free(sock: socket.socket, address: str, port: int) -> bool:
    try:
        sock.bind((address, port))
    except OSError:
        return False
    return True
