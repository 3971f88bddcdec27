"""One stanza for many, as slixmpp sends and gets it, on each store (XEP-0033)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from slixmpp.xmlstream.handler import Callback
from slixmpp.xmlstream.matcher import MatchXPath

from tests.e2e.verona import VERONA, Server, running
from tests.support.clients import Client, soon
from tests.support.peers import Peer
from tests.support.server import PASSWORD
from xmppd import ns

NAMES = ("juliet", "romeo", "nurse", "tybalt")
JULIET, ROMEO, NURSE, TYBALT = (f"{name}@{VERONA}" for name in NAMES)
HOME = {JULIET: "balcony", ROMEO: "orchard", NURSE: "hall", TYBALT: "street"}
MOST = 4
"""How many addresses a stanza may have."""

Shown = tuple[str, str, bool]
"""An address as it is seen: type, JID, whether it is marked as delivered."""


class Person(Client):
    """Somebody available, who writes down what comes of others."""

    def __init__(self, jid: str, server: Server) -> None:
        plugins = ("xep_0030", "xep_0033", "xep_0191", "xep_0199", "xep_0203")
        super().__init__(f"{jid}/{HOME[jid]}", PASSWORD, server, plugins=plugins)
        self.came: asyncio.Queue[Any] = asyncio.Queue()
        for kind in ("message", "presence"):
            path = MatchXPath(f"{{jabber:client}}{kind}")
            self.register_handler(Callback(f"every {kind}", path, self._came))

    def _came(self, stanza: Any) -> None:
        if stanza["from"].bare != self.boundjid.bare:
            self.came.put_nowait(stanza)

    def tells(self, body: str, *addresses: tuple[str, str]) -> None:
        """Send a message by the service to these, each a type and a JID."""
        message = self.make_message(mto=VERONA, mbody=body, mtype="chat")
        self._send(message, addresses)

    def shows(self, show: str, *jids: str, kind: str | None = None) -> None:
        """Send presence by the service."""
        presence = self.make_presence(pto=VERONA, pshow=show, ptype=kind)
        self._send(presence, [("to", jid) for jid in jids])

    def _send(self, stanza: Any, addresses: Iterable[tuple[str, str]]) -> None:
        for kind, jid in addresses:
            stanza["addresses"].add_address(atype=kind, jid=jid)
        stanza.send()

    async def hears_of(self, body: str, *shown: Shown) -> Any:
        """Wait for a message of juliet's with these addresses."""
        message = await soon(self.came.get())
        assert (message["body"], message["from"]) == (body, f"{JULIET}/balcony")
        assert [seen(address) for address in message["addresses"]["addresses"]] == list(shown)
        return message

    async def sees(self, kind: str) -> None:
        presence = await soon(self.came.get())
        assert (presence["type"], presence["from"]) == (kind, f"{JULIET}/balcony")

    async def is_told(self, condition: str, sender: str) -> None:
        """Wait for an error in answer."""
        error = await soon(self.came.get())
        assert (error["type"], error["from"]) == ("error", sender)
        assert error["error"]["condition"] == condition

    async def settles(self) -> None:
        await soon(self.plugin["xep_0199"].ping(VERONA))


def seen(address: Any) -> Shown:
    return address["type"], str(address["jid"]), bool(address["delivered"])


@pytest.fixture
def verona(store: Mapping[str, Any], tmp_path: Path) -> Iterator[Server]:
    tables = {"store": store, "multicast": {"addresses": MOST}}
    with running(tmp_path, tables, HOME) as server:
        yield server


@asynccontextmanager
async def there(server: Server, *jids: str) -> AsyncIterator[list[Person]]:
    async with AsyncExitStack() as stack:
        people = []
        for jid in jids:
            person = Person(jid, server)
            await stack.enter_async_context(person)
            person.send_presence()
            await person.settles()
            people.append(person)
        yield people


async def nothing_more(*people: Person) -> None:
    """All is done, and read."""
    for _ in range(2):
        for person in people:
            await person.settles()
    assert all(person.came.empty() for person in people)


async def that_is_all(*people: Person) -> None:
    """Nothing waits for any of them but what juliet, the last one, tells them now."""
    *others, juliet = people
    for person in others:
        juliet.tells("that is all", ("bcc", person.boundjid.bare))
        await person.hears_of("that is all", ("bcc", person.boundjid.bare, False))


async def test_a_message_reaches_each_once_and_nobody_learns_of_blind_copies(
    verona: Server,
) -> None:
    """XEP-0033 §2.1, §4.5, §4.6."""
    async with there(verona, *HOME) as people:
        juliet, romeo, nurse, tybalt = people
        info = await soon(juliet.plugin["xep_0030"].get_info(jid=VERONA))
        assert ns.ADDRESS in info["disco_info"]["features"]
        juliet.tells("to all", ("to", ROMEO), ("cc", f"{NURSE}/hall"), ("bcc", TYBALT))
        open_ = (("to", ROMEO, True), ("cc", f"{NURSE}/hall", True))
        await romeo.hears_of("to all", *open_)
        await nurse.hears_of("to all", *open_)
        await tybalt.hears_of("to all", *open_, ("bcc", TYBALT, False))
        juliet.tells("twice", ("bcc", ROMEO), ("to", ROMEO), ("cc", ROMEO))
        await romeo.hears_of("twice", ("to", ROMEO, True), ("cc", ROMEO, True))
        juliet.tells("in secret", ("bcc", ROMEO), ("bcc", NURSE))
        await romeo.hears_of("in secret", ("bcc", ROMEO, False))
        await nurse.hears_of("in secret", ("bcc", NURSE, False))
        juliet.tells("replies", ("to", ROMEO), ("replyto", NURSE))  # who gets nothing himself
        await romeo.hears_of("replies", ("to", ROMEO, True), ("replyto", NURSE, False))
        await nothing_more(*people)


