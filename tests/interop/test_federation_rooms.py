"""Rooms, and what people show, across servers (XEP-0045, XEP-0163)."""

from __future__ import annotations

from xml.etree.ElementTree import Element

import pytest

from tests.support.clients import soon
from tests.support.federated_xmppd import FederatedXmppd
from tests.support.federating import citizen, forget, here, subscribe
from tests.support.federation import Federated, Foreign
from tests.support.people import C

TUNE = "http://jabber.org/protocol/tune"
EVENT = "{http://jabber.org/protocol/pubsub#event}"
Pair = tuple[Federated, Federated]


@pytest.fixture(params=["theirs", "ours"])
def pair(request: pytest.FixtureRequest, xmppd: FederatedXmppd, peer: Foreign) -> Pair:
    """Who comes from elsewhere, and whose the room is."""
    return (xmppd, peer) if request.param == "theirs" else (peer, xmppd)


async def test_xep_0045_7_a_room_is_joined_from_the_other_server(pair: Pair) -> None:
    guest, house = pair
    room = f"hall{guest.name}@{house.rooms}"
    async with here(citizen("juliet", guest), citizen("romeo", house)) as (juliet, romeo):
        await romeo.opens(room, "Romeo")
        await juliet.enters(room, "Juliet")
        await romeo.learns(("available", f"{room}/Juliet"))
        for speaker, nick in ((juliet, "Juliet"), (romeo, "Romeo")):
            speaker.send_message(mto=room, mbody=f"{nick} is here", mtype="groupchat")
            for hearer in (juliet, romeo):
                await hearer.hears_of(f"{nick} is here", f"{room}/{nick}")
        juliet.send_message(mto=f"{room}/Romeo", mbody="Between us", mtype="chat")
        await romeo.hears_of("Between us", f"{room}/Juliet")
        juliet.send_presence(pto=f"{room}/Juliet", ptype="unavailable")
        await romeo.learns(("unavailable", f"{room}/Juliet"))


async def test_xep_0045_10_a_room_is_made_at_the_other_server(pair: Pair) -> None:
    guest, house = pair
    room = f"cell{guest.name}@{house.rooms}"
    async with here(citizen("juliet", guest), citizen("romeo", house)) as (juliet, romeo):
        await juliet.opens(room, "Juliet")
        await romeo.enters(room, "Romeo")
        juliet.send_message(mto=room, mbody="Welcome", mtype="groupchat")
        await romeo.hears_of("Welcome", f"{room}/Juliet")


async def test_xep_0045_7_14_who_loses_the_connection_leaves_the_room(pair: Pair) -> None:
    guest, house = pair
    room = f"gate{guest.name}@{house.rooms}"
    async with here(citizen("romeo", house)) as (romeo,):
        await romeo.opens(room, "Romeo")
        async with here(citizen("juliet", guest)) as (juliet,):
            await juliet.enters(room, "Juliet")
        await romeo.learns(("unavailable", f"{room}/Juliet"))


async def test_xep_0163_4_a_tune_comes_to_a_contact_who_wants_it(pair: Pair) -> None:
    """XEP-0118, by the contact's capabilities (XEP-0115), which are asked for across servers."""
    listener, player = pair
    people = (
        citizen("juliet", listener, "", "xep_0118", "xep_0115", "xep_0163"),
        citizen("romeo", player, "", "xep_0118", "xep_0163"),
    )
    async with here(*people) as (juliet, romeo):
        juliet.plugin["xep_0163"].add_interest(TUNE)
        await juliet.plugin["xep_0115"].update_caps()
        juliet.send_presence()
        await subscribe(juliet, romeo)
        await subscribe(romeo, juliet)
        await soon(romeo.plugin["xep_0118"].publish_tune(artist="The Musicians", title="Ease"))
        message = await juliet.notices_one(lambda each: of_node(each, TUNE))
        await forget(juliet, romeo)
        assert message.get("from") == romeo.bare
        assert "Ease" in "".join(message.itertext())


def of_node(message: Element, node: str) -> bool:
    items = message.find(f"{EVENT}event/{EVENT}items")
    return message.tag == f"{C}message" and items is not None and items.get("node") == node
