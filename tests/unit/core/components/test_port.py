"""The component port (XEP-0114 §3): who gets in, what passes, what ends a stream."""

import pytest

from tests.support.components import ECHO, SECRET, Component, table, verona
from tests.support.server import Verona, condition
from xmppd import ns
from xmppd.core.router import LONGEST_ID
from xmppd.stream.component import digest


@pytest.fixture
def server():
    return verona()


@pytest.fixture
def echo(server):
    return Component(server).log_in()


@pytest.fixture
def juliet(server):
    return server.log_in("juliet", "balcony")


def message(to, body="But soft!", **attrs):
    shown = "".join(f" {key}='{value}'" for key, value in {"to": to, **attrs}.items())
    return f"<message{shown}><body>{body}</body></message>"


def ended(component):
    """The condition that the server has ended the stream with."""
    error = component.elements()[-1]
    assert error.tag == f"{{{ns.STREAM}}}error"
    assert component.log.endswith(b"</stream:stream>")
    assert component.closed
    return condition(error)


# The handshake


def test_3_our_header_names_the_component_and_an_id(server):
    component = Component(server).open()
    assert component.header["from"] == ECHO
    assert len(component.header["id"]) == 32
    assert "version" not in component.header
    assert b"features" not in component.log


def test_3_who_knows_the_secret_is_told_by_an_empty_handshake(server):
    component = Component(server).open()
    component.take()
    component.prove()
    assert component.take() == b"<handshake/>"
    assert component.trusted


def test_who_names_version_1_is_offered_stream_management(server):
    component = Component(server).open(version="1.0")
    assert component.header["version"] == "1.0"
    assert component.elements()[0][0].tag == f"{{{ns.STREAM_MANAGEMENT}}}sm"


@pytest.mark.parametrize("secret", ["", "what's in a Name", SECRET + " "])
def test_3_a_wrong_secret_is_not_authorized(server, secret):
    component = Component(server).open().prove(secret)
    assert ended(component) == "not-authorized"
    assert not component.trusted
    assert server.host.components.connected == []


@pytest.mark.parametrize("text", ["", "x" * 40, "é" * 20, "&#39;", "<a/>"])
def test_3_a_handshake_that_is_none_is_not_authorized(server, text):
    component = Component(server).open().send(f"<handshake>{text}</handshake>")
    assert ended(component) == "not-authorized"


def test_3_the_digest_of_another_stream_is_worth_nothing(server):
    first, second = Component(server).open(), Component(server).open()
    first.send(f"<handshake>{_digest(second)}</handshake>")
    assert ended(first) == "not-authorized"


def _digest(component):
    return digest(component.header["id"], SECRET)


@pytest.mark.parametrize("to", ["capulet.lit", "other.capulet.lit", "mantua.lit"])
def test_3_a_domain_that_no_component_serves_is_unknown(server, to):
    component = Component(server).open(to)
    assert component.header["id"]
    assert ended(component) == "host-unknown"


def test_3_each_is_bound_to_the_domain_that_it_has_proved():
    server = Verona(components={ECHO: table(), "other.capulet.lit": table("another secret")})
    component = Component(server, "other.capulet.lit").open().prove(SECRET)
    assert ended(component) == "not-authorized"


@pytest.mark.parametrize("content", [ns.CLIENT, ns.SERVER, "jabber:component:connect"])
def test_3_another_content_namespace_is_invalid(server, content):
    assert ended(Component(server).open(content=content)) == "invalid-namespace"


def test_3_a_header_without_to_is_no_components(server):
    assert ended(Component(server).open("")) == "host-unknown"


@pytest.mark.parametrize(
    "early", ["<message to='juliet@capulet.lit'/>", "<a xmlns='urn:xmpp:sm:3' h='0'/>"]
)
def test_3_nothing_passes_before_the_handshake(server, juliet, early):
    component = Component(server).open().send(early)
    assert ended(component) == "not-authorized"
    assert juliet.take() == b""


def test_a_second_handshake_is_a_fault(echo):
    echo.send("<handshake/>")
    assert ended(echo) == "policy-violation"


