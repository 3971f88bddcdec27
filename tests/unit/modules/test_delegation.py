"""Namespace delegation (XEP-0355): what is handed on, what comes back, and discovery."""

import pytest

from tests.support.components import Component, table
from tests.support.server import Verona, condition
from xmppd import ns
from xmppd.modules.delegation import REST

VCARD = "vcard.capulet.lit"
TEMP = "vcard-temp"
JULIET = "juliet@capulet.lit"
EMPTY = f"<forwarded xmlns='{ns.FORWARD}'/>"


def server_with(*namespaces, **filtered):
    delegation = {**dict.fromkeys(namespaces, ()), **filtered}
    return Verona(components={VCARD: table(delegation=delegation)})


@pytest.fixture
def server():
    return server_with(TEMP)


@pytest.fixture
def vcard(server):
    component = Component(server, VCARD).log_in()
    component.take()
    return component


@pytest.fixture
def juliet(server):
    return server.log_in("juliet", "balcony")


def get(to="", id_="v1", payload=f"<vCard xmlns='{TEMP}'/>", type_="get"):
    address = f" to='{to}'" if to else ""
    return f"<iq type='{type_}' id='{id_}'{address}>{payload}</iq>"


def inner(envelope):
    """The request in an envelope."""
    (delegation,) = envelope
    assert delegation.tag == f"{{{ns.DELEGATION}}}delegation"
    ((request,),) = delegation
    assert request.tag == f"{{{ns.CLIENT}}}iq"
    return request


def answer(envelope, content="", wrap=None, **attrs):
    """The answer to what came in an envelope, in one; `attrs` in place of the right ones."""
    asked = inner(envelope)
    shown = {
        "xmlns": ns.CLIENT,
        "type": "result",
        "id": asked.get("id"),
        "to": asked.get("from"),
        "from": asked.get("to"),
        **attrs,
    }
    head = "".join(f" {key}='{value}'" for key, value in shown.items() if value is not None)
    if wrap is None:
        wrap = (
            f"<delegation xmlns='{ns.DELEGATION}'><forwarded xmlns='{ns.FORWARD}'>"
            f"<iq{head}>{content}</iq></forwarded></delegation>"
        )
    return (
        f"<iq type='result' id='{envelope.get('id')}' from='{VCARD}' to='capulet.lit'>{wrap}</iq>"
    )


def delegations(component):
    """What the component has been told is delegated to it: namespace to attributes."""
    return {
        each.get("namespace"): [attribute.get("name") for attribute in each]
        for message in component.elements()
        if message.tag == f"{{{ns.COMPONENT}}}message"
        for each in message[0]
    }


# 4.2 Telling the component


def test_4_2_a_component_is_told_what_is_delegated_to_it():
    server = server_with(TEMP, **{"urn:xmpp:mam:2": ("node", "x")})
    component = Component(server, VCARD).open().prove()
    told = component.elements()
    assert told[0].tag == f"{{{ns.COMPONENT}}}handshake"
    message = told[1]
    assert (message.get("from"), message.get("to")) == ("capulet.lit", VCARD)
    assert [each.get("namespace") for each in message[0]] == [TEMP, "urn:xmpp:mam:2"]
    assert [each.get("name") for each in message[0][1]] == ["node", "x"]


def test_4_2_it_is_told_of_each_domain_that_it_is_granted_for():
    domains = ["capulet.lit", "montague.lit", "escalus.lit"]
    grants = table(delegation={TEMP: ()}, domains=["capulet.lit", "escalus.lit"])
    server = Verona(server={"domains": domains}, components={VCARD: grants})
    component = Component(server, VCARD).log_in()
    component.log, component._read = component.log, 0
    told = [e for e in component.elements() if e.tag == f"{{{ns.COMPONENT}}}message"]
    assert [e.get("from") for e in told] == ["capulet.lit", "escalus.lit"]


def test_a_reload_that_changes_them_is_told(server, vcard, juliet):
    server.reload(components={VCARD: table(delegation={"jabber:iq:private": ()})})
    assert delegations(vcard) == {"jabber:iq:private": []}
    juliet.send(get())
    assert condition(juliet.one()) == "service-unavailable"
    juliet.send(get(payload="<query xmlns='jabber:iq:private'><x xmlns='y'/></query>"))
    assert inner(vcard.elements()[-1]).get("id") == "v1"


