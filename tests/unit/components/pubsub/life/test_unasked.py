"""Nobody is flooded by owners of nodes of which he has never heard (XEP-0060 §8.8.2, §8.9.4)."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree.ElementTree import Element

import pytest

from components.pubsub.life import unasked
from tests.support.pubsub import PUBSUB, Globe, Person, error, form, subscriptions
from tests.support.server import DOMAIN

JULIET, ROMEO, NURSE = (f"{name}@{DOMAIN}" for name in ("juliet", "romeo", "nurse"))
ELSEWHERE = [f"{n}@elsewhere.lit/{n}" for n in range(9)]


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unasked, "OFTEN", 3)


def subscribe(owner: Person, *jids: str, node: str = "play", to: str = PUBSUB) -> Element:
    inner = "".join(f"<subscription jid='{jid}' subscription='subscribed'/>" for jid in jids)
    inner = f"<subscriptions node='{node}'>{inner}</subscriptions>"
    return owner.pubsub(inner, to=to, owner=True)


def subscribed(globe: Globe, node: str = "play") -> list[str]:
    return sorted(each.jid for each in globe.node(node).subscriptions())


def started(nodes: Sequence[str] = ("play",), **policy: object) -> tuple[Globe, Person]:
    globe = Globe(**policy).start()
    juliet = globe.person("juliet")
    for node in nodes:
        juliet.create(node)
    return globe, juliet


def test_8_8_2_an_owner_subscribes_so_many_a_minute() -> None:
    globe, juliet = started(("play", "sonnets"))
    answer = subscribe(juliet, *ELSEWHERE[:5])
    assert error(answer) == ("not-acceptable",)
    assert subscriptions(answer) == [(jid, "none") for jid in ELSEWHERE[3:5]]
    assert error(subscribe(juliet, ELSEWHERE[5], node="sonnets")) == ("not-acceptable",)
    assert subscribed(globe) == ELSEWHERE[:3]
    assert subscribe(juliet, JULIET).get("type") == "result", "as often as he likes himself"
    globe.pass_time(61)
    assert subscribe(juliet, *ELSEWHERE[3:5]).get("type") == "result"


def test_8_8_2_one_node_has_so_many_of_them() -> None:
    globe, juliet = started(unasked=2)
    romeo, nurse = globe.person("romeo"), globe.person("nurse")
    for person in (romeo, nurse):
        person.subscribe("play")
    assert subscribe(juliet, ROMEO, f"{ROMEO}/street", NURSE).get("type") == "result"
    assert subscriptions(subscribe(juliet, *ELSEWHERE[:3])) == [(ELSEWHERE[2], "none")]
    globe.again().pass_time(61)
    assert error(subscribe(juliet, ELSEWHERE[2])) == ("not-acceptable",)


def test_8_8_2_who_says_how_he_wants_to_be_told_has_asked() -> None:
    globe, juliet = started(unasked=1)
    romeo = globe.person("romeo")
    assert subscribe(juliet, ROMEO).get("type") == "result"
    assert error(subscribe(juliet, NURSE)) == ("not-acceptable",)
    x = form("subscribe_options", deliver="1")
    romeo.pubsub(f"<options node='play' jid='{ROMEO}'>{x}</options>")
    assert subscribe(juliet, NURSE).get("type") == "result"


def test_8_8_2_who_subscribes_himself_as_well_has_asked() -> None:
    globe, juliet = started(unasked=1)
    romeo = globe.person("romeo")
    assert subscribe(juliet, ROMEO).get("type") == "result"
    assert romeo.subscribe("play").get("type") == "result"
    assert subscribed(globe) == [ROMEO]
    assert subscribe(juliet, NURSE).get("type") == "result"


def test_8_8_2_others_leave_half_of_ones_own_subscriptions_to_oneself() -> None:
    nodes = ("play", "sonnets", "letters", "odes", "epics")
    globe, juliet = started(nodes, own_subscriptions=4)
    romeo = globe.person("romeo")
    for node in ("play", "sonnets"):
        assert subscribe(juliet, ROMEO, node=node).get("type") == "result"
    assert error(subscribe(juliet, ROMEO, node="letters")) == ("not-acceptable",)
    for node in ("letters", "odes"):
        assert romeo.subscribe(node).get("type") == "result"
    assert error(romeo.subscribe("epics")) == ("policy-violation", "too-many-subscriptions")


def test_8_8_2_who_runs_the_service_is_free_at_the_domain() -> None:
    globe, juliet = started(admins=(JULIET,), unasked=1)
    assert subscribe(juliet, *ELSEWHERE).get("type") == "result"
    assert subscribed(globe) == ELSEWHERE
    juliet.publish("tune", to="", access_model="open")
    wrong = subscribe(juliet, *ELSEWHERE[:2], node="tune", to=JULIET)
    assert subscriptions(wrong) == [(ELSEWHERE[1], "none")]


def test_8_9_4_strangers_are_told_so_often_of_their_affiliations() -> None:
    globe, juliet = started()
    romeo, nurse = globe.person("romeo"), globe.person("nurse")
    nurse.subscribe("play")
    nurse.came()
    for rank in ("member", "none") * 3:
        assert juliet.affiliate("play", romeo=rank, nurse=rank).get("type") == "result"
    assert [
        len([each for each in p.came() if each.tag.endswith("message")]) for p in (romeo, nurse)
    ] == [3, 6]
    juliet.affiliate("play", romeo="member")
    assert globe.node("play").affiliations.keys() >= {ROMEO}, "it is so, told or not"
