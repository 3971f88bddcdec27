"""A component that is written with slixmpp and nothing else, at xmppd's core."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from typing import Any
from xml.etree import ElementTree

import pytest
import slixmpp

from tests.e2e.verona import VERONA, Server, running
from tests.support.clients import Client, soon
from tests.support.ports import free_port
from tests.support.server import PASSWORD
from xmppd import ns

SECRET = "what's in a name"
BOT = f"bot.{VERONA}"
JULIET, ROMEO = (f"{name}@{VERONA}" for name in ("juliet", "romeo"))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server on ports that it keeps, so that it can come back."""
    listen = {
        key: [f"tcp:{free_port()}:interface=127.0.0.1"] for key in ("c2s", "c2s_tls", "component")
    }
    grants: dict[str, Mapping[str, Any]] = {
        f'components."{BOT}"': {
            "secret": SECRET,
            "roster": "both",
            "message": "outgoing",
            "presence": "managed_entity",
        },
        f'components."{BOT}".iq': {f'"{ns.PRIVATE}"': "both"},
    }
    where = tmp_path_factory.mktemp("slixmpp")
    with running(where, {"listen": listen, **grants}, [JULIET, ROMEO]) as server:
        yield server


class Bot(slixmpp.ComponentXMPP):  # type: ignore[misc]
    """As slixmpp's own examples write one."""

    def __init__(self, port: int) -> None:
        super().__init__(BOT, SECRET, "127.0.0.1", port)
        for plugin in ("xep_0030", "xep_0199", "xep_0356"):
            self.register_plugin(plugin)
        self.plugin["xep_0030"].add_identity("client", "bot", name="Bot")
        self.granted = asyncio.Event()
        self.presences: asyncio.Queue[Any] = asyncio.Queue()
        self.add_event_handler("message", self._echo)
        self.add_event_handler("privileges_advertised", lambda _: self.granted.set())
        for event in ("presence_available", "presence_unavailable"):
            self.add_event_handler(event, self.presences.put_nowait)

    def _echo(self, message: Any) -> None:
        if message["type"] == "chat" and message["body"]:
            message.reply(message["body"].upper()).send()

    async def keep_connected(self) -> None:
        """Connect, and once more whenever the connection is lost."""
        while True:
            lost = self.wait_until("disconnected", timeout=3_600)
            self.connect()
            await lost
            await asyncio.sleep(0.2)


@asynccontextmanager
async def connected(server: Server) -> AsyncIterator[Bot]:
    bot = Bot(server.process.ports["component"])
    bot.plugin["xep_0356"].granted_privileges.clear()
    keeping = asyncio.create_task(bot.keep_connected())
    try:
        await soon(bot.granted.wait())
        yield bot
    finally:
        keeping.cancel()
        await soon(bot.disconnect())
        bot.cancel_connection_attempt()


async def test_it_is_found_pinged_and_spoken_to(server: Server) -> None:
    plugins = ("xep_0030", "xep_0199")
    async with connected(server), Client(JULIET, PASSWORD, server, plugins=plugins) as juliet:
        items = await juliet.plugin["xep_0030"].get_items(VERONA)
        assert BOT in {item[0] for item in items["disco_items"]["items"]}
        info = await juliet.plugin["xep_0030"].get_info(BOT)
        assert ("client", "bot", None, "Bot") in info["disco_info"]["identities"]
        assert await juliet.plugin["xep_0199"].ping(BOT, timeout=20) > 0
        juliet.say(f"anybody@{BOT}", "hark")
        assert await juliet.hears("HARK") == f"anybody@{BOT}"


async def test_presence_goes_both_ways(server: Server) -> None:
    """That of users by privilege, its own and a subscription as from any contact."""
    async with connected(server) as bot:
        juliet = Client(JULIET, PASSWORD, server)
        seen: asyncio.Queue[Any] = asyncio.Queue()
        async with juliet:
            juliet.add_event_handler("presence_available", seen.put_nowait)
            juliet.send_presence()
            assert (await soon(bot.presences.get()))["from"] == juliet.boundjid
            asked = juliet.wait_until("presence_subscribe", timeout=20)
            bot.send_presence_subscription(JULIET, f"it@{BOT}")
            assert (await asked)["from"] == f"it@{BOT}"
            bot.send_presence(pto=juliet.boundjid, pfrom=f"it@{BOT}/x", pstatus="here")
            while (presence := await soon(seen.get()))["from"].bare != f"it@{BOT}":
                pass
            assert presence["status"] == "here"
        while (gone := await soon(bot.presences.get()))["type"] != "unavailable":
            pass
        assert (gone["from"], gone["to"]) == (juliet.boundjid, BOT)


async def test_it_reads_and_changes_rosters(server: Server) -> None:
    """XEP-0356 §4."""
    async with connected(server) as bot:
        privilege = bot.plugin["xep_0356"]
        await privilege.set_roster(JULIET, {ROMEO: {"name": "Romeo", "groups": ["Montague"]}})
        roster = await privilege.get_roster(JULIET)
        assert roster["roster"]["items"][ROMEO]["name"] == "Romeo"


async def test_it_speaks_and_asks_in_a_users_name(server: Server) -> None:
    """XEP-0356 §5 and §6."""
    async with connected(server) as bot, Client(ROMEO, PASSWORD, server) as romeo:
        romeo.send_presence()
        message = slixmpp.Message()  # of jabber:client, as what is forwarded has to be
        message["from"], message["to"], message["type"] = JULIET, romeo.boundjid, "chat"
        message["body"] = "Good night"
        bot.plugin["xep_0356"].send_privileged_message(message)
        assert await romeo.hears("Good night") == JULIET
        asked = bot.make_iq_get(ifrom=JULIET, ito=JULIET)
        asked.append(ElementTree.fromstring(f"<query xmlns='{ns.PRIVATE}'><x xmlns='x'/></query>"))
        answer = await bot.plugin["xep_0356"].send_privileged_iq(asked)
        assert answer["type"] == "result"


async def test_it_comes_back_with_the_server(server: Server) -> None:
    async with connected(server) as bot:
        bot.granted.clear()
        await asyncio.to_thread(server.process.stop)
        await asyncio.to_thread(server.start)
        await soon(bot.granted.wait())
        async with Client(JULIET, PASSWORD, server) as juliet:
            juliet.say(BOT, "again")
            await juliet.hears("AGAIN")