def test_8_rule_3_what_is_taken_back_is_told(server, vcard):
    server.reload(components={VCARD: table()})
    told = vcard.one()
    assert (told.get("from"), told.get("to")) == ("capulet.lit", VCARD)
    assert told[0].tag == f"{{{ns.DELEGATION}}}delegation"
    assert len(told[0]) == 0
    server.reload(components={VCARD: table(queue_octets=2_000_000)})
    assert vcard.take() == b"", "it knows"


# 4.3 Handing on


@pytest.mark.parametrize("to", ["", JULIET, "romeo@capulet.lit", "capulet.lit", "no@capulet.lit"])
def test_4_3_what_is_for_the_server_or_an_account_is_handed_on(vcard, juliet, to):
    juliet.send(get(to))
    envelope = vcard.one()
    assert (envelope.get("type"), envelope.get("from")) == ("set", "capulet.lit")
    asked = inner(envelope)
    assert asked.attrib == {"type": "get", "id": "v1", "from": juliet.jid, "to": to or JULIET}
    assert asked[0].tag == f"{{{TEMP}}}vCard"
    vcard.send(answer(envelope, f"<vCard xmlns='{TEMP}'><FN>Juliet</FN></vCard>"))
    got = juliet.one()
    assert got.attrib == {"type": "result", "id": "v1", "to": juliet.jid, "from": to or JULIET}
    assert got[0][0].text == "Juliet"


def test_4_3_a_set_is_handed_on_and_an_empty_result_comes_back(vcard, juliet):
    juliet.send(get(type_="set"))
    vcard.send(answer(vcard.one()))
    got = juliet.one()
    assert (got.get("type"), len(got)) == ("result", 0)


def test_4_3_what_is_for_a_session_is_not(server, vcard, juliet):
    romeo = server.log_in("romeo", "orchard")
    juliet.send(get(romeo.jid))
    assert romeo.one()[0].tag == f"{{{TEMP}}}vCard"
    assert vcard.take() == b""


def test_4_3_what_is_of_another_namespace_is_not(vcard, juliet):
    answered = juliet.ask("<ping xmlns='urn:xmpp:ping'/>", to="capulet.lit")
    assert answered.get("type") == "result"
    assert vcard.take() == b""


@pytest.mark.parametrize(
    ("attributes", "handed"), [("", False), ("node='x'", False), ("node='x' ver='1'", True)]
)
def test_4_3_n_b_3_attributes_filter(attributes, handed):
    server = server_with(**{"urn:q": ("node", "ver")})
    component = Component(server, VCARD).log_in()
    component.take()
    juliet = server.log_in("juliet")
    juliet.send(get(payload=f"<q xmlns='urn:q' {attributes}/>"))
    if handed:
        assert inner(component.one())[0].get("ver") == "1"
    else:
        assert condition(juliet.one()) == "service-unavailable"


def test_delegation_goes_before_what_the_server_does_itself():
    server = server_with("jabber:iq:private")
    component = Component(server, VCARD).log_in()
    component.take()
    juliet = server.log_in("juliet")
    juliet.send(get(payload="<query xmlns='jabber:iq:private'><x xmlns='y'/></query>"))
    assert inner(component.one())


def test_4_4_what_the_component_asks_itself_is_not_handed_on():
    server = server_with("urn:xmpp:ping")
    component = Component(server, VCARD).log_in()
    component.take()
    component.send("<iq type='get' id='p' to='capulet.lit'><ping xmlns='urn:xmpp:ping'/></iq>")
    assert component.one().get("type") == "result"


def test_4_4_nor_what_it_asks_in_a_users_name():
    """XEP-0356 §6: that would come back to it for ever."""
    granted = table(delegation={TEMP: ()}, iq={TEMP: "both"})
    server = Verona(components={VCARD: granted})
    vcard = Component(server, VCARD).log_in()
    vcard.take()
    asked = f"<iq xmlns='jabber:client' type='get' id='i'><vCard xmlns='{TEMP}'/></iq>"
    vcard.send(
        f"<iq type='get' id='o' to='juliet@capulet.lit'>"
        f"<privileged_iq xmlns='{ns.PRIVILEGE}'>{asked}</privileged_iq></iq>"
    )
    ((((error,),),),) = vcard.elements()
    assert (error.tag, error.get("type")) == ("{jabber:client}iq", "error")


