"""What pages connect to: a gateway to a server that has accounts and rooms."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.request import urlopen

from tests.support.process import RunningProcess, until
from tests.support.prosody import free_port

DOMAIN = "verona.lit"
PASSWORD = "wherefore art thou"
TRANSPORTS = ("websocket", "bosh")

CONFIG = """\
run_as_root = true
data_path = "{home}/data"
pidfile = "{home}/prosody.pid"
log = {{ {{ levels = {{ min = "debug" }}, to = "file", filename = "{home}/prosody.log" }} }}
interfaces = {{ "127.0.0.1" }}
c2s_ports = {{ }}
c2s_direct_tls_ports = {{ }}
s2s_ports = {{ }}
http_ports = {{ {port} }}
https_ports = {{ }}
http_default_host = "{domain}"
consider_bosh_secure = true
consider_websocket_secure = true
authentication = "internal_plain"
modules_enabled = {{
    "bosh", "websocket", "disco", "roster", "saslauth", "smacks", "carbons", "pep", "offline",
    "vcard", "ping", "blocklist"
}}
modules_disabled = {{ "s2s", "tls" }}
VirtualHost "{domain}"
Component "rooms.{domain}" "muc"
    restrict_room_creation = false
"""


@dataclass
class Gateway:
    """Where it is, and who may log in there."""

    home: Path
    bosh: str
    websocket: str
    domain: str = DOMAIN
    rooms: str = f"rooms.{DOMAIN}"
    password: str = PASSWORD
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def url(self, transport: str) -> str:
        return {"bosh": self.bosh, "websocket": self.websocket}[transport]

    def account(self, name: str) -> str:
        """A new account, under a name that begins like this and `password`."""
        local = f"{name}{next(self._numbers)}"
        folder = self.home / "data" / "verona%2elit" / "accounts"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{local}.dat").write_text(f'return {{ ["password"] = "{PASSWORD}" }};')
        return f"{local}@{self.domain}"


@contextmanager
def running(home: Path) -> Iterator[Gateway]:
    port = free_port()
    config = home / "prosody.cfg.lua"
    config.write_text(CONFIG.format(home=home, port=port, domain=DOMAIN))
    process = RunningProcess([shutil.which("prosody") or "", "-F", "--config", str(config)], home)
    here = f"127.0.0.1:{port}"
    try:
        until(lambda: _answers(f"http://{here}/http-bind"))
        yield Gateway(home, f"http://{here}/http-bind", f"ws://{here}/xmpp-websocket")
    finally:
        process.stop()


def _answers(url: str) -> bool:
    try:
        with urlopen(url) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False
