"""Which components may carry sessions, and what becomes of these without them."""

from __future__ import annotations

import pytest

from tests.support.components import table
from tests.support.gateway import GRANTED, HTTP, Gateway, TunneledClient, session
from tests.support.managed import managed, resumed
from tests.support.offline import bodies, chat, numbered, numbers
from tests.support.people import JULIET, ROMEO
from tests.support.server import DOMAIN, Client, Verona, condition
from tests.support.sessions import read
from xmppd import ns
from xmppd.jid import JID
from xmppd.modules.session_tunnel import REMEMBERED
from xmppd.wire.stanza import Stanza

BALCONY, ORCHARD = f"{JULIET}/balcony", f"{ROMEO}/orchard"
WEB, SPY = "web.capulet.lit", "spy.capulet.lit"
SID = "a-long-random-name"
OPEN = f"<open xmlns='{ns.TUNNEL}' address='192.0.2.7' secure='true' to='{DOMAIN}' version='1.0'/>"
HOLDS = session(f"<f:forwarded>{chat(ORCHARD, 'x')}</f:forwarded>")
SAY = f"<message>{HOLDS}</message>"

COMPONENTS = {
    **GRANTED,
    WEB: table(tunnel=True),
    SPY: table(multicast=100),
}


@pytest.fixture
def server() -> Verona:
    return Verona(components=COMPONENTS)


@pytest.fixture
def gateway(server: Verona) -> Gateway:
    return Gateway(server)


@pytest.fixture
def juliet(gateway: Gateway) -> TunneledClient:
    return gateway.log_in("juliet", "balcony")


def features(client: Client) -> set[str | None]:
    answer = client.ask(f"<query xmlns='{ns.DISCO_INFO}'/>", to=DOMAIN)
    return {each.get("var") for each in answer.iter(f"{{{ns.DISCO_INFO}}}feature")}


# ------------------------------------------------------------------ who may


@pytest.mark.parametrize("sender", [f"{SID}@{SPY}", ORCHARD])
def test_nobody_may_but_components_that_are_granted_it(
    server: Verona, juliet: TunneledClient, romeo: Client, sender: str
) -> None:
    if sender == ORCHARD:
        romeo.send(f"<iq type='set' id='i' to='{DOMAIN}'>{OPEN}</iq>")
        romeo.send(SAY.replace("<message", f"<message to='{DOMAIN}'", 1))
        got = romeo.elements()
    else:
        spy = Gateway(server, SPY)
        spy.ask(OPEN, sender)
        spy.send(SAY, sender)
        spy.hear()
        got = spy.received
    assert [condition(e) for e in got] == ["forbidden", "forbidden"]
    assert len(server.host.connections) == 2, "juliet's and romeo's"
    assert not romeo.take()


def test_no_other_server_may(server: Verona, romeo: Client) -> None:
    answers: list[Stanza] = []
    server.host.router.attach(answers.append, "mantua.lit")
    for text in (f"<iq type='set' id='i'>{OPEN}</iq>", SAY):
        stanza = read(text)
        stanza.sender, stanza.to = JID.parse(f"{SID}@mantua.lit"), JID.parse(DOMAIN)
        server.host.router.route(stanza)
    assert [condition(each.element) for each in answers] == ["forbidden", "forbidden"]
    assert len(server.host.connections) == 1, "romeo's"
    assert not romeo.take()


def test_nobody_speaks_in_the_session_of_another_gateway(
    server: Verona, juliet: TunneledClient, romeo: Client
) -> None:
    other = Gateway(server, WEB)
    other.send(SAY, f"{juliet.sid.local}@{WEB}")
    assert [condition(e) for e in other.errors()] == ["item-not-found"]
    assert not romeo.take()


def test_a_session_is_at_the_domain_where_it_was_opened(romeo: Client) -> None:
    server = Verona(server={"domains": [DOMAIN, "mantua.lit"]}, components=COMPONENTS)
    gateway = Gateway(server)
    juliet = gateway.log_in("juliet", "balcony")
    gateway.send(SAY.replace(ORCHARD, BALCONY), str(juliet.sid), to="mantua.lit")
    assert not juliet.take()
    assert [condition(e) for e in gateway.errors()] == ["item-not-found"]


def test_a_grant_is_for_the_domains_that_it_names() -> None:
    grant = {HTTP: {**GRANTED[HTTP], "domains": ["mantua.lit"]}}
    server = Verona(server={"domains": [DOMAIN, "mantua.lit"]}, components=grant)
    gateway = Gateway(server)
    assert condition(gateway.ask(OPEN, f"{SID}@{HTTP}")) == "forbidden"
    gateway.ask(OPEN, f"{SID}@{HTTP}", to="mantua.lit")
    gateway.settle()
    said = gateway.received[-1].find(f".//{{{ns.STREAM_ERRORS}}}host-unknown")
    assert said is not None, "the client has named a domain that is not the gateway's"


