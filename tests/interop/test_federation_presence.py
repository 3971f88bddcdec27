"""Subscriptions and presence across servers: xmppd's user asks another's, and the other way."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tests.support.company import send
from tests.support.federated_xmppd import FederatedXmppd
from tests.support.federating import Citizen, citizen, forget, here, subscribe
from tests.support.federation import Federated, Foreign

Pair = tuple[Federated, Federated]


@pytest.fixture(params=["out", "in"])
def pair(request: pytest.FixtureRequest, xmppd: FederatedXmppd, peer: Foreign) -> Pair:
    """Where she is who asks, and where he is who is asked."""
    return (xmppd, peer) if request.param == "out" else (peer, xmppd)


@asynccontextmanager
async def strangers(pair: Pair) -> AsyncIterator[tuple[Citizen, Citizen]]:
    """Two who know nothing of each other, neither before nor after."""
    async with here(citizen("juliet", pair[0]), citizen("romeo", pair[1])) as (juliet, romeo):
        try:
            yield juliet, romeo
        finally:
            await forget(juliet, romeo)


async def sees_nothing(one: Citizen, other: Citizen) -> None:
    """The other one's presence does not come, though a message sent behind it does."""
    other.send_presence(pshow="away")
    other.say(one.full, "I was away")
    await one.hears_of("I was away", other.full)
    assert ("available", other.full) not in one.told()


async def test_rfc6121_3_1_who_asks_and_is_granted_sees_the_other(pair: Pair) -> None:
    async with strangers(pair) as (juliet, romeo):
        send(juliet, "subscribe", romeo.bare)
        await romeo.learns(("subscribe", juliet.bare))
        await juliet.learns(("push", romeo.bare, "none+ask"))
        send(romeo, "subscribed", juliet.bare)
        await romeo.learns(("push", juliet.bare, "from"))
        await juliet.learns(
            ("subscribed", romeo.bare), ("push", romeo.bare, "to"), ("available", romeo.full)
        )
        assert (await juliet.stands(romeo.bare), await romeo.stands(juliet.bare)) == ("to", "from")


async def test_rfc6121_3_1_4_who_asks_and_is_denied_does_not(pair: Pair) -> None:
    async with strangers(pair) as (juliet, romeo):
        send(juliet, "subscribe", romeo.bare)
        await romeo.learns(("subscribe", juliet.bare))
        send(romeo, "unsubscribed", juliet.bare)
        await juliet.learns(("unsubscribed", romeo.bare), ("push", romeo.bare, "none"))


async def test_rfc6121_4_both_see_each_other_come_change_and_go(pair: Pair) -> None:
    async with strangers(pair) as (juliet, romeo):
        await subscribe(juliet, romeo)
        await subscribe(romeo, juliet)
        for one, other in ((juliet, romeo), (romeo, juliet)):
            one.send_presence(pshow="away")
            await other.learns(("available", one.full))
            one.send_presence(ptype="unavailable")
            await other.learns(("unavailable", one.full))
            one.send_presence()
            await other.learns(("available", one.full))


async def test_rfc6121_4_3_who_comes_later_is_told_by_a_probe(pair: Pair) -> None:
    async with strangers(pair) as (juliet, romeo):
        await subscribe(juliet, romeo)
        juliet.send_presence(ptype="unavailable")
        juliet.send_presence()
        await juliet.learns(("available", romeo.full))


async def test_rfc6121_3_3_who_unsubscribes_sees_nothing_more(pair: Pair) -> None:
    async with strangers(pair) as (juliet, romeo):
        await subscribe(juliet, romeo)
        send(juliet, "unsubscribe", romeo.bare)
        await juliet.learns(("push", romeo.bare, "none"))
        await romeo.learns(("unsubscribe", juliet.bare), ("push", juliet.bare, "none"))
        await sees_nothing(juliet, romeo)


async def test_rfc6121_3_2_whose_subscription_is_cancelled_sees_nothing_more(pair: Pair) -> None:
    async with strangers(pair) as (juliet, romeo):
        await subscribe(juliet, romeo)
        send(romeo, "unsubscribed", juliet.bare)
        await juliet.learns(
            ("unsubscribed", romeo.bare),
            ("unavailable", romeo.full),
            ("push", romeo.bare, "none"),
        )
        assert await romeo.stands(juliet.bare) == "none"
        await sees_nothing(juliet, romeo)


async def test_rfc6121_3_1_3_a_request_waits_for_who_is_away(pair: Pair) -> None:
    async with here(citizen("juliet", pair[0])) as (juliet,):
        send(juliet, "subscribe", f"nurse@{pair[1].domain}")
        await juliet.learns(("push", f"nurse@{pair[1].domain}", "none+ask"))
        async with here(citizen("nurse", pair[1])) as (nurse,):
            await nurse.learns(("subscribe", juliet.bare))
            await forget(juliet, nurse)


async def test_rfc6120_10_4_a_request_to_nowhere_comes_back(xmppd: FederatedXmppd) -> None:
    async with here(citizen("juliet", xmppd)) as (juliet,):
        send(juliet, "subscribe", "romeo@nowhere.lit")
        await juliet.learns(("error", "romeo@nowhere.lit"))
