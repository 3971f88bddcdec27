"""What anybody finds out about chatrooms, by slixmpp at a running server (XEP-0045 §6)."""

from __future__ import annotations

import asyncio
from typing import Any

from slixmpp import JID

from components.muc.names import MUC, MUC_ROOMCONFIG, STABLE_ID
from tests.e2e.verona import VERONA, Server
from tests.support.clients import soon
from tests.support.muc_guests import SERVICE, Guest, fails, guests
from xmppd import ns


async def info(guest: Guest, jid: str, node: str | None = None) -> Any:
    answer = await soon(guest.plugin["xep_0030"].get_info(jid=JID(jid), node=node))
    return answer["disco_info"]


async def items(guest: Guest, jid: str) -> dict[str, str]:
    answer = await soon(guest.plugin["xep_0030"].get_items(jid=JID(jid)))
    return {str(each[0]): each[2] for each in answer["disco_items"]["items"]}


async def test_6_1_and_6_2_the_service_is_found_and_says_what_it_is(conference: Server) -> None:
    async with guests(conference, "juliet") as (juliet,):
        assert SERVICE in await items(juliet, VERONA)
        found = await info(juliet, SERVICE)
        assert ("conference", "text") in {each[:2] for each in found["identities"]}
        assert {MUC, STABLE_ID} <= found["features"]


async def test_6_3_public_rooms_are_listed_and_hidden_ones_are_not(conference: Server) -> None:
    async with guests(conference, "juliet", "romeo") as (juliet, romeo):
        public = await juliet.opens(roomname="The hall", publicroom=True)
        hidden = await juliet.opens(publicroom=False)
        locked = await juliet.creates()
        listed = await items(romeo, SERVICE)
        assert listed[public].startswith("The hall")
        assert hidden not in listed and locked not in listed


async def test_6_4_a_room_says_how_it_is_set_up(conference: Server) -> None:
    async with guests(conference, "juliet", "romeo") as (juliet, romeo):
        hall = await juliet.opens(
            roomname="The hall", roomdesc="A feast", moderatedroom=True, whois="anyone"
        )
        found = await info(romeo, hall)
        assert ("conference", "text", None, "The hall") in found["identities"]
        expected = {"muc_moderated", "muc_nonanonymous", "muc_open", "muc_unsecured"}
        assert expected | {MUC, STABLE_ID, "muc_public", "muc_temporary"} <= found["features"]
        form = found.xml.find(f"{{{ns.DATA_FORM}}}x")
        assert form is not None
        told = {each.get("var"): each.findtext("{*}value") for each in form}
        assert told["muc#roominfo_description"] == "A feast"
        assert told["muc#roominfo_occupants"] == "1"
        assert told["FORM_TYPE"] == "http://jabber.org/protocol/muc#roominfo"
        await juliet.configures(hall, membersonly=True, passwordprotectedroom=True, roomsecret="x")
        found = await info(romeo, hall)
        assert {"muc_membersonly", "muc_passwordprotected"} <= found["features"]


async def test_6_5_who_is_in_a_room_is_private(conference: Server) -> None:
    async with guests(conference, "juliet", "romeo") as (juliet, romeo):
        hall = await juliet.opens()
        assert await items(romeo, hall) == {}


async def test_6_6_only_occupants_ask_occupants(conference: Server) -> None:
    async with guests(conference, "juliet", "romeo") as (juliet, romeo):
        hall = await juliet.opens()
        asked = romeo.plugin["xep_0030"].get_info(jid=JID(f"{hall}/Juliet"))
        assert await fails(asked) == "bad-request"
        await romeo.enters(hall)
        found = await info(romeo, f"{hall}/Juliet")
        assert "client" in {each[0] for each in found["identities"]}


async def test_18_1_1_nothing_is_taken_out_of_traffic(conference: Server) -> None:
    async with guests(conference, "juliet") as (juliet,):
        hall = await juliet.opens()
        asked = juliet.plugin["xep_0030"].get_info(jid=JID(hall), node=f"{MUC}#traffic")
        assert await fails(asked) == "service-unavailable"


async def test_16_3_forms_that_are_understood_are_named(conference: Server) -> None:
    async with guests(conference, "juliet") as (juliet,):
        hall = await juliet.opens()
        service, room = await asyncio.gather(info(juliet, SERVICE), info(juliet, hall))
        assert MUC_ROOMCONFIG in service["features"] | room["features"]
