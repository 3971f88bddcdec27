"""How much of others' capabilities is asked for and remembered, and by whose doing (XEP-0115)."""

from __future__ import annotations

import pytest

from tests.support.capabilities import (
    EXODUS,
    PSI,
    Kind,
    Stage,
    appear,
    asked,
    crowd,
    reply,
)
from xmppd.core import capabilities
from xmppd.core.capabilities import Standing
from xmppd.wire.stanza import Stanza


@pytest.fixture
def stage() -> Stage:
    return Stage()


def test_only_so_many_hashes_are_remembered_the_last_used_ones() -> None:
    stage = Stage(capabilities={"remembered": 2})
    third = Kind("urn:example:third")
    stage.learn(EXODUS)
    stage.learn(PSI)
    stage.log_in("juliet", EXODUS)
    stage.learn(third)
    held = stage.server.host.capabilities
    assert len(held) == 2
    assert asked(stage.log_in("juliet", EXODUS, "s")) == []
    assert asked(stage.log_in("nurse", PSI)) != []


def test_what_a_session_was_known_for_outlives_the_cache() -> None:
    stage = Stage(capabilities={"remembered": 1})
    stage.learn(EXODUS)
    juliet = stage.log_in("juliet", EXODUS)
    stage.learn(PSI)
    assert stage.features(juliet) == set(EXODUS.features)


def test_a_reload_may_have_fewer_remembered(stage: Stage) -> None:
    stage.learn(EXODUS)
    stage.learn(PSI)
    stage.server.reload(capabilities={"remembered": 1})
    stage.learn(Kind("urn:example:third"))
    assert len(stage.server.host.capabilities) == 1


def test_a_session_is_asked_one_thing_at_a_time(stage: Stage) -> None:
    juliet = stage.log_in("juliet")
    for number in range(50):
        appear(juliet, Kind(f"urn:example:{number}"))
    assert stage.outstanding == 1
    stage.later()
    held = stage.server.host.capabilities
    assert (len(held._waiting), len(held._entities)) == (1, 1)


def test_changing_one_mind_does_not_lengthen_a_queue(stage: Stage) -> None:
    stage.log_in("romeo", EXODUS)
    juliet = stage.log_in("juliet")
    for _ in range(20):
        appear(appear(juliet, EXODUS), PSI)
    stage.later()
    held = stage.server.host.capabilities
    assert {key[1]: len(queue) for key, queue in held._waiting.items()} == {
        EXODUS.ver: 0,
        PSI.ver: 0,
    }


