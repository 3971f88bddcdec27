"""What clients can do: asked of one of a kind, verified, known of all (XEP-0115 §5.4, §8.2)."""

from __future__ import annotations

import pytest

from tests.support.capabilities import (
    EXODUS,
    INFO,
    NOTIFY,
    PSI,
    Kind,
    Stage,
    appear,
    asked,
    crowd,
    reply,
)
from tests.support.server import DOMAIN
from xmppd import ns
from xmppd.core import capabilities
from xmppd.core.disco import HASHES, DiscoInfo, Identity, verification_string
from xmppd.core.forms import Field, Form


@pytest.fixture
def stage() -> Stage:
    return Stage()


# §6.2: the request


def test_6_2_an_unknown_hash_is_asked_of_its_client_in_its_accounts_name(stage: Stage) -> None:
    juliet = stage.log_in("juliet", EXODUS)
    (request,) = asked(juliet)
    assert request.get("from") == f"juliet@{DOMAIN}"
    assert request.get("to") == juliet.jid, "the exact JID"
    query = request.find(INFO)
    assert query is not None
    assert query.get("node") == f"{EXODUS.node}#{EXODUS.ver}"


def test_5_4_what_matches_its_hash_is_known_and_told(stage: Stage) -> None:
    juliet = stage.log_in("juliet", EXODUS)
    (request,) = asked(juliet)
    assert stage.knows(juliet) is None
    reply(juliet, request, EXODUS.info)
    info = DiscoInfo((Identity("client", "pc", "Exodus"),), frozenset(EXODUS.features))
    assert stage.knows(juliet) == info
    assert stage.told == [(juliet.jid, info)]
    assert juliet.take() == b""


@pytest.mark.parametrize("algorithm", HASHES)
def test_9_1_every_hash_that_is_known_is_verified(algorithm: str, stage: Stage) -> None:
    kind = Kind(NOTIFY, algorithm=algorithm)
    juliet = stage.log_in("juliet", kind)
    reply(juliet, asked(juliet)[0], kind.info)
    assert stage.features(juliet) == {NOTIFY}
    assert stage.features(stage.log_in("nurse", kind)) == {NOTIFY}


# §5.4, rule 3.8; §8.2: known of all


def test_8_2_a_known_hash_is_asked_of_nobody(stage: Stage) -> None:
    stage.learn(EXODUS)
    juliet = stage.log_in("juliet", EXODUS)
    assert asked(juliet) == []
    assert stage.features(juliet) == set(EXODUS.features)
    assert [jid for jid, _ in stage.told] == [juliet.jid]


def test_8_2_the_software_may_have_another_name(stage: Stage) -> None:
    stage.learn(EXODUS)
    other = Kind(*EXODUS.features, node="http://fork.lit")
    assert stage.features(stage.log_in("juliet", other)) == set(EXODUS.features)


def test_a_thousand_clients_of_a_kind_are_asked_once(stage: Stage) -> None:
    first, second = (stage.log_in(name, EXODUS) for name in ("juliet", "nurse"))
    others = crowd(stage, 1_000)
    assert asked(second) == []
    assert stage.outstanding == 1
    reply(first, asked(first)[0], EXODUS.info)
    assert stage.outstanding == 0
    assert [jid for jid, _ in stage.told] == [first.jid, second.jid, *others]
    assert len({id(info) for _, info in stage.told}) == 1, "one copy for all"
    assert all(stage.server.host.capabilities.of(jid) for jid in others)


def test_an_answer_is_kept_without_its_forms(stage: Stage) -> None:
    ver = verification_string([], [NOTIFY], [Form("urn:example:form", [Field("os", ["Mac"])])])
    juliet = stage.log_in("juliet")
    juliet.send(
        f"<presence><c xmlns='{ns.CAPS}' hash='sha-1' node='http://x.lit' ver='{ver}'/></presence>"
    )
    form = (
        f"<x xmlns='{ns.DATA_FORM}' type='result'>"
        "<field var='FORM_TYPE' type='hidden'><value>urn:example:form</value></field>"
        "<field var='os'><value>Mac</value></field></x>"
    )
    said = f"<query xmlns='{ns.DISCO_INFO}'><feature var='{NOTIFY}'/>{form}</query>"
    reply(juliet, asked(juliet)[0], said)
    assert stage.knows(juliet) == DiscoInfo((), frozenset({NOTIFY}), ())


