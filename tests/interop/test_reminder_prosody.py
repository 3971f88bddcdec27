"""The example of a component, docs/examples/reminder, at a real Prosody."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.support.clients import Client
from tests.support.prosody import DOMAIN, PASSWORD, SECRET, Prosody, needs_prosody
from tests.support.reminding import Reminding, play

pytestmark = needs_prosody


def test_it_reminds_whoever_is_killed_or_has_left(tmp_path: Path) -> None:
    prosody = Prosody(tmp_path, f"remind.{DOMAIN}", people=["juliet"])
    try:
        reminding = Reminding(tmp_path, prosody.port, DOMAIN, SECRET, {})
        asyncio.run(_played(prosody, reminding))
    finally:
        prosody.process.stop()


async def _played(prosody: Prosody, reminding: Reminding) -> None:
    jid = f"juliet@{DOMAIN}"
    clients = [Client(jid, PASSWORD, prosody, tls="none") for _ in range(2)]
    await play(reminding, *clients)
