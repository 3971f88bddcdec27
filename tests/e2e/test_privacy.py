"""Blocking and privacy lists as slixmpp uses them, on each store (XEP-0191, XEP-0016)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from slixmpp.exceptions import IqError
from slixmpp.xmlstream.handler import Callback
from slixmpp.xmlstream.matcher import MatchXPath

from tests.e2e.verona import VERONA, Server, running
from tests.support.clients import Client, soon
from tests.support.server import PASSWORD

JULIET, ROMEO = f"juliet@{VERONA}", f"romeo@{VERONA}"
BALCONY, GARDEN, ORCHARD = f"{JULIET}/balcony", f"{JULIET}/garden", f"{ROMEO}/orchard"
QUERY = "{jabber:client}iq/{jabber:iq:privacy}query"


class Person(Client):
    """A client that is available, and writes down what it is told of others and of its lists."""

    def __init__(self, jid: str, server: Server) -> None:
        plugins = ("xep_0016", "xep_0191", "xep_0199")
        super().__init__(jid, PASSWORD, server, plugins=plugins)
        self.seen: asyncio.Queue[tuple[str, str]] = asyncio.Queue()
        self.errors: asyncio.Queue[Any] = asyncio.Queue()
        self.pushes: asyncio.Queue[tuple[str, set[str]]] = asyncio.Queue()
        self.add_event_handler("presence", self._saw)
        self.add_event_handler("message_error", self.errors.put_nowait)
        for event, name in (("blocked", "block"), ("unblocked", "unblock")):
            self.add_event_handler(event, lambda iq, name=name: self._pushed(name, iq[name]))
        self.register_handler(Callback("lists", MatchXPath(QUERY), self._changed))

    def _saw(self, presence: Any) -> None:
        if presence["from"].bare != self.boundjid.bare:
            self.seen.put_nowait((str(presence["from"]), presence["type"]))

    def _pushed(self, name: str, payload: Any) -> None:
        self.pushes.put_nowait((name, {str(item["jid"]) for item in payload}))

    def _changed(self, iq: Any) -> None:
        if iq["type"] == "set":
            self.pushes.put_nowait(("list", {iq["privacy"]["list"]["name"]}))

    async def is_told(self, name: str, *what: str) -> None:
        """Wait for a push of this kind; those of other kinds are passed over."""
        while (push := await soon(self.pushes.get()))[0] != name:
            pass
        assert push[1] == set(what)

    async def sees(self, *expected: tuple[str, str]) -> None:
        """Wait for presence of each of these, in whatever order, and nothing else before."""
        assert {await soon(self.seen.get()) for _ in expected} == set(expected)

    async def is_refused(self, to: str, words: str = "Art thou there?") -> Any:
        """Say something that comes back; the error."""
        self.say(to, words)
        answer = await soon(self.errors.get())
        assert answer["from"] == to
        return answer["error"]

    async def block(self, jid: str) -> None:
        await soon(self.plugin["xep_0191"].block(jid))

    async def unblock(self, jid: str) -> None:
        await soon(self.plugin["xep_0191"].unblock(jid))

    async def blocked(self) -> set[str]:
        jids = await soon(self.plugin["xep_0191"].get_blocked_jids())
        return {str(jid) for jid in jids}


@pytest.fixture
def verona(store: Mapping[str, Any], tmp_path: Path) -> Iterator[Server]:
    with running(tmp_path, {"store": store}, (JULIET, ROMEO)) as server:
        yield server


@asynccontextmanager
async def there(server: Server, *jids: str) -> AsyncIterator[list[Person]]:
    """These people have logged in and are available, the first to be named first."""
    async with AsyncExitStack() as stack:
        people = []
        for jid in jids:
            person = Person(jid, server)
            await stack.enter_async_context(person)
            person.send_presence()
            await settled(person)
            people.append(person)
        yield people


async def befriend(juliet: Person, romeo: Person) -> None:
    """Have each subscribed to the other, and seen him."""
    juliet.send_presence_subscription(ROMEO)
    for one, other in ((juliet, romeo), (romeo, juliet)):
        while await soon(one.seen.get()) != (str(other.boundjid), "available"):
            pass


def drained(*queues: asyncio.Queue[Any]) -> list[Any]:
    """What has come so far."""
    return [queue.get_nowait() for queue in queues for _ in range(queue.qsize())]


async def settled(*people: Person) -> None:
    """Wait until the server has done with what each has sent, and each has got what is his.

    It is the account that is asked, which answers behind what it was to act on.
    """
    for person in people:
        await soon(person.plugin["xep_0199"].ping(person.boundjid.bare))


async def test_a_block_holds_both_ways_and_over_a_restart_until_it_is_lifted(
    verona: Server,
) -> None:
    async with there(verona, BALCONY, ORCHARD) as (juliet, romeo):
        await befriend(juliet, romeo)
        async with there(verona, GARDEN) as (garden,):
            assert await juliet.blocked() == await garden.blocked() == set()
            await settled(juliet, romeo, garden)
            drained(juliet.seen, romeo.seen, garden.seen)
            await juliet.block(ROMEO)
            for client in (juliet, garden):
                await client.is_told("block", ROMEO)
                await client.sees((ORCHARD, "unavailable"))
            await romeo.sees((BALCONY, "unavailable"), (GARDEN, "unavailable"))
            for client in (juliet, garden):
                for to in (ROMEO, ORCHARD):
                    error = await client.is_refused(to)
                    assert error["condition"] == "not-acceptable"
                    assert error.xml.find("{urn:xmpp:blocking:errors}blocked") is not None
            for to in (JULIET, BALCONY, GARDEN):
                error = await romeo.is_refused(to)
                assert error["condition"] == "service-unavailable"
                assert error.xml.find("{urn:xmpp:blocking:errors}blocked") is None
            with pytest.raises(IqError) as asked:
                await soon(romeo.plugin["xep_0199"].ping(BALCONY))
            assert asked.value.condition == "service-unavailable"
            juliet.send_presence(pshow="away")
            romeo.send_presence(pto=JULIET)
            await settled(juliet, romeo, garden)
        await settled(juliet, romeo)
        assert juliet.seen.empty() and romeo.seen.empty()
        assert {m["type"] for m in drained(juliet.messages, romeo.messages)} <= {"error"}
    verona.process.kill()
    verona.start()
    async with there(verona, BALCONY, GARDEN, ORCHARD) as (juliet, garden, romeo):
        assert await juliet.blocked() == await garden.blocked() == {ROMEO}
        assert (await romeo.is_refused(JULIET))["condition"] == "service-unavailable"
        assert (await juliet.is_refused(ROMEO))["condition"] == "not-acceptable"
        assert juliet.seen.empty() and garden.seen.empty() and romeo.seen.empty()
        await juliet.unblock(ROMEO)
        for client in (juliet, garden):
            await client.is_told("unblock", ROMEO)
            await client.sees((ORCHARD, "available"))
        await romeo.sees((BALCONY, "available"), (GARDEN, "available"))
        await speak(romeo, juliet)
        await speak(juliet, romeo)
        assert await juliet.blocked() == set()


async def speak(one: Person, other: Person) -> None:
    """A message arrives, behind the errors that have come before it."""
    words = f"{one.boundjid} is here"
    one.say(str(other.boundjid), words)
    while (await soon(other.messages.get()))["body"] != words:
        pass


async def test_what_was_kept_for_who_is_away_is_not_given_to_him_once_he_blocks(
    verona: Server,
) -> None:
    """XEP-0160 and XEP-0191: the message is in the store, its sender on the list."""
    async with there(verona, ORCHARD) as (romeo,):
        romeo.say(JULIET, "kept before")
        await settled(romeo)
        async with Person(BALCONY, verona) as juliet:
            await juliet.block(ROMEO)
            juliet.send_presence()
            await settled(juliet)
            assert juliet.messages.empty()
        assert (await romeo.is_refused(JULIET, "after"))["condition"] == "service-unavailable"
        async with there(verona, BALCONY) as (juliet,):
            await settled(juliet)
            assert juliet.messages.empty()
            await juliet.unblock(ROMEO)
        async with there(verona, BALCONY) as (juliet,):
            assert await juliet.hears("kept before") == ORCHARD


async def test_privacy_lists_apply_to_all_sessions_or_to_one_and_survive_a_restart(
    verona: Server,
) -> None:
    """XEP-0016 §2.3 to §2.8, §2.13, §2.14."""
    deny = [{"type": "jid", "value": ROMEO, "action": "deny", "order": "1"}]
    none = [{"value": "", "action": "allow", "order": "7", "message": True}]
    async with there(verona, BALCONY, GARDEN, ORCHARD) as (juliet, garden, romeo):
        lists = juliet.plugin["xep_0016"]
        for name, rules in (("open", none), ("closed", deny)):
            await soon(lists.edit_list(name, rules))
            for client in (juliet, garden):
                await client.is_told("list", name)
        await speak(romeo, juliet)
        await soon(lists.activate("closed"))
        assert (await romeo.is_refused(BALCONY))["condition"] == "service-unavailable"
        assert (await juliet.is_refused(ROMEO))["condition"] == "not-acceptable"
        await speak(romeo, garden)
        await soon(garden.plugin["xep_0016"].make_default("closed"))
        await soon(lists.activate("open"))
        assert (await romeo.is_refused(GARDEN))["condition"] == "service-unavailable"
        await speak(romeo, juliet)
        with pytest.raises(IqError) as removed:
            await soon(lists.remove_list("closed"))
        assert removed.value.condition == "conflict"
    verona.process.stop()
    verona.start()
    async with there(verona, BALCONY, ORCHARD) as (juliet, romeo):
        answer = await soon(juliet.plugin["xep_0016"].get_privacy_lists())
        told = answer["privacy"]
        assert told["default"]["name"] == "closed"
        assert {each["name"] for each in told["lists"]} == {"open", "closed"}
        (item,) = (await soon(juliet.plugin["xep_0016"].get_list("open")))["privacy"]["list"]
        assert (item["action"], item["order"], item["message"]) == ("allow", "7", True)
        assert await juliet.blocked() == {ROMEO}, "one source of truth (XEP-0191 §5)"
        assert (await romeo.is_refused(JULIET))["condition"] == "service-unavailable"
        await soon(juliet.plugin["xep_0016"].remove_default())
        await speak(romeo, juliet)
