"""Each component that comes with the server as a process of its own, over TLS from another host."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.certificates import Authority, dns, write_pair
from tests.support.process import BIN, RunningProcess, RunningServer, run_server
from tests.support.web_peers import Web
from xmppd.bundled import BUNDLED

HOST = "127.0.0.2"
"""Another host, as far as that goes on one machine."""
SERVER = f"""\
[tls]
certificates = "certs"
[listen]
c2s = ["tcp:0:interface=127.0.0.1"]
c2s_tls = []
component = []
component_tls = ["tcp:0:interface={HOST}"]
"""
TABLE = """\
[components."{name}.localhost"]
secret = "what's in a name"
"""
FILE = """\
[component]
domain = "{name}.localhost"
secret = "what's in a name"
[core]
endpoint = "tls:localhost:{port}:trustRoots={trusted}:endpoint=tcp\\\\:{host}\\\\:{port}"
"""
GATEWAY = '[bosh]\nlisten = ["tcp:0:interface=127.0.0.1"]\n'


@pytest.mark.parametrize("name", [each.name for each in BUNDLED])
def test_it_runs_by_its_own_file_over_tls_to_a_server_elsewhere(tmp_path: Path, name: str) -> None:
    authority = Authority()
    pair = authority.issue(dns("localhost"))
    write_pair(pair, tmp_path / "certs/localhost.crt", tmp_path / "certs/localhost.key")
    trusted = tmp_path / "trusted"
    trusted.mkdir()
    authority.write(trusted / "authority.pem")
    text = SERVER + TABLE.format(name=name) + ("tunnel = true\n" if name == "bosh" else "")
    with run_server(tmp_path, text) as server:
        there = tmp_path / "there"
        there.mkdir()
        port = server.ports["component_tls"]
        file = FILE.format(name=name, port=port, trusted=trusted, host=HOST)
        path = there / f"{name}.toml"
        path.write_text(file + (GATEWAY if name == "bosh" else ""))
        program = [str(BIN / "twistd"), "-n", "--pidfile=", f"xmppd-{name}", "-c", str(path)]
        process = RunningProcess(program, there)
        try:
            listens = process.wait_for("bosh.listen listens on") if name == "bosh" else ""
            process.wait_for(f"{name}.localhost is connected")
            assert server.ctl("components").stdout.startswith(f"{name}.localhost  127.0.0.")
            if name == "bosh":
                _log_in(server, listens)
        finally:
            assert process.stop() == 0, process.output


def _log_in(server: RunningServer, listens: str) -> None:
    made = server.ctl("adduser", "juliet@localhost", stdin="wherefore\n")
    assert made.returncode == 0, made.stderr
    web = Web(int(listens.rpartition(":")[2]), "localhost")
    for transport in (web.websocket, web.bosh):
        with transport() as juliet:
            juliet.log_in("juliet", "wherefore", "balcony")
            answer = juliet.ask("<ping xmlns='urn:xmpp:ping'/>")
            assert answer.get("type") == "result"
