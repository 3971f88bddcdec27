"""Owners see and change affiliations (XEP-0060 §8.9)."""

from __future__ import annotations

import pytest

from tests.support.people import C
from tests.support.pubsub import OWNER, PUBSUB, Globe, P, error, subscriptions
from tests.support.server import DOMAIN

JULIET, ROMEO, NURSE = (f"{name}@{DOMAIN}" for name in ("juliet", "romeo", "nurse"))
RANKS = ("owner", "publisher", "publish-only", "member", "outcast", "none")


@pytest.fixture
def juliet(globe: Globe):
    juliet = globe.person("juliet")
    juliet.create("play")
    return juliet


@pytest.fixture
def romeo(globe: Globe, juliet):
    return globe.person("romeo")


def get(person, node="play", to=PUBSUB):
    return person.pubsub(f"<affiliations node='{node}'/>", "get", to, owner=True)


def put(person, inner, node="play", to=PUBSUB):
    listed = f"<affiliations node='{node}'>{inner}</affiliations>"
    return person.pubsub(listed, to=to, owner=True)


def ranks(answer):
    listed = answer.find(f"{OWNER}pubsub/{OWNER}affiliations")
    assert listed is not None, error(answer)
    return {each.get("jid"): each.get("affiliation") for each in listed}


def told(person):
    """What somebody is told that he is from now on, with the node."""
    found = [each.find(f"{P}pubsub/{P}affiliations") for each in person.came()]
    return [
        (each.get("node"), one.get("jid"), one.get("affiliation"))
        for each in found
        if each is not None
        for one in each
    ]


def test_8_9_1_2_all_but_none(globe, juliet, romeo) -> None:
    juliet.affiliate("play", romeo="publisher", nurse="outcast", tybalt="member")
    juliet.affiliate("play", tybalt="none")
    answer = get(juliet)
    assert ranks(answer) == {JULIET: "owner", ROMEO: "publisher", NURSE: "outcast"}
    assert answer.find(f"{OWNER}pubsub/{OWNER}affiliations").get("node") == "play"


def test_8_9_1_an_account_is_the_owner_of_its_own(globe, juliet, romeo) -> None:
    juliet.publish("tune", to="")
    assert ranks(get(juliet, "tune", JULIET)) == {JULIET: "owner"}
    assert error(get(romeo, "tune", JULIET)) == ("forbidden",)


@pytest.mark.parametrize("rank", ["publisher", "publish-only", "member", "outcast", "none"])
def test_8_9_1_3_2_and_8_9_2_3_3_owners_only(globe, juliet, romeo, rank) -> None:
    juliet.affiliate("play", romeo=rank)
    assert error(get(romeo)) == ("forbidden",)
    assert error(romeo.affiliate("play", romeo="owner")) == ("forbidden",)
    assert ranks(get(juliet)).get(ROMEO, "none") == rank


def test_8_9_1_3_3_and_8_9_2_3_4_there_is_no_such_node(globe, juliet) -> None:
    assert error(get(juliet, "play2")) == ("item-not-found",)
    assert error(juliet.affiliate("play2", romeo="owner")) == ("item-not-found",)
    assert error(get(juliet, "")) == ("bad-request", "nodeid-required")


def test_8_9_2_2_and_8_9_4_it_is_changed_kept_and_told(globe, juliet, romeo) -> None:
    answer = juliet.affiliate("play", romeo="publisher")
    assert answer.get("type") == "result"
    assert len(answer) == 0
    assert told(romeo) == [("play", ROMEO, "publisher")]
    globe.again()
    assert ranks(get(juliet)) == {JULIET: "owner", ROMEO: "publisher"}
    juliet.affiliate("play", romeo="publisher")
    assert told(romeo) == []  # nothing has changed


def test_4_1_affiliations_are_of_bare_jids(globe, juliet, romeo) -> None:
    put(juliet, f"<affiliation jid='{ROMEO}/orchard' affiliation='member'/>")
    assert ranks(get(juliet))[ROMEO] == "member"


def test_8_9_2_1_without_an_affiliation_it_stays(globe, juliet, romeo) -> None:
    juliet.affiliate("play", romeo="member")
    answer = put(juliet, f"<affiliation jid='{ROMEO}'/>")
    assert answer.get("type") == "result"
    assert ranks(get(juliet))[ROMEO] == "member"


