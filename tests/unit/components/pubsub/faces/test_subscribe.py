"""Subscribing (XEP-0060 §6.1): who may, what he is told, and every error."""

from __future__ import annotations

import pytest

from tests.support.people import C, item
from tests.support.pubsub import (
    NS,
    PUBSUB,
    E,
    Globe,
    P,
    befriend,
    error,
    form,
    subid,
    subscriptions,
)
from tests.support.server import DOMAIN

JULIET = f"juliet@{DOMAIN}"
ROMEO = f"romeo@{DOMAIN}"


@pytest.fixture
def juliet(globe: Globe):
    juliet = globe.person("juliet")
    juliet.create("play")
    return juliet


@pytest.fixture
def romeo(globe: Globe):
    return globe.person("romeo")


def test_6_1_2_the_answer_has_node_jid_subid_and_state(globe, juliet, romeo) -> None:
    answer = romeo.subscribe("play")
    (told,) = answer.find(f"{P}pubsub")
    assert told.tag == f"{P}subscription"
    assert (told.get("node"), told.get("jid")) == ("play", ROMEO)
    assert told.get("subscription") == "subscribed"
    assert told.get("subid")
    # §6.1.5: it says that there are options, and requires none.
    assert [each.tag for each in told] == [f"{P}subscribe-options"]
    assert len(told[0]) == 0
    assert romeo.events() == []


def test_6_1_1_any_resource_of_ones_own_may_be_subscribed(globe, juliet, romeo) -> None:
    answer = romeo.subscribe("play", jid=f"{ROMEO}/orchard")
    assert subscriptions(answer) == [(f"{ROMEO}/orchard", "subscribed")]


@pytest.mark.parametrize("jid", [JULIET, f"{JULIET}/street", DOMAIN, "not a@jid", "@", " "])
def test_6_1_3_1_nobody_subscribes_another(globe, juliet, romeo, jid) -> None:
    assert error(romeo.subscribe("play", jid=jid)) == ("bad-request", "invalid-jid")
    assert list(globe.node("play").subscriptions()) == []


def test_6_1_3_1_without_a_jid_nobody_is_subscribed(globe, juliet, romeo) -> None:
    answer = romeo.pubsub("<subscribe node='play'/>")
    assert error(answer) == ("bad-request", "invalid-jid")


def test_6_1_3_2_who_does_not_see_the_owner_is_told_so(globe, juliet, romeo) -> None:
    globe.set_up("play", access_model="presence")
    wanted = ("not-authorized", "presence-subscription-required")
    assert error(romeo.subscribe("play")) == wanted
    befriend(juliet, romeo)
    assert subscriptions(romeo.subscribe("play")) == [(ROMEO, "subscribed")]


def test_6_1_3_2_at_an_account_it_is_the_accounts_presence(globe, juliet, romeo) -> None:
    juliet.publish("tune", to="")
    wanted = ("not-authorized", "presence-subscription-required")
    assert error(romeo.subscribe("tune", JULIET)) == wanted
    befriend(juliet, romeo)
    assert subscriptions(romeo.subscribe("tune", JULIET)) == [(ROMEO, "subscribed")]


def test_6_1_3_3_who_is_in_no_group_that_may_is_told_so(globe, juliet, romeo) -> None:
    globe.set_up("play", access_model="roster", roster_groups_allowed=("Lovers",))
    befriend(juliet, romeo)
    assert error(romeo.subscribe("play")) == ("not-authorized", "not-in-roster-group")
    juliet.ask(item(ROMEO, groups=["Friends"]), "set", to="")
    assert error(romeo.subscribe("play")) == ("not-authorized", "not-in-roster-group")
    juliet.ask(item(ROMEO, groups=["Friends", "Lovers"]), "set", to="")
    assert subscriptions(romeo.subscribe("play")) == [(ROMEO, "subscribed")]


def test_4_5_a_group_lets_in_who_does_not_see_the_owners_presence(globe, juliet, romeo) -> None:
    """§4.5: any entity in the group, whatever the subscription."""
    globe.set_up("play", access_model="roster", roster_groups_allowed=("Lovers",))
    juliet.ask(item(ROMEO, groups=["Lovers"]), "set", to="")
    assert subscriptions(romeo.subscribe("play")) == [(ROMEO, "subscribed")]


def test_6_1_3_4_a_whitelist_lets_in_who_is_on_it(globe, juliet, romeo) -> None:
    globe.set_up("play", access_model="whitelist")
    assert error(romeo.subscribe("play")) == ("not-allowed", "closed-node")
    juliet.affiliate("play", romeo="member")
    assert subscriptions(romeo.subscribe("play")) == [(ROMEO, "subscribed")]


def test_6_1_3_7_who_waits_does_not_ask_again(globe, juliet, romeo) -> None:
    globe.set_up("play", access_model="authorize")
    assert subscriptions(romeo.subscribe("play")) == [(ROMEO, "pending")]
    wanted = ("not-authorized", "pending-subscription")
    assert error(romeo.subscribe("play")) == wanted
    assert error(romeo.subscribe("play", jid=str(romeo.jid))) == wanted
    assert len(list(globe.node("play").subscriptions())) == 1