def test_what_is_granted_no_longer_ends(server: Verona, juliet: TunneledClient) -> None:
    server.reload(components={HTTP: table()})
    assert server.host.directory.get(BALCONY) is None
    juliet.send(chat(ORCHARD, "x"))
    assert [condition(e) for e in juliet.gateway.errors()] == ["forbidden"]


@pytest.mark.parametrize("opened, left", [(DOMAIN, "mantua.lit"), ("mantua.lit", "mantua.lit")])
def test_what_is_granted_no_longer_for_a_domain_ends_there(opened: str, left: str) -> None:
    """Wherever the gateway has opened the session; who is at another domain stays."""
    domains = [DOMAIN, "mantua.lit"]
    server = Verona(server={"domains": domains}, components=GRANTED)
    gateway = Gateway(server)
    hers, his = f"{SID}-1@{HTTP}", f"{SID}-2@{HTTP}"
    gateway.ask(OPEN, hers, to=opened)
    gateway.ask(OPEN.replace(f"to='{DOMAIN}'", f"to='{left}'"), his, to=left)
    assert len(server.host.connections) == 2
    gateway.settle()
    gateway.received.clear()
    grant = {HTTP: {**GRANTED[HTTP], "domains": [left]}}
    server.reload(server={"domains": domains}, components=grant)
    (connection,) = server.host.connections
    assert connection.stream.domain == left
    gateway.settle()
    (told,) = gateway.received
    assert (told.get("to"), told[0][0].tag) == (hers, f"{{{ns.TUNNEL}}}lost")


def test_it_is_told_where_a_component_is_granted_it(server: Verona, romeo: Client) -> None:
    assert ns.TUNNEL in features(romeo)
    server.reload(components={HTTP: table()})
    assert ns.TUNNEL not in features(romeo)


# ------------------------------------------------------------------ open


@pytest.mark.parametrize(
    "sid", ["fifteen-letters", "x" * 65, "tilde~tilde~tilde", "random-name-with/a-resource", ""]
)
def test_the_name_of_a_session_is_long_and_no_longer(gateway: Gateway, sid: str) -> None:
    node, _, resource = sid.partition("/")
    sender = f"{node}@{HTTP}" if node else HTTP
    answer = gateway.ask(OPEN, f"{sender}/{resource}" if resource else sender)
    assert condition(answer) == "bad-request"


@pytest.mark.parametrize("address", ["", "juliet", "192.0.2.7:5222", "192.0.2"])
def test_every_client_has_an_address(server: Verona, gateway: Gateway, address: str) -> None:
    answer = gateway.ask(OPEN.replace("192.0.2.7", address), f"{SID}@{HTTP}")
    assert condition(answer) == "bad-request"
    assert not server.host.connections


def test_a_name_that_is_in_use_is_refused(gateway: Gateway, juliet: TunneledClient) -> None:
    assert condition(gateway.ask(OPEN, str(juliet.sid))) == "conflict"
    juliet.send(f"<iq type='get' id='p'><ping xmlns='{ns.PING}'/></iq>")
    assert juliet.one().get("type") == "result", "the session that has the name is as it was"


def test_the_answer_comes_before_anything_that_is_said(gateway: Gateway) -> None:
    gateway.connect().open().take()
    assert [e.tag.rpartition("}")[2] for e in gateway.received] == ["iq", "message"]


# ------------------------------------------------------------------ sessions that are not there


def test_of_a_session_that_is_not_there_the_gateway_is_told_once(gateway: Gateway) -> None:
    for _ in range(3):
        gateway.send(SAY, f"{SID}-1@{HTTP}")
    gateway.send(SAY, f"{SID}-2@{HTTP}")
    told = [(e.get("to"), condition(e)) for e in gateway.errors()]
    assert told == [(f"{SID}-{n}@{HTTP}", "item-not-found") for n in (1, 2)]


def test_of_one_that_is_over_it_was_told_already(
    gateway: Gateway, juliet: TunneledClient, romeo: Client
) -> None:
    juliet.say("<t:close/>")
    juliet.send(chat(ORCHARD, "late")).hang_up()
    assert not gateway.errors()
    assert not romeo.take()


def test_a_name_may_be_used_again(gateway: Gateway, juliet: TunneledClient) -> None:
    juliet.hang_up()
    assert juliet.begin().get("type") == "result"