def test_who_is_blocked_gets_no_further(server, vcard, juliet):
    """The user may be away: his lists are read first."""
    juliet.ask(f"<block xmlns='{ns.BLOCKING}'><item jid='romeo@capulet.lit'/></block>", "set")
    juliet.send("</stream:stream>")
    server.host.residents.forget(juliet.jid.bare)
    romeo = server.log_in("romeo", "orchard")
    romeo.send(get(JULIET))
    assert condition(romeo.one()) == "service-unavailable"
    assert vcard.take() == b""
    tybalt = server.account("tybalt") and server.log_in("tybalt", "street")
    tybalt.send(get(JULIET))
    assert inner(vcard.one()).get("from") == tybalt.jid


# Answers


def test_an_error_in_the_envelope_is_the_answer(vcard, juliet):
    """What the component says of the request itself: with its condition and text."""
    juliet.send(get())
    error = (
        "<error type='cancel'><item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>"
    )
    vcard.send(answer(vcard.one(), error, type="error"))
    assert condition(juliet.one()) == "item-not-found"


@pytest.mark.parametrize(
    "wrong",
    [
        {"to": "romeo@capulet.lit/orchard"},
        {"to": "@"},
        {"from": "romeo@capulet.lit"},
        {"from": "capulet.lit"},
        {"id": "v2"},
        {"id": None},
        {"type": "set"},
        {"type": None},
        {"xmlns": "jabber:server"},
        {"wrap": ""},
        {"wrap": "<vCard xmlns='vcard-temp'/>"},
        {"wrap": f"<delegation xmlns='{ns.DELEGATION}'/>"},
        {"wrap": f"<delegation xmlns='{ns.DELEGATION}'>{EMPTY}</delegation>"},
        {"content": "</iq><iq xmlns='jabber:client'>"},
    ],
)
def test_4_3_a_wrong_answer_is_service_unavailable_and_reaches_nobody_else(
    server, vcard, juliet, wrong
):
    romeo = server.log_in("romeo", "orchard")
    juliet.send(get())
    envelope = vcard.one()
    vcard.send(answer(envelope, **wrong))
    assert condition(juliet.one()) == "service-unavailable"
    assert romeo.take() == b""
    assert "delegation.answer" in {each.reason for each in server.host.refusals.recent}


@pytest.mark.parametrize(
    "layout",
    [
        "<{w} xmlns='{d}'>\n <forwarded xmlns='{f}'>\n  <iq {a}>{c}</iq>\n </forwarded>\n</{w}>",
        '<{w} xmlns="{d}"><forwarded xmlns="{f}"><iq {a}>{c}</iq></forwarded></{w}>',
        "<x:{w} xmlns:x='{d}'><forwarded xmlns='{f}'><iq {a}>{c}</iq></forwarded></x:{w}>",
        "<{w} xmlns='{d}'><forwarded xmlns='{f}'><delay xmlns='urn:xmpp:delay'/>"
        "<iq {a}>{c}</iq></forwarded></{w}>",
        "<{w} xmlns='{d}'><forwarded xmlns='{f}'><c:iq xmlns:c='jabber:client' {a}>{c}</c:iq>"
        "</forwarded></{w}>",
    ],
)
def test_an_answer_may_be_laid_out_in_any_way(vcard, juliet, layout):
    juliet.send(get(id_="v&amp;1"))
    envelope = vcard.one()
    attrs = f"xmlns='jabber:client' type='result' id='v&amp;1' to='{juliet.jid}' from='{JULIET}'"
    card = f"<vCard xmlns='{TEMP}'><FN>Juliet &amp; all</FN></vCard>"
    wrap = layout.format(w="delegation", d=ns.DELEGATION, f=ns.FORWARD, a=attrs, c=card)
    vcard.send(answer(envelope, wrap=wrap))
    got = juliet.one()
    assert (got.get("id"), got.get("type")) == ("v&1", "result")
    assert [each.tag for each in got.iter()][1:] == [f"{{{TEMP}}}vCard", f"{{{TEMP}}}FN"]
    assert got[0][0].text == "Juliet & all"