def test_8_9_2_4_the_only_owner_stays_one_and_the_others_are_changed(globe, juliet, romeo) -> None:
    juliet.affiliate("play", romeo="member")
    answer = juliet.affiliate("play", juliet="none", romeo="none", nurse="publisher")
    assert error(answer) == ("not-acceptable",)
    assert answer.find(f"{C}error").get("type") == "modify"
    assert ranks(answer) == {JULIET: "owner"}
    # Example of §8.9.2.4: the list stands before the error.
    assert [each.tag for each in answer] == [f"{OWNER}pubsub", f"{C}error"]
    assert ranks(get(juliet)) == {JULIET: "owner", NURSE: "publisher"}


def test_8_9_2_4_an_owner_may_resign_whom_another_follows(globe, juliet, romeo) -> None:
    answer = juliet.affiliate("play", juliet="none", romeo="owner")
    assert answer.get("type") == "result"
    assert ranks(get(romeo)) == {ROMEO: "owner"}
    assert error(get(juliet)) == ("forbidden",)


def test_8_9_2_4_of_two_owners_not_both_resign(globe, juliet, romeo) -> None:
    juliet.affiliate("play", romeo="owner")
    answer = juliet.affiliate("play", juliet="none", romeo="none")
    assert ranks(answer) == {JULIET: "owner", ROMEO: "owner"}
    assert ranks(get(juliet)) == {JULIET: "owner", ROMEO: "owner"}


def test_8_9_2_4_nobody_is_there_twice(globe, juliet, romeo) -> None:
    inner = (
        f"<affiliation jid='{ROMEO}' affiliation='member'/>"
        f"<affiliation jid='{ROMEO}/street' affiliation='publisher'/>"
    )
    assert error(put(juliet, inner)) == ("bad-request",)
    assert ranks(get(juliet)) == {JULIET: "owner"}


def test_8_9_2_4_what_is_no_affiliation_or_no_jid_comes_back(globe, juliet, romeo) -> None:
    juliet.affiliate("play", romeo="member")
    inner = (
        f"<affiliation jid='{ROMEO}' affiliation='hero'/>"
        "<affiliation jid='@' affiliation='member'/>"
        f"<affiliation jid='{NURSE}' affiliation='member'/>"
    )
    answer = put(juliet, inner)
    assert error(answer) == ("not-acceptable",)
    assert ranks(answer) == {ROMEO: "member", "@": "none"}
    assert ranks(get(juliet)) == {JULIET: "owner", ROMEO: "member", NURSE: "member"}


@pytest.mark.parametrize("old", RANKS)
@pytest.mark.parametrize("new", RANKS)
def test_4_1_each_cell_of_the_table_of_transitions(globe, juliet, romeo, old, new) -> None:
    """§4.1, the second table: what is "n/a" there is refused, all else is done."""
    not_applicable = {
        *(("owner", rank) for rank in ("publisher", "publish-only", "member", "outcast")),
        ("publisher", "member"),
    }
    juliet.affiliate("play", romeo=old)
    answer = juliet.affiliate("play", romeo=new)
    refused = (old, new) in not_applicable
    if refused:
        assert error(answer) == ("not-acceptable",)
        assert ranks(answer) == {ROMEO: old}
    else:
        assert answer.get("type") == "result"
    assert ranks(get(juliet)).get(ROMEO, "none") == (old if refused else new)


def test_an_account_stays_the_owner_of_its_nodes(globe, juliet, romeo) -> None:
    """XEP-0163 §3, even where there is another owner."""
    juliet.publish("tune", to="")
    assert juliet.affiliate("tune", JULIET, romeo="owner").get("type") == "result"
    for person in (juliet, romeo):
        answer = person.affiliate("tune", JULIET, juliet="none")
        assert error(answer) == ("not-acceptable",)
        assert ranks(answer) == {JULIET: "owner"}


def test_who_runs_the_service_owns_all_at_its_domain_and_none_elsewhere() -> None:
    globe = Globe(admins=[ROMEO]).start()
    juliet, romeo = globe.person("juliet"), globe.person("romeo")
    juliet.create("play")
    juliet.publish("tune", to="")
    assert ranks(get(romeo)) == {JULIET: "owner"}
    assert romeo.affiliate("play", nurse="member").get("type") == "result"
    assert error(get(romeo, "tune", JULIET)) == ("forbidden",)


def test_there_are_no_more_owners_than_may_be_told_of_everything(
    globe, juliet, monkeypatch
) -> None:
    monkeypatch.setattr("components.pubsub.life.affiliating.OWNERS", 2)
    assert juliet.affiliate("play", romeo="owner").get("type") == "result"
    assert error(juliet.affiliate("play", nurse="owner")) == ("policy-violation",)
    assert juliet.affiliate("play", romeo="none", nurse="owner").get("type") == "result"
    assert juliet.affiliate("play", tybalt="member").get("type") == "result"


