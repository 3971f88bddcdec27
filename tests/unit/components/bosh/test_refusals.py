"""What the gateway has refused, as it is counted and told to the server."""

from __future__ import annotations

from collections.abc import Mapping
from xml.etree.ElementTree import fromstring

import pytest

from components.bosh.reasons import REASONS
from components.bosh.refusals import MOST, SECONDS, Refusals
from tests.support.kit import DOMAIN, SERVER, Server
from xmppd import ns

T = f"{{{ns.TUNNEL}}}"
C = f"{{{ns.COMPONENT}}}"


class Gateway:
    """A component that refuses, and its server."""

    def __init__(self, *, let_in: bool = True) -> None:
        self.server = Server()
        self.component = self.server.component()
        self.refused = Refusals(self.component)
        if let_in:
            self.server.let_in()

    def told(self, seconds: float = 0) -> list[Mapping[str, str]]:
        """What the server is told in so many seconds."""
        self.server.clock.advance(seconds)
        data = self.server.take()
        found: list[Mapping[str, str]] = []
        for message in fromstring(b"<x xmlns='%b'>%b</x>" % (ns.COMPONENT.encode(), data)):
            assert message.tag == f"{C}message"
            assert (message.get("from"), message.get("to")) == (DOMAIN, SERVER)
            (refusals,) = message
            assert refusals.tag == f"{T}refusals"
            assert {each.tag for each in refusals} == {f"{T}refused"}
            found += [each.attrib for each in refusals]
        return found


@pytest.fixture
def gateway() -> Gateway:
    return Gateway()


def test_the_server_is_told_why_whom_and_what_it_means(gateway: Gateway) -> None:
    gateway.refused("http.origin", "203.0.113.9")
    (told,) = gateway.told()
    meaning, remedy = REASONS["http.origin"]
    assert told == {
        "reason": "http.origin",
        "address": "203.0.113.9",
        "times": "1",
        "meaning": meaning,
        "remedy": remedy,
    }
    assert gateway.component.counts["http.origin"] == 1


def test_it_is_told_once_in_a_while_however_often_that_was(gateway: Gateway) -> None:
    gateway.refused("http.rate", "203.0.113.9")
    assert len(gateway.told()) == 1
    for _ in range(1_000):
        gateway.refused("http.rate", "203.0.113.9")
    gateway.refused("http.rate", "203.0.113.10")
    assert gateway.told(SECONDS - 0.1) == []
    told = [(each["address"], each["times"]) for each in gateway.told(0.1)]
    assert told == [("203.0.113.9", "1000"), ("203.0.113.10", "1")]
    assert gateway.told(10 * SECONDS) == []


def test_what_is_too_much_to_be_told_is_counted(gateway: Gateway) -> None:
    for number in range(3 * MOST):
        gateway.refused("http.connections", f"2001:db8::{number:x}")
    assert len(gateway.told()) == MOST
    assert gateway.told(10 * SECONDS) == []
    assert gateway.component.counts["http.connections"] == 3 * MOST


def test_whom_nobody_knows_is_counted_alone(gateway: Gateway) -> None:
    gateway.refused("http.slow", "")
    assert gateway.told(10 * SECONDS) == []
    assert gateway.component.counts["http.slow"] == 1


def test_what_is_refused_while_there_is_no_server_is_told_when_there_is() -> None:
    gateway = Gateway(let_in=False)
    for _ in range(2):
        gateway.refused("bosh.refused", "203.0.113.9")
        gateway.server.clock.advance(SECONDS)
    gateway.server.let_in()
    (told,) = gateway.told(SECONDS)
    assert told["times"] == "2"


def test_nothing_is_told_behind_the_end(gateway: Gateway) -> None:
    gateway.refused("bosh.stopping", "203.0.113.9")
    gateway.refused.close()
    assert gateway.told(SECONDS) == []
