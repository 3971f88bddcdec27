"""Whether bundled components would start with the settings that the configuration has for them.

The server knows no component's keys. Each component's program does, and can be asked: `--check` has
it read its file and end.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred, succeed

from xmppd.admin.bundle_settings import command, settings
from xmppd.admin.files import write_private
from xmppd.bundled import Place, places
from xmppd.config import Config
from xmppd.process.asked import Answer, ask_program
from xmppd.process.lifeline import SECRET_VARIABLE

SECONDS = 30.0
"""That a program may take to read its file."""

REMEDY = "Correct it under [{}]; then xmppctl reload"
"""What an operator does about a table of settings."""

_TOO_SLOW = f"its program has not read them within {SECONDS:.0f} s"


def faults(config: Config, source: str) -> Iterator[tuple[str, str]]:
    """The tables of settings that a component would not take, each with what it says."""
    for place in places(config, source):
        if not place.unwanted and config.bundled.settings.get(place.bundled.name):
            words = _fault(place, config)
            if words:
                yield f"bundled.settings.{place.bundled.name}", words


def _fault(place: Place, config: Config) -> str:
    with tempfile.TemporaryDirectory(prefix="xmppctl-") as directory:
        path = Path(directory, f"{place.bundled.name}.toml")
        write_private(path, settings(place, config).encode())
        try:
            done = subprocess.run(
                command(place.bundled, path, "--check"),
                env=_environment(),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                timeout=SECONDS,
                check=False,
                text=True,
            )
        except subprocess.TimeoutExpired:
            return _TOO_SLOW
    return _words(Answer(done.returncode, done.stderr), path)


def ask(place: Place, config: Config, reactor: Any) -> Deferred[str]:
    """What one says about its settings, "" where it takes them; the server goes on meanwhile.

    They stand in its file's directory, as its file does: what there is in it is no more secret.
    """
    path = Path(config.server.data) / f"{place.bundled.name}.asked.toml"
    try:
        write_private(path, settings(place, config).encode())
    except OSError as error:
        return succeed(f"{path} can't be written ({error.strerror})")

    def told(answer: Answer | None) -> str:
        path.unlink(missing_ok=True)
        return _TOO_SLOW if answer is None else _words(answer, path)

    asking = command(place.bundled, path, "--check")
    return ask_program(asking, _environment(), reactor, SECONDS).addCallback(told)


def _environment() -> Mapping[str, str]:
    return {**os.environ, SECRET_VARIABLE: "not needed to read a file"}


def _words(answer: Answer, path: Path) -> str:
    if answer.status == 0:
        return ""
    words = answer.stderr.strip().rpartition("\n")[2] or f"it ended with status {answer.status}"
    # The file is gone by now, and was never the operator's.
    return words.rpartition(f"{path}:")[2].lstrip("0123456789: ")
