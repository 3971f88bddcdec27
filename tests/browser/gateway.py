"""What pages connect to: the gateway that comes with the server, and accounts and rooms there."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from tests.support.process import RunningServer, run_server
from xmppd.admin.client import ServerCaller

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
listen = ["tcp:0:interface=127.0.0.1"]
origins = {origins}
"""
LISTENS = re.compile(r"bosh\.listen listens on 127\.0\.0\.1:(\d+)")


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

    def url(self, transport: str) -> str:
        """The address of a transport."""
        return self._urls[transport]

    def name(self, beginning: str) -> str:
        """A username that nobody has."""
        return f"{beginning}{next(self._numbers)}"

    def account(self, beginning: str) -> str:
        """A new account, under a name that begins like this and `password`: its address."""
        jid = f"{self.name(beginning)}@{DOMAIN}"
        control = self.server.directory / "data" / "control.sock"
        with closing(ServerCaller(str(control))) as operator:
            operator.call("adduser", jid=jid, password=PASSWORD)
        return jid


@contextmanager
def running(home: Path, *origins: str) -> Iterator[Gateway]:
    """A server whose gateway pages of these origins may use."""
    with run_server(home, CONFIG.format(origins=json.dumps(origins))) as server:
        match = LISTENS.search(server.wait_for("bosh.listen listens on"))
        assert match is not None
        for component in ("http", "conference", "vcard", "pubsub"):
            server.wait_for(f"component {component}.{DOMAIN} is connected")
        yield Gateway(server, int(match[1]))
