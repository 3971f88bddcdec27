"""What owners do, and what rooms do besides, by slixmpp at a running server (XEP-0045 §10)."""

from __future__ import annotations

from xml.etree.ElementTree import Element

from slixmpp import JID

from components.muc.names import OCCUPANT_ID
from tests.e2e.verona import MASKS, Server
from tests.support.clients import soon
from tests.support.conference import U, codes
from tests.support.configuring import submitted
from tests.support.forms import field
from tests.support.muc_guests import SERVICE, Guest, fails, guests, item
from tests.support.people import C
from tests.support.server import DOMAIN, condition
from xmppd import ns

ROMEO, NURSE = (f"{name}@{DOMAIN}" for name in ("romeo", "nurse"))
INSTANT = (
    "<query xmlns='http://jabber.org/protocol/muc#owner'>"
    f"<x xmlns='{ns.DATA_FORM}' type='submit'/></query>"
)


async def test_10_1_2_an_instant_room(conference: Server) -> None:
    async with guests(conference, "juliet", "romeo") as (juliet, romeo):
        hall = await juliet.creates()
        assert (await juliet.asks(hall, INSTANT, "set")).get("type") == "result"
        own, *_ = await romeo.enters(hall)
        assert codes(own.xml) == [110]


async def test_10_1_3_a_reserved_room_and_one_that_was_canceled(conference: Server) -> None:
    async with guests(conference, "juliet", "romeo") as (juliet, romeo):
        hall = await juliet.opens(roomname="The hall", moderatedroom=True)
        own, *_ = await romeo.enters(hall)
        assert item(own.xml)["role"] == "visitor"
        other = await juliet.creates()
        await soon(juliet.muc.cancel_config(other))
        gone = await juliet.gets("presence")
        assert (gone.get("type"), gone.get("from")) == ("unavailable", f"{other}/Juliet")
        assert gone.find(f"{U}x/{U}destroy") is not None
        refused = juliet.muc.get_room_config(other)
        assert await fails(refused) == "item-not-found"


async def test_10_1_3_what_makes_no_sense_is_not_acceptable(conference: Server) -> None:
    async with guests(conference, "juliet") as (juliet,):
        hall = await juliet.creates()
        asked = juliet.configures(hall, passwordprotectedroom=True, roomsecret="")
        assert await fails(asked) == "not-acceptable"


async def test_10_1_3_a_guest_makes_no_room_that_stays(conference: Server) -> None:
    async with Guest("mask", conference, masks=MASKS) as mask:
        assert isinstance(mask, Guest)
        hall = await mask.creates()
        await mask.configures(hall, roomname="The hall")
        stays = submitted(field("muc#roomconfig_persistentroom", "1"))
        assert condition(await mask.asks(hall, stays, "set")) == "not-acceptable"


async def test_10_2_owners_see_how_a_room_is_set_up_and_change_it(conference: Server) -> None:
    async with guests(conference, "juliet", "romeo") as (juliet, romeo):
        hall = await juliet.opens(roomname="The hall")
        await romeo.enters(hall)
        assert await fails(romeo.muc.get_room_config(hall)) == "forbidden"
        form = await soon(juliet.muc.get_room_config(hall))
        assert form.get_values()["muc#roomconfig_roomname"] == "The hall"
        await juliet.configures(hall, roomname="The orchard")
        assert codes(await romeo.gets()) == [104], "§10.2.1"
        await juliet.configures(hall, whois="anyone")
        assert codes(await romeo.gets()) == [172]
        await juliet.configures(hall, whois="moderators", enablelogging=True)
        assert codes(await romeo.gets()) == [170, 173]
        romeo.forgets()
        await juliet.configures(hall, membersonly=True)
        assert codes(await romeo.sees(hall, "Romeo", "unavailable")) == [110, 322]


async def test_10_2_admins_and_owners_are_named_in_the_form(conference: Server) -> None:
    async with guests(conference, "juliet", "romeo") as (juliet, romeo):
        hall = await juliet.opens()
        await romeo.enters(hall)
        await juliet.configures(hall, roomadmins=[ROMEO])
        seen = item(await romeo.sees(hall, "Romeo"))
        assert (seen["affiliation"], seen["role"]) == ("admin", "moderator")
        assert await soon(juliet.muc.get_affiliation_list(hall, "admin")) == [ROMEO]


async def test_10_3_to_10_5_owners_are_made_listed_and_unmade(conference: Server) -> None:
    async with guests(conference, "juliet", "romeo") as (juliet, romeo):
        hall = await juliet.opens()
        await romeo.enters(hall)
        mine = f"juliet@{DOMAIN}"
        last = juliet.muc.set_affiliation(hall, "none", jid=mine)
        assert await fails(last) == "conflict"
        await soon(juliet.muc.set_affiliation(hall, "owner", jid=ROMEO))
        seen = item(await romeo.sees(hall, "Romeo"))
        assert (seen["affiliation"], seen["role"]) == ("owner", "moderator")
        listed = await soon(romeo.muc.get_affiliation_list(hall, "owner"))
        assert sorted(map(str, listed)) == [mine, ROMEO]
        await soon(juliet.muc.set_affiliation(hall, "member", jid=mine))
        refused = juliet.muc.get_affiliation_list(hall, "owner")
        assert await fails(refused) == "forbidden"