def test_who_proves_nothing_in_time_is_let_go(server):
    component = Component(server).open()
    server.clock.advance(61)
    assert ended(component) == "connection-timeout"


def test_before_the_handshake_a_stanza_is_as_small_as_a_strangers(server):
    component = Component(server).open().send(f"<handshake>{'x' * 20_000}")
    assert ended(component) == "policy-violation"


def test_behind_it_a_stanza_may_be_larger_than_a_clients(server, echo, juliet):
    body = "x" * 300_000
    echo.send(message(juliet.jid, body, **{"from": ECHO}))
    assert len(juliet.one()[0].text) == 300_000


@pytest.mark.parametrize(
    "bad", ["<message", "<a><b></a>", "<!-- -->", "<?x?>", "\0", "<p:a/>", "x"]
)
def test_what_is_no_xml_ends_the_stream_and_no_other(server, echo, juliet, bad):
    echo.send(f"{bad}<x/>")
    assert echo.closed
    juliet.send(message(ECHO, id="m"))
    assert condition(juliet.one()) == "service-unavailable"


def test_an_element_that_nobody_knows_ends_the_stream(echo):
    echo.send("<xdb/>")
    assert ended(echo) == "unsupported-stanza-type"


# Stanzas


def test_3_messages_pass_both_ways(echo, juliet):
    juliet.send(message(ECHO, type="chat"))
    came = echo.one()
    assert came.tag == f"{{{ns.COMPONENT}}}message"
    assert (came.get("from"), came.get("to")) == (juliet.jid, ECHO)
    assert came.findtext(f"{{{ns.COMPONENT}}}body") == "But soft!"
    echo.send(message(juliet.jid, "It speaks", **{"from": f"moon@{ECHO}/sky"}))
    answer = juliet.one()
    assert answer.tag == f"{{{ns.CLIENT}}}message"
    assert answer.get("from") == f"moon@{ECHO}/sky"
    assert answer.findtext(f"{{{ns.CLIENT}}}body") == "It speaks"


@pytest.mark.parametrize("kind", ["message", "presence", "iq"])
@pytest.mark.parametrize("sender", ["juliet@capulet.lit", "capulet.lit", f"x.{ECHO}", "@", ""])
def test_3_who_is_not_at_its_own_domain_is_no_sender(server, echo, juliet, kind, sender):
    attrs = "type='get' id='x'" if kind == "iq" else ""
    echo.send(f"<{kind} to='{juliet.jid}' from='{sender}' {attrs}><x xmlns='y'/></{kind}>")
    assert ended(echo) == "invalid-from"
    assert juliet.take() == b""


def test_who_names_no_sender_means_the_component(echo, juliet):
    echo.send(message(juliet.jid))
    assert juliet.one().get("from") == ECHO


def test_3_who_names_no_recipient_is_told(echo):
    echo.send(f"<message from='moon@{ECHO}' id='m'/>")
    error = echo.one()
    assert condition(error) == "bad-request"
    assert error.get("to") == f"moon@{ECHO}"


def test_a_recipient_that_is_no_address_is_told(echo):
    echo.send("<message to='@'/>")
    assert condition(echo.one()) == "jid-malformed"


@pytest.mark.parametrize("kind", ["message", "presence", "iq type='get'"])
def test_an_id_may_be_as_long_as_a_clients(server, echo, juliet, kind):
    """Who owes an answer is remembered with the id: a component asks another, or itself."""
    name = kind.partition(" ")[0]
    for to, taker in ((juliet.jid, juliet), (ECHO, echo)):
        stanza = f"<{kind} to='{to}' id='%s'><ping xmlns='{ns.PING}'/></{name}>"
        echo.send(stanza % ("x" * LONGEST_ID))
        assert taker.one().get("id") == "x" * LONGEST_ID
        echo.send(stanza % ("x" * (LONGEST_ID + 1)))
        assert condition(echo.one()) == "bad-request"
        assert taker.elements() == []


def test_two_components_reach_each_other():
    server = Verona(components={ECHO: table(), "moon.capulet.lit": table()})
    echo, moon = Component(server).log_in(), Component(server, "moon.capulet.lit").log_in()
    echo.send(message("moon.capulet.lit"))
    assert moon.one().get("from") == ECHO