def test_6_1_3_8_an_outcast_is_forbidden_whatever_the_model(globe, juliet, romeo) -> None:
    befriend(juliet, romeo)
    juliet.affiliate("play", romeo="outcast")
    for model in ("open", "presence", "roster", "authorize", "whitelist"):
        globe.set_up("play", access_model=model)
        assert error(romeo.subscribe("play")) == ("forbidden",)


@pytest.mark.parametrize(
    ("bound", "most"),
    [("subscriptions", 2), ("same_subscriptions", 2), ("own_subscriptions", 2)],
)
def test_6_1_3_9_too_many_subscriptions(bound, most) -> None:
    globe = Globe(**{bound: most}).start()
    juliet, romeo = globe.person("juliet"), globe.person("romeo")
    juliet.create("play")
    for resource in ("a", "b"):
        answer = romeo.subscribe("play", jid=f"{ROMEO}/{resource}")
        assert answer.get("type") == "result"
    answer = romeo.subscribe("play", jid=f"{ROMEO}/c")
    assert error(answer) == ("policy-violation", "too-many-subscriptions")
    assert answer.find(f"{C}error").get("type") == "wait"
    assert len(list(globe.node("play").subscriptions())) == 2
    romeo.unsubscribe("play", jid=f"{ROMEO}/a")
    assert romeo.subscribe("play", jid=f"{ROMEO}/c").get("type") == "result"


def test_6_1_3_9_the_most_of_one_account_are_at_all_nodes_together() -> None:
    globe = Globe(own_subscriptions=2).start()
    juliet, romeo = globe.person("juliet"), globe.person("romeo")
    for node in ("a", "b", "c"):
        juliet.create(node)
    answers = [romeo.subscribe(node) for node in ("a", "b", "c")]
    assert [each.get("type") for each in answers] == ["result", "result", "error"]
    assert error(answers[2]) == ("policy-violation", "too-many-subscriptions")
    assert juliet.subscribe("c").get("type") == "result"


def test_6_1_3_10_a_node_may_take_no_subscribers_but_who_writes_and_owns(
    globe, juliet, romeo
) -> None:
    globe.set_up("play", subscribe=False)
    answer = romeo.subscribe("play")
    assert error(answer) == ("feature-not-implemented", "unsupported")
    assert answer.find(f"{C}error")[-1].get("feature") == "subscribe"
    juliet.affiliate("play", romeo="publisher")
    # §13.12: owners and publishers may always.
    assert romeo.subscribe("play").get("type") == "result"
    assert juliet.subscribe("play").get("type") == "result"


def test_6_1_3_12_there_is_no_such_node(globe, juliet, romeo) -> None:
    assert error(romeo.subscribe("play2")) == ("item-not-found",)
    assert error(romeo.subscribe("")) == ("bad-request", "nodeid-required")


def test_6_1_4_who_has_to_be_approved_of_waits(globe, juliet, romeo) -> None:
    globe.set_up("play", access_model="authorize")
    answer = romeo.subscribe("play")
    assert subscriptions(answer) == [(ROMEO, "pending")]
    juliet.publish("play")
    assert romeo.events() == []
    assert error(romeo.items("play")) == ("not-authorized", "not-subscribed")


@pytest.mark.parametrize("rank", ["owner", "publisher", "member"])
def test_6_1_4_who_has_an_affiliation_need_not_wait(globe, juliet, romeo, rank) -> None:
    globe.set_up("play", access_model="authorize")
    juliet.affiliate("play", romeo=rank)
    assert subscriptions(romeo.subscribe("play")) == [(ROMEO, "subscribed")]


def test_6_1_6_who_subscribes_again_has_what_he_had() -> None:
    """As a client does each time it starts; the last item comes once."""
    globe = Globe(same_subscriptions=2).start()
    juliet, romeo = globe.person("juliet"), globe.person("romeo")
    juliet.create("play")
    juliet.publish("play")
    first = romeo.subscribe("play")
    assert len(romeo.events()) == 1
    for _ in range(3):
        again = romeo.subscribe("play")
        assert (subscriptions(again), subid(again)) == ([(ROMEO, "subscribed")], subid(first))
        assert romeo.events() == []
    full = romeo.subscribe("play", jid=str(romeo.jid))
    assert subid(full) != subid(first)
    assert globe.node("play").subscribed == 2
    # A node that takes no more subscribers still has him.
    globe.set_up("play", subscribe=False)
    assert subid(romeo.subscribe("play")) == subid(first)


