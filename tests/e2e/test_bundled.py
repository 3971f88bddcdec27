"""Bundled components as real processes: they come with the server, are watched, and go with it."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from os import kill
from pathlib import Path
from typing import Any

from tests.support.peers import Peer
from tests.support.process import READY, RunningServer, run, run_server, until, write_config
from xmppd import ns

ECHO = '("echo", "echo")'
"""The only component that is sure to be there, as if it came with the server."""

TABLE = "from xmppd import bundled; bundled.BUNDLED = (bundled.Bundled{},)\n"

ON = "[bundled]\nstart = true\n"
PORT = '[bundled.settings.bosh]\nlisten = ["tcp:0:interface=127.0.0.1"]\n'
OFF = "[bundled]\nstart = false\n"
OWN = """\
[listen]
c2s = ["tcp:0:interface=127.0.0.1"]
c2s_tls = []
component = ["tcp:0:interface=127.0.0.1"]
[components."echo.localhost"]
secret = "what's in a name"
"""

CONNECTED = "component echo.localhost is connected from this machine"


class Server(RunningServer):
    """A server with one bundled component."""

    def __init__(self, directory: Path, text: str, bundled: str) -> None:
        self.table = TABLE.format(bundled)
        self.twistd = (
            sys.executable,
            "-c",
            f"{self.table}from twisted.scripts.twistd import run\nrun()",
        )
        super().__init__(directory, write_config(directory, text))

    def ctl(self, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        main = f"{self.table}import sys; from xmppd.admin.xmppctl import main; sys.exit(main())"
        command = [sys.executable, "-c", main, "-c", str(self.config), *arguments]
        return run(command, self.directory, stdin)

    def told(self, *arguments: str) -> Any:
        """What xmppctl gives as JSON."""
        done = self.ctl(*arguments, "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    @property
    def child(self) -> int:
        """The process of the component."""
        [child] = self.told("status")["bundled"]
        found: int = child["pid"]
        return found


@contextmanager
def running(directory: Path, text: str = ON, bundled: str = ECHO) -> Iterator[Server]:
    server = Server(directory, text, bundled)
    try:
        server.wait_for(READY)
        yield server
    finally:
        server.stop()


def alive(pid: int) -> bool:
    """Whether there is such a process, and it has not merely left its number behind."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return not state.startswith(("Z", "X"))


