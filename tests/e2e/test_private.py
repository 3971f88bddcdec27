"""What is kept of a user: private XML, bookmarks, when he was last there; by slixmpp's plug-ins."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from slixmpp.exceptions import IqError
from slixmpp.plugins.xep_0048 import Bookmarks
from slixmpp.xmlstream import ElementBase

from tests.e2e.verona import VERONA, Server, running
from tests.support.clients import Client, soon
from tests.support.server import PASSWORD

JULIET, ROMEO, NURSE = (f"{name}@{VERONA}" for name in ("juliet", "romeo", "nurse"))
BALCONY, ORCHARD = f"{JULIET}/balcony", f"{ROMEO}/orchard"
PLUGINS = ("xep_0012", "xep_0030", "xep_0048", "xep_0049")
BODY = 'Ay me! <&> \N{ROSE}\n \'tis "night"'


class Notes(ElementBase):
    """An element that some client keeps."""

    namespace = "urn:example:notes"
    name = plugin_attrib = "notes"
    interfaces = {"text", "colour"}
    sub_interfaces = {"text"}


@pytest.fixture
def server(store: Mapping[str, Any], tmp_path: Path) -> Iterator[Server]:
    with running(tmp_path, {"store": store}, (JULIET, ROMEO, NURSE)) as server:
        yield server


class Person(Client):
    """A client with the plug-ins of these tests."""

    def __init__(self, jid: str, server: Server) -> None:
        super().__init__(jid, PASSWORD, server, plugins=PLUGINS)
        self.plugin["xep_0049"].register(Notes)
        self.changes: asyncio.Queue[Any] = asyncio.Queue()
        self.add_event_handler("roster_update", self.changes.put_nowait)
        self.farewells: asyncio.Queue[Any] = asyncio.Queue()
        self.add_event_handler("presence_unavailable", self.farewells.put_nowait)

    async def appear(self) -> None:
        """Get the roster, and be available from then on."""
        await soon(self.get_roster())
        self.send_presence()

    async def last(self, jid: str) -> tuple[int, str]:
        """Seconds and status that an address answers."""
        answer = await soon(self.plugin["xep_0012"].get_last_activity(jid))
        # No status is None or empty, by the version of slixmpp.
        return answer["last_activity"]["seconds"], answer["last_activity"]["status"] or ""

    async def refused(self, jid: str) -> str:
        """The condition of the error that an address answers instead."""
        with pytest.raises(IqError) as caught:
            await self.last(jid)
        return str(caught.value.condition)


async def befriend(one: Person, other: Person) -> None:
    """Have two people who are available subscribe to each other, as slixmpp does by itself."""
    one.send_presence_subscription(other.boundjid.bare, ptype="subscribe")
    for person, friend in ((one, other), (other, one)):
        jid = friend.boundjid.bare
        while person.client_roster[jid]["subscription"] != "both":
            await soon(person.changes.get())


async def gone(watcher: Person, jid: str) -> None:
    """Wait until `watcher` has been told that somebody has left."""
    while (await soon(watcher.farewells.get()))["from"] != jid:
        pass


async def test_xep_0049_what_a_client_keeps_is_there_after_a_restart(server: Server) -> None:
    notes = Notes()
    notes["text"], notes["colour"] = BODY, "a'b\"c <d>"
    async with Person(BALCONY, server) as juliet:
        assert (await soon(juliet.plugin["xep_0049"].retrieve("notes")))["private"]["notes"][
            "text"
        ] == ""
        await soon(juliet.plugin["xep_0049"].store(notes))
    server.process.stop()
    server.start()
    async with Person(f"{JULIET}/chamber", server) as juliet, Person(ORCHARD, server) as romeo:
        kept = (await soon(juliet.plugin["xep_0049"].retrieve("notes")))["private"]["notes"]
        assert (kept["text"], kept["colour"]) == (BODY, "a'b\"c <d>")
        others = (await soon(romeo.plugin["xep_0049"].retrieve("notes")))["private"]["notes"]
        assert others["text"] == ""


async def test_xep_0049_2_3_nobody_reads_what_another_keeps(server: Server) -> None:
    async with Person(ORCHARD, server) as romeo:
        asking = romeo.make_iq_get(ito=JULIET)
        asking["private"].enable("notes")
        with pytest.raises(IqError) as caught:
            await soon(asking.send())
        assert caught.value.condition == "forbidden"


async def test_xep_0048_bookmarks_are_there_after_the_server_was_killed(server: Server) -> None:
    bookmarks = Bookmarks()
    bookmarks.add_conference(
        f"theplay@conference.{VERONA}", "JC", "The Play's the Thing", True, "friends & <romans>"
    )
    bookmarks.add_url("http://the-tech.mit.edu/?a=1&b=2", "Complete Works")
    async with Person(BALCONY, server) as juliet:
        await soon(juliet.plugin["xep_0048"].set_bookmarks(bookmarks))
        server.process.kill()
    server.start()
    async with Person(BALCONY, server) as juliet:
        answer = await soon(juliet.plugin["xep_0048"].get_bookmarks())
        kept = answer["private"]["bookmarks"]
        (room,) = kept["conferences"]
        assert {key: room[key] for key in ("jid", "nick", "name", "autojoin", "password")} == {
            "jid": f"theplay@conference.{VERONA}",
            "nick": "JC",
            "name": "The Play's the Thing",
            "autojoin": True,
            "password": "friends & <romans>",
        }
        assert [(url["url"], url["name"]) for url in kept["urls"]] == [
            ("http://the-tech.mit.edu/?a=1&b=2", "Complete Works")
        ]


async def test_xep_0012_contacts_learn_when_a_user_was_last_there_and_strangers_do_not(
    server: Server,
) -> None:
    async with Person(ORCHARD, server) as romeo, Person(f"{NURSE}/kitchen", server) as nurse:
        await romeo.appear()
        async with Person(BALCONY, server) as juliet:
            await juliet.appear()
            await befriend(romeo, juliet)
            assert await romeo.last(JULIET) == (0, "")
            await juliet.plugin["xep_0012"].set_last_activity(juliet.boundjid, 600, "asleep")
            seconds, status = await romeo.last(BALCONY)
            assert (seconds >= 600, status) == (True, "asleep"), "her client answers for itself"
            for to in (JULIET, BALCONY, f"nobody@{VERONA}", f"nobody@{VERONA}/balcony"):
                assert await nurse.refused(to) == "forbidden", to
            juliet.send_presence(ptype="unavailable", pstatus="Heading Home")
            await gone(romeo, BALCONY)
        seconds, status = await romeo.last(JULIET)
        assert (0 <= seconds < 60, status) == (True, "Heading Home")
        assert await romeo.refused(BALCONY) == "service-unavailable"
        for to in (JULIET, BALCONY, f"nobody@{VERONA}", f"nobody@{VERONA}/balcony"):
            assert await nurse.refused(to) == "forbidden", to
    server.process.stop()
    server.start()
    async with Person(ORCHARD, server) as romeo:
        _, status = await romeo.last(JULIET)
        assert status == "Heading Home", "it is stored"


async def test_xep_0030_8_contacts_see_an_account_and_its_resources_and_strangers_do_not(
    server: Server,
) -> None:
    async with (
        Person(ORCHARD, server) as romeo,
        Person(BALCONY, server) as juliet,
        Person(f"{NURSE}/kitchen", server) as nurse,
    ):
        await romeo.appear()
        await juliet.appear()
        await befriend(romeo, juliet)
        info = (await soon(romeo.plugin["xep_0030"].get_info(JULIET)))["disco_info"]
        assert [(kind, type_) for kind, type_, *_ in info["identities"]] == [
            ("account", "registered")
        ]
        items = (await soon(romeo.plugin["xep_0030"].get_items(JULIET)))["disco_items"]["items"]
        assert [str(jid) for jid, *_ in items] == [BALCONY]
        for to in (JULIET, f"nobody@{VERONA}"):
            with pytest.raises(IqError) as caught:
                await soon(nurse.plugin["xep_0030"].get_info(to))
            assert caught.value.condition == "service-unavailable"
            assert not (await soon(nurse.plugin["xep_0030"].get_items(to)))["disco_items"]["items"]
