"""Whether the listeners could listen: each endpoint is opened on sockets closed at once."""

from __future__ import annotations

import errno
import re
import socket
from collections.abc import Iterator
from typing import Any

from twisted.internet.defer import maybeDeferred
from twisted.internet.endpoints import serverFromString
from twisted.internet.error import CannotListenError
from twisted.internet.protocol import Factory

from xmppd.config import Config
from xmppd.config.values import LISTENERS
from xmppd.errors import ConfigError

REMEDIES = {
    errno.EADDRINUSE: "Stop the other program, or choose another port",
    errno.EADDRNOTAVAIL: "Name an address that this host has",
    errno.EACCES: "Choose a port above 1023, or grant CAP_NET_BIND_SERVICE",
}
"""What to do when the system refuses a port."""


def listeners(config: Config) -> Iterator[tuple[str, str]]:
    """Each listener's key, such as "listen.c2s", and its endpoint description."""
    for key in LISTENERS:
        if key.startswith("component") and not config.components:
            continue
        if key.startswith("s2s") and not config.s2s.enabled:
            continue
        for description in getattr(config.listen, key):
            yield f"listen.{key}", description


def nobody_connects(config: Config) -> tuple[str, str] | None:
    """Problem and remedy of a server that no client can reach; None for any other."""
    if config.listen.c2s or config.listen.c2s_tls:
        return None
    return "c2s and c2s_tls are both empty: no client can connect", "Add a listener"


def cannot_listen(source: str, key: str, description: str, error: Exception) -> ConfigError:
    """What an operator is told of a listener that can't be opened, whatever its kind raises."""
    if isinstance(error, LookupError) and description.startswith("systemd:"):
        socket = re.split(r":(?:index|name)=", description)[-1].partition(":")[0]
        problem = f"systemd passed no socket {socket}"
        return ConfigError(source, key, problem, "Run the server from a .socket unit")
    cause = error.socketError if isinstance(error, CannotListenError) else error
    number = getattr(cause, "errno", 0)
    why = getattr(cause, "strerror", None) or str(cause) or type(cause).__name__
    problem = f"can't listen on {description}: {why}"
    return ConfigError(source, key, problem, REMEDIES.get(number, "Choose another endpoint"))


def check_port(source: str, key: str, description: str) -> bool:
    """Whether the endpoint could be opened; False if that can't be tried out.

    Raises ConfigError, with an OSError as its cause, where it can't be opened.
    """
    rehearsal = _Rehearsal()
    if description.startswith("systemd:"):  # only the process that systemd starts has these
        return False
    try:
        endpoint = serverFromString(rehearsal, description)
        maybeDeferred(endpoint.listen, Factory()).addErrback(rehearsal.failed)
    except Exception as error:
        raise cannot_listen(source, key, description, error) from error
    if rehearsal.problem is not None:
        problem = rehearsal.problem
        raise cannot_listen(source, key, description, problem) from problem
    return rehearsal.tried


class _Rehearsal:
    """As much of a reactor as a TCP endpoint needs: it binds and lets go again."""

    def __init__(self) -> None:
        self.tried = False
        self.problem: Exception | None = None

    def failed(self, failure: Any) -> None:
        """Keep why; an endpoint that wants more of a reactor has not been tried."""
        if not isinstance(failure.value, AttributeError):
            self.problem = failure.value

    def listenTCP(
        self, port: int, factory: object, backlog: int = 50, interface: str = ""
    ) -> object:
        """Bind as a reactor would (IReactorTCP); raises OSError."""
        family = socket.AF_INET6 if ":" in interface else socket.AF_INET
        with socket.socket(family) as attempt:
            attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            attempt.bind((interface, port))
            attempt.listen(1)
        self.tried = True
        return self
