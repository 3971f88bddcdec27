"""Owners say who may subscribe (XEP-0060 §8.6), and see again who waits (§8.7)."""

from __future__ import annotations

import pytest

from tests.support.people import C
from tests.support.pubsub import NS, PUBSUB, Globe, error, form, subid, subscriptions
from tests.support.server import DOMAIN
from xmppd import ns

JULIET, ROMEO, NURSE = (f"{name}@{DOMAIN}" for name in ("juliet", "romeo", "nurse"))
X, K = f"{{{ns.DATA_FORM}}}", f"{{{ns.COMMANDS}}}"
COMMAND = f"{NS}#get-pending"


@pytest.fixture
def juliet(globe: Globe):
    juliet = globe.person("juliet")
    juliet.create("play")
    globe.set_up("play", access_model="authorize")
    return juliet


@pytest.fixture
def romeo(globe: Globe, juliet):
    return globe.person("romeo")


def asked(person):
    """The messages with forms that ask somebody, as (id, fields)."""
    found = []
    for each in person.came():
        x = each.find(f"{X}x")
        if x is not None:
            assert x.get("type") == "form"
            fields = {f.get("var"): f.findtext(f"{X}value") for f in x.findall(f"{X}field")}
            found.append((each, fields))
    return found


def answer(person, fields, allow, id_="a1", type_="submit", to=PUBSUB):
    """Send a form back, with what it had; `allow` as it is said."""
    said = {k: v for k, v in fields.items() if k not in ("pubsub#allow", "FORM_TYPE")}
    inner = "".join(
        f"<field var='{k}'><value>{v}</value></field>" for k, v in said.items() if v is not None
    )
    if allow is not None:
        inner += f"<field var='pubsub#allow'><value>{allow}</value></field>"
    head = f"<field var='FORM_TYPE'><value>{NS}#subscribe_authorization</value></field>"
    x = f"<x xmlns='{ns.DATA_FORM}' type='{type_}'>{head}{inner}</x>"
    person.send(f"<message id='{id_}' to='{to}'>{x}</message>")


def state(globe, node="play", service=PUBSUB):
    return [each.state.value for each in globe.node(node, service).subscriptions()]


def test_8_6_owners_are_asked_with_node_jid_and_subid(globe, juliet, romeo) -> None:
    id_ = subid(romeo.subscribe("play"))
    ((message, fields),) = asked(juliet)
    assert message.get("from") == PUBSUB
    assert message.get("id")
    assert message.get("type") in (None, "normal")  # it waits for who is offline
    assert fields["FORM_TYPE"] == f"{NS}#subscribe_authorization"
    assert fields["pubsub#node"] == "play"
    assert fields["pubsub#subscriber_jid"] == ROMEO
    assert fields["pubsub#subid"] == id_
    assert fields["pubsub#allow"] == "0"


@pytest.mark.parametrize("yes", ["1", "true"])
def test_8_6_who_is_allowed_is_told_and_gets_the_last_item(globe, juliet, romeo, yes) -> None:
    juliet.publish("play", id_="1")
    romeo.subscribe("play")
    ((_, fields),) = asked(juliet)
    answer(juliet, fields, yes)
    told, last = romeo.events()
    assert subscriptions(told) == [(ROMEO, "subscribed")]
    assert last[0][0].get("id") == "1"
    globe.again()
    romeo.events()  # the last item: he is seen to come
    juliet.publish("play")
    assert len(romeo.events()) == 1


@pytest.mark.parametrize("no", ["0", "false"])
def test_8_6_who_is_denied_is_told(globe, juliet, romeo, no) -> None:
    romeo.subscribe("play")
    ((_, fields),) = asked(juliet)
    answer(juliet, fields, no)
    assert subscriptions(romeo.event()) == [(ROMEO, "none")]
    assert state(globe) == []


def test_8_6_who_cancels_leaves_it_as_it_is(globe, juliet, romeo) -> None:
    romeo.subscribe("play")
    ((_, fields),) = asked(juliet)
    answer(juliet, fields, "1", type_="cancel")
    assert (state(globe), romeo.events(), juliet.came()) == (["pending"], [], [])


def test_8_6_nobody_but_an_owner_decides(globe, juliet, romeo) -> None:
    romeo.subscribe("play")
    ((_, fields),) = asked(juliet)
    juliet.affiliate("play", nurse="publisher")
    nurse = globe.person("nurse")
    for person in (romeo, nurse):
        person.came()
        answer(person, fields, "1")
        (refused,) = [each for each in person.came() if each.get("type") == "error"]
        assert error(refused) == ("forbidden",)
    assert state(globe) == ["pending"]


def test_13_13_all_owners_are_asked_and_the_first_decides(globe, juliet, romeo) -> None:
    juliet.affiliate("play", nurse="owner")
    nurse = globe.person("nurse")
    nurse.came()
    romeo.subscribe("play")
    ((_, fields),) = asked(juliet)
    assert len(asked(nurse)) == 1
    answer(nurse, fields, "1")
    answer(juliet, fields, "0")
    assert state(globe) == ["subscribed"]
    assert juliet.came() == []
    assert len(romeo.events()) == 1


def test_8_6_a_request_that_is_over_can_not_be_answered(globe, juliet, romeo) -> None:
    romeo.subscribe("play")
    ((_, fields),) = asked(juliet)
    romeo.unsubscribe("play")
    answer(juliet, fields, "1")
    (refused,) = juliet.came()
    assert error(refused) == ("unexpected-request", "not-subscribed")
    # Another one is another request.
    romeo.subscribe("play")
    answer(juliet, fields, "1")
    assert state(globe) == ["pending"]