def test_it_comes_with_the_server_answers_and_ends_with_it(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        server.wait_for("bundled components: echo is echo.localhost")
        server.wait_for(CONNECTED)
        pid = server.child
        made = server.ctl("adduser", "juliet@localhost", stdin="wherefore\n")
        assert made.returncode == 0, made.stderr
        with Peer(server.ports["c2s"], "localhost") as juliet:
            juliet.log_in("juliet", "wherefore", "balcony")
            items = juliet.ask(f"<query xmlns='{ns.DISCO_ITEMS}'/>", to="localhost")
            assert [e.get("jid") for e in items.iter(f"{{{ns.DISCO_ITEMS}}}item")] == [
                "echo.localhost"
            ]
            info = juliet.ask(f"<query xmlns='{ns.DISCO_INFO}'/>", to="echo.localhost")
            [identity] = info.iter(f"{{{ns.DISCO_INFO}}}identity")
            assert identity.get("name") == "Echo"
        assert server.stop() == 0
    assert not alive(pid)
    assert server.errors == []
    assert [line for line in server.lines if " warn " in line or " error " in line] == []
    assert "echo ended with status 0" in server.output
    assert not (tmp_path / "data" / "components.sock").exists()


def test_what_is_made_for_it_is_for_its_owner_alone(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        server.wait_for(CONNECTED)
        for path in (tmp_path / "data").iterdir():
            assert path.stat().st_mode & 0o077 == 0, path
        process = Path(f"/proc/{server.child}")
        [secret] = [
            each.partition(b"=")[2]
            for each in (process / "environ").read_bytes().split(b"\0")
            if each.startswith(b"XMPPD_COMPONENT_SECRET=")
        ]
        assert len(secret) == 48
        told = [(process / "cmdline").read_bytes(), (tmp_path / "data/echo.toml").read_bytes()]
        assert [text for text in told if secret in text] == []


def test_it_is_started_again_when_it_is_killed(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        server.wait_for(CONNECTED)
        first, seen = server.child, len(server.lines)
        kill(first, signal.SIGKILL)
        server.wait_for("echo ended by SIGKILL. It is started again in 1 s", seen)
        server.wait_for(CONNECTED, seen)
        assert server.child != first
        shown = server.ctl("status").stdout
        assert "has ended 1 time in a row, the last time with: ended by SIGKILL" in shown


def test_one_that_was_drained_is_followed_by_another(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        server.wait_for(CONNECTED)
        first, seen = server.child, len(server.lines)
        told = server.ctl("components", "drain", "echo.localhost")
        assert told.stdout == "echo.localhost: drained, nothing left undone\n"
        server.wait_for(CONNECTED, seen)
        assert server.child != first


def test_it_is_gone_when_the_server_was_killed(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        server.wait_for(CONNECTED)
        child = server.child
        kill(server.pid, signal.SIGKILL)
        until(lambda: not alive(child))


def test_it_is_gone_even_where_the_server_was_killed_before_it_has_connected(
    tmp_path: Path,
) -> None:
    with running(tmp_path) as server:
        told = server.wait_for("echo is started (process ")
        child = int(told.rpartition(" ")[2].rstrip(")"))
        kill(server.pid, signal.SIGKILL)
        until(lambda: not alive(child))


def test_one_that_always_ends_is_told_of_once_with_its_last_words(tmp_path: Path) -> None:
    with running(tmp_path, bundled='("poison", "poison")') as server:
        line = server.wait_for("poison ends again and again, the last time with: ")
        assert "Unknown command: xmppd-poison" in line
        checked = server.ctl("check")
        assert checked.returncode == 1
        [problem] = [line for line in checked.stdout.splitlines() if line.startswith("PROBLEM")]
        assert re.search(
            r"bundled: poison has ended of itself \(failures in a row: [3-9]\)", problem
        )
        assert "Unknown command: xmppd-poison" in problem
        assert "component.failing  poison.localhost" in server.ctl("why", "poison.localhost").stdout
        [poison] = server.told("components")["components"]
        assert (poison["bundled"], poison["connected"]) == ("poison", 0)
        assert poison["refusal"]["reason"] == "component.failing"
    assert server.output.count("ends again and again") == 1


def test_settings_that_it_would_not_take_are_told_before_they_cost_the_one_that_runs(
    tmp_path: Path,
) -> None:
    with running(tmp_path, ON) as server:
        server.wait_for(CONNECTED)
        write_config(tmp_path, f"{ON}[bundled.settings.echo]\nrhyme = true\n")
        checked = server.ctl("check")
        assert checked.returncode == 1
        [problem] = [line for line in checked.stdout.splitlines() if line.startswith("PROBLEM")]
        assert problem.startswith("PROBLEM  components: bundled.settings.echo: echo: unknown table")
        assert str(tmp_path) not in problem
        assert "Correct it under [bundled.settings.echo]" in problem
        child = server.child
        reloaded = server.ctl("reload")
        assert reloaded.returncode == 1
        told = f"xmppctl: {server.config}: bundled.settings.echo: echo: unknown table"
        assert reloaded.stderr.startswith(told)
        assert "Correct it under [bundled.settings.echo]" in reloaded.stderr
        [echo] = server.told("status")["bundled"]
        assert (echo["pid"], echo["failures"]) == (child, 0)


def test_one_that_the_operator_runs_himself_stays_out(tmp_path: Path) -> None:
    with running(tmp_path, ON + OWN) as server:
        server.wait_for("echo stays out ([components] has echo.localhost)")
        assert server.told("status")["bundled"] == []
        shown = server.ctl("check").stdout
        assert "ok       components: echo is not started: [components] has echo.localhost" in shown


def test_a_reload_starts_and_stops_it(tmp_path: Path) -> None:
    with running(tmp_path, OFF) as server:
        assert server.told("status")["bundled"] == []
        write_config(tmp_path, ON)
        assert server.told("reload")["changes"] == ["bundled.start: takes effect now"]
        server.wait_for(CONNECTED)
        child = server.child
        assert server.ctl("check").returncode == 0
        write_config(tmp_path, OFF)
        server.told("reload")
        server.wait_for("echo ended with status 0")
        assert not alive(child)
        assert server.told("components")["components"] == []


# ---------------------------------------------------------------------- what there is


def test_vcards_are_there_without_any_setup_and_last(
    tmp_path: Path, store: Mapping[str, Any]
) -> None:
    """On each store: a file of their own, or the same database."""
    text = f"{ON}{PORT}[store]\nurl = {json.dumps(store['url'])}\n"
    card = "<vCard xmlns='vcard-temp'{}"
    for first in (True, False):
        with run_server(tmp_path, text) as server:
            for name in ("vcard", "conference", "pubsub", "http"):
                server.wait_for(f"component {name}.localhost is connected from this machine")
            if first:
                made = server.ctl("adduser", "juliet@localhost", stdin="wherefore\n")
                assert made.returncode == 0, made.stderr
            assert server.ctl("check").returncode == 0
            with Peer(server.ports["c2s"], "localhost") as juliet:
                juliet.log_in("juliet", "wherefore", "balcony")
                if first:
                    stored = juliet.ask(card.format("><FN>Juliet</FN></vCard>"), "set")
                    assert stored.get("type") == "result"
                answer = juliet.ask(card.format("/>"))
                assert answer.findtext(".//{vcard-temp}FN") == "Juliet"
            explained = server.ctl("explain", "vcard.localhost").stdout
            assert "answer requests of vcard-temp in the server's place" in explained
    assert (tmp_path / "data/vcard.db").exists() == store["url"].startswith("sqlite:")