def test_only_so_many_are_asked_at_a_time(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(capabilities, "MOST_ASKED", 2)
    for name, number in (("juliet", 1), ("romeo", 2)):
        stage.log_in(name, Kind(f"urn:example:{number}"))
    nurse = stage.log_in("nurse", EXODUS)
    assert asked(nurse) == []
    stage.later(capabilities.SECONDS)
    (request,) = asked(appear(nurse, EXODUS))
    reply(nurse, request, EXODUS.info)
    assert stage.features(nurse) == set(EXODUS.features)


def test_where_nobody_answers_each_of_many_is_asked_and_no_stack_overflows(stage: Stage) -> None:
    """Whoever can't be reached fails at once: so do all who wait behind him."""
    juliet = stage.log_in("juliet", EXODUS)
    crowd(stage, 1_500)
    reply(juliet, asked(juliet)[0], "")
    for _ in range(1_501):
        stage.later()
    assert stage.server.host.capabilities._waiting == {}
    assert stage.outstanding == 0


# Of elsewhere


def test_users_of_the_server_are_asked_before_those_of_others(stage: Stage) -> None:
    """Strangers may be many, and all keep their answer to themselves."""
    out: list[Stanza] = []
    stage.server.host.router.attach(out.append, "mantua.lit")
    crowd(stage, 20, "mantua.lit", standing=Standing.CONTACT)
    assert [str(stanza.to) for stanza in out] == ["b0@mantua.lit/r"]
    juliet = stage.log_in("juliet", EXODUS)
    stage.later(capabilities.SECONDS)
    assert len(asked(juliet)) == len(out) == 1


def test_only_so_many_are_asked_at_a_time_of_one_domain_elsewhere(stage: Stage) -> None:
    out: list[Stanza] = []
    for domain in ("mantua.lit", "verona.lit"):
        stage.server.host.router.attach(out.append, domain)
    most = capabilities.MOST_ASKED_OF_DOMAIN
    for number in range(most + 10):
        crowd(
            stage,
            1,
            "mantua.lit",
            Kind(f"urn:example:{number}"),
            str(number),
            standing=Standing.CONTACT,
        )
    assert len(out) == most
    crowd(stage, 1, "verona.lit", standing=Standing.CONTACT)
    assert len(out) == most + 1
    stage.later(capabilities.SECONDS)
    crowd(stage, 1, "mantua.lit", Kind("urn:example:more"), standing=Standing.CONTACT)
    assert len(out) == most + 2


def test_one_with_many_domains_leaves_room_for_others_and_all_of_them_for_users(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(capabilities, "MOST_ASKED", 2 * capabilities.MOST_ASKED_OF_DOMAIN + 4)
    out: list[Stanza] = []
    kinds = iter([Kind(f"urn:example:{number}") for number in range(200)])
    for number in range(60):
        domain = f"m{number}.iago.lit"
        stage.server.host.router.attach(out.append, domain)
        crowd(stage, 1, domain, next(kinds), standing=Standing.CONTACT)
    assert len(out) == capabilities.MOST_ASKED_OF_DOMAIN
    for number in range(10):
        domain = f"mantua{number}.lit"
        stage.server.host.router.attach(out.append, domain)
        crowd(stage, 1, domain, next(kinds), standing=Standing.CONTACT)
    assert len(out) == capabilities.MOST_ASKED_OF_DOMAIN + 2
    assert asked(stage.log_in("juliet", EXODUS)) != []


# Strangers


def test_strangers_are_asked_behind_all_others(stage: Stage) -> None:
    """Anybody may show himself to an account (XEP-0060 §9.1.3)."""
    out: list[Stanza] = []
    for domain in ("mantua.lit", "verona.lit"):
        stage.server.host.router.attach(out.append, domain)
    strangers = [capabilities.MOST_STRANGERS_OF_DOMAIN, capabilities.MOST_ASKED_OF_DOMAIN]
    kinds = iter([Kind(f"urn:example:{number}") for number in range(200)])
    for number in range(strangers[0] + 5):
        crowd(stage, 1, "mantua.lit", next(kinds), str(number), standing=Standing.STRANGER)
    assert len(out) == strangers[0]
    for number in range(strangers[1]):
        crowd(stage, 1, "mantua.lit", next(kinds), f"c{number}", standing=Standing.CONTACT)
    assert len(out) == strangers[1], "and the others have the rest"
    stage.later(capabilities.SECONDS)
    crowd(stage, 1, "mantua.lit", next(kinds), standing=Standing.STRANGER)
    assert len(out) == strangers[1] + 1


def test_only_so_many_strangers_are_asked_at_a_time(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(capabilities, "MOST_STRANGERS", 2)
    out: list[Stanza] = []
    for number in range(4):
        domain = f"mantua{number}.lit"
        stage.server.host.router.attach(out.append, domain)
        kind = Kind(f"urn:example:{number}")
        crowd(stage, 1, domain, kind, standing=Standing.STRANGER)
    assert len(out) == 2
    crowd(stage, 1, "mantua3.lit", Kind("urn:example:contact"), "c", standing=Standing.CONTACT)
    assert len(out) == 3


def test_nobody_waits_for_what_a_stranger_says(stage: Stage) -> None:
    """Who names a kind that he keeps to himself, before any client of that kind comes."""
    out: list[Stanza] = []
    stage.server.host.router.attach(out.append, "mantua.lit")
    crowd(stage, 2, "mantua.lit", name="s", standing=Standing.STRANGER)
    assert [str(stanza.to) for stanza in out] == ["s0@mantua.lit/r"]
    juliet = stage.log_in("juliet", EXODUS)
    (request,) = asked(juliet)
    crowd(stage, 1, "mantua.lit", name="c", standing=Standing.CONTACT)
    assert len(out) == 1, "the next waits for her"
    reply(juliet, request, EXODUS.info)
    told = {str(jid) for jid, _ in stage.told}
    assert told == {juliet.jid, "s1@mantua.lit/r", "c0@mantua.lit/r"}
    stage.later(capabilities.SECONDS)
    assert len(out) == 1
    assert stage.outstanding == 0


def test_where_he_and_she_say_nothing_the_next_is_asked(stage: Stage) -> None:
    out: list[Stanza] = []
    stage.server.host.router.attach(out.append, "mantua.lit")
    crowd(stage, 1, "mantua.lit", name="s", standing=Standing.STRANGER)
    juliet, romeo = stage.log_in("juliet", EXODUS), stage.log_in("romeo", EXODUS)
    reply(juliet, asked(juliet)[0], "")
    stage.later()
    (request,) = asked(romeo)
    stage.later(capabilities.SECONDS / 2)
    reply(romeo, request, EXODUS.info)
    assert stage.features(juliet) == set(EXODUS.features)


def test_a_stranger_who_becomes_a_contact_is_one(stage: Stage) -> None:
    out: list[Stanza] = []
    stage.server.host.router.attach(out.append, "mantua.lit")
    kinds = [Kind(f"urn:example:{number}") for number in range(20)]
    for number, kind in enumerate(kinds):
        crowd(stage, 1, "mantua.lit", kind, f"s{number}", standing=Standing.STRANGER)
    assert len(out) == capabilities.MOST_STRANGERS_OF_DOMAIN
    crowd(stage, 1, "mantua.lit", kinds[-1], "s19", standing=Standing.CONTACT)
    assert str(out[-1].to) == "s190@mantua.lit/r"
