"""How xmppd and servers of other makes prove to each other who they are, whoever begins."""

from __future__ import annotations

import asyncio

import pytest

from tests.support.federated_prosody import FederatedProsody
from tests.support.federated_xmppd import FederatedXmppd
from tests.support.federating import NOT_REACHED, citizen, exchange, here, is_refused, together
from tests.support.federation import Foreign, Link, bad_domain
from tests.support.papers import BAD, Kind

OWN_BAD: tuple[Kind, ...] = ("self-signed", "unknown", "expired")
"""What xmppd can be made to show: for a certificate of another domain it takes one of its own."""

AT_ONCE = 10.0
"""Seconds: much more than it takes, and less than anybody waits before he gives up."""

both_ways = pytest.mark.parametrize("first", ["xmppd", "peer"])
"""Who speaks first, and so opens the first stream."""


async def test_xep_0178_3_certificates_are_enough_in_both_directions(
    xmppd: FederatedXmppd, peer: Foreign
) -> None:
    async with here(citizen("juliet", xmppd), citizen("romeo", peer)) as (juliet, romeo):
        await exchange(juliet, romeo)
    both = (
        Link(xmppd.domain, peer.domain, "EXTERNAL"),
        Link(peer.domain, xmppd.domain, "EXTERNAL"),
    )
    assert peer.has_had(*both)


async def test_xep_0368_direct_tls_to_the_peer(xmppd: FederatedXmppd, peer: Foreign) -> None:
    people = citizen("juliet", xmppd), citizen("romeo", peer, peer.direct)
    async with here(*people) as (juliet, romeo):
        await exchange(juliet, romeo)
    assert peer.has_had(Link(xmppd.domain, peer.direct, "EXTERNAL"))


async def test_xep_0368_direct_tls_from_the_peer(xmppd: FederatedXmppd, peer: Foreign) -> None:
    people = citizen("juliet", xmppd, xmppd.direct), citizen("romeo", peer)
    async with here(*people) as (juliet, romeo):
        await exchange(romeo, juliet)
    assert peer.has_had(Link(peer.domain, xmppd.direct, "EXTERNAL"))


@both_ways
@pytest.mark.parametrize("kind", BAD)
async def test_xep_0220_2_a_peer_with_a_bad_certificate_is_dialled_back_where_that_will_do(
    kind: Kind, first: str, xmppd: FederatedXmppd, peer: Foreign
) -> None:
    """RFC 6120 §13.7.2: its certificate proves nothing, so its domain is asked."""
    domain = bad_domain(peer.name, kind, tolerated=True)
    # Each order has a user, and so a domain, of its own: streams of the first would serve both.
    ours = xmppd.domain if first == "xmppd" else xmppd.second
    people = [citizen("juliet", xmppd, ours), citizen("romeo", peer, domain)]
    async with here(*people) as (juliet, romeo):
        await exchange(*((juliet, romeo) if first == "xmppd" else (romeo, juliet)))
    assert peer.has_had(Link(domain, ours, "dialback"))


@both_ways
@pytest.mark.parametrize("kind", OWN_BAD)
async def test_xep_0220_2_one_s_own_bad_certificate_makes_the_peer_dial_back(
    kind: Kind, first: str, xmppd: FederatedXmppd, peer: Foreign
) -> None:
    domain = bad_domain(xmppd.name, kind, tolerated=True)
    theirs = peer.domain if first == "xmppd" else peer.second
    if first == "xmppd":
        xmppd.restart()  # or it would use a stream of its first domain, as below
    people = [citizen("juliet", xmppd, domain), citizen("romeo", peer, theirs)]
    async with here(*people) as (juliet, romeo):
        await exchange(*((juliet, romeo) if first == "xmppd" else (romeo, juliet)))
    assert peer.has_had(Link(domain, theirs, "dialback"))


async def test_xep_0220_2_6_1_a_stream_takes_up_other_domains(
    xmppd: FederatedXmppd, peer: Foreign
) -> None:
    """Both of them proceed with one stream, or open another one; nobody waits for ever."""
    ours = [xmppd.domain, xmppd.second, bad_domain(xmppd.name, "expired", tolerated=True)]
    people = [citizen("nurse", xmppd, domain) for domain in ours]
    async with here(citizen("romeo", peer), *people) as (romeo, *nurses):
        for nurse in nurses:
            await exchange(nurse, romeo)


