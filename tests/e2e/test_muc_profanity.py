"""Chatrooms as profanity's users have them (XEP-0045); passed over where it isn't installed.

profanity is written in C and shares no code with anything here. What it shows is read off its
terminal; what others see of it, by slixmpp.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from xml.etree.ElementTree import Element

from slixmpp.exceptions import PresenceError

from tests.e2e.verona import Server
from tests.support.clients import soon
from tests.support.conference import U, codes
from tests.support.muc_guests import SERVICE, Guest, guests, item
from tests.support.people import C
from tests.support.server import DOMAIN
from tests.support.terminals import Terminal, profanity

JULIET = f"juliet@{DOMAIN}"
ROMEO = f"romeo@{DOMAIN}"


async def shows(terminal: Terminal, text: str) -> None:
    await asyncio.to_thread(terminal.shows, text)


async def presence(
    guest: Guest, *, role: str = "", affiliation: str = "", gone: bool = False
) -> Element:
    """The next presence of this kind: clients send more of it than their users know."""
    while True:
        found = await guest.gets("presence")
        about = item(found)
        if (
            about["role"] == (role or about["role"])
            and about["affiliation"] == (affiliation or about["affiliation"])
            and (found.get("type") == "unavailable") == gone
        ):
            return found


async def comes_in(guest: Guest, room: str) -> None:
    """Enter a room that is about to be unlocked."""
    while True:
        try:
            await guest.enters(room)
        except PresenceError:
            continue
        return


async def test_profanity_enters_talks_whispers_and_leaves(
    conference: Server, tmp_path: Path
) -> None:
    async with guests(conference, "romeo") as (romeo,):
        hall = await romeo.opens(changesubject=True)
        with profanity(conference, tmp_path) as juliet:
            await shows(juliet, "successfully")
            juliet.type(f"/join {hall} nick Juliet")
            await romeo.sees(hall, "Juliet")
            await shows(juliet, "participant")
            romeo.says(hall, "But-soft!")
            await shows(juliet, "But-soft!")
            await romeo.listens(hall, "Romeo", "But-soft!")
            juliet.type("Ay me!")
            await romeo.listens(hall, "Juliet", "Ay me!")
            juliet.type("/subject set Balcony")
            assert (await romeo.gets()).findtext(f"{C}subject") == "Balcony"
            juliet.type("/nick Capulet")
            assert item(await presence(romeo, gone=True))["nick"] == "Capulet"
            romeo.say(f"{hall}/Capulet", "Speak-again")
            juliet.type("/msg Romeo Wherefore?")
            private = await romeo.listens(hall, "Capulet", "Wherefore?")
            assert private.get("type") == "chat"
            await shows(juliet, "Speak-again")
            for line in ("/close", "/win 2", "/close"):
                juliet.type(line)
            await presence(romeo, role="none", gone=True)


async def test_profanity_makes_a_room_sets_it_up_rules_it_and_destroys_it(
    conference: Server, tmp_path: Path
) -> None:
    async with guests(conference, "romeo") as (romeo,):
        hall = f"profane@{SERVICE}"
        with profanity(conference, tmp_path) as juliet:
            await shows(juliet, "successfully")
            juliet.type(f"/join {hall} nick Juliet")
            await shows(juliet, "locked")
            assert await romeo.may_not_enter(hall) == "item-not-found"
            juliet.type("/room accept")
            await comes_in(romeo, hall)
            juliet.type("/role set moderator Romeo")
            await presence(romeo, role="moderator")
            juliet.type(f"/affiliation set member {ROMEO}")
            await presence(romeo, affiliation="member")
            juliet.type("/kick Romeo Begone")
            assert codes(await presence(romeo, gone=True)) == [110, 307]
            juliet.type(f"/invite send {ROMEO} Return")
            invited = (await romeo.gets()).find("{jabber:x:conference}x")
            assert invited is not None and invited.get("jid") == hall
            await romeo.enters(hall)
            juliet.type("/room destroy")
            gone = await presence(romeo, gone=True)
            assert gone.find(f"{U}x/{U}destroy") is not None


async def test_profanity_is_banned_and_may_not_enter_again(
    conference: Server, tmp_path: Path
) -> None:
    async with guests(conference, "romeo") as (romeo,):
        hall = await romeo.opens()
        with profanity(conference, tmp_path) as juliet:
            await shows(juliet, "successfully")
            juliet.type(f"/join {hall} nick Juliet")
            await romeo.sees(hall, "Juliet")
            await soon(romeo.muc.set_affiliation(hall, "outcast", jid=JULIET, reason="Enough"))
            assert codes(await presence(romeo, gone=True)) == [301]
            await shows(juliet, "Banned")
            juliet.type(f"/join {hall} nick Juliet")
            await shows(juliet, "forbidden")
