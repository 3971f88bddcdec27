"""A real server process for end-to-end tests: started, read line by line, signalled, stopped."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from threading import Condition, Thread
from typing import IO

from xmppd.admin.client import ServerCaller

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
PATIENCE = 60.0
"""Seconds that a test waits for a process before it fails."""

TABLES = {
    "server": 'domains = ["localhost"]\ndata = "data"',
    "listen": 'c2s = ["tcp:0:interface=127.0.0.1"]\nc2s_tls = ["tcp:0:interface=127.0.0.1"]',
    "bundled": "start = false",
    "s2s": "enabled = false",
}
"""What a server gets that says nothing else: the tables that its own text does not have."""

LISTENS = re.compile(r'listen\.(\w+) listens on \S+:(\d+)(?:$|")')
READY = "ready: "
"""How the line begins that says that everything listens."""


def until(true: Callable[[], object], within: float = PATIENCE, every: float = 0.02) -> None:
    """Wait for something in another process that gives no sign of itself."""
    deadline = time.monotonic() + within
    while not true():
        assert time.monotonic() < deadline
        time.sleep(every)


def environment() -> dict[str, str]:
    """The environment of a process that imports this tree and no other."""
    return {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}


def write_config(directory: Path, text: str = "") -> Path:
    """Write `xmppd.toml` with `text` and, where it has none of its own, the tables above."""
    missing = (f"[{name}]\n{body}\n" for name, body in TABLES.items() if f"[{name}]" not in text)
    path = directory / "xmppd.toml"
    path.write_text("".join(missing) + text)
    return path


class RunningProcess:
    """A process whose output is collected as it comes."""

    def __init__(self, arguments: list[str], directory: Path) -> None:
        self.lines: list[str] = []
        self.errors: list[str] = []
        self._changed = Condition()
        self._process = subprocess.Popen(
            arguments,
            cwd=directory,
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",  # servers of other makes write down what came as it came
        )
        streams = ((self._process.stdout, self.lines), (self._process.stderr, self.errors))
        self._readers = [Thread(target=self._read, args=both, daemon=True) for both in streams]
        for reader in self._readers:
            reader.start()

    def _read(self, stream: IO[str], lines: list[str]) -> None:
        for line in stream:
            with self._changed:
                lines.append(line.rstrip("\n"))
                self._changed.notify_all()
        with self._changed:
            self._changed.notify_all()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def ended(self) -> bool:
        return self._process.poll() is not None

    @property
    def output(self) -> str:
        return "\n".join([*self.lines, *self.errors])

    def wait_for(self, text: str, start: int = 0) -> str:
        """The first line of standard output from index `start` on that has `text`."""

        def found() -> str | None:
            return next((line for line in self.lines[start:] if text in line), None)

        with self._changed:
            self._changed.wait_for(lambda: found() or not self._readers[0].is_alive(), PATIENCE)
        line = found()
        assert line is not None, f"no line with {text!r} in:\n{self.output}"
        return line

    def signal(self, number: int) -> None:
        self._process.send_signal(number)

    def wait(self) -> int:
        """The exit status, once the process has ended by itself."""
        status = self._process.wait(PATIENCE)
        for reader in self._readers:
            reader.join(PATIENCE)
        return status

    def stop(self) -> int:
        """Ask the process to end; its exit status. Once it has ended nothing more happens."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        return self.wait()

    def kill(self) -> None:
        """End the process without asking, as a power cut would."""
        self._process.kill()
        self.wait()


class RunningServer(RunningProcess):
    """`twistd -n xmppd` on free ports of 127.0.0.1; `ports` by the key of `[listen]`."""

    twistd: Sequence[str] = (str(BIN / "twistd"),)

    def __init__(self, directory: Path, config: Path | None, *options: str) -> None:
        self.config = config
        arguments = [*self.twistd, "-n", "--pidfile=", *options, "xmppd"]
        super().__init__(arguments + (["-c", str(config)] if config else []), directory)
        self.directory = directory

    @property
    def ports(self) -> dict[str, int]:
        found = (LISTENS.search(line) for line in self.lines)
        return {match[1]: int(match[2]) for match in found if match}

    def ctl(self, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Run xmppctl against this server."""
        assert self.config is not None
        return xmppctl(self.directory, "-c", str(self.config), *arguments, stdin=stdin)

    def add(self, *jids: str, password: str) -> None:
        """Make accounts as xmppctl does, by the control socket, without a process for each."""
        control = self.directory / "data" / "control.sock"
        with closing(ServerCaller(str(control))) as operator:
            for jid in jids:
                operator.call("adduser", jid=jid, password=password)


@contextmanager
def run_server(directory: Path, config_text: str = "", *options: str) -> Iterator[RunningServer]:
    """A server that listens, with its configuration and data in `directory`; stopped at the end.

    `options` are twistd's own.
    """
    server = RunningServer(directory, write_config(directory, config_text), *options)
    try:
        server.wait_for(READY)
        yield server
    finally:
        try:
            server.stop()
        except subprocess.TimeoutExpired:
            server.kill()
            raise


def xmppctl(directory: Path, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    """Run xmppctl in `directory` with `stdin` as its standard input."""
    return run([sys.executable, "-m", "xmppd.admin.xmppctl", *arguments], directory, stdin)


def run(
    command: Sequence[str | Path], directory: Path, stdin: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run a command in `directory` to its end, whatever that is."""
    return subprocess.run(
        command,
        cwd=directory,
        env=environment(),
        input=stdin,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
