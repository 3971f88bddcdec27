"""RFC 6121 §8.5, cell by cell: who receives a stanza for a local account, and who is told."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest

from tests.support.sessions import Household, ends
from xmppd.core.delivery import TABLE, TYPES, Action, Target

MESSAGES = ("normal", "", "chat", "groupchat", "headline", "error", "duel")
SUBSCRIPTIONS = ("subscribe", "subscribed", "unsubscribe", "unsubscribed", "probe")

STATES: dict[str, dict[str, int | None]] = {
    "no account or nobody online": {},
    "connected only": {"balcony": None},
    "negative": {"balcony": -1},
    "one": {"balcony": 0},
    "two equal": {"balcony": 5, "chamber": 5},
    "two different": {"balcony": 5, "chamber": 1},
    "mixed": {"balcony": 0, "chamber": -1, "garden": None, "orchard": 0},
}
"""Juliet's resources and their priorities; None for one that has sent no presence."""

ALL, TOP, NOBODY = "all", "top", "nobody"


def expected(who: str, state: dict[str, int | None]) -> set[str]:
    """The resources that `all`, `top`, `available` or `nobody` are in a state."""
    available = {r: p for r, p in state.items() if p is not None}
    fit = {r: p for r, p in available.items() if p >= 0}
    if who == "available":
        return set(available)
    if who == ALL:
        return set(fit)
    if who == TOP:
        return {r for r, p in fit.items() if p == max(fit.values())}
    return set()


BARE: dict[tuple[str, str], tuple[str, str, str]] = {
    # (kind, type): who has it, what its sender is told where somebody could have had it, and
    # where nobody could. Written from the RFC's text, not from the table under test.
    ("message", "normal"): (TOP, "", "service-unavailable"),
    ("message", ""): (TOP, "", "service-unavailable"),
    ("message", "duel"): (TOP, "", "service-unavailable"),
    ("message", "chat"): (TOP, "", "service-unavailable"),
    ("message", "groupchat"): (NOBODY, "service-unavailable", "service-unavailable"),
    ("message", "headline"): (ALL, "", ""),
    ("message", "error"): (NOBODY, "", ""),
    ("presence", ""): ("available", "", ""),
    ("presence", "unavailable"): ("available", "", ""),
    ("presence", "error"): ("available", "", ""),
    ("iq", "get"): (NOBODY, "service-unavailable", "service-unavailable"),
    ("iq", "set"): (NOBODY, "service-unavailable", "service-unavailable"),
    ("iq", "result"): (NOBODY, "", ""),
    ("iq", "error"): (NOBODY, "", ""),
}

GONE: dict[tuple[str, str], tuple[str, str, str]] = {
    ("message", "normal"): (NOBODY, "service-unavailable", "service-unavailable"),
    ("message", ""): (NOBODY, "service-unavailable", "service-unavailable"),
    ("message", "duel"): (NOBODY, "service-unavailable", "service-unavailable"),
    ("message", "chat"): (TOP, "", "service-unavailable"),
    ("message", "groupchat"): (NOBODY, "service-unavailable", "service-unavailable"),
    ("message", "headline"): (NOBODY, "", ""),
    ("message", "error"): (NOBODY, "", ""),
    ("presence", ""): (NOBODY, "", ""),
    ("presence", "unavailable"): (NOBODY, "", ""),
    ("presence", "error"): (NOBODY, "", ""),
    ("iq", "get"): (NOBODY, "service-unavailable", "service-unavailable"),
    ("iq", "set"): (NOBODY, "service-unavailable", "service-unavailable"),
    ("iq", "result"): (NOBODY, "", ""),
    ("iq", "error"): (NOBODY, "", ""),
}

PAYLOAD = "<query xmlns='urn:example:poison'/>"


def stanza(kind: str, type_: str, to: str) -> str:
    shown = f" type='{type_}'" if type_ else ""
    return f"<{kind}{shown} id='n1' to='{to}'>{PAYLOAD}</{kind}>"


