"""Exactly one answer to each request, however its responder ends (RFC 6120 §8.2.3, rule 3)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from twisted.internet.defer import Deferred, fail, succeed

from tests.support.sessions import Household, ends
from xmppd.core.iq import On, Request
from xmppd.errors import StanzaError, StoreBusy, StoreError
from xmppd.wire.build import Tag

POTION = "urn:example:potion"


def ask(responder: Callable[[Request], Any], on: On = On.HOST) -> Household:
    house = Household({})
    house.router.iq.add(on, "get", f"{POTION} vial", responder)
    to = "capulet.lit" if on is On.HOST else "juliet@capulet.lit"
    house.send(f"<iq type='get' id='v1' to='{to}'><vial xmlns='{POTION}'/></iq>")
    return house


def vial() -> Tag:
    return Tag("vial", {"hours": "42"}, ns=POTION)


async def _coroutine(value: Any) -> Any:
    if isinstance(value, Exception):
        raise value
    return value


WAYS: dict[str, Callable[[Any], Callable[[Request], Any]]] = {
    "at once": lambda value: lambda request: _now(value),
    "a fired Deferred": lambda value: (
        lambda request: fail(value) if isinstance(value, Exception) else succeed(value)
    ),
    "a coroutine": lambda value: lambda request: _coroutine(value),
}


def _now(value: Any) -> Any:
    if isinstance(value, Exception):
        raise value
    return value


@pytest.mark.parametrize("on", On)
@pytest.mark.parametrize("way", WAYS)
def test_a_payload_is_the_result(way: str, on: On) -> None:
    house = ask(WAYS[way](vial()), on)
    (told,) = house.romeo.elements()
    assert (told.get("type"), told.get("id")) == ("result", "v1")
    assert told.get("from") == ("capulet.lit" if on is On.HOST else "juliet@capulet.lit")
    assert told.get("to") == "romeo@montague.lit/orchard"
    assert [child.get("hours") for child in told] == ["42"]


@pytest.mark.parametrize("way", WAYS)
def test_none_is_an_empty_result(way: str) -> None:
    (told,) = ask(WAYS[way](None)).romeo.elements()
    assert (told.get("type"), len(told)) == ("result", 0)


ERRORS = [
    (StanzaError("item-not-found", reason="stanza.node"), "item-not-found", "stanza.node"),
    (StoreError("the disk is full"), "internal-server-error", "stanza.store"),
    (StoreBusy("come again"), "resource-constraint", "stanza.store"),
    (ZeroDivisionError("Mercutio"), "internal-server-error", "stanza.internal"),
]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("error", "condition", "reason"), ERRORS)
def test_a_failure_is_one_error(way: str, error: Exception, condition: str, reason: str) -> None:
    house = ask(WAYS[way](error))
    (told,) = [ends(e) for e in house.romeo.elements()]
    assert (told["condition"], told["id"], told["from"]) == (condition, "v1", "capulet.lit")
    assert house.refusals.counts == {reason: 1}
    for secret in (b"Mercutio", b"disk", b"Traceback"):
        assert secret not in house.romeo.written


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("nonsense", ["text", 5, [vial()], Tag("vial", {"hours": 42})])  # type: ignore[dict-item]
def test_a_responder_that_answers_nonsense_is_a_bug_and_answered(way: str, nonsense: Any) -> None:
    house = ask(WAYS[way](nonsense))
    assert [ends(e)["condition"] for e in house.romeo.elements()] == ["internal-server-error"]


def test_an_answer_that_takes_time_comes_when_it_comes() -> None:
    later: Deferred[Any] = Deferred()
    house = ask(lambda request: later)
    assert house.romeo.written == b""
    later.callback(vial())
    assert len(house.romeo.elements()) == 1


def test_an_answer_to_who_has_gone_goes_nowhere() -> None:
    later: Deferred[Any] = Deferred()
    house = ask(lambda request: later)
    house.directory.unbind(house.romeo.session)
    later.callback(vial())
    assert house.romeo.written == b""


def test_a_request_without_responder_is_refused_once_rfc6120_8_4() -> None:
    house = Household({})
    house.send(f"<iq type='get' id='v1' to='capulet.lit'><vial xmlns='{POTION}'/></iq>")
    assert [ends(e)["condition"] for e in house.romeo.elements()] == ["service-unavailable"]


def test_a_request_has_one_responder_until_it_is_taken_back() -> None:
    house = Household({})
    table = house.router.iq
    remove = table.add(On.HOST, "get", f"{POTION} vial", lambda request: None)
    table.add(On.ACCOUNT, "get", f"{POTION} vial", lambda request: None)
    table.add(On.HOST, "set", f"{POTION} vial", lambda request: None)
    with pytest.raises(ValueError, match="has a responder"):
        table.add(On.HOST, "get", f"{POTION} vial", lambda request: None)
    remove()
    table.add(On.HOST, "get", f"{POTION} vial", lambda request: None)


def test_a_payload_is_known_by_namespace_and_name() -> None:
    house = Household({})
    house.router.iq.add(On.HOST, "get", f"{POTION} vial", lambda request: None)
    for payload in ("<vial xmlns='urn:example:poison'/>", f"<dram xmlns='{POTION}'/>", "<vial/>"):
        house.send(f"<iq type='get' id='v1' to='capulet.lit'>{payload}</iq>")
    assert [ends(e)["condition"] for e in house.romeo.elements()] == ["service-unavailable"] * 3


def test_a_request_tells_who_asks_whom() -> None:
    asked: list[Request] = []
    ask(asked.append, On.ACCOUNT)
    (request,) = asked
    assert (request.sender, request.to) == ("romeo@montague.lit/orchard", "juliet@capulet.lit")
    assert not request.own
    assert request.payload is request.payload
    assert request.payload.tag == f"{{{POTION}}}vial"
