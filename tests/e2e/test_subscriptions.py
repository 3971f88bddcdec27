"""Presence subscriptions between slixmpp clients, on each store (RFC 6121 §3, XEP-0077 §3.2)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

import pytest

from tests.e2e.verona import VERONA, Server, running
from tests.support.clients import soon
from tests.support.company import BEHIND, Person, befriend, quiet, send, settled, there
from tests.support.people import C, item
from xmppd import ns

JULIET, ROMEO, NURSE, TYBALT = (
    f"{name}@{VERONA}" for name in ("juliet", "romeo", "nurse", "tybalt")
)
BALCONY, GARDEN, ORCHARD, STREET = (
    f"{JULIET}/balcony",
    f"{JULIET}/garden",
    f"{ROMEO}/orchard",
    f"{ROMEO}/street",
)
KITCHEN, SQUARE = f"{NURSE}/kitchen", f"{TYBALT}/square"
NICK = "http://jabber.org/protocol/nick"
STATUS, NAME = "It is the <east> & I", "Juliet \N{ROSE}"


@pytest.fixture
def server(store: Mapping[str, Any], tmp_path: Path) -> Iterator[Server]:
    tables = {"store": store, "registration": {"policy": "on"}}
    with running(tmp_path, tables, (JULIET, ROMEO)) as server:
        yield server


def restart(server: Server) -> None:
    server.process.kill()
    server.start()


async def test_3_1_to_3_3_from_strangers_to_friends_and_back(server: Server) -> None:
    async with there(server, BALCONY, GARDEN, ORCHARD) as (juliet, garden, romeo):
        hers = (juliet, garden)
        for person in hers:
            person.told()
        send(juliet, "subscribe", ORCHARD)  # the resource is cut off (§3.1.2)
        for person in hers:
            await person.is_told(("push", ROMEO, "none+ask"))
        (asked,) = await romeo.is_told(("subscribe", JULIET))
        assert asked.get("to") == ROMEO
        assert await romeo.contacts() == {}, "a request makes no item (§3.1.3)"
        send(romeo, "subscribed", JULIET)
        await romeo.is_told(("push", JULIET, "from"))
        granted = [("subscribed", ROMEO), ("push", ROMEO, "to"), ("available", ORCHARD)]
        for person in hers:
            await person.is_told(*granted)
        send(romeo, "subscribe", JULIET)
        await romeo.is_told(("push", JULIET, "from+ask"))
        for person in hers:
            await person.is_told(("subscribe", ROMEO))
        await quiet(juliet, garden, romeo)
        send(garden, "subscribed", ROMEO)
        for person in hers:
            await person.is_told(("push", ROMEO, "both"))
        await romeo.is_told(
            ("subscribed", JULIET),
            ("push", JULIET, "both"),
            ("available", BALCONY),
            ("available", GARDEN),
        )
        await quiet(juliet, garden, romeo)
        # §3.2: the contact cancels what he has granted
        send(romeo, "unsubscribed", JULIET)
        await romeo.is_told(("push", JULIET, "to"))
        for person in hers:
            await person.is_told(
                ("unsubscribed", ROMEO), ("push", ROMEO, "from"), ("unavailable", ORCHARD)
            )
        romeo.send_presence(pstatus="not for her")
        await quiet(juliet, garden, romeo)
        # §3.3: he unsubscribes
        send(romeo, "unsubscribe", JULIET)
        await romeo.is_told(
            ("push", JULIET, "none"), ("unavailable", BALCONY), ("unavailable", GARDEN)
        )
        for person in hers:
            await person.is_told(("unsubscribe", ROMEO), ("push", ROMEO, "none"))
        await quiet(juliet, garden, romeo)
        # §3.2.1: he refuses
        send(juliet, "subscribe", ROMEO)
        await romeo.is_told(("subscribe", JULIET))
        send(romeo, "unsubscribed", JULIET)
        for person in hers:
            await person.is_told(
                ("push", ROMEO, "none+ask"), ("unsubscribed", ROMEO), ("push", ROMEO, "none")
            )
        for person in (juliet, garden, romeo):
            person.send_presence(pstatus="for nobody")
        await settled(juliet, garden, romeo)
        assert ("available", BALCONY) not in romeo.told()
        await befriend(juliet, romeo)
    restart(server)
    async with there(server, BALCONY, ORCHARD) as (juliet, romeo):
        await juliet.is_told(("unavailable", ROMEO), ("available", ORCHARD))
        await romeo.is_told(("available", BALCONY))
        assert await juliet.contacts() == {ROMEO: {"subscription": "both"}}
        assert await romeo.contacts() == {JULIET: {"subscription": "both"}}
        # §2.5.2: who removes an item ends both
        assert (await juliet.ask(item(ROMEO, subscription="remove"), "set")).get("type") == "result"
        await juliet.is_told(("push", ROMEO, "remove"), ("unavailable", ORCHARD))
        await romeo.is_told(
            ("unsubscribe", JULIET),
            ("push", JULIET, "to"),
            ("unsubscribed", JULIET),
            ("push", JULIET, "none"),
            ("unavailable", BALCONY),
        )
        await quiet(juliet, romeo)


def request(juliet: Person, to: str) -> None:
    """Ask with all that a request may have."""
    asked = juliet.make_presence(pto=to, ptype="subscribe", pstatus=STATUS, pnick=NAME)
    asked["lang"] = "it"
    asked.send()


def is_hers(asked: Element) -> bool:
    status, nick = asked.find(f"{C}status"), asked.find(f"{{{NICK}}}nick")
    assert status is not None and nick is not None
    assert asked.get("{http://www.w3.org/XML/1998/namespace}lang") == "it"
    return (status.text, nick.text) == (STATUS, NAME)


async def test_3_1_3_who_is_away_is_asked_at_each_login_until_he_has_answered(
    server: Server,
) -> None:
    server.add((NURSE, TYBALT))
    async with Person(BALCONY, server, "xep_0172") as juliet:
        await juliet.contacts()
        for contact in (ROMEO, NURSE, TYBALT):
            request(juliet, contact)
            await juliet.is_told(("push", contact, "none+ask"))
        request(juliet, ROMEO)
        for contact in (ROMEO, NURSE, TYBALT):  # what comes behind the requests is answered
            await juliet.ask(BEHIND, to=contact)
    restart(server)
    async with Person(STREET, server) as street:
        await street.contacts()
        street.send_presence(ppriority=-5)
        (asked,) = await street.is_told(("subscribe", JULIET))
        assert is_hers(asked)
        async with Person(ORCHARD, server) as romeo:
            await quiet(romeo)
            romeo.send_presence()
            (asked, *_) = await romeo.is_told(("subscribe", JULIET), ("available", STREET))
            assert is_hers(asked)
            romeo.send_presence(pshow="away")
            await quiet(romeo)
    restart(server)
    async with there(server, ORCHARD, KITCHEN, SQUARE) as (romeo, nurse, tybalt):
        for person in (romeo, nurse, tybalt):
            assert is_hers((await person.is_told(("subscribe", JULIET)))[0])
        send(romeo, "subscribed", JULIET)
        await romeo.is_told(("push", JULIET, "from"))
        send(nurse, "unsubscribed", JULIET)
        await quiet(romeo, nurse)
        async with Person(BALCONY, server) as juliet:
            assert await juliet.contacts() == {
                ROMEO: {"subscription": "to"},
                NURSE: {"subscription": "none"},
                TYBALT: {"subscription": "none", "ask": "subscribe"},
            }
            send(juliet, "unsubscribe", TYBALT)
            await juliet.is_told(("push", TYBALT, "none"))
        await tybalt.is_told(("unsubscribe", JULIET))
        await quiet(romeo, nurse, tybalt)
    async with there(server, ORCHARD, KITCHEN, SQUARE) as people:
        await quiet(*people)


async def test_3_4_who_is_approved_in_advance_gets_in_while_the_user_is_away(
    server: Server,
) -> None:
    server.add((NURSE,))
    async with there(server, ORCHARD) as (romeo,):
        assert "preapproval" in romeo.features
        for contact in (JULIET, NURSE):
            send(romeo, "subscribed", contact)
            await romeo.is_told(("push", contact, "none+approved"))
        send(romeo, "unsubscribed", NURSE)
        await romeo.is_told(("push", NURSE, "none"))
    restart(server)
    async with there(server, BALCONY, KITCHEN) as (juliet, nurse):
        await quiet(juliet, nurse)
        for person in (juliet, nurse):
            send(person, "subscribe", ROMEO)
        await juliet.is_told(
            ("push", ROMEO, "none+ask"), ("subscribed", ROMEO), ("push", ROMEO, "to")
        )
        await nurse.is_told(("push", ROMEO, "none+ask"))
        await quiet(juliet, nurse)
        async with Person(ORCHARD, server) as romeo:
            assert await romeo.contacts() == {
                JULIET: {"subscription": "from", "approved": "true"},
                NURSE: {"subscription": "none"},
            }
            romeo.send_presence()
            await romeo.is_told(("subscribe", NURSE))
            await juliet.is_told(("available", ORCHARD))
            await quiet(juliet, nurse, romeo)


async def test_who_deletes_his_account_or_has_it_deleted_is_nobodys_contact_any_more(
    server: Server,
) -> None:
    server.add((NURSE, TYBALT))
    async with there(server, BALCONY, ORCHARD, KITCHEN, SQUARE) as (juliet, romeo, nurse, tybalt):
        await befriend(juliet, romeo)
        await befriend(juliet, tybalt)
        await befriend(nurse, romeo)
        send(tybalt, "subscribe", NURSE)
        await nurse.is_told(("subscribe", TYBALT))
        await nurse.leave()
        await settled(juliet, romeo, tybalt)
        juliet.told()
        remove = f"<query xmlns='{ns.REGISTER}'><remove/></query>"
        assert (await romeo.ask(remove, "set")).get("type") == "result"
        await soon(romeo.gone)
        ended = [
            ("unsubscribe", ROMEO),
            ("push", ROMEO, "to"),
            ("unsubscribed", ROMEO),
            ("push", ROMEO, "none"),
        ]
        await juliet.is_told(("unavailable", ORCHARD), *ended)
        await quiet(juliet)
        await tybalt.leave()
        await juliet.is_told(("unavailable", SQUARE))
    restart(server)
    async with there(server, BALCONY) as (juliet,):
        await juliet.is_told(("unavailable", TYBALT))
        assert await juliet.contacts() == {
            ROMEO: {"subscription": "none"},
            TYBALT: {"subscription": "both"},
        }
        done = server.process.ctl("deluser", "--yes", TYBALT)
        assert done.returncode == 0, done.stderr
        await juliet.is_told(
            ("unsubscribe", TYBALT),
            ("push", TYBALT, "to"),
            ("unsubscribed", TYBALT),
            ("push", TYBALT, "none"),
        )
        await quiet(juliet)
    server.add((ROMEO, TYBALT))
    async with there(server, ORCHARD, SQUARE, KITCHEN, BALCONY) as (romeo, tybalt, nurse, juliet):
        assert await romeo.contacts() == await tybalt.contacts() == {}
        assert await nurse.contacts() == {ROMEO: {"subscription": "none"}}
        await quiet(romeo, tybalt, nurse, juliet)
