"""Presence between slixmpp clients, on each store (RFC 6121 §4; XEP-0012, XEP-0203)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

import pytest

from tests.e2e.verona import VERONA, Server, running
from tests.support.company import Person, befriend, quiet, settled, subscribe, there
from tests.support.people import C
from tests.support.server import condition
from xmppd import ns

JULIET, ROMEO, NURSE = (f"{name}@{VERONA}" for name in ("juliet", "romeo", "nurse"))
BALCONY, GARDEN, ORCHARD, KITCHEN = (
    f"{JULIET}/balcony",
    f"{JULIET}/garden",
    f"{ROMEO}/orchard",
    f"{NURSE}/kitchen",
)
STATUS = "It is my <lady> & my 'love' \N{ROSE}"
LAST = f"<query xmlns='{ns.LAST}'/>"


@pytest.fixture
def server(store: Mapping[str, Any], tmp_path: Path) -> Iterator[Server]:
    with running(tmp_path, {"store": store}, (JULIET, ROMEO, NURSE)) as server:
        yield server


def shown(presence: Element) -> dict[str, str | None]:
    """What a user says of himself: show, status, priority."""
    return {e.tag.removeprefix(C): e.text for e in presence if e.tag.startswith(C)}


def delayed(presence: Element) -> bool:
    """Whether it is stamped by the server, with some time of the last minute (XEP-0203)."""
    delay = presence.find("{urn:xmpp:delay}delay")
    if delay is None:
        return False
    assert delay.get("from") == VERONA
    at = datetime.strptime(delay.get("stamp", "")[:19], "%Y-%m-%dT%H:%M:%S")
    now = datetime.now(UTC)
    assert timedelta(0) <= now - at.replace(tzinfo=UTC) < timedelta(minutes=1)
    return True


async def test_4_2_to_4_5_who_sees_whom_when_they_come_change_and_go(server: Server) -> None:
    async with there(server, BALCONY, ORCHARD, KITCHEN) as (juliet, romeo, nurse):
        await befriend(juliet, romeo)
        await subscribe(juliet, nurse)
    server.process.kill()
    server.start()
    async with AsyncExitStack() as stack:
        juliet, garden, romeo, nurse = [
            await stack.enter_async_context(Person(jid, server))
            for jid in (BALCONY, GARDEN, ORCHARD, KITCHEN)
        ]
        romeo.send_presence(pshow="away", pstatus=STATUS, ppriority=5)
        await romeo.is_told(("unavailable", JULIET))
        nurse.send_presence()
        await quiet(romeo, nurse)  # she may not see Juliet
        # §4.2, §4.3: whoever becomes available is told of all, and they of her
        juliet.send_presence()
        his, hers = await juliet.is_told(("available", ORCHARD), ("available", KITCHEN))
        assert shown(his) == {"show": "away", "status": STATUS, "priority": "5"}
        assert shown(hers) == {}
        assert delayed(his) and delayed(hers)
        (live,) = await romeo.is_told(("available", BALCONY))
        assert not delayed(live)
        garden.send_presence(ppriority=-1)
        await garden.is_told(("available", BALCONY), ("available", ORCHARD), ("available", KITCHEN))
        for person in (juliet, romeo):
            await person.is_told(("available", GARDEN))
        await quiet(juliet, garden, romeo, nurse)
        # §4.7.2.3, §8.5.2: the priority says who gets a message
        romeo.say(JULIET, "to the balcony")
        assert await juliet.hears("to the balcony") == ORCHARD
        garden.send_presence(ppriority=7)
        await juliet.is_told(("available", GARDEN))
        await romeo.is_told(("available", GARDEN))
        romeo.say(JULIET, "to the garden")
        assert await garden.hears("to the garden") == ORCHARD
        # §4.4: an update goes to subscribers, and asks for nobody
        romeo.send_presence(pshow="dnd", pstatus="I fence", ppriority=5)
        for person in (juliet, garden):
            (update,) = await person.is_told(("available", ORCHARD))
            assert shown(update) == {"show": "dnd", "status": "I fence", "priority": "5"}
        juliet.send_presence(pshow="xa")
        await romeo.is_told(("available", BALCONY))
        await garden.is_told(("available", BALCONY))
        await quiet(juliet, garden, romeo, nurse)
        # §4.5: so does the end
        romeo.send_presence(ptype="unavailable", pstatus=STATUS)
        for person in (juliet, garden):
            (farewell,) = await person.is_told(("unavailable", ORCHARD))
            assert shown(farewell) == {"status": STATUS}
        juliet.send_presence(pshow="chat")
        await garden.is_told(("available", BALCONY))
        await quiet(romeo)  # who is unavailable is told nothing
        romeo.send_presence()
        (balcony, _) = await romeo.is_told(("available", BALCONY), ("available", GARDEN))
        assert shown(balcony) == {"show": "chat"}
        for person in (juliet, garden):
            await person.is_told(("available", ORCHARD))
        juliet.abort()  # the connection drops
        await romeo.is_told(("unavailable", BALCONY))
        await garden.is_told(("unavailable", BALCONY))
        await quiet(garden, romeo, nurse)


async def test_4_6_who_was_shown_presence_is_told_of_its_end_however_it_ends(
    server: Server,
) -> None:
    ways = ("leaves", "drops", "is unavailable", "hides")
    async with there(server, KITCHEN) as (nurse,):
        for available, how in product((True, False), ways):
            async with Person(BALCONY, server) as juliet:
                if available:
                    juliet.send_presence()
                juliet.send_presence(pto=KITCHEN, pstatus=STATUS)
                (came,) = await nurse.is_told(("available", BALCONY))
                assert (shown(came), came.get("to")) == ({"status": STATUS}, KITCHEN)
                if available:
                    juliet.send_presence(pshow="away")
                await settled(juliet)
                await quiet(nurse)  # §4.6.3: no update
                if how == "drops":
                    juliet.abort()
                elif how == "leaves":
                    await juliet.leave()
                elif how == "is unavailable":
                    juliet.send_presence(ptype="unavailable", pstatus="Good night")
                else:
                    juliet.send_presence(pto=KITCHEN, ptype="unavailable", pstatus="Good night")
                (end,) = await nurse.is_told(("unavailable", BALCONY))
                said = how in ("is unavailable", "hides")
                assert shown(end) == ({"status": "Good night"} if said else {})
            await quiet(nurse)  # once, and no more


async def test_4_3_2_and_xep_0012_the_last_word_is_told_to_who_may_know_it(server: Server) -> None:
    async with there(server, BALCONY, ORCHARD) as (juliet, romeo):
        await befriend(juliet, romeo)
        await juliet.leave()
        romeo.send_presence(ptype="unavailable", pstatus="Adieu, adieu")
        await settled(romeo)
        await romeo.leave()

    async def told(person: Person) -> tuple[str, str | None]:
        last = await person.ask(LAST, to=ROMEO)
        query = last.find(f"{{{ns.LAST}}}query")
        assert query is not None and 0 <= int(query.get("seconds", "")) < 60
        return last.get("type", ""), query.text

    for restarted in (False, True):
        if restarted:
            server.process.kill()
            server.start()
        async with there(server, BALCONY, KITCHEN) as (juliet, nurse):
            (farewell,) = await juliet.is_told(("unavailable", ROMEO))
            assert shown(farewell) == {"status": "Adieu, adieu"}
            assert delayed(farewell)
            assert await told(juliet) == ("result", "Adieu, adieu")
            assert condition(await nurse.ask(LAST, to=ROMEO)) == "forbidden"
            nobody = await nurse.ask(LAST, to=f"nobody@{VERONA}")
            assert condition(nobody) == "forbidden", "as if there were nobody"
            nurse.send_presence(pto=ROMEO, ptype="probe")
            await settled(nurse)
            await nurse.ask(LAST, to=ROMEO)
            await quiet(juliet, nurse)  # "unsubscribed" is no news to who is not (§3.2.3)
    async with there(server, BALCONY, ORCHARD) as (juliet, romeo):
        await juliet.is_told(("unavailable", ROMEO), ("available", ORCHARD))
        romeo.send_presence(pstatus="no last word")
        await settled(romeo)
        romeo.abort()
        await juliet.is_told(("available", ORCHARD), ("unavailable", ORCHARD))
        await settled(juliet)
    async with there(server, BALCONY) as (juliet,):
        (farewell,) = await juliet.is_told(("unavailable", ROMEO))
        assert shown(farewell) == {}, "a connection that is lost says nothing"
        assert delayed(farewell)
        assert await told(juliet) == ("result", None)
