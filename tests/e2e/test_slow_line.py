"""What waits for a client that reads slowly reaches it, on each store (XEP-0160 §2)."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.verona import VERONA, Server, running
from tests.support.peers import Peer
from tests.support.server import PASSWORD

JULIET, ROMEO = f"juliet@{VERONA}", f"romeo@{VERONA}"
MESSAGES = 60
EACH = 100_000


@pytest.fixture
def verona(store: Mapping[str, Any], tmp_path: Path) -> Iterator[Server]:
    """A server that cuts off whom it has to keep more than 1 MiB for."""
    tables = {"store": store, "limits": {"write_buffer_bytes": 1_048_576}}
    with running(tmp_path, tables, (JULIET, ROMEO)) as server:
        yield server


def message(number: int) -> str:
    filling = f"<x xmlns='urn:example:x'>{'x' * EACH}</x>"
    return f"<message to='{JULIET}' type='chat'><body>{number}</body>{filling}</message>"


def test_0160_2_a_client_is_not_cut_off_for_what_waited_for_it(verona: Server) -> None:
    """Six times what the server would keep for it, and nobody reads it for a while."""
    with Peer(verona.c2s, VERONA) as romeo:
        romeo.log_in("romeo", PASSWORD, "orchard")
        for number in range(MESSAGES):
            romeo.send(message(number))
        romeo.ping()
    with Peer(verona.c2s, VERONA, receive_buffer=32_768) as juliet:
        juliet.log_in("juliet", PASSWORD, "balcony")
        juliet.send("<presence/>")
        time.sleep(2)
        numbers: list[str | None] = []
        while len(numbers) < MESSAGES:
            element = juliet.element()
            if element.tag.endswith("}message"):
                numbers.append(element.findtext("{*}body"))
        assert numbers == [str(number) for number in range(MESSAGES)]
        juliet.ping()
    with Peer(verona.c2s, VERONA) as juliet:
        juliet.log_in("juliet", PASSWORD, "balcony")
        assert juliet.send("<presence/>").element().tag.endswith("}presence")
        juliet.ping()