def outcome(
    state: dict[str, int | None], kind: str, type_: str, to: str
) -> tuple[set[str], list[dict[str, Any]]]:
    """Romeo's stanza to Juliet: the resources that have it, and what Romeo is told."""
    house = Household(state)
    house.send(stanza(kind, type_, to))
    had = {r for r, received in house.received().items() if received}
    for resource in had:
        (element,) = house.juliet[resource].elements()
        assert element.get("to") == to, "the address stays as it was (RFC 6121 §8.5.1)"
        assert element.get("from") == "romeo@montague.lit/orchard"
        assert (element.tag, element.get("type", "")) == (f"{{jabber:client}}{kind}", type_)
        assert element.get("id") == "n1"
        assert element.find("{urn:example:poison}query") is not None
    return had, [ends(e) for e in house.romeo.elements()]


def error(kind: str, to: str, condition: str) -> list[dict[str, Any]]:
    if not condition:
        return []
    told = {
        "kind": kind,
        "type": "error",
        "id": "n1",
        "from": to,
        "to": "romeo@montague.lit/orchard",
        "condition": condition,
        "error": "cancel",
        "code": "503",
    }
    return [told]


BARE_ROWS = [("juliet@capulet.lit", *row) for row in BARE.items()]
GONE_ROWS = [("juliet@capulet.lit/tomb", *row) for row in GONE.items()]


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize(("to", "stanza", "row"), BARE_ROWS + GONE_ROWS)
def test_to_a_bare_jid_or_a_full_one_that_is_not_there_rfc6121_8_5_2_and_8_5_3_2(
    state: str, to: str, stanza: tuple[str, str], row: tuple[str, str, str]
) -> None:
    (kind, type_), (who, with_somebody, with_nobody) = stanza, row
    resources = STATES[state]
    had, told = outcome(resources, kind, type_, to)
    assert had == expected(who, resources)
    condition = with_somebody if expected(ALL, resources) else with_nobody
    assert told == error(kind, to, condition)


@pytest.mark.parametrize("priority", [None, -1, 0, 7])
@pytest.mark.parametrize(("kind", "type_"), BARE)
def test_to_a_full_jid_that_is_there_rfc6121_8_5_3_1(
    kind: str, type_: str, priority: int | None
) -> None:
    """It has it whatever its priority, its siblings never, and its sender is told nothing."""
    state = {"balcony": priority, "chamber": 9}
    had, told = outcome(state, kind, type_, "juliet@capulet.lit/balcony")
    assert (had, told) == ({"balcony"}, [])


@pytest.mark.parametrize("type_", SUBSCRIPTIONS)
@pytest.mark.parametrize("to", ["", "/balcony", "/tomb"])
@pytest.mark.parametrize("state", STATES)
def test_subscriptions_are_the_servers_business_rfc6121_3(state: str, to: str, type_: str) -> None:
    """No session sees them but by way of the `subscription` hook, also at a full JID."""
    house = Household(STATES[state])
    house.send(f"<presence type='{type_}' to='juliet@capulet.lit{to}'/>")
    assert not any(house.received().values())
    assert house.romeo.elements() == []
    assert [s.type for s in house.seen["subscription"]] == [type_]


def test_no_cell_of_the_table_is_missing() -> None:
    for kind, target in product(TYPES, Target):
        for type_ in TYPES[kind]:
            assert isinstance(TABLE[kind, type_, target], Action)
    assert len(TABLE) == sum(len(t) for t in TYPES.values()) * len(Target)


@pytest.mark.parametrize("type_", ["normal", "chat"])
@pytest.mark.parametrize("state", ["no account or nobody online", "connected only", "negative"])
def test_a_message_for_later_is_offered_before_it_is_refused(state: str, type_: str) -> None:
    """RFC 6121 §8.5.2.2.1: whoever takes it at `undelivered` spares its sender the error."""
    house = Household(STATES[state], keep_undelivered=True)
    house.send(stanza("message", type_, "juliet@capulet.lit"))
    assert house.romeo.elements() == []
    assert len(house.seen["undelivered"]) == 1


@pytest.mark.parametrize("type_", ["groupchat", "headline", "error"])
def test_what_is_not_kept_is_not_offered(type_: str) -> None:
    house = Household({}, keep_undelivered=True)
    house.send(stanza("message", type_, "juliet@capulet.lit"))
    assert house.seen["undelivered"] == []


