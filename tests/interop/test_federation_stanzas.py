"""Messages and IQs between users, and services, of xmppd and of servers of other makes."""

from __future__ import annotations

import pytest

from tests.support.federated_xmppd import FederatedXmppd
from tests.support.federating import NOT_REACHED, Citizen, citizen, exchange, here, is_refused
from tests.support.federation import Federated, Foreign
from tests.support.people import C
from tests.support.server import condition
from xmppd import ns

MANY = 200
NOT_HERE = ("service-unavailable",)
"""The answer for an account that does not exist (RFC 6121 §8.5.1)."""

VCARD = "<vCard xmlns='vcard-temp'><FN>{}</FN></vCard>"


@pytest.fixture(params=["out", "in"])
def pair(
    request: pytest.FixtureRequest, xmppd: FederatedXmppd, peer: Foreign
) -> tuple[Federated, Federated]:
    """Who begins, and at whom: each of the two in turn."""
    return (xmppd, peer) if request.param == "out" else (peer, xmppd)


Pair = tuple[Federated, Federated]


async def test_rfc6120_10_1_what_one_says_comes_in_order(pair: Pair) -> None:
    one, other = pair
    async with here(citizen("juliet", one), citizen("romeo", other)) as (juliet, romeo):
        for number in range(MANY):
            juliet.say(romeo.full, str(number))
        heard = []
        while len(heard) < MANY:
            message = await romeo.notices_one(lambda each: each.get("from") == juliet.full)
            heard.append(message.findtext(f"{C}body"))
    assert heard == [str(number) for number in range(MANY)]


async def test_rfc6121_8_5_1_who_does_not_exist_is_not_there(pair: Pair) -> None:
    one, other = pair
    async with here(citizen("juliet", one)) as (juliet,):
        juliet.say(f"paris@{other.domain}", "Art thou there?")
        answer = await juliet.notices_one(lambda message: message.get("type") == "error")
    assert condition(answer) in NOT_HERE
    assert answer.get("from") == f"paris@{other.domain}"


async def test_rfc6120_10_4_a_domain_that_nobody_has_is_not_found(xmppd: FederatedXmppd) -> None:
    async with here(citizen("juliet", xmppd)) as (juliet,):
        answer = await juliet.ask(f"<ping xmlns='{ns.PING}'/>", to="nowhere.lit")
    assert condition(answer) == "remote-server-not-found"


async def test_rfc6120_4_9_3_6_a_domain_that_is_said_to_be_there_and_is_not(pair: Pair) -> None:
    one, other = pair
    other.internet.publish("ghost.lit", other.address, other.s2s)
    async with here(citizen("juliet", one)) as (juliet,):
        answer = await juliet.ask(f"<ping xmlns='{ns.PING}'/>", to="ghost.lit")
    assert condition(answer) in NOT_REACHED


async def test_xep_0199_a_server_and_a_user_answer_pings(pair: Pair) -> None:
    one, other = pair
    people = citizen("juliet", one), citizen("romeo", other, "", "xep_0199")
    async with here(*people) as (juliet, romeo):
        for to in (other.domain, romeo.full):
            answer = await juliet.ask(f"<ping xmlns='{ns.PING}'/>", to=to)
            assert answer.get("type") == "result", condition(answer)
            assert answer.get("from") == to


async def test_xep_0030_a_server_tells_who_it_is(pair: Pair) -> None:
    one, other = pair
    async with here(citizen("juliet", one)) as (juliet,):
        for domain, category in ((other.domain, "server"), (other.rooms, "conference")):
            answer = await juliet.ask(f"<query xmlns='{ns.DISCO_INFO}'/>", to=domain)
            assert answer.get("type") == "result", condition(answer)
            identities = answer.iter(f"{{{ns.DISCO_INFO}}}identity")
            assert category in [each.get("category") for each in identities]


async def test_xep_0054_a_vcard_is_read_by_strangers(pair: Pair) -> None:
    one, other = pair
    async with here(citizen("juliet", one), citizen("nurse", other)) as (juliet, nurse):
        answer = await nurse.ask(VCARD.format("Angelica"), "set")
        assert answer.get("type") == "result", condition(answer)
        answer = await juliet.ask("<vCard xmlns='vcard-temp'/>", to=nurse.bare)
    assert answer.findtext("{vcard-temp}vCard/{vcard-temp}FN") == "Angelica", condition(answer)


async def test_xep_0191_who_is_blocked_hears_that_nobody_is_there(pair: Pair) -> None:
    one, other = pair
    async with here(citizen("juliet", one), citizen("romeo", other)) as (juliet, romeo):
        await block(romeo, "block", juliet)
        try:
            await is_refused(juliet, romeo, ("service-unavailable",))
            await is_refused(romeo, juliet, ("not-acceptable",))
        finally:
            await block(romeo, "unblock", juliet)
        await exchange(juliet, romeo)


async def block(one: Citizen, verb: str, other: Citizen) -> None:
    item = f"<item jid='{other.bare}'/>"
    answer = await one.ask(f"<{verb} xmlns='urn:xmpp:blocking'>{item}</{verb}>", "set")
    assert answer.get("type") == "result", condition(answer)
