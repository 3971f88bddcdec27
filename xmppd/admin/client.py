"""Having a command carried out: by the running server, or where none runs on the store itself."""

from __future__ import annotations

import json
import os
import socket
from typing import Any, Protocol

from twisted.internet.defer import Deferred, execute

from xmppd.admin.assembly import Assembly, assemble
from xmppd.admin.commands import COMMANDS, perform
from xmppd.admin.control import answers
from xmppd.admin.directory import user_name
from xmppd.admin.operated import CommandError, Operated, Outcome
from xmppd.admin.pump import Pump
from xmppd.bundled import Secrets, extended
from xmppd.config import Config
from xmppd.storage.url import is_postgresql

PATIENCE = 60.0
"""Seconds to wait for an answer."""

ANSWER_MAX = 16_777_216
"""Octets of an answer; all the refusals that a server remembers take less."""


class Caller(Protocol):
    """Has commands carried out."""

    where: str
    """Who does it, for the operator."""
    notice: str
    """What the operator should know before it is done, or ""."""

    def call(self, command: str, **args: Any) -> Outcome:
        """The command's result; raises CommandError."""

    def close(self) -> None:
        """No more commands."""


def caller(control: str, config: Config | None, source: str, command: str) -> Caller:
    """The server that answers at `control`, if there is one, else the store of `config`.

    Raises CommandError where there is neither; the store is no alternative for a `command` that
    needs a running server.
    """
    if answers(control):
        return ServerCaller(control)
    if config is None or not COMMANDS[command].offline:
        problem = f"no server answers at {control}"
        raise CommandError(problem, "Start it, or name its configuration with -c")
    return StoreCaller(config, source, makes=COMMANDS[command].makes)


class ServerCaller:
    """Asks the running server over its control socket."""

    where = "the running server"
    notice = ""

    def __init__(self, path: str) -> None:
        self._path = path
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(PATIENCE)
        try:
            self._socket.connect(path)
        except OSError as error:
            raise self._lost(error) from None
        self._file = self._socket.makefile("rb")

    def call(self, command: str, **args: Any) -> Outcome:
        """See `Caller.call`."""
        request = json.dumps({"command": command, "args": args})
        try:
            self._socket.sendall(request.encode() + b"\n")
            line = self._file.readline(ANSWER_MAX)
        except OSError as error:
            raise self._lost(error) from None
        if not line.endswith(b"\n"):
            raise CommandError("the server closed the control socket", "See its log")
        answer = json.loads(line)
        if not answer["ok"]:
            raise CommandError(answer["problem"], answer["remedy"])
        result: Outcome = answer["result"]
        return result

    def close(self) -> None:
        """See `Caller.close`."""
        self._socket.close()

    def _lost(self, error: OSError) -> CommandError:
        if isinstance(error, TimeoutError):
            return CommandError(f"no answer within {PATIENCE:g} seconds", "See the server's log")
        if isinstance(error, PermissionError):
            remedy = "Run xmppctl as the user that runs the server (sudo -u USER xmppctl …)"
        else:
            remedy = "See whether the server still runs"
        return CommandError(f"can't talk to the server at {self._path}: {error.strerror}", remedy)


class StoreCaller:
    """Works on the store itself; for when no server runs.

    It is opened by the first command: whoever is still being asked for a password keeps no server
    from starting. Only one that `makes` a store goes on where there is none, for what is taken for
    a server without accounts may as well be the wrong directory. Raises CommandError.
    """

    def __init__(self, config: Config, source: str, *, makes: bool) -> None:
        data = config.server.data
        self.where = f"no server runs; the store in {data}"
        self.notice = ""
        # The components that the server would run have something to forget, and to wait for.
        self._config = extended(config, source, Secrets())
        self._source = source
        self._pump = Pump()
        self._assembly: Assembly | None = None
        _check_owner(data)
        if is_postgresql(config.store.url):
            self.where = "no server runs; the database of [store] url"
        else:
            self._look_for_store(config, makes=makes)

    def _look_for_store(self, config: Config, *, makes: bool) -> None:
        data = config.server.data
        store = config.store.url.removeprefix("sqlite:")
        if store == ":memory:":
            problem = "the store is in the server's memory, and no server runs"
            raise CommandError(problem, "Start it, or name another [store] url")
        if not os.path.exists(store):
            if not makes:
                remedy = "cd to where the server was started, or name its configuration with -c"
                raise CommandError(f"no xmppd data in {data}", remedy)
            self.notice = f"no server runs, and there is no store yet: {store} will be made"

    def call(self, command: str, **args: Any) -> Outcome:
        """See `Caller.call`."""
        if self._assembly is None:
            opening = assemble(self._config, self._pump, execute, self._source)
            self._assembly = self._pump.wait(Deferred.fromCoroutine(opening))
        return self._pump.wait(perform(Operated(self._assembly.host), command, args))

    def close(self) -> None:
        """See `Caller.close`."""
        if self._assembly is not None:
            self._pump.wait(self._assembly.close())


def _check_owner(data: str) -> None:
    """Raise CommandError where the data directory belongs to another user.

    Root could work there all the same, and would leave files behind that the server can't open.
    """
    try:
        owner = os.stat(data).st_uid
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        remedy = "Run xmppctl as the user that runs the server"
        raise CommandError(f"{data}: {error.strerror}", remedy) from None
    if owner != os.geteuid():
        problem = f"{data} belongs to another user ({user_name(owner)})"
        remedy = f"Run xmppctl as that user: sudo -u {user_name(owner)} xmppctl …"
        raise CommandError(problem, remedy)
