"""Messages as slixmpp sends and gets them, on each store: to whom, when, and how often.

RFC 6121 §8.5, XEP-0160, XEP-0198, XEP-0280, XEP-0334 and XEP-0352.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from slixmpp.xmlstream.handler import Callback
from slixmpp.xmlstream.matcher import MatchXPath

from tests.e2e.verona import VERONA, Server, running
from tests.support.clients import Client, soon
from tests.support.server import PASSWORD

JULIET, ROMEO = f"juliet@{VERONA}", f"romeo@{VERONA}"
BALCONY, GARDEN, CELL, PHONE = (f"{JULIET}/{r}" for r in ("balcony", "garden", "cell", "phone"))
ORCHARD, STREET = f"{ROMEO}/orchard", f"{ROMEO}/street"
PLUGINS = ("xep_0085", "xep_0199", "xep_0203", "xep_0280", "xep_0334", "xep_0352")
ROOM = 5
"""How many messages wait for an account."""


class Person(Client):
    """A client that writes down every message, and the presence of others, as it comes."""

    def __init__(self, jid: str, server: Server, *more: str) -> None:
        super().__init__(jid, PASSWORD, server, plugins=PLUGINS + more)
        self.came: asyncio.Queue[tuple[str, str]] = asyncio.Queue()
        self.stamps: list[Any] = []
        """The delays of messages, and who tells of them."""
        for kind, note in (("message", self._message), ("presence", self._presence)):
            path = MatchXPath(f"{{jabber:client}}{kind}")
            self.register_handler(Callback(f"every {kind}", path, note))

    def _message(self, message: Any) -> None:
        for side in ("received", "sent"):
            if message.get_plugin(f"carbon_{side}", check=True):
                copied = message[f"carbon_{side}"]
                assert message["from"] == self.boundjid.bare
                self.came.put_nowait((side, copied["body"]))
                return
        delay = message.get_plugin("delay", check=True)
        self.stamps.append(delay and (delay["from"], delay["stamp"].timestamp()))
        error = message.get_plugin("error", check=True)
        said = error["condition"] if error else message["body"] or message["chat_state"]
        self.came.put_nowait((message["type"], said))

    def _presence(self, presence: Any) -> None:
        if presence["from"].bare != self.boundjid.bare:
            self.came.put_nowait(("presence", presence["type"]))

    def says(self, to: str, body: str, kind: str = "chat", *hints: str) -> None:
        """Send a message, of no body if that is empty."""
        message = self.make_message(mto=to, mbody=body or None, mtype=kind)
        for hint in hints:
            message.enable(hint)
        message.send()

    async def gets(self, *expected: tuple[str, str]) -> None:
        """Wait for these, in this order, each once and nothing else before."""
        assert [await soon(self.came.get()) for _ in expected] == list(expected)

    async def settles(self) -> None:
        """Wait until the server has done with what was sent, and what it sent is here."""
        await soon(self.plugin["xep_0199"].ping(VERONA))


GONE = ("presence", "unavailable")


def chat(*bodies: str) -> list[tuple[str, str]]:
    return [("chat", body) for body in bodies]


@pytest.fixture(scope="module")
def verona(
    shared_store: Mapping[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    tables = {"store": shared_store, "offline": {"messages": ROOM}}
    with running(tmp_path_factory.mktemp("verona"), tables, (JULIET, ROMEO)) as server:
        yield server


@pytest.fixture
def impatient(store: Mapping[str, Any], tmp_path: Path) -> Iterator[Server]:
    """A server that waits a second for who has lost the connection."""
    tables = {"store": store, "stream_management": {"hibernate_seconds": 1}}
    with running(tmp_path, tables, (JULIET, ROMEO)) as server:
        yield server


@asynccontextmanager
async def there(server: Server, **people: int | None) -> AsyncIterator[list[Person]]:
    """Clients by resource, with their priorities; None for who has logged in only."""
    async with AsyncExitStack() as stack:
        clients = []
        for resource, priority in people.items():
            account = ROMEO if resource in ("orchard", "street") else JULIET
            client = await stack.enter_async_context(Person(f"{account}/{resource}", server))
            if priority is not None:
                client.send_presence(ppriority=priority)
            await client.settles()
            clients.append(client)
        yield clients


async def nothing_more(*people: Person) -> None:
    """Each has done, and has got nothing that was not read."""
    for _ in range(2):  # what one has sent comes to others, and may come back
        for person in people:
            await person.settles()
    assert [list(person.came._queue) for person in people] == [[] for _ in people]  # type: ignore[attr-defined]


async def test_0160_2_messages_wait_over_a_restart_and_come_once_in_order_with_their_time(
    verona: Server,
) -> None:
    before = int(time.time())
    async with there(verona, orchard=0, balcony=-1) as (romeo, balcony):
        romeo.says(JULIET, "one")
        romeo.says(JULIET, "two", "normal")
        romeo.says(PHONE, "three")  # RFC 6121 §8.5.3.2.1: as if it were for the account
        await nothing_more(romeo, balcony)
    after = time.time()
    verona.process.stop()
    verona.start()
    async with there(verona, orchard=0, balcony=-1) as (romeo, balcony):
        romeo.says(JULIET, "four")
        await nothing_more(romeo, balcony)
        balcony.send_presence(ppriority=0)
        await balcony.gets(("chat", "one"), ("normal", "two"), *chat("three", "four"))
        assert [by for by, _ in balcony.stamps] == [VERONA] * 4
        times = [at for _, at in balcony.stamps]
        assert before <= times[0] <= times[1] <= times[2] <= after <= times[3] + 1
        await nothing_more(romeo, balcony)
    async with there(verona, orchard=0, garden=0) as (romeo, garden):
        romeo.says(JULIET, "five")
        await garden.gets(("chat", "five"))


async def test_0160_2_who_writes_to_a_full_account_is_told_and_there_is_room_again(
    verona: Server,
) -> None:
    waiting = [str(number) for number in range(ROOM)]
    async with there(verona, orchard=0) as (romeo,):
        for number in waiting:
            romeo.says(JULIET, number)
        romeo.says(JULIET, "one too many")
        await romeo.gets(("error", "service-unavailable"))
        await nothing_more(romeo)
        async with there(verona, balcony=0) as (balcony,):
            await balcony.gets(*chat(*waiting))
            await nothing_more(balcony)
        romeo.says(JULIET, "there is room")
        await nothing_more(romeo)
    async with there(verona, balcony=0) as (balcony,):
        await balcony.gets(("chat", "there is room"))


REFUSED = ("error", "service-unavailable")

ROUTES: list[tuple[str, str, str, tuple[str, str] | None]] = [
    # type, to, who gets it (first letters), what the sender is told
    ("chat", JULIET, "bg", None),
    ("normal", JULIET, "bg", None),
    ("headline", JULIET, "bgc", None),
    ("groupchat", JULIET, "", REFUSED),
    ("error", JULIET, "", None),
    *((kind, CELL, "c", None) for kind in ("chat", "normal", "headline", "groupchat", "error")),
    ("chat", PHONE, "p", None),
    ("chat", f"{JULIET}/gone", "bg", None),
    ("normal", f"{JULIET}/gone", "", REFUSED),
    ("headline", f"{JULIET}/gone", "", None),
    ("groupchat", f"{JULIET}/gone", "", REFUSED),
    ("error", f"{JULIET}/gone", "", None),
]


async def test_6121_8_5_a_message_reaches_whom_its_type_and_address_mean(verona: Server) -> None:
    """Two resources of the same, highest priority; a lower one; a negative one."""
    async with there(verona, orchard=0, balcony=5, garden=5, cell=1, phone=-1) as people:
        romeo, *clients = people
        for kind, to, who, told in ROUTES:
            romeo.says(to, f"{kind} to {to}", kind)
            for client in clients:
                if client.boundjid.resource[0] in who:
                    await client.gets((kind, f"{kind} to {to}"))
            if told is not None:
                await romeo.gets(told)
            await nothing_more(*people)
        assert not any(stamp for client in clients for stamp in client.stamps)
        for client in clients[:3]:
            client.send_presence(ptype="unavailable")
            await client.settles()
        romeo.says(JULIET, "to nobody", "headline")
        romeo.says(JULIET, "to nobody", "groupchat")
        await romeo.gets(REFUSED)
        romeo.says(JULIET, "to nobody yet")
        await nothing_more(*people)
        clients[2].send_presence(ppriority=0)
        await clients[2].gets(("chat", "to nobody yet"))
        await nothing_more(*people)


async def test_0280_each_client_that_wants_it_sees_both_sides_of_a_chat(verona: Server) -> None:
    """XEP-0280 §4 to §8; XEP-0334 §4.3."""
    async with there(verona, orchard=0, street=0, balcony=0, garden=0, cell=0) as people:
        orchard, street, balcony, garden, cell = people
        for client in (street, balcony, garden):
            await soon(client.plugin["xep_0280"].enable())
        orchard.says(BALCONY, "soft")
        await balcony.gets(("chat", "soft"))
        await garden.gets(("received", "soft"))
        await street.gets(("sent", "soft"))
        balcony.says(ORCHARD, "ay me")
        await orchard.gets(("chat", "ay me"))
        await street.gets(("received", "ay me"))
        await garden.gets(("sent", "ay me"))
        await nothing_more(*people)
        orchard.says(BALCONY, "for thine ear", "chat", "no-copy")
        await balcony.gets(("chat", "for thine ear"))
        orchard.says(JULIET, "to all of them")  # who gets it gets no copy
        for client in (balcony, garden, cell):
            await client.gets(("chat", "to all of them"))
        await street.gets(("sent", "to all of them"))
        orchard.says(BALCONY, "news", "headline")
        await balcony.gets(("headline", "news"))
        await soon(garden.plugin["xep_0280"].disable())
        orchard.says(BALCONY, "farewell")
        await balcony.gets(("chat", "farewell"))
        await street.gets(("sent", "farewell"))
        await nothing_more(*people)


async def test_0334_4_hints_say_what_is_kept(verona: Server) -> None:
    async with there(verona, orchard=0) as (romeo,):
        romeo.says(JULIET, "nowhere", "chat", "no-store")
        await romeo.gets(REFUSED)
        romeo.says(JULIET, "for a while", "chat", "no-permanent-store")
        romeo.says(JULIET, "", "chat", "store")
        romeo.says(JULIET, "")
        await romeo.gets(REFUSED)  # nothing in it that anybody could read later
        composing = romeo.make_message(mto=JULIET, mtype="chat")
        composing["chat_state"] = "composing"
        composing.send()
        await nothing_more(romeo)
    async with there(verona, orchard=0, balcony=0) as (romeo, balcony):
        romeo.says(JULIET, "that is all")
        await balcony.gets(*chat("for a while", "", "that is all"))
        await nothing_more(romeo, balcony)


class Managed(Person):
    """A person by whom slixmpp manages the stream; the connection can be cut."""

    def __init__(self, jid: str, server: Server) -> None:
        super().__init__(jid, server, "xep_0198")
        self._enabled = asyncio.ensure_future(self.wait_until("sm_enabled"))

    async def appears(self, priority: int) -> None:
        await soon(self._enabled)
        self.send_presence(ppriority=priority)
        await self.settles()

    async def is_cut_off(self) -> None:
        """The connection is lost, without a word."""
        cut = asyncio.ensure_future(self.wait_until("disconnected"))
        self.abort()
        await soon(cut)

    async def comes_back(self, event: str) -> None:
        back = asyncio.ensure_future(self.wait_until(event))
        self.connect("127.0.0.1", self.port)
        await soon(back)


async def test_0198_5_who_loses_the_connection_and_comes_back_has_lost_and_doubled_nothing(
    verona: Server,
) -> None:
    async with there(verona, orchard=0) as (romeo,), Managed(PHONE, verona) as juliet:
        await juliet.appears(1)
        for _ in range(3):
            juliet.says(ORCHARD, "before")
            romeo.says(JULIET, "to who is there")
            await romeo.gets(("chat", "before"))
            await juliet.gets(("chat", "to who is there"))
            await juliet.is_cut_off()
            romeo.says(JULIET, "to the account")
            romeo.says(PHONE, "to the client")
            romeo.says(JULIET, "again", "normal")
            await nothing_more(romeo)
            juliet.says(ORCHARD, "meanwhile")
            await juliet.comes_back("session_resumed")
            await juliet.gets(*chat("to the account", "to the client"), ("normal", "again"))
            await romeo.gets(("chat", "meanwhile"))
            await nothing_more(romeo, juliet)
    async with there(verona, orchard=0, balcony=0) as (romeo, balcony):
        romeo.says(JULIET, "that is all")  # behind whatever is in the store
        await balcony.gets(("chat", "that is all"))


async def test_0198_4_what_a_client_that_does_not_come_back_was_to_get_goes_elsewhere(
    impatient: Server,
) -> None:
    """To another client of the account, or, where there is none, to the store."""
    async with there(impatient, orchard=0) as (romeo,):
        async with there(impatient, balcony=0) as (balcony,):
            await juliet_loses_a_connection(impatient, romeo, "to a client")
            await romeo.gets(GONE)
            await balcony.gets(*chat("to a client", "to a client, by its name"))
            await nothing_more(romeo, balcony)
        juliet = await juliet_loses_a_connection(impatient, romeo, "to nobody")
        await romeo.gets(GONE)
        # She is too late: a new session, which gets it from the store.
        await juliet.comes_back("session_start")
        juliet.send_presence()
        await juliet.gets(*chat("to nobody", "to nobody, by its name"))
        assert all(juliet.stamps)
        await nothing_more(romeo, juliet)
        await juliet.leave()


async def juliet_loses_a_connection(server: Server, romeo: Person, body: str) -> Managed:
    """Before romeo says something to her account, and to the client by its name.

    He has been shown its presence, so he is told when it is given up.
    """
    juliet = await Managed(PHONE, server).__aenter__()
    assert isinstance(juliet, Managed)
    await juliet.appears(1)
    juliet.send_presence(pto=ORCHARD)
    await romeo.gets(("presence", "available"))
    await juliet.is_cut_off()
    romeo.says(JULIET, body)
    romeo.says(PHONE, f"{body}, by its name")
    return juliet


async def test_0352_an_inactive_client_gets_what_matters_and_the_newest_of_the_rest(
    verona: Server,
) -> None:
    async with there(verona, orchard=None, balcony=0) as (romeo, balcony):
        balcony.plugin["xep_0352"].send_inactive()
        await balcony.settles()

        async def stirs() -> None:
            for show in ("away", "xa", "dnd"):
                romeo.send_presence(pto=BALCONY, pshow=show)
            for state in ("composing", "paused"):
                message = romeo.make_message(mto=BALCONY, mtype="chat")
                message["chat_state"] = state
                message.send()
            await romeo.settles()

        await stirs()
        romeo.says(BALCONY, "this matters")
        await balcony.gets(("presence", "dnd"), *chat("paused", "this matters"))
        await stirs()
        balcony.plugin["xep_0352"].send_active()
        await balcony.gets(("presence", "dnd"), ("chat", "paused"))
        await stirs()
        states = ("away", "xa", "dnd")
        await balcony.gets(*(("presence", s) for s in states), *chat("composing", "paused"))
        await nothing_more(romeo, balcony)
