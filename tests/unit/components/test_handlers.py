"""wokkel's handlers on a component: they send and receive as on a stream of Twisted's."""

from __future__ import annotations

from typing import Any

import pytest
from twisted.words.protocols.jabber import error, xmlstream
from twisted.words.xish import domish

from components.common.component import Component
from components.common.handlers import Handlers
from tests.support.deferred import result
from tests.support.kit import DOMAIN, JULIET, Server, asked, iq, message
from xmppd import ns
from xmppd.jid import JID

wokkel = pytest.importorskip("wokkel", reason="wokkel is not installed")
disco = pytest.importorskip("wokkel.disco")
generic = pytest.importorskip("wokkel.generic")
ping = pytest.importorskip("wokkel.ping")
subprotocols = pytest.importorskip("wokkel.subprotocols")

PING = f"<ping xmlns='{ns.PING}'/>"


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
def component(server: Server) -> Component:
    return server.component()


@pytest.fixture
def handlers(component: Component) -> Handlers:
    return Handlers(component)


class Echo(subprotocols.XMPPHandler):
    def __init__(self) -> None:
        super().__init__()
        self.told: list[str] = []

    def connectionInitialized(self) -> None:
        self.told.append("open")
        self.xmlstream.addObserver("/message/body", self.on_message)

    def connectionLost(self, reason: Any) -> None:
        self.told.append("lost")

    def on_message(self, element: Any) -> None:
        reply = domish.Element((None, "message"))
        reply["to"] = element["from"]
        reply.addElement("body", content=str(element.body))
        self.send(reply)


def test_every_module_of_wokkel_can_be_imported() -> None:
    for name in ("pubsub", "muc", "xmppim", "data_form", "shim", "delay", "client", "component"):
        pytest.importorskip(f"wokkel.{name}")


def test_a_handler_observes_and_sends(server: Server, handlers: Handlers) -> None:
    echo = Echo()
    echo.setHandlerParent(handlers)
    server.let_in().send(message("a &amp; b"))
    assert server.take() == (
        f"<message to='{JULIET}' from='{DOMAIN}'><body>a &amp; b</body></message>".encode()
    )
    server.line.cut()
    assert echo.told == ["open", "lost"]
    server.pass_time(2)
    server.let_in()
    assert echo.told == ["open", "lost", "open"]


def test_a_resumed_stream_is_the_same_to_handlers(server: Server, handlers: Handlers) -> None:
    echo = Echo()
    server.let_in(managed=True)
    handlers.addHandler(echo)
    server.line.cut()
    assert echo.told == ["open"]


def test_requests_are_answered_by_handlers_or_by_nobody(server: Server, handlers: Handlers) -> None:
    handlers.addHandler(ping.PingHandler())
    generic.VersionHandler("wokkel", "18").setHandlerParent(handlers)
    disco.DiscoHandler().setHandlerParent(handlers)
    server.let_in().send(iq("get", PING))
    assert b"type='result'" in server.take()
    server.send(iq("get", f"<query xmlns='{ns.VERSION}'/>"))
    assert b"<name>wokkel</name>" in server.take()
    server.send(iq("get", f"<query xmlns='{ns.DISCO_INFO}'/>"))
    assert ns.PING.encode() in server.take()
    server.send(iq("get", "<x xmlns='urn:x'/>"))
    assert b"<service-unavailable " in server.take()


def test_the_component_comes_first(
    server: Server, component: Component, handlers: Handlers
) -> None:
    handlers.addHandler(ping.PingHandler())
    component.iq("get", f"{ns.PING} ping", lambda stanza: b"<ours/>")
    server.let_in().send(iq("get", PING))
    assert b"<ours/>" in server.take()


def test_requests_of_handlers_have_their_answer(server: Server, handlers: Handlers) -> None:
    client = disco.DiscoClientProtocol()
    client.setHandlerParent(handlers)
    server.let_in()
    entity = JID.parse("romeo@example.org")
    answers = []
    for _ in range(3):
        jid = pytest.importorskip("twisted.words.protocols.jabber.jid")
        answers.append((client.requestInfo(jid.JID(str(entity))), asked(server.take())))
    (good, first), (bad, second), (late, _) = answers
    info = f"<query xmlns='{ns.DISCO_INFO}'><feature var='urn:a'/></query>"
    server.send(iq("result", info, sender=entity, id_=first))
    assert "urn:a" in result(good).features
    fault = f"<error type='auth'><forbidden xmlns='{ns.STANZA_ERRORS}'/></error>"
    server.send(iq("error", fault, sender=entity, id_=second))
    with pytest.raises(error.StanzaError) as caught:
        result(bad)
    assert caught.value.condition == "forbidden"
    server.pass_time(31)
    with pytest.raises(xmlstream.TimeoutError):
        result(late)
