"""What pages connect to: the gateway that comes with the server, and accounts and rooms there."""

from __future__ import annotations

import itertools
import json
import os
import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.ports import free_port
from tests.support.process import RunningServer, run_server

DOMAIN = "verona.lit"
ROOMS = f"conference.{DOMAIN}"
PASSWORD = "wherefore art thou"
TRANSPORTS = ("websocket", "bosh")

CONFIG = """\
[server]
domains = ["verona.lit"]
data = "data"
[tls]
require = false
[registration]
policy = "on"
per_address = 1000
[bundled]
start = true
[bundled.settings.bosh]
listen = ["tcp:{port}:interface=127.0.0.1"]
origins = {origins}
"""
"""The gateway has one port for all its life, so that it is found there after a restart."""

LISTENS = "bosh.listen listens on"
STARTED = re.compile(r"bosh is started \(process (\d+)\)")


class Gateway:
    """Where it is, and who may log in there."""

    domain = DOMAIN
    rooms = ROOMS
    password = PASSWORD

    def __init__(self, server: RunningServer, port: int) -> None:
        self.server = server
        self.port = port
        self.web = f"http://127.0.0.1:{port}/"
        """The page of the web client."""
        self._urls = {
            "bosh": f"http://127.0.0.1:{port}/http-bind",
            "websocket": f"ws://127.0.0.1:{port}/xmpp-websocket",
        }
        self._numbers = itertools.count()

    def restart(self) -> None:
        """Have its process end and another begin, as an update would."""
        lines = self.server.lines
        pids = [match[1] for line in lines if (match := STARTED.search(line))]
        start = len(lines)
        os.kill(int(pids[-1]), signal.SIGTERM)
        self.server.wait_for(LISTENS, start)
        self.server.wait_for(f"component http.{DOMAIN} is connected", start)

    def url(self, transport: str) -> str:
        """The address of a transport."""
        return self._urls[transport]

    def name(self, beginning: str) -> str:
        """A username that nobody has."""
        return f"{beginning}{next(self._numbers)}"

    def account(self, beginning: str) -> str:
        """A new account, under a name that begins like this and `password`: its address."""
        jid = f"{self.name(beginning)}@{DOMAIN}"
        self.server.add(jid, password=PASSWORD)
        return jid


@contextmanager
def running(home: Path, *origins: str) -> Iterator[Gateway]:
    """A server whose gateway pages of these origins may use."""
    port = free_port()
    with run_server(home, CONFIG.format(port=port, origins=json.dumps(origins))) as server:
        server.wait_for(LISTENS)
        for component in ("http", "conference", "vcard", "pubsub"):
            server.wait_for(f"component {component}.{DOMAIN} is connected")
        yield Gateway(server, port)
