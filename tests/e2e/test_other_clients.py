"""Clients in C and Go, as Debian ships them; each is passed over where it isn't installed."""

from __future__ import annotations

import asyncio
import fcntl
import os
import pty
import shutil
import signal
import struct
import subprocess
import termios
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from threading import Condition, Thread

import pytest

from tests.e2e.verona import VERONA, Server
from tests.support.clients import Client, soon
from tests.support.peers import PATIENCE
from tests.support.server import PASSWORD

JULIET = f"juliet@{VERONA}"
ROMEO = f"romeo@{VERONA}"


def installed(program: str) -> str:
    """The path of a program, or the test is passed over."""
    path = shutil.which(program)
    if path is None:
        pytest.skip(f"{program} is not installed (Debian: apt-get install {program})")
    return path


@asynccontextmanager
async def available(verona: Server, jid: str) -> AsyncIterator[Client]:
    """Somebody whom a message to the bare JID reaches."""
    async with Client(jid, PASSWORD, verona, plugins=("xep_0199",)) as client:
        client.send_presence()
        await soon(client.plugin["xep_0199"].ping(VERONA))
        yield client


@pytest.mark.parametrize("tls", [[], ["--tls"]], ids=["starttls", "direct"])
async def test_go_sendxmpp_sends_a_message(verona: Server, tls: list[str]) -> None:
    """It verifies the certificate by the tests' own authority."""
    program = installed("go-sendxmpp")
    port = verona.c2s_tls if tls else verona.c2s
    async with available(verona, f"{ROMEO}/orchard") as romeo:
        sender = await asyncio.create_subprocess_exec(
            *(program, *tls, "-u", JULIET, "-p", PASSWORD, "-j", f"127.0.0.1:{port}", ROMEO),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={"HOME": str(verona.directory), "SSL_CERT_FILE": str(verona.authority)},
        )
        said, _ = await soon(sender.communicate(b"What's in a name?"))
        assert sender.returncode == 0, said
        assert (await romeo.hears("What's in a name?")).startswith(f"{JULIET}/")


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
def profanity(verona: Server, home: Path) -> Iterator[Terminal]:
    """profanity, logging in as juliet."""
    program = installed("profanity")
    account = {
        "enabled": "true",
        "jid": JULIET,
        "server": "127.0.0.1",
        "port": str(verona.c2s),
        "password": PASSWORD,
        "resource": "balcony",
        "tls.policy": "trust",  # it asks its user about authorities that it doesn't know
    }
    accounts = home / "data" / "profanity" / "accounts"
    accounts.parent.mkdir(parents=True)
    lines = [f"[{JULIET}]", *(f"{key}={value}" for key, value in account.items())]
    accounts.write_text("\n".join(lines) + "\n")
    environment = {
        "HOME": str(home),
        "XDG_DATA_HOME": str(home / "data"),
        "XDG_CONFIG_HOME": str(home / "config"),
        "TERM": "xterm",
        "LANG": "C.UTF-8",
    }
    terminal = Terminal([program, "--account", JULIET], environment)
    try:
        yield terminal
    finally:
        terminal.close()


async def test_profanity_logs_in_and_chats_both_ways(verona: Server, tmp_path: Path) -> None:
    async with available(verona, f"{ROMEO}/orchard") as romeo:
        with profanity(verona, tmp_path) as juliet:
            await asyncio.to_thread(juliet.shows, "successfully")
            juliet.type(f"/msg {ROMEO} Goodnight")
            assert await romeo.hears("Goodnight") == f"{JULIET}/balcony"
            romeo.say(f"{JULIET}/balcony", "Farewell!")
            await asyncio.to_thread(juliet.shows, "Farewell!")


async def test_profanity_is_available_has_a_contact_and_sees_what_another_client_sends(
    verona: Server, tmp_path: Path
) -> None:
    """It needs its roster for presence (RFC 6121 §2.2), and asks for carbons (XEP-0280)."""
    async with available(verona, f"{ROMEO}/orchard") as romeo:
        with profanity(verona, tmp_path) as juliet:
            await asyncio.to_thread(juliet.shows, "successfully")
            romeo.auto_authorize = True
            romeo.send_presence_subscription(JULIET)
            await asyncio.to_thread(juliet.shows, "romeo")
            juliet.type(f"/sub allow {ROMEO}")
            while not romeo.client_roster.presence(JULIET):
                await soon(romeo.wait_until("got_online"))
            juliet.type(f"/msg {ROMEO} Goodnight")  # this opens their window
            await romeo.hears("Goodnight")
            romeo.say(JULIET, "Farewell!")
            await asyncio.to_thread(juliet.shows, "Farewell!")
            async with available(verona, f"{JULIET}/garden") as garden:
                garden.say(ROMEO, "Parting")
                await romeo.hears("Parting")
                await asyncio.to_thread(juliet.shows, "Parting")
            juliet.type(f"/roster remove {ROMEO}")
            while romeo.client_roster[JULIET]["subscription"] != "none":
                await soon(romeo.wait_until("roster_update"))
