"""Bundled components as real processes: they come with the server, are watched, and go with it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.process import READY, RunningServer, write_config

TABLE = """\
from xmppd import bundled
bundled.BUNDLED = (bundled.Bundled("echo", "echo"),)
"""
"""The only component that is sure to be there, as if it came with the server."""

CONFIG = """\
[bundled]
start = true
"""


class Server(RunningServer):
    twistd = (sys.executable, "-c", f"{TABLE}from twisted.scripts.twistd import run\nrun()")


@contextmanager
def running(directory: Path, text: str = CONFIG) -> Iterator[Server]:
    server = Server(directory, write_config(directory, text))
    try:
        server.wait_for(READY)
        yield server
    finally:
        server.stop()


def test_they_come_with_the_server_and_end_with_it(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        server.wait_for("component echo.localhost is connected from this machine")
        assert server.stop() == 0
    assert server.errors == []
    assert not [line for line in server.lines if " warn " in line or " error " in line]
