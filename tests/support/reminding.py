"""The example in docs/examples/reminder as a process, and what any server lets it do."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from signal import SIGCONT, SIGSTOP
from typing import Any

from tests.support.clients import Client, soon
from tests.support.process import BIN, ROOT, RunningProcess

EXAMPLE = ROOT / "docs" / "examples" / "reminder"
CONNECTED = " is connected"
SENT = "reminders were sent"


class Reminding:
    """`twistd xmppd-reminder` at a server's port, started and killed as often as a test likes."""

    def __init__(
        self, directory: Path, port: int, server: str, secret: str, store: Mapping[str, Any]
    ) -> None:
        self.server = server
        self.domain = f"remind.{server}"
        self._directory = directory
        tables = {
            "component": {"domain": self.domain, "secret": secret},
            "core": {"endpoint": f"tcp:127.0.0.1:{port}"},
            "store": store,
        }
        lines = [
            f"[{table}]\n"
            + "".join(f"{key} = {json.dumps(value)}\n" for key, value in keys.items())
            for table, keys in tables.items()
        ]
        (directory / "reminder.toml").write_text("".join(lines))
        self.start()

    def start(self) -> None:
        """Start it, and see it connected."""
        path = f"PYTHONPATH={ROOT}:{EXAMPLE}"
        twistd = [sys.executable, str(BIN / "twistd"), "-n", "--pidfile="]
        command = ["env", path, *twistd, "xmppd-reminder", "-c", "reminder.toml"]
        self.process = RunningProcess(command, self._directory)
        self.process.wait_for(self.domain + CONNECTED)

    async def say(self, client: Client, text: str, answer: str) -> str:
        """Write to it, and wait for an answer with these words."""
        client.say(self.domain, text)
        return await heard(client, answer)


async def heard(client: Client, words: str) -> str:
    """The next message with these words; an answer may come twice when a process was killed."""
    while words not in (body := str((await soon(client.messages.get()))["body"])):
        pass
    return body


async def play(reminding: Reminding, juliet: Client, again: Client) -> None:
    """Juliet is reminded, also by a process that comes after the one that she told, and when she
    has left: `again` is herself, later.
    """
    async with juliet:
        juliet.send_presence()
        await reminding.say(juliet, "in 1 second rise", "Its number is 1")
        await heard(juliet, "Reminder: rise")
        await reminding.say(juliet, "in 1 second rise again", "Its number is 2")
        reminding.process.kill()
        reminding.start()
        await heard(juliet, "Reminder: rise again")
        process = reminding.process
        first = process.lines.index(await asyncio.to_thread(process.wait_for, SENT))
        await reminding.say(juliet, "in 3 seconds go home", "Its number is 3")
        listed = await reminding.say(juliet, "list", "UTC go home")
        assert listed.startswith("3: ") and "\n" not in listed
        process.signal(SIGSTOP)  # however long she takes to leave, nothing is sent before that
    process.signal(SIGCONT)
    await asyncio.to_thread(process.wait_for, SENT, first + 1)
    async with again:
        again.send_presence()
        await heard(again, "Reminder: go home")
        await reminding.say(again, "list", "Nothing waits for you.")
    assert process.stop() == 0