def test_6_1_6_of_several_it_is_the_oldest_with_its_options(globe, juliet, romeo) -> None:
    x = form("subscribe_options", deliver="0")
    inner = f"<subscribe node='play' jid='{ROMEO}'/><options>{x}</options>"
    first = subid(romeo.pubsub(inner))
    romeo.subscribe("play", more=True)
    again = romeo.subscribe("play")
    assert subid(again) == first
    assert not globe.node("play").of_jid(romeo.jid.bare)[0].options.deliver


def test_6_1_6_who_may_not_any_more_is_told_so(globe, juliet, romeo) -> None:
    romeo.subscribe("play")
    globe.set_up("play", access_model="whitelist")
    assert error(romeo.subscribe("play")) == ("not-allowed", "closed-node")


def test_6_1_6_several_subscriptions_and_one_notification(globe, juliet, romeo) -> None:
    ids = {subid(romeo.subscribe("play", more=True)) for _ in range(2)}
    assert len(ids) == 2
    full = romeo.subscribe("play", jid=str(romeo.jid))
    assert full.get("type") == "result"
    juliet.publish("play")
    romeo.events()
    by_to = {each.get("to"): each for each in romeo.messages}
    assert sorted(by_to) == [ROMEO, str(romeo.jid)]
    shim = "{http://jabber.org/protocol/shim}"
    headers = by_to[ROMEO].findall(f"{shim}headers/{shim}header")
    assert {each.text for each in headers} == ids
    assert {each.get("name") for each in headers} == {"SubID"}
    # One subscription of that JID: there is nothing to tell apart.
    assert by_to[str(romeo.jid)].find(f"{shim}headers") is None


def test_6_1_7_the_last_item_comes_behind_the_answer(globe, juliet, romeo) -> None:
    juliet.publish("play", id_="1")
    juliet.publish("play", id_="2")
    romeo.send(
        f"<iq type='set' id='s' to='{PUBSUB}'><pubsub xmlns='{NS}'>"
        f"<subscribe node='play' jid='{ROMEO}'/></pubsub></iq>"
    )
    answer, message = romeo.came()
    assert (answer.get("id"), message.get("to")) == ("s", ROMEO)
    assert [each.get("id") for each in message.iter(f"{E}item")] == ["2"]
    assert message.find("{urn:xmpp:delay}delay") is not None


def test_6_1_7_only_where_the_node_sends_it(globe, juliet, romeo) -> None:
    juliet.publish("play")
    globe.set_up("play", send_last_published_item="never")
    romeo.subscribe("play")
    assert romeo.events() == []
    globe.set_up("play", send_last_published_item="on_sub")
    romeo.subscribe("play", jid=str(romeo.jid))
    assert len(romeo.events()) == 1


def test_6_3_7_options_may_come_with_it(globe, juliet, romeo) -> None:
    options = f"<options>{form('subscribe_options', deliver='0')}</options>"
    answer = romeo.pubsub(f"<subscribe node='play' jid='{ROMEO}'/>{options}")
    subscription, told = answer.find(f"{P}pubsub")
    assert subscription.get("subscription") == "subscribed"
    x = told[0]
    assert x.get("type") == "result"
    values = {each.get("var"): [value.text for value in each] for each in x}
    assert values["pubsub#deliver"] == ["0"]
    juliet.publish("play")
    assert romeo.events() == []


@pytest.mark.parametrize("attrs", ["node='play'", f"jid='{ROMEO}'"])
def test_6_3_7_options_have_no_node_and_no_jid(globe, juliet, romeo, attrs) -> None:
    options = f"<options {attrs}>{form('subscribe_options', deliver='0')}</options>"
    answer = romeo.pubsub(f"<subscribe node='play' jid='{ROMEO}'/>{options}")
    assert error(answer) == ("bad-request",)
    assert list(globe.node("play").subscriptions()) == []


def test_6_3_7_options_come_behind(globe, juliet, romeo) -> None:
    options = f"<options>{form('subscribe_options', deliver='0')}</options>"
    answer = romeo.pubsub(f"{options}<subscribe node='play' jid='{ROMEO}'/>")
    assert error(answer) == ("bad-request",)


def test_6_3_7_options_that_can_not_be_subscribe_nobody(globe, juliet, romeo) -> None:
    options = f"<options>{form('subscribe_options', digest='1')}</options>"
    answer = romeo.pubsub(f"<subscribe node='play' jid='{ROMEO}'/>{options}")
    assert error(answer) == ("bad-request", "invalid-options")
    assert list(globe.node("play").subscriptions()) == []


def test_owners_may_want_to_know_who_comes_and_goes(globe, juliet, romeo) -> None:
    """§17.4.4, `pubsub#notify_sub`."""
    globe.set_up("play", notify_sub=True)
    romeo.subscribe("play")
    assert subscriptions(juliet.event()) == [(ROMEO, "subscribed")]
    romeo.unsubscribe("play")
    assert subscriptions(juliet.event()) == [(ROMEO, "none")]


def test_subscriptions_outlive_the_process(globe, juliet, romeo) -> None:
    romeo.subscribe("play")
    globe.again()
    juliet.publish("play")
    assert len(romeo.events()) == 1