def test_a_card_that_speaks_of_an_iq_is_unwrapped_too(vcard, juliet):
    juliet.send(get())
    card = f"<vCard xmlns='{TEMP}'><iq xmlns='urn:x'><a/></iq><FN>Juliet</FN></vCard>"
    vcard.send(answer(vcard.one(), card))
    assert [each.tag for each in juliet.one()[0]] == ["{urn:x}iq", f"{{{TEMP}}}FN"]


def test_4_3_n_b_1_an_absent_component_is_service_unavailable(server, juliet):
    juliet.send(get())
    assert condition(juliet.one()) == "service-unavailable"


def test_4_3_n_b_2_a_component_that_answers_with_an_error_is_service_unavailable(vcard, juliet):
    juliet.send(get())
    envelope = vcard.one()
    vcard.send(
        f"<iq type='error' id='{envelope.get('id')}' to='capulet.lit'><error type='auth'>"
        "<forbidden xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>"
    )
    assert condition(juliet.one()) == "service-unavailable"


def test_who_has_asked_is_told_when_the_component_dies(vcard, juliet):
    juliet.send(get())
    vcard.hang_up()
    assert condition(juliet.one()) == "service-unavailable"


def test_who_has_asked_is_told_when_the_component_says_nothing(server, vcard, juliet):
    juliet.send(get())
    envelope = vcard.one()
    server.clock.advance(31)
    assert condition(juliet.one()) == "service-unavailable"
    vcard.send(answer(envelope))
    assert juliet.take() == b"", "it comes too late"


@pytest.mark.parametrize("instances", [1, 2])
def test_who_asks_a_slow_component_is_read_more_slowly(instances):
    server = Verona(components={VCARD: table(delegation={TEMP: ()}, instances=instances)})
    component = Component(server, VCARD).log_in()
    juliet = server.log_in("juliet", "balcony")
    juliet.send(get())
    assert not juliet.paused
    component.clog()
    juliet.send(get())
    assert juliet.paused
    component.unclog()
    assert not juliet.paused


def test_a_second_answer_is_none(vcard, juliet):
    juliet.send(get())
    envelope = vcard.one()
    vcard.send(answer(envelope) * 2)
    assert juliet.one().get("type") == "result"


def test_another_components_answer_is_none(juliet, server, vcard):
    server.reload(components={VCARD: table(delegation={TEMP: ()}), "moon.capulet.lit": table()})
    vcard.take()
    moon = Component(server, "moon.capulet.lit").log_in()
    juliet.send(get())
    envelope = vcard.one()
    moon.send(answer(envelope).replace(f"from='{VCARD}'", "from='moon.capulet.lit'", 1))
    assert juliet.take() == b""
    vcard.send(answer(envelope))
    assert juliet.one().get("type") == "result"


def test_a_user_cannot_answer_for_the_component(server, vcard, juliet):
    romeo = server.log_in("romeo", "orchard")
    juliet.send(get())
    envelope = vcard.one()
    romeo.send(answer(envelope).replace(f" from='{VCARD}'", "", 1))
    assert juliet.take() == b""


def test_it_is_handled_when_it_is_answered(vcard, juliet):
    """A managed client is told so (XEP-0198 §4) once the component has answered."""
    juliet.send(f"<enable xmlns='{ns.STREAM_MANAGEMENT}'/>").take()
    juliet.send(get()).send(f"<r xmlns='{ns.STREAM_MANAGEMENT}'/>")
    assert juliet.one().get("h") == "0"
    vcard.send(answer(vcard.one()))
    assert [each.get("h") for each in juliet.elements()] == [None, "1"]


def test_a_restarted_component_takes_its_delegations_over(server, vcard, juliet):
    again = Component(server, VCARD).log_in()
    again.take()
    juliet.send(get())
    assert inner(again.one())


# 7 Discovery


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
