"""Prosody and ejabberd talk to each other over the test's own internet, without xmppd.

What fails here is the tests' fault: the other tests of federation say something only while these
pass.
"""

from __future__ import annotations

import pytest

from tests.support.federated_ejabberd import FederatedEjabberd
from tests.support.federated_prosody import FederatedProsody
from tests.support.federating import NOT_REACHED, citizen, exchange, here, is_refused
from tests.support.federation import Link, bad_domain
from tests.support.papers import BAD, Kind
from tests.support.server import condition


async def test_they_chat_by_certificates(
    prosody: FederatedProsody, ejabberd: FederatedEjabberd
) -> None:
    async with here(citizen("juliet", prosody), citizen("romeo", ejabberd)) as (juliet, romeo):
        await exchange(juliet, romeo)
    both = (
        Link(prosody.domain, ejabberd.domain, "EXTERNAL"),
        Link(ejabberd.domain, prosody.domain, "EXTERNAL"),
    )
    assert prosody.has_had(*both)
    assert ejabberd.has_had(*both)


@pytest.mark.parametrize("kind", BAD)
async def test_a_bad_certificate_of_one_who_is_tolerated_takes_dialback(
    kind: Kind, prosody: FederatedProsody, ejabberd: FederatedEjabberd
) -> None:
    domain = bad_domain(ejabberd.name, kind, tolerated=True)
    async with here(citizen("juliet", prosody), citizen("romeo", ejabberd, domain)) as (
        juliet,
        romeo,
    ):
        await exchange(juliet, romeo)
    assert prosody.has_had(Link(domain, prosody.domain, "dialback"))


@pytest.mark.parametrize("kind", BAD)
async def test_a_bad_certificate_is_refused(
    kind: Kind, prosody: FederatedProsody, ejabberd: FederatedEjabberd
) -> None:
    domain = bad_domain(prosody.name, kind)
    async with here(citizen("juliet", prosody, domain), citizen("romeo", ejabberd)) as (
        juliet,
        romeo,
    ):
        await is_refused(juliet, romeo, NOT_REACHED)


async def test_they_chat_with_direct_tls(
    prosody: FederatedProsody, ejabberd: FederatedEjabberd
) -> None:
    for one, other in ((prosody, ejabberd), (ejabberd, prosody)):
        people = citizen("juliet", one), citizen("romeo", other, other.direct)
        async with here(*people) as (juliet, romeo):
            await exchange(juliet, romeo)
        assert other.has_had(Link(one.domain, other.direct, "EXTERNAL"))


async def test_they_chat_without_tls(
    plain_prosody: FederatedProsody, plain_ejabberd: FederatedEjabberd
) -> None:
    async with here(citizen("juliet", plain_prosody), citizen("romeo", plain_ejabberd)) as (
        juliet,
        romeo,
    ):
        await exchange(juliet, romeo)
    both = (
        Link(plain_prosody.domain, plain_ejabberd.domain, "dialback", secure=False),
        Link(plain_ejabberd.domain, plain_prosody.domain, "dialback", secure=False),
    )
    assert plain_prosody.has_had(*both)
    assert plain_ejabberd.has_had(*both)


async def test_who_is_nowhere_is_not_found(prosody: FederatedProsody) -> None:
    async with here(citizen("juliet", prosody)) as (juliet,):
        juliet.say("romeo@nowhere.lit", "Wherefore art thou?")
        answer = await juliet.notices_one(lambda message: message.get("type") == "error")
    assert condition(answer) == "remote-server-not-found"