def test_so_many_are_remembered_and_no_more(gateway: Gateway) -> None:
    for n in range(REMEMBERED + 1):
        gateway.send(SAY, f"{SID}-{n}@{HTTP}")
    assert len(gateway.errors()) == REMEMBERED + 1
    for n in (0, REMEMBERED):
        gateway.send(SAY, f"{SID}-{n}@{HTTP}")
    assert [e.get("to") for e in gateway.errors()[REMEMBERED + 1 :]] == [f"{SID}-0@{HTTP}"]


def test_an_error_is_answered_by_nothing(server: Verona, gateway: Gateway) -> None:
    gateway.send("<message type='error'/>", f"{SID}@{HTTP}")
    assert not gateway.errors()


# ------------------------------------------------------------------ messages that are wrong


@pytest.mark.parametrize(
    "inner",
    [
        f"<x>{ns.TUNNEL}</x>",
        session() + session(),
        session("<f:forwarded/><t:dance/>"),
        session("<message/>"),
        session("<t:open><message/></t:open>"),
        session(taken="soon"),
        session(taken="-1"),
        f"<session xmlns='{ns.TUNNEL}'><forwarded xmlns='{ns.FORWARD}'><message/></forwarded>"
        "</session>",
    ],
)
def test_what_is_wrong_is_refused_as_a_whole_and_the_session_goes_on(
    gateway: Gateway, juliet: TunneledClient, romeo: Client, inner: str
) -> None:
    gateway.send(f"<message>{inner}</message>", str(juliet.sid))
    assert [condition(e) for e in gateway.errors()] == ["bad-request"]
    juliet.send(chat(ORCHARD, "x"))
    assert bodies(romeo) == ["x"]
    assert not juliet.events


def test_what_has_no_session_in_it_is_none_of_its_business(gateway: Gateway) -> None:
    gateway.send("<message id='m'><body>x</body></message>", f"{SID}@{HTTP}")
    assert [condition(e) for e in gateway.errors()] == ["service-unavailable"]


# ------------------------------------------------------------------ the gateway is gone


def test_a_gateway_that_does_not_know_a_session_has_lost_it(
    server: Verona, gateway: Gateway, juliet: TunneledClient
) -> None:
    gateway.send("<message type='error'/>", str(juliet.sid))
    server.clock.advance(0)
    assert server.host.directory.get(BALCONY) is None
    assert not juliet.take() and not juliet.events


def test_where_something_can_not_be_sent_the_session_is_lost(
    server: Verona, gateway: Gateway, juliet: TunneledClient, romeo: Client
) -> None:
    """Its client would miss it. The gateway does not know, so it is told when it speaks next."""
    gateway.component.clog(server.config.components[HTTP].queue_octets + 1)
    romeo.send(chat(BALCONY, "x"))
    server.clock.advance(0)
    assert server.host.directory.get(BALCONY) is None
    assert not juliet.take()
    gateway.component.unclog()
    for _ in range(2):
        juliet.send(chat(ORCHARD, "x"))
    assert [condition(e) for e in gateway.errors()] == ["item-not-found"]
    assert not romeo.take()


def test_sessions_go_with_their_component_and_with_no_other(
    server: Verona, gateway: Gateway, juliet: TunneledClient
) -> None:
    web = Gateway(server, WEB)
    romeo = web.log_in("romeo", "orchard")
    gateway.leave()
    assert server.host.directory.get(BALCONY) is None
    assert not juliet.take() and not juliet.events
    romeo.send(f"<iq type='get' id='p'><ping xmlns='{ns.PING}'/></iq>")
    assert romeo.one().get("type") == "result"


def test_who_manages_the_stream_goes_on_elsewhere(
    server: Verona, gateway: Gateway, romeo: Client
) -> None:
    _, id_ = managed(gateway, "juliet", "balcony")
    gateway.leave()
    session = server.host.directory.get(BALCONY)
    assert session is not None and not session.attached
    romeo.send(numbered(1, 2, BALCONY))
    back, _, again = resumed(server, "juliet", id_)
    assert [e.get("id") for e in again] == numbers(1, 2)
    romeo.send(chat(BALCONY, "3"))
    assert bodies(back) == ["3"]


def test_a_gateway_that_comes_back_begins_anew(
    server: Verona, gateway: Gateway, juliet: TunneledClient
) -> None:
    gateway.leave()
    again = Gateway(server)
    again.send(SAY, str(juliet.sid))
    assert [condition(e) for e in again.errors()] == ["item-not-found"]
    assert again.log_in("juliet", "balcony").jid == BALCONY


def test_without_the_module_no_stream_is_left(server: Verona, juliet: TunneledClient) -> None:
    server.reload(components=COMPONENTS, modules={"off": ["session_tunnel"]})
    assert condition(juliet.one()) == "system-shutdown"
    assert not server.host.connections
    assert condition(juliet.gateway.ask(OPEN, f"{SID}@{HTTP}")) == "service-unavailable"
