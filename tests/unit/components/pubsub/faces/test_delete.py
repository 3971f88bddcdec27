"""Deleting nodes (XEP-0060 §8.4)."""

from __future__ import annotations

from xml.etree.ElementTree import Element

import pytest

from components.pubsub.model.node import Address, Subscription
from components.pubsub.model.ranks import State
from tests.support.people import C
from tests.support.pubsub import PUBSUB, E, Globe, Person, befriend, error
from tests.support.server import DOMAIN
from xmppd import ns
from xmppd.jid import JID


def delete(person: Person, node: str, uri: str = "", to: str = PUBSUB) -> Element:
    redirect = f"<redirect uri='{uri}'/>" if uri else ""
    return person.pubsub(f"<delete node='{node}'>{redirect}</delete>", to=to, owner=True)


@pytest.fixture
def play(juliet: Person) -> str:
    juliet.create("play")
    juliet.publish("play", id_="1")
    return "play"


def test_8_4_2_the_node_is_gone_and_its_items(juliet: Person, play: str) -> None:
    assert delete(juliet, play).get("type") == "result"
    assert error(juliet.items(play)) == ("item-not-found",)
    assert juliet.create(play).get("type") == "result"
    assert juliet.ids(play) == []


def test_8_4_2_subscribers_are_told(juliet: Person, romeo: Person, play: str) -> None:
    romeo.subscribe(play)
    romeo.events()  # the last item
    delete(juliet, play)
    (told,) = romeo.event()
    assert (told.tag, told.get("node"), len(told)) == (f"{E}delete", play, 0)
    assert romeo.messages[0].find("{http://jabber.org/protocol/shim}headers") is None


def test_8_4_2_so_are_those_whose_requests_nobody_has_decided(
    globe: Globe, juliet: Person, romeo: Person
) -> None:
    juliet.create("diary", access_model="authorize")
    node = globe.service.nodes.at_hand(Address(JID.parse(PUBSUB), "diary"))
    assert node is not None
    node.put(Subscription(romeo.jid.bare, "sub", State.PENDING))
    delete(juliet, "diary")
    (told,) = romeo.event()
    assert told.tag == f"{E}delete"


def test_8_4_2_nobody_is_told_where_that_is_not_wanted(juliet: Person, romeo: Person) -> None:
    for name, config in (("a", {"notify_delete": "0"}), ("b", {"deliver_notifications": "0"})):
        juliet.create(name, **config)
        romeo.subscribe(name)
        delete(juliet, name)
    assert romeo.events() == []


def test_8_4_1_subscribers_are_told_where_it_has_gone(
    juliet: Person, romeo: Person, play: str
) -> None:
    romeo.subscribe(play)
    romeo.events()  # the last item
    uri = "xmpp:hamlet@denmark.lit?;node=blog"
    assert delete(juliet, play, uri).get("type") == "result"
    (told,) = romeo.event()
    assert told[0].tag == f"{E}redirect"
    assert told[0].get("uri") == uri


def test_6_1_3_11_who_asks_for_it_later_is_told_where_it_has_gone(
    globe: Globe, juliet: Person, romeo: Person, play: str
) -> None:
    uri = "xmpp:hamlet@denmark.lit?;node=blog"
    delete(juliet, play, uri)
    globe.again()
    for answer in (romeo.subscribe(play), romeo.items(play), romeo.publish(play)):
        assert error(answer) == ("gone",)
        assert answer.findtext(f"{C}error/{{{ns.STANZA_ERRORS}}}gone") == uri
    assert juliet.create(play).get("type") == "result"
    assert romeo.subscribe(play).get("type") == "result"
    delete(juliet, play)
    assert error(romeo.subscribe(play)) == ("item-not-found",)


def test_6_1_3_11_strangers_do_not_learn_where_a_hidden_node_has_gone(
    juliet: Person, romeo: Person
) -> None:
    juliet.create("diary", access_model="whitelist")
    delete(juliet, "diary", "xmpp:mantua.lit?;node=diary")
    assert error(romeo.subscribe("diary")) == ("item-not-found",)


@pytest.mark.parametrize(
    ("redirect", "condition"),
    [
        ("<redirect/>", "bad-request"),
        ("<redirect uri=''/>", "bad-request"),
        ("<redirect uri='to be or not to be'/>", "bad-request"),
        (f"<redirect uri='xmpp:{'o' * 2_048}'/>", "not-acceptable"),
    ],
)
def test_8_4_1_what_is_no_uri_deletes_nothing(
    juliet: Person, play: str, redirect: str, condition: str
) -> None:
    inner = f"<delete node='{play}'>{redirect}</delete>"
    assert error(juliet.pubsub(inner, owner=True)) == (condition,)
    assert juliet.ids(play) == ["1"]


def test_8_4_3_1_who_does_not_own_it_is_forbidden(juliet: Person, romeo: Person, play: str) -> None:
    assert error(delete(romeo, play)) == ("forbidden",)
    assert juliet.ids(play) == ["1"]


def test_8_4_3_2_there_has_to_be_a_node(juliet: Person) -> None:
    assert error(delete(juliet, "none")) == ("item-not-found",)


def test_xep_0248_7_4_3_1_the_root_can_not_be_deleted(juliet: Person) -> None:
    assert error(juliet.pubsub("<delete/>", owner=True))[0] == "not-allowed"


def test_an_account_deletes_its_own_nodes_alone(juliet: Person, romeo: Person) -> None:
    befriend(juliet, romeo)
    juliet.publish("tune", to="")
    assert error(delete(romeo, "tune", to=f"juliet@{DOMAIN}")) == ("forbidden",)
    assert delete(juliet, "tune", to="").get("type") == "result"
    assert error(romeo.items("tune", to=f"juliet@{DOMAIN}")) == ("item-not-found",)