REFUSED: list[tuple[list[tuple[str, str]], str]] = [
    ([("to", ROMEO), ("bcc", NURSE)] * (MOST // 2) + [("cc", TYBALT)], "not-acceptable"),
    ([("to", ROMEO), ("to", NURSE), ("to", "")], "bad-request"),
    ([("to", ROMEO), ("to", f"@{VERONA}")], "jid-malformed"),
    ([("replyto", ROMEO)], "bad-request"),
    ([("to", ROMEO), ("to", VERONA)], "bad-request"),
]


async def test_9_what_is_refused_reaches_nobody(verona: Server) -> None:
    async with there(verona, *HOME) as people:
        juliet = people[0]
        for addresses, condition in REFUSED:
            juliet.tells("refused", *addresses)
            await juliet.is_told(condition, VERONA)
            await nothing_more(*people)


async def test_who_is_not_there_gets_it_later_even_after_a_power_cut(verona: Server) -> None:
    """XEP-0160; XEP-0198 §4: it is acknowledged when the last one's copy is in the store."""
    sm = f"xmlns='{ns.STREAM_MANAGEMENT}'"
    shown = "".join(
        f"<address type='{kind}' jid='{jid}'/>"
        for kind, jid in (("to", ROMEO), ("bcc", NURSE), ("to", TYBALT))
    )
    with Peer(verona.c2s, VERONA) as juliet:
        juliet.log_in("juliet", PASSWORD, "balcony")
        juliet.send(f"<enable {sm}/>").element()
        juliet.send(
            f"<message to='{VERONA}'><addresses xmlns='{ns.ADDRESS}'>{shown}</addresses>"
            f"<body>later</body></message><r {sm}/>"
        )
        while juliet.element().get("h") != "1":
            pass
        verona.process.kill()
    verona.start()
    first, last = ("to", ROMEO, True), ("to", TYBALT, True)
    async with there(verona, ROMEO, NURSE, TYBALT) as people:
        for person in people:
            own = [("bcc", NURSE, False)] if person is people[1] else []
            message = await person.hears_of("later", first, *own, last)
            assert message["delay"]["from"] == VERONA
        await nothing_more(*people)
    async with there(verona, ROMEO, NURSE, TYBALT, JULIET) as people:
        await that_is_all(*people)


async def test_a_block_is_not_got_round_by_it(verona: Server) -> None:
    """XEP-0191 §3.3: neither by who is blocked nor by who blocks."""
    async with there(verona, *HOME) as people:
        juliet, romeo, nurse, tybalt = people
        await soon(romeo.plugin["xep_0191"].block(JULIET))
        juliet.tells("one", ("to", ROMEO), ("to", NURSE), ("bcc", TYBALT))
        await nurse.hears_of("one", ("to", ROMEO, True), ("to", NURSE, True))
        await tybalt.hears_of(
            "one", ("to", ROMEO, True), ("to", NURSE, True), ("bcc", TYBALT, False)
        )
        await juliet.is_told("service-unavailable", ROMEO)
        juliet.shows("away", ROMEO, f"{ROMEO}/orchard")
        await nothing_more(juliet, romeo)
        await soon(juliet.plugin["xep_0191"].block(NURSE))
        juliet.tells("two", ("to", NURSE), ("to", TYBALT))
        await juliet.is_told("not-acceptable", NURSE)
        await tybalt.hears_of("two", ("to", NURSE, True), ("to", TYBALT, True))
        await nothing_more(*people)
    async with there(verona, JULIET) as (juliet,):  # nor for those who are not there
        juliet.tells("three", ("to", ROMEO), ("to", TYBALT))
        await juliet.is_told("service-unavailable", ROMEO)
    async with there(verona, ROMEO, TYBALT) as (romeo, tybalt):
        await tybalt.hears_of("three", ("to", ROMEO, True), ("to", TYBALT, True))
        await soon(romeo.plugin["xep_0191"].unblock(JULIET))
    async with there(verona, ROMEO, TYBALT, JULIET) as people:
        await that_is_all(*people)


async def test_5_1_presence_to_many_ends_with_the_service_and_with_the_session(
    verona: Server,
) -> None:
    async with there(verona, ROMEO, NURSE, TYBALT) as others:
        async with there(verona, JULIET) as (juliet,):
            juliet.shows("away", ROMEO, NURSE)
            for person in others[:2]:
                await person.sees("away")
            juliet.send_presence(pto=VERONA, ptype="unavailable")
            for person in others[:2]:
                await person.sees("unavailable")
            juliet.shows("dnd", *(jid for jid in HOME if jid != JULIET))
            for person in others:
                await person.sees("dnd")
            juliet.shows("", ROMEO, kind="unavailable")
            await others[0].sees("unavailable")
            await nothing_more(juliet, *others)
            juliet.abort()
            await soon(juliet.gone)
        for person in others[1:]:
            await person.sees("unavailable")
        await nothing_more(*others)
