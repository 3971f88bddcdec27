"""Namespace delegation (XEP-0355): what is handed on, and what comes back."""

from collections import Counter

import pytest

from tests.support.components import Component, table
from tests.support.delegated import TEMP, VCARD, answer, get, inner, server_with
from tests.support.server import Verona, condition
from tests.support.sessions import read
from xmppd import ns
from xmppd.core.components import pending
from xmppd.jid import JID

JULIET = "juliet@capulet.lit"
EMPTY = f"<forwarded xmlns='{ns.FORWARD}'/>"


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


def unavailable(answer):
    """The type of the `service-unavailable` that an answer is."""
    assert condition(answer) == "service-unavailable"
    return answer.find("{jabber:client}error").get("type")


def test_4_3_n_b_1_an_absent_component_is_service_unavailable(server, juliet):
    juliet.send(get())
    assert unavailable(juliet.one()) == "wait"


@pytest.mark.parametrize(
    ("type_", "said", "told"),
    [("auth", "forbidden", "cancel"), ("wait", "resource-constraint", "wait")],
)
def test_4_3_n_b_2_a_component_that_answers_with_an_error_is_service_unavailable(
    vcard, juliet, type_, said, told
):
    """RFC 6120 §8.3.2: to wait is for what is temporary."""
    juliet.send(get())
    envelope = vcard.one()
    vcard.send(
        f"<iq type='error' id='{envelope.get('id')}' to='capulet.lit'><error type='{type_}'>"
        f"<{said} xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>"
    )
    assert unavailable(juliet.one()) == told


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


def test_one_user_leaves_a_component_that_says_nothing_to_others(
    server, vcard, juliet, monkeypatch
):
    """There are so many requests of the server that may wait, whomever they are for."""
    monkeypatch.setattr(pending, "MOST_OF_ONE", 3)
    romeo = server.log_in("romeo", "orchard")
    juliet.send("".join(get(JULIET, id_=f"{n}") for n in range(4)))
    refused = juliet.one()
    assert (refused.get("id"), condition(refused)) == ("3", "resource-constraint")
    envelopes = vcard.elements()
    assert len(envelopes) == 3
    romeo.send(get(JULIET))
    assert inner(vcard.one()).get("from") == romeo.jid
    vcard.send(answer(envelopes[0]))
    assert juliet.one().get("type") == "result"
    juliet.send(get(JULIET, id_="again"))
    assert inner(vcard.one()).get("id") == "again"
    server.clock.advance(31)
    assert len(juliet.elements()) == 3
    juliet.send("".join(get(JULIET, id_=f"{n}") for n in range(3)))
    assert len(vcard.elements()) == 3


def test_others_leave_room_for_users_however_many_they_ask(server, vcard, juliet, monkeypatch):
    """For one server as many as a component may owe it anyway, and all of them half."""
    monkeypatch.setattr(pending, "MOST", 20)
    monkeypatch.setattr(pending, "MOST_OF_ONE", 4)
    answers = []
    server.host.router.attach(answers.append)
    request = f"<iq type='get' id='v' to='{JULIET}'><vCard xmlns='{TEMP}'/></iq>"
    for number in range(5):
        for domain in ("iago.lit", "m.iago.lit", "moor.lit", "venice.lit"):
            stanza = read(request)
            stanza.sender, stanza.to = JID.parse(f"a{number}@{domain}"), JID.parse(JULIET)
            server.host.router.route(stanza)
    taken = vcard.elements()
    asked_by = Counter(inner(each).get("from").rpartition("@")[2] for each in taken)
    assert asked_by == {"iago.lit": 2, "m.iago.lit": 2, "moor.lit": 3, "venice.lit": 3}
    assert {condition(each.element) for each in answers} == {"resource-constraint"}
    juliet.send(get())
    vcard.send(answer(vcard.one()))
    assert juliet.one().get("type") == "result"
    answers.clear()
    for envelope in taken:
        vcard.send(answer(envelope))
    stanza = read(request)
    stanza.sender, stanza.to = JID.parse("a@iago.lit"), JID.parse(JULIET)
    server.host.router.route(stanza)
    assert inner(vcard.one()).get("from") == "a@iago.lit"


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