@pytest.mark.parametrize(
    ("kind", "type_"), [k for k in BARE if k != ("message", "duel")] + [("presence", "subscribe")]
)
@pytest.mark.parametrize("resource", ["", "/balcony"])
def test_an_unknown_user_is_as_an_offline_one(kind: str, type_: str, resource: str) -> None:
    """RFC 6121 §8.5.1, RFC 6120 §13.11: nobody learns which accounts exist."""
    seen = []
    for name in ("juliet", "rosaline"):  # only one of them has an account: none is online
        house = Household({})
        house.send(stanza(kind, type_, f"{name}@capulet.lit{resource}"))
        seen.append(house.romeo.written.replace(name.encode(), b"NAME"))
    assert seen[0] == seen[1]


def test_an_error_is_never_answered_by_an_error_rfc6120_8_3_1() -> None:
    house = Household({})
    for kind, to in product(
        ("message", "presence", "iq"),
        ("juliet@capulet.lit", "juliet@capulet.lit/x", "capulet.lit", "capulet.lit/x", "verona.it"),
    ):
        house.send(f"<{kind} type='error' id='n1' to='{to}'>{PAYLOAD}</{kind}>")
        house.send(f"<iq type='result' id='n2' to='{to}'/>")
    assert house.romeo.written == b""


@pytest.mark.parametrize("kind", ["message", "presence", "iq"])
def test_to_a_domain_that_nobody_serves_rfc6120_10_4(kind: str) -> None:
    type_ = {"iq": " type='get'"}.get(kind, "")
    house = Household({})
    house.send(f"<{kind}{type_} id='n1' to='paris@verona.it/park'>{PAYLOAD}</{kind}>")
    (told,) = [ends(e) for e in house.romeo.elements()]
    assert told["condition"] == "remote-server-not-found"
    assert (told["error"], told["code"]) == ("cancel", "404")
    assert (told["from"], told["to"]) == ("paris@verona.it/park", "romeo@montague.lit/orchard")
    assert told["kind"] == kind


@pytest.mark.parametrize("to", ["capulet.lit", "capulet.lit/nurse"])
def test_a_message_to_the_server_itself_is_refused_rfc6120_10_5(to: str) -> None:
    house = Household({})
    house.send(f"<message id='n1' to='{to}'><body>Nurse!</body></message>")
    assert [ends(e) for e in house.romeo.elements()] == error("message", to, "service-unavailable")


@pytest.mark.parametrize("to", ["capulet.lit", "capulet.lit/nurse"])
def test_presence_to_the_server_itself_is_dropped(to: str) -> None:
    house = Household({})
    house.send(f"<presence id='n1' to='{to}'/>")
    assert house.romeo.written == b""


def test_an_iq_to_a_resource_of_the_server_is_refused_rfc6120_10_5_2() -> None:
    house = Household({})
    house.send(f"<iq type='get' id='n1' to='capulet.lit/nurse'>{PAYLOAD}</iq>")
    assert [ends(e) for e in house.romeo.elements()] == error(
        "iq", "capulet.lit/nurse", "service-unavailable"
    )


def test_a_session_that_refuses_leaves_the_others_their_copy() -> None:
    """One refusal among several recipients is nobody's business but that one's."""
    house = Household({"balcony": 1, "chamber": 1}, deaf={"balcony"})
    house.send(stanza("message", "chat", "juliet@capulet.lit"))
    assert {r for r, had in house.received().items() if had} == {"chamber"}
    assert house.romeo.elements() == []


def test_a_stanza_that_every_session_refuses_is_refused_once() -> None:
    house = Household({"balcony": 1, "chamber": 1}, deaf={"balcony", "chamber"})
    house.send(stanza("message", "chat", "juliet@capulet.lit"))
    (told,) = [ends(e) for e in house.romeo.elements()]
    assert told["condition"] == "not-acceptable"


def test_a_sender_who_refuses_his_own_errors_brings_nothing_down() -> None:
    house = Household({}, deaf={"orchard"})
    house.send(stanza("message", "chat", "juliet@capulet.lit"))
    assert house.romeo.written == b""
