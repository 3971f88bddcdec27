"""wokkel's `PubSubClient` at a running server: another library than slixmpp, of another age."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tests.e2e.verona import Server
from tests.support.clients import soon
from tests.support.process import ROOT, environment
from tests.support.pubsub_readers import SERVICE, readers
from tests.support.server import DOMAIN, PASSWORD

pytest.importorskip("wokkel", reason="wokkel is not installed")

JULIET, ROMEO = (f"{name}@{DOMAIN}" for name in ("juliet", "romeo"))


class Refused(Exception):
    """What was asked for was refused, with these conditions."""


class Wokkel:
    """The program, and what it tells."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._outcomes: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.events: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            told = json.loads(line)
            (self.events if "event" in told else self._outcomes).put_nowait(told)

    async def is_here(self) -> str:
        """The JID that it has logged in with."""
        return str((await soon(self._outcomes.get()))["here"])

    async def does(self, what: str, node: str | None, service: str = SERVICE, **how: Any) -> Any:
        """Have it do something; the outcome."""
        asked = {"does": what, "service": service, "node": node, "how": how}
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(asked).encode() + b"\n")
        outcome = await soon(self._outcomes.get())
        if "failed" in outcome:
            raise Refused(*outcome["failed"])
        return outcome["done"]

    async def asks(self, verb: str, node: str | None, **how: Any) -> Any:
        """Have it send a request for which `PubSubClient` has no method."""
        return await self.does("request", node, verb=verb, **how)

    async def is_told(self) -> dict[str, Any]:
        """The next event."""
        return await soon(self.events.get())


@asynccontextmanager
async def wokkel(server: Server, name: str) -> AsyncIterator[Wokkel]:
    """Somebody who has logged in with it."""
    jid = f"{name}@{DOMAIN}/wokkel"
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.support.wokkel_reader"),
        *(str(server.c2s), str(server.authority), jid, PASSWORD),
        cwd=ROOT,
        env=environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    program = Wokkel(process)
    try:
        assert await program.is_here() == jid
        yield program
    finally:
        process.terminate()
        await soon(process.wait())
        await soon(program.reading)


async def test_it_creates_subscribes_publishes_and_is_told(globe: Server) -> None:
    """XEP-0060 §8.1, §6.1, §7.1."""
    async with wokkel(globe, "juliet") as juliet, wokkel(globe, "romeo") as romeo:
        node = await juliet.does("createNode", "wokkel-play")
        assert node == "wokkel-play"
        told = await romeo.does("subscribe", node, subscriber=ROMEO)
        assert told == [node, ROMEO, "subscribed"]
        await juliet.does("publish", node, items=[["1", "But, soft!"]])
        event = await romeo.is_told()
        assert (event["event"], event["node"], event["sender"]) == ("items", node, SERVICE)
        assert event["items"] == [["item", "1", "But, soft!"]]
        await juliet.does("publish", node, items=[["", "What light"]])
        [[_, made, said]] = (await romeo.is_told())["items"]
        assert (bool(made), said) == (True, "What light")
        assert await romeo.does("items", node) == [["1", "But, soft!"], [made, "What light"]]
        assert await romeo.does("items", node, maxItems=1) == [[made, "What light"]]
        assert await romeo.does("items", node, itemIdentifiers=["1"]) == [["1", "But, soft!"]]
        await juliet.asks("retract", node, itemIdentifiers=["1"])
        assert (await romeo.is_told())["items"] == [["retract", "1", ""]]
        await juliet.asks("purge", node)
        assert (await romeo.is_told())["event"] == "purge"
        await romeo.does("unsubscribe", node, subscriber=ROMEO)
        await romeo.does("subscribe", node, subscriber=ROMEO)
        await juliet.does("deleteNode", node)
        assert (await romeo.is_told())["event"] == "delete"


async def test_it_is_refused_what_it_may_not_do(globe: Server) -> None:
    async with wokkel(globe, "juliet") as juliet, wokkel(globe, "romeo") as romeo:
        options = {"pubsub#access_model": "whitelist"}
        node = await juliet.does("createNode", "wokkel-secret", options=options)
        for asked, reason in (
            (romeo.does("subscribe", node, subscriber=ROMEO), ("not-allowed", "closed-node")),
            (romeo.does("subscribe", node, subscriber=JULIET), ("bad-request", "invalid-jid")),
            (romeo.does("items", node), ("not-allowed", "closed-node")),
            (romeo.does("publish", node, items=[["1", "x"]]), ("forbidden",)),
            (romeo.does("createNode", node), ("conflict",)),
            (romeo.does("deleteNode", node), ("forbidden",)),
            (romeo.does("items", "unheard-of"), ("item-not-found",)),
        ):
            with pytest.raises(Refused) as refused:
                await asked
            assert refused.value.args == reason
        await juliet.does("deleteNode", node)


async def test_options_of_a_subscription(globe: Server) -> None:
    """§6.3."""
    async with wokkel(globe, "juliet") as juliet, wokkel(globe, "romeo") as romeo:
        node = await juliet.does("createNode", "wokkel-options")
        await romeo.does("subscribe", node, subscriber=ROMEO)
        options = await romeo.does("getOptions", node, subscriber=ROMEO)
        assert options["pubsub#deliver"] in (True, "1")
        quiet = {"pubsub#deliver": False}
        await romeo.does("setOptions", node, subscriber=ROMEO, options=quiet)
        await juliet.does("publish", node, items=[["1", "But, soft!"]])
        await romeo.does("setOptions", node, subscriber=ROMEO, options={"pubsub#deliver": True})
        await juliet.does("publish", node, items=[["2", "What light"]])
        assert (await romeo.is_told())["items"] == [["item", "2", "What light"]]
        await juliet.does("deleteNode", node)


async def test_an_instant_node_has_a_name_of_the_services(globe: Server) -> None:
    """§8.1.1."""
    async with wokkel(globe, "juliet") as juliet:
        node, other = [await juliet.does("createNode", None) for _ in range(2)]
        assert node and other and node != other
        for each in (node, other):
            await juliet.does("deleteNode", each)


async def test_it_publishes_at_its_account_and_slixmpp_reads(globe: Server) -> None:
    """XEP-0163 §3."""
    async with wokkel(globe, "juliet") as juliet, readers(globe, "juliet/garden") as (garden,):
        items = [["current", "But, soft!"]]
        await juliet.does("publish", "urn:example:wokkel", JULIET, items=items)
        assert await garden.reads("urn:example:wokkel", service=JULIET) == ["But, soft!"]