def test_two_kinds_are_asked_at_a_time(stage: Stage) -> None:
    first, second = stage.log_in("juliet", EXODUS), stage.log_in("romeo", PSI)
    for client, kind in ((second, PSI), (first, EXODUS)):
        reply(client, asked(client)[0], kind.info)
    assert stage.features(first) == set(EXODUS.features)
    assert stage.features(second) == set(PSI.features)


# §5.4, rule 3.9: what does not hold

LIAR = Kind("urn:example:lie", claims=EXODUS.features)
REFUSAL = f"<error type='cancel'><service-unavailable xmlns='{ns.STANZA_ERRORS}'/></error>"

BAD = {
    "3.9 a mismatch": lambda client, request: reply(client, request, LIAR.info),
    "3.4 ill-formed": lambda client, request: reply(
        client, request, EXODUS.info.replace("</query>", f"<feature var='{NOTIFY}'/></query>")
    ),
    "an error": lambda client, request: reply(client, request, REFUSAL, "error"),
    "an empty result": lambda client, request: reply(client, request, ""),
    "too long": lambda client, request: reply(
        client, request, EXODUS.info.replace("</query>", f"<a>{'x' * 20_000}</a></query>")
    ),
    "gone": lambda client, request: client.hang_up(),
    "unavailable": lambda client, request: client.send("<presence type='unavailable'/>"),
    "other capabilities": lambda client, request: appear(client, PSI),
    "silence": lambda client, request: client.server.clock.advance(capabilities.SECONDS),
}


@pytest.mark.parametrize("way", BAD)
def test_5_4_who_gives_no_good_answer_counts_for_nothing_and_the_next_is_asked(
    way: str, stage: Stage
) -> None:
    bad = stage.log_in("romeo", EXODUS)
    (request,) = asked(bad)
    waiting, last = stage.log_in("juliet", EXODUS), stage.log_in("nurse", EXODUS)
    assert asked(waiting) == asked(last) == []
    BAD[way](bad, request)
    stage.later()
    assert stage.knows(bad) is None
    assert stage.told == []
    (again,) = asked(waiting)
    assert asked(last) == []
    reply(waiting, again, EXODUS.info)
    assert stage.features(waiting) == stage.features(last) == set(EXODUS.features)
    assert bad.jid not in dict(stage.told)


@pytest.mark.parametrize("way", BAD)
def test_a_hash_that_nobody_stands_for_is_forgotten(way: str, stage: Stage) -> None:
    bad = stage.log_in("romeo", EXODUS)
    BAD[way](bad, asked(bad)[0])
    stage.later()
    held = stage.server.host.capabilities
    assert EXODUS.ver not in str(held._waiting)
    assert len(held) == 0
    (_,) = asked(stage.log_in("juliet", EXODUS))


def test_an_answer_that_comes_too_late_counts_for_nothing(stage: Stage) -> None:
    juliet = stage.log_in("juliet", EXODUS)
    (request,) = asked(juliet)
    stage.later(capabilities.SECONDS)
    reply(juliet, request, EXODUS.info)
    assert stage.knows(juliet) is None


def test_5_4_what_is_verified_by_another_holds_for_who_gave_no_good_answer(stage: Stage) -> None:
    slow = stage.log_in("juliet", EXODUS)
    stage.later(capabilities.SECONDS)
    stage.learn(EXODUS)
    assert stage.features(slow) == set(EXODUS.features)
    appear(slow, EXODUS, "<show>away</show>")
    assert [jid for jid, _ in stage.told] == [slow.jid]


def test_who_gave_no_good_answer_is_asked_again_after_a_while_and_not_with_each_presence(
    stage: Stage,
) -> None:
    juliet = stage.log_in("juliet", EXODUS)
    reply(juliet, asked(juliet)[0], "")
    stage.later(capabilities.AGAIN - 1)
    assert asked(appear(juliet, EXODUS)) == []
    stage.later(1)
    (request,) = asked(appear(juliet, EXODUS))
    reply(juliet, request, EXODUS.info)
    assert stage.features(juliet) == set(EXODUS.features)


# §9.3: other people's answers


