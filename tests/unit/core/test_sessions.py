"""The session directory, and which resource a client gets (RFC 6120 §7.6, §7.7)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.sessions import Party
from xmppd.core.sessions import Conflict, LocalDirectory, Session, choose_resource
from xmppd.errors import StanzaError
from xmppd.jid import JID

JULIET = JID.parse("juliet@capulet.lit")
POLICIES: tuple[Conflict, ...] = ("replace", "refuse", "rename")


def session(resource: str, account: JID = JULIET) -> Session:
    return Party(account.with_resource(resource)).session


def directory(*resources: str) -> LocalDirectory:
    found = LocalDirectory()
    for resource in resources:
        found.bind(session(resource))
    return found


def refused(*args: object) -> tuple[str, str, str]:
    with pytest.raises(StanzaError) as caught:
        choose_resource(*args)  # type: ignore[arg-type]
    return caught.value.condition, caught.value.type, caught.value.reason


@pytest.mark.parametrize("policy", POLICIES)
def test_a_free_resource_is_granted_as_asked(policy: Conflict) -> None:
    assert choose_resource(directory("chamber"), JULIET, "balcony", policy, 16) == (
        "juliet@capulet.lit/balcony",
        None,
    )


def test_replace_gives_it_to_the_newer_rfc6120_7_7_2_2() -> None:
    taken = directory("balcony")
    jid, holder = choose_resource(taken, JULIET, "balcony", "replace", 1)
    assert jid == "juliet@capulet.lit/balcony"
    assert holder is taken.get(jid)


def test_refuse_leaves_it_with_the_older() -> None:
    taken = directory("balcony")
    assert refused(taken, JULIET, "balcony", "refuse", 16) == (
        "conflict",
        "modify",
        "bind.conflict",
    )
    assert len(taken) == 1


def test_rename_gives_another_and_ends_nobody() -> None:
    taken = directory("balcony")
    jid, holder = choose_resource(taken, JULIET, "balcony", "rename", 16)
    assert holder is None
    assert jid.resource.startswith("balcony-")
    assert len(jid.resource) > len("balcony-") + 10


HELLO_IN_ARABIC = "\u0645\u0631\u062d\u0628\u0627"


@pytest.mark.parametrize(
    "resource",
    [
        HELLO_IN_ARABIC,
        "\u05e9\u05dc\u05d5\u05dd",
        "ab\u0301" * 200,
        "\u2665" * 341,
        "a" * 1023,
        "é" * 511,
        " ",
    ],
)
def test_rename_copes_with_every_resource_that_may_be_bound(resource: str) -> None:
    """A right-to-left text may not be followed by Latin letters (RFC 3454 §6)."""
    taken = directory(resource)
    jid, holder = choose_resource(taken, JULIET, resource, "rename", 16)
    assert holder is None
    assert taken.get(jid) is None


@given(st.text(min_size=1, max_size=300))
def test_a_bind_gives_a_jid_or_a_stanza_error(resource: str) -> None:
    for policy in POLICIES:
        taken = LocalDirectory()
        for _ in range(2):
            try:
                jid, holder = choose_resource(taken, JULIET, resource, policy, 16)
            except StanzaError as error:
                assert error.condition in ("bad-request", "conflict")
                continue
            assert jid.bare == JULIET
            assert jid.resource
            if holder is None:
                taken.bind(Party(jid).session)


@pytest.mark.parametrize("resource", ["a\0b", "\ufffe", "x" * 1024, "\ue000", "a\u0007"])
def test_a_malformed_resource_is_a_bad_request_rfc6120_7_7_2_1(resource: str) -> None:
    assert refused(directory(), JULIET, resource, "replace", 16) == (
        "bad-request",
        "modify",
        "bind.malformed",
    )


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("wanted", ["", "garden"])
def test_no_more_sessions_than_allowed_rfc6120_7_6_2_1(wanted: str, policy: Conflict) -> None:
    full = directory("balcony", "chamber")
    assert refused(full, JULIET, wanted, policy, 2) == (
        "resource-constraint",
        "wait",
        "limit.resources",
    )
    choose_resource(full, JULIET, wanted, policy, 3)


def test_renaming_needs_room_and_replacing_none() -> None:
    full = directory("balcony", "chamber")
    assert refused(full, JULIET, "balcony", "rename", 2)[0] == "resource-constraint"
    assert choose_resource(full, JULIET, "balcony", "replace", 2)[1] is not None


def test_others_sessions_do_not_count() -> None:
    found = directory("balcony")
    romeo = JID.parse("romeo@montague.lit")
    assert choose_resource(found, romeo, "balcony", "refuse", 1)[1] is None


def test_the_servers_own_choice_is_unique_and_unguessable_rfc6120_7_6() -> None:
    chosen = [choose_resource(LocalDirectory(), JULIET, "", "refuse", 1)[0] for _ in range(500)]
    assert len(set(chosen)) == 500
    assert min(len(jid.resource) for jid in chosen) >= 12, "72 bits of base64"
    for column in range(12):  # no character stands still or counts up
        assert len({jid.resource[column] for jid in chosen}) > 32


# ---------------------------------------------------------------------- the directory


def test_a_full_jid_is_bound_once() -> None:
    found = directory("balcony")
    with pytest.raises(ValueError, match="is bound already"):
        found.bind(session("balcony"))
    assert len(found) == 1


def test_unbinding_a_replaced_session_leaves_the_new_one() -> None:
    found = directory("balcony")
    old = found.get("juliet@capulet.lit/balcony")
    assert old is not None
    assert found.unbind(old)
    new = session("balcony")
    found.bind(new)
    assert not found.unbind(old)
    assert found.get("juliet@capulet.lit/balcony") is new
    assert list(found.of("juliet@capulet.lit")) == [new]


def test_nothing_is_left_of_an_account_without_sessions() -> None:
    found = directory("balcony", "chamber")
    for one in list(found):
        assert found.unbind(one)
    assert (len(found), list(found), list(found.of(JULIET))) == (0, [], [])
    assert found._by_account == {}


def test_the_oldest_session_comes_first() -> None:
    found = directory("tomb", "balcony", "chamber")
    assert [s.jid.resource for s in found.of(JULIET)] == ["tomb", "balcony", "chamber"]


def test_an_unknown_account_has_no_sessions_and_nobody_can_add_one() -> None:
    assert not LocalDirectory().of("rosaline@capulet.lit")


def test_modules_keep_their_own_things_of_a_session() -> None:
    one, other = session("balcony"), session("chamber")
    one.data["carbons"] = True
    assert (one.data, other.data) == ({"carbons": True}, {})


def test_a_session_has_no_room_for_stray_attributes() -> None:
    with pytest.raises(AttributeError):
        session("balcony").poison = True  # type: ignore[attr-defined]
