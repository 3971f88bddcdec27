"""A stream that nobody uses is closed in good order, and made anew when it is wanted."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tests.support.federated_prosody import BidirectionalProsody
from tests.support.federated_xmppd import FederatedXmppd
from tests.support.federating import citizen, exchange, here
from tests.support.federation import Federated, serving
from tests.support.internet import Internet
from tests.support.process import until


class ImpatientXmppd(FederatedXmppd):
    """xmppd that closes its streams at the first look, which comes every ten seconds."""

    name = "impatient"
    s2s_settings: Mapping[str, Any] = {"idle_seconds": 1}


@pytest.fixture(scope="module")
def impatient(
    internet: Internet, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[FederatedXmppd]:
    server = ImpatientXmppd(internet, tmp_path_factory.mktemp("impatient"))
    with serving(server):
        yield server


async def test_rfc6120_4_4_an_idle_stream_is_closed_by_both_and_made_anew(
    impatient: Federated, bidirectional: BidirectionalProsody
) -> None:
    def count(what: str) -> int:
        way = f"{impatient.domain}->{bidirectional.domain}"
        return bidirectional.log.count(f"{way} {what}")

    async with here(citizen("juliet", impatient), citizen("romeo", bidirectional)) as two:
        await exchange(*two)
        assert count("complete") == 1
        in_peace = "closed: stream closed"
        await asyncio.to_thread(until, lambda: count(in_peace) == 1)
        await exchange(*two)
    assert count("complete") == 2
