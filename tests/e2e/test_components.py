"""Components as processes: their command line, and xmppd's own echo at xmppd."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from tests.support.certificates import Authority, dns, write_pair
from tests.support.process import BIN, RunningProcess, run, run_server

LISTEN = """\
[listen]
c2s = ["tcp:0:interface=127.0.0.1"]
c2s_tls = []
component = ["tcp:0:interface=127.0.0.1"]
[components."echo.localhost"]
secret = "what's in a name"
"""
ECHO = """\
[component]
domain = "echo.localhost"
secret = "what's in a name"
[core]
endpoint = "tcp:127.0.0.1:{port}"
"""


def command(*arguments: object) -> list[str]:
    return [sys.executable, str(BIN / "twistd"), "-n", "--pidfile=", *map(str, arguments)]


def test_help_has_an_example_that_can_be_read(tmp_path: Path) -> None:
    shown = run(command("xmppd-echo", "--help"), tmp_path)
    assert shown.returncode == 0
    assert "twistd -n xmppd-echo -c" in shown.stdout and "[component]" in shown.stdout


@pytest.mark.parametrize(
    "text, line",
    [
        (None, "no such file. Name an existing file with --config"),
        ("[component]\n", ":1: component.domain: there is no domain"),
        ('[component]\ndomain = "e.x"\n', ":1: component.secret: there is no secret"),
    ],
)
def test_a_fault_is_one_line_and_status_1(tmp_path: Path, text: str | None, line: str) -> None:
    if text is not None:
        (tmp_path / "echo.toml").write_text(text)
    ended = run(command("xmppd-echo", "-c", "echo.toml"), tmp_path)
    assert ended.returncode == 1
    [told] = ended.stderr.splitlines()
    assert told.startswith("xmppd-echo: ") and line in told


def test_it_connects_to_xmppd_and_leaves_in_order(tmp_path: Path) -> None:
    with run_server(tmp_path, LISTEN) as server:
        path = tmp_path / "echo.toml"
        path.write_text(ECHO.format(port=server.ports["component"]))
        echo = RunningProcess(command("xmppd-echo", "-c", path), tmp_path)
        try:
            echo.wait_for("echo.localhost is connected")
            server.wait_for("component echo.localhost is connected")
        finally:
            status = echo.stop()
        assert status == 0, echo.output
        server.wait_for("component echo.localhost is gone")


# ---------------------------------------------------------------------- on another host

HOST = "127.0.0.2"
"""Another host, as far as that goes on one machine."""
OVER_TLS = f"""\
[tls]
certificates = "certs"
[listen]
c2s = ["tcp:0:interface=127.0.0.1"]
c2s_tls = []
component = []
component_tls = ["tcp:0:interface={HOST}"]
[components."echo.localhost"]
secret = "what's in a name"
"""


def echo_over_tls(directory: Path, port: int, name: str, trusted: Path) -> RunningProcess:
    """`xmppd-echo` that connects to `HOST`, and expects the certificate of `name` there."""
    there = directory / "there"
    there.mkdir(exist_ok=True)
    endpoint = f"tls:{name}:{port}:trustRoots={trusted}:endpoint=tcp\\\\:{HOST}\\\\:{port}"
    path = there / "echo.toml"
    path.write_text(
        f'[component]\ndomain = "echo.localhost"\nsecret_file = "secret"\n'
        f'[core]\nendpoint = "{endpoint}"\n'
    )
    (there / "secret").write_text("what's in a name\n")
    return RunningProcess(command("xmppd-echo", "-c", path), there)


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    """Who has issued the server's certificate; whom it is trusted for is in `trusted`."""
    made = Authority()
    pair = made.issue(dns("localhost"))
    write_pair(pair, tmp_path / "certs/localhost.crt", tmp_path / "certs/localhost.key")
    (tmp_path / "trusted").mkdir()
    made.write(tmp_path / "trusted" / "authority.pem")
    return made


def test_it_connects_over_tls_from_another_host(tmp_path: Path, authority: Authority) -> None:
    with run_server(tmp_path, OVER_TLS) as server:
        checked = server.ctl("check").stdout
        assert f"listen.component_tls: tcp:0:interface={HOST} is held by" in checked
        assert f"listen.component_tls: {HOST}:" in server.ctl("status").stdout
        port = server.ports["component_tls"]
        echo = echo_over_tls(tmp_path, port, "localhost", tmp_path / "trusted")
        try:
            echo.wait_for("echo.localhost is connected")
            assert server.ctl("components").stdout.startswith("echo.localhost  127.0.0.")
        finally:
            assert echo.stop() == 0, echo.output


def test_the_servers_own_certificate_can_be_what_is_trusted(tmp_path: Path) -> None:
    with run_server(tmp_path, OVER_TLS.replace('certificates = "certs"', "")) as server:
        trusted = tmp_path / "trusted"
        trusted.mkdir()
        own = tmp_path / "data/certs/localhost.crt"
        (trusted / "localhost.pem").write_bytes(own.read_bytes())
        echo = echo_over_tls(tmp_path, server.ports["component_tls"], "localhost", trusted)
        try:
            echo.wait_for("echo.localhost is connected")
        finally:
            echo.stop()


@pytest.mark.parametrize(
    ("name", "issuer", "told"),
    [
        ("mantua.lit", "Friar Laurence", "the server's certificate is for another name"),
        ("localhost", "Friar John", "the server's certificate is not vouched for by anyone"),
    ],
)
def test_it_trusts_no_server_but_its_own(
    tmp_path: Path, authority: Authority, name: str, issuer: str, told: str
) -> None:
    trusted = tmp_path / "trusted"
    if issuer != "Friar Laurence":
        Authority(issuer).write(trusted / "authority.pem")
    with run_server(tmp_path, OVER_TLS) as server:
        echo = echo_over_tls(tmp_path, server.ports["component_tls"], name, trusted)
        try:
            assert told in echo.wait_for("Next attempt in")
        finally:
            echo.stop()
        assert "echo.localhost  not connected for" in server.ctl("components").stdout
        assert re.search(r"echo\.localhost:? is not connected", server.ctl("check").stdout)
