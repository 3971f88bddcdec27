"""Namespace Delegation as a component sees it (XEP-0355)."""

from __future__ import annotations

import pytest
from twisted.internet.defer import Deferred

from components.common.component import Component
from components.common.delegation import Delegation
from components.common.disco import Disco, Identity, Info
from components.common.stanza import Stanza
from tests.support.kit import DOMAIN, JULIET, SERVER, Server, iq
from tests.support.logs import logged
from xmppd import ns
from xmppd.errors import StanzaError
from xmppd.jid import JID

CARD = "<vCard xmlns='vcard-temp'/>"
NAME = f"{ns.VCARD} vCard"


@pytest.fixture
def delegation(component: Component) -> Delegation:
    return Delegation(component, Disco(component))


def delegated(
    payload: str = CARD, type_: str = "get", to: str = " to='romeo@example.org'", sender=SERVER
) -> str:
    inside = f"<iq xmlns='{ns.CLIENT}' from='{JULIET}'{to} id='pep1' type='{type_}'>{payload}</iq>"
    wrapped = (
        f"<delegation xmlns='{ns.DELEGATION}'><forwarded xmlns='{ns.FORWARD}'>{inside}"
        "</forwarded></delegation>"
    )
    return iq("set", wrapped, sender=sender, id_="delegate1")


def reply(inside: str) -> bytes:
    return (
        f"<iq from='{DOMAIN}' to='{SERVER}' type='result' id='delegate1'>"
        f"<delegation xmlns='{ns.DELEGATION}'><forwarded xmlns='{ns.FORWARD}'>{inside}"
        "</forwarded></delegation></iq>"
    ).encode()


ADVERTISED = (
    f"<message from='{SERVER}' to='{DOMAIN}' id='12345'><delegation xmlns='{ns.DELEGATION}'>"
    "<delegated namespace='urn:xmpp:mam:2'><attribute name='node'/></delegated>"
    "<delegated namespace='http://jabber.org/protocol/pubsub'/></delegation></message>"
)


def test_the_operator_is_told_once_of_what_nobody_delegates(server: Server) -> None:
    component = server.component()
    delegation = Delegation(component, Disco(component))
    for namespace in ("urn:xmpp:mam:2", ns.VCARD):
        delegation.namespace(namespace)
    with logged() as lines:
        for _ in range(2):
            server.let_in()
            server.send(ADVERTISED)
            server.pass_time(11)
            server.line.cut()
            server.pass_time(1)
    told = [line for line in lines if "delegates" in line]
    assert len(told) == 1
    assert f"no server delegates {ns.VCARD} to {DOMAIN}: " in told[0]
    assert f'[components."{DOMAIN}".delegation]' in told[0]


def test_what_was_cut_off_is_not_missing(server: Server) -> None:
    component = server.component()
    Delegation(component, Disco(component)).namespace(ns.VCARD)
    with logged() as lines:
        server.let_in()
        server.line.cut()
        server.up = False
        server.pass_time(30)
    assert not any("delegates" in line for line in lines)


def test_it_knows_what_was_advertised(server: Server, delegation: Delegation) -> None:
    """§4.2, until the stream is gone."""
    server.send(ADVERTISED)
    assert delegation.granted == {
        SERVER: {"urn:xmpp:mam:2": ("node",), "http://jabber.org/protocol/pubsub": ()}
    }
    assert delegation.has("urn:xmpp:mam:2") and not delegation.has(ns.VCARD)
    server.line.cut()
    assert not delegation.has("urn:xmpp:mam:2")


def test_nobody_but_the_server_delegates(server: Server, delegation: Delegation) -> None:
    """§4.3: a stranger could act for anybody."""
    delegation.iq("get", NAME, lambda s: None)
    server.send(ADVERTISED.replace(f"from='{SERVER}'", f"from='{JULIET}'"))
    assert delegation.granted == {}
    assert b"<forbidden " in server.take()
    server.send(delegated(sender=JULIET))
    assert b"<forbidden " in server.take()


@pytest.mark.parametrize("answer", [b"<vCard xmlns='vcard-temp'><FN>R</FN></vCard>", None])
def test_a_result_is_wrapped_with_the_addresses_turned(
    server: Server, delegation: Delegation, answer: bytes | None
) -> None:
    """§4.3: `to`, `from` and `id` are those that the server checks."""
    seen: list[Stanza] = []

    def card(stanza: Stanza) -> bytes | None:
        seen.append(stanza)
        return answer

    delegation.iq("get", NAME, card)
    server.send(delegated())
    head = f"<iq xmlns='{ns.CLIENT}' from='romeo@example.org' to='{JULIET}' type='result' id='pep1'"
    assert server.take() == reply(head + (f">{answer.decode()}</iq>" if answer else "/>"))
    [stanza] = seen
    assert (stanza.sender, stanza.to) == (JULIET, "romeo@example.org")
    assert stanza.payload.tag == "{vcard-temp}vCard"