@pytest.mark.parametrize(
    "payload",
    [
        "<q xmlns='urn:q'><z/></q>",
        "<q xmlns='jabber:client'/>",
        "<p:q xmlns:p='urn:p'><r/></p:q>",
        "<f xmlns='urn:xmpp:forward:0'><message xmlns='jabber:client'><body/></message></f>",
        "<q xmlns='jabber&#58;client'/>",
    ],
)
def test_a_payload_means_the_same_on_both_streams(echo, juliet, payload):
    """Elements of the stanza itself take the stream's namespace; below others they keep theirs."""
    juliet.send(f"<message to='{ECHO}'>{payload}</message>")
    there = _names(echo.one())
    juliet.send(f"<message to='{juliet.jid}'>{payload}</message>")
    here = _names(juliet.one())
    assert there == [*_own(here[:2], ns.COMPONENT), *here[2:]] or there == _own(here, ns.COMPONENT)
    back = payload.replace("client", "component:accept")
    echo.send(f"<message to='{juliet.jid}'>{back}</message>")
    back = _names(juliet.one())
    expected = [name.replace("component:accept", "client") for name in there]
    assert back[:2] == expected[:2]


def _names(element):
    return [each.tag for each in element.iter()]


def _own(names, content):
    return [name.replace(f"{{{ns.CLIENT}}}", f"{{{content}}}") for name in names]


# Requests


def ask(to, id_="r1"):
    return f"<iq type='get' id='{id_}' to='{to}'><ping xmlns='urn:xmpp:ping'/></iq>"


def test_a_request_is_answered_by_the_component(echo, juliet):
    juliet.send(ask(ECHO))
    echo.take()
    echo.send(f"<iq type='result' id='r1' to='{juliet.jid}'/>")
    assert juliet.one().get("type") == "result"


def test_requests_are_answered_at_once_when_the_component_goes(echo, juliet):
    juliet.send(ask(ECHO) + ask(f"moon@{ECHO}", "r2"))
    echo.hang_up()
    answers = juliet.elements()
    assert [condition(answer) for answer in answers] == ["service-unavailable"] * 2
    assert [answer.get("from") for answer in answers] == [ECHO, f"moon@{ECHO}"]
    assert [answer.get("id") for answer in answers] == ["r1", "r2"]


def test_what_was_answered_is_not_answered_again(echo, juliet):
    juliet.send(ask(ECHO))
    echo.send(f"<iq type='error' id='r1' to='{juliet.jid}'/>")
    juliet.take()
    echo.hang_up()
    assert juliet.take() == b""


def test_who_waits_for_a_component_that_stays_silent_is_told(server, echo, juliet):
    juliet.send(ask(ECHO))
    server.clock.pump([10.0] * 11)
    assert juliet.take() == b""
    server.clock.advance(10)
    assert condition(juliet.one()) == "remote-server-timeout"
    echo.hang_up()
    assert juliet.take() == b""


def test_the_answers_of_others_answer_nothing(echo, juliet, server):
    """Somebody else's result with the same id does not keep the error from who waits."""
    romeo = server.log_in("romeo", "orchard")
    juliet.send(ask(ECHO))
    echo.send(f"<iq type='result' id='r1' to='{romeo.jid}'/>")
    echo.hang_up()
    assert condition(juliet.one()) == "service-unavailable"


def test_a_component_owes_so_many_answers_at_most(echo, juliet, monkeypatch):
    """What is refused does not reach it: each request has one answer (RFC 6120 §8.2.3)."""
    monkeypatch.setattr("xmppd.core.components.pending.MOST", 3)
    juliet.send("".join(ask(ECHO, f"r{n}") for n in range(4)))
    assert condition(juliet.one()) == "resource-constraint"
    assert [each.get("id") for each in echo.elements()] == ["r0", "r1", "r2"]


# Absent


