"""The example of a component, docs/examples/reminder, as a process at xmppd's own core."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.e2e.verona import VERONA, running
from tests.support.clients import Client
from tests.support.reminding import Reminding, play
from tests.support.server import PASSWORD

SECRET = "what's in a name"
TABLES: dict[str, Mapping[str, Any]] = {
    "listen": {
        "c2s": ["tcp:0:interface=127.0.0.1"],
        "c2s_tls": ["tcp:0:interface=127.0.0.1"],
        "component": ["tcp:0:interface=127.0.0.1"],
    },
    f'components."remind.{VERONA}"': {"secret": SECRET},
}


async def test_it_reminds_whoever_is_killed_or_has_left(
    tmp_path: Path, store: Mapping[str, Any]
) -> None:
    juliet = f"juliet@{VERONA}"
    with running(tmp_path, TABLES, [juliet]) as server:
        port = server.process.ports["component"]
        reminding = Reminding(tmp_path, port, VERONA, SECRET, store)
        clients = [Client(juliet, PASSWORD, server) for _ in range(2)]
        await play(reminding, *clients)
