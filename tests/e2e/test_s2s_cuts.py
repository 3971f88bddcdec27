"""Links between two real servers that break: nothing that was said is lost (XEP-0198 §5)."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from signal import SIGKILL, SIGSTOP

import pytest

from tests.support.clients import soon
from tests.support.company import Person, there
from tests.support.cutting import CuttingProxy
from tests.support.process import until
from tests.support.servers import Linked, two_servers

SAID = 60


@pytest.fixture
def both(tmp_path) -> Iterator[tuple[Linked, Linked]]:
    with two_servers(tmp_path, retry_seconds=1) as servers:
        yield servers


async def heard(person: Person, count: int) -> list[str]:
    """The bodies of so many messages."""
    return [str((await soon(person.messages.get()))["body"]) for _ in range(count)]


async def something_has_passed(proxy: CuttingProxy) -> None:
    """There is, or was, a connection: what breaks before it is made breaks nothing."""
    await asyncio.to_thread(until, lambda: proxy.passed)


async def unacknowledged(server: Linked, *counts: int) -> None:
    """Wait until so many stanzas are not acknowledged, by each stream with another server."""

    def found() -> list[int]:
        return [link["unacknowledged"] for link in server.told("s2s")["links"]]

    await asyncio.to_thread(until, lambda: found() == list(counts))


async def test_5_what_one_says_comes_once_and_in_order_however_often_the_link_breaks(both) -> None:
    verona, mantua = both
    host, port = mantua.address.split(":")[1:]
    with CuttingProxy(int(port), 1, host) as proxy:
        verona.routes[mantua.domain] = [f"tcp:127.0.0.1:{proxy.port}"]
        verona.configure(retry_seconds=1)
        verona.ctl("reload")
        async with (
            there(verona, f"juliet@{verona.domain}/balcony") as (juliet,),
            there(mantua, f"romeo@{mantua.domain}/orchard") as (romeo,),
        ):
            for number in range(SAID):
                juliet.say(str(romeo.boundjid.full), f"{number}")
                await asyncio.sleep(0.01)
                if number % 10 == 9:
                    await something_has_passed(proxy)
                    proxy.cut()
            assert await heard(romeo, SAID) == [f"{number}" for number in range(SAID)]
            assert juliet.messages.empty()
        assert proxy.cuts


async def test_both_ways_nothing_is_lost(both) -> None:
    """Who has opened the stream has what he says arrive once; the other goes another way."""
    verona, mantua = both
    host, port = mantua.address.split(":")[1:]
    with CuttingProxy(int(port), 2, host) as proxy:
        verona.routes[mantua.domain] = [f"tcp:127.0.0.1:{proxy.port}"]
        verona.configure(retry_seconds=1)
        verona.ctl("reload")
        async with (
            there(verona, f"juliet@{verona.domain}/balcony") as (juliet,),
            there(mantua, f"romeo@{mantua.domain}/orchard") as (romeo,),
        ):
            for number in range(SAID):
                juliet.say(str(romeo.boundjid.full), f"{number}")
                romeo.say(str(juliet.boundjid.full), f"{number}")
                await asyncio.sleep(0.01)
                if number % 10 == 9:
                    await something_has_passed(proxy)
                    proxy.cut()
            assert await heard(romeo, SAID) == [f"{number}" for number in range(SAID)]
            came: dict[str, None] = {}
            while len(came) < SAID:
                came[str((await soon(juliet.messages.get()))["body"])] = None
            assert list(came) == [f"{number}" for number in range(SAID)]
        assert proxy.cuts


async def test_a_server_that_is_killed_has_it_when_it_is_back(both) -> None:
    """What it had not acknowledged waits here, and what is said meanwhile."""
    verona, mantua = both
    romeo = f"romeo@{mantua.domain}"
    async with there(verona, f"juliet@{verona.domain}/balcony") as (juliet,):
        juliet.say(romeo, "first")
        async with there(mantua, f"{romeo}/orchard") as (found,):
            assert await heard(found, 1) == ["first"]
        await unacknowledged(verona, 0)
        mantua.process.signal(SIGSTOP)
        for number in range(5):
            juliet.say(romeo, f"{number}")
        await unacknowledged(verona, 5)
        mantua.process.signal(SIGKILL)
        mantua.process.wait()
        await unacknowledged(verona)
        juliet.say(romeo, "5")
        mantua.start(retry_seconds=1)
        async with there(mantua, f"{romeo}/orchard") as (found,):
            assert await heard(found, 6) == [f"{number}" for number in range(6)]
        assert juliet.messages.empty()
