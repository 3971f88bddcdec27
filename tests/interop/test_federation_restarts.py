"""Servers stop and come back in the middle of a conversation: nothing is lost without a word."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.support.clients import soon
from tests.support.federated_prosody import FederatedProsody
from tests.support.federated_xmppd import FederatedXmppd
from tests.support.federating import Citizen, citizen, exchange, here
from tests.support.federation import Federated, Foreign

EACH = 20
"""Messages before, during and after."""


async def test_rfc6120_4_4_the_peer_is_restarted(xmppd: FederatedXmppd, peer: Foreign) -> None:
    """What it has not acknowledged before it went is sent again, and may come twice (XEP-0198)."""
    await restarted(xmppd, peer, once=False)


async def test_rfc6120_4_4_xmppd_is_restarted(xmppd: FederatedXmppd, peer: Foreign) -> None:
    await restarted(peer, xmppd)


async def restarted(stays: Federated, goes: Federated, *, once: bool = True) -> None:
    """Every message to who was there is heard, now or when he is back, or comes back."""
    async with here(citizen("juliet", stays)) as (juliet,):
        async with here(citizen("romeo", goes)) as (romeo,):
            await exchange(juliet, romeo)
        for number in range(EACH):
            say(juliet, romeo, f"before {number}")
        await juliet.ask("<ping xmlns='urn:xmpp:ping'/>", to=goes.domain)
        await asyncio.to_thread(goes.stop)
        try:
            for number in range(EACH):
                say(juliet, romeo, f"during {number}")
        finally:
            await asyncio.to_thread(goes.start)
        async with here(citizen("romeo", goes)) as (back,):
            for number in range(EACH):
                say(juliet, romeo, f"after {number}")
            said = {f"{when} {n}" for when in ("before", "during", "after") for n in range(EACH)}
            await accounted_for(said, juliet, back, once=once)


async def test_xep_0198_4_a_peer_that_is_killed_has_acknowledged_or_it_comes_back(
    xmppd: FederatedXmppd, prosody: FederatedProsody
) -> None:
    """Only Prosody acknowledges what other servers send; what was not may come twice."""
    async with here(citizen("juliet", xmppd)) as (juliet,):
        async with here(citizen("romeo", prosody)) as (romeo,):
            await exchange(juliet, romeo)
        for number in range(EACH):
            say(juliet, romeo, f"killed {number}")
        await asyncio.to_thread(prosody.process.kill)
        await asyncio.to_thread(prosody.start)
        async with here(citizen("romeo", prosody)) as (back,):
            say(juliet, back, "alive")
            said = {"alive", *(f"killed {number}" for number in range(EACH))}
            await accounted_for(said, juliet, back, once=False)


def say(one: Citizen, other: Citizen, text: str) -> None:
    """Send a message that an error can be told by: it need not have the body (RFC 6120 §8.3.1)."""
    message = one.make_message(other.bare, text, mtype="chat")
    message["id"] = text
    message.send()


async def accounted_for(
    said: set[str], juliet: Citizen, romeo: Citizen, *, once: bool = True
) -> None:
    """All that was said is heard or comes back, each once unless told otherwise."""
    missing = set(said)
    async with both(juliet, romeo) as came:
        while missing:
            try:
                number = await soon(came.get())
            except TimeoutError:
                raise AssertionError(f"lost: {sorted(missing)}") from None
            assert number in missing or number not in said or not once, f"{number!r} came twice"
            missing.discard(number)


@asynccontextmanager
async def both(juliet: Citizen, romeo: Citizen) -> AsyncIterator[asyncio.Queue[str]]:
    """The ids of messages that come to either from the other."""
    came: asyncio.Queue[str] = asyncio.Queue()

    async def collect(person: Citizen, other: Citizen) -> None:
        while True:
            message = await person.notices.get()
            if message.get("from", "").startswith(other.bare):
                came.put_nowait(message.get("id", ""))

    tasks = [
        asyncio.create_task(collect(one, other))
        for one, other in ((juliet, romeo), (romeo, juliet))
    ]
    try:
        yield came
    finally:
        for task in tasks:
            task.cancel()