def test_there_are_no_more_than_there_may_be() -> None:
    globe = Globe(affiliations=3).start()
    juliet = globe.person("juliet")
    juliet.create("play")
    juliet.affiliate("play", romeo="member", nurse="member")
    assert error(juliet.affiliate("play", tybalt="member")) == ("policy-violation",)
    assert set(ranks(get(juliet))) == {JULIET, ROMEO, NURSE}
    answer = juliet.affiliate("play", tybalt="member", nurse="none")
    assert answer.get("type") == "result"


def test_too_much_at_once_changes_nothing(globe, juliet) -> None:
    inner = "".join(
        f"<affiliation jid='page{n}@{DOMAIN}' affiliation='member'/>" for n in range(501)
    )
    assert error(put(juliet, inner)) == ("not-acceptable",)
    assert ranks(get(juliet)) == {JULIET: "owner"}


def test_many_come_in_pages_whether_asked_for_or_not() -> None:
    globe = Globe(affiliations=2000).start()
    juliet = globe.person("juliet")
    juliet.create("play")
    for part in range(3):
        inner = "".join(
            f"<affiliation jid='page{part}-{n}@elsewhere.lit' affiliation='member'/>"
            for n in range(300)
        )
        assert put(juliet, inner).get("type") == "result"
    rsm = "{http://jabber.org/protocol/rsm}"
    first = get(juliet)
    told_of = first.find(f"{OWNER}pubsub/{rsm}set")
    assert told_of.findtext(f"{rsm}count") == "901"
    after = f"<after>{told_of.findtext(f'{rsm}last')}</after>"
    page = f"<affiliations node='play'/><set xmlns='{rsm[1:-1]}'>{after}</set>"
    second = juliet.pubsub(page, "get", owner=True)
    assert len(ranks(first)) + len(ranks(second)) == 901


# ---------------------------------------------------------------------- what follows from it


@pytest.mark.parametrize("rank", ["outcast", "publish-only"])
def test_who_may_not_read_any_more_is_subscribed_no_more(globe, juliet, romeo, rank) -> None:
    romeo.subscribe("play")
    romeo.subscribe("play", jid=str(romeo.jid))
    juliet.affiliate("play", romeo=rank)
    assert sorted(subscriptions(each)[0] for each in romeo.events()) == [
        (ROMEO, "none"),
        (str(romeo.jid), "none"),
    ]
    juliet.publish("play")
    assert romeo.events() == []
    globe.again()
    juliet.publish("play")
    assert romeo.events() == []


def test_who_leaves_the_whitelist_is_subscribed_no_more(globe, juliet, romeo) -> None:
    globe.set_up("play", access_model="whitelist")
    juliet.affiliate("play", romeo="member")
    romeo.subscribe("play")
    romeo.came()
    juliet.affiliate("play", romeo="publisher")
    assert romeo.events() == []
    juliet.affiliate("play", romeo="none")
    assert subscriptions(romeo.event()) == [(ROMEO, "none")]


def test_who_is_no_member_any_more_stays_subscribed_where_anybody_may(globe, juliet, romeo) -> None:
    juliet.affiliate("play", romeo="member")
    romeo.subscribe("play")
    juliet.affiliate("play", romeo="none")
    romeo.came()
    juliet.publish("play")
    assert len(romeo.events()) == 1


@pytest.mark.parametrize("rank", ["owner", "publisher", "member"])
def test_8_7_4_a_request_is_approved_by_an_affiliation(globe, juliet, romeo, rank) -> None:
    juliet.publish("play", id_="1")
    globe.set_up("play", access_model="authorize")
    romeo.subscribe("play")
    juliet.affiliate("play", romeo=rank)
    approved, last = romeo.events()
    assert subscriptions(approved) == [(ROMEO, "subscribed")]
    assert last[0][0].get("id") == "1"
    juliet.publish("play")
    assert len(romeo.events()) == 1


def test_8_7_4_a_request_is_refused_by_a_ban(globe, juliet, romeo) -> None:
    globe.set_up("play", access_model="authorize")
    romeo.subscribe("play")
    juliet.affiliate("play", romeo="outcast")
    assert subscriptions(romeo.event()) == [(ROMEO, "none")]
    juliet.affiliate("play", romeo="none")
    assert subscriptions(romeo.subscribe("play")) == [(ROMEO, "pending")]
