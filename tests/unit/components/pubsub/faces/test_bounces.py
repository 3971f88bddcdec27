"""Notifications that come back (XEP-0060 §13.4)."""

from __future__ import annotations

import pytest

from tests.support.pubsub import PUBSUB, Globe
from tests.support.server import DOMAIN
from xmppd import ns

ROMEO = f"romeo@{DOMAIN}"


@pytest.fixture
def globe() -> Globe:
    return Globe().start()


@pytest.fixture
def juliet(globe: Globe):
    juliet = globe.person("juliet")
    for node in ("play", "sonnets"):
        juliet.create(node)
    return juliet


def bounce(person, condition, type_="cancel", kind="message"):
    error = f"<error type='{type_}'><{condition} xmlns='{ns.STANZA_ERRORS}'/></error>"
    person.send(f"<{kind} type='error' to='{PUBSUB}'>{error}</{kind}>")


def subscribed(globe, node="play"):
    return sorted(str(each.jid) for each in globe.node(node).subscriptions())


@pytest.mark.parametrize("condition", ["gone", "item-not-found"])
def test_13_4_who_is_no_more_is_subscribed_no_more(globe, juliet, condition) -> None:
    romeo = globe.person("romeo")
    for node in ("play", "sonnets"):
        romeo.subscribe(node, jid=str(romeo.jid))
        romeo.subscribe(node)
        juliet.subscribe(node)
    bounce(romeo, condition)
    for node in ("play", "sonnets"):
        assert subscribed(globe, node) == [f"juliet@{DOMAIN}", ROMEO]
    globe.again()
    juliet.publish("play")
    assert subscribed(globe) == [f"juliet@{DOMAIN}", ROMEO]


@pytest.mark.parametrize(
    ("condition", "type_"),
    [
        ("service-unavailable", "cancel"),
        ("remote-server-not-found", "cancel"),
        ("remote-server-timeout", "wait"),
        ("not-acceptable", "modify"),
        ("forbidden", "auth"),
    ],
)
def test_13_4_who_is_away_or_does_not_want_it_now_stays(globe, juliet, condition, type_) -> None:
    romeo = globe.person("romeo")
    romeo.subscribe("play", jid=str(romeo.jid))
    bounce(romeo, condition, type_)
    assert subscribed(globe) == [str(romeo.jid)]


def test_13_4_of_presence_nothing_follows(globe, juliet) -> None:
    romeo = globe.person("romeo")
    romeo.subscribe("play", jid=str(romeo.jid))
    bounce(romeo, "item-not-found", kind="presence")
    assert subscribed(globe) == [str(romeo.jid)]


def test_13_4_owners_may_want_to_know(globe, juliet) -> None:
    romeo = globe.person("romeo")
    romeo.subscribe("play", jid=str(romeo.jid))
    globe.set_up("play", notify_sub=True)
    bounce(romeo, "gone")
    assert juliet.event()[0].get("subscription") == "none"
