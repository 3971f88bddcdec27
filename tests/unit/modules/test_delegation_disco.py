"""Namespace delegation (XEP-0355 §7): what the server tells of what components do in its place."""

import pytest

from tests.support.components import Component, table
from tests.support.delegated import TEMP, VCARD, answer, get, inner, server_with
from tests.support.server import Verona, condition
from xmppd import ns
from xmppd.modules.delegation import REST

JULIET = "juliet@capulet.lit"


@pytest.fixture
def server():
    return server_with(TEMP)


@pytest.fixture
def juliet(server):
    return server.log_in("juliet", "balcony")


def features(client, to):
    found = client.ask(f"<query xmlns='{ns.DISCO_INFO}'/>", to=to)
    return [each.get("var") for each in found[0] if each.tag.endswith("feature")]


def questions(component):
    """The nodes by which the component is asked what it can do, and the questions."""
    return {
        each[0].get("node"): each
        for each in component.elements()
        if each.tag == f"{{{ns.COMPONENT}}}iq"
    }


def tell(component, question, content):
    component.send(
        f"<iq type='result' id='{question.get('id')}' to='{question.get('from')}'>"
        f"<query xmlns='{ns.DISCO_INFO}' node='{question[0].get('node')}'>{content}</query></iq>"
    )


def connected(server):
    component = Component(server, VCARD).open().prove()
    return component, questions(component)


def test_7_1_the_server_says_that_it_knows_it(juliet):
    assert ns.DELEGATION in features(juliet, "capulet.lit")


def test_7_2_what_the_component_can_do_is_nested(server, juliet):
    component, asked = connected(server)
    assert set(asked) == {f"{ns.DELEGATION}::{TEMP}", f"{ns.DELEGATION}:bare:{TEMP}"}
    before = features(juliet, "capulet.lit")
    tell(component, asked[f"{ns.DELEGATION}::{TEMP}"], f"<feature var='{TEMP}'/>")
    tell(
        component,
        asked[f"{ns.DELEGATION}:bare:{TEMP}"],
        "<identity category='x' type='y'/><feature var='urn:own'/>",
    )
    assert set(features(juliet, "capulet.lit")) == {*before, TEMP}
    assert "urn:own" in features(juliet, JULIET)
    found = juliet.ask(f"<query xmlns='{ns.DISCO_INFO}'/>", to=JULIET)
    assert "x" in [each.get("category") for each in found[0]]
    component.hang_up()
    assert features(juliet, "capulet.lit") == before
    assert "urn:own" not in features(juliet, JULIET)


def test_7_2_what_the_server_can_do_of_the_namespace_is_not_told():
    server = server_with("jabber:iq:private")
    juliet = server.log_in("juliet")
    component, asked = connected(server)
    tell(component, asked[f"{ns.DELEGATION}::jabber:iq:private"], "<feature var='urn:other'/>")
    found = features(juliet, "capulet.lit")
    assert "urn:other" in found
    assert "jabber:iq:private" not in found


def test_7_2_an_absent_components_namespace_is_not_told_of():
    """N.B.1 of §4.3: whatever is asked of it is service-unavailable meanwhile."""
    server = server_with("jabber:iq:private")
    juliet = server.log_in("juliet")
    assert "jabber:iq:private" not in features(juliet, "capulet.lit")
    component, asked = connected(server)
    tell(component, asked[f"{ns.DELEGATION}::jabber:iq:private"], "<feature var='urn:other'/>")
    component.hang_up()
    found = features(juliet, "capulet.lit")
    assert not {"urn:other", "jabber:iq:private"} & {*found}
    server.reload(components={VCARD: table()})
    assert "jabber:iq:private" in features(juliet, "capulet.lit")


def test_7_2_of_who_does_not_say_what_it_can_do_the_server_says_what_it_would_itself():
    server = server_with("jabber:iq:private")
    juliet = server.log_in("juliet")
    component, asked = connected(server)
    for question in asked.values():
        component.send(
            f"<iq type='error' id='{question.get('id')}' to='capulet.lit'><error type='cancel'>"
            f"<item-not-found xmlns='{ns.STANZA_ERRORS}'/></error></iq>"
        )
    assert "jabber:iq:private" in features(juliet, "capulet.lit")


