"""A component in a distribution of its own: installed by pip beside xmppd, it runs from there."""

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from tests.support.peers import Peer
from tests.support.process import PATIENCE, ROOT, RunningProcess, run, run_server
from tests.support.server import PASSWORD

EXAMPLE = "docs/examples/reminder"
FILES = ("setup.py", "setup.cfg", "pyproject.toml", "README.md", "LICENSE")
TWISTD = "from twisted.scripts.twistd import run; run()"
SECRET = "what's in a name"
LISTEN = f"""\
[listen]
c2s = ["tcp:0:interface=127.0.0.1"]
c2s_tls = []
component = ["tcp:0:interface=127.0.0.1"]
[components."remind.localhost"]
secret = "{SECRET}"
"""
CONFIG = f"""\
[component]
domain = "remind.localhost"
secret = "{SECRET}"
[core]
endpoint = "tcp:127.0.0.1:%d"
"""


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment where both are installed, and nothing is of this checkout."""
    base = tmp_path_factory.mktemp("outside")
    for folder in ("xmppd", "components", "twisted", EXAMPLE):
        shutil.copytree(ROOT / folder, base / "clone" / folder)
    for file in FILES:
        shutil.copy(ROOT / file, base / "clone")
    venv = base / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", venv], check=True)
    paths = {"base": str(venv), "platbase": str(venv)}
    there = Path(sysconfig.get_path("purelib", "venv", paths))
    # What both need is taken from where the tests run: nothing comes from the network.
    (there / "needed.pth").write_text(sysconfig.get_path("purelib"))
    made = venv / "bin" / "python"
    offline = ["--quiet", "--no-index", "--no-deps", "--no-build-isolation"]
    pip = [sys.executable, "-m", "pip", "--python", made, "install", *offline]
    subprocess.run([*pip, ".", EXAMPLE], cwd=base / "clone", check=True, timeout=2 * PATIENCE)
    return made


def command(python: Path, *arguments: str) -> list[str]:
    return ["env", "-u", "PYTHONPATH", str(python), "-c", TWISTD, "-n", "--pidfile=", *arguments]


def test_twistd_knows_it_beside_the_others(python: Path, tmp_path: Path) -> None:
    known = run(command(python, "--help"), tmp_path).stdout.split()
    assert {"xmppd", "xmppd-echo", "xmppd-reminder"} <= set(known)
    where = "import components.common, xmppd_reminder; print(components.common.__file__)"
    found = run(["env", "-u", "PYTHONPATH", str(python), "-c", where], tmp_path).stdout
    assert Path(found.strip()).is_relative_to(python.parents[1])


def test_it_serves_users_from_there(python: Path, tmp_path: Path) -> None:
    with run_server(tmp_path, LISTEN) as server:
        server.ctl("adduser", "juliet@localhost", stdin=f"{PASSWORD}\n{PASSWORD}\n")
        (tmp_path / "reminder.toml").write_text(CONFIG % server.ports["component"])
        arguments = command(python, "xmppd-reminder", "-c", "reminder.toml")
        reminder = RunningProcess(arguments, tmp_path)
        try:
            reminder.wait_for("remind.localhost is connected")
            with Peer(server.ports["c2s"], "localhost") as juliet:
                juliet.log_in("juliet", PASSWORD, "balcony")
                juliet.send("<message to='remind.localhost' id='1'><body>list</body></message>")
                assert juliet.element().findtext("{*}body") == "Nothing waits for you."
        finally:
            status = reminder.stop()
        assert status == 0, reminder.output
    assert reminder.errors == []
