"""The first component of docs/writing-a-component.md: written, run and spoken to as it says."""

from __future__ import annotations

import re
import shlex
import sys
from pathlib import Path

import pytest

from tests.support.guide import blocks, files
from tests.support.peers import Peer
from tests.support.process import BIN, READY, ROOT, RunningProcess, RunningServer, run
from tests.support.server import PASSWORD

LISTEN = """
[listen]
c2s = ["tcp:0:interface=127.0.0.1"]
c2s_tls = []
s2s = []
s2s_tls = []
component = ["tcp:0:interface=127.0.0.1"]
"""


@pytest.fixture
def written(tmp_path: Path) -> Path:
    """A directory with what the guide has its reader write."""
    for name, text in files().items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


def command(program: str) -> list[str]:
    """The line of the guide that begins a program, as it can be run here."""
    (line,) = [
        line
        for block in blocks("sh")
        for line in block.splitlines()
        if re.search(rf"venv/bin/{program}(?: |$)", line)
    ]
    path, found = f"PYTHONPATH={ROOT}", shlex.split(line)
    if found[0] == "PYTHONPATH=.":
        path, found = f"{path}:.", found[1:]
    assert found[0].startswith("venv/bin/")
    return ["env", path, sys.executable, str(BIN / found[0].removeprefix("venv/bin/")), *found[1:]]


def test_it_is_written_run_and_spoken_to(written: Path) -> None:
    config = written / "xmppd.toml"
    config.write_text(config.read_text() + LISTEN)
    server = RunningServer(written, config)
    try:
        server.wait_for(READY)
        added = run(command("xmppctl .* adduser .*"), written, stdin=f"{PASSWORD}\n" * 2)
        assert added.returncode == 0, added.stderr
        shout = written / "shout.toml"
        port = server.ports["component"]
        shout.write_text(f'{shout.read_text()}[core]\nendpoint = "tcp:127.0.0.1:{port}"\n')
        component = RunningProcess(command("twistd .* xmppd-shout .*"), written)
        try:
            component.wait_for("shout.localhost is connected")
            with Peer(server.ports["c2s"], "localhost") as juliet:
                juliet.log_in("juliet", PASSWORD, "balcony")
                juliet.send("<message to='shout.localhost'><body>but soft</body></message>")
                assert juliet.element().findtext("{*}body") == "BUT SOFT"
        finally:
            assert component.stop() == 0, component.output
    finally:
        server.stop()


def test_its_commands_are_those_of_the_programs(written: Path) -> None:
    assert command("twistd .* xmppd -c xmppd.toml")[-3:] == ["xmppd", "-c", "xmppd.toml"]
    shown = run([*command("twistd .* xmppd-shout .*")[:-2], "--help"], written)
    assert "A component that shouts" in shown.stdout


def test_its_test_passes(written: Path) -> None:
    path = f"PYTHONPATH={ROOT}:."
    pytest_ = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_shout.py"]
    ended = run(["env", path, *pytest_], written)
    assert ended.returncode == 0, ended.stdout
