"""Clients in C and Go, as Debian ships them; each is passed over where it isn't installed."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.e2e.verona import VERONA, Server
from tests.support.clients import Client, soon
from tests.support.server import PASSWORD
from tests.support.terminals import installed, profanity

JULIET = f"juliet@{VERONA}"
ROMEO = f"romeo@{VERONA}"


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
