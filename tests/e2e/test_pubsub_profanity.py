"""Accounts' nodes as profanity's users have them (XEP-0163); passed over where it isn't installed.

profanity is written in C and shares no code with anything here. What it shows is read off its
terminal; what others see of it, by slixmpp.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from xml.etree.ElementTree import Element

from tests.e2e.verona import Server
from tests.support.clients import soon
from tests.support.pubsub import E, P
from tests.support.pubsub_readers import SERVICE, Reader, event, readers
from tests.support.server import DOMAIN
from tests.support.terminals import Terminal, profanity

NURSE, TYBALT = (f"{name}@{DOMAIN}" for name in ("nurse", "tybalt"))
OMEMO = "eu.siacs.conversations.axolotl"
PAYLOAD = f"{{{OMEMO}}}encrypted/{{{OMEMO}}}payload"
BOOKMARKS = "urn:xmpp:bookmarks:1"


async def shows(terminal: Terminal, text: str) -> None:
    await asyncio.to_thread(terminal.shows, text)


async def devices(reader: Reader, jid: str) -> list[str]:
    """The devices that somebody says he has."""
    answer = await soon(reader.pubsub.get_items(jid, f"{OMEMO}.devicelist"))
    return [each.get("id") for each in answer.xml.iter(f"{{{OMEMO}}}device")]


async def test_0384_two_strangers_talk_and_nobody_else_can_read_it(
    globe: Server, tmp_path: Path
) -> None:
    """Device lists and bundles are published with `open` access, and found by who asks."""
    with (
        profanity(globe, tmp_path / "nurse", "nurse") as nurse,
        profanity(globe, tmp_path / "tybalt", "tybalt") as tybalt,
    ):
        for each in (nurse, tybalt):
            await shows(each, "successfully")
            # It publishes as it should only once it has found out what the server can do.
            for asked, feature in ((DOMAIN, "urn:xmpp:privilege:2"), (SERVICE, "protocol/shim")):
                each.type(f"/disco info {asked}")
                await shows(each, feature)
            each.type("/omemo trustmode blind")
            each.type("/omemo gen")
            await shows(each, "generated.")
        async with readers(globe, "tybalt/house", "juliet") as (watcher, juliet):
            for jid, terminal in ((NURSE, nurse), (TYBALT, tybalt)):
                await shows(terminal, "Blind")  # its own device has been published, and come back
                (device,) = await devices(juliet, jid)
                answer = await soon(juliet.pubsub.get_items(jid, f"{OMEMO}.bundles:{device}"))
                assert list(answer.xml.iter(f"{{{OMEMO}}}identityKey"))
            watcher.forgets()
            tybalt.type(f"/msg {NURSE}")
            for line in (f"/msg {TYBALT}", "/omemo start", "/win 1"):
                nurse.type(line)
            await shows(nurse, device)  # Tybalt's: his keys have come
            for line in ("/win 2", "Peace-ho"):
                nurse.type(line)
            await shows(tybalt, "Peace-ho")
            while (payload := (message := await watcher.gets()).find(PAYLOAD)) is None:
                pass
            assert payload.text
            assert all("Peace-ho" not in (each.text or "") for each in message.iter())


async def told(reader: Reader, room: str) -> Element:
    """What the next event says of the bookmark of a room."""
    while True:
        items = event(await reader.gets(), "items")
        if items.get("node") == BOOKMARKS and items[0].get("id") == room:
            return items[0]


async def test_0402_5_3_bookmarks_of_private_storage_are_those_of_accounts(
    globe: Server, tmp_path: Path
) -> None:
    room = f"profane@conference.{DOMAIN}"
    async with readers(globe, "juliet/house") as (juliet,):
        juliet.plugin["xep_0163"].add_interest(BOOKMARKS)
        await juliet.plugin["xep_0115"].update_caps()
        with profanity(globe, tmp_path) as terminal:
            await shows(terminal, "successfully")
            terminal.type(f"/bookmark add {room} nick Capulet autojoin off")
            conference = f"{{{BOOKMARKS}}}conference"
            said = (await told(juliet, room)).findtext(f"{conference}/{{{BOOKMARKS}}}nick")
            assert said == "Capulet"
            terminal.type(f"/bookmark remove {room}")
            assert (await told(juliet, room)).tag == f"{E}retract"
        answer = await soon(juliet.pubsub.get_items(juliet.boundjid.bare, BOOKMARKS))
        assert room not in [each.get("id") for each in answer.xml.iter(f"{P}item")]
