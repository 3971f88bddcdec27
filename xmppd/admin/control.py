"""The control socket: JSON objects, one a line, over a UNIX socket that only its owner can open.

A request is ``{"command": NAME, "args": {…}}``; each gets one line back, in order:
``{"ok": true, "result": {…}}`` or ``{"ok": false, "problem": …, "remedy": …}``.
"""

from __future__ import annotations

import json
import os
import socket
import stat
from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.error import CannotListenError
from twisted.internet.protocol import Factory
from twisted.logger import Logger
from twisted.protocols.basic import LineReceiver

from xmppd.admin.commands import perform
from xmppd.admin.operated import CommandError, Operated, Outcome
from xmppd.errors import ConfigError

log = Logger()

KEY = "listen.control"
REQUEST_MAX = 16_384
"""Octets of a request."""


class ControlProtocol(LineReceiver):
    """One operator's connection. Requests are carried out one after another."""

    delimiter = b"\n"
    MAX_LENGTH = REQUEST_MAX

    def __init__(self, operated: Operated) -> None:
        self._operated = operated

    def lineReceived(self, line: bytes) -> None:
        """A request: nothing more is read until it is answered."""
        self.pauseProducing()
        answered = Deferred.fromCoroutine(self._answer(line))
        answered.addErrback(lambda failure: log.failure("the control socket failed", failure))

    def lineLengthExceeded(self, line: bytes) -> None:
        """Say so and hang up."""
        self._say({"ok": False, "problem": "the request is too long", "remedy": "Shorten it"})
        self.transport.loseConnection()  # type: ignore[union-attr]

    async def _answer(self, line: bytes) -> None:
        try:
            request = _request(line)
            result = await perform(self._operated, request.get("command"), request.get("args", {}))
        except CommandError as error:
            self._say({"ok": False, "problem": error.problem, "remedy": error.remedy})
        else:
            self._say({"ok": True, "result": result})
        finally:
            self.resumeProducing()

    def _say(self, answer: Outcome) -> None:
        self.sendLine(json.dumps(answer).encode())


def _request(line: bytes) -> dict[str, Any]:
    try:
        request = json.loads(line)
    except (ValueError, RecursionError):
        request = None
    if not isinstance(request, dict):
        raise CommandError("a request is an object of JSON", 'Send {"command": …, "args": {…}}')
    return request


class ControlFactory(Factory):
    """Makes the protocols of the control socket."""

    noisy = False

    def __init__(self, operated: Operated) -> None:
        self._operated = operated

    def buildProtocol(self, addr: object) -> ControlProtocol:
        """A protocol for a new connection."""
        return ControlProtocol(self._operated)


def listen(reactor: Any, path: str, factory: Factory, source: str, key: str = KEY) -> Any:
    """Listen at `path` and give the port; a socket that nobody serves any more is replaced.

    Raises ConfigError, naming `key`, where something else is there, or the path can't be used.
    """
    if check_free(path, source, key=key):
        os.unlink(path)
    # The socket must never be open to others, not even until its mode is set.
    before = os.umask(0o177)
    try:
        return reactor.listenUNIX(path, factory, mode=0o600)
    except CannotListenError as error:
        raise _unusable(source, key, f"can't listen on {path}: {error.socketError}") from None
    finally:
        os.umask(before)


def check_free(
    path: str, source: str, connect: Callable[[str], bool] | None = None, key: str = KEY
) -> bool:
    """Whether there is a stale socket at `path` (True) or nothing at all (False).

    Raises ConfigError where a server answers there, or where it is no socket.
    """
    try:
        mode = os.lstat(path).st_mode
    except FileNotFoundError:
        return False
    except OSError as error:
        raise _unusable(source, key, f"{path}: {error.strerror}") from None
    if not stat.S_ISSOCK(mode):
        raise ConfigError(source, key, f"{path} is no socket", "Remove it, or name another path")
    if (connect or answers)(path):
        problem = f"a server runs already: it answers at {path}"
        remedy = "Stop it, or give this one another [server] data"
        raise ConfigError(source, key, problem, remedy)
    return True


def answers(path: str) -> bool:
    """Whether a process serves the socket at `path`."""
    with socket.socket(socket.AF_UNIX) as attempt:
        attempt.setblocking(False)
        try:
            attempt.connect(path)
        except (FileNotFoundError, NotADirectoryError, ConnectionRefusedError):
            return False
        except OSError:
            return True  # busy, or not ours to open: somebody is there
    return True


def _unusable(source: str, key: str, problem: str) -> ConfigError:
    remedy = "Name a path in a directory that this user may write to"
    return ConfigError(source, key, problem, remedy)
