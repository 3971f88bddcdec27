"""A real Prosody in the foreground, for components and clients of tests, on ports that it keeps."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.support.certificates import Authority
from tests.support.ports import free_port
from tests.support.process import RunningProcess

DOMAIN = "verona.lit"
SECRET = "what's in a name"
PASSWORD = "wherefore art thou"
CONFIG = """\
run_as_root = true
data_path = "{home}/data"
pidfile = "{home}/prosody.pid"
log = {{ {{ levels = {{ min = "warn" }}, to = "console" }} }}
interfaces = {{ "127.0.0.1" }}
c2s_ports = {{ {c2s} }}
c2s_direct_tls_ports = {{ }}
s2s_ports = {{ }}
component_ports = {{ {port} }}
component_interfaces = {{ "127.0.0.1" }}
authentication = "internal_plain"
c2s_require_encryption = false
allow_unencrypted_plain_auth = true
modules_enabled = {{ "disco", "ping", "offline", "roster", "saslauth" }}
modules_disabled = {{ "s2s", "tls" }}
VirtualHost "verona.lit"
"""
COMPONENT = """\
Component "{domain}"
    component_secret = "{secret}"
"""

needs_prosody = pytest.mark.skipif(
    shutil.which("prosody") is None, reason="prosody is not installed (apt-get install prosody)"
)


class Prosody:
    """Prosody at `verona.lit`, for components of these domains, and people with `PASSWORD`."""

    def __init__(self, home: Path, *components: str, people: Iterable[str] = ()) -> None:
        self.port = free_port()
        self.c2s = self.c2s_tls = free_port()
        self.authority = Authority().write(home / "authority.pem")
        """Clients want one; Prosody's streams have no TLS."""
        self._home = home
        accounts = home / "data" / "verona%2elit" / "accounts"
        accounts.mkdir(parents=True)
        for name in people:
            (accounts / f"{name}.dat").write_text(f'return {{ ["password"] = "{PASSWORD}" }};')
        self._config = home / "prosody.cfg.lua"
        tables = [COMPONENT.format(domain=domain, secret=SECRET) for domain in components]
        config = CONFIG.format(home=home, port=self.port, c2s=self.c2s)
        self._config.write_text(config + "".join(tables))
        self.start()

    def start(self) -> None:
        command = [shutil.which("prosody") or "", "-F", "--config", str(self._config)]
        self.process = RunningProcess(command, self._home)
