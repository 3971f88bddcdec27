"""Programs that believe they are in a terminal, among them profanity, a client in C."""

from __future__ import annotations

import fcntl
import os
import pty
import shutil
import signal
import struct
import subprocess
import termios
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Condition, Thread

import pytest

from tests.support.clients import Reachable
from tests.support.peers import PATIENCE
from tests.support.server import DOMAIN, PASSWORD


def installed(program: str) -> str:
    """The path of a program, or the test is passed over."""
    path = shutil.which(program)
    if path is None:
        pytest.skip(f"{program} is not installed (Debian: apt-get install {program})")
    return path


class Terminal:
    """A program that believes it is in a terminal."""

    def __init__(self, arguments: list[str], environment: dict[str, str]) -> None:
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 160, 0, 0))
        self._process = subprocess.Popen(
            arguments, stdin=slave, stdout=slave, stderr=slave, env=environment, close_fds=True
        )
        os.close(slave)
        self._shown = b""
        self._changed = Condition()
        self._reader = Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        with suppress(OSError):  # what Linux says at the end of a terminal
            while data := os.read(self._master, 65536):
                with self._changed:
                    self._shown += data
                    self._changed.notify_all()
        with self._changed:
            self._changed.notify_all()

    def type(self, line: str) -> None:
        os.write(self._master, f"{line}\r".encode())

    def shows(self, text: str) -> None:
        """Wait until `text`, which has no spaces in it, has been on the screen."""

        def shown() -> bool:
            return text.encode() in self._shown or not self._reader.is_alive()

        with self._changed:
            self._changed.wait_for(shown, PATIENCE)
            assert text.encode() in self._shown, self._shown.decode(errors="replace")

    def close(self) -> None:
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(PATIENCE)
        finally:
            os.close(self._master)


@contextmanager
def profanity(server: Reachable, home: Path, name: str = "juliet") -> Iterator[Terminal]:
    """profanity, logging in as somebody, with `home` for his alone."""
    program = installed("profanity")
    jid = f"{name}@{DOMAIN}"
    account = {
        "enabled": "true",
        "jid": jid,
        "server": "127.0.0.1",
        "port": str(server.c2s),
        "password": PASSWORD,
        "resource": "balcony",
        "tls.policy": "trust",  # it asks its user about authorities that it doesn't know
    }
    accounts = home / "data" / "profanity" / "accounts"
    accounts.parent.mkdir(parents=True)
    lines = [f"[{jid}]", *(f"{key}={value}" for key, value in account.items())]
    accounts.write_text("\n".join(lines) + "\n")
    environment = {
        "HOME": str(home),
        "XDG_DATA_HOME": str(home / "data"),
        "XDG_CONFIG_HOME": str(home / "config"),
        "TERM": "xterm",
        "LANG": "C.UTF-8",
    }
    terminal = Terminal([program, "--account", jid], environment)
    try:
        yield terminal
    finally:
        terminal.close()