@pytest.mark.parametrize("allow", [None, "", "perhaps"])
def test_8_6_yes_or_no_has_to_be_said(globe, juliet, romeo, allow) -> None:
    romeo.subscribe("play")
    ((_, fields),) = asked(juliet)
    answer(juliet, fields, allow)
    (refused,) = juliet.came()
    assert error(refused)[0] in ("bad-request", "not-acceptable")
    assert state(globe) == ["pending"]


def test_8_6_a_form_of_a_node_that_is_not_there(globe, juliet, romeo) -> None:
    romeo.subscribe("play")
    ((_, fields),) = asked(juliet)
    answer(juliet, {**fields, "pubsub#node": "play2"}, "1")
    (refused,) = juliet.came()
    assert error(refused) == ("item-not-found",)


def test_a_form_that_nobody_waits_for_is_refused(globe, juliet) -> None:
    juliet.send(f"<message to='{PUBSUB}'>{form('node_config', title='x')}</message>")
    (refused,) = juliet.came()
    assert error(refused) == ("bad-request",)


def test_at_an_account_the_service_asks_in_its_own_name(globe, juliet, romeo) -> None:
    """No message to an account reaches who serves its nodes: the form says whose node it is."""
    juliet.publish("tune", id_="1", to="")
    globe.set_up("tune", JULIET, access_model="authorize")
    assert subscriptions(romeo.subscribe("tune", JULIET)) == [(ROMEO, "pending")]
    ((message, fields),) = asked(juliet)
    assert message.get("from") == PUBSUB
    answer(juliet, fields, "1")
    told, last = romeo.events()
    assert subscriptions(told) == [(ROMEO, "subscribed")]
    assert {each.get("from") for each in romeo.messages} == {JULIET}
    assert last[0][0].get("id") == "1"


def test_who_asks_again_and_again_has_to_wait(globe, juliet, romeo) -> None:
    for _ in range(10):
        assert romeo.subscribe("play").get("type") == "result"
        romeo.unsubscribe("play")
    refused = romeo.subscribe("play")
    assert error(refused) == ("policy-violation", "too-many-subscriptions")
    assert refused.find(f"{C}error").get("type") == "wait"
    assert len(asked(juliet)) == 10
    globe.pass_time(61)
    assert romeo.subscribe("play").get("type") == "result"


# ---------------------------------------------------------------------- §8.7


def command(person, inner="", **attrs):
    shown = "".join(f" {key}='{value}'" for key, value in attrs.items())
    return person.ask(
        f"<command xmlns='{ns.COMMANDS}' node='{COMMAND}'{shown}>{inner}</command>", "set"
    )


def submitted(node):
    value = f"<field var='pubsub#node'><value>{node}</value></field>"
    return f"<x xmlns='{ns.DATA_FORM}' type='submit'>{value}</x>"


def test_8_7_2_the_form_has_the_nodes_with_requests(globe, juliet, romeo) -> None:
    juliet.create("sonnets")
    romeo.subscribe("play")
    shown = command(juliet, action="execute")
    told = shown.find(f"{K}command")
    assert told.get("status") == "executing"
    assert told.get("sessionid")
    fields = told.findall(f"{X}x/{X}field")
    assert [each.get("var") for each in fields] == ["FORM_TYPE", "pubsub#node"]
    assert fields[1].get("type") == "list-single"
    assert [each.text for each in fields[1].iter(f"{X}value")] == ["play"]


def test_8_7_4_each_request_is_sent_to_who_wants_to_see_it(globe, juliet, romeo) -> None:
    nurse = globe.person("nurse")
    for person in (romeo, nurse):
        person.subscribe("play")
    assert len(asked(juliet)) == 2
    garden = globe.person("juliet", "garden")
    session = command(juliet).find(f"{K}command").get("sessionid")
    done = command(juliet, submitted("play"), sessionid=session)
    assert done.find(f"{K}command").get("status") == "completed"
    juliet.others += juliet.came()
    found = [each for each in juliet.others if each.find(f"{X}x") is not None]
    assert len(found) == 2
    assert asked(garden) == []
    fields = {f.get("var"): f.findtext(f"{X}value") for f in found[0].iter(f"{X}field")}
    answer(juliet, fields, "1")
    assert sorted(state(globe)) == ["pending", "subscribed"]


def test_8_7_3_3_who_owns_nothing_has_nothing_to_see(globe, juliet, romeo) -> None:
    romeo.subscribe("play")
    assert error(command(romeo)) == ("forbidden",)
    assert error(command(romeo, submitted("play"))) == ("forbidden",)


def test_8_7_3_4_there_is_no_such_node(globe, juliet) -> None:
    assert error(command(juliet, submitted("play2"))) == ("item-not-found",)
    assert error(command(juliet, submitted(""))) == ("bad-request", "nodeid-required")


def test_8_7_who_runs_the_service_sees_all(globe) -> None:
    globe = Globe(admins=[NURSE]).start()
    juliet, romeo, nurse = (globe.person(name) for name in ("juliet", "romeo", "nurse"))
    juliet.create("play")
    globe.set_up("play", access_model="authorize")
    romeo.subscribe("play")
    values = command(nurse).iter(f"{X}value")
    assert "play" in [each.text for each in values]
