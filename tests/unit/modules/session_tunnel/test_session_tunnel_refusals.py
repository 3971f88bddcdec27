"""What a gateway has refused by itself: who may tell of it, and what is remembered."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.components import Component, table
from tests.support.deferred import result
from tests.support.gateway import GRANTED, HTTP, Gateway
from tests.support.server import DOMAIN, NOW, Verona, condition
from xmppd import ns
from xmppd.admin import display
from xmppd.admin.commands import perform
from xmppd.admin.operated import Operated
from xmppd.core.refusals import KEPT

SPY = "spy.capulet.lit"
NURSE = "203.0.113.9"


@pytest.fixture
def server() -> Verona:
    return Verona(components={**GRANTED, SPY: table(multicast=100)})


@pytest.fixture
def gateway(server: Verona) -> Gateway:
    return Gateway(server)


def refused(reason: str = "bosh.sessions", address: str = NURSE, **attrs: str) -> str:
    shown = "".join(f" {name}='{value}'" for name, value in attrs.items())
    return f"<refused reason='{reason}' address='{address}'{shown}/>"


def tell(gateway: Gateway, *each: str, sender: str = HTTP) -> None:
    inner = f"<refusals xmlns='{ns.TUNNEL}'>{''.join(each)}</refusals>"
    gateway.send(f"<message>{inner}</message>", sender)


def why(server: Verona, subject: str) -> list[Any]:
    told = result(perform(Operated(server.host), "why", {"subject": subject}))
    found: list[Any] = told["refusals"]
    return found


@pytest.mark.parametrize("subject", [NURSE, HTTP])
def test_an_operator_is_told_of_it(server: Verona, gateway: Gateway, subject: str) -> None:
    tell(gateway, refused(times="3", meaning="too many &lt;sessions>", remedy="raise it"))
    server.clock.advance(60)
    tell(gateway, refused(times="2", meaning="too many sessions", remedy="raise it"))
    (told,) = why(server, subject)
    assert (told["reason"], told["target"], told["address"]) == ("bosh.sessions", HTTP, NURSE)
    assert (told["meaning"], told["remedy"]) == ("too many sessions", "raise it")
    assert (told["times"], told["since"], told["when"]) == (5, NOW, NOW + 60)
    assert list(display.refusals({"subject": subject, "refusals": [told]})) == [
        f"2006-12-08 01:59:35Z  bosh.sessions  -  to {HTTP}  from {NURSE}"
        "  (5 times since 2006-12-08 01:58:35Z)",
        "bosh.sessions: too many sessions. What to do: raise it",
    ]
    assert gateway.errors() == []


def test_it_stands_between_what_the_server_has_refused(server: Verona, gateway: Gateway) -> None:
    tell(gateway, refused("http.rate"))
    server.clock.advance(1)
    server.host.refusals.note("tls.required", address=NURSE)
    server.clock.advance(1)
    tell(gateway, refused("http.origin", "203.0.113.9"))
    told = [each["reason"] for each in why(server, NURSE)]
    assert told == ["http.rate", "tls.required", "http.origin"]
    assert server.host.refusals.counts == {"tls.required": 1}, "the gateway counts its own"


def test_addresses_of_ipv6_are_written_in_one_way(server: Verona, gateway: Gateway) -> None:
    tell(gateway, refused(address="2001:DB8:0::9"))
    assert len(why(server, "2001:db8::9")) == 1


def test_what_is_remembered_is_bounded_and_displaces_nothing(
    server: Verona, gateway: Gateway
) -> None:
    server.host.refusals.note("tls.required", address=NURSE)
    for number in range(KEPT // 50 + 2):
        each = [refused(address=f"198.51.{number}.{at}") for at in range(50)]
        tell(gateway, *each)
    assert len(why(server, HTTP)) == KEPT
    assert why(server, "198.51.0.7") == []
    assert [each["reason"] for each in why(server, NURSE)] == ["tls.required"]


def test_only_a_gateway_may_tell(server: Verona, gateway: Gateway) -> None:
    spy = Component(server, SPY).log_in()
    inner = f"<refusals xmlns='{ns.TUNNEL}'>{refused()}</refusals>"
    spy.send(f"<message from='{SPY}' to='{DOMAIN}'>{inner}</message>")
    (answer,) = spy.elements()
    assert condition(answer) == "forbidden"
    tell(gateway, refused(), sender=f"a-long-random-name@{HTTP}")
    (error,) = gateway.errors()
    assert condition(error) == "bad-request"
    assert why(server, NURSE) == []


@pytest.mark.parametrize(
    "content",
    [
        refused("no code"),
        refused("nodots"),
        refused(f"a.{'b' * 80}"),
        refused(address="localhost"),
        refused(address=""),
        refused(times="-1"),
        refused(times="1" * 10),
        refused(times="²"),
        "<told/>",
        refused() * 101,
    ],
)
def test_nonsense_is_refused_and_nothing_of_it_remembered(
    server: Verona, gateway: Gateway, content: str
) -> None:
    tell(gateway, refused("http.rate") if len(content) < 5_000 else "", content)
    (error,) = gateway.errors()
    assert condition(error) == "bad-request"
    assert [each["reason"] for each in why(server, HTTP)] == ["tunnel.malformed"]
    assert why(server, NURSE) == []


def test_what_it_means_is_no_book(server: Verona, gateway: Gateway) -> None:
    tell(gateway, refused(meaning="x" * 5_000, remedy="y" * 5_000))
    (told,) = why(server, NURSE)
    assert (len(told["meaning"]), len(told["remedy"])) == (300, 300)