def test_7_2_what_attributes_leave_to_the_server_is_told_while_the_component_is_absent():
    server = server_with(**{"jabber:iq:private": ("node",)})
    juliet = server.log_in("juliet")
    assert "jabber:iq:private" in features(juliet, "capulet.lit")


def test_7_2_3_the_servers_own_forms_of_the_namespace_are_not_told():
    info = "http://jabber.org/network/serverinfo"
    delegating = table(delegation={info: ()})
    server = Verona(contact={"abuse": ["mailto:a@b"]}, components={VCARD: delegating})
    juliet = server.log_in("juliet")
    component, asked = connected(server)
    tell(component, asked[f"{ns.DELEGATION}::{info}"], "<feature var='urn:other'/>")
    found = juliet.ask(f"<query xmlns='{ns.DISCO_INFO}'/>", to="capulet.lit")
    assert found.find(f".//{{{ns.DATA_FORM}}}x") is None


def test_7_2_3_forms_are_nested(server, juliet):
    component, asked = connected(server)
    form = (
        "<x xmlns='jabber:x:data' type='result'><field var='FORM_TYPE' type='hidden'>"
        "<value>urn:form</value></field><field var='a'><value>b</value></field></x>"
    )
    tell(component, asked[f"{ns.DELEGATION}::{TEMP}"], form)
    found = juliet.ask(f"<query xmlns='{ns.DISCO_INFO}'/>", to="capulet.lit")
    assert found.findtext(f".//{{{ns.DATA_FORM}}}field[@var='a']/{{{ns.DATA_FORM}}}value") == "b"


@pytest.mark.parametrize("content", ["<feature/>", "<x xmlns='y'/>" * 2_000])
def test_an_ill_formed_answer_changes_nothing(server, juliet, content):
    component, asked = connected(server)
    before = features(juliet, "capulet.lit")
    tell(component, asked[f"{ns.DELEGATION}::{TEMP}"], content)
    assert features(juliet, "capulet.lit") == before


def test_a_component_that_comes_back_is_asked_again(server, juliet):
    connected(server)[0].hang_up()
    component, again = connected(server)
    tell(component, again[f"{ns.DELEGATION}::{TEMP}"], f"<feature var='{TEMP}'/>")
    assert TEMP in features(juliet, "capulet.lit")


@pytest.mark.parametrize("gone", [True, False])
def test_what_a_component_does_not_say_of_itself_was_refused_to_nobody(server, gone):
    """An operator who asks why (`xmppctl why`) is not told of it."""
    component, asked = connected(server)
    assert asked
    if gone:
        component.hang_up()
    server.clock.pump([10.0] * 14)
    assert list(server.host.refusals.recent) == []
    assert len(server.host.requests) == 0


INFO_REST, ITEMS_REST = REST


@pytest.fixture
def rest():
    server = server_with(INFO_REST, ITEMS_REST)
    component = Component(server, VCARD).log_in()
    component.take()
    return component, server.log_in("juliet", "balcony")


def test_7_2_4_nodes_of_accounts_are_the_components(rest):
    component, juliet = rest
    juliet.send(get(JULIET, payload=f"<query xmlns='{ns.DISCO_INFO}' node='urn:n'/>"))
    envelope = component.one()
    assert inner(envelope)[0].get("node") == "urn:n"
    component.send(answer(envelope, f"<query xmlns='{ns.DISCO_INFO}' node='urn:n'/>"))
    assert juliet.one()[0].get("node") == "urn:n"


def test_7_2_4_the_account_itself_is_told_of_by_the_server(rest):
    component, juliet = rest
    assert ns.DISCO_INFO in features(juliet, JULIET)
    assert component.take() == b""


@pytest.mark.parametrize("node", ["", "node='urn:n'"])
def test_7_2_5_the_items_of_accounts_are_the_components(rest, node):
    component, juliet = rest
    juliet.send(get(JULIET, payload=f"<query xmlns='{ns.DISCO_ITEMS}' {node}/>"))
    assert inner(component.one())


def test_7_2_4_5_the_server_itself_goes_on_answering(rest):
    component, juliet = rest
    juliet.ask(f"<query xmlns='{ns.DISCO_ITEMS}'/>", to="capulet.lit")
    missing = juliet.ask(f"<query xmlns='{ns.DISCO_INFO}' node='urn:n'/>", to="capulet.lit")
    assert condition(missing) == "item-not-found"
    assert component.take() == b""