@pytest.mark.parametrize("to", [f"juliet@{DOMAIN}", DOMAIN, f"juliet@{DOMAIN}/r"])
def test_9_3_nobody_answers_for_another(to: str, stage: Stage) -> None:
    juliet, romeo = stage.log_in("juliet", EXODUS), stage.log_in("romeo")
    (request,) = asked(juliet)
    for id_ in (request.get("id"), "guess"):
        romeo.send(f"<iq type='result' id='{id_}' to='{to}'>{EXODUS.info}</iq>")
    assert stage.knows(juliet) is None
    assert stage.outstanding == 1
    juliet.send(f"<iq type='result' id='guess' to='juliet@{DOMAIN}'>{EXODUS.info}</iq>")
    assert stage.knows(juliet) is None
    reply(juliet, request, EXODUS.info)
    assert stage.features(juliet) == set(EXODUS.features)


# §5.4, rule 2: a hash that is not known


def test_5_4_2_what_cannot_be_verified_holds_for_its_own_jid_alone(stage: Stage) -> None:
    kind = Kind(NOTIFY, algorithm="sha-0")
    clients = [stage.log_in(name, kind) for name in ("juliet", "nurse")]
    first, second = (asked(client)[0] for client in clients)
    reply(clients[0], first, kind.info)
    assert stage.features(clients[0]) == {NOTIFY}
    assert stage.knows(clients[1]) is None
    assert len(stage.server.host.capabilities) == 0
    reply(clients[1], second, "")
    assert stage.knows(clients[1]) is None
    assert asked(stage.log_in("romeo", kind)) != []


# Changes within a session (§6.1, §8.4)


def test_6_1_other_capabilities_take_the_place_of_what_was_known(stage: Stage) -> None:
    stage.learn(EXODUS)
    stage.learn(PSI)
    juliet = stage.log_in("juliet", EXODUS)
    appear(juliet, PSI)
    assert stage.features(juliet) == set(PSI.features)
    unknown = Kind("urn:example:new")
    (request,) = asked(appear(juliet, unknown))
    assert stage.knows(juliet) is None, "what it could do does not tell what it can"
    reply(juliet, request, unknown.info)
    assert stage.features(juliet) == {"urn:example:new"}


def test_8_4_presence_without_capabilities_changes_nothing(stage: Stage) -> None:
    stage.learn(EXODUS)
    juliet = stage.log_in("juliet", EXODUS)
    appear(juliet, None, "<show>away</show>")
    appear(juliet, EXODUS)
    assert stage.features(juliet) == set(EXODUS.features)
    assert len(stage.told) == 1, "nothing new has become known"


@pytest.mark.parametrize("left", ["<presence type='unavailable'/>", None])
def test_who_has_left_is_forgotten(left: str | None, stage: Stage) -> None:
    stage.learn(EXODUS)
    juliet = stage.log_in("juliet", EXODUS)
    if left is None:
        juliet.hang_up()
    else:
        juliet.send(left)
    assert stage.knows(juliet) is None
    assert stage.server.host.capabilities._entities == {}


# §5.4, rule 1; §13: what is passed over

C = f"<c xmlns='{ns.CAPS}' {{}}/>"


@pytest.mark.parametrize(
    "attrs",
    [
        f"node='{EXODUS.node}' ver='0.9.1'",
        f"node='{EXODUS.node}' ver='0.9.1' ext='voice video'",
        f"hash='' node='{EXODUS.node}' ver='{EXODUS.ver}'",
        f"hash='sha-1' ver='{EXODUS.ver}'",
        f"hash='sha-1' node='{EXODUS.node}'",
        f"hash='sha-1' node='{EXODUS.node}' ver='{'x' * (capabilities.LONGEST_VER + 1)}'",
        f"hash='sha-1' node='{'x' * (capabilities.LONGEST_NODE + 1)}' ver='{EXODUS.ver}'",
    ],
)
def test_5_4_1_what_is_legacy_or_no_hash_is_ignored(attrs: str, stage: Stage) -> None:
    stage.learn(EXODUS)
    juliet = stage.log_in("juliet", EXODUS)
    assert stage.features(juliet)
    juliet.send(f"<presence>{C.format(attrs)}</presence>")
    assert asked(juliet) == []
    assert stage.knows(juliet) is None
    assert stage.outstanding == 0


def test_who_names_no_capabilities_costs_nothing(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(capabilities, "named", None)
    juliet = appear(stage.log_in("juliet"), None)
    assert asked(juliet) == []
    assert stage.server.host.capabilities._entities == {}


def test_directed_presence_is_no_broadcast(stage: Stage) -> None:
    juliet = stage.log_in("juliet")
    juliet.send(f"<presence to='romeo@{DOMAIN}/r'>{EXODUS.c}</presence>")
    assert asked(juliet) == []