@pytest.mark.parametrize("stanza", [message(ECHO, id="m"), ask(ECHO, "m")])
def test_what_is_for_an_absent_component_is_answered(juliet, stanza):
    juliet.send(stanza)
    error = juliet.one()
    assert (error.get("id"), error.get("from")) == ("m", ECHO)
    assert condition(error) == "service-unavailable"
    assert error.find(f"{{{ns.CLIENT}}}error").get("type") == "wait", "it may come back"


def test_a_domain_that_is_configured_for_nobody_is_not_found(juliet):
    juliet.send(message("tomb.capulet.lit"))
    assert condition(juliet.one()) == "remote-server-not-found"


# Another connection of the domain


def test_a_second_connection_replaces_the_first(server, echo, juliet):
    second = Component(server).log_in()
    assert ended(echo) == "conflict"
    juliet.send(message(ECHO))
    assert second.one()
    assert server.host.components.connected == [ECHO]


def test_a_second_connection_is_refused_where_that_is_configured():
    server = verona(conflict="refuse")
    first = Component(server).log_in()
    second = Component(server).open().prove()
    assert ended(second) == "conflict"
    assert not first.closed
    server.log_in("juliet").send(message(ECHO))
    assert first.one()


def test_who_does_not_know_the_secret_replaces_nobody(server, echo):
    Component(server).open().prove("by any other name")
    assert not echo.closed


# Discovery and reload


def items(client):
    answer = client.ask(f"<query xmlns='{ns.DISCO_ITEMS}'/>", to="capulet.lit")
    return [item.get("jid") for item in answer[0]]


def test_a_connected_component_is_listed(server, juliet):
    assert items(juliet) == []
    echo = Component(server).log_in()
    assert items(juliet) == [ECHO]
    echo.hang_up()
    assert items(juliet) == []


def test_a_reload_takes_a_domain_out_and_in(server, echo, juliet):
    server.reload()
    assert ended(echo) == "host-gone"
    juliet.send(message(ECHO))
    assert condition(juliet.one()) == "remote-server-not-found"
    server.reload(components={ECHO: table()})
    echo = Component(server).log_in()
    juliet.send(message(ECHO))
    assert echo.one()


def test_a_reload_with_another_secret_ends_what_the_old_one_has_opened(server, echo, juliet):
    """RFC 6120 §4.9.3.16: the stream and what has secured it begin anew."""
    server.reload(components={ECHO: table("a rose by another")})
    assert ended(echo) == "reset"
    assert ended(Component(server).open().prove()) == "not-authorized"
    again = Component(server).open().prove("a rose by another")
    assert again.trusted
    server.reload(components={ECHO: table("a rose by another", queue_octets=2_000_000)})
    assert not again.closed


def test_a_server_that_stops_tells_its_components(server, echo):
    server.host.shut_down()
    assert ended(echo) == "system-shutdown"


# A slow one


def test_clients_that_write_to_a_slow_component_are_read_more_slowly(server, echo, juliet):
    romeo = server.log_in("romeo", "orchard")
    echo.clog()
    juliet.send(message(ECHO))
    assert juliet.paused
    assert not romeo.paused
    echo.unclog()
    assert not juliet.paused


def test_a_slow_component_that_goes_leaves_nobody_held(echo, juliet):
    echo.clog()
    juliet.send(message(ECHO))
    echo.hang_up()
    assert not juliet.paused


def test_what_waits_for_a_slow_component_is_bounded(server, echo, juliet):
    echo.clog(8_388_609)
    juliet.send(message(ECHO, id="m"))
    assert condition(juliet.one()) == "resource-constraint"
    assert echo.take() == b""


def test_a_request_that_is_refused_for_want_of_room_is_not_passed_on(monkeypatch):
    """There would be two answers to it (RFC 6120 §8.2.3)."""
    monkeypatch.setattr("xmppd.core.components.pending.MOST", 1)
    server = verona()
    echo, juliet = Component(server).log_in(), server.log_in("juliet")
    for id_ in "ab":
        echo.take()
        juliet.send(f"<iq type='get' id='{id_}' to='{ECHO}'><ping xmlns='urn:xmpp:ping'/></iq>")
    assert condition(juliet.one()) == "resource-constraint"
    assert echo.take() == b""