async def test_xep_0220_2_3_both_dial_back_at_the_same_time(
    xmppd: FederatedXmppd, peer: Foreign
) -> None:
    one, other = (bad_domain(each.name, "unknown", tolerated=True) for each in (xmppd, peer))
    people = citizen("juliet", xmppd, one), citizen("romeo", peer, other)
    async with here(*people) as (juliet, romeo):
        await together(juliet, romeo)
    assert peer.has_had(Link(one, other, "dialback"), Link(other, one, "dialback"))


async def test_xep_0220_2_6_1_both_at_the_same_time_where_a_stream_may_be_shared(
    xmppd: FederatedXmppd, peer: Foreign
) -> None:
    """One asks to use the stream of another pair, while the other opens a new one."""
    ours = [bad_domain(xmppd.name, kind, tolerated=True) for kind in BAD]
    theirs = bad_domain(peer.name, "other", tolerated=True)
    people = [citizen("juliet", xmppd, domain) for domain in ours]
    async with here(citizen("romeo", peer, theirs), *people) as (romeo, first, *others):
        await exchange(first, romeo)
        for juliet in others:
            await asyncio.wait_for(together(juliet, romeo), AT_ONCE)


@both_ways
async def test_xep_0288_2_one_stream_is_enough_for_both_ways(
    first: str, xmppd: FederatedXmppd, bidirectional: FederatedProsody
) -> None:
    peer = bidirectional
    theirs = peer.domain if first == "xmppd" else peer.second
    async with here(citizen("juliet", xmppd), citizen("romeo", peer, theirs)) as (juliet, romeo):
        await exchange(*((juliet, romeo) if first == "xmppd" else (romeo, juliet)))
    out, back = Link(xmppd.domain, theirs, "EXTERNAL"), Link(theirs, xmppd.domain, "EXTERNAL")
    opened, other = (out, back) if first == "xmppd" else (back, out)
    assert peer.has_had(opened)
    assert other not in peer.links()


@pytest.mark.parametrize("kind", BAD)
async def test_rfc6120_13_7_2_a_peer_with_a_bad_certificate_gets_nothing_and_says_nothing(
    kind: Kind, xmppd: FederatedXmppd, peer: Foreign
) -> None:
    domain = bad_domain(peer.name, kind)
    async with here(citizen("juliet", xmppd), citizen("romeo", peer, domain)) as (juliet, romeo):
        await is_refused(juliet, romeo, NOT_REACHED)
        await is_refused(romeo, juliet, NOT_REACHED)


@pytest.mark.parametrize("kind", OWN_BAD)
async def test_rfc6120_10_4_whom_the_peer_refuses_is_told_so(
    kind: Kind, xmppd: FederatedXmppd, peer: Foreign
) -> None:
    domain = bad_domain(xmppd.name, kind)
    async with here(citizen("juliet", xmppd, domain), citizen("romeo", peer)) as (juliet, romeo):
        await is_refused(juliet, romeo, NOT_REACHED)
        await is_refused(romeo, juliet, NOT_REACHED)


@both_ways
async def test_xep_0220_2_dialback_without_tls_where_that_will_do(
    first: str, xmppd: FederatedXmppd, plain_peer: Foreign
) -> None:
    ours = xmppd.domain if first == "xmppd" else xmppd.second
    people = citizen("juliet", xmppd, ours), citizen("romeo", plain_peer)
    async with here(*people) as (juliet, romeo):
        await exchange(*((juliet, romeo) if first == "xmppd" else (romeo, juliet)))
    both = (
        Link(ours, plain_peer.domain, "dialback", secure=False),
        Link(plain_peer.domain, ours, "dialback", secure=False),
    )
    assert plain_peer.has_had(*both)


async def test_rfc6120_5_3_1_who_has_no_tls_gets_nothing_and_says_nothing(
    xmppd: FederatedXmppd, plain_peer: Foreign
) -> None:
    people = citizen("juliet", xmppd), citizen("romeo", plain_peer, plain_peer.bare)
    async with here(*people) as (juliet, romeo):
        await is_refused(juliet, romeo, NOT_REACHED)
        await is_refused(romeo, juliet, NOT_REACHED)
