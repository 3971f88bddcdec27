"""Services beside the accounts, waited for: xmppd's come of processes that start beside it."""

import re
import time

from benchmarks.client import Client, LoadError, Script
from benchmarks.load import Crowd

_START = 30.0
"""Seconds that a service may take to come up."""
_THERE = re.compile(rb"<iq(?=[^>]*id=.there.)[^>]*type=.(?:(result)|error).[^>]*>")


def await_service(crowd: Crowd, domain: str) -> None:
    """Have the first client ask what a service can do until it answers."""
    client, end = next(iter(crowd.clients.values())), time.perf_counter() + _START
    answers: list[bytes | None] = []

    def asking(client: Client) -> Script:
        query = "<query xmlns='http://jabber.org/protocol/disco#info'/></iq>"
        client.send(f"<iq type='get' id='there' to='{domain}'>{query}".encode())
        answer = yield _THERE
        assert answer is not None
        answers.append(answer[1])

    crowd.go_on([client], asking, 1)
    while answers[-1] is None:
        if time.perf_counter() > end:
            raise LoadError(f"no answer from {domain} within {_START:.0f} s")
        crowd.drain(0.2)
        crowd.go_on([client], asking, 1)
