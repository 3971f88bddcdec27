"""Whether bundled components would start with the settings that the configuration has for them.

The server knows no component's keys. Each component's program does, and can be asked: `--check` has
it read its file and end.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from xmppd.admin.bundle import TWISTD, settings
from xmppd.admin.files import write_private
from xmppd.bundled import Place, places
from xmppd.config import Config
from xmppd.process.lifeline import SECRET_VARIABLE

SECONDS = 30.0
"""That a program may take to read its file."""


def faults(config: Config, source: str) -> Iterator[tuple[str, str]]:
    """The tables of settings that a component would not take, each with what it says."""
    for place in places(config, source):
        if not place.unwanted and config.bundled.settings.get(place.bundled.name):
            words = _fault(place, config)
            if words:
                yield f"bundled.settings.{place.bundled.name}", words


def _fault(place: Place, config: Config) -> str:
    name = place.bundled.name
    with tempfile.TemporaryDirectory(prefix="xmppctl-") as directory:
        path = Path(directory, f"{name}.toml")
        write_private(path, settings(place, config).encode())
        command = [sys.executable, "-P", "-c", TWISTD, "-n", "--pidfile=", place.bundled.plugin]
        try:
            done = subprocess.run(
                [*command, "--check", "-c", str(path)],
                env={**os.environ, SECRET_VARIABLE: "not needed to read a file"},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                timeout=SECONDS,
                check=False,
                text=True,
            )
        except subprocess.TimeoutExpired:
            return f"its program has not read them within {SECONDS:.0f} s"
    if done.returncode == 0:
        return ""
    words = done.stderr.strip().rpartition("\n")[2] or f"it ended with status {done.returncode}"
    # The file is gone by now, and was never the operator's.
    return words.rpartition(f"{path}:")[2].lstrip("0123456789: ")