def test_a_request_to_the_server_has_no_address(server: Server, delegation: Delegation) -> None:
    delegation.iq("get", NAME, lambda s: None)
    server.send(delegated(to=""))
    inside = f"<iq xmlns='{ns.CLIENT}' to='{JULIET}' type='result' id='pep1'/>"
    assert server.take() == reply(inside)


def test_an_error_is_a_result_of_the_delegation(server: Server, delegation: Delegation) -> None:
    """§4.3, second note: an error of the delegation itself would lose its condition."""

    def card(stanza: Stanza) -> None:
        raise StanzaError("item-not-found", reason="stanza.node")

    delegation.iq("get", NAME, card)
    server.send(delegated())
    error = f"<error type='cancel' code='404'><item-not-found xmlns='{ns.STANZA_ERRORS}'/></error>"
    head = f"<iq xmlns='{ns.CLIENT}' from='romeo@example.org' to='{JULIET}' type='error' id='pep1'>"
    assert server.take() == reply(f"{head}{error}</iq>")


def test_an_answer_may_take_its_time(server: Server, delegation: Delegation) -> None:
    later: Deferred[bytes] = Deferred()
    delegation.iq("set", NAME, lambda s: later)
    server.send(delegated(type_="set"))
    assert server.take() == b""
    later.callback(b"<late/>")
    sent = server.take()
    assert sent.count(b"<iq ") == 2 and b"<late/>" in sent


@pytest.mark.parametrize("payload", ["<x xmlns='urn:x'/>", "", CARD * 2])
def test_what_nobody_handles_is_unavailable(
    server: Server, delegation: Delegation, payload: str
) -> None:
    delegation.iq("get", NAME, lambda s: None)
    server.send(delegated(payload))
    sent = server.take()
    assert b"<service-unavailable " in sent and b" type='result' id='delegate1'" in sent


@pytest.mark.parametrize(
    "inside",
    [
        "",
        f"<forwarded xmlns='{ns.FORWARD}'/>",
        f"<forwarded xmlns='{ns.FORWARD}'><message xmlns='{ns.CLIENT}'/></forwarded>",
        f"<forwarded xmlns='{ns.FORWARD}'><iq type='get'>{CARD}</iq></forwarded>",
        f"<forwarded xmlns='{ns.FORWARD}'><iq xmlns='{ns.CLIENT}' type='result'/></forwarded>",
    ],
)
def test_what_holds_no_request_is_bad(server: Server, delegation: Delegation, inside: str) -> None:
    delegation.iq("get", NAME, lambda s: None)
    wrapped = f"<delegation xmlns='{ns.DELEGATION}'>{inside}</delegation>"
    server.send(iq("set", wrapped, sender=SERVER))
    assert b"<bad-request " in server.take()


def test_prefixes_of_the_wrapping_are_spelled_out(server: Server, delegation: Delegation) -> None:
    inner: list[bytes] = []
    delegation.iq("get", NAME, lambda s: inner.append(s.inner))
    text = delegated("<v:vCard/>").replace("<delegation ", "<delegation xmlns:v='vcard-temp' ")
    server.send(text)
    assert inner == [b"<vCard xmlns='vcard-temp'/>"]


def test_a_server_delegates_what_is_for_itself_or_its_users(
    server: Server, delegation: Delegation
) -> None:
    delegation.iq("get", NAME, lambda s: None)
    for to in ("romeo@other.example", "other.example"):
        server.send(delegated(to=f" to='{to}'"))
        assert b"<forbidden " in server.take()
    server.send(delegated(to=f" to='{SERVER}'"))
    assert b"<forbidden " not in server.take()


def test_it_tells_the_server_what_it_may_say(server: Server, delegation: Delegation) -> None:
    """§7.2.1 and §7.2.2: nodes for the server and for bare JIDs."""
    delegation.namespace(
        ns.VCARD,
        features=[ns.VCARD],
        bare=Info((Identity("pubsub", "pep"),), ["urn:a"]),
    )
    for separator, expected in (
        ("::", "<feature var='vcard-temp'/>"),
        (":bare:", "<identity category='pubsub' type='pep'/><feature var='urn:a'/>"),
    ):
        node = f"{ns.DELEGATION}{separator}{ns.VCARD}"
        query = f"<query xmlns='{ns.DISCO_INFO}' node='{node}'"
        server.send(iq("get", f"{query}/>", sender=SERVER))
        assert f"{query}>{expected}</query>".encode() in server.take()
    server.send(iq("get", f"<query xmlns='{ns.DISCO_INFO}'/>", sender=SERVER))
    assert f"<feature var='{ns.DELEGATION}'/>".encode() in server.take()


def test_servers_are_told_apart(server: Server, delegation: Delegation) -> None:
    server.send(ADVERTISED)
    assert delegation.has("urn:xmpp:mam:2", JID.parse(SERVER))
    assert not delegation.has("urn:xmpp:mam:2", JID.parse("other.example"))
