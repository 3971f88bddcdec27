"""Components as processes: their command line, and xmppd's own echo at xmppd."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

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