async def test_10_6_to_10_8_admins_are_made_listed_and_unmade(conference: Server) -> None:
    async with guests(conference, "juliet", "romeo", "nurse") as (juliet, romeo, nurse):
        hall = await juliet.opens()
        await romeo.enters(hall)
        await soon(juliet.muc.set_affiliation(hall, "admin", jid=ROMEO))
        assert item(await romeo.sees(hall, "Romeo"))["affiliation"] == "admin"
        refused = romeo.muc.set_affiliation(hall, "admin", jid=NURSE)
        assert await fails(refused) == "forbidden"
        changed = [(ROMEO, "none"), (NURSE, "admin")]
        await soon(juliet.muc.send_affiliation_list(hall, changed))
        assert await soon(juliet.muc.get_affiliation_list(hall, "admin")) == [NURSE]
        own, *_ = await nurse.enters(hall)
        assert item(own.xml)["role"] == "moderator"


async def test_10_9_a_room_is_destroyed_and_says_where_else_to_meet(conference: Server) -> None:
    async with guests(conference, "juliet", "romeo") as (juliet, romeo):
        hall = await juliet.opens(persistentroom=True)
        await romeo.enters(hall)
        assert await fails(romeo.muc.destroy(hall)) == "forbidden"
        cell = f"cell@{SERVICE}"
        await soon(juliet.muc.destroy(hall, "The day is near", cell))
        gone = await romeo.sees(hall, "Romeo", "unavailable")
        destroy = gone.find(f"{U}x/{U}destroy")
        assert destroy is not None and destroy.get("jid") == cell
        assert destroy.findtext(f"{U}reason") == "The day is near"
        assert await fails(juliet.muc.get_room_config(hall)) == "item-not-found"


async def test_10_a_persistent_room_outlives_its_occupants(conference: Server) -> None:
    async with guests(conference, "juliet", "romeo") as (juliet, romeo):
        hall = await juliet.opens(persistentroom=True)
        juliet.leaves(hall)
        await juliet.sees(hall, "Juliet", "unavailable")
        own, *_ = await romeo.enters(hall)
        assert codes(own.xml) == [110], "it is no new room"


# ---------------------------------------------------------------------- what rooms do besides


async def test_xep_0313_the_archive_of_a_room(conference: Server) -> None:
    async with guests(conference, "juliet", "romeo") as (juliet, romeo):
        hall = await juliet.opens()
        for line in ("one", "two", "three"):
            juliet.says(hall, line)
            await juliet.listens(hall, "Juliet", line)
        await romeo.enters(hall)
        found = []
        async for each in romeo.plugin["xep_0313"].iterate(jid=JID(hall), rsm={"max": 2}):
            message = each["mam_result"]["forwarded"]["stanza"]
            found.append((str(message["from"]), message["body"]))
        assert [body for _, body in found if body] == ["one", "two", "three"]
        assert found[0][0] == f"{hall}/Juliet"


async def test_xep_0425_a_moderator_takes_a_message_back(conference: Server) -> None:
    async with guests(conference, "juliet", "romeo") as (juliet, romeo):
        hall = await juliet.opens()
        await romeo.enters(hall)
        await juliet.sees(hall, "Romeo")
        romeo.says(hall, "A plague!")
        said = await juliet.listens(hall, "Romeo", "A plague!")
        id_ = said.find(f"{{{ns.STANZA_ID}}}stanza-id")
        assert id_ is not None and id_.get("by") == hall
        moderation = romeo.plugin["xep_0425"].moderate(JID(hall), id_.get("id"))
        assert await fails(moderation) == "forbidden"
        await soon(juliet.plugin["xep_0425"].moderate(JID(hall), id_.get("id"), "Peace"))
        retracted = await juliet.gets()
        assert (retracted.get("from"), retracted.get("type")) == (hall, "groupchat")
        retract = retracted.find("{urn:xmpp:message-retract:1}retract")
        assert retract is not None and retract.get("id") == id_.get("id")


async def test_xep_0410_somebody_pings_himself(conference: Server) -> None:
    async with guests(conference, "juliet", "romeo") as (juliet, romeo):
        hall = await juliet.opens()
        own = JID(f"{hall}/Romeo")
        ping = romeo.plugin["xep_0410"].send_self_ping
        assert (await soon(ping(own))).name == "DISCONNECTED"
        await romeo.enters(hall)
        assert (await soon(ping(own))).name == "JOINED"


async def test_xep_0421_occupants_have_ids_that_stay(conference: Server) -> None:
    async with guests(conference, "juliet", "romeo") as (juliet, romeo):
        hall = await juliet.opens()
        await romeo.enters(hall)
        first = await juliet.sees(hall, "Romeo")
        romeo.leaves(hall)
        await juliet.sees(hall, "Romeo", "unavailable")
        await romeo.enters(hall, "Montague")
        second = await juliet.sees(hall, "Montague")
        romeo.says(hall, "Neither")
        said = await juliet.listens(hall, "Montague", "Neither")
        name = f"{{{OCCUPANT_ID}}}occupant-id"
        ids = {each.find(name).get("id") for each in (first, second, said)}  # type: ignore[union-attr]
        assert len(ids) == 1
        info = await soon(romeo.plugin["xep_0030"].get_info(jid=JID(hall)))
        assert OCCUPANT_ID in info["disco_info"]["features"]


async def test_a_message_without_a_body_is_for_those_inside(conference: Server) -> None:
    """§7.4: whatever it has; here a chat state."""
    async with guests(conference, "juliet", "romeo") as (juliet, romeo):
        hall = await juliet.opens()
        await romeo.enters(hall)
        message = romeo.make_message(mto=JID(hall), mtype="groupchat")
        message.xml.append(_composing())
        message.send()
        heard = await romeo.gets()
        assert heard.find("{http://jabber.org/protocol/chatstates}composing") is not None
        assert heard.find(f"{C}body") is None


def _composing() -> Element:
    return Element("{http://jabber.org/protocol/chatstates}composing")
